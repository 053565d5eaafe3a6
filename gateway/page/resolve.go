package page

import (
	"fmt"
	"time"
)

// resolveByPerson: somebody says that it is over.
func (m *machine) resolveByPerson(ev Resolve) {
	switch {
	case m.p.Status == Resolved:
		m.answer(AnswerAlreadyResolved)
		return
	case m.oldRound(ev.By):
		m.answer(AnswerOldRound)
		return
	}
	m.resolve(ev.By.Person, ReasonPerson)
	m.by(ev.By)
	m.answer(AnswerResolved)
}

// resolve ends the page and tells everybody who was rung, once.
func (m *machine) resolve(by string, reason Reason) {
	p := &m.p
	quiet := p.Status == Held && p.Sends == 0
	p.Status, p.ResolvedAt, p.ResolvedBy = Resolved, m.now, by
	p.StepDue, p.HoldUntil, p.ExpiryDue, p.StaleDue, p.QuietDue, p.AskedAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}, time.Time{}, time.Time{}
	p.HeldBy, p.AskedWhy, p.Ladders = "", "", nil
	actor := by
	if by == "source" {
		actor = "source " + p.Source
	}
	m.record(actor, "resolved", reason, fmt.Sprintf("Resolved by %s.", by))
	for i := range p.Told {
		t := &p.Told[i]
		if t.Resolved >= p.Round || t.Person == by || t.Text.Contact == "" {
			continue
		}
		t.Resolved = p.Round
		m.send(t.Person, t.Text, KindResolved, "", m.now)
	}
	m.endIncident(quiet)
}

// endIncident: a grave page never ends its incident, it asks; one that nobody acknowledged leaves a candidate,
// unless it was silenced all the time. A drill leaves none, and its incident ends with it: nothing was broken.
func (m *machine) endIncident(quiet bool) {
	switch {
	case m.p.Calls != "":
		m.fx.Incident = IncidentAnswered
	case m.p.Incident != 0 && grave(m.p.Severity) && !m.p.Drill:
		m.fx.Incident = IncidentAsk
	case m.p.Incident != 0:
		m.fx.Incident = IncidentResolve
	case grave(m.p.Severity) && m.p.Acker == "" && !quiet && !m.p.Drill:
		m.fx.Incident = IncidentCandidate
	}
}
