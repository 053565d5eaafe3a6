package api

import (
	"maps"
	"slices"
	"time"

	"pagerd/schedule"
)

// OnCallList says who is on call at an instant, per rotation, by name.
type OnCallList struct {
	At        time.Time `json:"at"`
	Rotations []OnCall  `json:"rotations"`
}

// OnCall is one rotation at one instant. An empty name is a gap: nobody.
type OnCall struct {
	Rotation  string    `json:"rotation"`
	Primary   string    `json:"primary"`
	Secondary string    `json:"secondary"`
	Manager   string    `json:"manager"`
	Zone      string    `json:"zone"`              // of the rotation, for showing times
	Handoff   time.Time `json:"handoff,omitzero"`  // when the primary changes next, UTC; zero = not within 90 days
	NextUp    string    `json:"next_up,omitempty"` // who is primary then; empty with a Handoff = a gap begins
}

// OnCallAt asks a book who is on call at an instant.
func OnCallAt(book *schedule.Book, at time.Time) OnCallList {
	out := OnCallList{At: at.UTC(), Rotations: []OnCall{}}
	for _, name := range slices.Sorted(maps.Keys(book.Rotations)) {
		c := OnCall{
			Rotation: name, Primary: book.OnCall(name+"/primary", at), Secondary: book.OnCall(name+"/secondary", at),
			Manager: book.OnCall(name+"/manager", at), Zone: "UTC",
		}
		if z := book.Rotations[name].Zone; z != nil {
			c.Zone = z.String()
		}
		c.Handoff, c.NextUp = handoff(book, name, c.Primary, at)
		out.Rotations = append(out.Rotations, c)
	}
	return out
}

// handoff finds when the primary changes next. It looks only as far ahead as it must: an hourly rotation has thousands
// of shifts in a quarter.
func handoff(book *schedule.Book, name, primary string, at time.Time) (time.Time, string) {
	const day = 24 * time.Hour
	for _, ahead := range []time.Duration{2 * day, 15 * day, 90 * day} {
		for _, s := range book.Shifts(name, at, at.Add(ahead)) {
			if s.Start.After(at) && s.Person != primary {
				return s.Start.UTC(), s.Person
			}
		}
	}
	return time.Time{}, ""
}
