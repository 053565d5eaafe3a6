package redisstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/timeline"
)

// chunk is how many values one read asks for at a time: the server is never held up for long.
const chunk = 100

// Page implements store.Store.
func (s *Store) Page(ctx context.Context, n int64) (page.Page, error) {
	return object[page.Page](ctx, s, "page", n)
}

// Incident implements store.Store.
func (s *Store) Incident(ctx context.Context, n int64) (incident.Incident, error) {
	return object[incident.Incident](ctx, s, "incident", n)
}

func object[T any](ctx context.Context, s *Store, kind string, n int64) (v T, err error) {
	return valueOf[T](ctx, s, kind+" "+decimal(n), kind+":"+decimal(n))
}

// valueOf reads the value under a key without the store's prefix; what names it in errors.
func valueOf[T any](ctx context.Context, s *Store, what, key string) (v T, err error) {
	reply, err := s.ask(ctx, &command{args: []any{"hget", s.key(key), "b"}})
	switch {
	case err != nil:
		return v, fmt.Errorf("%s: %w", what, err)
	case reply == nil:
		return v, fmt.Errorf("%s: %w", what, store.ErrNotFound)
	}
	return decode[T](what, reply)
}

// Group implements store.Store.
func (s *Store) Group(ctx context.Context, group string) (p page.Page, err error) {
	reply, err := s.ask(ctx, &command{script: s.scripts.group, args: []any{groupName(group)}})
	switch {
	case err != nil:
		return p, fmt.Errorf("page of group %q: %w", group, err)
	case reply == nil:
		return p, fmt.Errorf("page of group %q: %w", group, store.ErrNotFound)
	}
	return decode[page.Page]("page of a group", reply)
}

// Alerts implements store.Store.
func (s *Store) Alerts(ctx context.Context, ids []alert.ID) ([]alert.State, error) {
	out := make([]alert.State, 0, len(ids))
	for part := range slices.Chunk(ids, chunk) {
		cmds := make([]*command, len(part))
		for i, id := range part {
			cmds[i] = &command{args: []any{"hget", s.key("alert:" + string(id)), "b"}}
		}
		if err := s.reads.do(ctx, &call{cmds: cmds}); err != nil {
			return nil, fmt.Errorf("alerts: %w", err)
		}
		for i, cmd := range cmds {
			var a alert.State
			if err := cmd.fault(); err != nil {
				return nil, fmt.Errorf("alert %s: %w", part[i], err)
			}
			if cmd.reply != nil {
				var err error
				if a, err = decode[alert.State]("alert "+string(part[i]), cmd.reply); err != nil {
					return nil, err
				}
			}
			out = append(out, a)
		}
	}
	return out, nil
}

// PageAlerts implements store.Store.
func (s *Store) PageAlerts(ctx context.Context, n int64, limit int) ([]alert.State, error) {
	if limit <= 0 {
		return nil, nil
	}
	reply, err := s.ask(ctx, &command{script: s.scripts.pageAlerts, args: []any{decimal(n), limit}})
	if err != nil {
		return nil, fmt.Errorf("alerts of page %d: %w", n, err)
	}
	var out []alert.State
	list, _ := reply.([]any)
	for _, body := range list {
		a, err := decode[alert.State](fmt.Sprintf("alert of page %d", n), body)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// Pages implements store.Store.
func (s *Store) Pages(ctx context.Context, f store.Filter) ([]page.Page, error) {
	return objects[page.Page](ctx, s, "page", f)
}

// Incidents implements store.Store.
func (s *Store) Incidents(ctx context.Context, f store.Filter) ([]incident.Incident, error) {
	return objects[incident.Incident](ctx, s, "incident", f)
}

func objects[T any](ctx context.Context, s *Store, kind string, f store.Filter) (out []T, err error) {
	return listed[T](ctx, s, kind, kind+"s", kind+":", f)
}

// listed lists what an index names, newest first. The index and the values are given without the store's prefix; noun is
// what errors call a value.
func listed[T any](ctx context.Context, s *Store, noun, index, values string, f store.Filter) (out []T, err error) {
	index, below := s.key(index), "+inf"
	if f.Open {
		index += ":open"
	}
	if f.Before > 0 {
		below = "(" + decimal(f.Before)
	}
	reply, err := s.ask(ctx, &command{args: []any{"zrange", index, below, "-inf", "byscore", "rev", "limit", 0, cmp.Or(f.Limit, 100)}})
	if err != nil {
		return nil, fmt.Errorf("list %ss: %w", noun, err)
	}
	var damaged []error
	for part := range slices.Chunk(list(reply), chunk) {
		cmds := make([]*command, len(part))
		for i, n := range part {
			cmds[i] = &command{args: []any{"hget", s.key(values + n), "b"}}
		}
		if err := s.reads.do(ctx, &call{cmds: cmds}); err != nil {
			return out, fmt.Errorf("list %ss: %w", noun, err)
		}
		for i, cmd := range cmds {
			err := cmd.fault()
			if err == nil && cmd.reply == nil {
				continue // deleted meanwhile
			}
			var v T
			if err == nil {
				v, err = decode[T](noun+" "+part[i], cmd.reply)
			} else {
				err = fmt.Errorf("%s %s: %w", noun, part[i], err)
			}
			if err != nil {
				damaged = append(damaged, err)
				continue
			}
			out = append(out, v)
		}
	}
	return out, errors.Join(damaged...)
}

// list reads an array of strings.
func list(reply any) (out []string) {
	values, _ := reply.([]any)
	for _, v := range values {
		if text, ok := v.(string); ok {
			out = append(out, text)
		}
	}
	return out
}

// stored is a delivery as it is stored, with the revision that guards it.
type stored struct {
	store.Delivery
	rev   string
	found bool
	err   error
}

// readDelivery makes a delivery of its fields: the body as it was last written whole, and what claims change since.
func readDelivery(id string, reply any) (d stored) {
	f, _ := reply.([]any)
	if len(f) < 9 || f[0] == nil {
		return d
	}
	d.found = true
	if d.Delivery, d.err = decode[store.Delivery]("delivery "+id, f[0]); d.err != nil {
		return d
	}
	d.State = store.DeliveryState(str(f, 1))
	d.Token, d.Bundle, d.Attempts = number(f, 3), str(f, 4), int(number(f, 5))
	d.rev = str(f, 8)
	for i, to := range map[int]*time.Time{2: &d.VisibleAt, 6: &d.AttemptAt, 7: &d.SettledAt} {
		at, err := readInstant(str(f, i))
		if err != nil {
			d.err = fmt.Errorf("delivery %s: %w", id, err)
			return d
		}
		*to = at
	}
	return d
}

// deliveries reads deliveries by id, in order.
func (s *Store) deliveries(ctx context.Context, l *lane, ids []string) ([]stored, error) {
	var out []stored
	for part := range slices.Chunk(ids, chunk) {
		cmds := make([]*command, len(part))
		for i, id := range part {
			cmds[i] = &command{args: []any{"hmget", s.key("d:" + id), "b", "st", "vis", "tok", "bun", "att", "aat", "set", "rev"}}
		}
		if err := l.do(ctx, &call{cmds: cmds}); err != nil {
			return nil, fmt.Errorf("deliveries: %w", err)
		}
		for i, cmd := range cmds {
			d := stored{err: cmd.fault(), found: true}
			if d.err == nil {
				d = readDelivery(part[i], cmd.reply)
			} else {
				d.err = fmt.Errorf("delivery %s: %w", part[i], d.err)
			}
			out = append(out, d)
		}
	}
	return out, nil
}

// all reads the deliveries whose ids a command returns; those that are gone meanwhile are left out.
func (s *Store) all(ctx context.Context, what string, id func(string) string, args ...any) ([]store.Delivery, error) {
	reply, err := s.ask(ctx, &command{args: args})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	ids := list(reply)
	for i := range ids {
		ids[i] = id(ids[i])
	}
	ds, err := s.deliveries(ctx, s.reads, ids)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	var out []store.Delivery
	var damaged []error
	for _, d := range ds {
		switch {
		case d.err != nil:
			damaged = append(damaged, d.err)
		case d.found:
			out = append(out, d.Delivery)
		}
	}
	return out, errors.Join(damaged...)
}

func itself(id string) string { return id }

// Deliveries implements store.Store.
func (s *Store) Deliveries(ctx context.Context, n int64) ([]store.Delivery, error) {
	return s.all(ctx, "deliveries of page "+decimal(n), itself, "lrange", s.key("ds:"+decimal(n)), 0, -1)
}

// Delivery implements store.Store.
func (s *Store) Delivery(ctx context.Context, id string) (store.Delivery, error) {
	ds, err := s.deliveries(ctx, s.reads, []string{id})
	switch {
	case err != nil:
		return store.Delivery{}, err
	case ds[0].err != nil:
		return store.Delivery{}, ds[0].err
	case !ds[0].found:
		return store.Delivery{}, fmt.Errorf("delivery %s: %w", id, store.ErrNotFound)
	}
	return ds[0].Delivery, nil
}

// Bundle implements store.Store.
func (s *Store) Bundle(ctx context.Context, id string) ([]store.Delivery, error) {
	if id == "" {
		return nil, nil
	}
	out, err := s.all(ctx, "bundle", itself, "lrange", s.key("b:"+id), 0, -1)
	slices.SortFunc(out, store.CompareInClaim)
	return out, err
}

// RecentDeliveries implements store.Store.
func (s *Store) RecentDeliveries(ctx context.Context, limit int) ([]store.Delivery, error) {
	if limit <= 0 {
		return nil, nil
	}
	id := func(member string) string { return member[strings.IndexByte(member, '|')+1:] }
	return s.all(ctx, "recent deliveries", id, "zrange", s.key("settled"), 0, limit-1, "rev")
}

// Timeline implements store.Store.
func (s *Store) Timeline(ctx context.Context, object string) ([]timeline.Entry, error) {
	reply, err := s.ask(ctx, &command{args: []any{"hvals", s.key("t:" + object)}})
	if err != nil {
		return nil, fmt.Errorf("timeline of %s: %w", object, err)
	}
	var out []timeline.Entry
	for _, text := range list(reply) {
		e, err := decode[timeline.Entry]("entry of "+object, text)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b timeline.Entry) int { return cmp.Compare(a.Seq, b.Seq) })
	return out, nil
}

// Sent implements store.Store.
func (s *Store) Sent(ctx context.Context, contact string, limit int) ([]store.Sent, error) {
	if limit <= 0 {
		return nil, nil
	}
	reply, err := s.ask(ctx, &command{args: []any{"zrange", s.key("s:" + contact), 0, limit - 1, "rev"}})
	if err != nil {
		return nil, fmt.Errorf("what %s was told: %w", contact, err)
	}
	var out []store.Sent
	for _, member := range list(reply) {
		_, body, _ := strings.Cut(member, "|")
		t, err := decode[store.Sent]("what "+contact+" was told", body)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// Due implements store.Store.
func (s *Store) Due(ctx context.Context, now time.Time, limit int) ([]store.Due, error) {
	if limit <= 0 {
		return nil, nil
	}
	reply, err := s.ask(ctx, &command{args: []any{"zrange", s.key("due"), "-", "[" + instant(now) + "}", "bylex", "limit", 0, limit}})
	if err != nil {
		return nil, fmt.Errorf("what is due: %w", err)
	}
	var out []store.Due
	for _, member := range list(reply) {
		if len(member) != 34 {
			s.options.Report(fmt.Errorf("due index: %w: %q", store.ErrDamaged, member))
			continue
		}
		at, err := readInstant(member[:16])
		n, err2 := strconv.ParseInt(member[16:32], 16, 64)
		if err := errors.Join(err, err2); err != nil {
			s.options.Report(fmt.Errorf("due index: %w", err))
			continue
		}
		out = append(out, store.Due{Kind: dueKind(member[32:]), ID: n, At: at})
	}
	return out, nil
}

// dueKind reads the end of a member of the due index, by which pages sort before incidents and those before records.
func dueKind(ends string) store.DueKind {
	switch {
	case ends == "1p":
		return store.DuePage
	case ends == "2i":
		return store.DueIncident
	}
	kind, _ := store.KindOfLetter(ends[1])
	return store.DueKind(kind)
}

// HighWater implements store.Store.
func (s *Store) HighWater(ctx context.Context) (time.Time, error) {
	reply, err := s.ask(ctx, &command{args: []any{"hget", s.key("meta"), "high"}})
	if err != nil {
		return time.Time{}, fmt.Errorf("newest instant: %w", err)
	}
	text, _ := reply.(string)
	return readInstant(text)
}

// NextNumber implements store.Store.
func (s *Store) NextNumber(ctx context.Context) (int64, error) {
	generation := s.memory.generation()
	cmd := &command{script: s.scripts.number, args: []any{generation}}
	if err := s.writes.do(ctx, &call{cmds: []*command{cmd}}); err != nil {
		return 0, fmt.Errorf("allocate a number: %w", err)
	}
	rest, err := s.written("allocate a number", cmd, generation)
	if err != nil {
		return 0, err
	}
	return number(rest, 0), nil
}

// written reads the result of a script that answers OK or GENERATION.
func (s *Store) written(doing string, cmd *command, generation string) ([]any, error) {
	if err := cmd.fault(); err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	switch word, rest := result(cmd.reply); word {
	case "OK":
		return rest, nil
	case "GENERATION":
		return nil, fmt.Errorf("%s: %w", doing, s.otherGeneration(generation, str(rest, 0)))
	default:
		return nil, fmt.Errorf("%s: %w: the script answers %v", doing, store.ErrUnavailable, cmd.reply)
	}
}
