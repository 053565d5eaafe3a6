// Package schedule answers who is on call, and says what an escalation policy is.
//
// It promises that every question is a pure function of the book and the instant asked about: shifts are [start, end) in
// UTC, wall-clock times go through [Instant] alone, and a time at which nobody is on call is a gap that the caller hears of.
package schedule

import (
	"time"

	"pagerd/gateway/alert"
	"pagerd/notify"
)

// Person can be on call.
type Person struct {
	Name     string // short unique name: "ana"
	FullName string // as others read it: "Ana Ruiz"
	Zone     *time.Location
	Contacts []notify.Contact
	// Rules say, per severity, which contact methods ring in what order. A severity without rules takes the configuration's default ladder.
	Rules map[alert.Severity][]Rung
}

// Rung is one way to ring a person, Delay after the start of their ladder.
type Rung struct {
	Contact string         `json:"contact"` // notify.Contact.ID
	Channel notify.Channel `json:"channel"`
	Delay   time.Duration  `json:"delay"`
}

// Responder is a person with the ladder that holds for a severity now: what a step's commit pins.
type Responder struct {
	Person string `json:"person"`
	Rungs  []Rung `json:"rungs"` // never empty for somebody who can be reached
}

// Unit is a rotation's length unit.
type Unit string

// Hourly is elapsed time; daily and weekly are calendar days in the rotation's zone.
const (
	Hourly Unit = "hourly"
	Daily  Unit = "daily"
	Weekly Unit = "weekly"
)

// Rotation is an order of people who take turns.
type Rotation struct {
	Name     string // "platform"
	Zone     *time.Location
	People   []string
	Unit     Unit
	Every    int      // length of a shift in units; a 7-day rotation is weekly, 1
	Start    Date     // the day of the first hand-off; People[0] takes that shift
	Handoff  Clock    // wall-clock time of every hand-off
	Team     string   // the team behind the rotation, told of SEV-1; or empty
	Manager  string   // the manager on call for this rotation; a person's name or empty
	Hours    Hours    // working hours, for what waits until morning
	Restrict []Window // when not empty, the rotation is on call only inside these; outside is a gap
	// Remind is how long before somebody goes on call they are reminded, see [RemindAt]; 0 = nobody is, nor when they go off.
	Remind time.Duration
}

// Date is a calendar day without a zone.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// Clock is a wall-clock time of day without a zone.
type Clock struct{ Hour, Minute int }

// Window is a weekly window of wall-clock time, [From, To); To before or equal From runs over midnight.
type Window struct {
	Days     []time.Weekday // the days on which it starts; empty = every day
	From, To Clock
}

// Hours are the working hours of a rotation in its zone.
type Hours struct {
	Days     []time.Weekday // default Monday to Friday
	From, To Clock          // default 09:00 to 17:00
}

// Override puts a person in a rotation's place for [Start, End).
type Override struct {
	Rotation string
	Person   string
	Start    time.Time
	End      time.Time
	Reason   string
}

// Mode says what a target is asked for.
type Mode string

// Answer targets stop ringing when somebody acknowledges; inform targets ring until that person confirms.
const (
	Answer Mode = "answer"
	Inform Mode = "inform"
)

// Target names whom a step rings. Name is one of "ROTATION/primary", "ROTATION/secondary", "ROTATION/manager",
// "person:NAME" or "team:NAME"; it is resolved to people when the step fires, never earlier.
type Target struct {
	Name string `json:"name"`
	Mode Mode   `json:"mode"`
}

// Step rings its targets; Timeout after it the next step is due.
type Step struct {
	Targets []Target      `json:"targets"`
	Timeout time.Duration `json:"timeout"`
}

// Policy is an escalation policy for one severity. It is snapshotted into a page when the page is triggered.
type Policy struct {
	Name        string        `json:"name"`
	Steps       []Step        `json:"steps"`
	Repeat      int           `json:"repeat"`                 // how often the whole pass is repeated after the first
	LastResort  []Target      `json:"last_resort"`            // told when a pass rang nobody, and after the last repeat
	Again       time.Duration `json:"again"`                  // after the last repeat: last resort and first step again, without end (15 min)
	OfficeHours bool          `json:"office_hours,omitempty"` // steps wait for working hours (SEV-4)
}

// Targets returns every distinct target that the policy can ring, steps first.
func (p Policy) Targets() []Target {
	var out []Target
	seen := map[Target]bool{}
	add := func(targets []Target) {
		for _, t := range targets {
			if !seen[t] {
				seen[t] = true
				out = append(out, t)
			}
		}
	}
	for _, s := range p.Steps {
		add(s.Targets)
	}
	add(p.LastResort)
	return out
}

// Book is everything that the schedule knows.
type Book struct {
	People    map[string]Person
	Rotations map[string]Rotation
	Teams     map[string][]string // team name → people
	Leads     map[string]string   // team name → its lead
	Overrides []Override
	// Ladder is how a severity rings a person who has no rules of their own: channels with delays.
	Ladder map[alert.Severity][]Default
}

// Default is a rung before it is known whose: the person's contact of that channel, Delay after the ladder's start.
type Default struct {
	Channel notify.Channel
	Delay   time.Duration
}
