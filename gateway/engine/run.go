package engine

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"pagerd/gateway/store"
	"pagerd/notify"
)

// defaultWorkers is how many attempts are on the wire at a time per channel: one provider that hangs cannot take the
// others' places.
const defaultWorkers = 16

// housekeepEvery is how often retention is looked at.
const housekeepEvery = 10 * time.Minute

// stuckAgain is how soon what was due and could not be fired is tried again, and with it whatever else is due: what is damaged
// stays due, and must not keep a core busy.
const stuckAgain = 100 * time.Millisecond

// drainTime is how long attempts under way go on after a signal to stop; what is then in doubt is settled as that, and
// another replica asks the provider. Their own deadline would be too late: a stop takes at most 5 s, settling included.
const drainTime = 4 * time.Second

// Run does what is due and sends what is pending until ctx ends; it then stops claiming, and returns when the attempts
// under way are settled (each is bounded by its deadline and by drainTime). It is woken by commits, by finished attempts
// and by the next due instant; clock is the process's wall clock.
func (e *Engine) Run(ctx context.Context, clock func() time.Time) {
	slots := newSlots(e.limits)
	timer := time.NewTimer(0)
	defer timer.Stop()
	housekeep := clock().Add(time.Minute)
	count := clock().Add(countFirst)
	for ctx.Err() == nil {
		now := e.instant(clock())
		e.pass(ctx, slots, clock, now)
		if now.After(housekeep) {
			housekeep = now.Add(housekeepEvery)
			e.background(func() {
				e.trouble.note(ctx, e.log, "housekeeping", e.Housekeep(ctx, clock()))
				e.trouble.note(ctx, e.log, "anchors", e.Anchor(ctx, clock(), pace))
			})
		}
		if now.After(count) {
			count = now.Add(countEvery)
			e.background(func() { e.recount(ctx) })
		}
		timer.Reset(e.idle(ctx, slots, clock()))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-e.store.Wake():
		case <-e.nudge:
		}
	}
	cut := time.AfterFunc(drainTime, e.endAttempts)
	defer cut.Stop()
	e.work.Wait()
}

// pass fires what is due and starts what can be sent.
func (e *Engine) pass(ctx context.Context, slots *slots, clock func() time.Time, now time.Time) {
	e.health.beat(clock())
	if e.hold() != "" {
		return
	}
	if e.health.firing.CompareAndSwap(false, true) {
		// Due work runs beside the sends: a step's commits must not keep a message from leaving.
		e.background(func() {
			defer e.health.firing.Store(false)
			n, err := e.Tick(ctx, now)
			e.trouble.note(ctx, e.log, "due work", err)
			e.health.stuck.Store(err != nil)
			if n > 0 && err == nil {
				e.poke()
			}
		})
	}
	if last := e.swept.Load(); last == 0 || e.silenceBegan(time.Unix(0, last), now) {
		e.swept.Store(now.UnixNano())
		e.background(func() {
			e.trouble.note(ctx, e.log, "silences", e.Sweep(ctx, now))
			e.trouble.note(ctx, e.log, "calendar", e.KeepCalendar(ctx, now))
		})
	}
	e.dispatch(ctx, slots, clock, now)
}

// background runs f as work that Run waits for.
func (e *Engine) background(f func()) {
	e.work.Add(1)
	go func() {
		defer e.work.Done()
		f()
	}()
}

// dispatch claims as many messages per channel as have a free place, and sends each on its own goroutine. What has no
// provider is claimed too: it fails for good, and its page hears of it.
func (e *Engine) dispatch(ctx context.Context, slots *slots, clock func() time.Time, now time.Time) {
	for _, channel := range notify.Channels() {
		free := slots.free(channel)
		if free == 0 || !slots.turn(channel, now) {
			continue
		}
		claims, err := e.store.Claim(ctx, now, e.claimOptions(free, []notify.Channel{channel}))
		e.trouble.note(ctx, e.log, "claims", err)
		if err != nil {
			return
		}
		if len(claims) == 0 && !e.prompt(channel) {
			slots.later(channel, now)
		}
		for _, c := range claims {
			slots.take(channel)
			e.background(func() {
				defer e.poke()
				defer slots.give(channel)
				e.carry(c, clock)
			})
		}
	}
}

// carry sends one claim under a lease that is renewed while the attempt is on the wire.
func (e *Engine) carry(c store.Claim, clock func() time.Time) {
	defer e.contain(c)
	// The attempt outlives a shutdown signal: what was claimed is finished, not abandoned.
	ctx, cancel := context.WithTimeout(context.Background(), attemptTime+commitTime)
	defer cancel()
	l := &lease{}
	// The lease began at the instant that the claim was made with, which is long ago if the process was stopped in between.
	l.renewed.Store(c.Until.Add(-leaseTime).UnixNano())
	done := e.health.flight(clock())
	defer done()
	renewals := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { e.renew(ctx, c, l, clock, renewals) })
	settle := func() time.Time { return e.instant(clock()) }
	err := e.attempt(ctx, c, settle, func() bool { return l.alive(clock()) })
	close(renewals)
	wg.Wait()
	if err != nil {
		e.log.Error("delivery could not be settled; its lease will end", zap.String("delivery", c.Deliveries[0].ID), zap.Error(err))
	}
}

// contain keeps a panic in one message's making from taking the others down: its lease ends and it is tried again.
func (e *Engine) contain(c store.Claim) {
	if v := recover(); v != nil {
		e.log.Error("delivery panicked", panicFields(c.Deliveries[0].ID, v)...)
		e.metrics.Alarms.WithLabelValues("panic").Inc()
	}
}

func (e *Engine) renew(ctx context.Context, c store.Claim, l *lease, clock func() time.Time, stop <-chan struct{}) {
	t := time.NewTicker(renewEvery)
	defer t.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ctx.Done():
			return
		case <-t.C:
			now := clock()
			err := e.store.Renew(ctx, c, now.Add(leaseTime))
			if errors.Is(err, store.ErrFenced) {
				return
			}
			if err != nil { // the store may be back before the lease ends
				e.log.Warn("lease not renewed", zap.String("delivery", c.Deliveries[0].ID), zap.Error(err))
				continue
			}
			l.renewed.Store(now.UnixNano())
		}
	}
}

// idle is how long the loop may wait for the next instant.
func (e *Engine) idle(ctx context.Context, slots *slots, now time.Time) time.Duration {
	var open []notify.Channel
	for _, channel := range notify.Channels() {
		if e.prompt(channel) && slots.free(channel) > 0 {
			open = append(open, channel)
		}
	}
	if len(open) == 0 {
		open = []notify.Channel{"none"} // what cannot be sent now must not wake the loop; an attempt that ends does
	}
	next, err := e.store.Next(ctx, e.claimOptions(1, open))
	if err != nil || next.IsZero() || e.hold() != "" {
		return maxIdle
	}
	if next.After(now) {
		return min(next.Sub(now), maxIdle)
	}
	if e.health.firing.Load() {
		return 10 * time.Millisecond // the due work under way pokes the loop when it ends
	}
	if e.health.stuck.Load() {
		return stuckAgain
	}
	return 0
}

// Reconfigured says that the configuration was replaced: what is silenced now is looked at again.
func (e *Engine) Reconfigured() {
	e.swept.Store(0)
	e.poke()
}

// poke wakes the loop.
func (e *Engine) poke() {
	select {
	case e.nudge <- struct{}{}:
	default:
	}
}

// Drain waits for group work and attempts under way.
func (e *Engine) Drain() { e.work.Wait() }

// prompt reports whether what is sent on a channel leaves at once. What nobody waits for, or has no provider, is looked at once
// in maxIdle, and on while there is some, so that each page does not cost a look for letters too.
func (e *Engine) prompt(c notify.Channel) bool {
	return slices.Contains(notify.Paging(), c) && e.senders[c] != nil
}

// slots bounds the attempts at a time per channel, and how often some of them are looked at.
type slots struct {
	mu    sync.Mutex
	limit map[notify.Channel]int
	used  map[notify.Channel]int
	again map[notify.Channel]time.Time // when a channel is looked at next; of Run's loop alone
}

func newSlots(limits map[notify.Channel]int) *slots {
	return &slots{limit: limits, used: map[notify.Channel]int{}, again: map[notify.Channel]time.Time{}}
}

// turn reports whether a channel is looked at now, and later that it is not for a while.
func (s *slots) turn(c notify.Channel, now time.Time) bool { return !now.Before(s.again[c]) }

func (s *slots) later(c notify.Channel, now time.Time) { s.again[c] = now.Add(maxIdle) }

func (s *slots) free(c notify.Channel) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit := s.limit[c]
	if limit == 0 {
		limit = defaultWorkers
	}
	return limit - s.used[c]
}

func (s *slots) take(c notify.Channel) { s.add(c, 1) }
func (s *slots) give(c notify.Channel) { s.add(c, -1) }

func (s *slots) add(c notify.Channel, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used[c] += n
}
