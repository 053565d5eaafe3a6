package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"pagerd/gateway/store"
)

// Trim implements store.Store. It follows the expiry index, whose entries are hints: each is looked at again. Operation
// ids are kept in two buckets that take turns: the older one is emptied once every id in it is old enough, so that an id
// is kept between one and two times store.KeepOps.
func (s *Store) Trim(ctx context.Context, now time.Time, limit int) (more bool, err error) {
	err = s.submit(ctx, &request{urgent: false, run: func(g *group) error {
		t := trimmer{g: g, now: nanos(now), left: limit}
		if err := t.ops(); err != nil {
			return err
		}
		if err := t.hints(); err != nil {
			return err
		}
		more = t.left <= 0
		return nil
	}})
	if err != nil {
		return false, fmt.Errorf("trim: %w", err)
	}
	return more, nil
}

// trimmer is one step of trimming.
type trimmer struct {
	g    *group
	now  int64
	left int // keys that may still be deleted
}

func (t *trimmer) old(at int64, keep time.Duration) bool {
	return at != never && later(at, keep) <= t.now
}

// errEnough ends a step that has used its keys up.
var errEnough = errors.New("step is used up")

func (t *trimmer) drop(which int, key []byte) error {
	if t.left <= 0 {
		return errEnough
	}
	t.left--
	return t.g.drop(which, key)
}

// also deletes a key that goes with another; a step may exceed its limit by these few.
func (t *trimmer) also(which int, key []byte) error {
	t.left--
	return t.g.drop(which, key)
}

// keys finds keys from the first on while they have a prefix, those that match; one more than may be deleted at most.
func (t *trimmer) keys(which int, prefix []byte, match func(k, v []byte) bool) (keys [][]byte) {
	c := t.g.bucket(which).Cursor()
	for k, v := c.Seek(prefix); hasPrefix(k, prefix) && len(keys) <= t.left; k, v = c.Next() {
		if match == nil || match(k, v) {
			keys = append(keys, bytes.Clone(k))
		}
	}
	return keys
}

func (t *trimmer) dropKeys(which int, keys [][]byte) error {
	for _, k := range keys {
		if err := t.drop(which, k); err != nil {
			return err
		}
	}
	return nil
}

func (t *trimmer) ops() error {
	began := t.g.get(inMeta, []byte(metaOpsAt))
	if began != nil && !t.old(readNanos(began), store.KeepOps) {
		return nil
	}
	if began != nil {
		other := 1 - t.g.opsAt
		if err := t.dropKeys(inOps0+other, t.keys(inOps0+other, nil, nil)); err != nil {
			return ignoreEnough(err)
		}
		t.g.opsAt = other
		if err := t.g.put(inMeta, []byte(metaOps), uintKey(uint64(other))); err != nil {
			return err
		}
	}
	return t.g.put(inMeta, []byte(metaOpsAt), uintKey(sortable(t.now)))
}

func ignoreEnough(err error) error {
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// hints works through the expiry index up to now.
func (t *trimmer) hints() error {
	for t.left > 0 {
		k, _ := t.g.bucket(inExpiry).Cursor().First()
		if k == nil || readNanos(k) > t.now {
			return nil
		}
		k = bytes.Clone(k)
		number := int64(readUint(k[9:]))
		var err error
		switch k[8] {
		case kindPage:
			err = t.closedPage(number)
		case kindHistory:
			err = t.history(inPages, fmt.Sprintf("page/%d", number), number)
		case kindIncident:
			err = t.history(inIncidents, fmt.Sprintf("incident/%d", number), number)
		}
		if errors.Is(err, errEnough) {
			return nil
		}
		if err == nil {
			err = t.drop(inExpiry, k)
		}
		if err != nil {
			return ignoreEnough(err)
		}
	}
	return nil
}

// closedPage deletes the deliveries of a page that closed long ago, or of a number that no page has, and a page's alerts that
// were not heard of for as long.
func (t *trimmer) closedPage(number int64) error {
	prefix := uintKey(uint64(number))
	if v := t.g.get(inPages, prefix); v != nil {
		h, _, err := readHead(v)
		if err != nil || !t.old(h.at, store.KeepClosed) {
			return nil // open again, closed again later, or damaged: then it stays for support to look at
		}
	}
	if !t.younger(prefix) {
		if err := t.deliveries(prefix); err != nil {
			return err
		}
	}
	again := int64(never)
	gone := t.keys(inAlerts, prefix, func(_, v []byte) bool {
		h, _, err := readHead(v)
		switch {
		case err != nil:
			return false
		case h.open:
			again = min(again, later(t.now, 24*time.Hour))
			return false
		case t.old(h.at, store.KeepClosed):
			return true
		}
		again = min(again, later(h.at, store.KeepClosed))
		return false
	})
	for _, k := range gone {
		if err := t.drop(inAlerts, k); err != nil {
			return err
		}
		if err := t.also(inAlertPages, k[8:]); err != nil {
			return err
		}
	}
	if again == never {
		return nil
	}
	return t.g.put(inExpiry, timeKey(again, kindPage, number), nil)
}

// younger reports whether a delivery of the number is kept: it has left a hint of its own.
func (t *trimmer) younger(prefix []byte) bool {
	for _, which := range []int{inOutbox, inDeliveries} {
		young := t.keys(which, prefix, func(_, v []byte) bool {
			var d store.Delivery
			return decode(v, &d) == nil && !t.old(nanos(d.At), store.KeepClosed)
		})
		if len(young) > 0 {
			return true
		}
	}
	return false
}

func (t *trimmer) deliveries(prefix []byte) error {
	for _, which := range []int{inOutbox, inDeliveries} {
		for _, k := range t.keys(which, prefix, nil) {
			if t.left <= 0 {
				return errEnough
			}
			var d store.Delivery
			if err := decode(t.g.get(which, k), &d); err != nil {
				continue
			}
			if err := t.delivery(which, k, d); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *trimmer) delivery(which int, key []byte, d store.Delivery) error {
	if err := t.drop(which, key); err != nil {
		return err
	}
	if which == inOutbox {
		d.State = store.Dropped
		t.g.settled[d.ID] = d // memory forgets it as well
	} else if err := t.also(inSettled, settledKey(d, key)); err != nil {
		return err
	}
	if d.Bundle != "" {
		if err := t.also(inBundles, []byte(d.Bundle)); err != nil {
			return err
		}
	}
	if len(key) > 16 {
		return t.also(inOddIDs, []byte(d.ID))
	}
	return nil
}

// history deletes a page or an incident and its timeline but the newest entry, whose hash is the tombstone.
func (t *trimmer) history(which int, object string, number int64) error {
	key := uintKey(uint64(number))
	v := t.g.get(which, key)
	if v == nil {
		return nil
	}
	h, _, err := readHead(v)
	if err != nil || !t.old(h.at, store.KeepHistory) {
		return nil
	}
	entries := t.keys(inTimelines, timelinePrefix(object), nil)
	if len(entries) > 0 && len(entries) <= t.left {
		entries = entries[:len(entries)-1]
	}
	if err := t.dropKeys(inTimelines, entries); err != nil {
		return err
	}
	if which == inPages {
		if row := t.g.get(inGroups, h.group[:]); len(row) == 16 && int64(readUint(row)) == number {
			if err := t.drop(inGroups, bytes.Clone(h.group[:])); err != nil {
				return err
			}
		}
	}
	if h.indexed() {
		kind := byte(kindPage)
		if which == inIncidents {
			kind = kindIncident
		}
		if err := t.drop(inDue, timeKey(h.due, kind, number)); err != nil {
			return err
		}
	}
	return t.drop(which, key)
}
