package engine

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"pagerd/gateway/store"
	"pagerd/notify"
)

// Limits after which the page pipeline counts as stuck, short enough that it is told within 5 s that nothing moves.
const (
	lateWork   = 3 * time.Second
	lateFlight = attemptTime - time.Second
)

// alarmQuiet is how long the same alarm of the same page is not repeated.
const alarmQuiet = 10 * time.Minute

// health is what the process knows of its own pipeline.
type health struct {
	firing atomic.Bool  // a tick is under way
	stuck  atomic.Bool  // the newest tick could not fire all that was due
	beaten atomic.Int64 // Unix nanoseconds of the loop's newest pass; 0 = the loop never ran

	mu       sync.Mutex
	channels map[notify.Channel]ChannelHealth
	flights  map[int64]time.Time
	flown    int64
}

// ChannelHealth is what the newest attempts on a channel came to.
type ChannelHealth struct {
	Channel  notify.Channel `json:"channel"`
	SentAt   time.Time      `json:"sent_at,omitzero"`
	FailedAt time.Time      `json:"failed_at,omitzero"`
	Failures int            `json:"failures"` // in a row
	Reason   notify.Reason  `json:"reason,omitempty"`
	Detail   string         `json:"detail,omitempty"`
	Alarm    bool           `json:"alarm,omitempty"` // the operators must act
}

func (h *health) init() {
	h.channels = map[notify.Channel]ChannelHealth{}
	h.flights = map[int64]time.Time{}
}

func (h *health) beat(now time.Time) { h.beaten.Store(now.UnixNano()) }

// flight notes that an attempt began; the returned func that it ended.
func (h *health) flight(now time.Time) func() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.flown++
	id := h.flown
	h.flights[id] = now
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.flights, id)
	}
}

func (h *health) outcome(c notify.Channel, out notify.Outcome, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.channels[c]
	s.Channel = c
	switch {
	case out.Certainty == notify.Sent:
		s.SentAt, s.Failures, s.Reason, s.Detail, s.Alarm = now, 0, "", "", false
	case out.Permanent && !out.Alarm:
		return // that contact is bad, not the channel
	default:
		s.FailedAt, s.Reason, s.Detail, s.Alarm = now, out.Reason, out.Detail, out.Alarm
		s.Failures++
	}
	h.channels[c] = s
}

// Channels returns the health of every channel that was tried and reaches whoever is paged, in a fixed order.
func (e *Engine) Channels() []ChannelHealth {
	e.health.mu.Lock()
	defer e.health.mu.Unlock()
	var out []ChannelHealth
	for _, c := range notify.Paging() {
		if s, ok := e.health.channels[c]; ok {
			out = append(out, s)
		}
	}
	return out
}

// Probed records what a provider's probe came to, like an attempt.
func (e *Engine) Probed(c notify.Channel, out notify.Outcome, now time.Time) {
	e.health.outcome(c, out, now)
}

// Ready reports whether an alert can be accepted durably; the error says why not.
func (e *Engine) Ready(ctx context.Context) error { return e.store.Ready(ctx) }

// CannotPage returns every reason for which somebody could not be paged now; none = ready.
func (e *Engine) CannotPage(ctx context.Context, now time.Time) []string {
	var why []string
	if err := e.store.Ready(ctx); err != nil {
		why = append(why, "store: "+err.Error())
	}
	if !slices.ContainsFunc(notify.Paging(), func(c notify.Channel) bool { return e.senders[c] != nil }) {
		why = append(why, "notify: no provider is configured")
	}
	if hold := e.hold(); hold != "" {
		why = append(why, hold)
	}
	why = append(why, e.gaps(now)...)
	why = append(why, e.deadChannels()...)
	why = append(why, e.stuck(ctx, now)...)
	return why
}

// gaps names the rotations whose primary is nobody, or nobody who can be rung.
func (e *Engine) gaps(now time.Time) []string {
	book := e.config().Book
	var names []string
	for name := range book.Rotations {
		names = append(names, name)
	}
	slices.Sort(names)
	var why []string
	for _, name := range names {
		if book.OnCall(name+"/primary", now) == "" {
			why = append(why, "schedule "+name+": nobody is on call now")
		}
	}
	return why
}

// deadChannels names the channels on which nothing goes out: refused credentials at once, other failures after three in a row.
func (e *Engine) deadChannels() []string {
	var why []string
	for _, c := range e.Channels() {
		if c.Alarm || c.Failures >= failoverAfter {
			why = append(why, fmt.Sprintf("%s: %s (%d attempts failed)", c.Channel, c.Reason, c.Failures))
		}
	}
	return why
}

// stuck names what should have moved and did not.
func (e *Engine) stuck(ctx context.Context, now time.Time) []string {
	var why []string
	if beat := e.health.beaten.Load(); beat != 0 && now.Sub(time.Unix(0, beat)) > lateWork {
		why = append(why, "engine: its loop stands still")
	}
	if late := e.Late(ctx, now); late > lateWork {
		why = append(why, fmt.Sprintf("outbox: the oldest due work waits for %s", late.Round(time.Second)))
	}
	e.health.mu.Lock()
	defer e.health.mu.Unlock()
	for _, at := range e.health.flights {
		if now.Sub(at) > lateFlight {
			why = append(why, "sender: an attempt hangs past its deadline")
			break
		}
	}
	return why
}

// Late is how long the oldest due work of paging waits; zero when nothing is late.
func (e *Engine) Late(ctx context.Context, now time.Time) time.Duration {
	next, err := e.store.Next(ctx, store.ClaimOptions{Limit: 1, Window: e.config().Notify.BundleWindow, Channels: notify.Paging()})
	if err != nil || next.IsZero() || !now.After(next) {
		return 0
	}
	return now.Sub(next)
}

// alarms remembers which alarms were told, so that a gap in a storm does not ring the operators a thousand times.
type alarms struct {
	mu   sync.Mutex
	told map[string]time.Time
}

func (a *alarms) init() { a.told = map[string]time.Time{} }

// lately reports whether it was told less than alarmQuiet ago.
func (a *alarms) lately(key string, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	at, ok := a.told[key]
	return ok && now.Sub(at) < alarmQuiet
}

// note remembers that it is told, unless it was lately.
func (a *alarms) note(key string, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if at, ok := a.told[key]; ok && now.Sub(at) < alarmQuiet {
		return
	}
	for k, at := range a.told {
		if now.Sub(at) >= alarmQuiet {
			delete(a.told, k)
		}
	}
	a.told[key] = now
}
