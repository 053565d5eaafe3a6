package boltstore

import (
	"context"
	"fmt"
	"sync"
)

// numbers hands out page numbers. A number is handed out only after a higher one was written down, so that no crash can
// make one come twice; the numbers in between are a gap then, which is legal, and kept small.
type numbers struct {
	mu       sync.Mutex
	last     int64 // newest number handed out
	reserved int64 // written down
	handed   int64 // since the newest group commit
}

// spare is how many numbers are written down ahead at least: a crash skips no more of an idle store's.
const spare = 16

func (n *numbers) init(last int64) { n.last, n.reserved = last, last }

func (n *numbers) take() (number int64, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.last >= n.reserved {
		return 0, false
	}
	n.last++
	n.handed++
	return n.last, true
}

// used returns the newest number that was handed out.
func (n *numbers) used() int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.last
}

// want returns what must be written down along with the present group commit; ok is false when enough is.
func (n *numbers) want() (reserve int64, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	ahead := max(spare, 3*n.handed)
	n.handed = 0
	if n.reserved-n.last >= max(spare/2, ahead/2) {
		return 0, false
	}
	return n.last + ahead, true
}

// written says that reserve is durable, and that a page with number newest exists.
func (n *numbers) written(reserve, newest int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.last = max(n.last, newest)
	n.reserved = max(n.reserved, reserve)
}

// NextNumber implements store.Store. Most calls find a number that was written down with an earlier commit.
func (s *Store) NextNumber(ctx context.Context) (int64, error) {
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if s.queue.isClosed() {
			return 0, fmt.Errorf("next page number: %w", s.closedError())
		}
		if n, ok := s.numbers.take(); ok {
			return n, nil
		}
		// Every group commit writes down more numbers when they run low; an empty one does just that.
		if err := s.submit(ctx, &request{urgent: true, run: func(*group) error { return nil }}); err != nil {
			return 0, fmt.Errorf("next page number: %w", err)
		}
	}
}
