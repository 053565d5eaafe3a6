package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"pagerd/gateway/page"
	"pagerd/gateway/store"
)

// tickLimit is how many due objects one pass fires, so that sends go on between passes of a storm.
const tickLimit = 500

// tickWorkers is how many due pages are decided at a time; their commits share one fsync.
const tickWorkers = 64

// Tick fires what is due at now and reports how many objects were due. Losing a race for one is normal and no error.
func (e *Engine) Tick(ctx context.Context, now time.Time) (int, error) {
	now = e.instant(now)
	due, err := e.store.Due(ctx, now, tickLimit)
	if err != nil {
		return 0, fmt.Errorf("read what is due: %w", err)
	}
	if len(due) > 1 && !e.serial {
		// Replicas that read the same list begin at different places, so that they share the work instead of racing for it.
		k := rand.IntN(len(due))
		due = append(due[k:len(due):len(due)], due[:k]...)
	}
	var g errgroup.Group
	g.SetLimit(tickWorkers)
	if e.serial {
		g.SetLimit(1)
	}
	for _, d := range due {
		switch d.Kind {
		case store.DuePage:
			g.Go(func() error { return e.fire(ctx, d, now) })
		case store.DueIncident:
			g.Go(func() error { return e.fireIncident(ctx, d.ID, now) })
		case store.DueHousekeeping: // runs by Housekeep
		default:
			g.Go(func() error { return e.fireRecord(ctx, store.RecordKind(d.Kind), d.ID, now) })
		}
	}
	return len(due), g.Wait()
}

// fire applies Due to a page, unless somebody else was faster.
func (e *Engine) fire(ctx context.Context, d store.Due, now time.Time) error {
	p, err := e.store.Page(ctx, d.ID)
	if err != nil {
		e.log.Error("due page cannot be read", zap.Int64("page", d.ID), zap.Error(err))
		return fmt.Errorf("load due page %d: %w", d.ID, err)
	}
	early := func(p page.Page) bool { return p.Due.IsZero() || p.Due.After(now) }
	if early(p) {
		return nil
	}
	if !p.Drill {
		e.metrics.StepDelay.Observe(now.Sub(p.Due).Seconds())
	}
	_, err = e.apply(ctx, p.Group, act{number: d.ID, event: page.Due{}, now: now, unless: early})
	if errors.Is(err, store.ErrConflict) {
		return nil
	}
	return err
}

// Housekeep deletes what retention no longer needs, a little at a time.
func (e *Engine) Housekeep(ctx context.Context, now time.Time) error {
	more, err := true, error(nil)
	for more && err == nil && ctx.Err() == nil {
		more, err = e.store.Trim(ctx, e.instant(now), 100)
	}
	if err != nil {
		return fmt.Errorf("trim the store: %w", err)
	}
	if err := e.upgradeIncidents(ctx, e.instant(now)); err != nil {
		return err
	}
	if err := e.KeepCalendar(ctx, now); err != nil {
		return err
	}
	return e.payOverdue(ctx, e.instant(now))
}
