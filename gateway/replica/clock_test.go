package replica

import (
	"strings"
	"testing"
	"time"
)

// machine has two clocks that a test moves.
type machine struct {
	wall   time.Time
	steady time.Duration
}

func (m *machine) source() (time.Time, time.Duration) { return m.wall, m.steady }

func (m *machine) pass(d time.Duration) { m.wall, m.steady = m.wall.Add(d), m.steady+d }

var began = time.Date(2026, 3, 4, 3, 0, 0, 0, time.UTC)

func right() Verdict { return Verdict{Votes: 3} }

func off(d time.Duration) Verdict { return Verdict{Deviation: d, Votes: 3, Off: true} }

// step is one thing that happens to a machine or its clock, and what the clock must say then.
type step struct {
	what  string
	do    func(m *machine, c *Clock)
	now   time.Duration // since began
	hold  string        // a part of the reason; empty = none
	asked bool          // a comparison was asked for since the step before
}

func TestAClockFollowsNoJump(t *testing.T) {
	for name, steps := range map[string][]step{
		"set ahead, and that was right (the machine slept)": {
			{"at first", func(*machine, *Clock) {}, 0, "not compared", false},
			{"compared", func(m *machine, c *Clock) { c.judged(c.read(), right()) }, 0, "", false},
			{"time passes", func(m *machine, c *Clock) { m.pass(9 * time.Second) }, 9 * time.Second, "", false},
			{"set ahead by 10 min", func(m *machine, c *Clock) { m.wall = m.wall.Add(10 * time.Minute) }, 9 * time.Second, "jumped by +10m0s", true},
			{"the store is slow", func(m *machine, c *Clock) { m.pass(time.Second) }, 10 * time.Second, "jumped", false},
			{"compared", func(m *machine, c *Clock) { c.judged(c.read(), right()) }, 10*time.Minute + 10*time.Second, "", false},
		},
		"set ahead, wrongly, and set back": {
			{"compared", func(m *machine, c *Clock) { c.judged(c.read(), right()) }, 0, "", false},
			{"set ahead by an hour", func(m *machine, c *Clock) { m.wall = m.wall.Add(time.Hour) }, 0, "jumped", true},
			{"compared", func(m *machine, c *Clock) { c.judged(c.read(), off(time.Hour)) }, 0, "clock: +1h0m0s off", false},
			{"time passes", func(m *machine, c *Clock) { m.pass(9 * time.Second) }, 9 * time.Second, "+1h0m0s off", false},
			{"set back", func(m *machine, c *Clock) { m.wall = m.wall.Add(-time.Hour) }, 9 * time.Second, "jumped by -1h0m0s", true},
			{"compared", func(m *machine, c *Clock) { c.judged(c.read(), right()) }, 9 * time.Second, "", false},
		},
		"set a little, as a time daemon does": {
			{"compared", func(m *machine, c *Clock) { c.judged(c.read(), right()) }, 0, "", false},
			{"set by 500 ms", func(m *machine, c *Clock) { m.wall = m.wall.Add(500 * time.Millisecond) }, 0, "", false},
			{"compared", func(m *machine, c *Clock) { c.judged(c.read(), right()) }, 500 * time.Millisecond, "", false},
			{"and once more", func(m *machine, c *Clock) { m.wall = m.wall.Add(500 * time.Millisecond) }, 500 * time.Millisecond, "", false},
		},
		"it runs away twice as fast": {
			{"compared", func(m *machine, c *Clock) { c.judged(c.read(), right()) }, 0, "", false},
			{"half a second", func(m *machine, c *Clock) {
				m.pass(500 * time.Millisecond)
				m.wall = m.wall.Add(500 * time.Millisecond)
			}, 500 * time.Millisecond, "", false},
			{"a little more", func(m *machine, c *Clock) { m.pass(10 * time.Millisecond); m.wall = m.wall.Add(10 * time.Millisecond) }, 510 * time.Millisecond, "jumped by +510ms", true},
		},
		"off, and only two clocks": {
			{"compared", func(m *machine, c *Clock) { c.judged(c.read(), Verdict{Deviation: time.Hour, Votes: 2, Off: true}) }, 0, "", false},
		},
		"a store that cannot tell the time": {
			{"at first", func(*machine, *Clock) {}, 0, "not compared", false},
			{"given up", func(m *machine, c *Clock) { c.trust() }, 0, "", false},
			{"set ahead", func(m *machine, c *Clock) { m.wall = m.wall.Add(time.Hour) }, time.Hour, "", false},
			{"it can again", func(m *machine, c *Clock) { c.judged(c.read(), off(time.Hour)) }, 0, "+1h0m0s off", false},
		},
	} {
		m := &machine{wall: began}
		c := NewClock(m.source)
		for _, s := range steps {
			s.do(m, c)
			hold := c.Hold()
			if hold == "" != (s.hold == "") || !strings.Contains(hold, s.hold) {
				t.Errorf("%s: %s: held %q, want %q", name, s.what, hold, s.hold)
			}
			if got := c.Now().Sub(began); got != s.now {
				t.Errorf("%s: %s: the clock says %s, want %s", name, s.what, got, s.now)
			}
			asked := false
			select {
			case <-c.jumped:
				asked = true
			default:
			}
			if asked != s.asked {
				t.Errorf("%s: %s: a comparison was asked for: %v, want %v", name, s.what, asked, s.asked)
			}
		}
	}
}
