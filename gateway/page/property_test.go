package page_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"pagerd/gateway/alert"
	"pagerd/gateway/page"
	"pagerd/notify"
	"pagerd/schedule"
)

var (
	seed      = flag.Uint64("seed", 1, "seed of the first history")
	histories = flag.Int("histories", 750, "how many histories are played")
)

// storedEvery is how seldom the stored form is looked at: writing it is most of the work.
const storedEvery = 16

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

func encode(t rapid.TB, p page.Page) []byte {
	t.Helper()
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func kindOf(ev page.Event) string { return strings.TrimPrefix(fmt.Sprintf("%T", ev), "page.") }

// step applies one event and checks every invariant of one transition.
func (w *world) step(ev page.Event) {
	w.t.Helper()
	f := w.facts()
	prev := w.p
	var before []byte
	stored := len(w.story)%storedEvery == 0
	if stored {
		before = encode(w.t, prev)
	}
	if prev.Status != "" {
		w.cells[fmt.Sprintf("%s %s %d", prev.Status, kindOf(ev), min(prev.Round, 3))]++
	}
	next, fx := page.Next(prev, ev, f, w.now)
	now := w.now
	w.tell(func() string {
		return fmt.Sprintf("%s %s round %d %.200s -> %s round %d step %d/%d due %s, %d sends, %s %s",
			now.Format(time.TimeOnly), prev.Status, prev.Round, fmt.Sprintf("%T%+v", ev, ev), next.Status, next.Round, next.Pass, next.Step, next.Due.Format(time.TimeOnly), len(fx.Sends), fx.Entry.What, fx.Answer.Code)
	})
	if stored && !bytes.Equal(before, encode(w.t, prev)) {
		w.fail("the input was modified")
	}
	if fx.Fresh != "" { // the engine makes the new page by the same event
		w.next++
		fresh := page.Page{Number: w.next, Previous: prev.Number}
		sig := ev.(page.Signals)
		next, fx = page.Next(fresh, sig, f, w.now)
		prev = fresh
		if next.Status != page.Triggered && next.Status != page.Held {
			w.fail("a fresh page is %s", next.Status)
		}
	}
	if stored && !fx.Changed && !bytes.Equal(encode(w.t, prev), encode(w.t, next)) {
		w.fail("nothing is to be stored, and yet the page differs")
	}
	w.judge(prev, next, ev, fx)
	w.p = next
	w.sends = append(w.sends, fx.Sends...)
	for _, s := range w.sends {
		w.judgeSend(s)
	}
	if len(w.sends) > 60 {
		w.sends = w.sends[len(w.sends)-60:]
	}
}

// judge checks one transition.
func (w *world) judge(prev, next page.Page, ev page.Event, fx page.Effects) {
	w.t.Helper()
	if next.Open() == next.Due.IsZero() {
		w.fail("L4: %s with due %s", next.Status, next.Due)
	}
	if next.Round < prev.Round {
		w.fail("S6: the round went back")
	}
	if next.Round == prev.Round && prev.Status == page.Triggered && next.Status == page.Triggered &&
		(next.Pass < prev.Pass || next.Pass == prev.Pass && next.Step < prev.Step) {
		if _, set := ev.(page.SetSeverity); !set { // a shorter policy has fewer steps
			w.fail("S6: the step went back within a round")
		}
	}
	if _, due := ev.(page.Due); due && prev.Status != "" {
		w.judgeDue(prev, next, fx)
	}
	for _, s := range fx.Sends {
		if s.At.After(w.now) {
			w.fail("S2: a send for later")
		}
		if s.Kind == notify.KindPage && next.Status != page.Triggered {
			w.fail("S3: rings although it is %s", next.Status)
		}
		if s.Kind == notify.KindResolved {
			key := fmt.Sprintf("%d/%d/%s", s.Page, s.Round, s.Person)
			if w.told[key]++; w.told[key] > 1 {
				w.fail("%s was told twice that it is over", s.Person)
			}
		}
	}
	if prev.Status == page.Resolved && next.Status == page.Acknowledged { // who hears that it fires again hears again when it is over
		delete(w.told, fmt.Sprintf("%d/%d/%s", next.Number, next.Round, next.Acker))
	}
	w.judgeAct(prev, next, ev, fx)
	if sig, ok := ev.(page.Signals); ok && prev.Open() && prev.Status != page.Held && sig.Silence == nil &&
		sig.Opened+sig.Ended+sig.NewIDs == 0 && sig.Firing > 0 && len(fx.Sends) > 0 {
		w.fail("S7: a repeat rings")
	}
	if len(w.story)%storedEvery != 0 {
		return
	}
	b := encode(w.t, next)
	if len(b) > 32<<10 {
		w.fail("the page takes %d bytes", len(b))
	}
	var again page.Page
	if err := json.Unmarshal(b, &again); err != nil || !bytes.Equal(b, encode(w.t, again)) {
		w.fail("the stored form does not come back equal: %v", err)
	}
	// What comes back behaves the same: the next due transition gives the same bytes.
	f := page.Facts{Roster: map[string][]schedule.Responder{"primary": {{Person: "ana", Rungs: everybody()["ana"]}}}}
	a, afx := page.Next(next, page.Due{}, f, next.Due)
	c, cfx := page.Next(again, page.Due{}, f, next.Due)
	if !bytes.Equal(encode(w.t, a), encode(w.t, c)) || !slices.Equal(afx.Sends, cfx.Sends) {
		w.fail("what was stored and loaded behaves differently")
	}
}

// judgeDue checks that the clock moves only what it has reached, and one step at a time.
func (w *world) judgeDue(prev, next page.Page, fx page.Effects) {
	w.t.Helper()
	if prev.Due.After(w.now) && fx.Changed {
		w.fail("S2: something happened before it was due")
	}
	steps := len(next.Policy.Steps) + 1 // a pass and its end
	fired := (next.Pass-prev.Pass)*steps + min(next.Step, steps) - min(prev.Step, steps)
	if next.Round > prev.Round {
		fired = next.Step
	}
	if next.Status == page.Triggered && next.Pass == prev.Pass && fired > 1 {
		w.fail("R8: %d steps in one tick", fired)
	}
	step := next.Pass != prev.Pass || next.Step != prev.Step || next.Round != prev.Round || next.Open() && next.Pass > next.Policy.Repeat && !next.StepDue.Equal(prev.StepDue)
	if step && next.Round == prev.Round && prev.Status == page.Triggered && prev.StepDue.After(w.now) {
		w.fail("S2: a step fired before its time")
	}
	for _, s := range fx.Sends {
		if s.Kind != notify.KindPage && s.Kind != notify.KindInform || step {
			continue
		}
		if !slices.ContainsFunc(prev.Ladders, func(l page.Ladder) bool {
			return l.Person == s.Person && !l.Done && !l.Due.After(w.now) && !l.Due.IsZero()
		}) {
			w.fail("S2: %s rang although no rung of theirs was due", s.Contact)
		}
	}
	if !prev.Open() || next.Status != page.Resolved {
		return
	}
	if prev.Firing > 0 && w.now.Sub(prev.HeardAt) < prev.Targets.Stale {
		w.fail("R23: a timer ended what fires and was heard of %s ago", w.now.Sub(prev.HeardAt))
	}
	if prev.Severity <= alert.SEV2 && next.Firing > 0 {
		w.fail("R23: a timer ended a grave page")
	}
}

// judgeAct checks what people may and may not do.
func (w *world) judgeAct(prev, next page.Page, ev page.Event, fx page.Effects) {
	w.t.Helper()
	if fx.Entry.What == "acknowledged" {
		key := fmt.Sprintf("%d/%d", next.Number, next.Round)
		if w.acks[key]++; w.acks[key] > 1 {
			w.fail("S4: acknowledged twice in one round")
		}
	}
	if next.Status == page.Acknowledged && prev.Status == page.Triggered {
		if _, ok := ev.(page.Acknowledge); !ok {
			w.fail("acknowledged by a %T", ev)
		}
	}
	var by page.Actor
	switch ev := ev.(type) {
	case page.Acknowledge:
		by = ev.By
	case page.Resolve:
		by = ev.By
	case page.Escalate:
		by = ev.By
	}
	if by.Round != 0 && by.Round < prev.Round && fx.Changed {
		w.fail("S5: a reply to round %d acted in round %d", by.Round, prev.Round)
	}
	if by.Round != 0 && by.Round < prev.Round && prev.Status == page.Triggered && fx.Answer.Code != page.AnswerOldRound {
		w.fail("S5: a reply to an older round is answered %q", fx.Answer.Code)
	}
	if by.Person != "" && fx.Answer.Code == page.AnswerNone {
		w.fail("what comes too late is answered: %T is not", ev)
	}
	if f, ok := ev.(page.DeliveryFailed); ok && prev.Status == page.Triggered && f.Round == prev.Round && fx.Changed {
		for _, l := range next.Ladders {
			if l.Person == f.Person && !l.Done && l.Rung < len(l.Rungs) && l.Due.After(w.now) && len(fx.Sends) == 0 {
				w.fail("L3: after a definite failure the next way waits until %s", l.Due)
			}
		}
		left := slices.ContainsFunc(next.Ladders, func(l page.Ladder) bool {
			return l.Mode == schedule.Answer && !l.Done && slices.ContainsFunc(l.Rungs, func(r schedule.Rung) bool { return !slices.Contains(l.Failed, r.Contact) })
		})
		if len(fx.Alarms) > 0 && !left && next.Step < len(next.Policy.Steps) && next.StepDue.After(w.now) {
			w.fail("L3: everybody is out of ways, and the next step waits until %s", next.StepDue)
		}
	}
}

// judgeSend checks that nothing stale would still go out.
func (w *world) judgeSend(s page.Send) {
	w.t.Helper()
	if s.Page != w.p.Number {
		return
	}
	ok, reason := page.Wanted(w.p, s)
	if ok == (reason != "") {
		w.fail("wanted %v, reason %q", ok, reason)
	}
	if ok && s.Kind == notify.KindPage && (w.p.Status != page.Triggered || s.Round != w.p.Round) {
		w.fail("S3: a send of round %d is wanted while the page is %s in round %d", s.Round, w.p.Status, w.p.Round)
	}
	if ok && w.p.Status == page.Held {
		w.fail("a held page rings")
	}
}

// progress fires Due again and again: time must move on.
func (w *world) progress() {
	w.t.Helper()
	p, same := w.p, 0
	for range 80 {
		if !p.Open() {
			return
		}
		at := p.Due
		next, fx := page.Next(p, page.Due{}, w.facts(), at)
		if !fx.Changed {
			w.fail("L4: due at %s, and nothing happened", at)
		}
		if same++; next.Due.After(at) {
			same = 0
		}
		if same > 25 {
			w.fail("L4: it goes on for ever at %s", at)
		}
		p = next
	}
}

func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	var last []string
	for _, tell := range append(w.story[:1:1], w.story[max(1, len(w.story)-12):]...) {
		last = append(last, tell())
	}
	w.t.Fatalf("%s\nthe last of the story:\n%s", fmt.Sprintf(format, args...), strings.Join(last, "\n"))
}

func (w *world) tell(line func() string) { w.story = append(w.story, line) }

func newWorld(t rapid.TB, r dice, cells map[string]int) *world {
	return &world{t: t, r: r, now: time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC), next: 1001, p: page.Page{Number: 1001},
		acks: map[string]int{}, told: map[string]int{}, cells: cells}
}

// live fires an alert and lets n things happen.
func (w *world) live(n int) {
	w.t.Helper()
	first := page.Signals{Opened: 1, NewIDs: 1, Firing: 1, Group: "g", Source: "prod", Subject: subjectOf(alert.Severity(1 + w.r.IntN(4)))}
	first.Worst = first.Subject.Severity
	w.step(first)
	for k := range n {
		w.step(w.draw())
		if k%40 == 0 {
			w.progress()
		}
	}
}

// TestInvariantsHoldAndShrink plays short histories of rapid's: other ones in each run, and shrunk when one fails.
func TestInvariantsHoldAndShrink(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, rapidDice{t}, map[string]int{})
		w.tell(func() string { return "shrunk by rapid" })
		w.live(25)
	})
}

// TestInvariantsHoldInEveryHistory plays random histories and checks the invariants after every transition. It prints how
// often each event met each status in each round; a cell that was hardly met proves nothing and fails.
func TestInvariantsHoldInEveryHistory(t *testing.T) {
	cells := map[string]int{}
	for h := range *histories {
		w := newWorld(t, rand.New(rand.NewPCG(*seed, uint64(h))), cells)
		w.tell(func() string { return fmt.Sprintf("seed %d, history %d", *seed, h) })
		w.live(150)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, %d histories\n%-14s", *seed, *histories, "")
	for _, e := range events() {
		fmt.Fprintf(&b, "%15s", e)
	}
	for _, s := range []page.Status{page.Held, page.Triggered, page.Acknowledged, page.Resolved} {
		for round := 1; round <= 3; round++ {
			fmt.Fprintf(&b, "\n%-12s %d", s, round)
			for _, e := range events() {
				n := cells[fmt.Sprintf("%s %s %d", s, e, round)]
				fmt.Fprintf(&b, "%15d", n)
				if n < 100 {
					t.Errorf("%s × %s × round %d was met %d times, want 100", s, e, round, n)
				}
			}
		}
	}
	t.Log("\n" + b.String())
}

// TestAStormStaysSmall: thousands of alerts and senders leave a page that fits.
func TestAStormStaysSmall(t *testing.T) {
	now := time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC)
	p := page.Page{Number: 1001}
	people := map[string][]schedule.Responder{}
	for i := range 200 {
		name := fmt.Sprintf("person-with-a-long-name-%03d", i)
		people["team"] = append(people["team"], schedule.Responder{Person: name, Rungs: rungs(name, notify.SMS)})
	}
	sub := subjectOf(alert.SEV1)
	sub.Summary = strings.Repeat("ü", 10_000)
	for i := range 3000 {
		ev := page.Signals{Opened: 1, NewIDs: 1, Firing: i + 1, Group: "g", Source: "prod", Subject: sub, Worst: alert.SEV1, Sender: fmt.Sprint(i), Hidden: 5,
			Names: slices.Repeat([]string{strings.Repeat("n", 300)}, 20)}
		p, _ = page.Next(p, ev, page.Facts{Roster: map[string][]schedule.Responder{"primary": people["team"][:1]}}, now)
		now = now.Add(time.Second)
	}
	if n := len(encode(t, p)); n > 32<<10 {
		t.Errorf("the page takes %d bytes", n)
	}
}

func BenchmarkNext(b *testing.B) {
	now := time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC)
	f := page.Facts{Roster: map[string][]schedule.Responder{"primary": {{Person: "ana", Rungs: everybody()["ana"]}}}}
	create := page.Signals{Opened: 1, NewIDs: 1, Firing: 1, Group: "g", Source: "prod", Subject: subjectOf(alert.SEV2), Worst: alert.SEV2}
	p, _ := page.Next(page.Page{Number: 1001}, create, f, now)
	b.Run("create", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			page.Next(page.Page{Number: 1001}, create, f, now)
		}
	})
	b.Run("refresh", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			page.Next(p, page.Signals{Refreshed: 1, Firing: 1}, f, now)
		}
	})
	b.Run("due", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			page.Next(p, page.Due{}, f, p.Due)
		}
	})
	b.Run("acknowledge", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			page.Next(p, page.Acknowledge{By: page.Actor{Person: "ana", Channel: "sms", Raw: "4"}}, f, now)
		}
	})
}
