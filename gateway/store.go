package gateway

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"go.uber.org/zap"

	"pagerd/config"
	"pagerd/gateway/alert"
	"pagerd/gateway/store"
	"pagerd/gateway/store/boltstore"
	"pagerd/gateway/store/redisstore"
)

// openStore opens the file, or the Redis, that the configuration names. A Redis that cannot be reached is no error: the
// store answers that it is unavailable, sources are told to come again, and the operators are rung.
func (g *Gateway) openStore(cfg *config.Config) error {
	report := func(err error) { g.log.Error("store", zap.Error(err)) }
	r := cfg.Store.Redis
	if r == nil {
		st, err := boltstore.Open(boltstore.Options{Path: cfg.Store.Path, Fatal: g.die, Report: report})
		if err != nil {
			return err
		}
		g.store, g.file = st, st
		return nil
	}
	o := redisstore.Options{Addresses: r.Addresses, Master: r.Master, Cluster: r.Cluster, Username: r.Username, Password: string(r.Password),
		SentinelUsername: r.SentinelUsername, SentinelPassword: string(r.SentinelPassword), DB: r.DB, Prefix: r.Prefix, Wait: r.Wait,
		Relaxed: r.Relaxed, Lost: g.lost, Report: report}
	if r.TLS != nil {
		secured, err := r.TLS.Load()
		if err != nil {
			return err
		}
		o.TLS = secured
	}
	st, err := redisstore.Open(context.Background(), o)
	if err != nil {
		return err
	}
	g.store, g.redis = st, st
	return nil
}

// die ends the process after a failed flush: what the kernel's cache holds is not to be trusted, and a restart reads the
// file anew. It does not return to whoever might answer a sender.
func (g *Gateway) die(err error) {
	g.log.Error("the store cannot be trusted any more: pagerd ends at once", zap.Error(err))
	_ = g.log.Sync()
	os.Exit(3)
}

// lost tells the operators that what was durable is gone.
func (g *Gateway) lost(l store.Loss) {
	g.alarm.Tell("loss", fmt.Sprintf("DEGRADED: %s: %s", g.name, l.What))
}

// settlePatience is how long the outcome of an attempt waits for a shared store to come back: a fail-over takes 3.5 to 4.2 s.
const settlePatience = 10 * time.Second

func (g *Gateway) patience() time.Duration {
	if g.redis == nil {
		return 0
	}
	return settlePatience
}

// errUncompared: a clock that nobody checked stamps nothing, because a due instant that is an hour late is a page that does
// not ring.
var errUncompared = errors.New("the clock was not compared with the store's yet")

// accept makes a batch durable or says at once that it cannot. A shared store whose settings can lose what they confirm
// takes no new alerts, while acknowledgements and what is due go on. A journal for what the store cannot take would be
// written here: the sender needs nothing but a nil.
func (g *Gateway) accept(ctx context.Context, b alert.Batch, now time.Time) error {
	if g.redis != nil {
		if err := g.redis.Ready(ctx); err != nil {
			return err
		}
		if !g.clock.Compared() {
			return errUncompared
		}
	}
	return g.engine.Accept(ctx, b, now)
}

// linkKey is the configured key, else one that is made once and kept beside the store.
func linkKey(cfg *config.Config) ([]byte, error) {
	if cfg.LinkKey != "" {
		return []byte(cfg.LinkKey), nil
	}
	path := cfg.Store.Path + ".linkkey"
	key, err := os.ReadFile(path)
	if err == nil && len(key) >= 32 {
		return key, nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read the key of mail links: %w", err)
	}
	key = make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	if err := os.WriteFile(path, key, 0o600); err != nil {
		return nil, fmt.Errorf("keep the key of mail links: %w", err)
	}
	return key, nil
}
