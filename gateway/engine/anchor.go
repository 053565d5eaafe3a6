package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"pagerd/gateway/audit"
	"pagerd/gateway/store"
	"pagerd/gateway/timeline"
)

// anchorEvery is how often the heads of all timelines are written down (RULES R32).
const anchorEvery = time.Hour

// anchorPace is the pause after a batch of 100 objects: at most 500 objects a second (RULES R7).
const anchorPace = 200 * time.Millisecond

// Anchor writes the heads of all timelines down, if the newest anchor is an hour old. Of several replicas that do so at a
// time one wins; the others' work is dropped. pause is called after every batch of objects.
func (e *Engine) Anchor(ctx context.Context, now time.Time, pause func(context.Context) error) error {
	now = e.instant(now)
	newest, err := e.store.Records(ctx, store.Anchor, store.Filter{Limit: 1})
	if err != nil {
		return fmt.Errorf("read the newest anchor: %w", err)
	}
	if len(newest) > 0 {
		var a audit.Anchor
		if err := json.Unmarshal(newest[0].Body, &a); err == nil && lately(a, now) {
			return nil
		}
	}
	// The ledger is read before the objects: a head can only be newer than what it says.
	ledger, broken, err := e.ledger(ctx)
	if err != nil {
		return err
	}
	for _, err := range broken {
		e.log.Error("the chain of anchors is broken", zap.Error(err))
	}
	if lately(ledger.Last(), now) {
		return nil // another replica was faster
	}
	var found []audit.Head
	err = store.Walk(ctx, e.store, func(heads []audit.Head) error {
		found = append(found, heads...)
		return pause(ctx)
	})
	if err != nil && !errors.Is(err, store.ErrDamaged) {
		return fmt.Errorf("anchor the timelines: %w", err)
	}
	if err != nil {
		e.log.Error("damaged objects are not anchored", zap.Error(err))
	}
	if found, err = e.kept(ctx, ledger.News(found), now); err != nil {
		return err
	}
	anchors, odd := ledger.Next(found, now)
	for _, object := range odd {
		e.log.Error("a timeline is not what was anchored; pagerd audit verify says more", zap.String("object", object))
	}
	return e.putAnchors(ctx, anchors, now)
}

// kept returns those of the heads that are still true behind a barrier: a fail-over during the walk may have taken back what
// was read before it, and an anchor of that would call what is stored a forgery for ever. An object that went on since is
// anchored as it was found.
func (e *Engine) kept(ctx context.Context, found []audit.Head, now time.Time) (out []audit.Head, err error) {
	if len(found) == 0 {
		return nil, nil
	}
	if err := e.barrier(ctx, now, false); err != nil {
		return nil, err
	}
	for _, h := range found {
		is, err := store.HeadOf(ctx, e.store, h.Object)
		switch {
		case errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDamaged):
			continue
		case err != nil:
			return nil, fmt.Errorf("read %s again: %w", h.Object, err)
		case is.Entries == h.Entries && is.Hash == h.Hash:
			out = append(out, is)
			continue
		}
		entries, err := e.store.Timeline(ctx, h.Object)
		if err != nil && !errors.Is(err, store.ErrDamaged) {
			return nil, fmt.Errorf("read the timeline of %s again: %w", h.Object, err)
		}
		if slices.ContainsFunc(entries, func(t timeline.Entry) bool { return t.Seq == h.Entries && t.Hash == h.Hash }) {
			out = append(out, h)
		}
	}
	return out, nil
}

// lately reports whether an anchor was written in the hour before now. A clock that is behind the writer's makes no hour.
func lately(a audit.Anchor, now time.Time) bool { return a.At.Add(anchorEvery).After(now) }

// putAnchors commits anchors one by one; the number that each takes lets one replica win.
func (e *Engine) putAnchors(ctx context.Context, anchors []audit.Anchor, now time.Time) error {
	for _, a := range anchors {
		body, err := json.Marshal(a)
		if err != nil {
			return fmt.Errorf("encode anchor %d: %w", a.Number, err)
		}
		r := store.Record{Kind: store.Anchor, Number: a.Number, Version: 1, Head: a.Hash, Entries: 1, Body: body}
		err = e.store.Commit(ctx, store.Change{Now: now, Records: []store.Record{r}})
		if errors.Is(err, store.ErrConflict) {
			return nil // another replica was faster
		}
		if err != nil {
			return fmt.Errorf("store anchor %d: %w", a.Number, err)
		}
		// The log leaves the machine: with this line, a chain of anchors that was cut or made anew can be told from the true one.
		e.log.Info("anchored", zap.Int64("anchor", a.Number), zap.String("hash", a.Hash), zap.Int("objects", a.Objects), zap.Int("changed", len(a.Changed)))
	}
	return nil
}

// ledger reads the chain of anchors, oldest first, and what is wrong with it.
func (e *Engine) ledger(ctx context.Context) (*audit.Ledger, []error, error) {
	anchors, err := store.Anchors(ctx, e.store)
	if err != nil {
		return nil, nil, err
	}
	ledger, broken := &audit.Ledger{}, []error(nil)
	for _, a := range anchors {
		if err := ledger.Add(a); err != nil {
			broken = append(broken, err)
		}
	}
	return ledger, broken, nil
}

// pace waits between two batches.
func pace(ctx context.Context) error {
	t := time.NewTimer(anchorPace)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
