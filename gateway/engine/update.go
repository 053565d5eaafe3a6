package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"pagerd/gateway/incident"
	"pagerd/gateway/mailing"
	"pagerd/gateway/postmortem"
	"pagerd/gateway/practice"
	"pagerd/gateway/store"
	"pagerd/gateway/update"
	"pagerd/notify/message"
)

// updateSends keeps the ids of the messages that ask for an update apart, see checklistSends.
const updateSends = 20_000_000

// Updates returns what was told of an incident, or a [Refusal].
func (e *Engine) Updates(ctx context.Context, number int64) (update.Log, incident.Incident, error) {
	l, _, in, err := e.updates(ctx, number)
	return l, in, err
}

func (e *Engine) updates(ctx context.Context, number int64) (update.Log, store.Record, incident.Incident, error) {
	l := update.Log{Incident: number}
	in, err := e.loadIncident(ctx, number)
	if err != nil {
		return l, store.Record{}, in, err
	}
	r, err := e.loadRecord(ctx, store.Update, number, &l)
	return l, r, in, err
}

// PostUpdate records what was told of an incident. With an op that was applied before, nothing is recorded again; the
// answer is how it stands.
func (e *Engine) PostUpdate(ctx context.Context, number int64, ev update.Post, op string, now time.Time) (update.Log, incident.Incident, error) {
	now = e.instant(now)
	for range maxConflicts {
		l, r, in, err := e.updates(ctx, number)
		if err != nil {
			return l, in, err
		}
		if err := tellable(in, ev.State); err != nil {
			return l, in, err
		}
		if ev.Mailing = 0; e.hasReaders(ev.To, in.Service) {
			ev.Mailing = updateNumber(number, r.Version+1)
		}
		ev.Severity = in.Severity
		c := store.Change{Op: op, Now: now, Urgent: true}
		next, err := e.putUpdate(&c, r, l, ev)
		if err != nil {
			return l, in, err
		}
		err = e.commit(ctx, c)
		switch {
		case errors.Is(err, store.ErrConflict):
			continue
		case errors.Is(err, store.ErrApplied):
			return e.Updates(ctx, number)
		case err != nil:
			return l, in, fmt.Errorf("store the updates of incident %d: %w", number, err)
		}
		return next, in, nil
	}
	return update.Log{}, incident.Incident{}, fmt.Errorf("store the updates of incident %d: %w", number, store.ErrConflict)
}

// putUpdate adds an update, and its mailing if it has readers, to a change.
func (e *Engine) putUpdate(c *store.Change, r store.Record, l update.Log, ev update.Post) (update.Log, error) {
	next, fx := update.Next(l, ev, c.Now)
	if err := e.putRecord(c, r, next, !next.Promised.IsZero(), next.Due, fx.Entry); err != nil {
		return l, err
	}
	if ev.Mailing == 0 {
		return next, nil
	}
	return next, e.putMailing(c, mailing.Begin(ev.Mailing, l.Incident, next.Updates[len(next.Updates)-1]))
}

// UpdateText is an update as one sends it on: its subject and its body, from the template of its audience. What customers
// read holds nothing of the incident but times and the words that were written for them.
func (e *Engine) UpdateText(in incident.Incident, u update.Update) (string, error) {
	subject, body, err := e.updateMail(in, u)
	return subject + "\n\n" + body, err
}

func (e *Engine) updateMail(in incident.Incident, u update.Update) (subject, body string, err error) {
	since := in.ImpactAt
	if since.IsZero() {
		since = in.DetectedAt
	}
	subject, body, err = practice.Render(u.To, practice.Facts{Number: in.Number, Severity: in.Severity, Service: in.Service,
		Component: cmp.Or(e.config().StatusPage.Components[in.Service], "our service"), Summary: message.Foreign(in.Summary), Commander: in.Commander, State: u.State, Text: u.Text, Since: since,
		Until: in.ResolvedAt, Next: u.Next, Now: u.At, Zone: e.reportZone()})
	if err != nil {
		return "", "", fmt.Errorf("render an update of incident %d: %w", in.Number, err)
	}
	return subject, body, nil
}

// PreviewUpdate is what PostUpdate would record, and records nothing.
func (e *Engine) PreviewUpdate(ctx context.Context, number int64, ev update.Post, now time.Time) (update.Update, incident.Incident, error) {
	in, err := e.loadIncident(ctx, number)
	if err == nil {
		err = tellable(in, ev.State)
	}
	ev.Severity = in.Severity
	return update.Make(ev, e.instant(now)), in, err
}

// tellable refuses to say of an incident what is not so.
func tellable(in incident.Incident, s update.State) error {
	if in.Drill {
		return &Refusal{Message: fmt.Sprintf("incident %d is a drill", in.Number), Hint: "nobody outside is told of practice"}
	}
	switch in.Status {
	case incident.Candidate:
		return &Refusal{Message: fmt.Sprintf("incident %d is a candidate", in.Number), Hint: fmt.Sprintf("pagerd incident confirm %d says that it is one", in.Number)}
	case incident.Dismissed:
		return &Refusal{Message: fmt.Sprintf("incident %d was dismissed", in.Number), Hint: "it was no incident"}
	case incident.Merged:
		return &Refusal{Message: fmt.Sprintf("incident %d was merged", in.Number), Hint: fmt.Sprintf("pagerd incident update %d", in.MergedInto)}
	}
	if s == update.Resolved && in.Status != incident.Resolved {
		return &Refusal{Message: fmt.Sprintf("incident %d is %s", in.Number, in.Status),
			Hint: fmt.Sprintf("say monitoring, or end it first: pagerd incident resolve %d", in.Number)}
	}
	return nil
}

// fireUpdate reminds of an update that was promised.
func (e *Engine) fireUpdate(ctx context.Context, number int64, now time.Time) error {
	in, about, err := e.about(ctx, number)
	if err != nil {
		return err
	}
	l := update.Log{Incident: number}
	r, err := e.loadRecord(ctx, store.Update, number, &l)
	if err != nil {
		return err
	}
	next, fx := update.Next(l, update.Due{Incident: in}, now)
	if !fx.Changed {
		return nil
	}
	c := store.Change{Now: now}
	sends := updateSends + next.Asked
	for _, person := range fx.Ask {
		e.nag(&c, about, postmortem.NagOwner, person, func(string) string {
			return message.UpdateOwed(number, in.Severity, in.Service, fx.Late)
		}, number, &sends)
	}
	next.Asked = sends - updateSends
	if err := e.putRecord(&c, r, next, !next.Promised.IsZero(), next.Due, fx.Entry); err != nil {
		return err
	}
	return e.commit(ctx, c)
}
