// Package redisstore keeps everything in Redis, for several daemons that do the same work.
//
// It promises that a Commit which returned nil is stored whole, flushed to the server's disk and, where replicas are asked
// for, acknowledged by so many of them; that a commit which is repeated after its reply was lost stores nothing twice; and
// that a server which is gone, slow or not to be trusted is answered with store.ErrUnavailable at once, without a pile of
// waiting callers. What the server's settings can lose it says when it is opened, and again every time it is inspected.
//
// Every method is one script or a few reads (lua/*.lua, each with its KEYS, ARGV and result). All keys share one hash tag, so
// that Sentinel and Cluster work alike. now is always the caller's: the server's clock is asked by ServerTime only.
package redisstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"pagerd/gateway/store"
)

// Options say which Redis to use and what to ask of it. Only Addresses is required.
type Options struct {
	Addresses []string // host:port; with Master those of the sentinels, with Cluster some of its nodes
	Master    string   // the name by which sentinels know the master; empty = no sentinels
	Cluster   bool

	Username, Password                 string
	SentinelUsername, SentinelPassword string
	TLS                                *tls.Config // nil = plain
	DB                                 int
	Prefix                             string // of all keys, within the hash tag; empty = "pagerd"

	// Wait is how many replicas must have a change before it counts as stored. With sentinels, at least 1: a master alone may
	// lose what it acknowledged to a fail-over.
	Wait int
	// WaitTimeout is how long they may take; 0 = 500 ms, a hundred times a healthy local network's.
	WaitTimeout time.Duration
	// Relaxed accepts settings that can lose what was acknowledged. Inspect still tells of them.
	Relaxed bool

	// Lost hears that what was durable is gone: the server was emptied, or serves an old copy. Nil = nobody.
	Lost func(store.Loss)
	// Report hears of what went wrong without a caller to tell: a value that cannot be read. Nil = nobody.
	Report func(error)
}

// Store is a store.Store in Redis.
type Store struct {
	options Options
	client  redis.UniversalClient
	prefix  string // of all keys: "{pagerd}:"
	scripts scripts
	wake    chan struct{}
	hints   chan struct{} // something was committed that the other replicas should look at

	urgent, writes, reads *lane // pipelines of their own, so that an acknowledgement never waits behind a storm

	memory memory
	state  atomic.Pointer[state]

	stop   context.CancelFunc
	ended  sync.WaitGroup
	closed atomic.Bool
	close1 sync.Once
}

var _ store.Store = (*Store)(nil)

// Timing of the connection. A source is told within two seconds that nothing can be promised.
const (
	dialTimeout  = time.Second
	roundTrip    = 1500 * time.Millisecond // one pipeline, flush to the disk and replicas included
	waitTimeout  = 500 * time.Millisecond
	checkEvery   = 500 * time.Millisecond // how often a healthy server is asked whether it lives
	retryEvery   = 200 * time.Millisecond // how often one that is gone is
	inspectEvery = time.Minute            // how often its settings are looked at
)

// Open connects. A server that cannot be reached is no error: the store answers store.ErrUnavailable until it is there. One
// that is reached and whose settings can lose what was acknowledged is refused unless Relaxed says otherwise, and so is one
// whose stored format is newer than this program's.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Prefix == "" {
		o.Prefix = "pagerd"
	}
	if o.WaitTimeout == 0 {
		o.WaitTimeout = waitTimeout
	}
	if o.Lost == nil {
		o.Lost = func(store.Loss) {}
	}
	if o.Report == nil {
		o.Report = func(error) {}
	}
	s := &Store{options: o, client: connect(o), prefix: "{" + o.Prefix + "}:", wake: make(chan struct{}, 1), hints: make(chan struct{}, 1)}
	s.scripts.load()
	s.memory.init()
	s.state.Store(&state{err: errors.New("not reached yet")})
	run, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.urgent = newLane(s, "urgent", 1)
	s.writes = newLane(s, "writes", 2)
	s.reads = newLane(s, "reads", 2)

	err := s.check(ctx)
	var refused *Refused
	if errors.As(err, &refused) {
		return nil, errors.Join(err, s.Close())
	}
	if err != nil {
		s.note(err)
	}
	s.ended.Go(func() { s.watch(run) })
	s.ended.Go(func() { s.listen(run) })
	s.ended.Go(func() { s.speak(run) })
	return s, nil
}

// Refused is why a server that was reached is not used.
type Refused struct {
	Findings []store.Finding
	Reason   string // where it is no setting
}

// Error is one line that names everything that is wrong, and what can be done.
func (r *Refused) Error() string {
	text := r.Reason
	for i, f := range r.Findings {
		if i > 0 || text != "" {
			text += "; "
		}
		text += f.String()
	}
	if len(r.Findings) > 0 {
		text += " (mend the server's settings, or accept it with durability: relaxed)"
	}
	return "Redis is refused: " + text
}

// quiet is go-redis' logger: what it would print to standard error about its pool we say in the store's own words.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

// connect makes the client. It retries nothing by itself: a script whose reply was lost must be repeated with the same
// operation, which only we know. maxConns bounds what a dead server can hold up.
func connect(o Options) redis.UniversalClient {
	const maxConns = 32
	redis.SetLogger(quiet{})
	return redis.NewUniversalClient(&redis.UniversalOptions{
		Addrs: o.Addresses, MasterName: o.Master, IsClusterMode: o.Cluster, DB: o.DB, ClientName: "pagerd",
		Username: o.Username, Password: o.Password, SentinelUsername: o.SentinelUsername, SentinelPassword: o.SentinelPassword,
		TLSConfig: o.TLS, MaxRetries: -1, ContextTimeoutEnabled: true,
		DialTimeout: dialTimeout, DialerRetries: 1, ReadTimeout: roundTrip, WriteTimeout: roundTrip, PoolTimeout: roundTrip,
		PoolSize: maxConns, MinIdleConns: 4, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
}

// Wake implements store.Store. It also hears of what other replicas committed.
func (s *Store) Wake() <-chan struct{} { return s.wake }

func (s *Store) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Close lets go of the connections; every later call fails with store.ErrUnavailable.
func (s *Store) Close() error {
	first := false
	s.close1.Do(func() { first = true })
	if !first {
		return errors.New("close Redis store: it was closed before")
	}
	s.closed.Store(true)
	s.state.Store(&state{err: errors.New("store is closed")})
	s.stop()
	for _, l := range []*lane{s.urgent, s.writes, s.reads} {
		l.close()
	}
	err := s.client.Close()
	s.ended.Wait()
	if err != nil {
		return fmt.Errorf("close Redis store: %w", err)
	}
	return nil
}

// key makes a key of the store's.
func (s *Store) key(name string) string { return s.prefix + name }

func unavailable(err error) error {
	if errors.Is(err, store.ErrUnavailable) {
		return err // it says so already
	}
	return fmt.Errorf("redis: %w: %w", store.ErrUnavailable, err)
}
