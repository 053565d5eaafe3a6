package redisstore

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"pagerd/gateway/store"
	"pagerd/notify"
)

// Claim implements store.Store. A claim that too few replicas have is none: what is sent must be known to be leased after a
// fail-over too.
func (s *Store) Claim(ctx context.Context, now time.Time, o store.ClaimOptions) ([]store.Claim, error) {
	if o.Limit <= 0 {
		return nil, nil
	}
	until, generation, window := now.Add(o.Lease), s.memory.generation(), ""
	if o.Window > 0 {
		window = instant(now.Add(-o.Window))
	}
	args := []any{generation, instant(now), instant(until), o.Limit, o.Max, window}
	cmd := &command{script: s.scripts.claim, args: append(args, channels(o)...)}
	if err := s.writes.do(ctx, &call{cmds: []*command{cmd}, durable: true}); err != nil {
		return nil, fmt.Errorf("claim: %w", err)
	}
	rest, err := s.written("claim", cmd, generation)
	if err != nil || len(rest) == 0 {
		return nil, err
	}
	for _, id := range list(rest[0]) {
		s.options.Report(fmt.Errorf("pending delivery %s: %w: it is left out", id, store.ErrDamaged))
	}
	var claims []store.Claim
	for _, r := range rest[1:] {
		fields, _ := r.([]any)
		if len(fields) < 3 {
			continue
		}
		c := store.Claim{Token: number(fields, 0), Bundle: str(fields, 1), Until: until.UTC()}
		for _, f := range fields[2:] {
			d := readDelivery("of a claim", f)
			if d.err != nil {
				s.options.Report(d.err) // its lease ends and it is found again; the status page names it
				continue
			}
			c.Deliveries = append(c.Deliveries, d.Delivery)
		}
		s.memory.token(c.Token)
		if len(c.Deliveries) > 0 {
			claims = append(claims, c)
		}
	}
	return claims, nil
}

// channels are those to look at; without any in the options, all that there are.
func channels(o store.ClaimOptions) (out []any) {
	of := o.Channels
	if len(of) == 0 {
		of = notify.Channels()
	}
	for _, c := range of {
		out = append(out, string(c))
	}
	return out
}

// Next implements store.Store.
func (s *Store) Next(ctx context.Context, o store.ClaimOptions) (time.Time, error) {
	args := []any{strconv.FormatInt(int64(o.Window)>>32, 10), strconv.FormatInt(int64(o.Window)&0xffffffff, 10)}
	reply, err := s.ask(ctx, &command{script: s.scripts.next, args: append(args, channels(o)...)})
	if err != nil {
		return time.Time{}, fmt.Errorf("what comes next: %w", err)
	}
	text, _ := reply.(string)
	return readInstant(text)
}

// Renew implements store.Store.
func (s *Store) Renew(ctx context.Context, claim store.Claim, until time.Time) error {
	generation := s.memory.generation()
	args := []any{generation, decimal(claim.Token), instant(until)}
	for _, d := range claim.Deliveries {
		args = append(args, d.ID)
	}
	cmd := &command{script: s.scripts.renew, args: args}
	if err := s.urgent.do(ctx, &call{cmds: []*command{cmd}, durable: true}); err != nil {
		return fmt.Errorf("renew claim %d: %w", claim.Token, err)
	}
	rest, err := s.written("renew", cmd, generation)
	if err != nil {
		return err
	}
	if claim.Token == 0 || number(rest, 0) == 0 {
		return fmt.Errorf("renew claim %d: %w", claim.Token, store.ErrFenced)
	}
	return nil
}

// Release implements store.Store.
func (s *Store) Release(ctx context.Context, claim store.Claim, now time.Time) error {
	ids := make([]string, len(claim.Deliveries))
	for i, d := range claim.Deliveries {
		ids[i] = d.ID
	}
	e, err := encodeChange(store.Change{Now: now})
	if err != nil {
		return err
	}
	nonce := s.memory.nonce()
	for range maxStale {
		ds, err := s.deliveries(ctx, s.writes, ids)
		if err != nil {
			return fmt.Errorf("release claim %d: %w", claim.Token, err)
		}
		var puts []put
		var lanes []string
		for _, d := range ds {
			if d.err == nil && d.found && d.Token == claim.Token && d.State == store.Pending && claim.Token != 0 {
				puts = append(puts, put{rev: d.rev, next: d.Released(now)})
				lanes = append(lanes, d.Lane)
			}
		}
		if len(puts) == 0 {
			return fmt.Errorf("release claim %d: %w", claim.Token, store.ErrFenced)
		}
		switch err := s.commitOnce(ctx, store.Change{Now: now}, e, puts, lanes, nonce); err {
		case nil:
			s.signal()
			s.hint()
			return nil
		case errStale:
			continue
		default:
			return fmt.Errorf("release claim %d: %w", claim.Token, err)
		}
	}
	return fmt.Errorf("release claim %d: it changes all the time: %w", claim.Token, store.ErrUnavailable)
}

// laneMemory is how long a lane's newest claim is remembered: longer than any window.
const laneMemory = time.Hour

// Trim implements store.Store.
func (s *Store) Trim(ctx context.Context, now time.Time, limit int) (more bool, err error) {
	generation := s.memory.generation()
	before := func(keep time.Duration) string { return decimal(now.Add(-keep).UnixMilli()) }
	cmd := &command{script: s.scripts.trim, args: []any{generation, limit, before(0), before(store.KeepClosed), before(store.KeepClosed),
		before(store.KeepHistory), instant(now.Add(-laneMemory))}}
	if err := s.writes.do(ctx, &call{cmds: []*command{cmd}}); err != nil {
		return false, fmt.Errorf("trim: %w", err)
	}
	rest, err := s.written("trim", cmd, generation)
	if err != nil {
		return false, err
	}
	return str(rest, 0) == "1", nil
}
