package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
)

// Exercise is a person beginning a drill.
type Exercise struct {
	By       page.Actor
	Severity alert.Severity
	Service  string
	Note     string // what is practised; empty = nothing more than being reached
	AllHands bool   // a SEV-1 drill wakes the whole team: it must be meant
}

// Drill begins a drill: a page that the routes give its policy as if an alert of that service had come in, which rings real
// people, says in every message that it is practice, and counts in no figure. With an op that was applied before it is the
// drill that it began, as it is now, and nobody is rung again.
func (e *Engine) Drill(ctx context.Context, x Exercise, now time.Time) (page.Page, error) {
	now = e.instant(now)
	if err := x.check(); err != nil {
		return page.Page{}, err
	}
	number, err := e.store.NextNumber(ctx)
	if err != nil {
		return page.Page{}, fmt.Errorf("allocate page number: %w", err)
	}
	subject, ok := e.byHand(number, "Drill", x.Service, x.Severity, now)
	if !ok {
		return page.Page{}, &Refusal{Message: fmt.Sprintf("no route rings anybody for %s at %s", clip(x.Service, 40), x.Severity), Hint: "pagerd check says what the routes lack"}
	}
	if subject.Summary = x.Note; x.Note == "" {
		subject.Summary = "can you be reached? Nothing is broken"
	}
	ev := page.ByHand{By: x.By, Group: handGroup(x.By.Op, number), Subject: subject, Drill: true}
	prev := page.Page{Number: number}
	next, fx := page.Next(prev, ev, e.facts(prev, subject.Policy, x.Severity, now), now)
	c := store.Change{Op: x.By.Op, Now: now, Urgent: true}
	if err := e.putPage(ctx, &c, prev, next, fx, ev); err != nil {
		return page.Page{}, err
	}
	err = e.commitPage(ctx, c, "")
	switch {
	case errors.Is(err, store.ErrApplied):
		return e.begunBefore(ctx, x.By.Op)
	case err != nil:
		return page.Page{}, fmt.Errorf("store drill %d: %w", number, err)
	}
	e.alarmsTold(number, fx.Alarms, now)
	return *c.Page, nil
}

// check holds what must be known before anybody is rung.
func (x Exercise) check() error {
	switch {
	case x.Service == "":
		return &Refusal{Message: "the service is missing", Hint: "name the service to practise with, as your alerts do"}
	case !x.Severity.Valid():
		return &Refusal{Message: "the severity is missing", Hint: "one of SEV-1, SEV-2, SEV-3, SEV-4"}
	case x.Severity == alert.SEV1 && !x.AllHands:
		return &Refusal{Message: "a SEV-1 drill rings all hands", Hint: "say all hands too if that is meant (--all-hands), or practise with SEV-2"}
	}
	return nil
}

// unmixed refuses to make one incident of a drill and of what is real.
func unmixed(a, b incident.Incident) error {
	if a.Drill == b.Drill {
		return nil
	}
	if b.Drill {
		a, b = b, a
	}
	return &Refusal{Message: fmt.Sprintf("incident %d is a drill and %d is real", a.Number, b.Number), Hint: "resolve the drill, and go on with the real one"}
}
