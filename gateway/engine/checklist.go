package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"pagerd/gateway/checklist"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/postmortem"
	"pagerd/gateway/store"
	"pagerd/gateway/timeline"
	"pagerd/gateway/update"
	"pagerd/notify/message"
)

// checklistSends keeps the ids of the messages that ask for an incident's checklist apart from those that ask for its
// postmortem, which count from 0 under the same number.
const checklistSends = 10_000_000

// beginChecklist adds the checklist of an incident to the change that begins it.
func (e *Engine) beginChecklist(c *store.Change, in incident.Incident) error {
	if in.Version != 1 {
		return nil
	}
	list, fx := checklist.Next(checklist.Checklist{}, checklist.Begin{Incident: in.Number, Severity: in.Severity}, c.Now)
	return e.putRecord(c, store.Record{Kind: store.Checklist, Number: in.Number}, list, true, list.Due, fx.Entry)
}

// Checklist returns the lines of an incident's lists as they stand, or a [Refusal].
func (e *Engine) Checklist(ctx context.Context, number int64) ([]checklist.Line, error) {
	in, err := e.loadIncident(ctx, number)
	if err != nil {
		return nil, err
	}
	var list checklist.Checklist
	if _, err := e.loadRecord(ctx, store.Checklist, number, &list); err != nil {
		return nil, err
	}
	facts, err := e.checklistFacts(ctx, in)
	return checklist.View(list, facts), err
}

// checklistFacts looks up what pagerd knows by itself.
func (e *Engine) checklistFacts(ctx context.Context, in incident.Incident) (checklist.Facts, error) {
	f := checklist.Facts{Incident: in}
	entries, err := e.store.Timeline(ctx, fmt.Sprintf("incident/%d", in.Number))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return f, fmt.Errorf("load the timeline of incident %d: %w", in.Number, err)
	}
	f.Noted = firstNote(entries)
	var pm postmortem.Postmortem
	r, err := e.loadRecord(ctx, store.Postmortem, in.Number, &pm)
	if err != nil {
		return f, err
	}
	if r.Version > 0 {
		f.Postmortem = &pm
	}
	var told update.Log
	if _, err := e.loadRecord(ctx, store.Update, in.Number, &told); err != nil {
		return f, err
	}
	f.Told, f.AllClear = told.FirstTo[update.Stakeholders], told.Over(update.Stakeholders)
	if _, shown := e.config().StatusPage.Components[in.Service]; shown {
		f.Shown, f.ShownOver = told.FirstTo[update.Customers], told.Over(update.Customers)
	}
	return f, nil
}

func firstNote(entries []timeline.Entry) time.Time {
	for _, entry := range entries {
		if entry.What == "note" {
			return entry.At
		}
	}
	return time.Time{}
}

// MarkItem ticks an item of an incident's checklist, or takes the tick back. With an op that was applied before, nothing
// happens again and the answer is [checklist.AnswerRepeated]. An item that nobody can tick is a [Refusal].
func (e *Engine) MarkItem(ctx context.Context, number int64, item string, off bool, by page.Actor, now time.Time) (checklist.Answer, error) {
	now = e.instant(now)
	for range maxConflicts {
		in, err := e.loadIncident(ctx, number)
		if err != nil {
			return "", err
		}
		list := checklist.Checklist{Incident: number}
		r, err := e.loadRecord(ctx, store.Checklist, number, &list)
		if err != nil {
			return "", err
		}
		if r.Version == 0 { // begun before there were checklists
			list, _ = checklist.Next(list, checklist.Begin{Incident: number, Severity: in.Severity}, now)
		}
		next, fx := checklist.Next(list, checklist.Mark{By: by.Person, Item: item, Off: off}, now)
		if err := e.refusedItem(ctx, number, item, fx.Answer); err != nil || !fx.Changed {
			return fx.Answer, err
		}
		c := store.Change{Op: by.Op, Now: now, Urgent: true}
		if err := e.putRecord(&c, r, next, !next.Due.IsZero(), next.Due, fx.Entry); err != nil {
			return "", err
		}
		err = e.commit(ctx, c)
		switch {
		case errors.Is(err, store.ErrConflict):
			continue
		case errors.Is(err, store.ErrApplied):
			return checklist.AnswerRepeated, nil
		case err != nil:
			return "", fmt.Errorf("store the checklist of incident %d: %w", number, err)
		}
		return fx.Answer, nil
	}
	return "", fmt.Errorf("store the checklist of incident %d: %w", number, store.ErrConflict)
}

// refusedItem says what could be ticked instead.
func (e *Engine) refusedItem(ctx context.Context, number int64, item string, answer checklist.Answer) error {
	switch answer {
	case checklist.AnswerKnown:
		return &Refusal{Message: fmt.Sprintf("pagerd ticks %s itself", clip(item, 40)), Hint: fmt.Sprintf("pagerd incident checklist %d says what it waits for", number)}
	case checklist.AnswerUnknown:
		lines, err := e.Checklist(ctx, number)
		if err != nil {
			return err
		}
		var ids []string
		for _, l := range lines {
			if !l.Known {
				ids = append(ids, l.ID)
			}
		}
		return &Refusal{Message: fmt.Sprintf("there is no item %q", clip(item, 40)), Hint: "one of: " + strings.Join(ids, ", ")}
	}
	return nil
}

// fireChecklist asks the commander for what is not ticked.
func (e *Engine) fireChecklist(ctx context.Context, number int64, now time.Time) error {
	var list checklist.Checklist
	r, err := e.loadRecord(ctx, store.Checklist, number, &list)
	if err != nil {
		return err
	}
	in, about, err := e.about(ctx, number)
	if err != nil {
		return err
	}
	facts, err := e.checklistFacts(ctx, in)
	if err != nil {
		return err
	}
	next, fx := checklist.Next(list, checklist.Due{Facts: facts, Opens: e.opens(about, now)}, now)
	if !fx.Changed {
		return nil
	}
	c := store.Change{Now: now}
	if len(fx.Ask) > 0 {
		sends := checklistSends + next.Asked
		e.nag(&c, about, postmortem.NagOwner, in.Commander, func(owner string) string {
			return message.ChecklistOwed(number, in.Severity, in.Service, owner, checklist.IDs(fx.Ask))
		}, number, &sends)
		next.Asked = sends - checklistSends
	}
	if err := e.putRecord(&c, r, next, !next.Due.IsZero(), next.Due, fx.Entry); err != nil {
		return err
	}
	return e.commit(ctx, c)
}
