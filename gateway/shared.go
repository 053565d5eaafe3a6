package gateway

import (
	"context"
	"errors"
	"net"
	"os"
	"time"

	"go.uber.org/zap"

	"pagerd/config"
	"pagerd/gateway/api"
	"pagerd/gateway/replica"
	"pagerd/gateway/store"
	"pagerd/gateway/store/redisstore"
)

// leaveTime bounds how long a replica that stops tries to say so; it is forgotten after half a minute anyway.
const leaveTime = 2 * time.Second

// replicaName is the configured name, else one made of the host's name and the port of the public door: daemons on one
// host differ by it.
func replicaName(cfg *config.Config) string {
	if cfg.Replica != "" {
		return cfg.Replica
	}
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "pagerd"
	}
	if _, port, err := net.SplitHostPort(cfg.Public); err == nil {
		host += "-" + port
	}
	return host
}

// join makes this daemon one of those that share the store, and compares its clock once before anything is served. What
// fails is tried again by compare.
func (g *Gateway) join() {
	source := g.o.Clock
	if source == nil {
		source = replica.System()
	}
	g.clock = replica.NewClock(source)
	g.now = g.clock.Now
	began := g.now()
	g.member = replica.New(replica.Options{Store: g.redis, Clock: g.clock, Tell: g.alarm.Tell, Log: g.log,
		Self: func() store.Replica {
			return store.Replica{Name: g.name, Version: g.o.Version, Config: g.config.Load().Shared, Schema: redisstore.Schema, StartedAt: began}
		}})
	if err := g.member.Compare(context.Background()); err != nil {
		g.log.Warn("this replica is not among the others yet", zap.Error(err))
	}
	g.appeared()
}

// leave takes this replica back from the others' list.
func (g *Gateway) leave() error {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTime)
	defer cancel()
	if err := g.member.Withdraw(ctx); err != nil && !errors.Is(err, store.ErrUnavailable) {
		return err
	}
	return nil
}

// compare keeps the clock compared and this replica announced.
func (g *Gateway) compare(ctx context.Context) error {
	if g.member == nil {
		<-ctx.Done()
		return nil
	}
	return g.member.Run(ctx)
}

// hold says why nothing may be fired or sent now.
func (g *Gateway) hold() string {
	if g.clock == nil {
		return ""
	}
	return g.clock.Hold()
}

// preflightEvery is how often the newest inspection is looked at. The store itself inspects every minute, and each time the
// server was gone.
const preflightEvery = time.Second

// preflight tells the operators of settings that became weaker while pagerd runs with a relaxed store. A strict one is not
// ready then, and its alarm rings.
func (g *Gateway) preflight(ctx context.Context) error {
	if g.redis == nil || !g.config.Load().Store.Redis.Relaxed {
		<-ctx.Done()
		return nil
	}
	t := time.NewTicker(preflightEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		for _, f := range g.appeared() {
			g.log.Error("the store's settings became weaker", zap.String("setting", f.Setting), zap.String("found", f.Found))
			if g.member.First() {
				g.alarm.Tell("finding "+f.Setting, "DEGRADED: Redis: "+f.String())
			}
		}
	}
}

// appeared returns the findings that are new since the newest look. Those with which the server was first reached are no
// news: whoever chose a relaxed store sees them on the status page.
func (g *Gateway) appeared() []store.Finding {
	if g.redis.Ready(context.Background()) != nil {
		return nil
	}
	known := g.found
	g.found = map[string]bool{}
	var out []store.Finding
	for _, f := range g.redis.Findings() {
		g.found[f.Setting] = true
		if known != nil && !known[f.Setting] {
			out = append(out, f)
		}
	}
	return out
}

// shared is what the operators' door shows of a store that replicas share.
func (g *Gateway) shared() *api.Shared {
	if g.redis == nil {
		return nil
	}
	return &api.Shared{Name: g.name, Replicas: g.member.State, Hold: g.hold, Findings: g.redis.Findings,
		Relaxed: g.config.Load().Store.Redis.Relaxed, Newest: redisstore.Schema, Schema: g.redis.StoredSchema,
		Upgrade: func(ctx context.Context) error { return g.redis.Upgrade(ctx, redisstore.Schema) }}
}
