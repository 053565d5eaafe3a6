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

// Do applies a person's event to one page and returns what it came to. A page that does not exist is a [Refusal].
// With an op that was applied before, nothing happens again and the answer is empty.
func (e *Engine) Do(ctx context.Context, number int64, ev page.Event, op string, now time.Time) (page.Answer, error) {
	p, err := e.store.Page(ctx, number)
	if errors.Is(err, store.ErrNotFound) {
		return page.Answer{}, &Refusal{Message: fmt.Sprintf("there is no page %d", number), Hint: "pagerd page list shows the open ones"}
	}
	if err != nil {
		return page.Answer{}, fmt.Errorf("load page %d: %w", number, err)
	}
	return e.apply(ctx, p.Group, act{number: number, event: ev, op: op, now: e.instant(now), urgent: true})
}

// Verb does what a responder's word asks, on several pages as one act: pages acknowledged together become one incident
// under the lowest number, except drills: each has an incident of its own. The answers come in ascending order of the pages.
func (e *Engine) Verb(ctx context.Context, verb notify.Verb, pages []Ref, by page.Actor, now time.Time) ([]page.Answer, error) {
	refs := slices.Clone(pages)
	slices.SortFunc(refs, func(a, b Ref) int { return int(a.Page - b.Page) })
	var answers []page.Answer
	var inc int64
	for _, ref := range refs {
		actor := by
		actor.Round = ref.Round
		var ev page.Event
		switch verb {
		case notify.VerbAck:
			ev = page.Acknowledge{By: actor, Incident: inc}
		case notify.VerbResolve:
			ev = page.Resolve{By: actor}
		case notify.VerbEscalate:
			ev = page.Escalate{By: actor}
		case notify.VerbNoise:
			ev = page.Noise{By: actor}
		default:
			return answers, &Refusal{Message: fmt.Sprintf("%q does nothing to a page", verb), Hint: "ack, resolve, escalate or noise"}
		}
		op := ""
		if by.Op != "" {
			op = fmt.Sprintf("%s/%d", by.Op, ref.Page)
		}
		a, err := e.Do(ctx, ref.Page, ev, op, now)
		if err != nil {
			return answers, err
		}
		if a.Code == page.AnswerAcked && inc == 0 && !a.Drill {
			inc = a.Incident
		}
		e.metrics.Replies.WithLabelValues(by.Channel, string(verb)).Inc()
		answers = append(answers, a)
	}
	return answers, nil
}

// Ref names a page, and the round that the answered message belonged to; Round 0 means the present one.
type Ref struct {
	Page  int64
	Round int
}
