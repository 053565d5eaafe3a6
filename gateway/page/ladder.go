package page

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"pagerd/notify"
	"pagerd/schedule"
)

// KindJoined and the other kinds are notify's; the machine names them by what it tells.
const (
	KindJoined   = notify.KindJoined
	KindAsk      = notify.KindAsk
	KindResolved = notify.KindResolved
)

// startLadder begins to ring a person, or lets the ladder run that already does. There is one ladder per person: who is
// both an answer and an inform target is asked for an answer, and what they owe as inform target outlives another's
// acknowledgement. It reports whether the person is being rung.
func (m *machine) startLadder(r schedule.Responder, t schedule.Target) bool {
	if len(r.Rungs) == 0 {
		return false
	}
	mode := t.Mode
	if mode == "" {
		mode = schedule.Answer
	}
	i := m.ladder(r.Person)
	if i < 0 {
		m.p.Ladders = append(m.p.Ladders, Ladder{Person: r.Person, Mode: mode, Target: t.Name, Rungs: r.Rungs,
			Started: m.now, Due: m.now.Add(r.Rungs[0].Delay)})
		return true
	}
	l := &m.p.Ladders[i]
	switch {
	case mode == schedule.Inform && l.Mode == schedule.Answer:
		l.Inform = true
		if !l.Done && l.Due.IsZero() { // neither answered nor confirmed: told again like everybody who is to know
			m.restart(l, r.Rungs)
		}
		return !l.Done
	case mode == schedule.Inform:
		return !l.Done // confirmed in this round: not rung again
	case l.Mode == schedule.Inform:
		l.Mode, l.Inform, l.Target = schedule.Answer, !l.Done, t.Name
		if l.Done || l.Due.IsZero() || l.Rung >= len(l.Rungs) {
			m.restart(l, r.Rungs)
		}
	case l.Done, l.Due.IsZero() && (m.now.Sub(l.Started) >= justRung || len(l.Failed) > 0):
		m.restart(l, r.Rungs)
	}
	return true
}

// restart rings a person from the first rung again.
func (m *machine) restart(l *Ladder, rungs []schedule.Rung) {
	l.Rungs, l.Started, l.Rung, l.Done, l.Failed = rungs, m.now, 0, false, nil
	l.Due = m.now.Add(rungs[0].Delay)
}

// ladder finds a person's ladder; -1 = none.
func (m *machine) ladder(person string) int {
	return slices.IndexFunc(m.p.Ladders, func(l Ladder) bool { return l.Person == person })
}

// climb rings every rung that is due.
func (m *machine) climb() {
	for i := range m.p.Ladders {
		l := &m.p.Ladders[i]
		for !l.Done && m.reached(l.Due) {
			m.rung(l)
		}
	}
}

// rung rings the rung that is due and sets when the next one is. After the last one an answer ladder rests until a later
// step reaches its person again; an inform ladder begins anew, because it rings until it is confirmed.
func (m *machine) rung(l *Ladder) {
	if l.Rung >= len(l.Rungs) { // an inform ladder that begins anew
		m.restart(l, l.Rungs)
		m.fx.Changed = true // also when its first rung waits: what is not stored stays due for ever
		if !m.reached(l.Due) {
			return
		}
	}
	due, r := l.Due, l.Rungs[l.Rung]
	l.Rung++
	if !slices.Contains(l.Failed, r.Contact) {
		kind := notify.KindPage
		if l.Mode == schedule.Inform {
			kind = notify.KindInform
		}
		m.send(l.Person, r, kind, l.Mode, due)
		m.told(l, r)
	}
	switch {
	case l.Rung < len(l.Rungs):
		if m.now.Sub(due) > lateLimit {
			l.Started = m.now.Add(-r.Delay)
		}
		l.Due = l.Started.Add(l.Rungs[l.Rung].Delay)
		if slices.Contains(l.Failed, r.Contact) {
			l.Due = m.now // the failed way is skipped without waiting for it
		}
	case l.Mode == schedule.Inform:
		l.Due = m.base(due).Add(m.again())
	default:
		l.Due = time.Time{}
	}
	m.fx.Changed = true
}

// send emits one delivery.
func (m *machine) send(person string, r schedule.Rung, kind notify.Kind, mode schedule.Mode, at time.Time) {
	m.p.Sends++
	m.fx.Changed = true
	m.fx.Sends = append(m.fx.Sends, Send{ID: SendID(m.p.Number, m.p.Sends), Page: m.p.Number, Round: m.p.Round, Kind: kind, Mode: mode,
		Person: person, Contact: r.Contact, Channel: r.Channel, Severity: m.p.Severity, At: at, Again: m.toldBy(person, r.Contact), Drill: m.p.Drill})
}

// told remembers who was rung by what, and which of their ways is for reading.
func (m *machine) told(l *Ladder, r schedule.Rung) {
	i := slices.IndexFunc(m.p.Told, func(t Told) bool { return t.Person == l.Person })
	if i < 0 {
		if len(m.p.Told) >= maxTold {
			return
		}
		m.p.Told = append(m.p.Told, Told{Person: l.Person})
		i = len(m.p.Told) - 1
	}
	t := &m.p.Told[i]
	if !slices.Contains(t.Contacts, r.Contact) {
		t.Contacts = append(t.Contacts, r.Contact)
	}
	if text, ok := textRung(l.Rungs); ok {
		t.Text = text
	}
}

func (m *machine) toldBy(person, contact string) bool {
	return slices.ContainsFunc(m.p.Told, func(t Told) bool { return t.Person == person && slices.Contains(t.Contacts, contact) })
}

// textRung is the way for what must be read: SMS, else mail, never a call.
func textRung(rungs []schedule.Rung) (schedule.Rung, bool) {
	for _, want := range []notify.Channel{notify.SMS, notify.Email} {
		for _, r := range rungs {
			if r.Channel == want {
				r.Delay = 0
				return r, true
			}
		}
	}
	return schedule.Rung{}, false
}

// tellAcker writes to whoever has the page, by the way for reading that they were rung by, or by one of their ladder now.
func (m *machine) tellAcker(kind notify.Kind) { m.tell(m.p.Acker, kind) }

func (m *machine) tell(person string, kind notify.Kind) {
	if person == "" {
		return
	}
	for _, t := range m.p.Told {
		if t.Person == person && t.Text.Contact != "" {
			m.send(person, t.Text, kind, "", m.now)
			return
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.facts.Roster)) { // in order: the same facts always give the same result
		for _, r := range m.facts.Roster[name] {
			if r.Person != person {
				continue
			}
			if text, ok := textRung(r.Rungs); ok {
				m.send(person, text, kind, "", m.now)
				return
			}
		}
	}
}

// deliveryFailed: a way definitely failed, so the next one is due now. When everybody who should answer is out of ways,
// so is the next step.
func (m *machine) deliveryFailed(ev DeliveryFailed) {
	if ev.Round != 0 && ev.Round != m.p.Round || !m.p.Open() || m.p.Status == Held {
		return
	}
	i := m.ladder(ev.Person)
	if i < 0 {
		return
	}
	l := &m.p.Ladders[i]
	rung := slices.ContainsFunc(l.Rungs, func(r schedule.Rung) bool { return r.Contact == ev.Contact })
	if l.Done || !rung || slices.Contains(l.Failed, ev.Contact) || m.p.Status == Acknowledged && l.Mode == schedule.Answer {
		return
	}
	l.Failed = append(l.Failed, ev.Contact)
	m.record("pagerd", "delivery_failed", Reason(ev.Reason), fmt.Sprintf("%s could not be reached by %s.", ev.Person, channelOf(l, ev.Contact)))
	m.fact("responder", ev.Person)
	m.fact("delivery", ev.Delivery)
	if l.Rung < len(l.Rungs) && l.Due.After(m.now) {
		l.Started = m.now.Add(-l.Rungs[l.Rung].Delay)
		l.Due = m.now
	}
	m.climb()
	if !exhausted(l) {
		return
	}
	m.fx.Alarms = append(m.fx.Alarms, Alarm{Reason: ReasonUnreachable,
		Text: fmt.Sprintf("Page %d: %s cannot be reached by any way.", m.p.Number, ev.Person)})
	m.fact("unreachable", ev.Person)
	if m.p.Status == Triggered && m.p.Step < len(m.p.Policy.Steps) && m.p.StepDue.After(m.now) && m.nobodyLeft() {
		m.p.StepDue = m.now
	}
}

// exhausted reports whether every way of the ladder failed.
func exhausted(l *Ladder) bool {
	for _, r := range l.Rungs {
		if !slices.Contains(l.Failed, r.Contact) {
			return false
		}
	}
	return true
}

// nobodyLeft reports whether everybody who is asked for an answer is out of ways.
func (m *machine) nobodyLeft() bool {
	for i := range m.p.Ladders {
		if l := &m.p.Ladders[i]; l.Mode == schedule.Answer && !l.Done && !exhausted(l) {
			return false
		}
	}
	return true
}

func channelOf(l *Ladder, contact string) notify.Channel {
	for _, r := range l.Rungs {
		if r.Contact == contact {
			return r.Channel
		}
	}
	return ""
}

// handOver moves a person's running ladder, and the page itself if they have it, to another. To somebody whom nothing
// can ring it moves nothing: the one who is being rung goes on being rung.
func (m *machine) handOver(ev HandOver) {
	p := &m.p
	if !p.Open() {
		m.answer(AnswerAlreadyResolved)
		return
	}
	i := m.ladder(ev.From)
	running := i >= 0 && !p.Ladders[i].Done
	switch {
	case !running && p.Acker != ev.From, ev.From == ev.To.Person:
		m.answer(AnswerNone)
		return
	case len(ev.To.Rungs) == 0:
		m.fx.Alarms = append(m.fx.Alarms, Alarm{Reason: ReasonUnreachable,
			Text: fmt.Sprintf("Page %d was to be handed over to %s, whom nothing can ring.", p.Number, ev.To.Person)})
		m.record(ev.By.Person, "not_handed_over", ReasonUnreachable, fmt.Sprintf("Nothing can ring %s: it stays with %s.", ev.To.Person, ev.From))
		m.by(ev.By)
		m.answer(AnswerNone)
		return
	}
	m.record(ev.By.Person, "handed_over", ReasonHandedOver, fmt.Sprintf("Handed over from %s to %s.", ev.From, ev.To.Person))
	m.by(ev.By)
	if running {
		l := p.Ladders[i]
		p.Ladders[i].Done, p.Ladders[i].Due = true, time.Time{}
		m.startLadder(ev.To, schedule.Target{Name: l.Target, Mode: l.Mode})
		if p.Status != Held {
			m.climb()
		}
	}
	if p.Acker == ev.From && p.Status == Acknowledged {
		p.Acker = ev.To.Person
		if !p.AskedAt.IsZero() { // somebody cares: that answers the question
			m.extend()
		}
		if text, ok := textRung(ev.To.Rungs); ok {
			m.send(ev.To.Person, text, KindJoined, "", m.now)
		}
	}
	m.answer(AnswerHandedOver)
}
