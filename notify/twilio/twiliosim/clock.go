package twiliosim

import "time"

// Clock is the time that a Sim lives in. The zero value is the time package's, which under testing/synctest is virtual.
type Clock struct {
	Now   func() time.Time
	Timer func(time.Duration) (c <-chan time.Time, stop func() bool)
}

func (c Clock) orReal() Clock {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Timer == nil {
		c.Timer = func(d time.Duration) (<-chan time.Time, func() bool) {
			t := time.NewTimer(d)
			return t.C, t.Stop
		}
	}
	return c
}
