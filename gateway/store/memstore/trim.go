package memstore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"pagerd/gateway/store"
)

// Trim implements store.Store. It goes through everything in order, so that a simulation plays the same way twice.
func (s *Store) Trim(ctx context.Context, now time.Time, limit int) (more bool, err error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return false, err
	}
	defer unlock()
	old := func(at time.Time, keep time.Duration) bool { return !at.IsZero() && !at.Add(keep).After(now) }
	spend := func() bool { limit--; return limit >= 0 }
	for _, op := range slices.Sorted(maps.Keys(s.ops)) {
		if old(s.ops[op], store.KeepOps) && spend() {
			delete(s.ops, op)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.alerts)) {
		r := s.alerts[id]
		if !r.open && old(r.closed, store.KeepClosed) && spend() {
			delete(s.ofPage[r.decode().Page], id)
			delete(s.alerts, id)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(s.byPage)) {
		if r, ok := s.pages[n]; (!ok || old(r.closed, store.KeepClosed)) && old(s.newest(n), store.KeepClosed) {
			s.byPage[n] = slices.DeleteFunc(s.byPage[n], func(id string) bool {
				if !spend() {
					return false
				}
				delete(s.deliveries, id)
				delete(s.pending, id)
				return true
			})
		}
		if len(s.byPage[n]) == 0 {
			delete(s.byPage, n)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(s.pages)) {
		r := s.pages[n]
		if old(r.closed, store.KeepHistory) && s.trimTimeline(object("page", n), spend) && spend() {
			s.groups[r.object] = slices.DeleteFunc(s.groups[r.object], func(m int64) bool { return m == n })
			delete(s.pages, n)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(s.incidents)) {
		r := s.incidents[n]
		if old(r.closed, store.KeepHistory) && s.trimTimeline(object("incident", n), spend) && spend() {
			delete(s.incidents, n)
		}
	}
	return limit < 0, nil
}

// newest is when the newest delivery under a number was due.
func (s *Store) newest(number int64) (at time.Time) {
	for _, id := range s.byPage[number] {
		if d := s.deliveries[id]; d.At.After(at) {
			at = d.At
		}
	}
	return at
}

// trimTimeline deletes all entries but the newest, which stays as the tombstone: it holds the chain's last hash.
func (s *Store) trimTimeline(object string, spend func() bool) (done bool) {
	for len(s.timelines[object]) > 1 {
		if !spend() {
			return false
		}
		s.timelines[object] = s.timelines[object][1:]
	}
	return true
}

func object(kind string, number int64) string { return fmt.Sprintf("%s/%d", kind, number) }
