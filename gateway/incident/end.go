package incident

import (
	"fmt"
	"slices"
	"time"
)

// pageOver: a grave incident never ends by itself, its commander is asked. A page that was left alone while its incident
// went on is written down.
func (m *machine) pageOver(ev PageOver) {
	in := &m.in
	if !m.working() {
		return
	}
	if !slices.Contains(in.Pages, ev.Page) {
		if !ev.Unacknowledged && !ev.Merged {
			return
		}
		in.Pages = append(in.Pages, ev.Page)
		m.detected(ev.Triggered)
		if ev.Severity.Worse(in.Severity) {
			m.severity(ev.Severity, ev.Targets)
		}
		if ev.Merged {
			m.record("pagerd", "page_joined", fmt.Sprintf("Page %d belongs to the incident.", ev.Page))
		} else {
			m.record("pagerd", "page_left_alone", fmt.Sprintf("Page %d fired meanwhile and resolved unacknowledged: it belongs to the incident.", ev.Page))
		}
	}
	switch {
	case in.PagesOver:
		m.factNumber("page", ev.Page)
		return
	case !ev.Last:
		// Stored although nothing is different: of two last pages that end at the same moment, each of which sees the other
		// open, one must lose and look again.
		m.fx.Changed = true
		return
	}
	in.PagesOver = true
	if ev.May && (in.Drill || !grave(in.Severity)) {
		m.in.Status = Resolved
		m.record("pagerd", "resolved", "Its last page resolved.")
		m.closed("pagerd")
		return
	}
	m.record("pagerd", "pages_over", "Every page is over; the commander is asked.")
	m.fx.AskCommander = true
	m.factNumber("page", ev.Page)
}

func (m *machine) closed(by string) {
	m.in.Status, m.in.ResolvedAt = Resolved, m.now
	m.met(TargetTriage)
	m.met(TargetMitigate)
	m.enter(PhaseResolved, by)
	m.hush()
}

func (m *machine) resolve(ev Resolve) {
	if m.in.Over() {
		m.fx.Answer = AnswerAlreadyResolved
		return
	}
	m.lead(ev.By)
	m.in.Status = Resolved
	m.acted(ev.By, ev.Channel, "resolved", person(ev.By)+" closed the incident.")
	m.closed(ev.By)
	m.fx.Answer = AnswerResolved
}

// lead makes the first person who acts on a candidate its commander.
func (m *machine) lead(by string) {
	if m.in.Commander == "" {
		m.command(by, by)
	}
}

// confirm: the candidate was an incident.
func (m *machine) confirm(ev Confirm) {
	if m.in.Status != Candidate {
		m.fx.Answer = AnswerRefused
		if m.working() {
			m.fx.Answer = AnswerUnchanged
		}
		return
	}
	m.in.Status, m.in.RemindDue = Open, time.Time{}
	m.acted(ev.By, ev.Channel, "confirmed", person(ev.By)+" says that it was an incident, and leads it.")
	m.start(ev.By)
	m.fx.Answer = AnswerConfirmed
}

// dismiss needs a reason: a grave page that nobody answered is not waved away without one.
func (m *machine) dismiss(ev Dismiss) {
	if m.in.Status != Candidate || ev.Reason == "" {
		m.fx.Answer = AnswerRefused
		return
	}
	m.in.Status, m.in.Dismissal = Dismissed, ev.Reason
	m.acted(ev.By, ev.Channel, "dismissed", person(ev.By)+" says it was no incident: "+ev.Reason)
	m.fx.Answer = AnswerDismissed
}
