package schedule

import (
	"fmt"
	"time"
)

// Instant is the one function that turns a wall-clock time into an instant. A time that a clock change skips is the first
// instant after the gap; one that occurs twice is the first of the two. time.Date promises neither.
func Instant(d Date, c Clock, zone *time.Location) time.Time {
	wall := time.Date(d.Year, d.Month, d.Day, c.Hour, c.Minute, 0, 0, time.UTC)
	// The offsets in force a day before and a day after bracket every change that could matter: zones change at most once
	// in two days. The earlier offset gives the first of two readings.
	before := offset(wall.Add(-36*time.Hour), zone)
	after := offset(wall.Add(36*time.Hour), zone)
	for _, o := range []time.Duration{before, after} {
		if t := wall.Add(-o); offset(t, zone) == o {
			return t
		}
	}
	return transition(wall.Add(-36*time.Hour), wall.Add(36*time.Hour), zone)
}

// offset is what the zone's clocks show minus UTC.
func offset(t time.Time, zone *time.Location) time.Duration {
	_, seconds := t.In(zone).Zone()
	return time.Duration(seconds) * time.Second
}

// transition finds the instant of the offset change between two instants of differing offsets, to the second.
func transition(lo, hi time.Time, zone *time.Location) time.Time {
	from := offset(lo, zone)
	for hi.Sub(lo) > time.Second {
		mid := lo.Add((hi.Sub(lo) / 2).Truncate(time.Second))
		if offset(mid, zone) == from {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi.Truncate(time.Second)
}

// dateOf is the calendar day that the zone's clocks show at t.
func dateOf(t time.Time, zone *time.Location) Date {
	y, m, d := t.In(zone).Date()
	return Date{y, m, d}
}

// days counts the days since 1970-01-01 of a calendar day.
func (d Date) days() int {
	return int(time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// Add returns the calendar day n days later.
func (d Date) Add(n int) Date {
	y, m, day := time.Unix(int64(d.days()+n)*86400, 0).UTC().Date()
	return Date{y, m, day}
}

// Weekday is the day of the week.
func (d Date) Weekday() time.Weekday { return time.Unix(int64(d.days())*86400, 0).UTC().Weekday() }

// Before reports whether d comes before other.
func (d Date) Before(other Date) bool { return d.days() < other.days() }

// String is "2026-01-05".
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day) }

// ParseDate reads "2026-01-05" and refuses days that do not exist.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("date %q: want a day such as 2026-01-05", s)
	}
	y, m, d := t.Date()
	return Date{y, m, d}, nil
}

// String is "09:00".
func (c Clock) String() string { return fmt.Sprintf("%02d:%02d", c.Hour, c.Minute) }

// ParseClock reads "09:00" to "24:00".
func ParseClock(s string) (Clock, error) {
	var c Clock
	if s == "24:00" {
		return Clock{24, 0}, nil
	}
	t, err := time.Parse("15:04", s)
	if err != nil {
		return c, fmt.Errorf("time of day %q: want one such as 09:00", s)
	}
	return Clock{t.Hour(), t.Minute()}, nil
}

func (c Clock) minutes() int { return c.Hour*60 + c.Minute }
