package boltstore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"pagerd/gateway/store"
)

func start() time.Time { return time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC) }

// together commits changes in one transaction and returns what each came to.
func together(t *testing.T, s *Store, changes ...store.Change) []error {
	t.Helper()
	errs, done := make([]error, len(changes)), make(chan int, len(changes))
	gather(t, s, len(changes), func() {
		for i, c := range changes {
			queued := s.queue.len()
			go func() {
				errs[i] = s.Commit(context.Background(), c)
				done <- i
			}()
			for s.queue.len() == queued { // one after the other: their order matters to the tests
				runtime.Gosched()
			}
		}
	})
	for range changes {
		<-done
	}
	return errs
}

// failCommits makes transactions end with errors, one after the other, and then as they should.
func failCommits(s *Store, errs ...error) {
	s.finish = func(tx *bolt.Tx) error {
		if len(errs) == 0 {
			return tx.Commit()
		}
		err := errs[0]
		errs = errs[1:]
		return errors.Join(err, tx.Rollback())
	}
}

func writeFailed(why error) error { return &fs.PathError{Op: "write", Path: "pagerd.db", Err: why} }

func urgent(c store.Change) store.Change {
	c.Urgent = true
	return c
}

func exists(t *testing.T, s *Store, number int64, want bool) {
	t.Helper()
	_, err := s.Page(context.Background(), number)
	if want && err != nil || !want && !errors.Is(err, store.ErrNotFound) {
		t.Errorf("page %d, want it there: %t, got: %v", number, want, err)
	}
}

func TestFailedWriteAnswersTheWholeTransaction(t *testing.T) {
	s, ctx := open(t, Options{}), context.Background()
	failCommits(s, writeFailed(syscall.EIO))
	// The second is a replay of the first. It must not hear that it was applied: the first never was.
	for i, err := range together(t, s, benchChange(1001, start()), benchChange(1001, start()), urgent(benchChange(1002, start()))) {
		if !errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrApplied) {
			t.Errorf("change %d: %v, want: %v", i, err, store.ErrUnavailable)
		}
	}
	exists(t, s, 1001, false)
	exists(t, s, 1002, false)
	if due, err := s.Due(ctx, start().Add(time.Hour), 10); err != nil || len(due) != 0 {
		t.Errorf("due %v: %v", due, err)
	}
	if claims, err := s.Claim(ctx, start(), store.ClaimOptions{Limit: 10, Lease: time.Second}); err != nil || len(claims) != 0 {
		t.Errorf("claims %v: %v", claims, err)
	}
	if err := s.Ready(ctx); err != nil {
		t.Errorf("a store that writes again is ready: %v", err)
	}
	if err := s.Commit(ctx, benchChange(1001, start())); err != nil {
		t.Fatal(err)
	}
	exists(t, s, 1001, true)
}

func TestStoreIsNotReadyWhileWritesFail(t *testing.T) {
	s, ctx := open(t, Options{}), context.Background()
	failCommits(s, writeFailed(syscall.EIO), writeFailed(syscall.EIO), writeFailed(syscall.EIO))
	if err := s.Commit(ctx, benchChange(1001, start())); !errors.Is(err, store.ErrUnavailable) {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Ready(ctx); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("ready: %v", err)
		}
	}
	if err := s.Ready(ctx); err != nil {
		t.Errorf("ready: %v", err)
	}
}

func TestReplayInOneTransactionIsApplied(t *testing.T) {
	s := open(t, Options{})
	errs := together(t, s, benchChange(1001, start()), benchChange(1001, start()))
	if errs[0] != nil || !errors.Is(errs[1], store.ErrApplied) {
		t.Error(errs)
	}
}

func TestFailedFlushEndsTheProcess(t *testing.T) {
	for name, why := range map[string]error{
		"flush": syscall.EIO, "flush without space": syscall.ENOSPC, "growing": errors.New("file sync error: input/output error"), "unknown": errors.New("mmap error"),
	} {
		t.Run(name, func(t *testing.T) {
			var fatal error
			s, ctx := open(t, Options{Fatal: func(err error) { fatal = err }}), context.Background()
			failCommits(s, why)
			for _, err := range together(t, s, benchChange(1001, start()), benchChange(1002, start())) {
				if !errors.Is(err, store.ErrUnavailable) {
					t.Errorf("%v, want: %v", err, store.ErrUnavailable)
				}
			}
			for what, err := range map[string]error{
				"commit": s.Commit(ctx, benchChange(1003, start())), "ready": s.Ready(ctx), "page": second(s.Page(ctx, 1001)), "number": second(s.NextNumber(ctx)),
			} {
				if !errors.Is(err, store.ErrUnavailable) {
					t.Errorf("%s after it: %v", what, err)
				}
			}
			if fatal == nil || !strings.Contains(fatal.Error(), why.Error()) {
				t.Errorf("fatal was told: %v", fatal)
			}
		})
	}
}

func second[T any](_ T, err error) error { return err }

func TestPanicIsContainedToItsChange(t *testing.T) {
	s := open(t, Options{})
	victim := benchChange(1002, start())
	s.fault = func(op string, n int) error {
		if op == victim.Op && n == 3 {
			panic("a mistake")
		}
		return nil
	}
	errs := together(t, s, benchChange(1001, start()), victim, benchChange(1003, start()))
	if errs[0] != nil || !errors.Is(errs[1], store.ErrUnavailable) || errs[2] != nil {
		t.Error(errs)
	}
	exists(t, s, 1001, true)
	exists(t, s, 1002, false)
	exists(t, s, 1003, true)
}

func TestFullDiskKeepsAcknowledgements(t *testing.T) {
	free := uint64(1 << 40)
	s, ctx := open(t, Options{Space: func() (uint64, uint64, error) { return free, 1 << 40, nil }}), context.Background()
	reserve := func() int64 {
		info, err := os.Stat(s.options.Path + ".reserve")
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	if reserve() != 4096 {
		t.Fatalf("reserve has %d bytes", reserve())
	}
	failCommits(s, writeFailed(syscall.ENOSPC))
	free = 0
	errs := together(t, s, benchChange(1001, start()), urgent(benchChange(1002, start())))
	if !errors.Is(errs[0], store.ErrUnavailable) || errs[1] != nil {
		t.Errorf("full disk: %v", errs)
	}
	if reserve() != 0 {
		t.Errorf("reserve still has %d bytes", reserve())
	}
	if err := s.Commit(ctx, benchChange(1001, start())); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("what is not urgent uses the reserve up: %v", err)
	}
	if err := s.Commit(ctx, urgent(benchChange(1003, start()))); err != nil {
		t.Errorf("acknowledgement: %v", err)
	}
	if err := s.Ready(ctx); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("ready: %v", err)
	}
	failCommits(s, writeFailed(syscall.ENOSPC))
	if err := s.Commit(ctx, urgent(benchChange(1004, start()))); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("acknowledgement without a reserve: %v", err)
	}
	free = 1 << 40
	if err := s.Commit(ctx, benchChange(1001, start())); err != nil {
		t.Errorf("after space was made: %v", err)
	}
	if err := s.Ready(ctx); err != nil || reserve() != 4096 {
		t.Errorf("ready: %v, reserve: %d", err, reserve())
	}
	for n := int64(1001); n <= 1004; n++ {
		exists(t, s, n, n != 1004)
	}
}

func TestLittleSpaceIsLeftToAcknowledgements(t *testing.T) {
	var free, total uint64
	s, ctx := open(t, Options{Space: func() (uint64, uint64, error) { return free, total, nil }}), context.Background()
	for i, c := range []struct {
		free, total    uint64
		ready, commits bool
	}{
		{2000 << 20, 10_000 << 20, true, true},
		{1999 << 20, 10_000 << 20, false, true},
		{500 << 20, 10_000 << 20, false, true},
		{499 << 20, 10_000 << 20, false, false},
		{4 << 30, 1 << 50, true, true}, // a large disk: what is free is enough in itself
		{512 << 20, 1 << 50, false, true},
		{511 << 20, 1 << 50, false, false},
	} {
		free, total = c.free, c.total
		n := int64(1001 + 2*i)
		ready, err := s.Ready(ctx), s.Commit(ctx, benchChange(n, start()))
		if (ready == nil) != c.ready || (err == nil) != c.commits || err != nil && !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%d of %d MiB: ready %v, commit %v", free>>20, total>>20, ready, err)
		}
		if accepts := s.Accepts(); (accepts == nil) != c.commits {
			t.Errorf("%d of %d MiB: accepts %v", free>>20, total>>20, accepts)
		}
		if err := s.Commit(ctx, urgent(benchChange(n+1, start()))); err != nil {
			t.Errorf("%d of %d MiB: acknowledgement %v", free>>20, total>>20, err)
		}
	}
}

func TestUrgentChangesAreStoredFirst(t *testing.T) {
	var q queue
	q.init()
	background := context.Background()
	gone, cancel := context.WithCancel(background)
	cancel()
	for i := range 300 {
		q.put(&request{ctx: background, size: i})
	}
	left := &request{ctx: gone, urgent: true, done: make(chan error, 1)}
	q.put(left)
	q.put(&request{ctx: background, urgent: true, size: 1000})
	first, then := q.take(), q.take()
	if len(first) != maxChanges || first[0].size != 1000 || first[1].size != 0 || len(then) != 301-maxChanges || then[0].size != 255 {
		t.Errorf("took %d and %d", len(first), len(then))
	}
	if err := <-left.done; !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that went away: %v", err)
	}
	q.put(&request{ctx: background, size: maxBytes})
	q.put(&request{ctx: background, size: 1})
	if got := q.take(); len(got) != 1 {
		t.Errorf("%d requests in a transaction that is full", len(got))
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	s := open(t, Options{})
	_, err := Open(s.options)
	if err == nil || !strings.Contains(err.Error(), s.options.Path) || !strings.Contains(err.Error(), "another process") {
		t.Errorf("second opening: %v", err)
	}
}

func TestNewerFormatIsRefused(t *testing.T) {
	s := open(t, Options{})
	err := s.db.Update(func(tx *bolt.Tx) error { return bucket(tx, inMeta).Put([]byte(metaSchema), uintKey(schema+1)) })
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	_, err = Open(s.options)
	if err == nil || !strings.Contains(err.Error(), "format 2") || !strings.Contains(err.Error(), s.options.Path) {
		t.Errorf("opening a newer file: %v", err)
	}
}

func TestDamagedFileIsRefused(t *testing.T) {
	s := open(t, Options{})
	for n := int64(1001); n < 1100; n++ {
		if err := s.Commit(context.Background(), benchChange(n, start())); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(s.options.Path)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"cut":     whole[:5*4096],
		"garbage": []byte(strings.Repeat("no store at all ", 4096)),
		"short":   []byte("x"),
		"zeros":   make([]byte, 1<<20),
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := Open(Options{Path: path, Reserve: -1}); err == nil {
			t.Errorf("%s: opened: %v", name, s.Close())
		} else if !strings.Contains(err.Error(), path) {
			t.Errorf("%s: the error does not name the file: %v", name, err)
		}
	}
}
