package engine_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pagerd/config"
	"pagerd/gateway/engine"
	"pagerd/gateway/store"
	"pagerd/gateway/store/memstore"
	"pagerd/notify"
)

// What package sim found, as the smallest story of each.

// failing fails as many commits as it is told to.
type failing struct {
	store.Store
	commits atomic.Int32
	err     error
}

func (f *failing) Commit(ctx context.Context, c store.Change) error {
	if f.commits.Add(-1) >= 0 {
		return f.err
	}
	return f.Store.Commit(ctx, c)
}

// TestAnAlarmWhoseCommitFailedIsToldWithTheNextOne: the operators must hear that nobody is on call although the store was
// away, or somebody else was faster, when that was first seen.
func TestAnAlarmWhoseCommitFailedIsToldWithTheNextOne(t *testing.T) {
	for _, err := range []error{store.ErrConflict, store.ErrUnavailable} {
		cfg, parseErr := config.Parse("test.yaml", []byte(yaml+`
operators: [{sms: "+34600000009"}]
overrides: []
`), func(string) (string, bool) { return "", false })
		if parseErr != nil {
			t.Fatal(parseErr)
		}
		r := cfg.Book.Rotations["platform"]
		r.People = nil // everybody has left
		cfg.Book.Rotations["platform"] = r
		st := &failing{Store: memstore.New(), err: fmt.Errorf("disk: %w", err)}
		st.commits.Store(1)
		e, newErr := engine.New(t.Context(), engine.Options{Store: st, Config: func() *config.Config { return cfg }})
		if newErr != nil {
			t.Fatal(newErr)
		}
		for range 2 {
			_ = e.Accept(t.Context(), batch("Down"), start())
		}
		pages, _ := st.Pages(t.Context(), store.Filter{})
		if len(pages) != 1 {
			t.Fatalf("%d pages", len(pages))
		}
		alarms := 0
		ds, _ := st.Deliveries(t.Context(), pages[0].Number)
		for _, d := range ds {
			if d.Kind == notify.KindAlarm {
				alarms++
			}
		}
		if alarms != 1 {
			t.Errorf("after %v: %d alarms, want 1", err, alarms)
		}
	}
}

// late is a store whose first claim is asked for by a process that is stopped in the middle of asking.
type late struct {
	store.Store
	once sync.Once
	stop func()
}

func (l *late) Claim(ctx context.Context, now time.Time, o store.ClaimOptions) ([]store.Claim, error) {
	l.once.Do(l.stop)
	return l.Store.Claim(ctx, now, o)
}

// writer keeps whether each attempt was allowed to write.
type writer chan bool

func (w writer) Send(_ context.Context, n notify.Notification) notify.Outcome {
	alive := n.Alive()
	w <- alive
	if !alive {
		return notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonLeaseLost}
	}
	return notify.Outcome{Certainty: notify.Sent, ProviderID: "SM1"}
}

// TestAClaimThatWasAskedForBeforeAPauseDoesNotWrite: its lease counts from the instant with which it was asked for, and
// is over when the process wakes.
func TestAClaimThatWasAskedForBeforeAPauseDoesNotWrite(t *testing.T) {
	cfg, err := config.Parse("test.yaml", []byte(yaml), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	var offset atomic.Int64
	began := time.Now()
	clock := func() time.Time { return start().Add(time.Since(began) + time.Duration(offset.Load())) }
	st := &late{Store: memstore.New(), stop: func() { offset.Store(int64(30 * time.Second)) }}
	w := make(writer, 8)
	e, err := engine.New(t.Context(), engine.Options{Store: st, Config: func() *config.Config { return cfg },
		Senders: map[notify.Channel]engine.Sender{notify.SMS: w}})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Accept(t.Context(), batch("Down"), clock()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.Run(ctx, clock)
	}()
	if first, second := <-w, <-w; first == second {
		t.Errorf("two attempts, 30 s old and fresh, and whether they write is %v and %v", first, second)
	}
	cancel()
	<-done
}
