package boltstore

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// run is the write loop, the only goroutine that writes. It waits for nothing but the disk: while one transaction is
// flushed, what arrives makes up the next.
func (s *Store) run() {
	defer close(s.done)
	for range s.queue.filled {
		closed := s.queue.isClosed()
		if s.queue.len() == 0 {
			if closed {
				return
			}
			continue
		}
		if err := s.failed.Load(); err != nil {
			s.answer(s.queue.take(), unavailable(*err))
			continue
		}
		tx, err := s.db.Begin(true)
		requests := s.queue.take() // as late as possible
		if err != nil {
			s.answer(requests, unavailable(fmt.Errorf("begin transaction: %w", err)))
			continue
		}
		s.storeGroup(tx, s.admit(requests))
	}
}

// answer gives requests their answer. What the transaction held can be claimed again before anybody hears of its end.
func (s *Store) answer(requests []*request, err error) {
	s.outbox.letGo()
	for _, r := range requests {
		r.done <- err
	}
}

// admit refuses what must wait for space while the disk is nearly full. Only urgent changes may use the rest.
func (s *Store) admit(requests []*request) []*request {
	err := s.space.admits()
	if err == nil {
		return requests
	}
	return slices.DeleteFunc(requests, func(r *request) bool {
		if r.spare {
			r.done <- unavailable(err)
		}
		return r.spare
	})
}

// storeGroup stores requests in one transaction and answers each. A request that cannot be written is taken out and the
// others are done again from the start, for bolt cannot take back a part of a transaction.
func (s *Store) storeGroup(tx *bolt.Tx, requests []*request) {
	for {
		g := newGroup(s, tx)
		errs, culprit, err := g.apply(requests)
		if err == nil {
			s.finishGroup(g, requests, errs)
			return
		}
		s.answer(requests[culprit:culprit+1], unavailable(err))
		s.options.Report(fmt.Errorf("a change could not be written and was left out: %w", err))
		requests = slices.Delete(requests, culprit, culprit+1)
		if err := rollback(tx); err != nil {
			s.die(requests, fmt.Errorf("roll back: %w", err))
			return
		}
		if tx, err = s.db.Begin(true); err != nil {
			s.answer(requests, unavailable(fmt.Errorf("begin transaction: %w", err)))
			return
		}
	}
}

// rollback contains the panic of a transaction that is beyond rolling back.
func rollback(tx *bolt.Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return tx.Rollback()
}

// finishGroup makes a transaction durable and answers its requests. Even a refusal waits for that: it may rest on what
// another request of the same transaction stored.
func (s *Store) finishGroup(g *group, requests []*request, errs []error) {
	if len(requests) == 0 || g.writes == 0 && !slices.ContainsFunc(requests, func(r *request) bool { return r.run != nil }) {
		if err := rollback(g.tx); err != nil {
			s.die(requests, err)
			return
		}
		s.outbox.letGo()
		for i, r := range requests {
			r.done <- errs[i]
		}
		return
	}
	reserve, err := g.writeMeta()
	if err != nil {
		s.answer(requests, unavailable(err))
		if err := rollback(g.tx); err != nil {
			s.die(nil, err)
		}
		return
	}
	switch err := s.commit(g.tx); {
	case err == nil:
	case !survivable(err):
		s.die(requests, fmt.Errorf("flush to disk: %w", err))
		return
	case noSpace(err):
		s.full(requests, err)
		return
	default:
		s.broken.Store(&err)
		s.options.Report(fmt.Errorf("commit of %d changes: %w", len(requests), err))
		s.answer(requests, unavailable(err))
		return
	}
	s.broken.Store(nil)
	g.settle(reserve)
	if g.wake { // before the answers: who knows that it is stored may rely on the sender being awake
		s.signal()
	}
	for i, r := range requests {
		r.done <- errs[i]
	}
}

func (s *Store) commit(tx *bolt.Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	if s.finish != nil {
		return s.finish(tx)
	}
	return tx.Commit()
}

// full deals with a disk that became full during a commit: the reserve is given up, and what is urgent is tried again.
func (s *Store) full(requests []*request, cause error) {
	s.broken.Store(&cause)
	freed := s.space.spend()
	s.options.Report(fmt.Errorf("the disk is full, only acknowledgements are stored (reserve given up: %t): %w", freed, cause))
	var urgent []*request
	var refused []*request
	for _, r := range requests {
		if r.urgent && freed {
			urgent = append(urgent, r)
		} else {
			refused = append(refused, r)
		}
	}
	s.answer(refused, unavailable(cause))
	if len(urgent) == 0 {
		return
	}
	tx, err := s.db.Begin(true)
	if err != nil {
		s.answer(urgent, unavailable(err))
		return
	}
	s.storeGroup(tx, urgent) // the reserve is spent: a second failure ends here
}

// die ends the process, or in tests the store: whether what was written is on the disk is not known any more.
func (s *Store) die(requests []*request, err error) {
	s.failed.Store(&err)
	s.answer(requests, unavailable(err))
	s.options.Fatal(fmt.Errorf("store %s: %w", s.options.Path, err))
}

// survivable reports whether bolt gave a transaction up before its flush, so that the file is as it was. A failed flush
// comes as a bare error number, a failed write as a path error; whatever is not known to be harmless is not.
func survivable(err error) bool {
	var path *fs.PathError
	return errors.As(err, &path) && strings.HasPrefix(path.Op, "write") || errors.Is(err, bolterrors.ErrMaxSizeReached) ||
		strings.HasPrefix(err.Error(), "file resize error")
}

func noSpace(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// apply puts the requests into the transaction, one after the other. refused are answers about what is stored; err is a
// failed write of the request culprit, after which the transaction is spoiled.
func (g *group) apply(requests []*request) (refused []error, culprit int, err error) {
	refused = make([]error, len(requests))
	for i, r := range requests {
		if refused[i], err = g.applyOne(r); err != nil {
			return nil, i, err
		}
	}
	return refused, 0, nil
}

// applyOne makes all checks of a request before its first write.
func (g *group) applyOne(r *request) (refused, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	if r.run != nil {
		g.op, g.nth = "", 0
		return nil, r.run(g)
	}
	plan, refused := g.check(r.change)
	if refused != nil {
		return refused, nil
	}
	g.op, g.nth = r.change.op, 0
	return nil, g.write(r.change, plan)
}
