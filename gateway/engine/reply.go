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

// forgotten is how old a message must be that nobody still has a reply to it half written.
const forgotten = time.Hour

// remembered is how many of a number's messages are looked at to understand a reply.
const remembered = 50

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
		return message.Unknown(), nil
	}
	sent, err := e.store.Sent(ctx, contact.ID, remembered)
	if err != nil {
		return "", fmt.Errorf("load what the number was told: %w", err)
	}
	op := "sms/" + t.ID
	// What a text could mean is settled by its first webhook: one that was answered with a list is answered with it again.
	if i := slices.IndexFunc(sent, func(s store.Sent) bool { return s.Kind == "" && s.Delivery == op }); i >= 0 {
		pages, err := e.told(ctx, sent[i:i+1], func(page.Page) bool { return true })
		return message.Choose(e.subjects(pages), r.Verb), err
	}
	set, refusal, err := e.meant(ctx, r, sent, now)
	if err != nil {
		return "", err
	}
	if refusal != nil {
		return e.refuse(ctx, contact, refusal, r, op, now)
	}
	if len(set) == 0 {
		return message.NothingOpen(), nil
	}
	if r.Verb == notify.VerbStatus {
		return e.statusText(ctx, contact, set)
	}
	by := page.Actor{Person: contact.Person, Channel: string(notify.SMS), Raw: clip(t.Body, 160), Op: op}
	return e.actText(ctx, r.Verb, set, by, contact, now)
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
	return message.Answers(answers, e.zone(contact.Person)), nil
}

// closeIncidents: "resolve" to a page that is over means its incident.
func (e *Engine) closeIncidents(ctx context.Context, answers []page.Answer, by page.Actor, now time.Time) error {
	for i, a := range answers {
		if a.Code != page.AnswerAlreadyResolved || a.Incident == 0 {
			continue
		}
		word, err := e.Incident(ctx, a.Incident, incident.Resolve{By: by.Person, Channel: by.Channel}, now)
		if err != nil {
			return err
		}
		if word == "resolved" {
			answers[i].Code = page.AnswerResolved
		}
	}
	return nil
}

// mitigate records on each page's incident that users are well again.
func (e *Engine) mitigate(ctx context.Context, set []Ref, by page.Actor, now time.Time) (string, error) {
	var done []int64
	for _, ref := range set {
		p, err := e.store.Page(ctx, ref.Page)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return "", fmt.Errorf("load page %d: %w", ref.Page, err)
		}
		if p.Incident == 0 {
			continue
		}
		if _, err := e.Incident(ctx, p.Incident, incident.Mitigate{By: by.Person, Channel: by.Channel}, now); err != nil {
			return "", err
		}
		done = append(done, p.Incident)
	}
	slices.Sort(done)
	return message.Mitigated(slices.Compact(done)), nil
}

// meant says which pages a reply is about. refusal, when not nil, is the list that the person must choose from.
func (e *Engine) meant(ctx context.Context, r notify.Reply, sent []store.Sent, now time.Time) (set []Ref, refusal []page.Page, err error) {
	if len(r.Pages) > 0 {
		return numbered(r.Pages, sent), nil, nil
	}
	var recent []store.Sent // accepted so shortly before the reply that it cannot have been read
	latest := -1
	for i, s := range sent {
		if s.Kind != "" && now.Sub(s.At) <= replyGrace {
			recent = append(recent, s)
			continue
		}
		latest = i
		break
	}
	// Somebody who answers at once, and who was told of nothing else for long, can only mean what they were told now.
	alone := latest < 0 || now.Sub(sent[latest].At) > forgotten
	if alone && len(recent) == 1 && len(recent[0].Pages) == 1 {
		return refs(recent[0]), nil, nil
	}
	if latest < 0 {
		if len(recent) == 0 {
			return nil, nil, nil
		}
		refusal, err = e.choices(ctx, sent)
		return nil, refusal, err
	}
	last := sent[latest]
	set = refs(last)
	if r.Verb == notify.VerbStatus {
		return set, nil, nil
	}
	others, err := e.unacked(ctx, sent, last.Pages)
	if err != nil {
		return nil, nil, err
	}
	open, err := e.openOf(ctx, last.Pages)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case len(recent) > 0:
	case r.All:
		return set, nil, nil
	case len(last.Pages) == 1 && len(others) == 0 && last.Kind != "":
		return set, nil, nil
	case len(open) == 1 && len(others) == 0:
		return []Ref{refOf(last, open[0])}, nil, nil
	case len(open) == 0 && len(others) == 0:
		return set[:1], nil, nil
	}
	refusal, err = e.choices(ctx, sent)
	if err == nil && len(refusal) == 0 {
		return set[:1], nil, nil
	}
	return nil, refusal, err
}

// numbered takes written numbers, with the round of the newest message about each.
func numbered(pages []int64, sent []store.Sent) []Ref {
	var out []Ref
	for _, n := range pages {
		ref := Ref{Page: n}
		for _, s := range sent {
			if i := slices.Index(s.Pages, n); i >= 0 && i < len(s.Rounds) && s.Kind != "" {
				ref.Round = s.Rounds[i]
				break
			}
		}
		out = append(out, ref)
	}
	return out
}

func refs(s store.Sent) []Ref {
	out := make([]Ref, len(s.Pages))
	for i, n := range s.Pages {
		out[i] = refOf(s, n)
	}
	return out
}

func refOf(s store.Sent, number int64) Ref {
	ref := Ref{Page: number}
	if i := slices.Index(s.Pages, number); i >= 0 && i < len(s.Rounds) {
		ref.Round = s.Rounds[i]
	}
	return ref
}

// unacked returns the pages that this number was told of, other than those, which nobody has acknowledged.
func (e *Engine) unacked(ctx context.Context, sent []store.Sent, except []int64) ([]page.Page, error) {
	return e.told(ctx, sent, func(p page.Page) bool { return p.Status == page.Triggered && !slices.Contains(except, p.Number) })
}

// choices returns the open pages that this number was told of, unacknowledged ones first if there are any.
func (e *Engine) choices(ctx context.Context, sent []store.Sent) ([]page.Page, error) {
	open, err := e.told(ctx, sent, func(p page.Page) bool { return p.Open() })
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(open, func(a, b page.Page) int {
		if (a.Status == page.Triggered) != (b.Status == page.Triggered) {
			if a.Status == page.Triggered {
				return -1
			}
			return 1
		}
		return int(a.Number - b.Number)
	})
	return open, nil
}

// told returns the pages in what a number was told that fit.
func (e *Engine) told(ctx context.Context, sent []store.Sent, fits func(page.Page) bool) ([]page.Page, error) {
	seen := map[int64]bool{}
	var out []page.Page
	for _, s := range sent {
		for _, n := range s.Pages {
			if seen[n] {
				continue
			}
			seen[n] = true
			p, err := e.store.Page(ctx, n)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("load page %d: %w", n, err)
			}
			if fits(p) {
				out = append(out, p)
			}
		}
	}
	return out, nil
}

// openOf returns those of the pages that are not resolved.
func (e *Engine) openOf(ctx context.Context, pages []int64) ([]int64, error) {
	var out []int64
	open, err := e.told(ctx, []store.Sent{{Pages: pages}}, func(p page.Page) bool { return p.Open() })
	for _, p := range open {
		out = append(out, p.Number)
	}
	return out, err
}

// refuse answers a text with a list, which is what "all" means from now on.
func (e *Engine) refuse(ctx context.Context, contact notify.Contact, pages []page.Page, r notify.Reply, op string, now time.Time) (string, error) {
	told := store.Sent{Contact: contact.ID, At: now, Delivery: op}
	for _, p := range pages {
		told.Pages, told.Rounds = append(told.Pages, p.Number), append(told.Rounds, p.Round)
	}
	if err := e.commit(ctx, store.Change{Now: now, Urgent: true, Sent: []store.Sent{told}}); err != nil {
		return "", fmt.Errorf("remember the list: %w", err)
	}
	return message.Choose(e.subjects(pages), r.Verb), nil
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
