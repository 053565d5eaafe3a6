package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"pagerd/gateway/page"
	"pagerd/gateway/postmortem"
	"pagerd/gateway/store"
	"pagerd/notify/message"
)

// Actions returns action items, newest first; open leaves out those that ended.
func (e *Engine) Actions(ctx context.Context, open bool) ([]postmortem.Action, error) {
	return records[postmortem.Action](ctx, e, store.Action, store.Filter{Open: open, Limit: maxLibrary})
}

// OverdueAction reports whether an item should have been done by now, where the reports' days end.
func (e *Engine) OverdueAction(a postmortem.Action, now time.Time) bool {
	return a.OverdueAt(now, e.reportZone())
}

// LoadAction returns an action item, or a [Refusal].
func (e *Engine) LoadAction(ctx context.Context, number int64) (postmortem.Action, error) {
	a, _, err := e.haveAction(ctx, number)
	return a, err
}

func (e *Engine) haveAction(ctx context.Context, number int64) (a postmortem.Action, r store.Record, err error) {
	if r, err = e.loadRecord(ctx, store.Action, number, &a); err == nil && r.Version == 0 {
		err = &Refusal{Message: fmt.Sprintf("there is no action item %d", number), Hint: "pagerd action list shows them"}
	}
	return a, r, err
}

// OpenAction begins an action item of an incident. Whatever the item lacks is refused before. With an op that was applied
// before, it is the item that it opened, as it is now.
func (e *Engine) OpenAction(ctx context.Context, number int64, item postmortem.Item, by page.Actor, now time.Time) (postmortem.Action, error) {
	now = e.instant(now)
	in, err := e.loadIncident(ctx, number)
	if err != nil {
		return postmortem.Action{}, err
	}
	if err := e.known(item.Owner); err != nil {
		return postmortem.Action{}, err
	}
	n, err := e.store.NextNumber(ctx)
	if err != nil {
		return postmortem.Action{}, fmt.Errorf("allocate the number of an action item: %w", err)
	}
	a, fx := postmortem.NextAction(postmortem.Action{}, postmortem.Open{Number: n, Incident: number, Service: in.Service, Cause: in.RootCause, By: by.Person, Op: by.Op,
		Item: item, Zone: e.reportZone()}, now)
	c := store.Change{Op: by.Op, Now: now, Urgent: true}
	if err := e.putAction(&c, store.Record{Kind: store.Action, Number: n}, postmortem.Action{}, a, fx); err != nil {
		return a, err
	}
	err = e.commit(ctx, c)
	if errors.Is(err, store.ErrApplied) {
		return e.openedBefore(ctx, by.Op)
	}
	if err != nil {
		return a, fmt.Errorf("store action item %d: %w", n, err)
	}
	return a, nil
}

// openedBefore finds the action item that an operation opened which was applied before.
func (e *Engine) openedBefore(ctx context.Context, op string) (postmortem.Action, error) {
	list, err := records[postmortem.Action](ctx, e, store.Action, store.Filter{Limit: maxLibrary})
	if err != nil {
		return postmortem.Action{}, err
	}
	i := slices.IndexFunc(list, func(a postmortem.Action) bool { return a.Op == op })
	if i < 0 {
		return postmortem.Action{}, &Refusal{Message: "this was done before under the same Idempotency-Key", Hint: "pagerd action list shows it"}
	}
	return list[i], nil
}

// Action applies a person's event to an action item.
func (e *Engine) Action(ctx context.Context, number int64, ev postmortem.ActionEvent, op string, now time.Time) (postmortem.Action, postmortem.Answer, error) {
	now = e.instant(now)
	switch asked := ev.(type) {
	case postmortem.Change:
		if err := e.known(asked.Item.Owner); err != nil {
			return postmortem.Action{}, "", err
		}
		asked.Zone = e.reportZone()
		ev = asked
	case postmortem.Resend:
		if e.config().Incidents.Tracker.URL == "" {
			return postmortem.Action{}, "", &Refusal{Message: "no issue tracker is configured", Hint: "incidents: {tracker: {url, secret}}"}
		}
	}
	for range maxConflicts {
		prev, r, err := e.haveAction(ctx, number)
		if err != nil {
			return prev, "", err
		}
		next, fx := postmortem.NextAction(prev, ev, now)
		if !fx.Changed {
			return prev, fx.Answer, nil
		}
		c := store.Change{Op: op, Now: now, Urgent: true}
		if err := e.putAction(&c, r, prev, next, fx); err != nil {
			return prev, "", err
		}
		err = e.commit(ctx, c)
		switch {
		case errors.Is(err, store.ErrConflict):
			continue
		case errors.Is(err, store.ErrApplied):
			a, _, err := e.haveAction(ctx, number)
			return a, postmortem.AnswerRepeated, err
		case err != nil:
			return prev, "", fmt.Errorf("store action item %d: %w", number, err)
		}
		return next, fx.Answer, nil
	}
	return postmortem.Action{}, "", fmt.Errorf("store action item %d: %w", number, store.ErrConflict)
}

// fireAction asks for an action item that is due.
func (e *Engine) fireAction(ctx context.Context, number int64, now time.Time) error {
	a, r, err := e.haveAction(ctx, number)
	if err != nil {
		return err
	}
	_, about, err := e.about(ctx, a.Incident)
	if err != nil {
		return err
	}
	next, fx := postmortem.NextAction(a, postmortem.ActionDue{}, now)
	if !fx.Changed {
		return nil
	}
	c := store.Change{Now: now}
	e.nag(&c, about, fx.Nag, a.Owner, func(owner string) string {
		return message.ActionOwed(number, a.Incident, a.Title, a.Due.String(), owner, a.OverdueAt(now, e.reportZone()))
	}, number, &next.Sends)
	if err := e.putAction(&c, r, a, next, fx); err != nil {
		return err
	}
	return e.commit(ctx, c)
}
