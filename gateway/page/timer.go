package page

import (
	"fmt"
	"time"
)

// timers does what is due now: at most one step, every rung, and the questions. Nothing that is not due moves.
func (m *machine) timers() {
	p := &m.p
	if m.reached(p.drillEnds()) {
		m.resolve("pagerd", ReasonDrillOver)
		return
	}
	if m.reached(p.QuietDue) {
		p.QuietDue = time.Time{}
		m.fx.Changed = true
		if p.Firing == 0 && p.HiddenTotal() == 0 {
			m.resolve("source", ReasonQuiet)
			return
		}
	}
	if p.Status == Held {
		if m.reached(p.HoldUntil) {
			m.holdDue()
		} else if m.reached(p.StaleDue) {
			m.staleDue()
		}
		return
	}
	if m.reached(p.ExpiryDue) {
		m.expiryDue()
		if p.Status == Triggered { // the new round's first step is this tick's
			return
		}
	}
	if p.AskedAt.IsZero() && m.reached(p.StaleDue) {
		m.staleDue()
	}
	if !p.Open() {
		return
	}
	if m.reached(p.StepDue) && p.Status == Triggered {
		m.fireStep()
	}
	m.climb()
	if m.fx.Changed {
		m.record("pagerd", "rung", ReasonTimeout, counted(len(m.fx.Sends), "message")+".")
	}
}

// drillEnds is when a drill is over by itself; zero for what is real, and for who is called into a drill, which hushes them.
func (p *Page) drillEnds() time.Time {
	if !p.Drill || p.Calls != "" {
		return time.Time{}
	}
	return p.TriggeredAt.Add(drillLasts)
}

// holdDue: the silence's end has come. What still fires rings, unless another silence covers it.
func (m *machine) holdDue() {
	if s := m.facts.Silence; s != nil && s.Until.After(m.now) {
		m.p.HoldUntil, m.p.HeldBy = s.Until, s.Name
		m.record("pagerd", "held", ReasonSilenced, fmt.Sprintf("Silenced by %s until %s.", s.Name, s.Until.UTC().Format(time.RFC3339)))
		return
	}
	m.endHold()
}

// expiryDue: the acknowledgement's time is over. First a question, and after its patience a new round.
func (m *machine) expiryDue() {
	if m.p.AskedAt.IsZero() {
		m.ask(ReasonExpired, fmt.Sprintf("Not resolved %s after it was acknowledged: asks %s.", m.now.Sub(m.p.AckedAt).Round(time.Second), m.p.Acker))
		return
	}
	if m.p.AskedWhy == ReasonStale && !grave(m.p.Severity) {
		m.resolve("source", ReasonStale)
		return
	}
	m.record("pagerd", "ack_expired", ReasonExpired, m.p.Acker+" did not answer: it rings again.")
	m.startRound()
}

// ask asks the acknowledger and sets how long the answer may take.
func (m *machine) ask(why Reason, text string) {
	m.p.AskedAt, m.p.AskedWhy = m.now, why
	m.p.ExpiryDue = m.base(m.p.ExpiryDue).Add(askPatience)
	if why != ReasonExpired {
		m.p.ExpiryDue = m.now.Add(askPatience)
	}
	m.record("pagerd", "asked", why, text)
	m.tellAcker(KindAsk)
}

// staleDue: nothing was heard for too long. Grave pages are never ended by a timer.
func (m *machine) staleDue() {
	why := ReasonStale
	if m.p.Firing == 0 && m.p.HiddenTotal() > 0 {
		why = ReasonHidden
	}
	switch {
	case m.p.Status == Acknowledged:
		m.ask(why, "Nothing was heard of it for long: asks "+m.p.Acker+".")
	case why == ReasonStale && !grave(m.p.Severity):
		m.resolve("source", ReasonStale)
	default:
		m.stale()
		m.record("pagerd", "stale", why, "Nothing was heard of it for long; it stays open.")
	}
}
