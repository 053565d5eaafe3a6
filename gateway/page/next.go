package page

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/timeline"
)

// Next is the only way to change a page.
//
// It returns the page after the event at now (UTC), and what must be stored and done with it. p is not modified and what
// Next changes it copies first. With Effects.Changed false the returned page equals p.
func Next(p Page, ev Event, f Facts, now time.Time) (Page, Effects) {
	m := &machine{p: clone(p), facts: f, now: now}
	if p.Status == "" {
		switch ev := ev.(type) {
		case Signals:
			m.create(ev)
		case ByHand:
			m.byHand(ev)
		default:
			return p, Effects{Answer: Answer{Page: p.Number}}
		}
	} else {
		m.apply(ev)
	}
	if !m.fx.Changed {
		m.fx.Entry = timeline.Entry{}
		return p, m.fx
	}
	m.p.Due = m.due()
	return m.p, m.fx
}

// machine is one transition under way.
type machine struct {
	p     Page
	fx    Effects
	facts Facts
	now   time.Time
	asked bool     // a person asked for the step: it does not wait for working hours
	rang  []string // whom the transition's steps ring
}

// apply is a switch over the sealed events, which is why it is long.
func (m *machine) apply(ev Event) {
	switch ev := ev.(type) {
	case Signals:
		m.signals(ev)
	case Due:
		m.timers()
	case Acknowledge:
		m.acknowledge(ev)
	case Unacknowledge:
		m.unacknowledge(ev)
	case Resolve:
		m.resolveByPerson(ev)
	case Escalate:
		m.escalate(ev)
	case Extend:
		m.extendedBy(ev)
	case Note:
		m.note(ev)
	case Noise:
		m.noise(ev)
	case SetSeverity:
		m.setSeverity(ev)
	case HandOver:
		m.handOver(ev)
	case DeliveryFailed:
		m.deliveryFailed(ev)
	case Silenced:
		m.silenced(ev.Silence)
	case Moved:
		m.moved(ev)
	case ByHand: // begun before: a page is begun once
	}
}

// clone copies what a transition may change in place.
func clone(p Page) Page {
	p.Hidden = maps.Clone(p.Hidden)
	p.Ladders = slices.Clone(p.Ladders)
	for i := range p.Ladders {
		p.Ladders[i].Failed = slices.Clone(p.Ladders[i].Failed)
	}
	p.Told = slices.Clone(p.Told)
	for i := range p.Told {
		p.Told[i].Contacts = slices.Clone(p.Told[i].Contacts)
	}
	p.Reopened = slices.Clone(p.Reopened)
	p.Noise = slices.Clone(p.Noise)
	return p
}

// record marks the page as changed and writes its entry. The first word of a transition stays: what caused the rest.
func (m *machine) record(actor, what string, reason Reason, text string) {
	m.fx.Changed = true
	if m.fx.Entry.What != "" {
		return
	}
	m.fx.Entry = timeline.Entry{Actor: actor, What: what, Reason: string(reason), Text: text,
		Facts: map[string]string{"round": strconv.Itoa(m.p.Round)}}
}

// fact adds a detail to the entry.
func (m *machine) fact(key, value string) {
	if m.fx.Entry.Facts != nil && value != "" {
		m.fx.Entry.Facts[key] = value
	}
}

// by adds how a person acted.
func (m *machine) by(a Actor) {
	m.fact("channel", a.Channel)
	m.fact("raw", clip(a.Raw, 160))
}

// answer says what an act came to.
func (m *machine) answer(code AnswerCode) {
	m.fx.Answer = Answer{Code: code, Page: m.p.Number, Severity: m.p.Severity, Service: m.p.Service, Incident: m.p.Incident, Drill: m.p.Drill,
		By: m.p.Acker, At: m.p.AckedAt}
	if m.p.Status == Resolved {
		m.fx.Answer.By, m.fx.Answer.At = m.p.ResolvedBy, m.p.ResolvedAt
	}
}

// due is the earliest of all timers.
func (m *machine) due() time.Time {
	if !m.p.Open() {
		return time.Time{}
	}
	var first time.Time
	consider := func(t time.Time) {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	p := &m.p
	consider(p.drillEnds())
	consider(p.HoldUntil)
	consider(p.StepDue)
	consider(p.ExpiryDue)
	consider(p.QuietDue)
	if p.AskedAt.IsZero() {
		consider(p.StaleDue)
	}
	if p.Status != Held {
		for _, l := range p.Ladders {
			if !l.Done {
				consider(l.Due)
			}
		}
	}
	if first.IsZero() { // every open page has an instant, whatever a future rule forgets
		first = m.now.Add(defaultAgain)
	}
	return first
}

// reached reports whether a timer is set and due.
func (m *machine) reached(t time.Time) bool { return !t.IsZero() && !t.After(m.now) }

// base is the instant from which the next delay counts: the timer's own, so that nothing drifts, unless it fired late.
func (m *machine) base(due time.Time) time.Time {
	if due.IsZero() || due.After(m.now) || m.now.Sub(due) > lateLimit {
		return m.now
	}
	return due
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	r := []rune(s)
	return string(r[:min(len(r), n)])
}

// counted is a number and its noun: "1 alert", "2 alerts".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

func grave(s alert.Severity) bool { return s == alert.SEV1 || s == alert.SEV2 }
