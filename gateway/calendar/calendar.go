// Package calendar says what is told at a time of day, and when it is next due: the digests, and the reminders of shifts.
//
// It promises that what came due while nobody looked is told once, however often it came due meanwhile; that a rule that
// changed holds from then on; that nobody is reminded twice of the same shift; and that wall-clock times are those of
// [schedule.Instant], so that a clock change neither skips nor repeats anything.
package calendar

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pagerd/schedule"
)

// Format is the version of the stored forms of this package.
const Format = 1

// The numbers of the records that keep what is told at a time of day. The list is closed; a number is never given to another
// thing, and all are below the first number of a page.
const (
	Daily     int64 = 1 // the digests
	Weekly    int64 = 2
	Monthly   int64 = 3
	Quarterly int64 = 4
	Shifts    int64 = 5 // the reminders of all rotations
)

// Every is how often something is told.
type Every string

// The cadences. A week begins on Monday.
const (
	Day     Every = "day"
	Week    Every = "week"
	Month   Every = "month"
	Quarter Every = "quarter"
)

// Rule is when something is told: on the first day of each period that is one of Days, at a time of the zone's clock.
type Rule struct {
	Every Every          // empty = never
	Days  []time.Weekday // empty = any day
	At    schedule.Clock
	Zone  *time.Location
}

// String names the rule: "each month, the first Mon, 09:00 Europe/Madrid".
func (r Rule) String() string {
	if r.Every == "" {
		return "never"
	}
	days := []string{}
	for _, d := range r.Days {
		days = append(days, d.String()[:3])
	}
	on := "the first day"
	if len(days) > 0 {
		on = "the first " + strings.Join(days, " or ")
	}
	return fmt.Sprintf("each %s, %s, %s %s", r.Every, on, r.At, r.Zone)
}

// Next is the first instant after t at which it is told, in UTC; zero = never.
func (r Rule) Next(t time.Time) time.Time {
	if r.Every == "" {
		return time.Time{}
	}
	for day := schedule.DateOf(t, r.Zone).Add(-1); ; day = day.Add(1) { // ends: every period has such a day
		if at := schedule.Instant(day, r.At, r.Zone).UTC(); at.After(t) && r.falls(day) {
			return at
		}
	}
}

// falls reports whether a day is the first of its period that is one of Days.
func (r Rule) falls(day schedule.Date) bool {
	for d := r.begin(day); d.Before(day); d = d.Add(1) {
		if r.allows(d) {
			return false
		}
	}
	return r.allows(day)
}

func (r Rule) allows(d schedule.Date) bool {
	return len(r.Days) == 0 || slices.Contains(r.Days, d.Weekday())
}

// begin is the first day of the period that holds a day.
func (r Rule) begin(d schedule.Date) schedule.Date {
	switch r.Every {
	case Week:
		return d.Add(-((int(d.Weekday()) + 6) % 7))
	case Month:
		return schedule.Date{Year: d.Year, Month: d.Month, Day: 1}
	case Quarter:
		return schedule.Date{Year: d.Year, Month: d.Month - (d.Month-1)%3, Day: 1}
	}
	return d
}

// Digest is a report that is told by a rule. All instants are UTC.
type Digest struct {
	Format int       `json:"format"`
	Rule   string    `json:"rule"`              // by which it is due
	Due    time.Time `json:"due,omitzero"`      // zero = never
	Told   time.Time `json:"told,omitzero"`     // the newest time
	Letter int64     `json:"mailing,omitempty"` // under which number it was mailed then; set by the engine
}

// Plan gives a digest the rule that is configured. One that keeps its rule keeps its due instant, so that what came due
// while nobody looked is still told. changed says that it is another value.
func (d Digest) Plan(r Rule, now time.Time) (next Digest, changed bool) {
	if d.Format > 0 && d.Rule == r.String() {
		return d, false
	}
	d.Format, d.Rule, d.Due = Format, r.String(), r.Next(now)
	return d, true
}

// Fire is the digest after it was told at now; told is false when it is not due, or no longer by this rule. However often it
// came due, it is told once and then when it is regularly due.
func (d Digest) Fire(r Rule, now time.Time) (next Digest, told bool) {
	if d.Due.IsZero() || d.Due.After(now) || d.Rule != r.String() {
		return d, false
	}
	d.Due, d.Told = r.Next(now), now
	return d, true
}
