package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/notify"
	"pagerd/notify/message"
)

// claimOptions are what to claim now; channels nil = all.
func (e *Engine) claimOptions(limit int, channels []notify.Channel) store.ClaimOptions {
	return store.ClaimOptions{Limit: limit, Max: maxBundle, Lease: leaseTime,
		Window: e.config().Notify.BundleWindow, Channels: channels}
}

// Deliver claims what is pending at now and sends it, one message after the other, until nothing is left. It is the
// virtual-time form of what Run does with workers; clock gives the instant at which each outcome is settled.
func (e *Engine) Deliver(ctx context.Context, now time.Time) (int, error) {
	now = e.instant(now)
	sent := 0
	for {
		claims, err := e.store.Claim(ctx, now, e.claimOptions(1, nil))
		if err != nil {
			return sent, fmt.Errorf("claim deliveries: %w", err)
		}
		if len(claims) == 0 {
			return sent, nil
		}
		for _, c := range claims {
			sent++
			if err := e.attempt(ctx, c, func() time.Time { return now }, nil); err != nil {
				return sent, err
			}
		}
	}
}

// Claim leases up to limit messages at now, for [Engine.Attempt].
func (e *Engine) Claim(ctx context.Context, now time.Time, limit int) ([]store.Claim, error) {
	return e.store.Claim(ctx, e.instant(now), e.claimOptions(limit, nil))
}

// Attempt sends what was claimed and settles what it came to, as Run does for each claim. clock gives the instants;
// alive, when not nil, says whether the lease was renewed lately enough to write to the wire.
func (e *Engine) Attempt(ctx context.Context, c store.Claim, clock func() time.Time, alive func() bool) error {
	return e.attempt(ctx, c, func() time.Time { return e.instant(clock()) }, alive)
}

// attempt makes one message of a claim and sends it. alive, when not nil, says whether the lease is fresh enough to write.
func (e *Engine) attempt(ctx context.Context, c store.Claim, clock func() time.Time, alive func() bool) error {
	if c.Deliveries[0].Kind == notify.KindLetter {
		return e.attemptLetter(ctx, c, clock, alive)
	}
	now := clock()
	wanted, pages, err := e.recheck(ctx, c, now)
	if err != nil || len(wanted) == 0 {
		return err
	}
	first := wanted[0]
	contact, ok := e.contact(first)
	if !ok {
		return e.settleFailed(ctx, c, wanted, notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonNoContact, Permanent: true}, now)
	}
	sender, ok := e.senders[contact.Channel]
	if !ok {
		return e.settleFailed(ctx, c, wanted, notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonNoContact, Permanent: true,
			Detail: "no provider is configured for " + string(contact.Channel)}, now)
	}
	n := e.notification(wanted, pages, contact, now)
	n.Alive = alive
	out := e.trySend(ctx, sender, n, first, now)
	now = clock()
	e.observe1(first, out, now)
	return e.settle(ctx, c, wanted, pages, out, now)
}

// reconcileSlack is how far the provider's clock may be behind ours.
const reconcileSlack = 5 * time.Second

// trySend sends, after asking the provider whether an earlier attempt that may have been sent was accepted.
func (e *Engine) trySend(ctx context.Context, s Sender, n notify.Notification, d store.Delivery, now time.Time) notify.Outcome {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	defer context.AfterFunc(e.attempts, cancel)()
	if r, ok := s.(Reconciler); ok && d.Ambiguous > 0 && e.alone(ctx, d) {
		id, found, err := r.Reconcile(ctx, n, d.At.Add(-reconcileSlack))
		if err == nil && found {
			return notify.Outcome{Certainty: notify.Sent, ProviderID: id}
		}
	}
	return s.Send(ctx, n)
}

// alone reports whether no other delivery told the same contact the same thing so shortly before that the provider's list
// could show its message for this one's, as when a page fires again within seconds. Then it is rather sent again than taken
// for sent.
func (e *Engine) alone(ctx context.Context, d store.Delivery) bool {
	all, err := e.store.Deliveries(ctx, d.Page)
	from := d.At.Add(-reconcileSlack - attemptTime - time.Second) // the last: Twilio's list keeps whole seconds
	return err == nil && !slices.ContainsFunc(all, func(o store.Delivery) bool {
		return o.ID != d.ID && o.Contact == d.Contact && o.Kind == d.Kind && (o.At.After(from) || o.AttemptAt.After(from))
	})
}

// recheck drops what is no longer wanted, and returns the rest with their pages. What a bundle lost is settled at once.
func (e *Engine) recheck(ctx context.Context, c store.Claim, now time.Time) ([]store.Delivery, map[int64]page.Page, error) {
	pages := map[int64]page.Page{}
	var wanted []store.Delivery
	drop := store.Change{Now: now}
	for _, d := range c.Deliveries {
		p, seen := pages[d.Page]
		if !seen {
			var err error
			if p, err = e.store.Page(ctx, d.Page); err != nil && !errors.Is(err, store.ErrNotFound) {
				return nil, nil, fmt.Errorf("load page %d: %w", d.Page, err)
			}
			pages[d.Page] = p
		}
		ok, reason := e.wanted(p, d)
		if d.Kind == notify.KindRemind {
			var err error
			if ok, err = e.reminderWanted(ctx, d); err != nil {
				return nil, nil, err
			}
			reason = page.ReasonAnswered
		}
		if ok && d.Attempts > failoverAfter {
			if ok, err := e.newest(ctx, d); err != nil {
				return nil, nil, err
			} else if !ok {
				drop.Settle = append(drop.Settle, store.Settlement{Delivery: d.ID, Token: c.Token, State: store.Dropped, At: now,
					Reason: notify.ReasonExhausted})
				continue
			}
		}
		if ok {
			wanted = append(wanted, d)
			continue
		}
		drop.Settle = append(drop.Settle, store.Settlement{Delivery: d.ID, Token: c.Token, State: store.Dropped, At: now,
			Reason: notify.Reason(reason)})
	}
	if len(drop.Settle) > 0 {
		if err := e.commit(ctx, drop); err != nil && !errors.Is(err, store.ErrFenced) {
			return nil, nil, fmt.Errorf("drop deliveries: %w", err)
		}
	}
	return wanted, pages, nil
}

// newest reports whether no later delivery tells the same contact the same thing: after a long outage one is enough.
func (e *Engine) newest(ctx context.Context, d store.Delivery) (bool, error) {
	all, err := e.store.Deliveries(ctx, d.Page)
	if err != nil {
		return false, fmt.Errorf("load deliveries of page %d: %w", d.Page, err)
	}
	for _, other := range all {
		if other.State == store.Pending && other.Contact == d.Contact && other.Kind == d.Kind && other.At.After(d.At) {
			return false, nil
		}
	}
	return true, nil
}

// wanted asks the page's machine; alarms and the question to the commander are always wanted.
func (e *Engine) wanted(p page.Page, d store.Delivery) (bool, page.Reason) {
	if d.Kind == notify.KindAlarm || d.Kind == notify.KindOver || d.Kind == notify.KindOwed {
		return true, ""
	}
	return page.Wanted(p, d.Send)
}

// contact looks the address up now, so that a corrected number takes effect for what is pending.
func (e *Engine) contact(d store.Delivery) (notify.Contact, bool) {
	cfg := e.config()
	if c, ok := cfg.Book.Contact(d.Contact); ok {
		return c, true
	}
	for _, c := range cfg.Operators {
		if c.ID == d.Contact {
			return c, true
		}
	}
	return notify.Contact{}, false
}

// notification renders what the person reads or hears, from the pages as they are now.
func (e *Engine) notification(ds []store.Delivery, pages map[int64]page.Page, contact notify.Contact, now time.Time) notify.Notification {
	first := ds[0]
	n := notify.Notification{Delivery: first.ID, Kind: first.Kind, Contact: contact, Again: first.Again, Drill: first.Drill,
		Validity: validity(first), Thread: "page." + strconv.FormatInt(first.Page, 10)}
	link := Link{Delivery: first.ID, Person: contact.Person, Expires: now.Add(linkLife)}
	for _, d := range ds {
		p := pages[d.Page]
		p.Number = d.Page                          // what is only read may be about something that has no page
		if slices.Contains(link.Pages, p.Number) { // two steps asked at once: one line says it
			continue
		}
		n.Subjects = append(n.Subjects, e.subject(p))
		link.Pages, link.Rounds = append(link.Pages, p.Number), append(link.Rounds, d.Round)
	}
	if contact.Channel == notify.Email && e.links != nil && first.Kind.Answerable() {
		n.Link = e.links(link)
	}
	n.Text = first.Text
	return message.Render(n)
}

// linkLife is how long a mail's link acts: a night and a day.
const linkLife = 24 * time.Hour

// validity is how long a message may still arrive late: until the next way is tried, and never the ten hours that a
// provider would queue it.
func validity(d store.Delivery) time.Duration {
	if d.Kind == notify.KindPage {
		return 5 * time.Minute
	}
	return 15 * time.Minute
}

func (e *Engine) subject(p page.Page) notify.Subject {
	return notify.Subject{Page: p.Number, Severity: p.Severity, Service: p.Service, Summary: p.Summary, Status: string(p.Status),
		Firing: p.Firing, Hidden: p.HiddenTotal(), Runbook: p.Runbook, Acknowledger: p.Acker, Since: p.TriggeredAt, Environment: p.Environment, Before: p.Before}
}

// observe1 records one attempt in log, metrics and health.
func (e *Engine) observe1(d store.Delivery, out notify.Outcome, now time.Time) {
	e.metrics.Attempts.WithLabelValues(string(d.Channel), string(out.Certainty), string(out.Reason)).Inc()
	if !d.Drill {
		e.metrics.SendDelay.WithLabelValues(d.Severity.String()).Observe(now.Sub(d.At).Seconds())
	}
	e.health.outcome(d.Channel, out, now)
	fields := []zap.Field{zap.Int64("page", d.Page), zap.String("delivery", d.ID), zap.String("responder", d.Person),
		zap.String("channel", string(d.Channel)), zap.String("kind", string(d.Kind)), zap.Int("attempt", d.Attempts),
		zap.String("certainty", string(out.Certainty)), zap.String("reason", string(out.Reason)), zap.String("provider_id", out.ProviderID)}
	if out.Certainty == notify.Sent {
		e.log.Info("sent", fields...)
		return
	}
	e.log.Warn("not sent", append(fields, zap.String("detail", out.Detail))...)
	if out.Alarm {
		e.metrics.Alarms.WithLabelValues(string(out.Reason)).Inc()
	}
}

// lease keeps a claim alive while its attempt is on the wire.
type lease struct {
	renewed atomic.Int64 // Unix nanoseconds of the newest renewal by the process's clock
}

func (l *lease) alive(now time.Time) bool { return now.Sub(time.Unix(0, l.renewed.Load())) <= aliveFor }
