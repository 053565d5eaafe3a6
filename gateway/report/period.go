package report

import (
	"fmt"
	"slices"
	"time"

	"pagerd/schedule"
)

// Kind is which review or digest is asked for.
type Kind string

// The kinds. A week is Monday to Sunday.
const (
	Quarterly Kind = "quarterly"
	Monthly   Kind = "monthly"
	Weekly    Kind = "weekly"
	Daily     Kind = "daily"
)

// Kinds returns the kinds, the shortest period first.
func Kinds() []Kind { return []Kind{Daily, Weekly, Monthly, Quarterly} }

// ParseKind reads one of the words.
func ParseKind(word string) (Kind, error) {
	if k := Kind(word); slices.Contains(Kinds(), k) {
		return k, nil
	}
	return "", fmt.Errorf("report %q: want one of quarterly, monthly, weekly, daily", word)
}

// Period is a calendar quarter, month, week or day. From and To are instants in UTC; To belongs to the next period.
type Period struct {
	Kind Kind      `json:"kind"`
	Name string    `json:"name"` // "March 2026", "Week of 2 March 2026", "Wednesday 4 March 2026"
	Day  string    `json:"day"`  // first day: "2026-03-01"
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// PeriodOf returns the period that holds a day of the zone.
func PeriodOf(kind Kind, day schedule.Date, zone *time.Location) Period {
	first, next := day, day.Add(1)
	name := "Monday 2 January 2006"
	switch kind {
	case Quarterly:
		first.Month, first.Day = (day.Month-1)/3*3+1, 1
		next = first.Add(92) // a quarter has 90 to 92 days: this is in the first days of the next
		next.Day = 1
		name = "January to "
	case Monthly:
		first.Day = 1
		next = first.Add(31)
		next.Day = 1
		name = "January 2006"
	case Weekly:
		first = day.Add(-(int(day.Weekday()) + 6) % 7)
		next = first.Add(7)
		name = "2 January 2006"
	}
	// The title is that of the date, whatever midnight is in the zone.
	title := schedule.Instant(first, schedule.Clock{}, time.UTC).Format(name)
	switch kind {
	case Weekly:
		title = "Week of " + title
	case Quarterly:
		title += schedule.Instant(next.Add(-1), schedule.Clock{}, time.UTC).Format("January 2006")
	}
	return Period{Kind: kind, Name: title, Day: first.String(),
		From: schedule.Instant(first, schedule.Clock{}, zone).UTC(), To: schedule.Instant(next, schedule.Clock{}, zone).UTC()}
}

// Last returns the newest period that was over at now: what a review looks back at.
func Last(kind Kind, now time.Time, zone *time.Location) Period {
	y, m, d := now.In(zone).Date()
	this := PeriodOf(kind, schedule.Date{Year: y, Month: m, Day: d}, zone)
	return this.Before(zone)
}

// Before returns the period that ends where p begins.
func (p Period) Before(zone *time.Location) Period { return PeriodOf(p.Kind, p.first().Add(-1), zone) }

// After returns the period that begins where p ends.
func (p Period) After(zone *time.Location) Period {
	days := map[Kind]int{Quarterly: 92, Monthly: 31, Weekly: 7, Daily: 1}[p.Kind]
	return PeriodOf(p.Kind, p.first().Add(days), zone)
}

// Due is when a period of the kind is told next, and which: on the day after its end, at a time of the zone's clock. The
// instant is after now, in UTC.
func Due(kind Kind, now time.Time, at schedule.Clock, zone *time.Location) (time.Time, Period) {
	p := Last(kind, now, zone)
	for {
		y, m, d := p.To.In(zone).Date()
		if due := schedule.Instant(schedule.Date{Year: y, Month: m, Day: d}, at, zone).UTC(); due.After(now) {
			return due, p
		}
		p = p.After(zone)
	}
}

func (p Period) first() schedule.Date {
	d, err := schedule.ParseDate(p.Day)
	if err != nil { // Day is made by PeriodOf
		panic("report: period without a day: " + p.Day)
	}
	return d
}

// Holds reports whether an instant belongs to the period.
func (p Period) Holds(t time.Time) bool { return !t.Before(p.From) && t.Before(p.To) }
