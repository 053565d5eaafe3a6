package page

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"pagerd/gateway/alert"
	"pagerd/schedule"
)

// startRound begins the next round at the first step, which fires at once.
func (m *machine) startRound() { m.startRoundAt(0) }

// startRoundAt begins the next round at a step: 0 but for a person who asks for the next one.
func (m *machine) startRoundAt(step int) {
	m.beginRound(step)
	m.fireStep()
	m.climb()
}

// beginRound clears what belonged to the round before.
func (m *machine) beginRound(step int) {
	p := &m.p
	p.Status = Triggered
	p.Round, p.RoundAt = p.Round+1, m.now
	p.Acker, p.AckChannel, p.AckedAt = "", "", time.Time{}
	p.ExpiryDue, p.AskedAt, p.AskedWhy = time.Time{}, time.Time{}, ""
	p.HoldUntil, p.HeldBy, p.JoinedAt = time.Time{}, "", time.Time{}
	p.Ladders = nil
	p.Step, p.Pass, p.Rang, p.StepDue = step, 0, false, m.now
	m.stale()
	m.fact("round", strconv.Itoa(p.Round))
}

// fireStep does the one step that is due. Its next instant counts from when it was due, so that steps do not drift.
func (m *machine) fireStep() {
	p := &m.p
	base := m.base(p.StepDue)
	m.fx.Changed = true
	if p.Policy.OfficeHours && m.facts.Opens.After(m.now) && !m.asked {
		p.StepDue = m.facts.Opens
		m.fact("waits_until", p.StepDue.Format(time.RFC3339))
		m.record("pagerd", "waits", ReasonOfficeHours, "Waits for working hours.")
		return
	}
	if p.Step >= len(p.Policy.Steps) {
		m.endPass(base)
		return
	}
	step := p.Policy.Steps[p.Step]
	p.Step++
	names := m.ring(step.Targets)
	m.record("pagerd", "step_fired", ReasonTimeout, fmt.Sprintf("Step %d rings %s.", p.Step, people(names)))
	m.fact("step", strconv.Itoa(p.Step))
	m.fact("pass", strconv.Itoa(p.Pass))
	m.fact("rings", strings.Join(names, " "))
	if m.answering(step.Targets) {
		p.Rang = true
		p.StepDue = base.Add(step.Timeout)
		return
	}
	p.StepDue = m.now // nobody to wait for: the next step is due at once
}

// answering reports whether one of the targets resolved to somebody who is asked for an answer.
func (m *machine) answering(targets []schedule.Target) bool {
	for _, t := range targets {
		if t.Mode != schedule.Inform && len(m.facts.Roster[t.Name]) > 0 {
			return true
		}
	}
	return false
}

// endPass: every step's time is over. The policy repeats, or its end goes on for ever.
func (m *machine) endPass(base time.Time) {
	p := &m.p
	if !p.Rang && p.Pass <= p.Policy.Repeat {
		names := m.ring(p.Policy.LastResort)
		m.record("pagerd", "last_resort", ReasonGap, fmt.Sprintf("Every target was nobody: the last resort rings %s.", people(names)))
		m.fact("rings", strings.Join(names, " "))
		p.Pass, p.Step = p.Pass+1, 0
		p.StepDue = m.now.Add(emptyPassWait)
		return
	}
	if p.Pass < p.Policy.Repeat {
		p.Pass, p.Step, p.Rang = p.Pass+1, 0, false
		p.StepDue = base
		m.fireStep()
		return
	}
	targets := p.Policy.LastResort
	if p.Severity == alert.SEV1 && len(p.Policy.Steps) > 0 || len(targets) == 0 && len(p.Policy.Steps) > 0 {
		targets = append(slices.Clone(targets), p.Policy.Steps[0].Targets...)
	}
	names := m.ring(targets)
	if len(names) == 0 { // the end of the policy is nobody now: whoever is in its steps is better than silence
		var all []schedule.Target
		for _, s := range p.Policy.Steps {
			all = append(all, s.Targets...)
		}
		names = m.ring(all)
	}
	m.record("pagerd", "last_resort", ReasonExhausted, fmt.Sprintf("Nobody acknowledged: rings %s again.", people(names)))
	m.fact("rings", strings.Join(names, " "))
	p.Pass = max(p.Pass, p.Policy.Repeat) + 1
	p.StepDue = base.Add(m.again())
}

// again is how long the end of a policy waits between its rings.
func (m *machine) again() time.Duration {
	if m.p.Policy.OfficeHours {
		return officeAgain
	}
	if m.p.Policy.Again > 0 {
		return m.p.Policy.Again
	}
	return defaultAgain
}

// ring starts a ladder for everybody whom the targets resolve to now. A target that is nobody is skipped, told to the
// operators, and the last resort rings instead. It returns the names.
func (m *machine) ring(targets []schedule.Target) []string {
	var names []string
	gap := false
	for _, t := range targets {
		found := m.facts.Roster[t.Name]
		if len(found) == 0 {
			gap = true
			a := Alarm{Reason: ReasonGap, Text: fmt.Sprintf("Page %d: %s is nobody who can be reached now.", m.p.Number, t.Name)}
			if !slices.Contains(m.fx.Alarms, a) {
				m.fx.Alarms = append(m.fx.Alarms, a)
			}
		}
		for _, r := range found {
			if m.startLadder(r, t) && !slices.Contains(names, r.Person) {
				names = append(names, r.Person)
			}
		}
	}
	if gap {
		m.fact("gap", "true")
		for _, t := range m.p.Policy.LastResort {
			for _, r := range m.facts.Roster[t.Name] {
				if m.startLadder(r, t) && !slices.Contains(names, r.Person) {
					names = append(names, r.Person)
				}
			}
		}
	}
	for _, n := range names {
		if !slices.Contains(m.rang, n) {
			m.rang = append(m.rang, n)
		}
	}
	return names
}

func people(names []string) string {
	if len(names) == 0 {
		return "nobody"
	}
	return strings.Join(names, ", ")
}

// escalate: a person asks for the next step now. On an acknowledged page that gives it back.
func (m *machine) escalate(ev Escalate) {
	p := &m.p
	switch {
	case p.Status == Resolved:
		m.answer(AnswerAlreadyResolved)
		return
	case p.Status == Held:
		m.answer(AnswerHeld)
		return
	case m.oldRound(ev.By):
		m.answer(AnswerOldRound)
		return
	}
	m.record(ev.By.Person, "escalated", ReasonAskedFor, ev.By.Person+" asked for the next step.")
	m.by(ev.By)
	m.asked = true
	if p.Status == Acknowledged {
		m.startRoundAt(min(p.Step, max(len(p.Policy.Steps)-1, 0)))
	} else {
		p.StepDue = m.now
		m.fireStep()
		m.climb()
	}
	code := AnswerEscalated
	if len(m.rang) == 0 {
		code = AnswerNobodyLeft
	}
	m.answer(code)
	m.fx.Answer.Next = strings.Join(m.rang, ", ")
}
