package scenario

import (
	"context"
	"fmt"
	"io"
	"time"

	"pagerd/config"
	"pagerd/gateway/engine"
	"pagerd/gateway/store"
	"pagerd/gateway/store/memstore"
	"pagerd/notify"
	"pagerd/schedule"
)

// world is a day under way.
type world struct {
	file   string
	cfg    *config.Config
	engine *engine.Engine
	store  *ledger
	out    io.Writer
	story  story
	zone   *time.Location
	now    time.Time // UTC

	signals map[string]*signal // by the alert's name
	order   []string           // of signals
	replied int                // texts that people wrote

	inbox  []*letter // accepted since the script last looked
	since  int       // line of the statement at which that began
	looked bool      // the newest statement only looked
	mails  []notify.Notification
	texts  []*letter // every SMS that was accepted
	calls  []*call
	sent   int // attempts, for the provider's ids
	links  map[string]engine.Link
	faults []fault
	stops  map[string]bool // numbers that texted STOP

	swept time.Time // silences were looked at

	answer   string // what pagerd said to the newest act of a person
	answered bool   // a person acted at all
}

// newWorld makes the day that the script begins with; without a start it is a Monday, 09:00 UTC.
func newWorld(ctx context.Context, o Options, script []statement) (*world, error) {
	w := &world{file: o.File, cfg: o.Config, out: o.Out, zone: time.UTC,
		signals: map[string]*signal{}, links: map[string]engine.Link{}, stops: map[string]bool{}}
	if w.out == nil {
		w.out = io.Discard
	}
	if o.Verbose {
		w.story.live = w.out
	}
	w.now = schedule.Instant(schedule.Date{Year: 2026, Month: time.January, Day: 5}, schedule.Clock{Hour: 9}, time.UTC)
	if len(script) > 0 {
		if s, ok := script[0].do.(startDay); ok {
			w.zone = s.zone
			w.now = schedule.Instant(s.when.date, s.when.clock.Clock, s.zone).Add(time.Duration(s.when.clock.second) * time.Second).UTC()
		}
	}
	w.store = &ledger{Store: memstore.New()}
	senders := map[notify.Channel]engine.Sender{}
	if w.cfg.Notify.Twilio != nil {
		senders[notify.SMS] = provider{w, notify.SMS}
		senders[notify.Voice] = provider{w, notify.Voice}
	}
	if w.cfg.Notify.SMTP != nil {
		senders[notify.Email] = provider{w, notify.Email}
		senders[notify.Bulk] = provider{w, notify.Email} // in a script a letter is a mail
	}
	var err error
	w.engine, err = engine.New(ctx, engine.Options{Store: w.store, Config: func() *config.Config { return w.cfg },
		Senders: senders, Links: w.link})
	if err != nil {
		return nil, err
	}
	return w, w.engine.KeepCalendar(ctx, w.now)
}

// link is the address of a mail's one-button page.
func (w *world) link(l engine.Link) string {
	address := w.cfg.PublicURL + "/r/" + l.Delivery
	w.links[address] = l
	return address
}

// tell adds a line to the story at the present instant.
func (w *world) tell(format string, args ...any) { w.story.tell(w.now.In(w.zone), format, args...) }

// flush tells what was committed.
func (w *world) flush() {
	for _, e := range w.store.take() {
		line := e.Object + " " + e.What
		if e.Reason != "" && e.Reason != e.What {
			line += " (" + e.Reason + ")"
		}
		if e.Text != "" {
			line += ": " + e.Text
		}
		w.tell("  %s", line)
	}
}

// maxPasses bounds the passes at one instant: a storm needs dozens, an endless loop must be named.
const maxPasses = 2000

// settle does everything that is due at the present instant.
func (w *world) settle(ctx context.Context) error {
	for range maxPasses {
		if err := w.repeats(ctx); err != nil {
			return err
		}
		if err := w.hangUps(ctx); err != nil {
			return err
		}
		if err := w.sweep(ctx); err != nil {
			return err
		}
		_, err := w.engine.Tick(ctx, w.now)
		w.flush()
		if err != nil {
			return fmt.Errorf("what was due at %s: %w", w.clock(), err)
		}
		_, err = w.engine.Deliver(ctx, w.now)
		w.flush()
		if err != nil {
			return fmt.Errorf("the messages of %s: %w", w.clock(), err)
		}
		next, err := w.next(ctx)
		if err != nil {
			return err
		}
		if next.IsZero() || next.After(w.now) {
			return nil
		}
	}
	return fmt.Errorf("pagerd does not come to rest at %s: something stays due", w.clock())
}

func (w *world) clock() string { return w.now.In(w.zone).Format("Mon 2006-01-02 15:04:05 MST") }

// next is the earliest instant at which something happens by itself; zero = never.
func (w *world) next(ctx context.Context) (time.Time, error) {
	next, err := w.store.Next(ctx, store.ClaimOptions{Limit: 1, Window: w.cfg.Notify.BundleWindow})
	if err != nil {
		return next, fmt.Errorf("ask what is due next: %w", err)
	}
	consider := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	for _, c := range w.calls {
		if !c.over {
			consider(c.ends)
		}
	}
	for _, s := range w.signals {
		consider(s.repeatAt)
	}
	consider(w.edge())
	return next, nil
}

// edge is when the next silence begins or ends after they were last looked at; zero = never.
func (w *world) edge() time.Time {
	var first time.Time
	for _, s := range w.cfg.Routing.Silences() {
		for _, t := range []time.Time{s.Start, s.End} {
			if t.After(w.swept) && (first.IsZero() || t.Before(first)) {
				first = t
			}
		}
	}
	return first
}

// sweep lets silences take effect when they begin or end.
func (w *world) sweep(ctx context.Context) error {
	t := w.edge()
	if t.IsZero() || t.After(w.now) {
		return nil
	}
	w.swept = w.now
	err := w.engine.Sweep(ctx, w.now)
	w.flush()
	if err != nil {
		return fmt.Errorf("let the silences take effect: %w", err)
	}
	return nil
}

// moveTo lets the time pass until t, and stops at every instant at which something is due.
func (w *world) moveTo(ctx context.Context, t time.Time) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.settle(ctx); err != nil {
			return err
		}
		next, err := w.next(ctx)
		if err != nil {
			return err
		}
		if next.IsZero() || next.After(t) {
			w.now = t
			return w.settle(ctx)
		}
		w.now = next
	}
}

// instant finds the moment that a script means: the first one not before now.
func (w *world) instant(m moment) time.Time {
	at := func(d schedule.Date) time.Time {
		return schedule.Instant(d, m.clock.Clock, w.zone).Add(time.Duration(m.clock.second) * time.Second).UTC()
	}
	if m.date != (schedule.Date{}) {
		return at(m.date)
	}
	y, month, day := w.now.In(w.zone).Date()
	d := schedule.Date{Year: y, Month: month, Day: day}
	for ; ; d = d.Add(1) {
		if t := at(d); !t.Before(w.now) && (!m.weekly || d.Weekday() == m.weekday) {
			return t
		}
	}
}
