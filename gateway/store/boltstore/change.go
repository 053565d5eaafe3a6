package boltstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"pagerd/gateway/store"
)

// plan is what the checks of a change found out, for its writes.
type plan struct {
	page, incident found
	records        []found
	group          []byte // new row of the group index; nil = as it is
	alertPages     []int64
	settled        []settledPut
}

// found is the stored version of an object.
type found struct {
	ok bool
	head
}

type settledPut struct {
	before, after store.Delivery
}

// check makes every check of a change and writes nothing. What it refuses is never a failure of the disk.
func (g *group) check(c *prepared) (p plan, err error) {
	if c.opHash != nil && (g.get(inOps0, c.opHash) != nil || g.get(inOps1, c.opHash) != nil) {
		return p, fmt.Errorf("operation %q: %w", c.op, store.ErrApplied)
	}
	if c.page != nil {
		if p.page, err = g.checkObject(inPages, "page", c.page); err != nil {
			return p, err
		}
		if p.page.ok && p.page.group != c.page.head.group {
			return p, fmt.Errorf("page %d: a page keeps its group", c.page.number)
		}
		if p.group, err = g.checkGroup(c.page); err != nil {
			return p, err
		}
	}
	if c.incident != nil {
		if p.incident, err = g.checkObject(inIncidents, "incident", c.incident); err != nil {
			return p, err
		}
	}
	for _, r := range c.records {
		was, err := g.checkRecord(r)
		if err != nil {
			return p, err
		}
		p.records = append(p.records, was)
	}
	for _, a := range c.alerts {
		stored, err := g.checkAlert(a)
		if err != nil {
			return p, err
		}
		p.alertPages = append(p.alertPages, stored)
	}
	for _, d := range c.deliveries {
		if g.get(inOutbox, d.key) != nil || g.get(inDeliveries, d.key) != nil || d.odd && g.get(inOddIDs, []byte(d.ID)) != nil {
			return p, fmt.Errorf("delivery %s exists: %w", d.ID, store.ErrConflict)
		}
	}
	for _, e := range c.entries {
		if g.get(inTimelines, e.key) != nil {
			return p, fmt.Errorf("timeline entry exists: %w", store.ErrConflict)
		}
	}
	for _, t := range c.settle {
		before, after, changed, err := g.checkSettlement(t)
		if err != nil {
			return p, err
		}
		if changed {
			p.settled = append(p.settled, settledPut{before, after})
		}
	}
	return p, nil
}

func (g *group) checkObject(which int, kind string, o *object) (f found, err error) {
	if v := g.get(which, uintKey(uint64(o.number))); v != nil {
		if f.head, _, err = readHead(v); err != nil {
			return f, fmt.Errorf("%s %d: %w", kind, o.number, err)
		}
		f.ok = true
	}
	if f.version != o.head.version-1 {
		return f, fmt.Errorf("%s %d: version %d is stored, %d is committed: %w", kind, o.number, f.version, o.head.version, store.ErrConflict)
	}
	return f, nil
}

// checkGroup refuses a second open page of a group and returns the group's new row.
func (g *group) checkGroup(o *object) (row []byte, err error) {
	was := g.get(inGroups, o.head.group[:])
	var newest, open int64
	if len(was) == 16 {
		newest, open = int64(readUint(was)), int64(readUint(was[8:]))
	}
	if o.head.open {
		if open != 0 && open != o.number {
			return nil, fmt.Errorf("page %d: page %d of the same group is open: %w", o.number, open, store.ErrConflict)
		}
		open = o.number
	} else if open == o.number {
		open = 0
	}
	row = append(uintKey(uint64(max(newest, o.number))), uintKey(uint64(open))...)
	if bytes.Equal(row, was) {
		return nil, nil
	}
	return row, nil
}

// noPage stands for the page of an alert that is not stored.
const noPage = -1

func (g *group) checkAlert(a alertPut) (stored int64, err error) {
	stored, version := int64(noPage), int64(0)
	if at := g.get(inAlertPages, []byte(a.id)); at != nil {
		stored = int64(readUint(at))
		h, _, err := readHead(g.get(inAlerts, alertKey(stored, a.id)))
		if err != nil {
			return 0, fmt.Errorf("alert %s: %w", a.id, err)
		}
		version = h.version
	}
	if version != a.head.version-1 {
		return 0, fmt.Errorf("alert %s: version %d is stored, %d is committed: %w", a.id, version, a.head.version, store.ErrConflict)
	}
	return stored, nil
}

// checkSettlement finds the delivery as earlier changes of the transaction leave it, else in memory while it is pending,
// else in the file.
func (g *group) checkSettlement(t store.Settlement) (before, after store.Delivery, changed bool, err error) {
	before, ok := g.settled[t.Delivery]
	if !ok {
		before, ok = g.s.outbox.hold(t.Delivery)
	}
	if !ok {
		before, err = readDelivery(g.tx, t.Delivery)
		switch {
		case errors.Is(err, store.ErrNotFound) && t.Token != 0:
			return before, after, false, fmt.Errorf("settle delivery %s, which is gone: %w", t.Delivery, store.ErrFenced)
		case err != nil:
			return before, after, false, fmt.Errorf("settle: %w", err)
		}
	}
	after, changed, err = before.Settled(t)
	return before, after, changed, err
}

// present is the value of a key that says all by being there. It is not empty: bolt's Get tells an empty value, which was
// put in the same transaction, like a missing one.
func present() []byte { return []byte{1} }

// write stores a checked change. Any error spoils the transaction.
func (g *group) write(c *prepared, p plan) error {
	steps := []func() error{
		func() error { return g.writePage(c, p) },
		func() error { return g.writeIncident(c, p) },
		func() error { return g.writeRecords(c, p) },
		func() error { return g.writeAlerts(c, p) },
		func() error { return g.writeDeliveries(c) },
		func() error { return g.writeSettled(p) },
		func() error { return g.writeEntries(c) },
		func() error { return g.writeSent(c) },
	}
	if c.opHash != nil {
		if err := g.put(inOps0+g.opsAt, c.opHash, present()); err != nil {
			return err
		}
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	g.high = max(g.high, c.now)
	g.wake = g.wake || c.wake
	// The highest instant is written once for the transaction; a change that stores nothing else counts as a write too.
	g.writes++
	return nil
}

func (g *group) writePage(c *prepared, p plan) error {
	o := c.page
	if o == nil {
		return nil
	}
	if err := g.writeObject(inPages, kindPage, o, p.page); err != nil {
		return err
	}
	if p.group != nil {
		if err := g.put(inGroups, o.head.group[:], p.group); err != nil {
			return err
		}
	}
	if o.head.at != never && (!p.page.ok || p.page.at != o.head.at) {
		if err := g.expire(o.head.at, store.KeepClosed, kindPage, o.number); err != nil {
			return err
		}
		if err := g.expire(o.head.at, store.KeepHistory, kindHistory, o.number); err != nil {
			return err
		}
	}
	g.newest = max(g.newest, o.number)
	return nil
}

func (g *group) writeIncident(c *prepared, p plan) error {
	o := c.incident
	if o == nil {
		return nil
	}
	if err := g.writeObject(inIncidents, kindIncident, o, p.incident); err != nil {
		return err
	}
	if o.head.at != never && (!p.incident.ok || p.incident.at != o.head.at) {
		return g.expire(o.head.at, store.KeepHistory, kindIncident, o.number)
	}
	return nil
}

// writeObject stores a page or an incident and moves its entry of the due index.
func (g *group) writeObject(which int, kind byte, o *object, was found) error {
	if err := g.put(which, uintKey(uint64(o.number)), o.value); err != nil {
		return err
	}
	had, has := was.ok && was.indexed(), o.head.indexed()
	if had && has && was.due == o.head.due {
		return nil
	}
	if had {
		if err := g.drop(inDue, timeKey(was.due, kind, o.number)); err != nil {
			return err
		}
	}
	if has {
		return g.put(inDue, timeKey(o.head.due, kind, o.number), nil)
	}
	return nil
}

// expire leaves a hint for Trim.
func (g *group) expire(from int64, keep time.Duration, kind byte, number int64) error {
	return g.put(inExpiry, timeKey(later(from, keep), kind, number), nil)
}

// expireByDay leaves a hint for what lies under a page's number and outlives its closing, at the end of a day: many such
// things make one hint.
func (g *group) expireByDay(from, number int64) error {
	const day = int64(24 * time.Hour)
	return g.put(inExpiry, timeKey(later(from, store.KeepClosed)/day*day+day, kindPage, number), nil)
}

// later adds to an instant without running over.
func later(at int64, by time.Duration) int64 {
	if at > never-int64(by) {
		return never
	}
	return at + int64(by)
}

func (g *group) writeAlerts(c *prepared, p plan) error {
	for i, a := range c.alerts {
		if was := p.alertPages[i]; was != a.page {
			if was != noPage {
				if err := g.drop(inAlerts, alertKey(was, a.id)); err != nil {
					return err
				}
			}
			if err := g.put(inAlertPages, []byte(a.id), uintKey(uint64(a.page))); err != nil {
				return err
			}
		}
		if err := g.put(inAlerts, alertKey(a.page, a.id), a.value); err != nil {
			return err
		}
		// The page's closing brings its alerts to Trim; an end that comes without its page brings itself, by whole days.
		if !a.head.open && (c.page == nil || c.page.number != a.page) {
			if err := g.expireByDay(a.head.at, a.page); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *group) writeDeliveries(c *prepared) error {
	for _, d := range c.deliveries {
		if err := g.put(inOutbox, d.key, d.value); err != nil {
			return err
		}
		if d.odd {
			if err := g.put(inOddIDs, []byte(d.ID), d.key); err != nil {
				return err
			}
		}
		g.added = append(g.added, d.Delivery)
		if c.page == nil || c.page.number != d.Page { // its page, if it has one, may have closed long ago
			if err := g.expireByDay(nanos(d.At), d.Page); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *group) writeSettled(p plan) error {
	for _, t := range p.settled {
		if err := g.writeDelivery(t.before, t.after); err != nil {
			return err
		}
		g.settled[t.after.ID] = t.after
	}
	return nil
}

// writeDelivery stores a delivery that was stored before; one that is not pending any more leaves the outbox.
func (g *group) writeDelivery(before, after store.Delivery) error {
	value, err := encode(after)
	if err != nil {
		return err
	}
	key, _ := keyOf(after)
	if after.State == store.Pending {
		return g.put(inOutbox, key, value)
	}
	if before.State == store.Pending {
		if err := g.drop(inOutbox, key); err != nil {
			return err
		}
		if err := g.put(inSettled, settledKey(after, key), nil); err != nil {
			return err
		}
	}
	return g.put(inDeliveries, key, value)
}

func settledKey(d store.Delivery, key []byte) []byte {
	return append(uintKey(sortable(nanos(d.SettledAt))), key...)
}

// writeBundle writes down which deliveries a bundle has, and each of them as the claim left it. One that a callback has
// settled in the meantime stays settled.
func (g *group) writeBundle(c store.Claim) error {
	var ids []string
	for _, d := range c.Deliveries {
		ids = append(ids, d.ID)
		now, ok := g.settled[d.ID]
		if !ok {
			now, ok = g.s.outbox.hold(d.ID)
		}
		if !ok || now.State != store.Pending {
			continue
		}
		if err := g.writeDelivery(now, now); err != nil {
			return err
		}
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	return g.put(inBundles, []byte(c.Bundle), list)
}

func (g *group) writeEntries(c *prepared) error {
	for _, e := range c.entries {
		if err := g.put(inTimelines, e.key, e.value); err != nil {
			return err
		}
	}
	return nil
}

// writeSent appends to a contact's records and drops the oldest ones.
func (g *group) writeSent(c *prepared) error {
	for _, t := range c.sent {
		b := g.bucket(inSent)
		seq, err := b.NextSequence()
		if err != nil {
			return fmt.Errorf("number a record of what was sent: %w", err)
		}
		if err := g.put(inSent, append(t.key, uintKey(seq)...), t.value); err != nil {
			return err
		}
		prefix := t.key[:len(t.key)-8]
		cursor := b.Cursor()
		k, _ := cursor.Seek(append(bytes.Clone(prefix), 0xff))
		if k == nil {
			k, _ = cursor.Last()
		} else {
			k, _ = cursor.Prev()
		}
		var old [][]byte
		for n := 0; hasPrefix(k, prefix); k, _ = cursor.Prev() {
			if n++; n > store.KeepSent {
				old = append(old, bytes.Clone(k))
			}
		}
		for _, k := range old {
			if err := g.drop(inSent, k); err != nil {
				return err
			}
		}
	}
	return nil
}
