package boltstore

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/timeline"
)

// view runs a read of one moment's state. A file so damaged that bolt panics over it is an error like any other damage.
func (s *Store) view(ctx context.Context, what string, read func(tx *bolt.Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: %w: %v", what, store.ErrDamaged, p)
		}
	}()
	err = s.usable(ctx)
	if err == nil {
		err = s.db.View(read)
	}
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) { // closed a moment ago
		err = s.closedError()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// object reads a page or an incident.
func readObject[T any](tx *bolt.Tx, which int, number int64) (v T, err error) {
	b := bucket(tx, which).Get(uintKey(uint64(number)))
	if b == nil {
		return v, store.ErrNotFound
	}
	return v, decodeHeaded(b, &v)
}

// Page implements store.Store.
func (s *Store) Page(ctx context.Context, number int64) (p page.Page, err error) {
	err = s.view(ctx, "page "+strconv.FormatInt(number, 10), func(tx *bolt.Tx) (err error) {
		p, err = readObject[page.Page](tx, inPages, number)
		return err
	})
	return p, err
}

// Incident implements store.Store.
func (s *Store) Incident(ctx context.Context, number int64) (in incident.Incident, err error) {
	err = s.view(ctx, "incident "+strconv.FormatInt(number, 10), func(tx *bolt.Tx) (err error) {
		in, err = readObject[incident.Incident](tx, inIncidents, number)
		return err
	})
	return in, err
}

// Group implements store.Store.
func (s *Store) Group(ctx context.Context, group string) (p page.Page, err error) {
	err = s.view(ctx, fmt.Sprintf("page of group %q", group), func(tx *bolt.Tx) (err error) {
		row := bucket(tx, inGroups).Get(hash(group))
		if len(row) != 16 {
			return store.ErrNotFound
		}
		p, err = readObject[page.Page](tx, inPages, cmp.Or(int64(readUint(row[8:])), int64(readUint(row))))
		return err
	})
	return p, err
}

// Alerts implements store.Store.
func (s *Store) Alerts(ctx context.Context, ids []alert.ID) ([]alert.State, error) {
	out := make([]alert.State, len(ids))
	err := s.view(ctx, "alerts", func(tx *bolt.Tx) error {
		pages, alerts := bucket(tx, inAlertPages), bucket(tx, inAlerts)
		for i, id := range ids {
			at := pages.Get([]byte(id))
			if at == nil {
				continue
			}
			if err := decodeHeaded(alerts.Get(alertKey(int64(readUint(at)), string(id))), &out[i]); err != nil {
				return fmt.Errorf("alert %s: %w", id, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// PageAlerts implements store.Store. It decodes only what it returns.
func (s *Store) PageAlerts(ctx context.Context, number int64, limit int) (out []alert.State, err error) {
	prefix := uintKey(uint64(number))
	err = s.view(ctx, fmt.Sprintf("alerts of page %d", number), func(tx *bolt.Tx) error {
		var bad []error
		c := bucket(tx, inAlerts).Cursor()
		for _, firing := range []bool{true, false} {
			for k, v := c.Seek(prefix); hasPrefix(k, prefix) && len(out) < limit; k, v = c.Next() {
				h, body, err := readHead(v)
				var a alert.State
				if err == nil && h.open == firing {
					err = decodeJSON(body, &a)
				}
				switch {
				case err == nil && h.open == firing:
					out = append(out, a)
				case err != nil && firing:
					bad = append(bad, fmt.Errorf("alert %s: %w", k[8:], err))
				}
			}
		}
		return errors.Join(bad...)
	})
	return out, err
}

// Pages implements store.Store.
func (s *Store) Pages(ctx context.Context, f store.Filter) (out []page.Page, err error) {
	err = s.view(ctx, "pages", func(tx *bolt.Tx) error {
		if f.Open {
			out, err = listOpen(tx, f)
		} else {
			out, err = list[page.Page](tx, inPages, "page", f)
		}
		return err
	})
	return out, err
}

// Incidents implements store.Store.
func (s *Store) Incidents(ctx context.Context, f store.Filter) (out []incident.Incident, err error) {
	err = s.view(ctx, "incidents", func(tx *bolt.Tx) error {
		out, err = list[incident.Incident](tx, inIncidents, "incident", f)
		return err
	})
	return out, err
}

// list walks a bucket of objects from its end.
func list[T any](tx *bolt.Tx, which int, kind string, f store.Filter) (out []T, err error) {
	var bad []error
	c := bucket(tx, which).Cursor()
	k, v := c.Last()
	if f.Before > 0 {
		if k, _ = c.Seek(uintKey(uint64(f.Before))); k != nil {
			k, v = c.Prev()
		} else {
			k, v = c.Last()
		}
	}
	for ; k != nil && len(out) < cmp.Or(f.Limit, 100); k, v = c.Prev() {
		h, body, err := readHead(v)
		if err == nil && f.Open && !h.open {
			continue
		}
		var o T
		if err == nil {
			err = decodeJSON(body, &o)
		}
		if err != nil {
			bad = append(bad, fmt.Errorf("%s %d: %w", kind, readUint(k), err))
			continue
		}
		out = append(out, o)
	}
	return out, errors.Join(bad...)
}

// listOpen finds the open pages in the due index, which has them all, and so does not walk through the closed ones.
func listOpen(tx *bolt.Tx, f store.Filter) (out []page.Page, err error) {
	var numbers []int64
	c := bucket(tx, inDue).Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		if n := int64(readUint(k[9:])); k[8] == kindPage && (f.Before <= 0 || n < f.Before) {
			numbers = append(numbers, n)
		}
	}
	slices.SortFunc(numbers, func(a, b int64) int { return cmp.Compare(b, a) })
	var bad []error
	for _, n := range numbers {
		if len(out) == cmp.Or(f.Limit, 100) {
			break
		}
		p, err := readObject[page.Page](tx, inPages, n)
		switch {
		case errors.Is(err, store.ErrNotFound):
			bad = append(bad, fmt.Errorf("page %d: %w: it is in the due index, and gone", n, store.ErrDamaged))
		case err != nil:
			bad = append(bad, fmt.Errorf("page %d: %w", n, err))
		case p.Open():
			out = append(out, p)
		}
	}
	return out, errors.Join(bad...)
}

// findDelivery returns a delivery's key and value wherever it is.
func findDelivery(tx *bolt.Tx, id string) (v []byte) {
	find := func(key []byte) []byte {
		if v := bucket(tx, inOutbox).Get(key); v != nil {
			return v
		}
		return bucket(tx, inDeliveries).Get(key)
	}
	if key, _, ok := deliveryKey(id); ok {
		if v := find(key); v != nil {
			return v
		}
	}
	if key := bucket(tx, inOddIDs).Get([]byte(id)); key != nil {
		return find(key)
	}
	return nil
}

func readDelivery(tx *bolt.Tx, id string) (d store.Delivery, err error) {
	v := findDelivery(tx, id)
	if v == nil {
		return d, fmt.Errorf("delivery %s: %w", id, store.ErrNotFound)
	}
	if err := decode(v, &d); err != nil {
		return d, fmt.Errorf("delivery %s: %w", id, err)
	}
	return d, nil
}

// Delivery implements store.Store. A pending one is as it is now, with the lease that only memory knows of.
func (s *Store) Delivery(ctx context.Context, id string) (d store.Delivery, err error) {
	if err := s.usable(ctx); err != nil {
		return d, err
	}
	if d, ok := s.outbox.get(id); ok {
		return d, nil
	}
	err = s.view(ctx, "read", func(tx *bolt.Tx) (err error) {
		d, err = readDelivery(tx, id)
		return err
	})
	return d, err
}

// now replaces deliveries that are pending by what memory knows of them.
func (s *Store) now(ds []store.Delivery) []store.Delivery {
	for i, d := range ds {
		if d.State != store.Pending {
			continue
		}
		if live, ok := s.outbox.get(d.ID); ok {
			ds[i] = live
		}
	}
	return ds
}

// Deliveries implements store.Store.
func (s *Store) Deliveries(ctx context.Context, number int64) (out []store.Delivery, err error) {
	type found struct {
		key []byte
		d   store.Delivery
	}
	var all []found
	prefix := uintKey(uint64(number))
	err = s.view(ctx, fmt.Sprintf("deliveries of page %d", number), func(tx *bolt.Tx) error {
		var bad []error
		for _, which := range []int{inOutbox, inDeliveries} {
			c := bucket(tx, which).Cursor()
			for k, v := c.Seek(prefix); hasPrefix(k, prefix); k, v = c.Next() {
				f := found{key: bytes.Clone(k)}
				if err := decode(v, &f.d); err != nil {
					bad = append(bad, fmt.Errorf("delivery %s: %w", deliveryName(k), err))
					continue
				}
				all = append(all, f)
			}
		}
		return errors.Join(bad...)
	})
	slices.SortFunc(all, func(a, b found) int { return bytes.Compare(a.key, b.key) })
	for _, f := range all {
		out = append(out, f.d)
	}
	return s.now(out), err
}

// Bundle implements store.Store.
func (s *Store) Bundle(ctx context.Context, id string) (out []store.Delivery, err error) {
	err = s.view(ctx, "bundle "+id, func(tx *bolt.Tx) error {
		v := bucket(tx, inBundles).Get([]byte(id))
		if v == nil || id == "" {
			return nil
		}
		var ids []string
		if err := json.Unmarshal(v, &ids); err != nil {
			return fmt.Errorf("%w: %w", store.ErrDamaged, err)
		}
		for _, id := range ids {
			d, err := readDelivery(tx, id)
			if errors.Is(err, store.ErrNotFound) {
				continue // trimmed
			}
			if err != nil {
				return err
			}
			out = append(out, d)
		}
		return nil
	})
	return slices.DeleteFunc(s.now(out), func(d store.Delivery) bool { return d.Bundle != id }), err
}

// RecentDeliveries implements store.Store.
func (s *Store) RecentDeliveries(ctx context.Context, limit int) (out []store.Delivery, err error) {
	err = s.view(ctx, "recent deliveries", func(tx *bolt.Tx) error {
		var bad []error
		deliveries, c := bucket(tx, inDeliveries), bucket(tx, inSettled).Cursor()
		for k, _ := c.Last(); k != nil && len(out) < limit; k, _ = c.Prev() {
			var d store.Delivery
			if err := decode(deliveries.Get(k[8:]), &d); err != nil {
				bad = append(bad, fmt.Errorf("delivery %s: %w", deliveryName(k[8:]), err))
				continue
			}
			out = append(out, d)
		}
		return errors.Join(bad...)
	})
	return out, err
}

// Timeline implements store.Store.
func (s *Store) Timeline(ctx context.Context, object string) (out []timeline.Entry, err error) {
	prefix := timelinePrefix(object)
	err = s.view(ctx, "timeline of "+object, func(tx *bolt.Tx) error {
		var bad []error
		c := bucket(tx, inTimelines).Cursor()
		for k, v := c.Seek(prefix); hasPrefix(k, prefix); k, v = c.Next() {
			var e timeline.Entry
			if err := decode(v, &e); err != nil {
				bad = append(bad, fmt.Errorf("entry %d: %w", readUint(k[len(prefix):]), err))
				continue
			}
			out = append(out, e)
		}
		return errors.Join(bad...)
	})
	return out, err
}

// Sent implements store.Store.
func (s *Store) Sent(ctx context.Context, contact string, limit int) (out []store.Sent, err error) {
	prefix := sentPrefix(contact)
	err = s.view(ctx, "what was sent to "+contact, func(tx *bolt.Tx) error {
		var bad []error
		c := bucket(tx, inSent).Cursor()
		for k, v := lastOf(c, prefix); hasPrefix(k, prefix) && len(out) < limit; k, v = c.Prev() {
			var t store.Sent
			if err := decode(v, &t); err != nil {
				bad = append(bad, fmt.Errorf("record %x: %w", k[len(prefix):], err))
				continue
			}
			out = append(out, t)
		}
		return errors.Join(bad...)
	})
	return out, err
}

// lastOf moves a cursor to the last key with a prefix that instants follow, or to one without it.
func lastOf(c *bolt.Cursor, prefix []byte) (k, v []byte) {
	if k, _ := c.Seek(append(bytes.Clone(prefix), 0xff)); k == nil {
		return c.Last()
	}
	return c.Prev()
}

// Due implements store.Store.
func (s *Store) Due(ctx context.Context, now time.Time, limit int) (out []store.Due, err error) {
	end := nanos(now)
	err = s.view(ctx, "due", func(tx *bolt.Tx) error {
		c := bucket(tx, inDue).Cursor()
		for k, _ := c.First(); k != nil && len(out) < limit; k, _ = c.Next() {
			d := dueOf(k)
			if at := readNanos(k); at > end || at == never {
				break
			}
			out = append(out, d)
		}
		return nil
	})
	return out, err
}

func dueOf(k []byte) store.Due {
	d := store.Due{Kind: store.DuePage, ID: int64(readUint(k[9:])), At: instant(readNanos(k))}
	if k[8] == kindIncident {
		d.Kind = store.DueIncident
	} else if kind, ok := store.KindOfLetter(k[8]); ok {
		d.Kind = store.DueKind(kind)
	}
	return d
}

// Next implements store.Store.
func (s *Store) Next(ctx context.Context, o store.ClaimOptions) (next time.Time, err error) {
	err = s.view(ctx, "next", func(tx *bolt.Tx) error {
		if k, _ := bucket(tx, inDue).Cursor().First(); k != nil && readNanos(k) != never {
			next = instant(readNanos(k))
		}
		return nil
	})
	if at := s.outbox.next(o); err == nil && !at.IsZero() && (next.IsZero() || at.Before(next)) {
		next = at
	}
	return next, err
}
