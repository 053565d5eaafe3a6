package incident

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/timeline"
)

// Next is the only way to change an incident. in is not modified; what Next changes it copies first. With Effects.Changed
// false the returned incident equals in.
func Next(in Incident, ev Event, now time.Time) (Incident, Effects) {
	m := &machine{in: clone(in), now: now}
	m.upgrade()
	m.apply(ev)
	if !m.fx.Changed {
		return in, m.fx
	}
	if m.in.Over() {
		m.in.RemindDue, m.in.QuietDue, m.in.ReliefDue = time.Time{}, time.Time{}, time.Time{}
	}
	switch {
	case len(m.in.Errands) == 0:
		m.in.ErrandDue = time.Time{}
	case m.in.ErrandDue.IsZero():
		m.in.ErrandDue = m.now
	}
	m.in.Due, m.in.DueFor = m.in.next()
	if !m.in.Due.IsZero() && m.in.Due.Before(m.now) && m.in.DueFor != TimerErrand {
		m.in.Due = m.now // a raised severity's time may be over already: nobody is late with what was not asked until now
	}
	return m.in, m.fx
}

// machine is one transition under way.
type machine struct {
	in  Incident
	fx  Effects
	now time.Time
	old bool // format 1 until now
}

// apply is a switch over the sealed events, which is why it is long.
func (m *machine) apply(ev Event) {
	if m.in.Status == "" { // only a page begins an incident
		switch ev := ev.(type) {
		case Promote:
			m.begin(ev)
		case MoveIn:
			m.split(ev)
		default:
			m.fx.Answer = m.tooLate(ev)
		}
		return
	}
	switch ev := ev.(type) {
	case Promote:
		m.promote(ev)
	case PageOver:
		m.pageOver(ev)
	case Due:
		m.timers(ev)
	case Mitigate:
		m.mitigate(ev)
	case Resolve:
		m.resolve(ev)
	case Confirm:
		m.confirm(ev)
	case Dismiss:
		m.dismiss(ev)
	case Raised:
		m.raised(ev)
	case SetSeverity:
		m.setSeverity(ev)
	case SetPhase:
		m.setPhase(ev)
	case Learned:
		m.learned(ev)
	case Describe:
		m.describe(ev)
	case Note:
		m.note(ev)
	case Assign:
		m.assign(ev)
	case Call:
		m.call(ev)
	case Rung:
		m.rung(ev)
	case Answered:
		m.answered(ev)
	case Merge:
		m.merge(ev)
	case Absorb:
		m.absorb(ev)
	case MoveOut:
		m.moveOut(ev)
	case MoveIn:
		m.moveIn(ev)
	case ErrandDone:
		m.errandDone(ev)
	case Upgrade:
		m.upgraded(ev)
	}
}

// tooLate is what an act on something that is over, or never began, comes to.
func (m *machine) tooLate(ev Event) Answer {
	switch ev.(type) {
	case Mitigate, Resolve, SetPhase, Learned:
		return AnswerAlreadyResolved
	case Confirm, Dismiss, SetSeverity, Describe, Note, Assign, Call, Merge, MoveOut:
		return AnswerRefused
	}
	return AnswerNone
}

// clone copies what a transition may change in place.
func clone(in Incident) Incident {
	in.Pages = slices.Clone(in.Pages)
	in.Phases = slices.Clone(in.Phases)
	in.Breaches = slices.Clone(in.Breaches)
	in.Roles = slices.Clone(in.Roles)
	in.Called = slices.Clone(in.Called)
	in.Contributing = slices.Clone(in.Contributing)
	in.MergedFrom = slices.Clone(in.MergedFrom)
	in.Errands = slices.Clone(in.Errands)
	in.Restarts = slices.Clone(in.Restarts)
	return in
}

// record marks the incident as changed and writes the entry. The first word of a transition stays: what caused the rest.
func (m *machine) record(actor, what, text string) {
	m.fx.Changed = true
	if m.fx.Entry.What == "" {
		m.fx.Entry = timeline.Entry{Actor: actor, What: what, Text: text, Facts: map[string]string{}}
	}
	if m.fx.Entry.Facts != nil {
		m.fx.Entry.Facts["status"] = string(m.in.Status)
	}
}

// acted records what a person did: it is a sign of life.
func (m *machine) acted(by, channel, what, text string) {
	m.record(person(by), what, text)
	m.fact("channel", channel)
	m.in.ActiveAt = m.now
	if m.in.Targets.Quiet > 0 && m.working() {
		m.in.QuietDue = m.now.Add(m.in.Targets.Quiet)
	}
}

func (m *machine) fact(key, value string) {
	if m.fx.Entry.Facts != nil && value != "" {
		m.fx.Entry.Facts[key] = value
	}
}

func (m *machine) factNumber(key string, n int64) { m.fact(key, strconv.FormatInt(n, 10)) }

// person names whoever acts; nobody is pagerd itself.
func person(name string) string {
	if name == "" {
		return "pagerd"
	}
	return name
}

// working reports whether people work on the incident.
func (m *machine) working() bool { return m.in.Status == Open || m.in.Status == Mitigated }

func grave(s alert.Severity) bool { return s == alert.SEV1 || s == alert.SEV2 }

// enter goes to a phase.
func (m *machine) enter(p Phase, by string) {
	if m.in.Phase() != p {
		m.in.Phases = append(m.in.Phases, PhaseChange{Phase: p, At: m.now, By: person(by)})
		m.fact("phase", string(p))
	}
}

// begin makes an incident of its first page.
func (m *machine) begin(ev Promote) {
	in := &m.in
	in.Format, in.Status, in.Severity, in.Declared = Format, Open, ev.Severity, ev.Declared
	in.Service, in.Summary, in.Pages, in.Targets = ev.Service, ev.Summary, []int64{ev.Page}, ev.Targets
	in.WarRoom, in.CustomerData, in.Security = ev.WarRoom, ev.CustomerData, ev.Security
	in.Drill = ev.Drill
	m.detected(ev.Triggered)
	in.Phases = []PhaseChange{{Phase: PhaseDetection, At: in.DetectedAt, By: "pagerd"}}
	if in.Targets.OfficeHours && ev.Opens.After(m.now) {
		m.restart(TargetTriage, ev.Opens)
		m.restart(TargetMitigate, ev.Opens)
	}
	switch {
	case ev.Candidate:
		in.Status = Candidate
		m.record("pagerd", "candidate", fmt.Sprintf("Page %d (%s) resolved unacknowledged: was it an incident?", ev.Page, ev.Severity))
		m.askOfCandidate()
	case ev.Declared:
		m.acted(ev.By, "", "declared", fmt.Sprintf("%s declared %s and leads the incident: %s", person(ev.By), ev.Severity, ev.Summary))
		m.start(ev.By)
	default:
		m.acted(ev.By, "", "begun", fmt.Sprintf("%s acknowledged page %d and leads the incident.", person(ev.By), ev.Page))
		m.start(ev.By)
	}
	m.factNumber("page", ev.Page)
}

// start is where people begin to work on it.
func (m *machine) start(by string) {
	m.in.AcknowledgedAt = m.now
	m.command(by, by)
	m.enter(PhaseTriage, by)
}

// promote adds a page. A page that joins what was over opens it again; what was merged is no place for pages any more.
func (m *machine) promote(ev Promote) {
	in := &m.in
	if in.Status == Merged {
		return
	}
	known := slices.Contains(in.Pages, ev.Page)
	if !known {
		in.Pages = append(in.Pages, ev.Page)
	}
	if ev.Severity.Worse(in.Severity) {
		m.severity(ev.Severity, ev.Targets)
	}
	m.detected(ev.Triggered)
	wasOver, was := in.PagesOver, in.Status
	in.PagesOver = false
	switch {
	case !ev.Candidate && was == Candidate:
		in.Status = Open
		m.acted(ev.By, "", "begun", fmt.Sprintf("%s acknowledged page %d: the candidate is an incident.", person(ev.By), ev.Page))
		m.start(ev.By)
	case !ev.Candidate && in.Over():
		m.reopen(ev.By, fmt.Sprintf("Page %d fires again: the incident is open again.", ev.Page))
	case !known || wasOver:
		m.record(person(ev.By), "page_joined", fmt.Sprintf("Page %d belongs to the incident.", ev.Page))
	}
	if !ev.Candidate && in.Commander == "" && m.fx.Changed {
		m.command(ev.By, ev.By)
	}
	m.factNumber("page", ev.Page)
}

// reopen: it was not over after all, and users are not well again.
func (m *machine) reopen(by, text string) {
	in := &m.in
	in.Status, in.ResolvedAt, in.MitigatedAt, in.Dismissal = Open, time.Time{}, time.Time{}, ""
	in.Reopened++
	if in.AcknowledgedAt.IsZero() {
		in.AcknowledgedAt = m.now
	}
	m.acted(by, "", "reopened", text)
	if in.Commander == "" {
		m.command(by, by)
	}
	m.relieveLater()
	m.restart(TargetMitigate, m.now)
	m.back(PhaseInvestigation, by)
}

// detected keeps the earliest trigger.
func (m *machine) detected(at time.Time) {
	if m.in.DetectedAt.IsZero() || !at.IsZero() && at.Before(m.in.DetectedAt) {
		m.in.DetectedAt = at
		if len(m.in.Phases) > 0 {
			m.in.Phases[0].At = at
		}
	}
}
