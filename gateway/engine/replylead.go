package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/notify"
	"pagerd/notify/message"
)

// leadText does what a text asks of the incidents of a set of pages, and answers in one message.
func (e *Engine) leadText(ctx context.Context, r notify.Reply, set []Ref, by page.Actor, contact notify.Contact, now time.Time) (string, error) {
	var done []int64
	var answers []message.Led
	for _, ref := range set {
		p, err := e.store.Page(ctx, ref.Page)
		if errors.Is(err, store.ErrNotFound) {
			return message.Refused(fmt.Sprintf("There is no page %d, nothing changed", ref.Page), "Reply with the number in the message"), nil
		}
		if err != nil {
			return "", fmt.Errorf("load page %d: %w", ref.Page, err)
		}
		in, err := e.living(ctx, p.Incident)
		if err != nil {
			return "", err
		}
		by := by
		by.Round = ref.Round
		by.Op = opFor(by.Op, "lead", p.Number) // by what the text means, which is stored: it is the same for ever
		if p.Incident == 0 || in.Version == 0 {
			return e.leadPage(ctx, r, p, by, contact, now)
		}
		if slices.Contains(done, in.Number) {
			continue
		}
		done = append(done, in.Number)
		led, err := e.leadIncident(ctx, r, in, p, by, now)
		var refused *Refusal
		if errors.As(err, &refused) {
			return e.refuseText(ctx, message.Refused(refused.Message, refused.Hint), by.Op, now)
		}
		if err != nil {
			return "", err
		}
		answers = append(answers, led)
		e.metrics.Replies.WithLabelValues(by.Channel, string(r.Verb)).Inc()
	}
	return message.Leads(answers), nil
}

// leadIncident does it to one incident. p is the page that the text is about.
func (e *Engine) leadIncident(ctx context.Context, r notify.Reply, in incident.Incident, p page.Page, by page.Actor, now time.Time) (message.Led, error) {
	led := message.Led{Incident: in.Number, Verb: r.Verb, Severity: r.Severity, Me: by.Person}
	var err error
	switch r.Verb {
	case notify.VerbNote:
		// Asked whether they are still on it, a note is a yes.
		if _, err := e.Do(ctx, p.Number, page.Extend{By: by}, opFor(by.Op, "extend", p.Number), now); err != nil {
			return led, err
		}
		led.Word, err = e.Incident(ctx, in.Number, incident.Note{By: by.Person, Channel: by.Channel, Text: r.Text}, by.Op, now)
	case notify.VerbSeverity:
		led.Word, err = e.SetIncidentSeverity(ctx, in.Number, r.Severity, by, now)
	case notify.VerbCommand:
		var who string
		if who, err = e.person(r.Name, by); err != nil {
			return led, err
		}
		led.People = []string{who}
		led.Word, err = e.Assign(ctx, in.Number, incident.RoleCommander, who, false, by, now)
	case notify.VerbCall:
		led.Word, led.People, err = e.CallIn(ctx, in.Number, r.Name, by, now)
	}
	return led, err
}

// leadPage is for a page that is no incident: it has a severity and takes notes.
func (e *Engine) leadPage(ctx context.Context, r notify.Reply, p page.Page, by page.Actor, contact notify.Contact, now time.Time) (string, error) {
	var ev page.Event
	switch r.Verb {
	case notify.VerbNote:
		ev = page.Note{By: by, Text: r.Text}
	case notify.VerbSeverity:
		policy, targets, ok := e.config().Routing.Plan(p.Policy.Name, r.Severity)
		if !ok {
			return e.refuseText(ctx, message.Refused(fmt.Sprintf("The policy of page %d is no longer configured, nothing changed", p.Number), ""), by.Op, now)
		}
		ev = page.SetSeverity{By: by, To: r.Severity, Policy: policy, Targets: targets}
	default:
		hint := fmt.Sprintf("Reply 4 %d to acknowledge it first", p.Number)
		return e.refuseText(ctx, message.Refused(fmt.Sprintf("Page %d is no incident yet, nothing changed", p.Number), hint), by.Op, now)
	}
	a, err := e.Do(ctx, p.Number, ev, by.Op, now)
	if err != nil {
		return "", err
	}
	e.metrics.Replies.WithLabelValues(by.Channel, string(r.Verb)).Inc()
	if a.Code == page.AnswerNone {
		return message.Answers(nil, e.zone(contact.Person)), nil
	}
	return message.Answers([]page.Answer{a}, e.zone(contact.Person)), nil
}

// refuseText stores that a text was refused: repeated hours later it must not do then what it did not do now.
func (e *Engine) refuseText(ctx context.Context, answer, op string, now time.Time) (string, error) {
	err := e.settleOnly(ctx, store.Change{Op: op, Now: now, Urgent: true})
	if err != nil && !errors.Is(err, store.ErrApplied) {
		return "", err
	}
	return answer, nil
}
