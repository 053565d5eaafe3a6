package sim

import (
	"context"
	"fmt"
	"time"

	"pagerd/gateway/store"
)

// link is a process's way to the store. Every call may find that the process is gone, that others work in between, that
// the network fails before or after; what the store did is told to the judge in any case.
type link struct{ life *life }

var _ store.Store = (*link)(nil)

func unreachable(what string) error {
	return fmt.Errorf("%s: connection lost: %w", what, store.ErrUnavailable)
}

// reaches reports whether the machine reaches a store that answers.
func (m *machine) reaches() bool { return !m.cut && !m.w.outage && m.behind == nil }

// call makes one store call. do gets the store and whether what it does there counts: a master that was voted out still
// executes, answers with an error, and its changes will be gone.
func (k *link) call(ctx context.Context, what string, writes bool, do func(s store.Store, counts bool) error) error {
	l := k.life
	w := l.w
	op := operationOf(ctx)
	op.turn()
	if w.over() || l.dead {
		return unreachable(what)
	}
	w.tally.Calls++
	answerLost := false
	if !w.top().quiet {
		answerLost = w.meanwhile(l, what)
	}
	if op == nil {
		w.queueBehind(l)
	}
	switch {
	case l.dead || w.over():
		return unreachable(what)
	case l.cut || w.outage:
		return unreachable(what)
	case l.behind != nil:
		err := do(l.behind.Store(), false)
		if writes && err == nil {
			w.tally.note("written to the old master")
			return unreachable(what)
		}
		return err
	}
	if d := w.dice(); !w.top().quiet && d.chance(w.weather.lost) {
		w.tally.note("request lost")
		w.tell("", "%s: %s: the request is lost", l.name, what)
		return unreachable(what)
	}
	err := do(w.medium.Store(), true)
	if writes && !w.top().quiet {
		w.dies(l, "after "+what)
	}
	switch {
	case w.over() || l.dead:
		return unreachable(what)
	case answerLost:
		w.tally.note("answer lost")
		w.tell("", "%s: %s: executed, and the answer is lost", l.name, what)
		return unreachable(what)
	}
	if writes && !w.top().quiet && w.dice().chance(w.weather.interleave/4) {
		w.elapse(w.dice().soon(20 * time.Millisecond))
		if l.dead || w.over() {
			return unreachable(what)
		}
	}
	return err
}

// meanwhile lets others work before the store call, and throws what befalls the call itself.
func (w *world) meanwhile(l *life, what string) (answerLost bool) {
	d := w.dice()
	switch {
	case d.chance(w.weather.rival), w.weather.on[Rivals] && w.top().keen != nil && what == "commit" && d.chance(0.5):
		w.race(l)
	case d.chance(w.weather.interleave):
		w.tally.note("interleaved")
		w.elapse(d.soon(30 * time.Millisecond))
	case d.chance(w.weather.slow):
		t := d.between(10*time.Millisecond, 2*time.Second)
		w.tally.note("slow store call")
		w.tell("", "%s: %s takes %s", l.name, what, t)
		w.elapse(t)
	case d.chance(w.weather.pause):
		w.stop(l, "before "+what)
	}
	w.dies(l, "before "+what)
	return d.chance(w.weather.answerLost)
}

// dies lets the process crash here, perhaps.
func (w *world) dies(l *life, where string) {
	if !l.dead && w.mayDie(l) && w.dice().chance(w.weather.crash) {
		l.die(where)
	}
}

// stop is a SIGSTOP: the process stands still, and wakes in the middle of what it did.
func (w *world) stop(l *life, where string) {
	t := w.dice().between(500*time.Millisecond, 30*time.Second)
	w.tally.note("pause")
	w.tell("", "%s is stopped for %s %s", l.name, t, where)
	l.stopped++
	w.elapse(t)
	l.stopped--
	if !l.dead {
		w.tell("", "%s goes on", l.name)
	}
}
