package boltstore

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"pagerd/gateway/store"
)

// prepared is a change whose values are encoded, so that the write loop only looks up and puts. It shares nothing with
// the change: the caller may have gone away, and changed its values, before it is stored.
type prepared struct {
	op         string
	opHash     []byte // nil = none
	now        int64
	page       *object
	incident   *object
	records    []recordPut
	alerts     []alertPut
	deliveries []deliveryPut
	settle     []store.Settlement
	entries    []keyed
	sent       []keyed // the key is a prefix
	size       int
	wake       bool
}

// object is a new version of a page or an incident.
type object struct {
	number int64
	head   head
	value  []byte
}

type alertPut struct {
	id    string
	page  int64
	head  head
	value []byte
}

type deliveryPut struct {
	store.Delivery
	key   []byte
	odd   bool
	value []byte
}

type keyed struct{ key, value []byte }

// Commit implements store.Store.
func (s *Store) Commit(ctx context.Context, c store.Change) error {
	if err := c.Check(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	p, err := prepare(c)
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return s.submit(ctx, &request{urgent: c.Urgent, spare: !c.Urgent, size: p.size, change: p})
}

// prepare encodes a change.
func prepare(c store.Change) (*prepared, error) {
	p := &prepared{op: c.Op, now: nanos(c.Now), settle: slices.Clone(c.Settle)}
	p.wake = c.Page != nil || c.Incident != nil || len(c.Records) > 0 || len(c.Deliveries) > 0 || len(c.Settle) > 0
	if c.Op != "" {
		p.opHash = hash(c.Op)
	}
	var errs []error
	keep := func(value []byte, err error) []byte {
		errs = append(errs, err)
		p.size += len(value)
		return value
	}
	if g := c.Page; g != nil {
		h := head{version: g.Version, due: nanos(g.Due), at: closed(!g.Open(), g.ResolvedAt, c.Now), open: g.Open(), group: [groupLen]byte(hash(g.Group))}
		p.page = &object{number: g.Number, head: h, value: keep(encodeHeaded(h, g))}
	}
	if in := c.Incident; in != nil {
		over := in.Over()
		h := head{version: in.Version, due: nanos(in.Due), at: closed(over, in.ResolvedAt, c.Now), open: !over}
		p.incident = &object{number: in.Number, head: h, value: keep(encodeHeaded(h, in))}
	}
	for _, r := range c.Records {
		h := head{version: r.Version, due: nanos(r.Due), at: never, open: r.Open}
		p.records = append(p.records, recordPut{name: r.String(), letter: r.Kind.Letter(), number: r.Number, head: h, value: keep(encodeHeaded(h, r))})
	}
	for _, a := range c.Alerts {
		h := head{version: a.Version, due: never, at: nanos(a.HeardAt), open: a.Firing()}
		p.alerts = append(p.alerts, alertPut{id: string(a.ID), page: a.Page, head: h, value: keep(encodeHeaded(h, a))})
	}
	for _, d := range c.Deliveries {
		d = d.New()
		put := deliveryPut{Delivery: d, value: keep(encode(d))}
		put.key, put.odd = keyOf(d)
		p.deliveries = append(p.deliveries, put)
	}
	for _, e := range c.Entries {
		p.entries = append(p.entries, keyed{timelineKey(e.Object, e.Seq), keep(encode(e))})
	}
	for _, t := range c.Sent {
		at := uintKey(sortable(min(nanos(t.At), never-1)))
		p.sent = append(p.sent, keyed{append(sentPrefix(t.Contact), at...), keep(encode(t))})
	}
	return p, errors.Join(errs...)
}

// keyOf returns a delivery's key; odd says that its id does not tell the key.
func keyOf(d store.Delivery) (key []byte, odd bool) {
	if key, number, ok := deliveryKey(d.ID); ok && number == d.Page {
		return key, false
	}
	return oddKey(d.Page, d.ID), true
}

func hash(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:groupLen]
}

// closed returns when an object closed, or never.
func closed(over bool, at, now time.Time) int64 {
	switch {
	case !over:
		return never
	case at.IsZero():
		return nanos(now)
	}
	return nanos(at)
}
