package sim

import (
	"context"
	"errors"
	"time"

	"pagerd/gateway/store"
)

// wakeAt plans a look at the clock at the true time t, unless an earlier one is planned.
func (l *life) wakeAt(t time.Time) {
	if l.dead || !l.wake.IsZero() && !t.Before(l.wake) {
		return
	}
	l.wake = t
	l.w.after(max(0, t.Sub(l.w.now)), "", l, idle, func() {
		if !l.wake.Equal(t) {
			return // an earlier look came in between
		}
		l.wake = time.Time{}
		l.w.count("pass")
		l.pass()
	})
}

// longestIdle is how long a loop waits when nothing is due. The daemon's own waits a second; nothing is due meanwhile.
const longestIdle = time.Minute

// pass is what the daemon's loop does each time: what is due, silences, what is to be sent.
func (l *life) pass() {
	w := l.w
	if l.clock.Hold() != "" || w.now.Sub(l.compared) >= 10*time.Second {
		l.compared = w.now
		_ = l.member.Compare(context.Background()) // what it means is in Hold
	}
	if hold := l.clock.Hold(); hold != "" {
		w.tally.note("held pass")
		w.tell("", "%s holds: %s", l.name, hold)
		l.wakeAt(w.now.Add(w.dice().between(time.Second, 10*time.Second)))
		return
	}
	if l.off != 0 {
		w.fail(RuleClock, "", "the clock of %s is %s off, and it fires and sends", l.name, l.off)
	}
	now := l.clock.Now()
	broke := l.do(func(ctx context.Context) error {
		w.top().kind = "tick"
		n, err := l.engine.Tick(ctx, now)
		if n > 0 {
			w.tally.note("tick")
		}
		return err
	})
	if !l.dead && l.sweepDue(now) {
		w.top().kind = "sweep"
		w.tally.note("sweep")
		l.swept = now
		if err := l.do(func(ctx context.Context) error { return l.engine.Sweep(ctx, now) }); err != nil {
			broke = err
			l.swept = time.Time{}
		}
	}
	if !l.dead {
		broke = errors.Join(broke, l.claim(now))
	}
	if l.dead {
		return
	}
	if broke != nil {
		l.wakeAt(w.now.Add(w.dice().between(100*time.Millisecond, time.Second)))
		return
	}
	l.wakeAt(l.next(now))
}

// sweepDue reports whether a silence of its configuration begins or ends in (last, now], or the configuration is new.
func (l *life) sweepDue(now time.Time) bool {
	if l.swept.IsZero() {
		return true
	}
	for _, s := range l.variant.silences {
		for _, edge := range []time.Time{s.start, s.end} {
			if edge.After(l.swept) && !edge.After(now) {
				return true
			}
		}
	}
	return false
}

// claim leases messages and lets an attempt begin for each.
func (l *life) claim(now time.Time) error {
	w := l.w
	w.top().kind = "claim"
	var claims []store.Claim
	err := l.do(func(ctx context.Context) error {
		var err error
		claims, err = l.engine.Claim(ctx, now, 1+w.dice().IntN(4))
		return err
	})
	for _, c := range claims {
		f := &flight{claim: c, renewed: c.Until.Add(-leaseTime), index: w.judge.index}
		l.flights = append(l.flights, f)
		l.renewals(f)
		w.after(w.dice().soon(20*time.Millisecond), "attempt", l, idle, func() { l.attempt(f) })
	}
	if len(claims) > 0 {
		l.wakeAt(w.now.Add(w.dice().soon(50 * time.Millisecond)))
	}
	return err
}

// renewals keep the lease while the attempt is under way.
func (l *life) renewals(f *flight) {
	l.w.after(renewEvery, "renewal", l, running, func() {
		if f.over {
			return
		}
		now := l.clock.Now()
		err := (&link{life: l}).Renew(context.Background(), f.claim, now.Add(leaseTime))
		if errors.Is(err, store.ErrFenced) {
			return
		}
		if err == nil {
			f.renewed = now
		}
		l.renewals(f)
	})
}

// attempt makes the message and sends it.
func (l *life) attempt(f *flight) {
	w := l.w
	w.top().flight = f
	alive := func() bool { return l.clock.Now().Sub(f.renewed) <= aliveFor }
	err := l.do(func(ctx context.Context) error { return l.engine.Attempt(ctx, f.claim, l.clock.Now, alive) })
	f.over = true
	if err != nil {
		w.tally.note("attempt not settled")
		w.tell(about(f.claim), "%s could not settle what it sent: %v", l.name, err)
	}
	l.wakeAt(w.now)
}

// next is when something is due by its clock.
func (l *life) next(now time.Time) time.Time {
	w := l.w
	latest := w.now.Add(longestIdle)
	s := w.medium.Store()
	if l.behind != nil {
		s = l.behind.Store()
	}
	next, err := s.Next(context.Background(), store.ClaimOptions{Limit: 1, Window: l.variant.cfg.Notify.BundleWindow})
	if err != nil {
		return w.now.Add(time.Second)
	}
	for _, s := range l.variant.silences {
		for _, edge := range []time.Time{s.start, s.end} {
			if edge.After(now) && (next.IsZero() || edge.Before(next)) {
				next = edge
			}
		}
	}
	if next.IsZero() {
		return latest
	}
	at := w.now.Add(max(next.Sub(now), time.Millisecond))
	if at.After(latest) {
		return latest
	}
	return at
}
