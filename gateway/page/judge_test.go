package page_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"pagerd/gateway/alert"
	"pagerd/gateway/page"
	"pagerd/notify"
	"pagerd/schedule"
)

func encode(t rapid.TB, p page.Page) []byte {
	t.Helper()
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
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
