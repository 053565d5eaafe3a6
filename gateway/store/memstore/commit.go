package memstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/timeline"
)

// Commit implements store.Store. All that can fail comes before the first write.
func (s *Store) Commit(ctx context.Context, c store.Change) error {
	if err := c.Check(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	enc, err := encodeChange(c)
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	settled, err := s.check(c)
	if err != nil {
		return err
	}
	s.apply(c, enc, settled)
	if c.Page != nil || c.Incident != nil || len(c.Records) > 0 || len(c.Deliveries) > 0 || len(c.Settle) > 0 {
		s.signal()
	}
	return nil
}

type encoded struct {
	page     record[page.Page]
	incident record[incident.Incident]
	records  []record[store.Record]
	alerts   []record[alert.State]
	entries  []record[timeline.Entry]
	sent     []record[store.Sent]
}

func encodeChange(c store.Change) (e encoded, err error) {
	var errs []error
	note := func(err error) { errs = append(errs, err) }
	if c.Page != nil {
		e.page, err = encode(*c.Page)
		note(err)
		e.page.version, e.page.open, e.page.due, e.page.object = c.Page.Version, c.Page.Open(), c.Page.Due.UTC(), c.Page.Group
		e.page.closed = closedAt(!c.Page.Open(), c.Page.ResolvedAt, c.Now)
	}
	if in := c.Incident; in != nil {
		e.incident, err = encode(*in)
		note(err)
		over := in.Over()
		e.incident.version, e.incident.open, e.incident.due = in.Version, !over, in.Due.UTC()
		e.incident.closed = closedAt(over, in.ResolvedAt, c.Now)
	}
	for _, v := range c.Records {
		r, err := encode(v)
		note(err)
		r.version, r.open, r.due = v.Version, v.Open, v.Due.UTC()
		e.records = append(e.records, r)
	}
	for _, a := range c.Alerts {
		r, err := encode(a)
		note(err)
		r.version, r.open, r.closed = a.Version, a.Firing(), a.HeardAt
		e.alerts = append(e.alerts, r)
	}
	for _, t := range c.Entries {
		r, err := encode(t)
		note(err)
		r.version = t.Seq
		e.entries = append(e.entries, r)
	}
	for _, t := range c.Sent {
		r, err := encode(t)
		note(err)
		r.due = t.At
		e.sent = append(e.sent, r)
	}
	return e, errors.Join(errs...)
}

func closedAt(closed bool, at, now time.Time) time.Time {
	switch {
	case !closed:
		return time.Time{}
	case at.IsZero():
		return now
	}
	return at
}

// check makes every check of a commit and returns the deliveries as its settlements leave them.
func (s *Store) check(c store.Change) (settled []store.Delivery, err error) {
	if _, ok := s.ops[c.Op]; ok && c.Op != "" {
		return nil, fmt.Errorf("operation %q: %w", c.Op, store.ErrApplied)
	}
	if p := c.Page; p != nil {
		if have := s.pages[p.Number].version; have != p.Version-1 {
			return nil, fmt.Errorf("page %d: version %d is stored, %d is committed: %w", p.Number, have, p.Version, store.ErrConflict)
		}
		for _, n := range s.groups[p.Group] {
			if p.Open() && n != p.Number && s.pages[n].open {
				return nil, fmt.Errorf("page %d: page %d of the same group is open: %w", p.Number, n, store.ErrConflict)
			}
		}
		if was, ok := s.pages[p.Number]; ok && was.object != p.Group {
			return nil, fmt.Errorf("page %d: a page keeps its group", p.Number)
		}
	}
	if in := c.Incident; in != nil {
		if have := s.incidents[in.Number].version; have != in.Version-1 {
			return nil, fmt.Errorf("incident %d: version %d is stored, %d is committed: %w", in.Number, have, in.Version, store.ErrConflict)
		}
	}
	for _, r := range c.Records {
		if have := s.records[r.Kind][r.Number].version; have != r.Version-1 {
			return nil, fmt.Errorf("%s: version %d is stored, %d is committed: %w", r, have, r.Version, store.ErrConflict)
		}
	}
	for _, a := range c.Alerts {
		if have := s.alerts[a.ID].version; have != a.Version-1 {
			return nil, fmt.Errorf("alert %s: version %d is stored, %d is committed: %w", a.ID, have, a.Version, store.ErrConflict)
		}
	}
	for _, d := range c.Deliveries {
		if _, ok := s.deliveries[d.ID]; ok {
			return nil, fmt.Errorf("delivery %s exists: %w", d.ID, store.ErrConflict)
		}
	}
	for _, e := range c.Entries {
		for _, have := range s.timelines[e.Object] {
			if have.version == e.Seq {
				return nil, fmt.Errorf("entry %d of %s exists: %w", e.Seq, e.Object, store.ErrConflict)
			}
		}
	}
	for _, t := range c.Settle {
		d, ok := s.deliveries[t.Delivery]
		if !ok {
			if t.Token == 0 {
				return nil, fmt.Errorf("settle delivery %s: %w", t.Delivery, store.ErrNotFound)
			}
			return nil, fmt.Errorf("settle delivery %s, which is gone: %w", t.Delivery, store.ErrFenced)
		}
		next, changed, err := d.Settled(t)
		if err != nil {
			return nil, err
		}
		if changed {
			settled = append(settled, next)
		}
	}
	return settled, nil
}

// apply stores a checked change; nothing in it can fail.
func (s *Store) apply(c store.Change, e encoded, settled []store.Delivery) {
	if c.Now.After(s.highWater) {
		s.highWater = c.Now.UTC()
	}
	if c.Op != "" {
		s.ops[c.Op] = c.Now
	}
	if p := c.Page; p != nil {
		if _, ok := s.pages[p.Number]; !ok {
			s.groups[p.Group] = append(s.groups[p.Group], p.Number)
		}
		s.pages[p.Number] = e.page
		s.number = max(s.number, p.Number)
	}
	if c.Incident != nil {
		s.incidents[c.Incident.Number] = e.incident
	}
	for i, r := range c.Records {
		if s.records[r.Kind] == nil {
			s.records[r.Kind] = map[int64]record[store.Record]{}
		}
		s.records[r.Kind][r.Number] = e.records[i]
	}
	for i, a := range c.Alerts {
		if was, ok := s.alerts[a.ID]; ok {
			delete(s.ofPage[was.decode().Page], a.ID)
		}
		s.alerts[a.ID] = e.alerts[i]
		if s.ofPage[a.Page] == nil {
			s.ofPage[a.Page] = map[alert.ID]bool{}
		}
		s.ofPage[a.Page][a.ID] = true
	}
	for _, d := range c.Deliveries {
		d = d.New()
		s.deliveries[d.ID], s.pending[d.ID] = d, true
		s.byPage[d.Page] = append(s.byPage[d.Page], d.ID)
	}
	for _, d := range settled {
		s.deliveries[d.ID] = d
		if d.State != store.Pending {
			delete(s.pending, d.ID)
		}
	}
	for i, t := range c.Entries {
		s.timelines[t.Object] = append(s.timelines[t.Object], e.entries[i])
		slices.SortFunc(s.timelines[t.Object], func(a, b record[timeline.Entry]) int { return int(a.version - b.version) })
	}
	for i, t := range c.Sent {
		list := append(s.sent[t.Contact], e.sent[i])
		slices.SortStableFunc(list, func(a, b record[store.Sent]) int { return a.due.Compare(b.due) })
		s.sent[t.Contact] = list[max(0, len(list)-store.KeepSent):]
	}
}
