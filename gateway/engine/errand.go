package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"go.uber.org/zap"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/schedule"
)

// maxErrands bounds what one pass does for one incident; the rest stays due.
const maxErrands = 200

// doErrands does what an act on an incident made necessary in other objects. Each is one commit there and one that strikes
// it off here; a crash between the two does the first again, which changes nothing.
func (e *Engine) doErrands(ctx context.Context, number int64, now time.Time) error {
	for range maxErrands {
		in, err := e.store.Incident(ctx, number)
		if err != nil {
			return fmt.Errorf("load incident %d: %w", number, err)
		}
		if len(in.Errands) == 0 {
			return nil
		}
		err = e.doErrand(ctx, in, in.Errands[0], now)
		if errors.Is(err, store.ErrConflict) {
			continue // somebody else works on it
		}
		if err != nil {
			return fmt.Errorf("%s for incident %d: %w", in.Errands[0].Kind, number, err)
		}
	}
	return nil
}

// doErrand is a switch over the closed list of errands.
func (e *Engine) doErrand(ctx context.Context, in incident.Incident, errand incident.Errand, now time.Time) error {
	switch errand.Kind {
	case incident.ErrandCall:
		return e.ringFor(ctx, in, errand, now) // strikes itself off
	case incident.ErrandAbsorb:
		if err := e.absorb(ctx, in, errand, now); err != nil {
			return err
		}
	case incident.ErrandJoin:
		ev := page.Moved{By: page.Actor{Person: errand.By, Channel: "pagerd"}, From: in.Number, Incident: errand.To}
		if err := e.actIfThere(ctx, errand.Page, ev, now); err != nil {
			return err
		}
	case incident.ErrandFollow:
		if err := e.follow(ctx, errand, now); err != nil {
			return err
		}
	case incident.ErrandHush:
		ev := page.Resolve{By: page.Actor{Person: "pagerd", Channel: "pagerd"}}
		if err := e.actIfThere(ctx, errand.Page, ev, now); err != nil {
			return err
		}
	}
	next, fx := incident.Next(in, incident.ErrandDone{Errand: errand}, now)
	return e.storeIncident(ctx, next, fx, now)
}

// storeIncident commits a transition of an incident alone.
func (e *Engine) storeIncident(ctx context.Context, next incident.Incident, fx incident.Effects, now time.Time) error {
	if !fx.Changed {
		return nil
	}
	c := store.Change{Now: now}
	if err := e.putIncident(ctx, &c, next, fx); err != nil {
		return err
	}
	return e.commit(ctx, c)
}

// absorb lets the incident that it was merged into take it over; what was itself merged meanwhile passes it on.
func (e *Engine) absorb(ctx context.Context, from incident.Incident, errand incident.Errand, now time.Time) error {
	to, err := e.living(ctx, errand.To)
	if err != nil {
		return err
	}
	if to.Version == 0 { // trimmed long ago
		e.log.Warn("the incident that this one was merged into is gone", zap.Int64("incident", from.Number), zap.Int64("into", errand.To))
		return nil
	}
	both := incident.Incident{Pages: slices.Concat(to.Pages, from.Pages)}
	over, err := e.lastOpen(ctx, both, 0)
	if err != nil {
		return err
	}
	next, fx := incident.Next(to, incident.Absorb{From: from, Targets: e.targets(from.Severity), Over: over}, now)
	if err := e.storeIncident(ctx, next, fx, now); err != nil {
		return err
	}
	if len(next.Errands) > 0 {
		e.poke()
	}
	return nil
}

// follow gives a page its incident's severity. A page whose policy is no longer configured rings as before.
func (e *Engine) follow(ctx context.Context, errand incident.Errand, now time.Time) error {
	p, err := e.store.Page(ctx, errand.Page)
	if errors.Is(err, store.ErrNotFound) || err == nil && !p.Open() {
		return nil
	}
	if err != nil {
		return fmt.Errorf("load page %d: %w", errand.Page, err)
	}
	policy, targets, ok := e.config().Routing.Plan(p.Policy.Name, errand.Severity)
	if !ok {
		e.log.Warn("a page keeps its severity: its policy is no longer configured", zap.Int64("page", p.Number))
		return nil
	}
	by := page.Actor{Person: errand.By, Channel: "pagerd"}
	return e.actIfThere(ctx, errand.Page, page.SetSeverity{By: by, To: errand.Severity, Policy: policy, Targets: targets}, now)
}

// actIfThere applies an event to a page that may be gone.
func (e *Engine) actIfThere(ctx context.Context, number int64, ev page.Event, now time.Time) error {
	p, err := e.store.Page(ctx, number)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("load page %d: %w", number, err)
	}
	_, err = e.apply(ctx, p.Group, act{number: number, event: ev, now: now, urgent: true})
	return err
}

// How somebody who was called is rung: by their ladder, again and again until they confirm.
const (
	callTimeout = 5 * time.Minute
	callRepeat  = 2
	callAgain   = 15 * time.Minute
)

// ringFor begins the page that rings one person into an incident, in the same commit that strikes the errand off.
func (e *Engine) ringFor(ctx context.Context, in incident.Incident, errand incident.Errand, now time.Time) error {
	number, err := e.store.NextNumber(ctx)
	if err != nil {
		return fmt.Errorf("allocate page number: %w", err)
	}
	who := []schedule.Target{{Name: "person:" + errand.Person, Mode: schedule.Answer}}
	by := errand.By
	if by == "" {
		by = "pagerd"
	}
	prev := page.Page{Number: number}
	ev := page.ByHand{By: page.Actor{Person: by, Channel: "pagerd"}, Group: handGroup("", number), Calls: errand.Person, Incident: in.Number, Drill: in.Drill,
		Subject: page.Subject{Severity: in.Severity, Service: in.Service, Why: "called into incident " + strconv.FormatInt(in.Number, 10),
			Summary: fmt.Sprintf("%s calls you into incident %d: %s", by, in.Number, in.Summary),
			Policy: schedule.Policy{Name: "call/" + errand.Person, Steps: []schedule.Step{{Targets: who, Timeout: callTimeout}}, Repeat: callRepeat,
				LastResort: who, Again: callAgain}}}
	facts := e.facts(page.Page{Number: number, Calls: errand.Person}, ev.Subject.Policy, in.Severity, now)
	next, fx := page.Next(prev, ev, facts, now)
	c := store.Change{Now: now, Urgent: true}
	if err := e.putPage(ctx, &c, prev, next, fx, ev); err != nil {
		return err
	}
	nextIn, ifx := incident.Next(in, incident.Rung{Errand: errand, Page: number}, now)
	if err := e.putIncident(ctx, &c, nextIn, ifx); err != nil {
		return err
	}
	if err := e.commitPage(ctx, c, ""); err != nil {
		return err
	}
	e.alarmsTold(number, fx.Alarms, now)
	return nil
}

// handGroup is the group of a page that a person began: nothing else joins it. By the operation, where it has one, it is found
// again when the same request comes once more.
func handGroup(op string, number int64) string {
	if op == "" {
		op = strconv.FormatInt(number, 10)
	}
	return "hand/" + op
}

// begunBefore finds the page that an operation began which was applied before.
func (e *Engine) begunBefore(ctx context.Context, op string) (page.Page, error) {
	p, err := e.store.Group(ctx, handGroup(op, 0))
	if err != nil {
		return p, fmt.Errorf("find the page of operation %s: %w", op, err)
	}
	return p, nil
}

// callSeverity is by which ladder somebody who is called is rung: whoever is wanted in a light incident is rung too, not
// only written to.
func callSeverity(s alert.Severity) alert.Severity {
	if alert.SEV2.Worse(s) {
		return alert.SEV2
	}
	return s
}
