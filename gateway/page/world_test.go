package page_test

import (
	"slices"
	"time"

	"pgregory.net/rapid"

	"pagerd/gateway/alert"
	"pagerd/gateway/page"
	"pagerd/notify"
	"pagerd/schedule"
)

// dice draws below n: from a seed, or from rapid, which shrinks the history that fails.
type dice interface{ IntN(n int) int }

type rapidDice struct{ t *rapid.T }

func (d rapidDice) IntN(n int) int { return rapid.IntRange(0, n-1).Draw(d.t, "n") }

// world is one history under way: a page, what it sent, and what was acknowledged.
type world struct {
	t     rapid.TB
	r     dice
	p     page.Page
	now   time.Time
	next  int64
	sends []page.Send
	acks  map[string]int  // page/round → acknowledgements recorded
	told  map[string]int  // page/round/person → resolved notices
	story []func() string // written out only when a history fails
	cells map[string]int
}

func rungs(person string, channels ...notify.Channel) []schedule.Rung {
	var out []schedule.Rung
	for i, c := range channels {
		out = append(out, schedule.Rung{Contact: person + "/" + string(c), Channel: c, Delay: time.Duration(i) * time.Minute})
	}
	return out
}

func everybody() map[string][]schedule.Rung {
	return map[string][]schedule.Rung{"ana": rungs("ana", notify.SMS, notify.Voice, notify.Email), "ben": rungs("ben", notify.SMS),
		"carla": rungs("carla", notify.Voice), "boss": rungs("boss", notify.SMS, notify.Email)}
}

func policyOf(s alert.Severity) schedule.Policy {
	answer := func(n string) schedule.Target { return schedule.Target{Name: n, Mode: schedule.Answer} }
	inform := func(n string) schedule.Target { return schedule.Target{Name: n, Mode: schedule.Inform} }
	p := schedule.Policy{Name: "team/" + s.String(), Repeat: 1, Again: 15 * time.Minute, LastResort: []schedule.Target{answer("manager")}, Steps: []schedule.Step{
		{Targets: []schedule.Target{answer("primary")}, Timeout: 5 * time.Minute},
		{Targets: []schedule.Target{answer("secondary")}, Timeout: 5 * time.Minute},
		{Targets: []schedule.Target{answer("manager")}, Timeout: 5 * time.Minute}}}
	switch s {
	case alert.SEV1:
		p.Steps[0].Targets = append(p.Steps[0].Targets, inform("manager"), inform("team"))
	case alert.SEV2:
		p.Steps[0].Targets = append(p.Steps[0].Targets, inform("manager"))
	case alert.SEV4:
		p.OfficeHours, p.Steps, p.LastResort = true, p.Steps[:1], nil
	}
	return p
}

func targetsOf(s alert.Severity) page.Targets {
	return page.Targets{Mitigate: time.Duration(s) * time.Hour, Stale: time.Hour, GroupInterval: 5 * time.Minute, Promote: s <= alert.SEV3}
}

func subjectOf(s alert.Severity) page.Subject {
	return page.Subject{Severity: s, Service: "checkout", Summary: "it burns", Policy: policyOf(s), Targets: targetsOf(s)}
}

// facts draws who is on call; now and then a target is nobody.
func (w *world) facts() page.Facts {
	f := page.Facts{Roster: map[string][]schedule.Responder{}}
	all := everybody()
	for _, t := range [][]string{{"primary", "ana"}, {"secondary", "ben"}, {"manager", "boss"}, {"team", "ana", "ben", "carla"}} {
		if w.r.IntN(12) == 0 {
			continue
		}
		for _, name := range t[1:] {
			f.Roster[t[0]] = append(f.Roster[t[0]], schedule.Responder{Person: name, Rungs: all[name]})
		}
	}
	if w.r.IntN(3) == 0 {
		f.Opens = w.now.Add(time.Hour)
	}
	if w.r.IntN(4) == 0 {
		f.Silence = &page.Silence{Name: "maintenance", Until: w.now.Add(time.Hour)}
	}
	return f
}

func (w *world) actor() page.Actor {
	a := page.Actor{Person: []string{"ana", "ben", "boss", "carla"}[w.r.IntN(4)], Channel: "sms", Raw: "4"}
	if w.r.IntN(2) == 0 {
		a.Round = 1 + w.r.IntN(max(w.p.Round, 1))
	}
	return a
}

// events are the columns of the matrix.
func events() []string {
	return []string{"Signals", "Due", "Acknowledge", "Unacknowledge", "Resolve", "Escalate", "Note", "Noise", "SetSeverity", "HandOver", "DeliveryFailed", "Silenced"}
}

// draw makes an event and moves the clock: often exactly to the page's due instant.
func (w *world) draw() page.Event {
	w.now = w.now.Add(time.Duration(w.r.IntN(200)) * time.Second)
	kind := events()[w.r.IntN(len(events()))]
	if w.p.Status == page.Resolved && w.r.IntN(2) > 0 {
		kind = "Signals" // most of what a resolved page hears is that it fires again
	}
	if !slices.Contains([]page.Status{page.Triggered, page.Resolved}, w.p.Status) && w.r.IntN(12) == 0 || w.p.Status == page.Resolved && w.r.IntN(12) == 0 {
		kind = "Resolve" // rare otherwise: see below
	}
	switch kind {
	case "Signals":
		return w.signals()
	case "Due":
		if w.r.IntN(4) > 0 && w.p.Due.After(w.now) {
			w.now = w.p.Due
		}
		return page.Due{}
	case "Acknowledge":
		return page.Acknowledge{By: w.actor()}
	case "Unacknowledge":
		return page.Unacknowledge{By: w.actor()}
	case "Resolve":
		if w.p.Open() && w.r.IntN(3) > 0 { // people resolve less often than the dice say, or no page would live long
			return page.Note{By: w.actor(), Text: "looking"}
		}
		return page.Resolve{By: w.actor()}
	case "Escalate":
		return page.Escalate{By: w.actor()}
	case "Note":
		return page.Note{By: w.actor(), Text: "looking"}
	case "Noise":
		return page.Noise{By: w.actor()}
	case "SetSeverity":
		to := alert.Severity(1 + w.r.IntN(4))
		return page.SetSeverity{By: w.actor(), To: to, Policy: policyOf(to), Targets: targetsOf(to)}
	case "HandOver":
		return page.HandOver{By: w.actor(), From: "ana", To: schedule.Responder{Person: "carla", Rungs: everybody()["carla"]}}
	case "DeliveryFailed":
		name := []string{"ana", "ben", "boss", "carla"}[w.r.IntN(4)]
		all := everybody()[name]
		return page.DeliveryFailed{Delivery: "d", Person: name, Contact: all[w.r.IntN(len(all))].Contact, Round: w.p.Round - w.r.IntN(2), Reason: notify.ReasonUndelivered}
	}
	if w.r.IntN(2) == 0 {
		return page.Silenced{}
	}
	return page.Silenced{Silence: &page.Silence{Name: "maintenance", Until: w.now.Add(30 * time.Minute)}}
}

// signals draws what arrived, consistent with how many alerts fire.
func (w *world) signals() page.Signals {
	firing := w.p.Firing
	if !w.p.Open() {
		firing = 0
	}
	s := page.Signals{Group: "g", Source: "prod", Subject: subjectOf(alert.Severity(1 + w.r.IntN(4))), Sender: []string{"", "a", "b"}[w.r.IntN(3)]}
	switch w.r.IntN(4) {
	case 0:
		s.Opened, s.NewIDs = 1+w.r.IntN(3), 1
		firing += s.Opened
	case 1:
		s.Ended = min(firing, 1+w.r.IntN(4))
		firing -= s.Ended
	case 2:
		if firing == 0 {
			s.Opened = 1
			firing = 1
		} else {
			s.Refreshed = 1
		}
	case 3:
		s.Hidden = w.r.IntN(3)
		s.Refreshed = min(firing, 1)
	}
	s.Firing = firing
	if s.Opened > 0 {
		s.Worst = s.Subject.Severity
	}
	if firing > 0 && w.r.IntN(8) == 0 {
		s.Silence, s.Worst = &page.Silence{Name: "maintenance", Until: w.now.Add(time.Hour)}, 0
	}
	return s
}
