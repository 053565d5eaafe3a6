// Package degraded tells the operators of pagerd's own troubles when the store cannot: it sends straight through the
// providers, with no outbox and nothing remembered on a disk.
//
// It promises that a store which is unusable for longer than configured is told to every operator within a second, again
// every five minutes while it lasts and every fifteen seconds while nobody can be told, and once when it is over; that each
// message has its own deadline, so that one provider which hangs keeps no other from ringing; and that what a call says
// stays true and available with the store gone.
package degraded

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"pagerd/notify"
	"pagerd/notify/message"
)

const (
	askEvery = time.Second
	askTime  = 900 * time.Millisecond // a store that answers no sooner is as good as gone
	attempt  = 5 * time.Second        // as long as the engine's attempts
	validity = repeatEvery            // the next message says more
)

// Options are what an Alarm needs; everything but Log is required.
type Options struct {
	Replica string // this daemon's name
	// Ready is the store's: why no commit would be durable now.
	Ready func(ctx context.Context) error
	// Means says in a few words what that error means for alerts and pages.
	Means func(err error) string
	// After is how long the store may be unusable before it is told.
	After func() time.Duration
	// Operators are told. They are asked for every time, as a reload may change them.
	Operators func() []notify.Contact
	// Send sends by the contact's channel and returns by the context's deadline.
	Send func(ctx context.Context, n notify.Notification) notify.Outcome
	// Observe hears of each attempt's outcome.
	Observe func(c notify.Channel, out notify.Outcome)
	Now     func() time.Time
	Log     *zap.Logger
}

// Alarm watches the store.
type Alarm struct {
	o    Options
	wake chan struct{}

	mu      sync.Mutex
	outage  outage
	notices notices
	reason  string // why the store is unusable; empty = it is usable
	number  int    // of messages sent
}

// New returns an alarm that watches nothing before Run.
func New(o Options) *Alarm {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	return &Alarm{o: o, wake: make(chan struct{}, 1)}
}

// Unusable says since when and why the store is unusable; a zero instant = it is usable, as far as is known.
func (a *Alarm) Unusable() (since time.Time, reason string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.outage.since, a.reason
}

// Tell tells the operators a sentence once. While the same key was told in the last ten minutes it does nothing.
func (a *Alarm) Tell(key, text string) {
	a.o.Log.Warn("told to the operators", zap.String("reason", key), zap.String("text", text))
	a.mu.Lock()
	a.notices.add(a.o.Now(), key, text)
	a.mu.Unlock()
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// Words is what the call with this id says now; see [Words].
func (a *Alarm) Words(delivery string) ([]string, bool) {
	since, _ := a.Unusable()
	return Words(delivery, since.IsZero())
}

// Run asks the store every second and tells what there is to tell, until ctx ends and the attempts under way have.
func (a *Alarm) Run(ctx context.Context) error {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	var telling sync.WaitGroup
	defer telling.Wait()
	for {
		a.look(ctx, &telling)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-a.wake:
		}
	}
}

// look asks the store once and starts what is to be told.
func (a *Alarm) look(ctx context.Context, telling *sync.WaitGroup) {
	ask, cancel := context.WithTimeout(ctx, askTime)
	err := a.o.Ready(ask)
	cancel()
	if ctx.Err() != nil {
		return
	}
	now := a.o.Now()
	a.mu.Lock()
	before := a.reason
	if a.reason = ""; err != nil {
		a.reason = err.Error()
	}
	changed := (before == "") != (err == nil)
	do, lasts := a.outage.observe(now, err != nil, a.o.After())
	due := a.notices.due(now)
	a.mu.Unlock()

	if changed {
		a.o.Log.Warn("store", zap.Bool("usable", err == nil), zap.Error(err))
	}
	switch do {
	case tell:
		text := unusableText(a.o.Replica, a.o.Means(err), err.Error(), lasts)
		telling.Go(func() { a.settle(a.everybody(text, true), a.outage.answered) })
	case tellBack:
		text := backText(a.o.Replica, lasts)
		telling.Go(func() { a.everybody(text, false) })
	}
	for _, n := range due {
		telling.Go(func() {
			a.settle(a.everybody(n.text, false), func(now time.Time, r result) { a.notices.answered(now, n, r) })
		})
	}
}

func (a *Alarm) settle(r result, answered func(now time.Time, r result)) {
	now := a.o.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	answered(now, r)
}

// everybody tells every operator at the same time, each by an attempt with its own deadline. It outlives a signal to stop.
func (a *Alarm) everybody(text string, outage bool) result {
	operators := a.o.Operators()
	if len(operators) == 0 {
		a.o.Log.Error("nobody to tell: there are no operators in the configuration", zap.String("text", text))
		return result{nobody: true}
	}
	outcomes := make(chan notify.Outcome, len(operators))
	for _, c := range operators {
		n := a.notification(c, text, outage)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), attempt)
			defer cancel()
			out := a.o.Send(ctx, n)
			a.o.Observe(c.Channel, out)
			a.o.Log.Warn("operator told without the store", zap.String("responder", c.Person), zap.String("channel", string(c.Channel)),
				zap.String("certainty", string(out.Certainty)), zap.String("reason", string(out.Reason)), zap.String("detail", out.Detail))
			outcomes <- out
		}()
	}
	// A sender that ignores its deadline must not keep the next message from leaving.
	late := time.NewTimer(attempt + askEvery)
	defer late.Stop()
	var r result
	for range operators {
		select {
		case out := <-outcomes:
			r.accepted = r.accepted || out.Certainty == notify.Sent
			r.maybe = r.maybe || out.Certainty == notify.MaybeSent
		case <-late.C:
			return r
		}
	}
	return r
}

// notification is the alarm for one contact.
func (a *Alarm) notification(c notify.Contact, text string, outage bool) notify.Notification {
	a.mu.Lock()
	a.number++
	id := fmt.Sprintf("%s%s-%d-%d", direct, a.o.Replica, a.o.Now().Unix(), a.number)
	a.mu.Unlock()
	if c.Channel == notify.Voice {
		id = callID(text, outage)
	}
	return message.Render(notify.Notification{Delivery: id, Kind: notify.KindAlarm, Contact: c, Text: text, Validity: validity,
		Thread: "degraded." + a.o.Replica})
}
