package incident

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/timeline"
)

// Next is the only way to change an incident. in is not modified; what Next changes it copies first. Every event is legal
// in every status: what comes too late is answered.
func Next(in Incident, ev Event, now time.Time) (Incident, Effects) {
	m := &machine{in: in, now: now}
	m.in.Pages = slices.Clone(in.Pages)
	switch ev := ev.(type) {
	case Promote:
		m.promote(ev)
	case PageOver:
		m.pageOver(ev)
	case Mitigate:
		m.mitigate(ev)
	case Resolve:
		m.resolve(ev)
	case Dismiss:
		m.dismiss(ev)
	case Raised:
		m.raised(ev)
	}
	if !m.fx.Changed {
		return in, m.fx
	}
	return m.in, m.fx
}

type machine struct {
	in  Incident
	fx  Effects
	now time.Time
}

func (m *machine) record(actor, what, text string) {
	m.fx.Changed = true
	m.fx.Entry = timeline.Entry{Actor: actor, What: what, Text: text, Facts: map[string]string{"status": string(m.in.Status)}}
}

// promote begins the incident, or adds a page to it. A page that joins what was over opens it again.
func (m *machine) promote(ev Promote) {
	in := &m.in
	if in.Status == "" {
		m.begin(ev)
		return
	}
	known := slices.Contains(in.Pages, ev.Page)
	if !known {
		in.Pages = append(in.Pages, ev.Page)
	}
	if ev.Severity.Worse(in.Severity) {
		in.Severity = ev.Severity
	}
	m.detected(ev.Triggered)
	was := in.Status
	if !ev.Candidate && was != Open && was != Mitigated {
		in.Status, in.ResolvedAt, in.Dismissal = Open, time.Time{}, ""
		in.MitigatedAt = time.Time{} // users are not well again after all
	}
	wasOver := in.PagesOver
	in.PagesOver = false
	if in.Commander == "" && !ev.Candidate {
		in.Commander = ev.By
	}
	if in.AcknowledgedAt.IsZero() && !ev.Candidate {
		in.AcknowledgedAt = m.now
	}
	switch {
	case in.Status != was && was == Candidate:
		m.record(by(ev.By), "begun", fmt.Sprintf("%s acknowledged page %d: the candidate is an incident.", by(ev.By), ev.Page))
	case in.Status != was:
		m.record(by(ev.By), "reopened", fmt.Sprintf("Page %d fires again: the incident is open again.", ev.Page))
	case !known || wasOver:
		m.record(by(ev.By), "page_joined", fmt.Sprintf("Page %d belongs to the incident.", ev.Page))
	}
	m.fact("page", ev.Page)
}

func (m *machine) begin(ev Promote) {
	in := &m.in
	in.Format, in.Status, in.Severity = Format, Open, ev.Severity
	in.Service, in.Summary, in.Pages = ev.Service, ev.Summary, []int64{ev.Page}
	m.detected(ev.Triggered)
	if ev.Candidate {
		in.Status = Candidate
		m.record("pagerd", "candidate", fmt.Sprintf("Page %d (%s) resolved unacknowledged: was it an incident?", ev.Page, ev.Severity))
	} else {
		in.Commander, in.AcknowledgedAt = ev.By, m.now
		m.record(by(ev.By), "begun", fmt.Sprintf("%s acknowledged page %d and leads the incident.", by(ev.By), ev.Page))
	}
	m.fact("page", ev.Page)
}

// detected keeps the earliest trigger.
func (m *machine) detected(at time.Time) {
	if m.in.DetectedAt.IsZero() || !at.IsZero() && at.Before(m.in.DetectedAt) {
		m.in.DetectedAt = at
	}
}

func (m *machine) fact(key string, n int64) {
	if m.fx.Entry.Facts != nil {
		m.fx.Entry.Facts[key] = strconv.FormatInt(n, 10)
	}
}

func by(person string) string {
	if person == "" {
		return "pagerd"
	}
	return person
}

// pageOver: a grave incident never ends by itself, its commander is asked.
func (m *machine) pageOver(ev PageOver) {
	in := &m.in
	if !slices.Contains(in.Pages, ev.Page) || in.PagesOver || in.Status != Open && in.Status != Mitigated {
		return
	}
	if !ev.Last {
		// Stored although nothing is different: of two last pages that end at the same moment, each of which sees the other
		// open, one must lose and look again.
		m.fx.Changed = true
		return
	}
	in.PagesOver = true
	if ev.May && in.Severity != alert.SEV1 && in.Severity != alert.SEV2 {
		in.Status, in.ResolvedAt = Resolved, m.now
		m.record("pagerd", "resolved", "Its last page resolved.")
		return
	}
	m.record("pagerd", "pages_over", "Every page is over; the commander is asked.")
	m.fx.AskCommander = true
}

func (m *machine) mitigate(ev Mitigate) {
	switch m.in.Status {
	case Resolved, Dismissed, "":
		m.fx.Answer = "already_resolved"
	case Mitigated:
		m.fx.Answer = "already_mitigated"
	default:
		m.in.Status, m.in.MitigatedAt = Mitigated, m.now
		m.lead(ev.By)
		m.record(by(ev.By), "mitigated", by(ev.By)+" says that users are well again.")
		m.channel(ev.Channel)
		m.fx.Answer = "mitigated"
	}
}

func (m *machine) resolve(ev Resolve) {
	if m.in.Status == Resolved || m.in.Status == Dismissed || m.in.Status == "" {
		m.fx.Answer = "already_resolved"
		return
	}
	m.in.Status, m.in.ResolvedAt = Resolved, m.now
	m.lead(ev.By)
	m.record(by(ev.By), "resolved", by(ev.By)+" closed the incident.")
	m.channel(ev.Channel)
	m.fx.Answer = "resolved"
}

// lead makes the first person who acts on a candidate its commander.
func (m *machine) lead(person string) {
	if m.in.Commander == "" {
		m.in.Commander = person
	}
}

func (m *machine) channel(c string) {
	if c != "" {
		m.fx.Entry.Facts["channel"] = c
	}
}

// dismiss needs a reason: a grave page that nobody answered is not waved away without one.
func (m *machine) dismiss(ev Dismiss) {
	if m.in.Status != Candidate || ev.Reason == "" {
		m.fx.Answer = "refused"
		return
	}
	m.in.Status, m.in.Dismissal = Dismissed, ev.Reason
	m.record(by(ev.By), "dismissed", by(ev.By)+" says it was no incident: "+ev.Reason)
	m.channel(ev.Channel)
	m.fx.Answer = "dismissed"
}

// raised follows a page's severity; alerts raise, only people lower.
func (m *machine) raised(ev Raised) {
	if m.in.Status == "" || ev.To == m.in.Severity || ev.By == "" && !ev.To.Worse(m.in.Severity) {
		return
	}
	from := m.in.Severity
	m.in.Severity = ev.To
	m.record(by(ev.By), "severity_changed", fmt.Sprintf("From %s to %s.", from, ev.To))
}
