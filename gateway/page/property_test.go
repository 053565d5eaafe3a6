package page_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"pagerd/gateway/alert"
	"pagerd/gateway/page"
)

var (
	seed      = flag.Uint64("seed", 1, "seed of the first history")
	histories = flag.Int("histories", 750, "how many histories are played")
)

// storedEvery is how seldom the stored form is looked at: writing it is most of the work.
const storedEvery = 16

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
