package schedule

import (
	"time"

	"pagerd/gateway/alert"
	"pagerd/notify"
)

// OnCall returns who is on call for "ROTATION/primary", "ROTATION/secondary" or "ROTATION/manager" at t; empty = a gap.
// A bare rotation name means its primary.
func (b *Book) OnCall(name string, t time.Time) string { panic("schedule: not written yet") }

// Resolve returns the people that a target name means at t, in order; none = a gap or a name that is gone.
func (b *Book) Resolve(target string, t time.Time) []string { panic("schedule: not written yet") }

// Roster resolves every target of a policy at t to people with their ladders for the severity. People without a usable
// contact method are left out, so that an empty entry is always "nobody can be rung".
func (b *Book) Roster(p Policy, s alert.Severity, t time.Time) map[string][]Responder {
	panic("schedule: not written yet")
}

// Contact returns a contact method by its id; ok is false when it is gone.
func (b *Book) Contact(id string) (notify.Contact, bool) { panic("schedule: not written yet") }

// Owner returns the contact method that has this address on this channel (the number's owner).
func (b *Book) Owner(c notify.Channel, address string) (notify.Contact, bool) {
	panic("schedule: not written yet")
}

// Opens returns when working hours begin for a policy that waits for them; t itself when they run, or when the policy
// does not wait.
func (b *Book) Opens(p Policy, t time.Time) time.Time { panic("schedule: not written yet") }

// Shift is one person's turn, [Start, End) in UTC. Person is empty for a gap.
type Shift struct {
	Rotation string
	Person   string
	Start    time.Time
	End      time.Time
	Override bool
}

// Shifts returns the turns of a rotation's primary that touch [from, to), with overrides applied and gaps shown.
func (b *Book) Shifts(rotation string, from, to time.Time) []Shift {
	panic("schedule: not written yet")
}
