package memstore

import (
	"cmp"
	"context"
	"slices"
	"time"

	"pagerd/gateway/store"
)

// Due implements store.Store.
func (s *Store) Due(ctx context.Context, now time.Time, limit int) ([]store.Due, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	out := slices.DeleteFunc(s.due(), func(d store.Due) bool { return d.At.After(now) })
	slices.SortFunc(out, func(a, b store.Due) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID), cmp.Compare(b.Kind, a.Kind))
	})
	return out[:min(limit, len(out))], nil
}

func (s *Store) due() []store.Due {
	var out []store.Due
	for n, r := range s.pages {
		if !r.due.IsZero() {
			out = append(out, store.Due{Kind: store.DuePage, ID: n, At: r.due})
		}
	}
	for n, r := range s.incidents {
		if !r.due.IsZero() {
			out = append(out, store.Due{Kind: store.DueIncident, ID: n, At: r.due})
		}
	}
	for kind, of := range s.records {
		for n, r := range of {
			if !r.due.IsZero() {
				out = append(out, store.Due{Kind: store.DueKind(kind), ID: n, At: r.due})
			}
		}
	}
	return out
}

// Next implements store.Store.
func (s *Store) Next(ctx context.Context, o store.ClaimOptions) (time.Time, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return time.Time{}, err
	}
	defer unlock()
	var next time.Time
	note := func(at time.Time) {
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	for _, d := range s.due() {
		note(d.At)
	}
	for _, u := range s.units(o) {
		note(u.ready)
	}
	return next, nil
}
