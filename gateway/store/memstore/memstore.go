// Package memstore keeps everything in memory, for scenarios, simulations and tests.
//
// It promises the contract of package store but durability: what it holds dies with it. Values are kept encoded, so that
// nothing it returns is shared with it, and its algorithms are the plainest there are: the other backends are compared
// with it.
package memstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/timeline"
)

// Store is a store.Store in memory.
type Store struct {
	wake chan struct{}

	mu         sync.Mutex
	closed     bool
	number     int64
	token      int64
	highWater  time.Time
	ops        map[string]time.Time
	pages      map[int64]record[page.Page]
	incidents  map[int64]record[incident.Incident]
	records    map[store.RecordKind]map[int64]record[store.Record]
	groups     map[string][]int64 // numbers of the group's pages, in order of creation
	alerts     map[alert.ID]record[alert.State]
	ofPage     map[int64]map[alert.ID]bool
	deliveries map[string]store.Delivery
	pending    map[string]bool    // ids
	byPage     map[int64][]string // delivery ids in order of arrival
	laneAt     map[string]time.Time
	timelines  map[string][]record[timeline.Entry]
	sent       map[string][]record[store.Sent] // oldest first
}

// record is a stored value: encoded, with what is looked at without decoding it.
type record[T any] struct {
	body    []byte
	version int64
	open    bool
	due     time.Time
	closed  time.Time // when it closed, or an alert was last heard
	object  string    // group of a page
}

func (r record[T]) decode() T {
	var v T
	if err := json.Unmarshal(r.body, &v); err != nil { // it was encoded here
		panic(fmt.Sprintf("memstore: decode %T: %v", v, err))
	}
	return v
}

func encode[T any](v T) (record[T], error) {
	body, err := json.Marshal(v)
	if err != nil {
		return record[T]{}, fmt.Errorf("encode %T: %w", v, err)
	}
	return record[T]{body: body}, nil
}

var _ store.Store = (*Store)(nil)

// New returns an empty store.
func New() *Store {
	return &Store{
		wake:       make(chan struct{}, 1),
		number:     1000,
		ops:        map[string]time.Time{},
		pages:      map[int64]record[page.Page]{},
		incidents:  map[int64]record[incident.Incident]{},
		records:    map[store.RecordKind]map[int64]record[store.Record]{},
		groups:     map[string][]int64{},
		alerts:     map[alert.ID]record[alert.State]{},
		ofPage:     map[int64]map[alert.ID]bool{},
		deliveries: map[string]store.Delivery{},
		pending:    map[string]bool{},
		byPage:     map[int64][]string{},
		laneAt:     map[string]time.Time{},
		timelines:  map[string][]record[timeline.Entry]{},
		sent:       map[string][]record[store.Sent]{},
	}
}

// lock takes the mutex, unless ctx is over or the store is closed.
func (s *Store) lock(ctx context.Context) (unlock func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, fmt.Errorf("memory store is closed: %w", store.ErrUnavailable)
	}
	return s.mu.Unlock, nil
}

// NextNumber implements store.Store.
func (s *Store) NextNumber(ctx context.Context) (int64, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return 0, err
	}
	defer unlock()
	s.number++
	return s.number, nil
}

// HighWater implements store.Store.
func (s *Store) HighWater(ctx context.Context) (time.Time, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return time.Time{}, err
	}
	defer unlock()
	return s.highWater, nil
}

// Wake implements store.Store.
func (s *Store) Wake() <-chan struct{} { return s.wake }

func (s *Store) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Ready implements store.Store.
func (s *Store) Ready(ctx context.Context) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	unlock()
	return nil
}

// Close makes every later call fail with ErrUnavailable.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.New("memory store was closed before")
	}
	s.closed = true
	return nil
}
