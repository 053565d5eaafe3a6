package sim

import (
	"context"
	"time"
)

// anchorEvery is how often the heads of all timelines are written down (R32), and anchorTry how often a process looks
// whether it is time.
const (
	anchorEvery = time.Hour
	anchorTry   = 10 * time.Minute
)

// someAnchor lets a process look whether the heads of all timelines are to be written down.
func (w *world) someAnchor() {
	if l := w.door(); l != nil {
		l.anchor()
	}
}

// anchor is that part of the daemon's housekeeping. The first one comes a minute after the start, when the clock was compared.
func (l *life) anchor() {
	w, f := l.w, l.w.top()
	if !l.clock.Compared() {
		return
	}
	f.kind, f.life = "anchoring", l
	f.walk = &walk{began: w.judge.index, whole: l.behind == nil}
	f.rivals = append(f.rivals, func(by *life) { by.anchor() })
	if err := l.do(func(ctx context.Context) error { return l.engine.Anchor(ctx, l.clock.Now(), l.breathe) }); err != nil {
		w.tally.note("anchoring failed")
		w.tell("", "%s does not anchor: %v", l.name, err)
	}
}

// longestBreath is more than the daemon waits between two batches of objects: what it walks through is more than what a
// world has.
const longestBreath = 20 * time.Second

// breathe lets time pass between two batches of objects.
func (l *life) breathe(context.Context) error {
	l.wait(l.w.dice().soon(longestBreath))
	if l.dead {
		return unreachable("go on")
	}
	return nil
}

// walk is an anchoring under way.
type walk struct {
	began int  // index of the newest change that it must find, see judge.index
	whole bool // it began on the store that counts: what it reads cannot be older than that
}
