package sim

import (
	"context"
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
		notify.Bulk:  provider{l, notify.Bulk},
	}
}

// link is a mail's one-button page.
func (w *world) link(l engine.Link) string {
	address := "https://pager.example.com/r/" + l.Delivery
	w.links[address] = l
	return address
}
