package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/notify"
	"pagerd/notify/message"
)

// Text is an SMS that arrived.
type Text struct {
	From string // E.164
	Body string
	ID   string // the provider's id; a repeated webhook is answered and changes nothing
	// OptOut is the provider's word that this was STOP, HELP or START; empty otherwise.
	OptOut string
}

// Reply does what a responder's SMS asks and returns the one short answer; empty = none. Only a configured number's
// owner counts. An error means that nothing was recorded.
func (e *Engine) Reply(ctx context.Context, t Text, now time.Time) (string, error) {
	now = e.instant(now)
	contact, known := e.config().Book.Owner(notify.SMS, t.From)
	if !known {
		e.log.Warn("reply of an unknown number", zap.String("from", notify.Mask(t.From)))
		return "", nil
	}
	r := notify.ParseReply(t.Body)
	if t.OptOut != "" {
		r = notify.Reply{Verb: notify.VerbCarrier}
	}
	e.log.Info("reply", zap.String("responder", contact.Person), zap.String("channel", "sms"), zap.String("verb", string(r.Verb)),
		zap.Int("pages", len(r.Pages)), zap.Bool("all", r.All))
	switch r.Verb {
	case notify.VerbCarrier:
		return "", e.optedOut(ctx, contact, t, now)
	case notify.VerbNone:
		if !e.replies.allow(contact.ID, now) {
			return "", nil
		}
		return message.UnknownLike(t.Body), nil
	}
	op := "sms/" + t.ID
	m, err := e.meaning(ctx, contact, r, op, now)
	switch {
	case err != nil:
		return "", err
	case m.Kind == kindHandled:
		return message.Answers(nil, e.zone(contact.Person)), nil
	case m.Kind == kindList:
		return e.chooseText(ctx, m, r)
	case len(m.Pages) == 0:
		return message.NothingOpen(), nil
	case r.Verb == notify.VerbStatus:
		return e.statusText(ctx, contact, refs(m))
	}
	by := page.Actor{Person: contact.Person, Channel: string(notify.SMS), Raw: clip(t.Body, 160), Op: op}
	if r.Verb.Leads() {
		return e.leadText(ctx, r, refs(m), by, contact, now)
	}
	return e.actText(ctx, r.Verb, refs(m), by, contact, now)
}

// actText acts on the set and answers in one message.
func (e *Engine) actText(ctx context.Context, verb notify.Verb, set []Ref, by page.Actor, contact notify.Contact, now time.Time) (string, error) {
	if verb == notify.VerbMitigated {
		return e.mitigate(ctx, set, by, now)
	}
	answers, err := e.Verb(ctx, verb, set, by, now)
	var refused *Refusal
	if errors.As(err, &refused) {
		return message.Refused(refused.Message, refused.Hint), nil
	}
	if err != nil {
		return "", err
	}
	answers = slices.DeleteFunc(answers, func(a page.Answer) bool { return a.Code == page.AnswerNone })
	if verb == notify.VerbResolve {
		if err := e.closeIncidents(ctx, answers, by, now); err != nil {
			return "", err
		}
	}
	return e.withRoom(ctx, message.Answers(answers, e.zone(contact.Person)), answers), nil
}

// withRoom adds where an incident's people meet to the answer of somebody who joins it, where there is space for it.
func (e *Engine) withRoom(ctx context.Context, text string, answers []page.Answer) string {
	if len(answers) != 1 || answers[0].Incident == 0 || answers[0].Code != page.AnswerComing && answers[0].Code != page.AnswerAcked {
		return text
	}
	in, err := e.living(ctx, answers[0].Incident)
	if err != nil || in.WarRoom == "" { // what was asked is done: it is answered without
		return text
	}
	return message.WithRoom(text, in.WarRoom)
}

// closeIncidents: "resolve" to a page that is over means its incident.
func (e *Engine) closeIncidents(ctx context.Context, answers []page.Answer, by page.Actor, now time.Time) error {
	for i, a := range answers {
		if a.Code != page.AnswerAlreadyResolved || a.Incident == 0 {
			continue
		}
		in, err := e.living(ctx, a.Incident)
		if err != nil {
			return err
		}
		word, err := e.Incident(ctx, in.Number, incident.Resolve{By: by.Person, Channel: by.Channel}, opFor(by.Op, "incident", in.Number), now)
		if err != nil {
			return err
		}
		if word == incident.AnswerResolved {
			answers[i].Code = page.AnswerResolved
		}
	}
	return nil
}

// mitigate records on each page's incident that users are well again.
func (e *Engine) mitigate(ctx context.Context, set []Ref, by page.Actor, now time.Time) (string, error) {
	var done, over []int64
	for _, ref := range set {
		p, err := e.store.Page(ctx, ref.Page)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return "", fmt.Errorf("load page %d: %w", ref.Page, err)
		}
		op := opFor(by.Op, "mitigate", ref.Page)
		if p.Incident == 0 {
			if err := e.settleOnly(ctx, store.Change{Op: op, Now: now, Urgent: true}); err != nil && !errors.Is(err, store.ErrApplied) {
				return "", err
			}
			continue
		}
		in, err := e.living(ctx, p.Incident)
		if err != nil {
			return "", err
		}
		if slices.Contains(done, in.Number) {
			continue
		}
		word, err := e.Incident(ctx, in.Number, incident.Mitigate{By: by.Person, Channel: by.Channel}, op, now)
		if err != nil {
			return "", err
		}
		if word == incident.AnswerAlreadyResolved {
			over = append(over, in.Number)
			continue
		}
		done = append(done, in.Number)
	}
	slices.Sort(done)
	if len(done) == 0 && len(over) > 0 {
		return message.Leads([]message.Led{{Incident: over[0], Verb: notify.VerbMitigated, Word: incident.AnswerAlreadyResolved}}), nil
	}
	return message.Mitigated(done), nil
}

// chooseText is the list that somebody must choose from.
func (e *Engine) chooseText(ctx context.Context, list store.Sent, r notify.Reply) (string, error) {
	pages, err := e.told(ctx, []store.Sent{list}, func(page.Page) bool { return true })
	return message.Choose(e.subjects(pages), r), err
}

func (e *Engine) subjects(pages []page.Page) []notify.Subject {
	out := make([]notify.Subject, len(pages))
	for i, p := range pages {
		out[i] = e.subject(p)
	}
	return out
}

func (e *Engine) statusText(ctx context.Context, contact notify.Contact, set []Ref) (string, error) {
	var subjects []notify.Subject
	for _, ref := range set {
		p, err := e.store.Page(ctx, ref.Page)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("load page %d: %w", ref.Page, err)
		}
		subjects = append(subjects, e.subject(p))
	}
	return message.Status(subjects, e.zone(contact.Person)), nil
}

// optedOut: the carrier blocks this number from now on, so that whatever rings it must choose another way at once.
func (e *Engine) optedOut(ctx context.Context, contact notify.Contact, t Text, now time.Time) error {
	if strings.ToUpper(t.OptOut) != "STOP" && !notify.StopWord(t.Body) {
		return nil
	}
	e.metrics.Alarms.WithLabelValues(string(notify.ReasonOptedOut)).Inc()
	e.log.Warn("a responder opted out of SMS: the carrier will refuse every page", zap.String("responder", contact.Person))
	sent, err := e.store.Sent(ctx, contact.ID, remembered)
	if err != nil {
		return fmt.Errorf("load what the number was told: %w", err)
	}
	pages, err := e.told(ctx, sent, func(p page.Page) bool { return p.Status == page.Triggered })
	if err != nil {
		return err
	}
	for _, p := range pages {
		ev := page.DeliveryFailed{Person: contact.Person, Contact: contact.ID, Round: p.Round, Reason: notify.ReasonOptedOut}
		if _, err := e.apply(ctx, p.Group, act{number: p.Number, event: ev, op: fmt.Sprintf("optout/%s/%d", t.ID, p.Number), now: now}); err != nil {
			return err
		}
	}
	return nil
}

// zone is where a person reads times.
func (e *Engine) zone(person string) *time.Location {
	if p, ok := e.config().Book.People[person]; ok && p.Zone != nil {
		return p.Zone
	}
	return time.UTC
}

// clip cuts a foreign text to n runes.
func clip(s string, n int) string {
	r := []rune(s)
	return string(r[:min(len(r), n)])
}
