package engine_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pagerd/gateway/audit"
	"pagerd/gateway/engine"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/store/boltstore"
	"pagerd/gateway/store/memstore"
	"pagerd/gateway/timeline"
)

// anchor anchors without a pause and returns the chain.
func anchor(t *testing.T, e *engine.Engine, st store.Store, now time.Time) []audit.Anchor {
	t.Helper()
	if err := e.Anchor(t.Context(), now, func(context.Context) error { return nil }); err != nil {
		t.Fatal(err)
	}
	chain, err := store.Anchors(t.Context(), st)
	if err != nil {
		t.Fatal(err)
	}
	return chain
}

func TestTimelinesAreAnchoredHourly(t *testing.T) {
	st := memstore.New()
	e, _ := setup(t, st)
	if err := e.Accept(t.Context(), batch("Slow", "Down"), start()); err != nil {
		t.Fatal(err)
	}
	chain := anchor(t, e, st, start())
	if len(chain) != 1 || chain[0].Objects != 2 || len(chain[0].Changed) != 2 || chain[0].Changed[0].Hash == "" {
		t.Fatalf("first: %+v", chain)
	}
	if chain = anchor(t, e, st, start().Add(time.Hour-1)); len(chain) != 1 {
		t.Errorf("%d anchors within the hour", len(chain))
	}
	if err := e.Accept(t.Context(), batch("Late"), start().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	chain = anchor(t, e, st, start().Add(time.Hour))
	if len(chain) != 2 || chain[1].Objects != 3 || len(chain[1].Changed) != 1 || chain[1].Prev != chain[0].Hash {
		t.Errorf("second: %+v", chain)
	}
}

// Both replicas read the same chain; whoever commits first gives the number, and the other's work is dropped.
func TestOneOfSeveralReplicasAnchors(t *testing.T) {
	st := memstore.New()
	a, _ := setup(t, st)
	b, _ := setup(t, st)
	if err := a.Accept(t.Context(), batch("Slow"), start()); err != nil {
		t.Fatal(err)
	}
	var inner []audit.Anchor
	err := a.Anchor(t.Context(), start(), func(context.Context) error {
		if inner == nil {
			inner = anchor(t, b, st, start())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	chain, err := store.Anchors(t.Context(), st)
	if err != nil || len(chain) != 1 || chain[0].Hash != inner[0].Hash {
		t.Errorf("%v, %+v", err, chain)
	}
}

func TestLongChainOfAnchorsIsReadInOrder(t *testing.T) {
	st := memstore.New()
	e, _ := setup(t, st)
	const hours = 250 // more than two reads
	var chain []audit.Anchor
	for i := range hours {
		chain = anchor(t, e, st, start().Add(time.Duration(i)*time.Hour))
	}
	var l audit.Ledger
	for _, a := range chain {
		if err := l.Add(a); err != nil {
			t.Fatal(err)
		}
	}
	if l.Last().Number != hours {
		t.Errorf("%d anchors, want %d", l.Last().Number, hours)
	}
}

// verified holds everything that was anchored against what is stored now, as pagerd audit verify does.
func verified(t *testing.T, st store.Store, now time.Time) (findings []string) {
	t.Helper()
	anchors, err := store.Anchors(t.Context(), st)
	if err != nil {
		t.Fatal(err)
	}
	var l audit.Ledger
	for _, a := range anchors {
		if err := l.Add(a); err != nil {
			findings = append(findings, err.Error())
		}
	}
	for _, name := range l.Objects() {
		o, err := store.Audited(t.Context(), st, name)
		if err == nil {
			err = l.Check(o, now, store.KeepHistory)
		}
		if err != nil {
			findings = append(findings, err.Error())
		}
	}
	return findings
}

// lacking is a store from which somebody took a page.
type lacking struct {
	store.Store
	page int64
}

func (l lacking) Page(ctx context.Context, n int64) (page.Page, error) {
	if n == l.page {
		return page.Page{}, store.ErrNotFound
	}
	return l.Store.Page(ctx, n)
}

func (l lacking) Timeline(ctx context.Context, object string) ([]timeline.Entry, error) {
	if object == fmt.Sprintf("page/%d", l.page) {
		return nil, nil
	}
	return l.Store.Timeline(ctx, object)
}

// TestWhatRetentionDeletedIsNotMissingAndWhatSomebodyDeletedIs: after more than a year, with the real trimming of a store in
// memory and of one in a file.
func TestWhatRetentionDeletedIsNotMissingAndWhatSomebodyDeletedIs(t *testing.T) {
	file, err := boltstore.Open(boltstore.Options{Path: filepath.Join(t.TempDir(), "pagerd.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for name, st := range map[string]store.Store{"memory": memstore.New(), "file": file} {
		t.Run(name, func(t *testing.T) {
			e, _ := office(t, st)
			fires(t, e, "Down", "SEV-2", start())
			fires(t, e, "Open", "SEV-3", start())
			now := start().Add(time.Minute)
			acks(t, e, "ana", now, 1001)
			if _, err := e.Do(t.Context(), 1001, page.Resolve{By: page.Actor{Person: "ana", Channel: "cli"}}, "", now); err != nil {
				t.Fatal(err)
			}
			if _, err := e.Incident(t.Context(), 1001, incident.Resolve{By: "ana", Channel: "cli"}, "", now); err != nil {
				t.Fatal(err)
			}
			anchor(t, e, st, now)
			if found := verified(t, st, now); len(found) != 0 {
				t.Fatalf("before: %q", found)
			}
			now = now.Add(400*24*time.Hour + time.Minute)
			if err := e.Housekeep(t.Context(), now); err != nil {
				t.Fatal(err)
			}
			for what, err := range map[string]error{"page": second(st.Page(t.Context(), 1001)), "incident": second(st.Incident(t.Context(), 1001))} {
				if !errors.Is(err, store.ErrNotFound) {
					t.Errorf("the %s is kept: %v", what, err)
				}
			}
			anchor(t, e, st, now)
			if found := verified(t, st, now); len(found) != 0 {
				t.Errorf("retention: %q", found)
			}
			found := verified(t, lacking{st, 1002}, now)
			if len(found) != 1 || !strings.Contains(found[0], "page/1002 is missing") {
				t.Errorf("somebody: %q", found)
			}
		})
	}
}

func second[T any](_ T, err error) error { return err }

// slowReader is a store that lets another replica anchor after the first list of records was read.
type slowReader struct {
	store.Store
	meanwhile func()
}

func (s *slowReader) Records(ctx context.Context, k store.RecordKind, f store.Filter) ([]store.Record, error) {
	out, err := s.Store.Records(ctx, k, f)
	if meanwhile := s.meanwhile; meanwhile != nil {
		s.meanwhile = nil
		meanwhile()
	}
	return out, err
}

// A replica that saw no anchor, and reads the chain after another has written one, has nothing more to say in that hour:
// its own would say that it came at the same time, or before the one that it follows when its clock is behind.
func TestReplicaThatComesSecondWritesNoSecondAnchor(t *testing.T) {
	st := &slowReader{Store: memstore.New()}
	a, _ := setup(t, st)
	b, _ := setup(t, st)
	if err := a.Accept(t.Context(), batch("Slow"), start()); err != nil {
		t.Fatal(err)
	}
	st.meanwhile = func() { anchor(t, b, st, start().Add(200*time.Millisecond)) }
	if chain := anchor(t, a, st, start()); len(chain) != 1 {
		t.Errorf("%d anchors in an hour: %+v", len(chain), chain)
	}
}
