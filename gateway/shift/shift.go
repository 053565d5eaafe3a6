// Package shift reminds people of their shifts: before somebody goes on call, and when they went off.
//
// It promises that nobody is reminded twice of the same shift, whatever is overridden, moved or restarted meanwhile; that
// nobody is woken for it where it can wait; and that nobody is told where nothing changes.
package shift

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"pagerd/schedule"
)

// Format is the version of the stored form.
const Format = 1

// What somebody is told of a shift.
type What string

// The two reminders.
const (
	GoesOn  What = "on"  // before it begins
	GoesOff What = "off" // when it ended
)

// Reminder is one of them.
type Reminder struct {
	What What
	schedule.Stint
}

// Told is what a person was told, by the turn that it was about.
type Told struct {
	What     What      `json:"what"`
	Rotation string    `json:"schedule"`
	Person   string    `json:"person"`
	Turn     time.Time `json:"turn"`  // begins
	Until    time.Time `json:"until"` // it ends
}

// Log is what was told of the shifts of all rotations. All instants are UTC.
type Log struct {
	Format int       `json:"format"`
	Due    time.Time `json:"due"`            // when shifts are looked at next
	Told   []Told    `json:"told,omitempty"` // of turns that are not long over
}

// lookEvery is how often shifts are looked at where nothing is to be told: what comes later than the horizon is seen then.
const lookEvery = 24 * time.Hour

// offLate is how late somebody is still told what they leave behind; after a day the others know.
const offLate = 24 * time.Hour

// ahead is how far shifts are looked at beyond the lead: until the next look, and a day by which a reminder is moved back.
const ahead = lookEvery + 24*time.Hour

// Look says who is to be reminded at now, and when to look again. Somebody is reminded of each turn once, whatever is
// overridden later: also of one that was given to them at short notice, or that began while nobody looked. Late reminders
// wait for the morning where they can. The first look tells nothing that should have been told before it. changed says that
// the value is another one; looking earlier than necessary does no harm and is none.
func (g Log) Look(b *schedule.Book, now time.Time) (next Log, remind []Reminder, changed bool) {
	look := look{book: b, now: now, due: now.Add(lookEvery), first: g.Format == 0, before: g.Told}
	for _, name := range slices.Sorted(maps.Keys(b.Rotations)) {
		if r := b.Rotations[name]; r.Remind > 0 {
			look.rotation(r)
		}
	}
	if !look.first && len(look.remind) == 0 && g.Due.After(now) && !g.Due.After(look.due) {
		return g, nil, false
	}
	g.Format, g.Due, g.Told = Format, look.due, look.told
	return g, look.remind, true
}

// look is one look at all rotations.
type look struct {
	book   *schedule.Book
	now    time.Time
	first  bool
	before []Told // until now

	due    time.Time // the next look
	told   []Told    // what is kept of before, and what is told now
	remind []Reminder
}

func (l *look) rotation(r schedule.Rotation) {
	// A whole turn before whatever can still be told: where the first stint begins is not known, and not needed.
	from := r.TurnAt(r.TurnAt(l.now.Add(-offLate)).Start.Add(-1)).Start
	for _, t := range l.before {
		if t.Rotation == r.Name && t.Until.After(from) {
			l.told = append(l.told, t)
		}
	}
	on, off := schedule.Changes(l.book.Stints(r.Name, from, l.now.Add(r.Remind+ahead+r.Cycle(l.now))))
	for _, s := range on {
		if s.End.After(l.now) {
			zone := l.zoneOf(r, s.Person)
			at := schedule.RemindAt(s.Start, r.Remind, zone)
			l.tell(Reminder{GoesOn, s}, s.First, at, l.morning(at, s.Start, zone))
		}
	}
	for _, s := range off {
		if l.now.Sub(s.End) <= offLate {
			zone := l.zoneOf(r, s.Person)
			at := schedule.Awake(s.End, zone)
			l.tell(Reminder{GoesOff, s}, s.Last, at, l.morning(at, at, zone))
		}
	}
}

// morning is when something is told that should be told at an instant: then; when that is over, now, or in the morning if it
// is night and the shift, which begins at start, does not begin before.
func (l *look) morning(at, start time.Time, zone *time.Location) time.Time {
	if at.After(l.now) {
		return at
	}
	morning := schedule.Awake(l.now, zone)
	if start.After(l.now) && start.Before(morning) {
		return l.now
	}
	return morning
}

// tell reminds of a turn once: at the instant when, although it should have been told at at.
func (l *look) tell(r Reminder, turn schedule.Turn, at, when time.Time) {
	if slices.ContainsFunc(l.told, func(t Told) bool { return t.of(r, turn) }) {
		return
	}
	missed := l.first && !at.After(l.now)
	if when.After(l.now) && !missed {
		if when.Before(l.due) {
			l.due = when
		}
		return
	}
	l.told = append(l.told, Told{What: r.What, Rotation: r.Rotation, Person: r.Person, Turn: turn.Start, Until: turn.End})
	if !missed {
		l.remind = append(l.remind, r)
	}
}

// of reports whether this was told of a turn. A turn whose bounds were moved in the configuration is the same to its person.
func (t Told) of(r Reminder, turn schedule.Turn) bool {
	return t.What == r.What && t.Rotation == r.Rotation && t.Person == r.Person && t.Turn.Before(turn.End) && turn.Start.Before(t.Until)
}

// zoneOf is where a person's clock hangs: the rotation's zone for somebody who has none.
func (l *look) zoneOf(r schedule.Rotation, person string) *time.Location {
	return cmp.Or(l.book.People[person].Zone, r.Zone, time.UTC)
}
