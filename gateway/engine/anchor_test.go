package engine_test

import (
	"context"
	"testing"
	"time"

	"pagerd/gateway/audit"
	"pagerd/gateway/engine"
	"pagerd/gateway/store"
	"pagerd/gateway/store/memstore"
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
