package replica

import (
	"fmt"
	"sync"
	"time"
)

// Source reads the machine's two clocks: the wall clock, which can be set, and a steady one, which never is and counts from
// any beginning.
type Source func() (wall time.Time, steady time.Duration)

// System is the machine's own clocks.
func System() Source {
	began := time.Now()
	return func() (time.Time, time.Duration) {
		now := time.Now()
		return now.Round(0), now.Sub(began)
	}
}

// reading is what a Source said at one moment.
type reading struct {
	wall   time.Time
	steady time.Duration
}

// unmeasured is the hold until the first comparison: what fires by a clock that is an hour ahead rings people an hour early.
const unmeasured = "clock: not compared with the store's yet"

// Clock is the daemon's clock. Between comparisons it counts by the steady clock from the newest one, so that a wall clock
// that is set, or that runs away, is noticed and never followed.
type Clock struct {
	source Source
	jumped chan struct{} // gets a value when the wall clock left the steady one

	mu      sync.Mutex
	judge   bool      // there was a comparison; else the wall clock is all there is
	base    reading   // at the newest comparison
	instant time.Time // what Now said then: the wall clock, corrected while it is held
	hold    string
	compare bool // a comparison is asked for already
}

// NewClock returns a clock that holds until it was compared.
func NewClock(s Source) *Clock {
	return &Clock{source: s, jumped: make(chan struct{}, 1), hold: unmeasured}
}

func (c *Clock) read() reading {
	wall, steady := c.source()
	return reading{wall, steady}
}

// Now is the time, in UTC.
func (c *Clock) Now() time.Time {
	r := c.read()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.judge {
		return r.wall.UTC()
	}
	c.look(r)
	return c.instant.Add(r.steady - c.base.steady).UTC()
}

// Hold says why nothing may be fired or sent by this clock; empty = it can be trusted.
func (c *Clock) Hold() string {
	r := c.read()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.look(r)
	return c.hold
}

// Compared reports whether the clock was compared, or cannot be: else nothing should be stamped by it yet.
func (c *Clock) Compared() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hold != unmeasured
}

// look holds at once when the wall clock was set since the newest comparison, and asks for another.
func (c *Clock) look(r reading) {
	jump := r.wall.Sub(c.base.wall) - (r.steady - c.base.steady)
	if !c.judge || c.compare || jump.Abs() <= Limit {
		return
	}
	c.compare = true
	c.hold = fmt.Sprintf("clock: it jumped by %s and is compared with the others", span(jump))
	select {
	case c.jumped <- struct{}{}:
	default:
	}
}

// judged takes the result of a comparison that was made at r. The correction counts only while the clock is held.
func (c *Clock) judged(r reading, v Verdict) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.judge, c.base, c.instant, c.hold, c.compare = true, r, r.wall, "", false
	if v.Held() {
		c.instant = r.wall.Add(-v.Deviation)
		c.hold = fmt.Sprintf("clock: %s off the median of %d clocks; this replica fires and sends nothing", span(v.Deviation), v.Votes)
	}
	c.look(c.read())
}

// trust follows the wall clock when the store cannot tell the time: a pager that rings by a clock that nobody checks is
// better than one that never rings.
func (c *Clock) trust() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.judge, c.hold, c.compare = false, "", false
}

// span is a deviation with its direction, as people read it: "+1.5s", "-320ms".
func span(d time.Duration) string {
	sign := "+"
	if d < 0 {
		sign = ""
	}
	if d.Abs() > 10*time.Second {
		return sign + d.Round(time.Second).String()
	}
	return sign + d.Round(10*time.Millisecond).String()
}
