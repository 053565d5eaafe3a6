package redisstore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"pagerd/gateway/store"
)

// ServerTime is the server's own clock, UTC. Nothing is decided by it but how far the replicas' clocks are apart.
func (s *Store) ServerTime(ctx context.Context) (time.Time, error) {
	cmd := &command{args: []any{"time"}}
	if err := s.urgent.do(ctx, &call{cmds: []*command{cmd}}); err != nil {
		return time.Time{}, fmt.Errorf("ask for the time: %w", err)
	}
	if err := cmd.fault(); err != nil {
		return time.Time{}, fmt.Errorf("ask for the time: %w", err)
	}
	parts, _ := cmd.reply.([]any)
	return time.Unix(number(parts, 0), number(parts, 1)*1000).UTC(), nil
}

// Announce stores what a replica says of itself and returns all that were heard of within store.ReplicaLife, by name.
func (s *Store) Announce(ctx context.Context, r store.Replica) ([]store.Replica, error) {
	now, err := s.ServerTime(ctx)
	if err != nil {
		return nil, fmt.Errorf("announce replica: %w", err)
	}
	r.SeenAt = time.Time{}
	body, err := encode(r)
	if err != nil {
		return nil, err
	}
	cmd := &command{script: s.scripts.announce, args: []any{r.Name, body, now.UnixMilli(), now.Add(-store.ReplicaLife).UnixMilli()}}
	if err := s.urgent.do(ctx, &call{cmds: []*command{cmd}}); err != nil {
		return nil, fmt.Errorf("announce replica: %w", err)
	}
	if err := cmd.fault(); err != nil {
		return nil, fmt.Errorf("announce replica: %w", err)
	}
	said := list(cmd.reply)
	var out []store.Replica
	for i := 0; i+1 < len(said); i += 2 {
		var other store.Replica
		if err := json.Unmarshal([]byte(said[i]), &other); err != nil {
			return nil, fmt.Errorf("replica: %w: %w", store.ErrDamaged, err)
		}
		var ms float64
		if _, err := fmt.Sscan(said[i+1], &ms); err != nil {
			return nil, fmt.Errorf("replica %s: %w: seen at %q", other.Name, store.ErrDamaged, said[i+1])
		}
		other.SeenAt = time.UnixMilli(int64(ms)).UTC()
		out = append(out, other)
	}
	slices.SortFunc(out, func(a, b store.Replica) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// Withdraw takes a replica back that stops.
func (s *Store) Withdraw(ctx context.Context, name string) error {
	cmds := []*command{{args: []any{"hdel", s.key("replicas"), name}}, {args: []any{"zrem", s.key("replicas:seen"), name}}}
	if err := s.urgent.do(ctx, &call{cmds: cmds}); err != nil {
		return fmt.Errorf("withdraw replica %s: %w", name, err)
	}
	return nil
}

// Upgrade raises the stored format, after which an older pagerd refuses to start. It is refused with the names of the live
// replicas that cannot write it.
func (s *Store) Upgrade(ctx context.Context, schema int) error {
	if schema > Schema {
		return fmt.Errorf("upgrade to format %d: this pagerd writes up to %d", schema, Schema)
	}
	now, err := s.ServerTime(ctx)
	if err != nil {
		return fmt.Errorf("upgrade: %w", err)
	}
	cmd := &command{script: s.scripts.upgrade, args: []any{schema, now.Add(-store.ReplicaLife).UnixMilli()}}
	if err := s.urgent.do(ctx, &call{cmds: []*command{cmd}, durable: true}); err != nil {
		return fmt.Errorf("upgrade: %w", err)
	}
	if err := cmd.fault(); err != nil {
		return fmt.Errorf("upgrade: %w", err)
	}
	if word, rest := result(cmd.reply); word == "BEHIND" {
		return fmt.Errorf("upgrade to format %d: these replicas are older: %s", schema, strings.Join(list(any(rest)), ", "))
	}
	return nil
}
