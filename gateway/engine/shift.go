package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/postmortem"
	"pagerd/gateway/shift"
	"pagerd/gateway/store"
	"pagerd/gateway/timeline"
	"pagerd/gateway/update"
	"pagerd/notify"
	"pagerd/notify/message"
)

// shiftsNumber is the number of the calendar record that keeps the reminders of all shifts.
const shiftsNumber = 100

// maxLeft is how many open things of a kind are looked at for what somebody leaves behind.
const maxLeft = 500

// lookAtShifts reminds whoever goes on or off call, and sets when to look again. The messages are in the commit that says
// that they were told, so that of several replicas one tells.
func (e *Engine) lookAtShifts(ctx context.Context, now time.Time) error {
	var have shift.Log
	r, err := e.loadRecord(ctx, store.Calendar, shiftsNumber, &have)
	if err != nil {
		return err
	}
	next, remind, changed := have.Look(e.config().Book, now)
	if !changed {
		return nil
	}
	c := store.Change{Now: now}
	for _, m := range remind {
		if err := e.putShift(ctx, &c, m); err != nil {
			return err
		}
	}
	if err := e.putRecord(&c, r, next, true, next.Due, timeline.Entry{}); err != nil {
		return err
	}
	return e.commit(ctx, c)
}

// putShift adds the message of one reminder, by SMS, else by mail. Each has a number of its own: what fails of one says
// nothing of another.
func (e *Engine) putShift(ctx context.Context, c *store.Change, m shift.Reminder) error {
	book := e.config().Book
	contact, ok := readable(book.People[m.Person].Contacts)
	if !ok {
		e.log.Warn("nobody can be reminded of a shift", zap.String("schedule", m.Rotation), zap.String("responder", m.Person), zap.String("what", string(m.What)))
		return nil
	}
	zone := cmp.Or(book.People[m.Person].Zone, book.Rotations[m.Rotation].Zone, time.UTC)
	text := message.ShiftAhead(m.Rotation, m.Start, m.End, zone)
	if m.What == shift.GoesOff {
		left, err := e.leftBy(ctx, m.Person, m.Rotation)
		if err != nil {
			return err
		}
		text = message.ShiftOver(m.Rotation, left)
	}
	number := shiftNumber(m)
	if _, err := e.store.Delivery(ctx, page.SendID(number, owedBase+1)); !errors.Is(err, store.ErrNotFound) {
		return err // told before
	}
	s := page.Send{ID: page.SendID(number, owedBase+1), Page: number, Kind: notify.KindOwed, Person: contact.Person, Contact: contact.ID,
		Channel: contact.Channel, Severity: alert.SEV4, At: c.Now}
	c.Deliveries = append(c.Deliveries, delivery(s, text, c.Now))
	return nil
}

// leftBy gathers what a person leaves behind who goes off call, oldest first: incidents in which they have a role, other
// pages that they acknowledged or that nobody did and the rotation is rung for, and what they owe themselves. Drills are none
// of it.
func (e *Engine) leftBy(ctx context.Context, person, rotation string) (left message.Left, err error) {
	incidents, err := e.store.Incidents(ctx, store.Filter{Open: true, Limit: maxLeft})
	if err != nil && !errors.Is(err, store.ErrDamaged) {
		return left, fmt.Errorf("read what %s leaves behind: %w", person, err)
	}
	for _, in := range incidents {
		if !in.Over() && !in.Drill && takesPart(in, person) {
			left.Incidents = append(left.Incidents, in.Number)
		}
	}
	pages, err := e.store.Pages(ctx, store.Filter{Open: true, Limit: maxLeft})
	if err != nil && !errors.Is(err, store.ErrDamaged) {
		return left, fmt.Errorf("read what %s leaves behind: %w", person, err)
	}
	for _, p := range pages {
		theirs := p.Acker == person || p.Acker == "" && rings(p, rotation)
		if theirs && !p.Drill && !slices.Contains(left.Incidents, p.Incident) {
			left.Pages = append(left.Pages, p.Number)
		}
	}
	if err := e.owedBy(ctx, person, &left); err != nil {
		return left, err
	}
	for _, list := range [][]int64{left.Incidents, left.Pages, left.Postmortems, left.Actions, left.Updates} {
		slices.Sort(list)
	}
	return left, nil
}

// owedBy adds the postmortems, action items and updates that a person still owes.
func (e *Engine) owedBy(ctx context.Context, person string, left *message.Left) error {
	open := store.Filter{Open: true, Limit: maxLeft}
	pms, err := records[postmortem.Postmortem](ctx, e, store.Postmortem, open)
	if err != nil {
		return err
	}
	for _, p := range pms {
		if p.Open() && p.Owner == person {
			left.Postmortems = append(left.Postmortems, p.Incident)
		}
	}
	actions, err := records[postmortem.Action](ctx, e, store.Action, open)
	if err != nil {
		return err
	}
	for _, a := range actions {
		if a.State == postmortem.ActionOpen && a.Owner == person {
			left.Actions = append(left.Actions, a.Number)
		}
	}
	logs, err := records[update.Log](ctx, e, store.Update, open)
	if err != nil {
		return err
	}
	for _, l := range logs {
		in, err := e.store.Incident(ctx, l.Incident)
		if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrDamaged) {
			return fmt.Errorf("load incident %d: %w", l.Incident, err)
		}
		if !l.Promised.IsZero() && update.Speaker(in) == person {
			left.Updates = append(left.Updates, l.Incident)
		}
	}
	return nil
}

// takesPart reports whether somebody has a role in an incident now.
func takesPart(in incident.Incident, person string) bool {
	return in.Commander == person || slices.ContainsFunc(in.Roles, func(a incident.Assignment) bool { return a.Person == person && a.Until.IsZero() })
}

// rings reports whether a page's policy rings whoever is on call in a rotation.
func rings(p page.Page, rotation string) bool {
	for _, t := range p.Policy.Targets() {
		if name, _, _ := strings.Cut(t.Name, "/"); name == rotation {
			return true
		}
	}
	return false
}
