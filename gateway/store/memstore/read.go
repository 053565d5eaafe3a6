package memstore

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/timeline"
)

// Page implements store.Store.
func (s *Store) Page(ctx context.Context, number int64) (page.Page, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return page.Page{}, err
	}
	defer unlock()
	return get(s.pages, number, "page")
}

// Incident implements store.Store.
func (s *Store) Incident(ctx context.Context, number int64) (incident.Incident, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return incident.Incident{}, err
	}
	defer unlock()
	return get(s.incidents, number, "incident")
}

func get[T any](from map[int64]record[T], number int64, kind string) (T, error) {
	r, ok := from[number]
	if !ok {
		var none T
		return none, fmt.Errorf("%s %d: %w", kind, number, store.ErrNotFound)
	}
	return r.decode(), nil
}

// Group implements store.Store.
func (s *Store) Group(ctx context.Context, group string) (page.Page, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return page.Page{}, err
	}
	defer unlock()
	numbers := s.groups[group]
	if len(numbers) == 0 {
		return page.Page{}, fmt.Errorf("page of group %q: %w", group, store.ErrNotFound)
	}
	for _, n := range numbers {
		if s.pages[n].open {
			return s.pages[n].decode(), nil
		}
	}
	return s.pages[slices.Max(numbers)].decode(), nil
}

// Alerts implements store.Store.
func (s *Store) Alerts(ctx context.Context, ids []alert.ID) ([]alert.State, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	out := make([]alert.State, len(ids))
	for i, id := range ids {
		if r, ok := s.alerts[id]; ok {
			out[i] = r.decode()
		}
	}
	return out, nil
}

// PageAlerts implements store.Store.
func (s *Store) PageAlerts(ctx context.Context, number int64, limit int) ([]alert.State, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	ids := slices.Sorted(maps.Keys(s.ofPage[number]))
	slices.SortStableFunc(ids, func(a, b alert.ID) int {
		return cmp.Compare(bit(s.alerts[b].open), bit(s.alerts[a].open))
	})
	var out []alert.State
	for _, id := range ids[:min(limit, len(ids))] {
		out = append(out, s.alerts[id].decode())
	}
	return out, nil
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Pages implements store.Store.
func (s *Store) Pages(ctx context.Context, f store.Filter) ([]page.Page, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	return list(s.pages, f), nil
}

// Incidents implements store.Store.
func (s *Store) Incidents(ctx context.Context, f store.Filter) ([]incident.Incident, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	return list(s.incidents, f), nil
}

// Record implements store.Store.
func (s *Store) Record(ctx context.Context, kind store.RecordKind, number int64) (store.Record, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return store.Record{}, err
	}
	defer unlock()
	return get(s.records[kind], number, string(kind))
}

// Records implements store.Store.
func (s *Store) Records(ctx context.Context, kind store.RecordKind, f store.Filter) ([]store.Record, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	return list(s.records[kind], f), nil
}

func list[T any](from map[int64]record[T], f store.Filter) []T {
	var out []T
	numbers := slices.Sorted(maps.Keys(from))
	for _, n := range slices.Backward(numbers) {
		if len(out) == cmp.Or(f.Limit, 100) {
			break
		}
		if (f.Before == 0 || n < f.Before) && (!f.Open || from[n].open) {
			out = append(out, from[n].decode())
		}
	}
	return out
}

// Deliveries implements store.Store.
func (s *Store) Deliveries(ctx context.Context, number int64) ([]store.Delivery, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	var out []store.Delivery
	for _, id := range s.byPage[number] {
		out = append(out, s.deliveries[id])
	}
	return out, nil
}

// Delivery implements store.Store.
func (s *Store) Delivery(ctx context.Context, id string) (store.Delivery, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return store.Delivery{}, err
	}
	defer unlock()
	d, ok := s.deliveries[id]
	if !ok {
		return d, fmt.Errorf("delivery %s: %w", id, store.ErrNotFound)
	}
	return d, nil
}

// Bundle implements store.Store.
func (s *Store) Bundle(ctx context.Context, id string) ([]store.Delivery, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	var out []store.Delivery
	for _, d := range s.deliveries {
		if d.Bundle == id && id != "" {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, store.CompareInClaim)
	return out, nil
}

// RecentDeliveries implements store.Store.
func (s *Store) RecentDeliveries(ctx context.Context, limit int) ([]store.Delivery, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	var out []store.Delivery
	for _, d := range s.deliveries {
		if d.State != store.Pending {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b store.Delivery) int {
		return cmp.Or(b.SettledAt.Compare(a.SettledAt), store.CompareInClaim(b, a))
	})
	return out[:min(limit, len(out))], nil
}

// Timeline implements store.Store.
func (s *Store) Timeline(ctx context.Context, object string) ([]timeline.Entry, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	var out []timeline.Entry
	for _, r := range s.timelines[object] {
		out = append(out, r.decode())
	}
	return out, nil
}

// Sent implements store.Store.
func (s *Store) Sent(ctx context.Context, contact string, limit int) ([]store.Sent, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	var out []store.Sent
	for _, r := range slices.Backward(s.sent[contact]) {
		if len(out) == limit {
			break
		}
		out = append(out, r.decode())
	}
	return out, nil
}
