package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"pagerd/gateway/store"
)

// Bounds of trying again within one Commit.
const (
	maxStale  = 32        // a delivery that changed between reading and writing; each time somebody got on
	nonceLife = time.Hour // how long a change without an operation is known again: far longer than it is repeated
)

// Commit implements store.Store. After store.ErrUnavailable the change may be stored all the same: the reply was lost, or too
// few replicas have it.
func (s *Store) Commit(ctx context.Context, c store.Change) error {
	if err := c.Check(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	e, err := encodeChange(c)
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	nonce := s.memory.nonce()
	for range maxStale {
		puts, err := s.settlements(ctx, c)
		if err != nil {
			return fmt.Errorf("commit: %w", err)
		}
		switch err := s.commitOnce(ctx, c, e, puts, nil, nonce); {
		case errors.Is(err, errStale):
			continue
		case err != nil:
			return fmt.Errorf("commit: %w", err)
		}
		if c.Page != nil || c.Incident != nil || len(c.Records) > 0 || len(c.Deliveries) > 0 || len(c.Settle) > 0 {
			s.signal()
			s.hint()
		}
		return nil
	}
	return fmt.Errorf("commit: deliveries change all the time: %w", store.ErrUnavailable)
}

// errStale: a delivery changed since it was read.
var errStale = errors.New("delivery changed since it was read")

// put is a delivery's next state, guarded by the revision that it was made from.
type put struct {
	rev  string
	next store.Delivery
}

// settlements reads what the change settles and works out what becomes of it.
func (s *Store) settlements(ctx context.Context, c store.Change) ([]put, error) {
	if len(c.Settle) == 0 {
		return nil, nil
	}
	ids := make([]string, len(c.Settle))
	for i, t := range c.Settle {
		ids[i] = t.Delivery
	}
	stored, err := s.deliveries(ctx, s.laneOf(c), ids)
	if err != nil {
		return nil, err
	}
	var puts []put
	for i, t := range c.Settle {
		d := stored[i]
		switch {
		case d.err != nil:
			return nil, d.err
		case !d.found && t.Token == 0:
			return nil, fmt.Errorf("settle delivery %s: %w", t.Delivery, store.ErrNotFound)
		case !d.found:
			return nil, s.orApplied(ctx, c, fmt.Errorf("settle delivery %s, which is gone: %w", t.Delivery, store.ErrFenced))
		}
		next, changed, err := d.Settled(t)
		if err != nil {
			return nil, s.orApplied(ctx, c, err)
		}
		if changed {
			puts = append(puts, put{rev: d.rev, next: next})
		}
	}
	return puts, nil
}

// orApplied is err, unless the change's operation was applied before: then that is the reason for it.
func (s *Store) orApplied(ctx context.Context, c store.Change, err error) error {
	if c.Op == "" {
		return err
	}
	reply, askErr := s.ask(ctx, &command{args: []any{"hget", s.key("op"), "o:" + c.Op}})
	if askErr == nil && reply != nil {
		return fmt.Errorf("operation %q: %w", c.Op, store.ErrApplied)
	}
	return err
}

// laneOf is the way on which a change goes: people's acts have their own.
func (s *Store) laneOf(c store.Change) *lane {
	if c.Urgent {
		return s.urgent
	}
	return s.writes
}

// commitOnce sends a change. The nonce, or the version that it replaces, makes it a no-op if it is executed a second time because the reply was lost.
func (s *Store) commitOnce(ctx context.Context, c store.Change, e *encoded, puts []put, forget []string, nonce string) error {
	tail, err := encodeTail(puts, forget, e)
	if err != nil {
		return err
	}
	script := s.scripts.commit
	if len(c.Alerts) > 0 && !c.Urgent {
		script = s.scripts.accept // new work is refused when memory runs out, everything else is not
	}
	generation := s.memory.generation()
	op, until := "", c.Now.Add(nonceLife)
	if c.Op != "" {
		op, until = "o:"+c.Op, c.Now.Add(store.KeepOps)
	}
	args := []any{nonce, generation, op, instant(c.Now), expiry(until)}
	cmd := &command{script: script, args: append(append(args, e.args...), tail...), size: e.size}
	if err := s.laneOf(c).do(ctx, &call{cmds: []*command{cmd}, durable: true}); err != nil {
		return err
	}
	return s.outcome(c, cmd, generation)
}

// outcome turns the script's result into the contract's errors.
func (s *Store) outcome(c store.Change, cmd *command, generation string) error {
	if err := cmd.fault(); err != nil {
		return err
	}
	word, rest := result(cmd.reply)
	switch word {
	case "OK":
		s.memory.committed(number(rest, 0), c)
		return nil
	case "MINE":
		return nil
	case "APPLIED":
		return fmt.Errorf("operation %q: %w", c.Op, store.ErrApplied)
	case "CONFLICT":
		return fmt.Errorf("%s: %w", str(rest, 0), store.ErrConflict)
	case "STALE":
		return errStale
	case "GROUP":
		return fmt.Errorf("page %s: a page keeps its group", str(rest, 0))
	case "GENERATION":
		return s.otherGeneration(generation, str(rest, 0))
	}
	return fmt.Errorf("redis: %w: the script answers %v", store.ErrUnavailable, cmd.reply)
}

// encoded is a change's part of the script's arguments that does not depend on what is stored.
type encoded struct {
	args    []any // up to and including the new deliveries
	entries []any
	sent    []any
	records []any
	size    int
}

// encodeChange makes the arguments as lua/commit.lua reads them.
func encodeChange(c store.Change) (*encoded, error) {
	e := &encoded{}
	if err := e.objects(c); err != nil {
		return nil, err
	}
	e.args = append(e.args, len(c.Alerts))
	for _, a := range c.Alerts {
		body, err := encode(a)
		if err != nil {
			return nil, err
		}
		cold := ""
		if !a.Firing() {
			cold = expiry(a.HeardAt)
		}
		e.args = append(e.args, string(a.ID), decimal(a.Version-1), decimal(a.Version), decimal(a.Page), bit(a.Firing()), cold, body)
		e.size += len(body)
	}
	e.args = append(e.args, len(c.Deliveries))
	for _, d := range c.Deliveries {
		d = d.New()
		body, err := encode(d)
		if err != nil {
			return nil, err
		}
		visible := instant(d.VisibleAt)
		if visible == "" {
			visible = hex16(0)
		}
		loose := "" // its page, if it has one, may have closed long ago
		if c.Page == nil || c.Page.Number != d.Page {
			loose = expiry(d.At)
		}
		e.args = append(e.args, d.ID, decimal(d.Page), string(d.Channel), d.Lane, turn(d), visible, loose, body)
		e.size += len(body)
	}
	e.entries = append(e.entries, len(c.Entries))
	for _, t := range c.Entries {
		body, err := encode(t)
		if err != nil {
			return nil, err
		}
		e.entries = append(e.entries, t.Object, decimal(t.Seq), body)
		e.size += len(body)
	}
	e.sent = append(e.sent, len(c.Sent))
	for _, t := range c.Sent {
		body, err := encode(t)
		if err != nil {
			return nil, err
		}
		e.sent = append(e.sent, t.Contact, instant(t.At), body)
	}
	return e, e.encodeRecords(c.Records)
}

// objects adds the page and the incident.
func (e *encoded) objects(c store.Change) error {
	e.args = append(e.args, bit(c.Page != nil))
	if p := c.Page; p != nil {
		body, err := encode(p)
		if err != nil {
			return err
		}
		closed := closedAt(!p.Open(), p.ResolvedAt, c.Now)
		e.args = append(e.args, decimal(p.Number), decimal(p.Version-1), decimal(p.Version), instant(p.Due), bit(p.Open()),
			instant(closed), expiry(closed), groupName(p.Group), body)
		e.size += len(body)
	}
	e.args = append(e.args, bit(c.Incident != nil))
	if in := c.Incident; in != nil {
		body, err := encode(in)
		if err != nil {
			return err
		}
		over := in.Over()
		closed := closedAt(over, in.ResolvedAt, c.Now)
		e.args = append(e.args, decimal(in.Number), decimal(in.Version-1), decimal(in.Version), instant(in.Due), bit(!over),
			instant(closed), expiry(closed), "", body)
		e.size += len(body)
	}
	return nil
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

// encodeTail adds what depends on the stored deliveries: their next states, and the lanes whose newest claim is forgotten.
func encodeTail(puts []put, forget []string, e *encoded) ([]any, error) {
	args := []any{len(puts)}
	for _, p := range puts {
		body, err := encode(p.next)
		if err != nil {
			return nil, err
		}
		args = append(args, p.next.ID, p.rev, string(p.next.State), instant(p.next.VisibleAt), decimal(p.next.Token), p.next.Bundle,
			strconv.Itoa(p.next.Attempts), instant(p.next.SettledAt), body)
	}
	args = append(args, len(forget))
	for _, lane := range forget {
		args = append(args, lane)
	}
	args = append(append(args, e.entries...), e.sent...)
	return append(append(args, store.KeepSent), e.records...), nil
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// result splits a script's answer into its word and the rest.
func result(reply any) (word string, rest []any) {
	list, _ := reply.([]any)
	if len(list) == 0 {
		return "", nil
	}
	word, _ = list[0].(string)
	return word, list[1:]
}

func str(list []any, i int) string {
	if i >= len(list) {
		return ""
	}
	switch v := list[i].(type) {
	case string:
		return v
	case int64:
		return decimal(v)
	}
	return ""
}

func number(list []any, i int) int64 {
	n, _ := strconv.ParseInt(strings.TrimSpace(str(list, i)), 10, 64)
	return n
}
