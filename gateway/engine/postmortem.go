package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/postmortem"
	"pagerd/gateway/store"
	"pagerd/gateway/timeline"
	"pagerd/notify/message"
)

// maxDrafted is how many pages of an incident a draft looks into: a storm's later ones say the same.
const maxDrafted = 50

func (e *Engine) postmortemRule(s alert.Severity) postmortem.Rule {
	return e.config().Severities[s].Postmortem
}

// owePostmortem adds the postmortem that an incident needs to the change that ends it, or that tells more of one that ended.
// What is damaged never keeps an incident from ending: the draft does without it, and a damaged postmortem is left as it is.
func (e *Engine) owePostmortem(ctx context.Context, c *store.Change, in incident.Incident) error {
	if in.Status != incident.Resolved || in.Drill {
		return nil
	}
	why, rule, need := postmortem.Needs(in, e.postmortemRule)
	if !need {
		return nil
	}
	var prev postmortem.Postmortem
	r, err := e.loadRecord(ctx, store.Postmortem, in.Number, &prev)
	if errors.Is(err, store.ErrDamaged) {
		e.log.Error("a damaged postmortem cannot be begun again", zap.Int64("incident", in.Number), zap.Error(err))
		return nil
	}
	if err != nil {
		return err
	}
	return e.beginPostmortem(ctx, c, r, prev, postmortem.Begin{Incident: in, Why: why, Rule: rule})
}

func (e *Engine) beginPostmortem(ctx context.Context, c *store.Change, r store.Record, prev postmortem.Postmortem, ev postmortem.Begin) (err error) {
	if ev.Text, err = e.draft(ctx, ev.Incident, c.Entries); err != nil {
		return err
	}
	next, fx := postmortem.Next(prev, ev, c.Now)
	if !fx.Changed {
		return nil
	}
	return e.putRecord(c, r, next, next.Open(), next.NagDue, fx.Entry)
}

// draft writes a postmortem's first text from what is stored, and from the entries that are about to be.
func (e *Engine) draft(ctx context.Context, in incident.Incident, fresh []timeline.Entry) (string, error) {
	m := postmortem.Material{Incident: in, Zone: e.reportZone()}
	objects := []string{fmt.Sprintf("incident/%d", in.Number)}
	for i, n := range in.Pages {
		if i == maxDrafted {
			break
		}
		p, err := e.store.Page(ctx, n)
		if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDamaged) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("load page %d: %w", n, err)
		}
		m.Pages, objects = append(m.Pages, p), append(objects, fmt.Sprintf("page/%d", n))
	}
	for _, o := range objects {
		entries, err := e.store.Timeline(ctx, o)
		if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrDamaged) {
			return "", fmt.Errorf("load the timeline of %s: %w", o, err)
		}
		m.Entries = append(m.Entries, entries...)
		for _, f := range fresh {
			if f.Object == o && f.Seq > int64(len(entries)) {
				m.Entries = append(m.Entries, f)
			}
		}
	}
	if in.RootCause != "" {
		all, err := records[postmortem.Postmortem](ctx, e, store.Postmortem, store.Filter{Limit: maxEarlier})
		if err != nil {
			return "", err
		}
		m.Earlier = postmortem.Repeats(all, in.RootCause, in.Number)
	}
	return postmortem.Make(m), nil
}

// maxEarlier is how many postmortems a draft looks into for the same root cause: an incident's end does not wait for all.
const maxEarlier = 100

// maxLibrary is how many postmortems are searched: years of them.
const maxLibrary = 2000

// Postmortems returns them, newest first; open leaves out those that are published or waived. One that cannot be read is left out.
func (e *Engine) Postmortems(ctx context.Context, open bool) ([]postmortem.Postmortem, error) {
	return records[postmortem.Postmortem](ctx, e, store.Postmortem, store.Filter{Open: open, Limit: maxLibrary})
}

// LoadPostmortem returns an incident's postmortem, or a [Refusal].
func (e *Engine) LoadPostmortem(ctx context.Context, number int64) (postmortem.Postmortem, error) {
	p, _, err := e.havePostmortem(ctx, number)
	return p, err
}

func (e *Engine) havePostmortem(ctx context.Context, number int64) (p postmortem.Postmortem, r store.Record, err error) {
	if r, err = e.loadRecord(ctx, store.Postmortem, number, &p); err == nil && r.Version == 0 {
		err = &Refusal{Message: fmt.Sprintf("incident %d has no postmortem", number),
			Hint: fmt.Sprintf("one begins by itself when an incident of SEV-1 or SEV-2 ends; pagerd postmortem begin %d asks for one", number)}
	}
	return p, r, err
}

// BeginPostmortem begins one that is not required. The incident must be over.
func (e *Engine) BeginPostmortem(ctx context.Context, number int64, by, op string, now time.Time) (postmortem.Postmortem, error) {
	now = e.instant(now)
	for range maxConflicts {
		in, err := e.loadIncident(ctx, number)
		if err != nil {
			return postmortem.Postmortem{}, err
		}
		if in.Status != incident.Resolved {
			return postmortem.Postmortem{}, &Refusal{Message: fmt.Sprintf("incident %d is %s", number, in.Status), Hint: "a postmortem begins when the incident is resolved"}
		}
		var prev postmortem.Postmortem
		r, err := e.loadRecord(ctx, store.Postmortem, number, &prev)
		if err != nil {
			return prev, err
		}
		c := store.Change{Op: op, Now: now, Urgent: true}
		if err := e.beginPostmortem(ctx, &c, r, prev, postmortem.Begin{Incident: in, Why: postmortem.WhyAsked, By: by}); err != nil {
			return prev, err
		}
		if len(c.Records) == 0 {
			return prev, nil
		}
		err = e.commit(ctx, c)
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil && !errors.Is(err, store.ErrApplied) {
			return prev, fmt.Errorf("store postmortem %d: %w", number, err)
		}
		return e.LoadPostmortem(ctx, number)
	}
	return postmortem.Postmortem{}, fmt.Errorf("store postmortem %d: %w", number, store.ErrConflict)
}

// Postmortem applies a person's event to a postmortem. Publishing records its action items, and moves the incident to its
// last phase, in the same commit.
func (e *Engine) Postmortem(ctx context.Context, number int64, ev postmortem.Event, by page.Actor, now time.Time) (postmortem.Postmortem, postmortem.Effects, error) {
	now = e.instant(now)
	for range maxConflicts {
		prev, r, err := e.havePostmortem(ctx, number)
		if err != nil {
			return prev, postmortem.Effects{}, err
		}
		c := store.Change{Op: by.Op, Now: now, Urgent: true}
		if pub, ok := ev.(postmortem.Publish); ok && prev.Open() {
			if ev, err = e.publish(ctx, &c, prev, pub, by); err != nil {
				return prev, postmortem.Effects{}, err
			}
		}
		next, fx := postmortem.Next(prev, ev, now)
		if !fx.Changed {
			return prev, fx, nil
		}
		if err := e.putRecord(&c, r, next, next.Open(), next.NagDue, fx.Entry); err != nil {
			return prev, fx, err
		}
		err = e.commit(ctx, c)
		switch {
		case errors.Is(err, store.ErrConflict):
			continue
		case errors.Is(err, store.ErrApplied):
			p, err := e.LoadPostmortem(ctx, number)
			return p, postmortem.Effects{Answer: postmortem.AnswerRepeated}, err
		case err != nil:
			return prev, fx, fmt.Errorf("store postmortem %d: %w", number, err)
		}
		return next, fx, nil
	}
	return postmortem.Postmortem{}, postmortem.Effects{}, fmt.Errorf("store postmortem %d: %w", number, store.ErrConflict)
}

// publish adds the action items and the incident's last phase to the change, if the text is complete.
func (e *Engine) publish(ctx context.Context, c *store.Change, p postmortem.Postmortem, ev postmortem.Publish, by page.Actor) (postmortem.Event, error) {
	if len(postmortem.Problems(p.Text)) > 0 {
		return ev, nil // the machine says so
	}
	rows, _ := postmortem.Rows(p.Text)
	for _, row := range rows {
		if err := e.known(row.Item.Owner); err != nil {
			return nil, err
		}
	}
	var numbers []int64
	for _, row := range rows {
		if row.Number != 0 {
			if a, _, err := e.haveAction(ctx, row.Number); err != nil || a.Incident != p.Incident {
				return nil, &Refusal{Message: fmt.Sprintf("the row %q names action item %d, which is not one of this incident", clip(row.Item.Title, 60), row.Number),
					Hint: "leave the first column empty: pagerd writes the number"}
			}
			continue
		}
		n, err := e.store.NextNumber(ctx)
		if err != nil {
			return nil, fmt.Errorf("allocate the number of an action item: %w", err)
		}
		numbers = append(numbers, n)
		a, fx := postmortem.NextAction(postmortem.Action{}, postmortem.Open{Number: n, Incident: p.Incident, Service: p.Service, Cause: p.Cause,
			By: by.Person, Item: row.Item, Zone: e.reportZone()}, c.Now)
		if err := e.putAction(c, store.Record{Kind: store.Action, Number: n}, postmortem.Action{}, a, fx); err != nil {
			return nil, err
		}
	}
	ev.Text = postmortem.WithNumbers(p.Text, numbers)
	in, err := e.loadIncident(ctx, p.Incident)
	if err != nil {
		return nil, err
	}
	next, fx := incident.Next(in, incident.Learned{By: by.Person, Channel: by.Channel, RootCause: clip(p.Cause, 500)}, c.Now)
	if !fx.Changed {
		return ev, nil
	}
	return ev, e.putIncidentAlone(ctx, c, next, fx)
}

// known refuses a name that nobody has: nobody would be asked for what is theirs.
func (e *Engine) known(person string) error {
	if _, ok := e.config().Book.People[person]; ok {
		return nil
	}
	return &Refusal{Message: fmt.Sprintf("no person is called %q", clip(person, 40)), Hint: "the owner is a name under people: in the configuration"}
}

// firePostmortem asks for a postmortem that is due.
func (e *Engine) firePostmortem(ctx context.Context, number int64, now time.Time) error {
	p, r, err := e.havePostmortem(ctx, number)
	if err != nil {
		return err
	}
	_, about, err := e.about(ctx, number)
	if err != nil {
		return err
	}
	next, fx := postmortem.Next(p, postmortem.Due{Opens: e.opens(about, now)}, now)
	if !fx.Changed {
		return nil
	}
	c := store.Change{Now: now}
	e.nag(&c, about, fx.Nag, next.Owner, func(owner string) string {
		return message.PostmortemOwed(number, next.Severity, next.Service, owner, next.Deadline.Sub(now))
	}, number, &next.Sends)
	if err := e.putRecord(&c, r, next, next.Open(), next.NagDue, fx.Entry); err != nil {
		return err
	}
	return e.commit(ctx, c)
}

// maxOwed is how many open action items are looked at for a page that comes again.
const maxOwed = 200

// learned says what is known of an incident whose group pages again: its root cause, and what should have been done since.
// It never keeps a page from ringing: what cannot be read is not said.
func (e *Engine) learned(ctx context.Context, number int64, now time.Time) string {
	if number == 0 {
		return ""
	}
	var p postmortem.Postmortem
	if r, err := e.loadRecord(ctx, store.Postmortem, number, &p); err != nil || r.Version == 0 || p.Cause == "" {
		return ""
	}
	text := fmt.Sprintf("It happened before (incident %d): %s.", number, strings.TrimRight(p.Cause, "."))
	open, err := records[postmortem.Action](ctx, e, store.Action, store.Filter{Open: true, Limit: maxOwed})
	if err != nil {
		return clip(text, 300)
	}
	var late []string
	for _, a := range open {
		if (a.Incident == number || postmortem.Same(a.Cause, p.Cause)) && e.OverdueAction(a, now) {
			late = append(late, fmt.Sprintf("#%d %s (%s, %s)", a.Number, clip(a.Title, 60), a.Owner, a.Due))
		}
	}
	if len(late) > 0 {
		text += " Overdue since then: " + strings.Join(late, "; ") + "."
	}
	return clip(text, 300)
}
