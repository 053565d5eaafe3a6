package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/notify"
	"pagerd/notify/message"
)

// Spoken is what a call says next.
type Spoken struct {
	Paragraphs []string
	Digits     bool // digits are offered afterwards; false = the call ends
}

// Script is what a person hears when they pick up: the pages as they are now, and the truth if others were faster.
func (e *Engine) Script(ctx context.Context, id string, now time.Time) (Spoken, error) {
	now = e.instant(now)
	members, pages, contact, err := e.call(ctx, id)
	if err != nil {
		return Spoken{}, err
	}
	var open []store.Delivery
	for _, d := range members {
		if ok, _ := e.wanted(pages[d.Page], d); ok {
			open = append(open, d)
		}
	}
	if len(open) == 0 {
		var subjects []notify.Subject
		for _, d := range members {
			subjects = append(subjects, e.subject(pages[d.Page]))
		}
		return Spoken{Paragraphs: message.SpokenStatus(subjects, e.zone(contact.Person))}, nil
	}
	n := e.notification(open, pages, contact, now)
	n.Text = open[0].Text // an alarm's own sentence, which rendering has put into its frame
	return Spoken{Paragraphs: message.Spoken(n), Digits: n.Kind.Answerable()}, nil
}

// Digit does what a keypress asks and says what it came to. Only the announced digits act; a machine that answers does not.
func (e *Engine) Digit(ctx context.Context, id, call, digit string, now time.Time) (Spoken, error) {
	now = e.instant(now)
	members, pages, contact, err := e.call(ctx, id)
	if err != nil {
		return Spoken{}, err
	}
	verb := notify.ParseDigit(digit).Verb
	e.log.Info("digit", zap.String("responder", contact.Person), zap.String("channel", "voice"), zap.String("verb", string(verb)),
		zap.String("delivery", id))
	switch verb {
	case notify.VerbAck, notify.VerbResolve, notify.VerbEscalate:
	case notify.VerbRunbook:
		return Spoken{Paragraphs: message.SpokenRunbook(e.notification(members, pages, contact, now)), Digits: true}, nil
	case notify.VerbRepeat:
		return e.Script(ctx, id, now)
	default:
		return Spoken{Paragraphs: message.SpokenUnknown(), Digits: true}, nil
	}
	var set []Ref
	voiced := store.Change{Now: now, Urgent: true}
	for _, d := range members {
		set = append(set, Ref{Page: d.Page, Round: d.Round})
		voiced.Settle = append(voiced.Settle, store.Settlement{Delivery: d.ID, State: store.SentState, At: now, Voiced: true})
	}
	if err := e.settleChange(ctx, voiced); err != nil {
		return Spoken{}, err
	}
	by := page.Actor{Person: contact.Person, Channel: string(notify.Voice), Raw: clip(digit, 16), Op: "voice/" + call + "/" + digit}
	answers, err := e.Verb(ctx, verb, set, by, now)
	if err != nil {
		return Spoken{}, err
	}
	return Spoken{Paragraphs: message.SpokenAnswers(answers, e.zone(contact.Person))}, nil
}

// call loads what a call is about.
func (e *Engine) call(ctx context.Context, id string) ([]store.Delivery, map[int64]page.Page, notify.Contact, error) {
	d, err := e.store.Delivery(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, notify.Contact{}, &Refusal{Message: "there is no such call", Hint: "the page is gone"}
	}
	if err != nil {
		return nil, nil, notify.Contact{}, fmt.Errorf("load delivery %s: %w", id, err)
	}
	members, err := e.bundle(ctx, d)
	if err != nil {
		return nil, nil, notify.Contact{}, err
	}
	contact, _ := e.contact(d)
	contact.Person = d.Person
	pages := map[int64]page.Page{}
	for _, m := range members {
		p, err := e.store.Page(ctx, m.Page)
		if err != nil {
			return nil, nil, notify.Contact{}, fmt.Errorf("load page %d: %w", m.Page, err)
		}
		pages[m.Page] = p
	}
	return members, pages, contact, nil
}

// LinkSubjects returns what a mail's link is about, as it is now.
func (e *Engine) LinkSubjects(ctx context.Context, l Link) ([]notify.Subject, error) {
	var out []notify.Subject
	for _, n := range l.Pages {
		p, err := e.store.Page(ctx, n)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("load page %d: %w", n, err)
		}
		out = append(out, e.subject(p))
	}
	return out, nil
}

// FollowLink does what was pressed on the one-button page and returns the sentence that the person sees.
func (e *Engine) FollowLink(ctx context.Context, l Link, verb notify.Verb, now time.Time) (string, error) {
	var set []Ref
	for i, n := range l.Pages {
		ref := Ref{Page: n}
		if i < len(l.Rounds) {
			ref.Round = l.Rounds[i]
		}
		set = append(set, ref)
	}
	by := page.Actor{Person: l.Person, Channel: string(notify.Email), Raw: string(verb)}
	return e.actText(ctx, verb, set, by, notify.Contact{Person: l.Person}, e.instant(now))
}
