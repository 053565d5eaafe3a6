package sim

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"pagerd/config"
	"pagerd/gateway/engine"
	"pagerd/gateway/replica"
	"pagerd/gateway/store"
	"pagerd/notify"
)

// machine is where a replica runs, with its clock, its configuration and its way to the store.
type machine struct {
	w       *world
	name    string
	offset  time.Duration // of its wall clock from the true time
	off     time.Duration // how far the clock ran away; 0 = it did not
	variant *variant
	cut     bool    // it does not reach the store
	behind  forking // it still talks to the master that was voted out; nil = it does not
	life    *life   // nil while it is dead
}

// life is one process, from its start to its death.
type life struct {
	*machine
	engine  *engine.Engine
	clock   *replica.Clock
	member  *replica.Member
	dead    bool
	busy    int // operations in the middle of a store call
	stopped int // SIGSTOPs that hold it

	wake     time.Time // when its loop looks at the clock next; zero = not planned
	compared time.Time // when it compared clocks
	swept    time.Time // instant of its newest Sweep by its clock; zero = one is due
	flights  []*flight // claims under way
}

// flight is a claim under way, with the renewals of its lease.
type flight struct {
	claim   store.Claim
	renewed time.Time // by the process's clock
	over    bool
	index   int // see judge.index, at the claim
}

// aliveFor is how old the last renewal may be when an attempt writes to the wire, and renewEvery how often it is made (R5).
const (
	leaseTime  = 3 * time.Second
	aliveFor   = 1500 * time.Millisecond
	renewEvery = time.Second
)

// begin starts a process on the replica's machine.
func (m *machine) begin() {
	w := m.w
	l := &life{machine: m}
	m.life = l
	l.clock = replica.NewClock(func() (time.Time, time.Duration) {
		return w.now.Add(m.offset + m.off), w.now.Sub(w.start)
	})
	l.member = replica.New(replica.Options{Store: roll{l}, Clock: l.clock, Tell: func(string, string) {},
		Self: func() store.Replica { return store.Replica{Name: m.name} }})
	w.tally.note("life")
	w.tell("", "%s starts", m.name)
	err := l.do(func(ctx context.Context) error {
		var err error
		l.engine, err = engine.New(ctx, engine.Options{Store: &link{life: l}, Config: func() *config.Config { return m.variant.cfg },
			Senders: w.senders(l), Links: w.link, Serial: true})
		return err
	})
	if err != nil {
		w.tell("", "%s does not come up: %v", m.name, err)
		l.die("it could not start")
		return
	}
	l.wakeAt(w.now)
}

// do runs an operation of the engine: until it returns, its groups are in the middle of something.
func (l *life) do(f func(ctx context.Context) error) error {
	w := l.w
	op := &operation{Context: context.Background()}
	w.top().op, w.top().variant = op, l.variant
	l.busy++
	err := f(op)
	op.turn()
	w.settleQueued(op)
	l.busy--
	if err != nil && strings.Contains(err.Error(), "panicked") {
		w.fail(RulePanic, "", "%v", err)
	}
	return err
}

// die ends the process: whatever it does from now on reaches nobody.
func (l *life) die(why string) {
	w := l.w
	if l.dead {
		return
	}
	l.dead = true
	l.machine.life = nil
	w.tally.note("crash")
	w.tell("", "%s dies: %s", l.name, why)
	if leases, ok := w.medium.(leasing); ok && leases.LeasesDie() {
		w.judge.leasesEnd()
	}
	delay := w.dice().between(200*time.Millisecond, 20*time.Second)
	m := l.machine
	w.after(delay, "start", nil, always, func() { m.restart() })
}

// restart begins a new life when there is none.
func (m *machine) restart() {
	if m.life != nil {
		return
	}
	if err := m.w.medium.Crash(); err != nil {
		m.w.failed = fmt.Errorf("open the store again: %w", err)
		return
	}
	m.begin()
}

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

// roll is what replicas announce to each other through the store.
type roll struct{ *life }

func (r roll) ServerTime(context.Context) (time.Time, error) {
	if !r.reaches() {
		return time.Time{}, unreachable("ask for the time")
	}
	return r.w.now, nil
}

func (r roll) Announce(_ context.Context, self store.Replica) ([]store.Replica, error) {
	if !r.reaches() {
		return nil, unreachable("announce")
	}
	var live []store.Replica
	for _, o := range r.w.machines {
		if o.life != nil {
			live = append(live, store.Replica{Name: o.name, Offset: o.offset + o.off})
		}
	}
	return live, nil
}

func (r roll) Withdraw(context.Context, string) error { return nil }

// senders are the ways out of a process.
func (w *world) senders(l *life) map[notify.Channel]engine.Sender {
	return map[notify.Channel]engine.Sender{
		notify.SMS:   reconciler{provider{l, notify.SMS}},
		notify.Voice: reconciler{provider{l, notify.Voice}},
		notify.Email: provider{l, notify.Email},
	}
}

// link is a mail's one-button page.
func (w *world) link(l engine.Link) string {
	address := "https://pager.example.com/r/" + l.Delivery
	w.links[address] = l
	return address
}
