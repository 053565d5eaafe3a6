package boltstore

import (
	"context"
	"fmt"
	"sync"

	"pagerd/gateway/store"
)

// Limits of one transaction: what more would cost those who wait for it is not worth what it saves. The byte limit keeps
// a storm of long alerts from making one flush slow.
const (
	maxChanges = 256
	maxBytes   = 1 << 20
)

// request is something that waits to be stored: a change, or a piece of the store's own work.
type request struct {
	ctx    context.Context
	urgent bool
	spare  bool // may be refused when the disk is nearly full
	size   int  // bytes that it writes, about
	change *prepared
	run    func(g *group) error // the store's own work: no checks, only writes
	done   chan error           // gets exactly one answer
}

// queue holds requests until the write loop takes them: the urgent ones first, each kind in the order of arrival.
type queue struct {
	mu     sync.Mutex
	urgent []*request
	normal []*request
	filled chan struct{} // has a value while something may be queued, or the queue was closed
	closed bool
}

func (q *queue) init() { q.filled = make(chan struct{}, 1) }

// put queues a request; false = the queue is closed.
func (q *queue) put(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	if r.urgent {
		q.urgent = append(q.urgent, r)
	} else {
		q.normal = append(q.normal, r)
	}
	q.fill()
	return true
}

func (q *queue) fill() {
	select {
	case q.filled <- struct{}{}:
	default:
	}
}

// take returns what goes into one transaction. Requests whose caller has gone are left out.
func (q *queue) take() []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	var out []*request
	size := 0
	for _, list := range []*[]*request{&q.urgent, &q.normal} {
		n := 0
		for ; n < len(*list) && len(out) < maxChanges && (size < maxBytes || len(out) == 0); n++ {
			r := (*list)[n]
			if err := r.ctx.Err(); err != nil {
				r.done <- err
				continue
			}
			out, size = append(out, r), size+r.size
		}
		clear((*list)[:n])
		*list = (*list)[n:]
	}
	if len(q.urgent)+len(q.normal) > 0 || q.closed {
		q.fill()
	}
	return out
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.urgent) + len(q.normal)
}

// close refuses new requests; what is queued is still stored.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.fill()
}

func (q *queue) isClosed() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed
}

// submit queues a request and waits until it is stored or refused. A caller that goes away early knows nothing.
func (s *Store) submit(ctx context.Context, r *request) error {
	r.ctx, r.done = ctx, make(chan error, 1)
	if err := ctx.Err(); err != nil {
		return err
	}
	if !s.queue.put(r) {
		return s.closedError()
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("waiting for the disk: %w", ctx.Err())
	}
}

func (s *Store) closedError() error {
	if err := s.failed.Load(); err != nil {
		return unavailable(*err)
	}
	return fmt.Errorf("store %s is closed: %w", s.options.Path, store.ErrUnavailable)
}
