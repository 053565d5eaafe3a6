package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"go.uber.org/zap"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/timeline"
)

// maxChain is how many merges are followed: each leads to an older incident.
const maxChain = 1000

// Incident applies a person's event to an incident; the answer is the machine's word. With an op that was applied before,
// nothing happens again and the answer is [incident.AnswerRepeated]. What the act makes necessary in other objects is stored
// with it, and done before this returns if it can be, else by the next Tick.
func (e *Engine) Incident(ctx context.Context, number int64, ev incident.Event, op string, now time.Time) (incident.Answer, error) {
	now = e.instant(now)
	sure := false // what was read is durable
	for range maxConflicts {
		in, err := e.loadIncident(ctx, number)
		if err != nil {
			return "", err
		}
		next, fx := incident.Next(in, e.complete(ev), now)
		c := store.Change{Op: op, Now: now, Urgent: true}
		if !fx.Changed && !sure {
			if err := e.barrier(ctx, now, true); err != nil {
				return "", err
			}
			sure = true // once it says the same again
			continue
		}
		if !fx.Changed {
			if err := e.settleOnly(ctx, c); !errors.Is(err, store.ErrApplied) {
				return fx.Answer, err
			}
			return incident.AnswerRepeated, nil
		}
		if err := e.putIncident(ctx, &c, next, fx); err != nil {
			return "", err
		}
		err = e.commit(ctx, c)
		switch {
		case errors.Is(err, store.ErrConflict):
			continue
		case errors.Is(err, store.ErrApplied):
			return incident.AnswerRepeated, nil
		case err != nil:
			return "", fmt.Errorf("store incident %d: %w", number, err)
		}
		if len(next.Errands) > 0 {
			e.trouble.note(ctx, e.log, "errands of incidents", e.doErrands(ctx, number, now))
		}
		return fx.Answer, nil
	}
	return "", fmt.Errorf("store incident %d: %w", number, store.ErrConflict)
}

func (e *Engine) loadIncident(ctx context.Context, number int64) (incident.Incident, error) {
	in, err := e.store.Incident(ctx, number)
	if errors.Is(err, store.ErrNotFound) {
		return in, &Refusal{Message: fmt.Sprintf("there is no incident %d", number), Hint: "an incident begins when a page is acknowledged"}
	}
	if err != nil {
		return in, fmt.Errorf("load incident %d: %w", number, err)
	}
	return in, nil
}

// living returns the incident that a number means now: where it was merged into another one, that one. One that never was
// is the zero incident with its number.
func (e *Engine) living(ctx context.Context, number int64) (incident.Incident, error) {
	for range maxChain {
		in, err := e.store.Incident(ctx, number)
		if errors.Is(err, store.ErrNotFound) {
			return incident.Incident{Number: number}, nil
		}
		if err != nil {
			return in, fmt.Errorf("load incident %d: %w", number, err)
		}
		if in.Status != incident.Merged || in.MergedInto >= number {
			return in, nil
		}
		number = in.MergedInto
	}
	return incident.Incident{}, fmt.Errorf("incident %d was merged without end", number)
}

// complete adds the configured targets to an event of a person.
func (e *Engine) complete(ev incident.Event) incident.Event {
	switch ev := ev.(type) {
	case incident.SetSeverity:
		ev.Targets = e.targets(ev.To)
		return ev
	case incident.Raised:
		ev.Targets = e.targets(ev.To)
		return ev
	}
	return ev
}

func (e *Engine) targets(s alert.Severity) incident.Targets { return e.config().Severities[s].Incident }

// opens is when working hours begin next for whoever a page's policy names.
func (e *Engine) opens(p page.Page, now time.Time) time.Time {
	policy := p.Policy
	policy.OfficeHours = true
	return e.config().Book.Opens(policy, now)
}

// promotion is the event by which a page's incident begins, or the page joins it.
func (e *Engine) promotion(p page.Page, number int64, now time.Time) incident.Promote {
	room := e.config().Incidents.Room(incident.Incident{Number: number, Service: p.Service, Severity: p.Severity})
	return incident.Promote{Page: p.Number, Severity: p.Severity, Service: p.Service, Summary: p.Summary, Triggered: p.TriggeredAt,
		By: p.Acker, Drill: p.Drill, Targets: e.targets(p.Severity), Opens: e.opens(p, now), WarRoom: room}
}

// changeIncident moves the page's incident in the same commit.
func (e *Engine) changeIncident(ctx context.Context, c *store.Change, p *page.Page, fx page.Effects, ev page.Event) error {
	number := p.Incident
	if number == 0 {
		number = p.Number
	}
	in, err := e.living(ctx, number)
	if err != nil {
		return err
	}
	begins := fx.Incident == page.IncidentPromote || fx.Incident == page.IncidentCandidate || fx.Incident == page.IncidentMove
	if in.Version == 0 && !begins {
		return nil
	}
	if begins {
		p.Incident = in.Number
	}
	iev, err := e.incidentEvent(ctx, in, p, fx, ev, c.Now)
	if err != nil {
		return err
	}
	next, ifx := incident.Next(in, iev, c.Now)
	if !ifx.Changed {
		return nil
	}
	if err := e.putIncident(ctx, c, next, ifx); err != nil {
		return err
	}
	if ifx.AskCommander {
		e.askCommander(c, p, next)
	}
	return nil
}

// incidentEvent says what a page's change means for its incident; a switch over the closed list.
func (e *Engine) incidentEvent(ctx context.Context, in incident.Incident, p *page.Page, fx page.Effects, ev page.Event, now time.Time) (incident.Event, error) {
	promote := e.promotion(*p, in.Number, now)
	switch fx.Incident {
	case page.IncidentCandidate:
		promote.Candidate = true
		return promote, nil
	case page.IncidentPromote:
		if hand, ok := ev.(page.ByHand); ok {
			promote.Declared, promote.CustomerData, promote.Security = true, hand.CustomerData, hand.Security
		}
		return promote, nil
	case page.IncidentMove:
		moved, _ := ev.(page.Moved)
		promote.By = moved.By.Person
		return incident.MoveIn{Promote: promote, From: moved.From, Open: p.Open()}, nil
	case page.IncidentSeverity:
		raised := incident.Raised{To: p.Severity, Targets: e.targets(p.Severity)}
		if set, ok := ev.(page.SetSeverity); ok {
			raised.By = set.By.Person
		}
		return raised, nil
	case page.IncidentAnswered:
		return incident.Answered{Person: p.Calls, Page: p.Number, By: p.ResolvedBy}, nil
	}
	last, err := e.lastOpen(ctx, in, p.Number)
	return incident.PageOver{Page: p.Number, Last: last, May: fx.Incident == page.IncidentResolve, Unacknowledged: p.Acker == "", Merged: p.Incident != in.Number,
		Severity: p.Severity, Triggered: p.TriggeredAt, Targets: e.targets(p.Severity)}, err
}

// putIncident adds an incident, its entry, its reminder, the checklist that it begins with and the postmortem that it owes to a
// change.
func (e *Engine) putIncident(ctx context.Context, c *store.Change, next incident.Incident, fx incident.Effects) error {
	if err := e.putIncidentAlone(ctx, c, next, fx); err != nil {
		return err
	}
	if err := e.beginChecklist(c, *c.Incident); err != nil {
		return err
	}
	return e.owePostmortem(ctx, c, *c.Incident)
}

func (e *Engine) putIncidentAlone(ctx context.Context, c *store.Change, next incident.Incident, fx incident.Effects) error {
	if err := e.putReminder(ctx, c, &next, fx.Remind); err != nil {
		return err
	}
	next.Version++
	if fx.Entry.What != "" {
		entry := fx.Entry
		entry.Object = "incident/" + strconv.FormatInt(next.Number, 10)
		next.Entries++
		entry.Seq, entry.At = next.Entries, c.Now
		entry = timeline.Seal(entry, next.Head)
		next.Head = entry.Hash
		c.Entries = append(c.Entries, entry)
		e.log.Info("incident", zap.Int64("incident", next.Number), zap.String("what", entry.What),
			zap.Stringer("severity", next.Severity), zap.String("status", string(next.Status)), zap.String("phase", string(next.Phase())),
			zap.String("actor", entry.Actor), zap.String("target", entry.Facts["target"]))
	}
	e.owe(&next, c.Now)
	c.Incident = &next
	return nil
}

// lastOpen reports whether no other page of the incident is open.
func (e *Engine) lastOpen(ctx context.Context, in incident.Incident, except int64) (bool, error) {
	for _, n := range in.Pages {
		if n == except {
			continue
		}
		p, err := e.store.Page(ctx, n)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return false, fmt.Errorf("load page %d: %w", n, err)
		}
		if p.Open() {
			return false, nil
		}
	}
	return true, nil
}

func openIncidents() []incident.Status {
	return []incident.Status{incident.Candidate, incident.Open, incident.Mitigated}
}

// openIncident returns the number of the incident that this one is now, if it is not over, else 0.
func (e *Engine) openIncident(ctx context.Context, number int64) int64 {
	if number == 0 {
		return 0
	}
	in, err := e.living(ctx, number)
	if err != nil || !slices.Contains(openIncidents(), in.Status) {
		return 0
	}
	return in.Number
}

// opFor is the operation id of one part of an act; empty when the act has none.
func opFor(op, part string, number int64) string {
	if op == "" {
		return ""
	}
	return fmt.Sprintf("%s/%s/%d", op, part, number)
}
