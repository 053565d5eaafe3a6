package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
)

// silenceBegan reports whether a configured silence starts or ends in (last, now].
func (e *Engine) silenceBegan(last, now time.Time) bool {
	for _, s := range e.config().Routing.Silences() {
		for _, edge := range []time.Time{s.Start, s.End} {
			if edge.After(last) && !edge.After(now) {
				return true
			}
		}
	}
	return false
}

// Sweep holds every triggered page whose firing alerts are all silenced now, and ends the holds of pages that are not any
// more. It runs when a silence begins or ends and when the configuration was replaced. Acknowledged pages are left alone.
func (e *Engine) Sweep(ctx context.Context, now time.Time) error {
	now = e.instant(now)
	if len(e.config().Routing.Silences()) == 0 && e.held(ctx) == 0 {
		return nil
	}
	for before := int64(0); ctx.Err() == nil; {
		pages, err := e.store.Pages(ctx, store.Filter{Open: true, Before: before, Limit: 200})
		if err != nil {
			return fmt.Errorf("list open pages: %w", err)
		}
		for _, p := range pages {
			before = p.Number
			if err := e.sweepPage(ctx, p, now); err != nil {
				return err
			}
		}
		if len(pages) < 200 {
			return nil
		}
	}
	return nil
}

// held counts the pages that are held; pages that a silence of the last configuration held must be looked at too.
func (e *Engine) held(ctx context.Context) int {
	pages, err := e.store.Pages(ctx, store.Filter{Open: true, Limit: 1000})
	if err != nil {
		return 1
	}
	n := 0
	for _, p := range pages {
		if p.Status == page.Held {
			n++
		}
	}
	return n
}

func (e *Engine) sweepPage(ctx context.Context, p page.Page, now time.Time) error {
	if p.Status != page.Triggered && p.Status != page.Held || p.Firing == 0 {
		return nil
	}
	s, err := e.silenceOfPage(ctx, p, now, func(alert.ID) bool { return false })
	if err != nil {
		return err
	}
	ev := page.Silenced{Silence: s.silence}
	if s.loud {
		ev.Silence = nil
	}
	if ev.Silence == nil && p.Status == page.Triggered {
		return nil
	}
	_, err = e.apply(ctx, p.Group, act{number: p.Number, event: ev, now: now})
	if errors.Is(err, store.ErrConflict) {
		return nil
	}
	return err
}
