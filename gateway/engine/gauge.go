package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"pagerd/gateway/page"
	"pagerd/gateway/store"
)

// countEvery is how often the open pages are counted in the store: what other replicas commit moves no gauge here.
const countEvery = time.Minute

// countFirst is when a process counts for the first time; there is no gauge until then. Not while it starts: after a kill in a
// storm there are tens of thousands, and reading them all would keep what is due and what rings waiting.
const countFirst = 10 * time.Second

// moveOpen keeps the gauge of open pages between two counts.
func (e *Engine) moveOpen(before, after page.Status) {
	if before == after {
		return
	}
	e.moved.Add(1)
	if !e.counted.Load() {
		return
	}
	if open(after) {
		e.metrics.Open.WithLabelValues(string(after)).Inc()
	}
	if open(before) {
		e.metrics.Open.WithLabelValues(string(before)).Dec()
	}
}

func open(s page.Status) bool {
	return s == page.Triggered || s == page.Acknowledged || s == page.Held
}

// countOpen sets the gauge of open pages from the store. A count during which this process moved the gauge is made again,
// a few times: what it moved may or may not be in the count.
func (e *Engine) countOpen(ctx context.Context) error {
	for tries := 1; ; tries++ {
		moved := e.moved.Load()
		count, err := e.openPages(ctx)
		if err != nil {
			return fmt.Errorf("count open pages: %w", err)
		}
		if e.moved.Load() != moved && tries < 3 {
			continue
		}
		for status, n := range count {
			e.metrics.Open.WithLabelValues(string(status)).Set(n)
		}
		e.counted.Store(true)
		return nil
	}
}

// openPages counts the open pages by status, with a zero for each status that none has.
func (e *Engine) openPages(ctx context.Context) (map[page.Status]float64, error) {
	count := map[page.Status]float64{page.Triggered: 0, page.Acknowledged: 0, page.Held: 0}
	for before := int64(0); ; {
		pages, err := e.store.Pages(ctx, store.Filter{Open: true, Before: before, Limit: 1000})
		if err != nil && !errors.Is(err, store.ErrDamaged) {
			return nil, err
		}
		for _, p := range pages {
			count[p.Status]++
			before = p.Number
		}
		if len(pages) < 1000 {
			return count, nil
		}
	}
}

// recount counts in the background; what it cannot read now it reads in a minute.
func (e *Engine) recount(ctx context.Context) {
	if err := e.countOpen(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, store.ErrUnavailable) {
		e.log.Error("open pages were not counted", zap.Error(err))
	}
}
