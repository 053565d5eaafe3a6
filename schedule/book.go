package schedule

import (
	"strings"
	"time"

	"pagerd/gateway/alert"
	"pagerd/notify"
)

// OnCall returns who is on call for "ROTATION/primary", "ROTATION/secondary" or "ROTATION/manager" at t; empty = a gap.
// A bare rotation name means its primary. The secondary is the next person of the same order who is not the primary.
func (b *Book) OnCall(name string, t time.Time) string {
	rotation, role, _ := strings.Cut(name, "/")
	r, ok := b.Rotations[rotation]
	if !ok {
		return ""
	}
	if role == "manager" {
		return r.Manager
	}
	primary, over := b.override(rotation, t)
	if !over && !r.open(t) {
		return ""
	}
	n := r.turn(t)
	if !over {
		primary = r.person(n, 0)
	}
	if role != "secondary" {
		return primary
	}
	for k := 1; k <= len(r.People); k++ {
		if p := r.person(n, k); p != primary {
			return p
		}
	}
	return ""
}

// override returns who stands in at t. Of several the one written last holds.
func (b *Book) override(rotation string, t time.Time) (string, bool) {
	for i := len(b.Overrides) - 1; i >= 0; i-- {
		o := b.Overrides[i]
		if o.Rotation == rotation && !t.Before(o.Start) && t.Before(o.End) {
			return o.Person, true
		}
	}
	return "", false
}

// Resolve returns the people that a target name means at t, in order; none = a gap or a name that is gone.
func (b *Book) Resolve(target string, t time.Time) []string {
	if name, ok := strings.CutPrefix(target, "person:"); ok {
		if _, known := b.People[name]; known {
			return []string{name}
		}
		return nil
	}
	if name, ok := strings.CutPrefix(target, "team:"); ok {
		return b.Teams[name]
	}
	if p := b.OnCall(target, t); p != "" {
		return []string{p}
	}
	return nil
}

// Roster resolves every target of a policy at t to people with their ladders for the severity. People without a usable
// contact method are left out, so that an empty entry is always "nobody can be rung".
func (b *Book) Roster(p Policy, s alert.Severity, t time.Time) map[string][]Responder {
	out := map[string][]Responder{}
	add := func(targets []Target) {
		for _, target := range targets {
			if _, done := out[target.Name]; done {
				continue
			}
			var found []Responder
			for _, name := range b.Resolve(target.Name, t) {
				if rungs := b.Rungs(name, s); len(rungs) > 0 {
					found = append(found, Responder{Person: name, Rungs: rungs})
				}
			}
			out[target.Name] = found
		}
	}
	for _, step := range p.Steps {
		add(step.Targets)
	}
	add(p.LastResort)
	return out
}

// Rungs is a person's ladder for a severity: their own rules, else the severity's default. Somebody whom neither can ring
// is rung by whatever they have.
func (b *Book) Rungs(person string, s alert.Severity) []Rung {
	p, ok := b.People[person]
	if !ok {
		return nil
	}
	if rules := p.Rules[s]; len(rules) > 0 {
		return rules
	}
	var out []Rung
	for _, d := range b.Ladder[s] {
		for _, c := range p.Contacts {
			if c.Channel == d.Channel {
				out = append(out, Rung{Contact: c.ID, Channel: c.Channel, Delay: d.Delay})
				break
			}
		}
	}
	if len(out) == 0 {
		for i, c := range p.Contacts {
			out = append(out, Rung{Contact: c.ID, Channel: c.Channel, Delay: time.Duration(i) * 2 * time.Minute})
		}
	}
	return out
}

// Contact returns a contact method by its id; ok is false when it is gone.
func (b *Book) Contact(id string) (notify.Contact, bool) {
	person, _, _ := strings.Cut(id, "/")
	for _, c := range b.People[person].Contacts {
		if c.ID == id {
			return c, true
		}
	}
	return notify.Contact{}, false
}

// Owner returns the contact method that has this address on this channel (the number's owner).
func (b *Book) Owner(channel notify.Channel, address string) (notify.Contact, bool) {
	var found notify.Contact
	for _, p := range b.People {
		for _, c := range p.Contacts {
			if c.Channel == channel && strings.EqualFold(c.Address, address) && (found.ID == "" || c.ID < found.ID) {
				found = c
			}
		}
	}
	return found, found.ID != ""
}

// Opens returns when working hours begin for a policy that waits for them; t itself when they run, or when the policy
// does not wait. The hours are those of the rotation that the policy's first targets name.
func (b *Book) Opens(p Policy, t time.Time) time.Time {
	if !p.OfficeHours {
		return t
	}
	for _, target := range p.Targets() {
		name, _, _ := strings.Cut(target.Name, "/")
		if r, ok := b.Rotations[name]; ok {
			return r.Hours.opens(t, r.Zone)
		}
	}
	return Hours{}.opens(t, time.UTC)
}

// Shift is one person's turn, [Start, End) in UTC. Person is empty for a gap.
type Shift struct {
	Rotation string
	Person   string
	Start    time.Time
	End      time.Time
	Override bool
}

// Shifts returns the turns of a rotation's primary that touch [from, to), with overrides applied and gaps shown. They
// follow one another without a hole; the first and last are cut to the range.
func (b *Book) Shifts(rotation string, from, to time.Time) []Shift {
	r, ok := b.Rotations[rotation]
	if !ok {
		return nil
	}
	var out []Shift
	for t := from; t.Before(to); {
		end := b.nextChange(r, t)
		if end.After(to) {
			end = to
		}
		_, over := b.override(rotation, t)
		s := Shift{Rotation: rotation, Person: b.OnCall(rotation, t), Start: t.UTC(), End: end.UTC(), Override: over}
		if n := len(out); n > 0 && out[n-1].Person == s.Person && out[n-1].Override == s.Override && !b.handoff(r, t) {
			out[n-1].End = s.End
		} else {
			out = append(out, s)
		}
		t = end
	}
	return out
}

// handoff reports whether a turn begins exactly at t.
func (b *Book) handoff(r Rotation, t time.Time) bool { return r.turnStart(r.turn(t)).Equal(t) }

// nextChange is the first instant after t at which somebody else may be on call.
func (b *Book) nextChange(r Rotation, t time.Time) time.Time {
	next := r.turnStart(r.turn(t) + 1)
	consider := func(e time.Time) {
		if e.After(t) && e.Before(next) {
			next = e
		}
	}
	if e := r.edge(t); !e.IsZero() {
		consider(e)
	}
	for _, o := range b.Overrides {
		if o.Rotation == r.Name {
			consider(o.Start)
			consider(o.End)
		}
	}
	return next
}

// Gaps returns the times in [from, to) at which nobody is on call, or somebody who cannot be rung.
func (b *Book) Gaps(rotation string, from, to time.Time) []Shift {
	var out []Shift
	for _, s := range b.Shifts(rotation, from, to) {
		if s.Person == "" || len(b.People[s.Person].Contacts) == 0 {
			out = append(out, s)
		}
	}
	return out
}
