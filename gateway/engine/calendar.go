package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"pagerd/gateway/mailing"
	"pagerd/gateway/report"
	"pagerd/gateway/store"
	"pagerd/gateway/timeline"
	"pagerd/notify"
	"pagerd/schedule"
)

// calendarFormat is the version of a stored calendar entry.
const calendarFormat = 1

// calendar is when a review or digest is mailed next; the record's due instant is that. It remembers what that was computed
// from, so that a changed configuration moves it and a restart does not.
type calendar struct {
	Format int         `json:"format"`
	Kind   report.Kind `json:"kind"`
	At     string      `json:"at"`   // "09:00"
	Zone   string      `json:"zone"` // IANA name
}

// calendarNumber is the fixed number of a kind's record, never given to another kind.
func calendarNumber(k report.Kind) int64 {
	return map[report.Kind]int64{report.Daily: 1, report.Weekly: 2, report.Monthly: 3, report.Quarterly: 4}[k]
}

// KeepCalendar makes the due instants of reviews, digests and reminders of shifts those of the configuration: at the start,
// and when it was replaced. Doing it again changes nothing; of several replicas one does it, and none whose clock cannot be
// trusted.
func (e *Engine) KeepCalendar(ctx context.Context, now time.Time) error {
	if e.hold() != "" {
		return nil
	}
	now = e.instant(now)
	for _, kind := range report.Kinds() {
		if err := e.keepDate(ctx, kind, now); err != nil && !errors.Is(err, store.ErrConflict) {
			return fmt.Errorf("the calendar of the %s report: %w", kind, err)
		}
	}
	if err := e.lookAtShifts(ctx, now); err != nil && !errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("the calendar of shifts: %w", err)
	}
	return nil
}

func (e *Engine) keepDate(ctx context.Context, kind report.Kind, now time.Time) error {
	var have calendar
	r, err := e.loadRecord(ctx, store.Calendar, calendarNumber(kind), &have)
	if err != nil {
		return err
	}
	want, due := e.date(kind, now)
	if due.IsZero() == r.Due.IsZero() && (due.IsZero() || have == want) {
		return nil
	}
	c := store.Change{Now: now}
	if err := e.putRecord(&c, r, want, !due.IsZero(), due, timeline.Entry{}); err != nil {
		return err
	}
	return e.commit(ctx, c)
}

// date is when a kind is told next by the configuration; never, which is zero, when nobody reads it.
func (e *Engine) date(kind report.Kind, now time.Time) (calendar, time.Time) {
	cfg, zone := e.config(), e.reportZone()
	entry := calendar{Format: calendarFormat, Kind: kind, At: cfg.Reports.At.String(), Zone: zone.String()}
	if len(cfg.Reports.Readers[kind]) == 0 {
		return entry, time.Time{}
	}
	due, _ := report.Due(kind, now, cfg.Reports.At, zone)
	return entry, due
}

// fireCalendar does what is due at a time of day.
func (e *Engine) fireCalendar(ctx context.Context, number int64, now time.Time) error {
	if number == shiftsNumber {
		return e.lookAtShifts(ctx, now)
	}
	return e.fireReport(ctx, number, now)
}

// fireReport begins the mailing of the newest period that should have been told by now, and moves on to the next. Who was
// down for a week tells of one day then, not of seven.
func (e *Engine) fireReport(ctx context.Context, number int64, now time.Time) error {
	var have calendar
	r, err := e.loadRecord(ctx, store.Calendar, number, &have)
	if err != nil || r.Due.IsZero() || r.Due.After(now) {
		return err
	}
	entry, due := e.date(have.Kind, now)
	c := store.Change{Now: now}
	if err := e.putRecord(&c, r, entry, !due.IsZero(), due, timeline.Entry{}); err != nil {
		return err
	}
	if !due.IsZero() {
		zone := e.reportZone()
		_, next := report.Due(have.Kind, now, e.config().Reports.At, zone)
		if err := e.putReport(ctx, &c, next.Before(zone)); err != nil {
			return err
		}
	}
	return e.commit(ctx, c)
}

// putReport adds the mailing of a period to a change, unless it was told before: the time of day may have been moved since.
func (e *Engine) putReport(ctx context.Context, c *store.Change, p report.Period) error {
	number := reportNumber(p)
	_, err := e.store.Record(ctx, store.Mailing, number)
	if errors.Is(err, store.ErrNotFound) {
		return e.putMailing(c, mailing.BeginReport(number, p, c.Now))
	}
	if err != nil && !errors.Is(err, store.ErrDamaged) {
		return fmt.Errorf("load mailing %d: %w", number, err)
	}
	return nil
}

// Review is the review or digest of the period of a kind that holds a day, as the facts are at now (UTC).
func (e *Engine) Review(ctx context.Context, kind report.Kind, day schedule.Date, now time.Time) (report.Review, *time.Location, error) {
	zone := e.reportZone()
	facts, err := e.Facts(ctx, now)
	if err != nil {
		return report.Review{}, zone, err
	}
	return report.New(report.PeriodOf(kind, day, zone), facts, now, zone), zone, nil
}

// reportLetter is the mail of a review or digest, as the facts are when it is sent.
func (e *Engine) reportLetter(ctx context.Context, n notify.Notification, m mailing.Mailing, now time.Time) (notify.Notification, error) {
	day, err := schedule.ParseDate(m.Day)
	if err != nil {
		return n, fmt.Errorf("%w: mailing %d: its day is %q", store.ErrDamaged, m.Number, m.Day)
	}
	review, zone, err := e.Review(ctx, m.Report, day, now)
	if err != nil {
		return n, err
	}
	var text, html bytes.Buffer
	if err := errors.Join(report.Markdown(&text, review, zone), report.HTML(&html, review, zone, report.Links{})); err != nil {
		return n, fmt.Errorf("render the %s report: %w", m.Report, err)
	}
	n.Title, n.Text, n.HTML = review.Title(), text.String(), html.String()
	n.Thread = "report." + string(m.Report)
	return n, nil
}
