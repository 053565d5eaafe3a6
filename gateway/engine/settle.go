package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/notify"
)

// settle stores what an attempt came to.
func (e *Engine) settle(ctx context.Context, c store.Claim, ds []store.Delivery, pages map[int64]page.Page, out notify.Outcome, now time.Time) error {
	return e.patiently(ctx, func() error {
		switch {
		case out.Certainty == notify.Sent:
			return e.settleSent(ctx, c, ds, pages, out, now)
		case out.Permanent:
			return e.settleFailed(ctx, c, ds, out, now)
		default:
			return e.settleRetry(ctx, c, ds, out, now)
		}
	})
}

// settleSent marks the deliveries and remembers what the number was told, so that a bare reply has a meaning. It may use the
// space that is kept for acknowledgements: what was sent and is not stored as sent rings again with every lease.
func (e *Engine) settleSent(ctx context.Context, c store.Claim, ds []store.Delivery, pages map[int64]page.Page, out notify.Outcome, now time.Time) error {
	change := store.Change{Now: now, Urgent: true}
	told := store.Sent{Contact: ds[0].Contact, At: now, Kind: ds[0].Kind, Delivery: ds[0].ID}
	for _, d := range ds {
		change.Settle = append(change.Settle, store.Settlement{Delivery: d.ID, Token: c.Token, State: store.SentState, At: now,
			ProviderID: out.ProviderID})
		if !slices.Contains(told.Pages, d.Page) {
			told.Pages, told.Rounds = append(told.Pages, d.Page), append(told.Rounds, d.Round)
		}
	}
	if ds[0].Kind.Answerable() {
		change.Sent = []store.Sent{told}
	}
	return e.settleChange(ctx, change)
}

// settleRetry makes the deliveries visible again after a backoff. What was certainly not sent is tried until nobody wants
// it any more, because that cannot ring twice; what may have been sent is given up after maxAttempts such attempts. The
// pages hear of it after failoverAfter attempts, or at once when the operators must act, so that the ladder moves on while
// the retries go on.
func (e *Engine) settleRetry(ctx context.Context, c store.Claim, ds []store.Delivery, out notify.Outcome, now time.Time) error {
	attempts, ambiguous := ds[0].Attempts, ds[0].Ambiguous
	if out.Certainty == notify.MaybeSent && ambiguous+1 >= maxAttempts {
		out.Reason = notify.ReasonExhausted
		return e.settleFailed(ctx, c, ds, out, now)
	}
	change := store.Change{Now: now}
	for _, d := range ds {
		change.Settle = append(change.Settle, store.Settlement{Delivery: d.ID, Token: c.Token, State: store.Pending, At: now,
			VisibleAt: now.Add(backoff(attempts, out.After)), Reason: out.Reason, Ambiguous: out.Certainty == notify.MaybeSent})
	}
	if err := e.settleChange(ctx, change); err != nil {
		return err
	}
	if attempts != failoverAfter && !(out.Alarm && attempts == 1) {
		return nil
	}
	return e.tellFailed(ctx, ds, out.Reason, now)
}

// backoff is 0.5, 1, 2, 4 … s, at most 30 s, and never less than what the provider asked for.
func backoff(attempts int, asked time.Duration) time.Duration {
	d := 250 * time.Millisecond << min(max(attempts, 1), 7)
	return max(min(d, 30*time.Second), asked)
}

// settleFailed gives the deliveries up and tells each page in the same commit as the settlement.
func (e *Engine) settleFailed(ctx context.Context, c store.Claim, ds []store.Delivery, out notify.Outcome, now time.Time) error {
	var failed error
	for _, d := range ds {
		s := store.Settlement{Delivery: d.ID, Token: c.Token, State: store.Failed, At: now, Reason: out.Reason}
		err := e.pageFailed(ctx, d, out.Reason, []store.Settlement{s}, now)
		if err != nil && !errors.Is(err, store.ErrFenced) {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// tellFailed tells the pages that a contact method does not work just now.
func (e *Engine) tellFailed(ctx context.Context, ds []store.Delivery, reason notify.Reason, now time.Time) error {
	var failed error
	for _, d := range ds {
		failed = errors.Join(failed, e.pageFailed(ctx, d, reason, nil, now))
	}
	return failed
}

func (e *Engine) pageFailed(ctx context.Context, d store.Delivery, reason notify.Reason, settle []store.Settlement, now time.Time) error {
	if d.Kind == notify.KindLetter {
		return e.letterFailed(ctx, d, reason, settle, now)
	}
	if d.Kind.Read() { // what is owed for an action item or a game day has no page
		return e.reminderFailed(ctx, d, settle, now)
	}
	p, err := e.store.Page(ctx, d.Page)
	if err != nil {
		return fmt.Errorf("load page %d: %w", d.Page, err)
	}
	ev := page.DeliveryFailed{Delivery: d.ID, Person: d.Person, Contact: d.Contact, Round: d.Round, Reason: reason}
	if d.Kind == notify.KindAlarm || d.Kind == notify.KindOver {
		if len(settle) == 0 {
			return nil
		}
		return e.settleChange(ctx, store.Change{Now: now, Settle: settle})
	}
	_, err = e.apply(ctx, p.Group, act{number: d.Page, event: ev, now: now, settle: settle})
	return err
}

// settleChange stores settlements; a lost claim is normal: another process has it.
func (e *Engine) settleChange(ctx context.Context, c store.Change) error {
	err := e.commit(ctx, c)
	if err != nil && !errors.Is(err, store.ErrFenced) {
		return fmt.Errorf("settle delivery: %w", err)
	}
	return nil
}

// patiently tries again while the store is unavailable. What is settled is guarded by its token, so that trying again
// what was stored after all is harmless.
func (e *Engine) patiently(ctx context.Context, settle func() error) error {
	err := settle()
	if e.patience == 0 || !errors.Is(err, store.ErrUnavailable) {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, e.patience)
	defer cancel()
	again := time.NewTicker(settleAgain)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return err
		case <-again.C:
			if err = settle(); !errors.Is(err, store.ErrUnavailable) {
				return err
			}
		}
	}
}

// settleAgain is how often an outcome is tried to be stored: a few times within a lease.
const settleAgain = 200 * time.Millisecond

// Progress takes what a provider's callback says. Old and repeated callbacks change nothing.
func (e *Engine) Progress(ctx context.Context, p notify.Progress, now time.Time) error {
	now = e.instant(now)
	d, err := e.store.Delivery(ctx, p.Delivery)
	if errors.Is(err, store.ErrNotFound) {
		return nil // of another installation, or trimmed
	}
	if err != nil {
		return fmt.Errorf("load delivery %s: %w", p.Delivery, err)
	}
	if p.Rank <= d.Rank && d.Rank != 0 {
		return nil
	}
	state := store.SentState
	switch {
	case p.Failed:
		state = store.Failed
	case p.Final:
		state = store.Delivered
	}
	// A call that ended without a digit rang in vain: whoever pressed one is remembered on the delivery.
	if p.Failed && d.Voiced {
		p.Failed, state = false, store.Delivered
	}
	members, err := e.bundle(ctx, d)
	if err != nil {
		return err
	}
	change := store.Change{Now: now}
	for _, m := range members {
		change.Settle = append(change.Settle, store.Settlement{Delivery: m.ID, State: state, At: now, ProviderID: p.ProviderID,
			Progress: p.State, Rank: p.Rank, Reason: p.Reason, Code: p.Code})
	}
	if err := e.settleChange(ctx, change); err != nil {
		return err
	}
	if !p.Failed {
		return nil
	}
	e.health.outcome(d.Channel, notify.Outcome{Certainty: notify.Sent}, now)
	return e.tellFailed(ctx, members, p.Reason, now)
}

// bundle returns every delivery that went out in the same message.
func (e *Engine) bundle(ctx context.Context, d store.Delivery) ([]store.Delivery, error) {
	if d.Bundle == "" {
		return []store.Delivery{d}, nil
	}
	members, err := e.store.Bundle(ctx, d.Bundle)
	if err != nil {
		return nil, fmt.Errorf("load bundle: %w", err)
	}
	return members, nil
}
