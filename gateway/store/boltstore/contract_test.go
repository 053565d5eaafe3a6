package boltstore

import (
	"errors"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"

	"pagerd/gateway/store"
	"pagerd/gateway/store/storetest"
)

var errInjected = errors.New("this write fails")

// open opens a store in a directory of the test's own and closes it when the test ends.
func open(t testing.TB, o Options) *Store {
	t.Helper()
	if o.Path == "" {
		o.Path = filepath.Join(t.TempDir(), "pagerd.db")
	}
	if o.Reserve == 0 {
		o.Reserve = 4096
	}
	if o.Space == nil {
		o.Space = func() (free, total uint64, err error) { return 1 << 40, 1 << 40, nil }
	}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !s.queue.isClosed() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return s
}

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		s := open(t, Options{})
		return storetest.Harness{
			Store: s,
			Reopen: func() store.Store {
				if err := s.Check(); err != nil {
					t.Fatal(err)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				s = open(t, s.options)
				return s
			},
			FailWrite: func(op string, n int) func() bool { return failWrite(s, op, n) },
			Gather:    func(n int, during func()) { gather(t, s, n, during) },
		}
	})
}

// failWrite makes the n-th write of a change fail once. It is called while nothing is committed.
func failWrite(s *Store, op string, n int) (hit func() bool) {
	var done atomic.Bool
	s.fault = func(in string, nth int) error {
		if in == op && nth == n && done.CompareAndSwap(false, true) {
			return errInjected
		}
		return nil
	}
	return done.Load
}

// gather holds the write loop back until n changes are queued, so that they share a transaction.
func gather(t *testing.T, s *Store, n int, during func()) {
	t.Helper()
	tx, err := s.db.Begin(true) // the write loop takes the queue only once it has a transaction
	if err != nil {
		t.Fatal(err)
	}
	during()
	for s.queue.len() < n {
		runtime.Gosched()
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
}
