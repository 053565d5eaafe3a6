package memstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"pagerd/gateway/store"
)

// unit is what is claimed together: the fresh deliveries of a lane, or exactly the set that was claimed before.
type unit struct {
	lane    string
	retry   bool
	members []store.Delivery // in the order of sending
	ready   time.Time        // when it may be claimed
}

// units groups what is pending, whether it is visible or not.
func (s *Store) units(o store.ClaimOptions) []unit {
	sets := map[string]*unit{}
	for id := range s.pending {
		d := s.deliveries[id]
		if len(o.Channels) > 0 && !slices.Contains(o.Channels, d.Channel) {
			continue
		}
		key := "lane " + d.Lane
		if d.Attempts > 0 {
			key = "set " + cmp.Or(d.Bundle, d.ID)
		}
		if sets[key] == nil {
			sets[key] = &unit{lane: d.Lane, retry: d.Attempts > 0}
		}
		sets[key].members = append(sets[key].members, d)
	}
	var out []unit
	for _, u := range sets {
		slices.SortFunc(u.members, store.CompareInClaim)
		visible := func(a, b store.Delivery) int { return a.VisibleAt.Compare(b.VisibleAt) }
		if u.retry {
			u.ready = slices.MaxFunc(u.members, visible).VisibleAt
		} else {
			u.ready = slices.MinFunc(u.members, visible).VisibleAt
			if at, ok := s.laneAt[u.lane]; ok && at.Add(o.Window).After(u.ready) && o.Window > 0 {
				u.ready = at.Add(o.Window)
			}
		}
		out = append(out, *u)
	}
	return out
}

// Claim implements store.Store.
func (s *Store) Claim(ctx context.Context, now time.Time, o store.ClaimOptions) ([]store.Claim, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	var claims []store.Claim
	for len(claims) < o.Limit {
		var best *unit
		for _, u := range s.units(o) {
			if u.ready.After(now) {
				continue
			}
			if !u.retry {
				u.members = slices.DeleteFunc(u.members, func(d store.Delivery) bool { return d.VisibleAt.After(now) })
				if o.Max > 0 && len(u.members) > o.Max {
					u.members = u.members[:o.Max]
				}
			}
			if best == nil || first(u).Before(first(*best)) {
				best = &u
			}
		}
		if best == nil {
			break
		}
		claims = append(claims, s.claim(*best, now, now.Add(o.Lease)))
	}
	return claims, nil
}

// first returns the delivery by which a unit takes its turn.
func first(u unit) store.Delivery {
	best := u.members[0]
	for _, d := range u.members[1:] {
		if d.Before(best) {
			best = d
		}
	}
	return best
}

func (s *Store) claim(u unit, now, until time.Time) store.Claim {
	s.token++
	bundle := u.members[0].Bundle
	if bundle == "" && len(u.members) > 1 {
		bundle = fmt.Sprintf("b%d", s.token)
	}
	c := store.Claim{Token: s.token, Bundle: bundle, Until: until}
	for _, d := range u.members {
		d = d.Claimed(s.token, bundle, now, until)
		s.deliveries[d.ID] = d
		c.Deliveries = append(c.Deliveries, d)
	}
	s.laneAt[u.lane] = now
	return c
}

// held returns the deliveries of a claim that it still holds.
func (s *Store) held(claim store.Claim) ([]store.Delivery, error) {
	var out []store.Delivery
	for _, d := range claim.Deliveries {
		if have := s.deliveries[d.ID]; have.Token == claim.Token && have.State == store.Pending {
			out = append(out, have)
		}
	}
	if len(out) == 0 || claim.Token == 0 {
		return nil, fmt.Errorf("claim %d: %w", claim.Token, store.ErrFenced)
	}
	return out, nil
}

// Renew implements store.Store.
func (s *Store) Renew(ctx context.Context, claim store.Claim, until time.Time) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	held, err := s.held(claim)
	if err != nil {
		return fmt.Errorf("renew: %w", err)
	}
	for _, d := range held {
		d.VisibleAt = until
		s.deliveries[d.ID] = d
	}
	return nil
}

// Release implements store.Store.
func (s *Store) Release(ctx context.Context, claim store.Claim, now time.Time) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	held, err := s.held(claim)
	if err != nil {
		return fmt.Errorf("release: %w", err)
	}
	for _, d := range held {
		s.deliveries[d.ID] = d.Released(now)
		delete(s.laneAt, d.Lane)
	}
	s.signal()
	return nil
}
