package schedule

import (
	"slices"
	"time"
)

// Turn is one person's place in a rotation's order, [Start, End) in UTC, whoever stands in for them.
type Turn struct{ Start, End time.Time }

// Stint is the time for which one person has a rotation and nobody else does: turns and overrides that follow one another,
// with the gaps between them.
type Stint struct {
	Rotation   string
	Person     string
	Start, End time.Time // UTC
	First      Turn      // in which it begins
	Last       Turn      // in which it ends
}

// Stints returns those of a rotation that touch [from, to), in order. The first and the last are cut to the range.
func (b *Book) Stints(rotation string, from, to time.Time) []Stint {
	r, ok := b.Rotations[rotation]
	if !ok {
		return nil
	}
	var out []Stint
	for _, s := range b.Shifts(rotation, from, to) {
		if s.Person == "" {
			continue
		}
		turn := r.TurnAt(s.Start)
		if k := len(out); k > 0 && out[k-1].Person == s.Person {
			out[k-1].End, out[k-1].Last = s.End, turn
			continue
		}
		out = append(out, Stint{Rotation: rotation, Person: s.Person, Start: s.Start, End: s.End, First: turn, Last: turn})
	}
	return out
}

// TurnAt is the turn that holds t.
func (r Rotation) TurnAt(t time.Time) Turn {
	n := r.turn(t)
	return Turn{Start: r.turnStart(n).UTC(), End: r.turnStart(n + 1).UTC()}
}

// Cycle is how long the rotation's order lasts from the turn that holds t: after that everybody had theirs.
func (r Rotation) Cycle(t time.Time) time.Duration {
	n := r.turn(t)
	return r.turnStart(n + len(r.People)).Sub(r.turnStart(n))
}

// Changes returns the stints that somebody goes on call for, and those after which somebody goes off. The first one begins
// nobody's and the last one ends nobody's: they are cut. Who is relieved for some hours of their own turn goes on once, and
// off once.
func Changes(stints []Stint) (on, off []Stint) {
	for i, s := range stints {
		if i > 0 && !slices.ContainsFunc(stints[:i], func(o Stint) bool { return o.sameTurn(s) }) {
			on = append(on, s)
		}
		if i < len(stints)-1 && !slices.ContainsFunc(stints[i+1:], s.sameTurn) {
			off = append(off, s)
		}
	}
	return on, off
}

// sameTurn reports whether a later stint goes on with the turn in which this one ended.
func (s Stint) sameTurn(later Stint) bool {
	return later.Person == s.Person && later.First.Start.Equal(s.Last.Start)
}

// The hours in which a reminder is read calmly, and the night, in which nobody is woken for one; it is the night that the
// reports count.
func calmFrom() Clock  { return Clock{Hour: 9} }
func calmUntil() Clock { return Clock{Hour: 18} }
func nightFrom() Clock { return Clock{Hour: 22} }
func nightEnds() Clock { return Clock{Hour: 6} }

// RemindAt is when somebody is reminded of a shift that begins at start: lead before it, of which whole days are days of
// the zone's calendar. Outside of 09:00 to 18:00 by the zone's clock it is moved back to the 18:00 before, so that nobody has
// less time than was asked for.
func RemindAt(start time.Time, lead time.Duration, zone *time.Location) time.Time {
	const day = 24 * time.Hour
	local := start.In(zone)
	at := Instant(dateOf(start, zone).Add(-int(lead/day)), Clock{Hour: local.Hour(), Minute: local.Minute()}, zone).Add(-(lead % day))
	today := dateOf(at, zone)
	closes := Instant(today, calmUntil(), zone)
	switch {
	case at.Before(Instant(today, calmFrom(), zone)):
		return Instant(today.Add(-1), calmUntil(), zone).UTC()
	case at.After(closes):
		return closes.UTC()
	}
	return at.UTC()
}

// Awake is t, or 09:00 of that morning when t lies in the night, 22:00 to 06:00 by the zone's clock.
func Awake(t time.Time, zone *time.Location) time.Time {
	today := dateOf(t, zone)
	switch {
	case t.Before(Instant(today, nightEnds(), zone)):
		return Instant(today, calmFrom(), zone).UTC()
	case !t.Before(Instant(today, nightFrom(), zone)):
		return Instant(today.Add(1), calmFrom(), zone).UTC()
	}
	return t.UTC()
}
