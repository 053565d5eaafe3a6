package scenario

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"pagerd/gateway/store"
	"pagerd/gateway/timeline"
)

// ledger is a store that keeps the timeline entries of what was committed, for the story.
type ledger struct {
	store.Store

	mu      sync.Mutex
	entries []timeline.Entry
}

// Commit implements store.Store.
func (l *ledger) Commit(ctx context.Context, c store.Change) error {
	if err := l.Store.Commit(ctx, c); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, c.Entries...)
	return nil
}

// take returns the entries since it was last called. What one pass did to several objects is sorted, because their
// commits race.
func (l *ledger) take() []timeline.Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.entries
	l.entries = nil
	slices.SortStableFunc(out, func(a, b timeline.Entry) int {
		an, bn := a.Object[strings.IndexByte(a.Object, '/')+1:], b.Object[strings.IndexByte(b.Object, '/')+1:]
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(len(an), len(bn)), cmp.Compare(an, bn), cmp.Compare(b.Object, a.Object), cmp.Compare(a.Seq, b.Seq))
	})
	return out
}
