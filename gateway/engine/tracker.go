package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"pagerd/gateway/alert"
	"pagerd/gateway/page"
	"pagerd/gateway/postmortem"
	"pagerd/gateway/store"
	"pagerd/notify"
	"pagerd/notify/message"
)

// trackerBase keeps the ids of what the issue tracker is told of an action item apart from the messages that ask for it.
const trackerBase = 1_700_000_000

// trackerLife is how long the tracker is tried: a long weekend is no reason to lose an action item.
const trackerLife = 7 * 24 * time.Hour

// trackerContact is the contact of the one tracker that there is.
const trackerContact = "tracker"

// putAction adds an action item's next version to a change, and what the issue tracker is told of it if people changed
// something.
func (e *Engine) putAction(c *store.Change, r store.Record, prev, next postmortem.Action, fx postmortem.ActionEffects) error {
	if next.Revision > prev.Revision && e.config().Incidents.Tracker.URL != "" {
		c.Deliveries = append(c.Deliveries, delivery(page.Send{ID: page.SendID(next.Number, trackerBase+next.Revision), Page: next.Number, Kind: notify.KindLetter,
			Contact: trackerContact, Channel: notify.Tracker, Severity: alert.SEV4, At: c.Now}, "", c.Now))
	}
	return e.putRecord(c, r, next, next.State == postmortem.ActionOpen, next.NagDue, fx.Entry)
}

// trackerLetter is what the tracker is told of an action item as it is now; a newer revision has a delivery of its own.
func (e *Engine) trackerLetter(ctx context.Context, d store.Delivery, now time.Time) (n notify.Notification, drop notify.Reason, err error) {
	url := e.config().Incidents.Tracker.URL
	switch {
	case url == "":
		return n, notify.ReasonNoContact, nil
	case now.Sub(d.At) > trackerLife:
		return n, notify.ReasonExhausted, nil
	}
	a, _, err := e.haveAction(ctx, d.Page)
	if err != nil {
		return n, notify.ReasonNone, err
	}
	if a.Revision > sendNumber(d.ID)-trackerBase {
		return n, notify.ReasonSuperseded, nil
	}
	key, body, err := postmortem.ForTracker(a)
	n.Contact = notify.Contact{ID: trackerContact, Channel: notify.Tracker, Address: url}
	n.Title, n.Text = key, string(body)
	return n, notify.ReasonNone, err
}

// tracked settles what the tracker took, together with what it calls it.
func (e *Engine) tracked(ctx context.Context, c store.Claim, d store.Delivery, issue string, now time.Time) error {
	issue = clip(message.Visible(issue), 300)
	for range maxConflicts {
		a, r, err := e.haveAction(ctx, d.Page)
		if err != nil {
			return err
		}
		change := store.Change{Now: now, Settle: []store.Settlement{{Delivery: d.ID, Token: c.Token, State: store.SentState, At: now, ProviderID: issue}}}
		if next, fx := postmortem.NextAction(a, postmortem.Tracked{Issue: issue}, now); fx.Changed {
			if err := e.putAction(&change, r, a, next, fx); err != nil {
				return err
			}
		}
		if err := e.settleChange(ctx, change); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("store the issue of action item %d: %w", d.Page, store.ErrConflict)
}

// untold tells an operator that the tracker does not take an action item: once in a while, because one mistake of the
// configuration refuses all of them.
func (e *Engine) untold(c *store.Change, d store.Delivery, reason notify.Reason) {
	e.log.Error("the issue tracker was not told", zap.Int64("action", d.Page), zap.String("reason", string(reason)))
	e.metrics.Alarms.WithLabelValues("tracker").Inc()
	contact, ok := readable(e.config().Operators)
	if !ok || e.alarmed.lately(trackerContact, c.Now) {
		return
	}
	s := page.Send{ID: page.SendID(d.Page, sendNumber(d.ID)-trackerBase+untoldBase), Page: d.Page, Kind: notify.KindOwed, Person: contact.Person,
		Contact: contact.ID, Channel: contact.Channel, Severity: alert.SEV4, At: c.Now}
	c.Deliveries = append(c.Deliveries, delivery(s, message.TrackerFailed(d.Page, reason), c.Now))
	e.alarmed.note(trackerContact, c.Now)
}

// untoldBase keeps the ids of those messages apart.
const untoldBase = 1_800_000_000
