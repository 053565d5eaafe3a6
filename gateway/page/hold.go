package page

import (
	"fmt"
	"time"
)

// hold: a silence covers every firing alert. Nobody is rung until it ends.
func (m *machine) hold(s Silence) {
	p := &m.p
	p.Status, p.HoldUntil, p.HeldBy = Held, s.Until, s.Name
	p.StepDue, p.Ladders = time.Time{}, nil
	m.record("pagerd", "held", ReasonSilenced, fmt.Sprintf("Silenced by %s until %s.", s.Name, s.Until.UTC().Format(time.RFC3339)))
	m.fact("silence", s.Name)
}

// heldSignals: what arrives while the page is held. An alert that is not silenced ends the hold.
func (m *machine) heldSignals(ev Signals) {
	if ev.Silence != nil {
		m.p.HoldUntil, m.p.HeldBy = ev.Silence.Until, ev.Silence.Name
		if ev.Subject.Severity.Worse(m.p.Severity) { // it rings by the worst of what is held when the hold ends
			from := m.p.Severity
			m.subject(ev.Subject)
			m.record("source "+m.p.Source, "raised", ReasonSilenced, fmt.Sprintf("Raised from %s to %s, silenced: %s", from, m.p.Severity, m.p.Summary))
			m.names(ev)
			m.changeIncidentSeverity()
		}
		if ev.Opened > 0 {
			m.record("source "+m.p.Source, "joined", ReasonSilenced, counted(ev.Opened, "more alert")+", silenced.")
			m.names(ev)
		}
		return
	}
	if ev.Worst.Worse(m.p.Severity) {
		m.subject(ev.Subject)
		m.p.Severity = ev.Worst
		m.changeIncidentSeverity()
	}
	m.endHold()
	m.names(ev)
}

// endHold: something fires that no silence covers.
func (m *machine) endHold() {
	m.record("pagerd", "hold_ended", ReasonHoldEnded, fmt.Sprintf("The silence is over; still firing: %d.", m.p.Firing))
	m.startRound()
}

// silenced: a silence began, was edited or ended. Acknowledged pages are left alone.
func (m *machine) silenced(s *Silence) {
	switch {
	case m.p.Status == Triggered && s != nil && m.p.Firing > 0:
		m.hold(*s)
	case m.p.Status == Held && s == nil:
		m.endHold()
	case m.p.Status == Held && s != nil && (!s.Until.Equal(m.p.HoldUntil) || s.Name != m.p.HeldBy):
		m.p.HoldUntil, m.p.HeldBy = s.Until, s.Name
		m.record("pagerd", "held", ReasonSilenced, fmt.Sprintf("Silenced by %s until %s.", s.Name, s.Until.UTC().Format(time.RFC3339)))
	}
}
