package sim

import (
	"context"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/timeline"
)

// read makes a call that changes nothing.
func read[T any](ctx context.Context, k *link, what string, f func(context.Context, store.Store) (T, error)) (v T, err error) {
	err = k.call(ctx, what, false, func(s store.Store, _ bool) error {
		v, err = f(context.Background(), s)
		return err
	})
	return v, err
}

// Commit implements store.Store.
func (k *link) Commit(ctx context.Context, c store.Change) error {
	return k.call(ctx, "commit", true, func(s store.Store, counts bool) error {
		err := s.Commit(context.Background(), c)
		if err == nil && counts {
			k.life.w.judge.change(k.life, c)
		}
		return err
	})
}

// NextNumber implements store.Store.
func (k *link) NextNumber(ctx context.Context) (n int64, err error) {
	err = k.call(ctx, "allocate a number", true, func(s store.Store, counts bool) error {
		n, err = s.NextNumber(context.Background())
		if err == nil && counts {
			k.life.w.judge.number(n)
		}
		return err
	})
	return n, err
}

// Claim implements store.Store.
func (k *link) Claim(ctx context.Context, now time.Time, o store.ClaimOptions) (claims []store.Claim, err error) {
	err = k.call(ctx, "claim", true, func(s store.Store, counts bool) error {
		claims, err = s.Claim(context.Background(), now, o)
		if err == nil && counts {
			k.life.w.judge.claimed(k.life, now, o, claims)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return claims, nil
}

// Renew implements store.Store.
func (k *link) Renew(ctx context.Context, c store.Claim, until time.Time) error {
	return k.call(ctx, "renew", true, func(s store.Store, counts bool) error {
		err := s.Renew(context.Background(), c, until)
		if err == nil && counts {
			k.life.w.judge.renewed(k.life, c, until)
		}
		return err
	})
}

// Release implements store.Store.
func (k *link) Release(ctx context.Context, c store.Claim, now time.Time) error {
	return k.call(ctx, "release", true, func(s store.Store, counts bool) error {
		err := s.Release(context.Background(), c, now)
		if err == nil && counts {
			k.life.w.judge.released(c, now)
		}
		return err
	})
}

// Trim implements store.Store.
func (k *link) Trim(ctx context.Context, now time.Time, limit int) (more bool, err error) {
	err = k.call(ctx, "trim", true, func(s store.Store, _ bool) error {
		more, err = s.Trim(context.Background(), now, limit)
		return err
	})
	return more, err
}

// Page implements store.Store.
func (k *link) Page(ctx context.Context, n int64) (page.Page, error) {
	return read(ctx, k, "load page", func(ctx context.Context, s store.Store) (page.Page, error) { return s.Page(ctx, n) })
}

// Group implements store.Store.
func (k *link) Group(ctx context.Context, group string) (page.Page, error) {
	p, err := read(ctx, k, "load group", func(ctx context.Context, s store.Store) (page.Page, error) { return s.Group(ctx, group) })
	if !k.life.dead && !k.life.w.over() {
		k.life.w.top().group = group
	}
	return p, err
}

// Alerts implements store.Store.
func (k *link) Alerts(ctx context.Context, ids []alert.ID) ([]alert.State, error) {
	return read(ctx, k, "load alerts", func(ctx context.Context, s store.Store) ([]alert.State, error) { return s.Alerts(ctx, ids) })
}

// PageAlerts implements store.Store.
func (k *link) PageAlerts(ctx context.Context, n int64, limit int) ([]alert.State, error) {
	return read(ctx, k, "load the page's alerts", func(ctx context.Context, s store.Store) ([]alert.State, error) { return s.PageAlerts(ctx, n, limit) })
}

// Pages implements store.Store.
func (k *link) Pages(ctx context.Context, f store.Filter) ([]page.Page, error) {
	return read(ctx, k, "list pages", func(ctx context.Context, s store.Store) ([]page.Page, error) { return s.Pages(ctx, f) })
}

// Deliveries implements store.Store.
func (k *link) Deliveries(ctx context.Context, n int64) ([]store.Delivery, error) {
	return read(ctx, k, "load deliveries", func(ctx context.Context, s store.Store) ([]store.Delivery, error) { return s.Deliveries(ctx, n) })
}

// Delivery implements store.Store.
func (k *link) Delivery(ctx context.Context, id string) (store.Delivery, error) {
	return read(ctx, k, "load delivery", func(ctx context.Context, s store.Store) (store.Delivery, error) { return s.Delivery(ctx, id) })
}

// Bundle implements store.Store.
func (k *link) Bundle(ctx context.Context, id string) ([]store.Delivery, error) {
	return read(ctx, k, "load bundle", func(ctx context.Context, s store.Store) ([]store.Delivery, error) { return s.Bundle(ctx, id) })
}

// RecentDeliveries implements store.Store.
func (k *link) RecentDeliveries(ctx context.Context, limit int) ([]store.Delivery, error) {
	return read(ctx, k, "load recent deliveries", func(ctx context.Context, s store.Store) ([]store.Delivery, error) {
		return s.RecentDeliveries(ctx, limit)
	})
}

// Incident implements store.Store.
func (k *link) Incident(ctx context.Context, n int64) (incident.Incident, error) {
	return read(ctx, k, "load incident", func(ctx context.Context, s store.Store) (incident.Incident, error) { return s.Incident(ctx, n) })
}

// Incidents implements store.Store.
func (k *link) Incidents(ctx context.Context, f store.Filter) ([]incident.Incident, error) {
	return read(ctx, k, "list incidents", func(ctx context.Context, s store.Store) ([]incident.Incident, error) { return s.Incidents(ctx, f) })
}

// Timeline implements store.Store.
func (k *link) Timeline(ctx context.Context, object string) ([]timeline.Entry, error) {
	return read(ctx, k, "load timeline", func(ctx context.Context, s store.Store) ([]timeline.Entry, error) { return s.Timeline(ctx, object) })
}

// Sent implements store.Store.
func (k *link) Sent(ctx context.Context, contact string, limit int) ([]store.Sent, error) {
	return read(ctx, k, "load what was told", func(ctx context.Context, s store.Store) ([]store.Sent, error) { return s.Sent(ctx, contact, limit) })
}

// Due implements store.Store.
func (k *link) Due(ctx context.Context, now time.Time, limit int) ([]store.Due, error) {
	return read(ctx, k, "read what is due", func(ctx context.Context, s store.Store) ([]store.Due, error) { return s.Due(ctx, now, limit) })
}

// Next implements store.Store.
func (k *link) Next(ctx context.Context, o store.ClaimOptions) (time.Time, error) {
	return read(ctx, k, "read what is next", func(ctx context.Context, s store.Store) (time.Time, error) { return s.Next(ctx, o) })
}

// HighWater implements store.Store.
func (k *link) HighWater(ctx context.Context) (time.Time, error) {
	return read(ctx, k, "read the newest instant", func(ctx context.Context, s store.Store) (time.Time, error) { return s.HighWater(ctx) })
}

// Wake implements store.Store. The simulator wakes replicas itself.
func (k *link) Wake() <-chan struct{} { return nil }

// Ready implements store.Store.
func (k *link) Ready(ctx context.Context) error {
	_, err := read(ctx, k, "ask whether it is ready", func(ctx context.Context, s store.Store) (struct{}, error) { return struct{}{}, s.Ready(ctx) })
	return err
}

// Close implements store.Store. The medium is the world's.
func (k *link) Close() error { return nil }

// Record implements store.Store.
func (k *link) Record(ctx context.Context, kind store.RecordKind, n int64) (store.Record, error) {
	return read(ctx, k, "load "+string(kind), func(ctx context.Context, s store.Store) (store.Record, error) { return s.Record(ctx, kind, n) })
}

// Records implements store.Store.
func (k *link) Records(ctx context.Context, kind store.RecordKind, f store.Filter) ([]store.Record, error) {
	return read(ctx, k, "list records", func(ctx context.Context, s store.Store) ([]store.Record, error) { return s.Records(ctx, kind, f) })
}
