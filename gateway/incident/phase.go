package incident

import (
	"fmt"
	"slices"
	"time"

	"pagerd/gateway/alert"
)

// mitigate: users are well again.
func (m *machine) mitigate(ev Mitigate) {
	switch {
	case m.in.Over():
		m.fx.Answer = AnswerAlreadyResolved
	case m.in.Status == Mitigated:
		m.fx.Answer = AnswerAlreadyMitigated
	default:
		m.in.Status, m.in.MitigatedAt = Mitigated, m.now
		m.lead(ev.By)
		m.acted(ev.By, ev.Channel, "mitigated", person(ev.By)+" says that users are well again.")
		m.enter(PhaseRecovery, ev.By)
		m.met(TargetTriage)
		m.met(TargetMitigate)
		m.fx.Answer = AnswerMitigated
	}
}

// setPhase: recovery and resolved are what "mitigated" and "resolved" say; the postmortem follows the end.
func (m *machine) setPhase(ev SetPhase) {
	in := &m.in
	switch {
	case in.Over() && !(in.Status == Resolved && ev.To == PhasePostmortem), !slices.Contains(AllPhases(), ev.To):
		m.fx.Answer = AnswerRefused
	case ev.To == in.Phase():
		m.fx.Answer = AnswerUnchanged
	case ev.To == PhaseRecovery:
		m.mitigate(Mitigate{By: ev.By, Channel: ev.Channel})
	case ev.To == PhaseResolved:
		m.resolve(Resolve{By: ev.By, Channel: ev.Channel})
	case in.Status == Candidate, ev.To == PhaseDetection, ev.To == PhasePostmortem && in.Status != Resolved:
		m.fx.Answer = AnswerRefused
	default:
		from := in.Phase()
		m.acted(ev.By, ev.Channel, "phase", fmt.Sprintf("From %s to %s.", from, ev.To))
		m.fx.Answer = AnswerPhase
		if ev.To == PhasePostmortem {
			m.enter(ev.To, ev.By)
			return
		}
		if in.Status == Mitigated {
			in.Status, in.MitigatedAt = Open, time.Time{}
			m.restart(TargetMitigate, m.now)
		}
		if ev.To == PhaseTriage {
			m.restart(TargetTriage, m.now)
		}
		m.back(ev.To, ev.By)
		if ev.To != PhaseTriage {
			m.met(TargetTriage)
		}
	}
}

// learned: the postmortem is published. What is not over has nothing to be learned from yet.
func (m *machine) learned(ev Learned) {
	in := &m.in
	switch {
	case in.Status != Resolved:
		m.fx.Answer = AnswerRefused
	case in.Phase() == PhasePostmortem && (in.RootCause != "" || ev.RootCause == ""):
		m.fx.Answer = AnswerUnchanged
	default:
		m.acted(ev.By, ev.Channel, "learned", person(ev.By)+" published the postmortem.")
		m.enter(PhasePostmortem, ev.By)
		if in.RootCause == "" {
			in.RootCause = ev.RootCause
		}
		m.fx.Answer = AnswerLearned
	}
}

// back enters a phase, perhaps an earlier one.
func (m *machine) back(p Phase, by string) {
	m.enter(p, by)
	m.remindAgain()
}

// raised follows a page's severity; alerts raise, only people lower.
func (m *machine) raised(ev Raised) {
	if m.in.Status == Merged || ev.To == m.in.Severity || !ev.To.Valid() || ev.By == "" && !ev.To.Worse(m.in.Severity) {
		return
	}
	from := m.in.Severity
	m.severity(ev.To, ev.Targets)
	text := fmt.Sprintf("From %s to %s.", from, ev.To)
	if ev.By == "" {
		m.record("pagerd", "severity_changed", text)
		return
	}
	m.acted(ev.By, "", "severity_changed", text)
	m.triaged(ev.By)
}

// setSeverity: somebody says how bad it is, which is what triage is for.
func (m *machine) setSeverity(ev SetSeverity) {
	if !ev.To.Valid() || m.in.Status == Merged {
		m.fx.Answer = AnswerRefused
		return
	}
	if ev.To == m.in.Severity {
		if m.in.Phase() != PhaseTriage {
			m.fx.Answer = AnswerUnchanged
			return
		}
		m.acted(ev.By, ev.Channel, "severity_confirmed", fmt.Sprintf("%s confirms %s.", person(ev.By), ev.To))
		m.fx.Answer = AnswerSeverityConfirmed
	} else {
		from := m.in.Severity
		m.severity(ev.To, ev.Targets)
		m.acted(ev.By, ev.Channel, "severity_changed", fmt.Sprintf("From %s to %s.", from, ev.To))
		m.fx.Answer = AnswerSeverity
		for _, p := range ev.Pages {
			m.in.Errands = append(m.in.Errands, Errand{Kind: ErrandFollow, Page: p, Severity: ev.To, By: ev.By})
		}
	}
	m.triaged(ev.By)
}

// triaged ends the triage, if it goes on.
func (m *machine) triaged(by string) {
	if m.in.Phase() == PhaseTriage {
		m.enter(PhaseInvestigation, by)
		m.met(TargetTriage)
	}
}

// severity takes over the targets of another severity. What they do not ask for yet is no breach any more.
func (m *machine) severity(to alert.Severity, t Targets) {
	m.in.Severity, m.in.Targets = to, t
	m.in.Restarts = slices.DeleteFunc(m.in.Restarts, func(r Restart) bool { return r.At.After(m.now) }) // hours that this severity may not wait for
	var kept []Breach
	for _, b := range m.in.Breaches {
		limit, from := m.in.limit(b.Target)
		if b.Met.IsZero() && (limit == 0 || from.Add(limit).After(m.now)) {
			continue
		}
		kept = append(kept, b)
	}
	m.in.Breaches = kept
	m.judgeDetection()
	m.remindAgain()
	m.relieveLater()
	m.in.QuietDue = time.Time{}
	if t.Quiet > 0 && m.working() {
		m.in.QuietDue = m.now.Add(t.Quiet)
	}
}

// maxContributing bounds what a careless script could add without end.
const maxContributing = 20

// describe writes down what is known. A known cause ends the investigation.
func (m *machine) describe(ev Describe) {
	in := &m.in
	if in.Status == Merged {
		m.fx.Answer = AnswerRefused
		return
	}
	var said []string
	say := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	if !ev.ImpactAt.IsZero() && !ev.ImpactAt.Equal(in.ImpactAt) {
		in.ImpactAt = ev.ImpactAt.UTC()
		say("Impact since %s.", in.ImpactAt.Format(time.RFC3339))
		m.judgeDetection()
	}
	if ev.Summary != "" && ev.Summary != in.Summary {
		in.Summary = ev.Summary
		say("Summary: %s", ev.Summary)
	}
	known := ev.RootCause != "" && ev.RootCause != in.RootCause
	if known {
		in.RootCause = ev.RootCause
		say("Root cause: %s", ev.RootCause)
	}
	if c := ev.Contributing; c != "" && !slices.Contains(in.Contributing, c) && len(in.Contributing) < maxContributing {
		in.Contributing = append(in.Contributing, c)
		say("Contributing: %s", c)
	}
	if f := ev.CustomerData; f != nil && *f != in.CustomerData {
		in.CustomerData = *f
		say("Customer data touched: %s.", yes(*f))
	}
	if f := ev.Security; f != nil && *f != in.Security {
		in.Security = *f
		say("Security: %s.", yes(*f))
	}
	if len(said) == 0 {
		m.fx.Answer = AnswerUnchanged
		return
	}
	text := said[0]
	for _, s := range said[1:] {
		text += " " + s
	}
	m.acted(ev.By, ev.Channel, "described", text)
	if known && m.working() && (in.Phase() == PhaseTriage || in.Phase() == PhaseInvestigation) {
		m.enter(PhaseMitigation, ev.By)
		m.met(TargetTriage)
	}
	m.fx.Answer = AnswerDescribed
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// maxNote is how long a note may be, in runes.
const maxNote = 2000

func (m *machine) note(ev Note) {
	text := []rune(ev.Text)
	if len(text) == 0 {
		m.fx.Answer = AnswerRefused
		return
	}
	m.acted(ev.By, ev.Channel, "note", string(text[:min(len(text), maxNote)]))
	if !ev.At.IsZero() {
		m.fact("happened_at", ev.At.UTC().Format(time.RFC3339))
	}
	m.fx.Answer = AnswerNoted
}
