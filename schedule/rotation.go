package schedule

import (
	"slices"
	"time"
)

// turn is the n-th turn of the rotation's order, n from 0 at Start; earlier instants have negative turns.
func (r Rotation) turn(t time.Time) int {
	every := max(r.Every, 1)
	if r.Unit == Hourly {
		elapsed := t.Sub(r.start())
		length := time.Duration(every) * time.Hour
		return floorDiv(int64(elapsed), int64(length))
	}
	span := r.span()
	// The hand-off of day d lies at the wall clock's time on d, so the guess by calendar days is off by one at most.
	n := floorDiv(int64(dateOf(t, r.Zone).days()-r.Start.days()), int64(span))
	for t.Before(r.turnStart(n)) {
		n--
	}
	for !t.Before(r.turnStart(n + 1)) {
		n++
	}
	return n
}

// span is the length of a turn in calendar days.
func (r Rotation) span() int {
	every := max(r.Every, 1)
	if r.Unit == Daily {
		return every
	}
	return 7 * every
}

func (r Rotation) start() time.Time { return Instant(r.Start, r.Handoff, r.Zone) }

// turnStart is when the n-th turn begins. Hourly turns are elapsed time; the others begin at the hand-off's wall clock.
func (r Rotation) turnStart(n int) time.Time {
	if r.Unit == Hourly {
		return r.start().Add(time.Duration(n) * time.Duration(max(r.Every, 1)) * time.Hour)
	}
	return Instant(r.Start.Add(n*r.span()), r.Handoff, r.Zone)
}

func floorDiv(a, b int64) int {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return int(q)
}

// person is whose turn the n-th is, shifted by k places in the order.
func (r Rotation) person(n, k int) string {
	if len(r.People) == 0 {
		return ""
	}
	i := (n + k) % len(r.People)
	if i < 0 {
		i += len(r.People)
	}
	return r.People[i]
}

// open reports whether the rotation is on call at t at all: restrictions leave the rest of the week a gap.
func (r Rotation) open(t time.Time) bool {
	if len(r.Restrict) == 0 {
		return true
	}
	for _, w := range r.Restrict {
		if w.contains(t, r.Zone) {
			return true
		}
	}
	return false
}

// contains reports whether t lies in the weekly window.
func (w Window) contains(t time.Time, zone *time.Location) bool {
	today := dateOf(t, zone)
	for _, d := range []Date{today.Add(-1), today} {
		if len(w.Days) > 0 && !slices.Contains(w.Days, d.Weekday()) {
			continue
		}
		from, to := w.on(d, zone)
		if !t.Before(from) && t.Before(to) {
			return true
		}
	}
	return false
}

// on is the window that starts on a day.
func (w Window) on(d Date, zone *time.Location) (from, to time.Time) {
	end := d
	if w.To.minutes() <= w.From.minutes() {
		end = d.Add(1)
	}
	return Instant(d, w.From, zone), Instant(end, w.To, zone)
}

// edge is the first instant after t at which open may change; zero when the rotation has no restrictions.
func (r Rotation) edge(t time.Time) time.Time {
	var first time.Time
	for _, w := range r.Restrict {
		for k := -1; k <= 8; k++ {
			d := dateOf(t, r.Zone).Add(k)
			if len(w.Days) > 0 && !slices.Contains(w.Days, d.Weekday()) {
				continue
			}
			from, to := w.on(d, r.Zone)
			for _, e := range []time.Time{from, to} {
				if e.After(t) && (first.IsZero() || e.Before(first)) {
					first = e
				}
			}
		}
	}
	return first
}

// defaultHours are Monday to Friday, 09:00 to 17:00.
func (h Hours) orDefault() Hours {
	if len(h.Days) == 0 {
		h.Days = []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
	}
	if h.From == h.To {
		h.From, h.To = Clock{9, 0}, Clock{17, 0}
	}
	return h
}

// opens is the first instant not before t that lies in the working hours.
func (h Hours) opens(t time.Time, zone *time.Location) time.Time {
	h = h.orDefault()
	w := Window(h)
	if w.contains(t, zone) {
		return t
	}
	for k := 0; k <= 8; k++ {
		d := dateOf(t, zone).Add(k)
		if !slices.Contains(h.Days, d.Weekday()) {
			continue
		}
		if from, _ := w.on(d, zone); !from.Before(t) {
			return from
		}
	}
	return t
}
