// Package update is what the people outside of an incident's team are told of it, and when they hear next.
//
// It promises that [Next] is the only way to change the log of updates, pure like the incident's machine; that who was
// promised another update is not forgotten: the communications lead is reminded when it is due, and the commander too when
// it is late; and that an update holds what a person said for its audience and nothing else of the incident.
package update

import (
	"slices"
	"time"
)

// Format is the version of the stored form.
const Format = 1

// MaxText is the length of an update in runes: who waits for one reads three sentences.
const MaxText = 600

// maxKept is how many updates the value holds; all of them are in its timeline. 60 texts, each rune escaped in JSON, stay
// below store.MaxRecord.
const maxKept = 60

// State is how far it is, in the words that status pages use.
type State string

// The states.
const (
	Investigating State = "investigating"
	Identified    State = "identified"
	Monitoring    State = "monitoring"
	Resolved      State = "resolved"
)

// States returns the states in the order of a disturbance.
func States() []State { return []State{Investigating, Identified, Monitoring, Resolved} }

// Valid reports whether the state is of the closed list.
func (s State) Valid() bool {
	return slices.Contains(States(), s)
}

// Audience is who was told.
type Audience string

// The audiences.
const (
	Stakeholders Audience = "stakeholders" // inside: they may know who leads and what it is called
	Customers    Audience = "customers"    // everybody: only what a person wrote for them
)

// Valid reports whether the audience is of the closed list.
func (a Audience) Valid() bool { return a == Stakeholders || a == Customers }

// Update is one of them. All instants are UTC.
type Update struct {
	State State     `json:"state"`
	To    Audience  `json:"to"`
	Text  string    `json:"text"`
	By    string    `json:"by"`
	At    time.Time `json:"at"`
	Next  time.Time `json:"next,omitzero"` // when they hear again, as it was promised; zero = nothing was
	// Mailing is the number under which it is mailed to its audience; 0 = to nobody.
	Mailing int64 `json:"mailing,omitempty"`
}

// Log is the stored value; its version is the record's.
type Log struct {
	Format   int       `json:"format"`
	Incident int64     `json:"incident"`
	Updates  []Update  `json:"updates,omitempty"`  // oldest first, the newest maxKept
	Promised time.Time `json:"promised,omitzero"`  // the next update is due; zero = none is
	Late     int       `json:"late,omitempty"`     // times that it was asked for
	Due      time.Time `json:"due,omitzero"`       // when pagerd asks next
	Asked    int       `json:"asked,omitempty"`    // messages so far; set by the engine
	FirstTo  Firsts    `json:"first_to,omitempty"` // when an audience was first told
	OverTo   Firsts    `json:"over_to,omitempty"`  // when it was first told that it is over
}

// Firsts holds an instant per audience.
type Firsts map[Audience]time.Time

// Over is when an audience was told that it is over, if that was its last word; zero = it was not, as in an incident that was
// over and began again.
func (l Log) Over(to Audience) time.Time {
	for _, u := range slices.Backward(l.Updates) {
		if u.To == to && u.State != Resolved {
			return time.Time{}
		}
		if u.To == to {
			return u.At
		}
	}
	return l.OverTo[to] // its last word is older than what is kept
}
