package boltstore

import (
	"container/heap"
	"context"
	"fmt"
	"slices"
	"time"

	"pagerd/gateway/store"
)

// Claim implements store.Store. A claim of one delivery is a lease in memory; one of several is written down first.
func (s *Store) Claim(ctx context.Context, now time.Time, o store.ClaimOptions) ([]store.Claim, error) {
	if err := s.usable(ctx); err != nil {
		return nil, fmt.Errorf("claim: %w", err)
	}
	claims, bundles := s.outbox.claim(now, o)
	if len(bundles) == 0 {
		return claims, nil
	}
	err := s.submit(ctx, &request{urgent: true, run: func(g *group) error {
		for _, b := range bundles {
			if err := g.writeBundle(b); err != nil {
				return err
			}
		}
		return nil
	}})
	if err != nil {
		for _, c := range claims {
			s.outbox.release(c, now)
		}
		return nil, fmt.Errorf("claim: %w", err)
	}
	return claims, nil
}

// Renew implements store.Store.
func (s *Store) Renew(ctx context.Context, claim store.Claim, until time.Time) error {
	if err := s.usable(ctx); err != nil {
		return fmt.Errorf("renew: %w", err)
	}
	if !s.outbox.renew(claim, until) {
		return fmt.Errorf("renew claim %d: %w", claim.Token, store.ErrFenced)
	}
	return nil
}

// Release implements store.Store.
func (s *Store) Release(ctx context.Context, claim store.Claim, now time.Time) error {
	if err := s.usable(ctx); err != nil {
		return fmt.Errorf("release: %w", err)
	}
	if !s.outbox.release(claim, now) {
		return fmt.Errorf("release claim %d: %w", claim.Token, store.ErrFenced)
	}
	s.signal()
	return nil
}

// usable refuses work in a store that is closed or has failed.
func (s *Store) usable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.queue.isClosed() || s.failed.Load() != nil {
		return s.closedError()
	}
	return nil
}

// candidate is a unit that can be claimed now.
type candidate struct {
	*unit
	members []*entry // in the claim's order, at most as many as one claim takes
	first   store.Delivery
}

// claim leases what is ready. bundles are the claims that must be written down.
func (o *outbox) claim(now time.Time, opts store.ClaimOptions) (claims, bundles []store.Claim) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if opts.Limit <= 0 {
		return nil, nil
	}
	lines := o.wanted(opts.Channels)
	for _, l := range lines {
		l.ripen(now)
	}
	var ready []candidate // in order
	offer := func(u *unit) {
		if c, ok := o.candidate(u, now, opts); ok {
			at, _ := slices.BinarySearchFunc(ready, c, compareCandidates)
			ready = slices.Insert(ready, at, c)
		}
	}
	var taken []*unit
	for len(claims) < opts.Limit {
		// A unit is at most as urgent as its best member, which may not be among those that can be claimed now.
		for u := most(lines); u != nil && (len(ready) == 0 || u.best.Before(ready[0].first)); u = most(lines) {
			u.line.heap[ripe].remove(u)
			taken = append(taken, u)
			offer(u)
		}
		if len(ready) == 0 {
			break
		}
		c := ready[0]
		ready = ready[1:]
		claim, fresh := o.lease(c, now, now.Add(opts.Lease))
		claims = append(claims, claim)
		if fresh && len(claim.Deliveries) > 1 {
			bundles = append(bundles, claim)
		}
		ready = slices.DeleteFunc(ready, func(r candidate) bool {
			return r.lane == c.lane && o.readyAt(r.unit, opts.Window).After(now)
		})
		if rest, ok := o.units[c.key]; ok && rest == c.unit && !c.retry { // what did not fit into this claim
			offer(rest)
		}
	}
	for _, u := range taken {
		if o.units[u.key] == u {
			heap.Push(&u.line.heap[waiting], u)
		}
	}
	o.forget(now)
	return claims, bundles
}

func compareCandidates(a, b candidate) int {
	if a.first.Before(b.first) {
		return -1
	}
	return 1
}

// candidate returns what of a unit can be claimed now.
func (o *outbox) candidate(u *unit, now time.Time, opts store.ClaimOptions) (c candidate, ok bool) {
	if o.readyAt(u, opts.Window).After(now) {
		return c, false
	}
	c = candidate{unit: u}
	for _, e := range u.members {
		if len(o.held) > 0 && o.held[e.ID] {
			if u.retry {
				return c, false
			}
			continue
		}
		if u.retry || !e.VisibleAt.After(now) {
			c.members = append(c.members, e)
		}
	}
	if len(c.members) == 0 {
		return c, false
	}
	slices.SortFunc(c.members, func(a, b *entry) int { return store.CompareInClaim(a.Delivery, b.Delivery) })
	if opts.Max > 0 && !u.retry && len(c.members) > opts.Max {
		c.members = c.members[:opts.Max]
	}
	c.first = c.members[0].Delivery
	for _, e := range c.members[1:] {
		if e.Before(c.first) {
			c.first = e.Delivery
		}
	}
	return c, true
}

// lease makes a claim; fresh says that its set was never claimed before.
func (o *outbox) lease(c candidate, now, until time.Time) (claim store.Claim, fresh bool) {
	o.token++
	bundle := c.members[0].Bundle
	if bundle == "" && len(c.members) > 1 {
		bundle, fresh = fmt.Sprintf("b%d", o.token), true
	}
	claim = store.Claim{Token: o.token, Bundle: bundle, Until: until}
	for _, e := range c.members {
		claim.Deliveries = append(claim.Deliveries, e.Claimed(o.token, bundle, now, until))
	}
	for _, d := range claim.Deliveries {
		o.replace(d)
	}
	if c.lane != claim.Deliveries[0].ID { // a lane of its own is never claimed with others
		o.lanes[c.lane] = now
	}
	return claim, fresh
}

// laneMemory is how long a lane's newest claim is remembered: longer than any window.
const laneMemory = time.Hour

// forget drops lanes that nobody was told by for a long time, when there are many.
func (o *outbox) forget(now time.Time) {
	if len(o.lanes) < 10_000 {
		return
	}
	for lane, at := range o.lanes {
		if now.Sub(at) > laneMemory {
			delete(o.lanes, lane)
		}
	}
}

// holds returns the pending deliveries that a claim still has.
func (o *outbox) holds(claim store.Claim) (out []*entry) {
	for _, d := range claim.Deliveries {
		if e, ok := o.entries[d.ID]; ok && e.Token == claim.Token && claim.Token != 0 {
			out = append(out, e)
		}
	}
	return out
}

func (o *outbox) renew(claim store.Claim, until time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	held := o.holds(claim)
	for _, e := range held {
		e.VisibleAt = until
	}
	for _, e := range held {
		o.refresh(e.unit)
	}
	return len(held) > 0
}

func (o *outbox) release(claim store.Claim, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	held := o.holds(claim)
	for _, e := range held {
		o.replace(e.Released(now))
		delete(o.lanes, e.Lane)
	}
	return len(held) > 0
}
