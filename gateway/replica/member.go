// Package replica lets identical daemons that share a store live beside each other: each announces itself every ten
// seconds, sees the others, and judges its own clock by theirs and the store's.
//
// It promises that a replica whose clock is more than half a second off the median of at least three fires and sends
// nothing until it is right again, from the moment at which the wall clock leaves the steady one; that such a replica still
// tells the time, corrected; and that configurations which differ are seen. Nobody is elected.
package replica

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"pagerd/gateway/store"
)

const (
	every    = 10 * time.Second // between announcements (RULES R9)
	again    = time.Second      // after a failed one
	patience = 2 * time.Second  // for one comparison
	tries    = 3                // readings of the store's clock; the one with the shortest way counts
	maxTrip  = Limit            // a longer round trip says too little about the store's clock
)

// Shared is what a store that replicas share does for them.
type Shared interface {
	ServerTime(ctx context.Context) (time.Time, error)
	Announce(ctx context.Context, r store.Replica) ([]store.Replica, error)
	Withdraw(ctx context.Context, name string) error
}

// Options are what a Member needs.
type Options struct {
	Store Shared
	Clock *Clock
	// Self describes this daemon: name, version, configuration, schema, start. It is asked every time: a reload changes it.
	Self func() store.Replica
	// Tell tells the operators, without the store. The same key is not told again and again.
	Tell func(key, text string)
	Log  *zap.Logger
}

// Member is this daemon among its like.
type Member struct {
	o Options

	mu       sync.Mutex
	state    State
	compared time.Duration // by the steady clock, when state was made
	skew     skew
}

// State is what is known of the replicas.
type State struct {
	Replicas []store.Replica // live at the newest comparison, by name, this one included
	Verdict  Verdict
	Offset   time.Duration // of this replica's wall clock to the store's
	At       time.Time     // of the newest comparison; zero = none yet
	Failed   string        // why the newest try failed; empty = it did not
}

// New returns a member that has announced nothing yet.
func New(o Options) *Member {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	return &Member{o: o}
}

// State returns the newest state.
func (m *Member) State() State {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.state
	s.Replicas = slices.Clone(s.Replicas)
	return s
}

// First reports whether this replica is the first of the live ones by name: it tells the operators what all of them see.
// A replica that knows of nobody is the first.
func (m *Member) First() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.state.Replicas) == 0 || m.state.Replicas[0].Name == m.o.Self().Name
}

// Run compares clocks and announces until ctx ends: every ten seconds, each second while that fails, and at once when the
// wall clock jumps.
func (m *Member) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-m.o.Clock.jumped:
		}
		if err := m.Compare(ctx); err != nil {
			timer.Reset(again)
			continue
		}
		timer.Reset(every)
	}
}

// Withdraw says that this replica stops.
func (m *Member) Withdraw(ctx context.Context) error {
	return m.o.Store.Withdraw(ctx, m.o.Self().Name)
}

// Compare measures this replica's clock, announces it and judges it by the others. The error is kept in the state.
func (m *Member) Compare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, offset, err := m.measure(ctx)
	var live []store.Replica
	self := m.o.Self()
	if err == nil {
		self.Offset = offset
		if live, err = m.o.Store.Announce(ctx, self); err != nil {
			err = fmt.Errorf("announce this replica: %w", err)
		}
	}
	if err != nil {
		m.failed(ctx, err)
		return err
	}
	v := Judge(self.Name, offset, live)
	m.o.Clock.judged(r, v)
	m.note(self, State{Replicas: live, Verdict: v, Offset: offset, At: m.o.Clock.Now()}, r.steady)
	return nil
}

// measure reads the store's clock between two readings of ours: half the round trip is how old the answer is.
func (m *Member) measure(ctx context.Context) (at reading, offset time.Duration, err error) {
	best := time.Duration(-1)
	for range tries {
		before := m.o.Clock.read()
		server, err := m.o.Store.ServerTime(ctx)
		if err != nil {
			return reading{}, 0, fmt.Errorf("ask the store for its time: %w", err)
		}
		trip := m.o.Clock.read().steady - before.steady
		if best < 0 || trip < best {
			best, at, offset = trip, before, before.wall.Add(trip/2).Sub(server)
		}
		if best < maxTrip/10 {
			break
		}
	}
	if best > maxTrip {
		return reading{}, 0, fmt.Errorf("the store takes %s to tell the time: clocks cannot be compared", best.Round(time.Millisecond))
	}
	return at, offset, nil
}

// failed notes a comparison that did not come about. What was judged before holds on for as long as an announcement counts.
func (m *Member) failed(ctx context.Context, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	first := m.state.Failed == ""
	m.state.Failed = err.Error()
	if errors.Is(err, store.ErrUnavailable) || ctx.Err() != nil {
		return // nothing can be fired either
	}
	if first {
		m.o.Log.Error("clocks cannot be compared", zap.Error(err))
	}
	if m.state.At.IsZero() || m.o.Clock.read().steady-m.compared > store.ReplicaLife {
		m.o.Clock.trust()
	}
}

// note keeps the state and tells what is new in it.
func (m *Member) note(self store.Replica, s State, steady time.Duration) {
	m.mu.Lock()
	wasOff := m.state.Verdict.Off
	m.state, m.compared = s, steady
	skewed := m.skew.observe(s.At, s.Replicas)
	m.mu.Unlock()
	switch {
	case s.Verdict.Off && !wasOff:
		m.o.Log.Error("this replica's clock is off", zap.Duration("deviation", s.Verdict.Deviation), zap.Int("votes", s.Verdict.Votes),
			zap.Bool("held", s.Verdict.Held()))
		m.o.Tell("clock", offText(self.Name, s.Verdict))
	case !s.Verdict.Off && wasOff:
		m.o.Log.Info("this replica's clock is right again")
		m.o.Tell("clock right", "RIGHT AGAIN: the clock of "+self.Name+": it fires and sends.")
	}
	if skewed {
		m.o.Log.Warn("replicas run with different configurations", zap.String("replicas", skewText(s.Replicas)))
		if m.First() {
			m.o.Tell("configuration", "CONFIGURATION: replicas run with different ones for more than 2 min: "+skewText(s.Replicas)+". Reload those that are old.")
		}
	}
}

func offText(name string, v Verdict) string {
	if v.Held() {
		return fmt.Sprintf("DEGRADED: the clock of %s is %s off %d others: it accepts alerts, but fires and sends nothing until that is mended.", name,
			span(v.Deviation), v.Votes-1)
	}
	return fmt.Sprintf("CLOCK: that of %s is %s off the store's, and there is no third clock to say which is wrong. Look at both.", name, span(v.Deviation))
}

// skewText is each replica with the beginning of its configuration's hash.
func skewText(live []store.Replica) string {
	parts := make([]string, len(live))
	for i, r := range live {
		parts[i] = r.Name + " " + r.Config[:min(6, len(r.Config))]
	}
	return strings.Join(parts, ", ")
}
