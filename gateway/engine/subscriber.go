package engine

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"pagerd/gateway/mailing"
	"pagerd/gateway/store"
	"pagerd/notify"
	"pagerd/notify/message"
)

// The contacts of letters to strangers: who asked and has not confirmed, and who has.
const (
	applicantPrefix  = "applicant/"
	subscriberPrefix = "subscriber/"
)

func subscriberContact(number int64) string { return subscriberPrefix + strconv.FormatInt(number, 10) }

// subscriberOf is the number in a subscriber's contact.
func subscriberOf(contact string) (int64, bool) {
	text, ok := strings.CutPrefix(contact, subscriberPrefix)
	n, err := strconv.ParseInt(text, 10, 64)
	return n, ok && err == nil
}

// invitationLife is how long the link works by which the owner of an address asks for the updates.
const invitationLife = 48 * time.Hour

// How many invitations strangers can make pagerd send: enough for everybody who reads the status page of an outage, too few
// to be of use for flooding others.
const (
	maxInvitations   = 100
	invitationWindow = 10 * time.Minute
)

// ErrTooMany: strangers asked for too many invitations lately. Try again in a few minutes.
var ErrTooMany = errors.New("too many people ask for the updates just now")

// invitations bounds how many are sent.
type invitations struct {
	mu sync.Mutex
	at []time.Time // oldest first, within the window
}

func (i *invitations) allow(now time.Time) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	for len(i.at) > 0 && now.Sub(i.at[0]) >= invitationWindow {
		i.at = i.at[1:]
	}
	if len(i.at) >= maxInvitations {
		return false
	}
	i.at = append(i.at, now)
	return true
}

// Invite mails the owner of an address a link by which they ask for the public updates: nothing is sent to an address, and
// nothing of it is kept, that its owner has not confirmed. An address is invited once a day, whoever types it; the answer is
// the same then, so that nobody finds out who reads. A [Refusal] or ErrTooMany otherwise.
func (e *Engine) Invite(ctx context.Context, typed string, now time.Time) error {
	now = e.instant(now)
	if err := e.subscribable(); err != nil {
		return err
	}
	address, ok := mailing.Address(typed)
	if !ok {
		return &Refusal{Message: "that is no mail address", Hint: "write it like name@example.com"}
	}
	if !e.invited.allow(now) {
		return ErrTooMany
	}
	number, day := mailing.NumberOf(address), now.Unix()/int64(24*time.Hour/time.Second)
	applicant := notify.Contact{ID: applicantPrefix + strconv.FormatInt(number, 10)}
	c := store.Change{Op: fmt.Sprintf("invite/%d/%d", number, day), Now: now,
		Deliveries: []store.Delivery{letterTo(applicant, number, int(day), address, now)}}
	if err := e.commit(ctx, c); err != nil && !errors.Is(err, store.ErrApplied) {
		return fmt.Errorf("store an invitation: %w", err)
	}
	return nil
}

// subscribable refuses strangers where nothing is mailed to them, or nothing any more.
func (e *Engine) subscribable() error {
	if e.config().StatusPage.Subscribe {
		return nil
	}
	return &Refusal{Message: "the updates are not mailed", Hint: "there is a feed"}
}

// invitation is the mail to who typed an address, or to whom somebody else wanted to annoy.
func (e *Engine) invitation(n notify.Notification, d store.Delivery) notify.Notification {
	if e.letters.Confirm != nil {
		n.Link = e.letters.Confirm(d.Text, d.At.Add(invitationLife))
	}
	return message.Invitation(n, e.config().StatusPage.Title)
}

// subscriber loads one; the zero Subscriber when there never was one.
func (e *Engine) subscriber(ctx context.Context, number int64) (s mailing.Subscriber, r store.Record, err error) {
	r, err = e.loadRecord(ctx, store.Subscriber, number, &s)
	return s, r, err
}

// Subscribe records that the owner of an address wants the updates; it is one that a link of ours held. Doing it again
// changes nothing. A [Refusal] where nothing is mailed any more.
func (e *Engine) Subscribe(ctx context.Context, address string, now time.Time) error {
	if err := e.subscribable(); err != nil {
		return err
	}
	return e.changeSubscriber(ctx, mailing.NumberOf(address), mailing.Confirm{Address: address}, nil, now)
}

// Unsubscribe ends a subscription and forgets its address. Doing it again changes nothing.
func (e *Engine) Unsubscribe(ctx context.Context, number int64, ev mailing.Leave, now time.Time) error {
	return e.changeSubscriber(ctx, number, ev, nil, now)
}

// changeSubscriber applies an event, in the same commit as the settlements if there are some.
func (e *Engine) changeSubscriber(ctx context.Context, number int64, ev mailing.Event, settle []store.Settlement, now time.Time) error {
	now = e.instant(now)
	for range maxConflicts {
		prev, r, err := e.subscriber(ctx, number)
		if err != nil {
			return err
		}
		c := store.Change{Now: now, Settle: settle}
		next, fx := mailing.Next(prev, ev, now)
		if fx.Changed {
			if err := e.putRecord(&c, r, next, next.Active(), time.Time{}, fx.Entry); err != nil {
				return err
			}
		}
		err = e.commit(ctx, c) // also when nothing changes: what was read is durable before somebody is told so
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return fmt.Errorf("store a subscriber: %w", err)
		}
		return nil
	}
	return fmt.Errorf("store a subscriber: %w", store.ErrConflict)
}

// maxSubscribers bounds how many are listed.
const maxSubscribers = 10_000

// Subscribers returns who is mailed the public updates, newest number first, at most 10,000.
func (e *Engine) Subscribers(ctx context.Context) ([]mailing.Subscriber, error) {
	return records[mailing.Subscriber](ctx, e, store.Subscriber, store.Filter{Open: true, Limit: maxSubscribers})
}

// letterFailed settles a letter that will not be sent. A mailbox that refuses for good again and again is not written to any more.
func (e *Engine) letterFailed(ctx context.Context, d store.Delivery, reason notify.Reason, settle []store.Settlement, now time.Time) error {
	if len(settle) == 0 { // it is tried again
		return nil
	}
	if number, ok := subscriberOf(d.Contact); ok && reason == notify.ReasonBadNumber {
		err := e.changeSubscriber(ctx, number, mailing.Refused{}, settle, now)
		if errors.Is(err, store.ErrFenced) {
			return nil
		}
		return err
	}
	c := store.Change{Now: now, Settle: settle}
	if d.Channel == notify.Tracker {
		e.untold(&c, d, reason)
	}
	return e.settleChange(ctx, c)
}
