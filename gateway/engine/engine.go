// Package engine joins the pure machines to the store and the providers: load, decide, commit, then send.
//
// It promises that nothing is sent and no source is answered before the commit that says so is durable; that one
// process keeps one commit in flight per group and folds what queued meanwhile; and that whatever it does can be done
// again by another process after a crash, because all it knows is in the store.
package engine

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"pagerd/config"
	"pagerd/gateway/metric"
	"pagerd/gateway/store"
	"pagerd/notify"
)

// Timing of the outbox. A lease outlives an attempt's deadline by its renewals; an attempt whose last renewal is older
// than half a lease does not write, so that a paused process that wakes cannot ring for what another has taken over.
const (
	leaseTime     = 3 * time.Second
	renewEvery    = time.Second
	aliveFor      = leaseTime / 2
	attemptTime   = 5 * time.Second
	maxAttempts   = 8               // bounded duplicates: attempts that may have rung, for one delivery
	failoverAfter = 3               // transient failures after which the ladder moves on while the retries go on
	maxFold       = 400             // alerts in one commit
	maxFoldBytes  = 512 << 10       // and about their bytes: what a shared store works through in less than 10 ms, in which it serves nobody else
	maxBundle     = 20              // pages in one message
	maxIdle       = time.Second     // the loop looks at the clock at least this often
	replyGrace    = 5 * time.Second // a bare reply does not mean a message accepted less than this before it
)

// Sender sends one notification and says what became of it. The context carries the attempt's deadline.
type Sender interface {
	Send(ctx context.Context, n notify.Notification) notify.Outcome
}

// Reconciler is a Sender that can find out whether an attempt that may have been sent was accepted.
type Reconciler interface {
	Reconcile(ctx context.Context, n notify.Notification, since time.Time) (providerID string, found bool, err error)
}

// Options are what an Engine needs. Config is asked on every use, so that a reload takes effect at once and touches no page.
type Options struct {
	Store   store.Store
	Config  func() *config.Config
	Senders map[notify.Channel]Sender
	// Links makes the one-button page's address for a delivery; nil = no links.
	Links   func(l Link) string
	Letters Letters
	Metrics *metric.Set
	Log     *zap.Logger
	Events  *zap.Logger            // structured events of incidents, a line each; nil = none are written
	Workers map[notify.Channel]int // attempts at a time per channel; missing = 16
	// Patience is how long the outcome of an attempt is tried to be stored while the store is unavailable: what was sent and
	// not settled is sent again. 0 = once.
	Patience time.Duration
	// Hold, when it returns a reason, keeps Run from firing what is due and from sending: the clock cannot be trusted.
	// Alerts and acknowledgements are still taken. Nil = never.
	Hold func() string
	// Serial decides one due page, and one group of a body, after the other, so that a simulation plays the same way twice.
	Serial bool
}

// Engine does the work. Its methods are safe for concurrent use; now is always given by the caller, in UTC.
type Engine struct {
	store   store.Store
	config  func() *config.Config
	senders map[notify.Channel]Sender
	links   func(Link) string
	letters Letters
	metrics *metric.Set
	log     *zap.Logger
	events  *zap.Logger
	limits  map[notify.Channel]int

	patience time.Duration
	hold     func() string
	serial   bool

	last   atomic.Int64 // newest instant ever used, Unix nanoseconds: time never runs backwards
	groups groupQueues
	work   sync.WaitGroup // group workers and attempts under way
	// attempts ends when those on the wire must end, because the process does.
	attempts    context.Context
	endAttempts context.CancelFunc
	swept       atomic.Int64 // Unix nanoseconds of the newest Sweep; 0 = one is due
	moved       atomic.Int64 // changes of a page's status that this process committed
	counted     atomic.Bool  // the open pages were counted since the process began

	health  health
	trouble trouble
	alarmed alarms
	replies replyLimit
	invited invitations
	nudge   chan struct{} // an attempt ended: the loop may claim again
}

// New makes an engine whose clock starts at the store's high-water mark. A store that cannot be reached now is no error:
// the engine answers that it is unavailable until it can be.
func New(ctx context.Context, o Options) (*Engine, error) {
	mark, err := o.Store.HighWater(ctx)
	if err != nil && !errors.Is(err, store.ErrUnavailable) {
		return nil, err
	}
	e := &Engine{
		store: o.Store, config: o.Config, senders: o.Senders, links: o.Links, letters: o.Letters, metrics: o.Metrics, log: o.Log, events: o.Events,
		limits: o.Workers, nudge: make(chan struct{}, 1), patience: o.Patience, hold: o.Hold, serial: o.Serial,
	}
	e.attempts, e.endAttempts = context.WithCancel(context.Background())
	if e.hold == nil {
		e.hold = func() string { return "" }
	}
	if e.metrics == nil {
		e.metrics = metric.New()
	}
	if e.log == nil {
		e.log = zap.NewNop()
	}
	if !mark.IsZero() {
		e.last.Store(mark.UnixNano())
	}
	e.groups.init()
	e.health.init()
	e.alarmed.init()
	e.replies.init()
	return e, nil
}

// instant returns now, or the newest instant used before if the clock ran backwards.
func (e *Engine) instant(now time.Time) time.Time {
	for {
		last := e.last.Load()
		if n := now.UnixNano(); n > last {
			if e.last.CompareAndSwap(last, n) {
				return now.UTC()
			}
			continue
		}
		return time.Unix(0, last).UTC()
	}
}

// Refusal is an error that the person or program who asked can mend; Hint says how.
type Refusal struct {
	Message string
	Hint    string
}

// Error returns the message.
func (r *Refusal) Error() string { return r.Message }

// Transient reports whether an error may go away by itself: a source is then answered 503.
func Transient(err error) bool {
	var refusal *Refusal
	return err != nil && !errors.As(err, &refusal) && !errors.Is(err, store.ErrNotFound)
}

// Link is what a responder's one-button page acts for.
type Link struct {
	Delivery string
	Person   string
	Pages    []int64
	Rounds   []int
	Expires  time.Time
}
