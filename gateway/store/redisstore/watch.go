package redisstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"pagerd/gateway/store"
)

// state is what is thought of the server. It is replaced, never changed.
type state struct {
	err       error // why nothing can be stored; nil = the server serves
	inspected time.Time
	findings  []store.Finding
}

// down returns why the server is thought not to serve. Callers are then refused at once: waiting for one that is gone would
// only gather them.
func (s *Store) down() error { return s.state.Load().err }

// tripped hears how each round trip went. One that came to nothing closes the way for the others until the watch has
// reached the server again.
func (s *Store) tripped(err error) {
	if err == nil || s.closed.Load() {
		return
	}
	s.breakOff(fmt.Errorf("no answer: %w", err))
}

// breakOff notes why the server does not serve, unless it is noted already.
func (s *Store) breakOff(err error) {
	for {
		was := s.state.Load()
		if was.err != nil {
			return
		}
		next := *was
		next.err = err
		if s.state.CompareAndSwap(was, &next) {
			return
		}
	}
}

// watch asks the server again and again whether it serves, and is the only one that opens the way again.
func (s *Store) watch(ctx context.Context) {
	for ctx.Err() == nil {
		every := checkEvery
		if s.down() != nil {
			every = retryEvery
		}
		if pause(ctx, every) != nil {
			return
		}
		if err := s.check(ctx); err != nil && ctx.Err() == nil {
			s.note(err)
		}
	}
}

// note replaces the reason for which nothing can be stored.
func (s *Store) note(err error) {
	if s.closed.Load() {
		return
	}
	next := *s.state.Load()
	next.err = err
	s.state.Store(&next)
}

// check reaches the server, compares what it remembers with what we do, and inspects its settings where that is due.
func (s *Store) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*roundTrip)
	defer cancel()
	if err := s.compare(ctx); err != nil {
		return err
	}
	now := s.state.Load()
	if now.err != nil || time.Since(now.inspected) >= inspectEvery {
		if _, err := s.Inspect(ctx); err != nil {
			return err
		}
	}
	return nil
}

// compare asks the store who it is. One that knows less than we do, or that is another, has lost what was durable.
func (s *Store) compare(ctx context.Context) error {
	gen, seq, number0, token := s.memory.known()
	cmd := &command{script: s.scripts.begin, args: []any{random(), gen, seq, number0, token, Schema, instant(time.Now())}}
	if err := s.urgent.force(ctx, &call{cmds: []*command{cmd}, durable: true}); err != nil {
		return err
	}
	if err := cmd.fault(); err != nil {
		return err
	}
	word, rest := result(cmd.reply)
	switch word {
	case "OK":
	case "SCHEMA":
		return &Refused{Reason: fmt.Sprintf("what it stores has format %s, and this pagerd reads up to %d: use the newer pagerd", str(rest, 0), Schema)}
	default:
		return fmt.Errorf("redis: %w: the script answers %v", store.ErrUnavailable, cmd.reply)
	}
	s.memory.adopt(str(rest, 0), number(rest, 1))
	what := map[string]string{
		"emptied":  "Redis was emptied: every open page, incident and timer is gone",
		"replaced": "Redis is not the one that it was: what was open before is gone",
		"older":    "Redis serves an older state than it confirmed: what was stored since is gone",
	}[str(rest, 3)]
	if what != "" {
		s.options.Lost(store.Loss{What: what + ". Alertmanager repeats what still fires; CloudWatch does not: look at its alarms", At: time.Now().UTC()})
	}
	return nil
}

// otherGeneration is why a change was refused: the store is not the one that we know.
func (s *Store) otherGeneration(ours, found string) error {
	if found == "" {
		found = "none"
	}
	err := fmt.Errorf("the store's generation is %s and not %s: it was emptied or replaced", found, ours)
	if s.memory.generation() == ours {
		s.breakOff(err)
	}
	return unavailable(err)
}

// Ready implements store.Store.
func (s *Store) Ready(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now := s.state.Load()
	if now.err != nil {
		return unavailable(now.err)
	}
	if len(now.findings) > 0 && !s.options.Relaxed {
		return unavailable(&Refused{Findings: now.findings})
	}
	return nil
}

// Findings are what the newest inspection found.
func (s *Store) Findings() []store.Finding { return slices.Clone(s.state.Load().findings) }

// Inspect looks at the server's settings afresh and returns those under which it can lose what it confirmed. Unless the store
// is relaxed, Ready fails as long as there are any. It is done every minute and each time the server was gone.
func (s *Store) Inspect(ctx context.Context) ([]store.Finding, error) {
	findings, err := s.inspect(ctx)
	if err != nil {
		return nil, err
	}
	was := s.state.Load()
	if s.closed.Load() {
		return findings, unavailable(errors.New("store is closed"))
	}
	next := &state{inspected: time.Now(), findings: findings}
	first := was.inspected.IsZero()
	if first && len(findings) > 0 && !s.options.Relaxed {
		next.inspected, next.err = time.Time{}, &Refused{Findings: findings}
		s.state.Store(next)
		return findings, next.err
	}
	s.state.Store(next)
	if was.err != nil {
		s.signal()
	}
	return findings, nil
}
