package engine_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pagerd/gateway/checklist"
	"pagerd/gateway/engine"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/store/memstore"
	"pagerd/gateway/timeline"
)

func TestTheCommanderIsAskedForOpenItemsOncePerCadenceInOneMessage(t *testing.T) {
	st := memstore.New()
	e, p := office(t, st)
	other, _ := office(t, st) // a second replica fires the same instants
	fires(t, e, "Down", "SEV-1", start())
	acks(t, e, "ana", start().Add(time.Minute), 1001)
	passes(t, e, st, start().Add(time.Minute), start().Add(31*time.Minute))
	if _, err := other.Tick(t.Context(), start().Add(31*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got := texted(p, "ana", "ot ticked in incident 1001"); got != 1 {
		t.Fatalf("asked %d times: %q", got, p.texts())
	}
	if got := texted(p, "ana", "stakeholders, runbook"); got != 1 {
		t.Errorf("the message does not say what: %q", p.texts())
	}
	by := page.Actor{Person: "ana", Channel: "cli", Op: "tick-1"}
	now := start().Add(32 * time.Minute)
	for _, want := range []checklist.Answer{checklist.AnswerTicked, checklist.AnswerAlready} {
		if got, err := e.MarkItem(t.Context(), 1001, "stakeholders", false, by, now); err != nil || got != want {
			t.Errorf("%s, %v", got, err)
		}
	}
	passes(t, e, st, now, start().Add(61*time.Minute))
	if asked, named := texted(p, "ana", "ot ticked in incident 1001"), texted(p, "ana", "stakeholders"); asked != 2 || named != 1 {
		t.Errorf("asked %d times, %d times for what was ticked: %q", asked, named, p.texts())
	}
	r, err := st.Record(t.Context(), store.Checklist, 1001)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := st.Timeline(t.Context(), r.Object())
	if err != nil || timeline.Verify(entries, r.Head) != nil || len(entries) != 3 {
		t.Errorf("%d entries, %v: %+v", len(entries), err, entries)
	}
}

func TestAnItemThatNobodyCanTickIsRefusedWithWhatCanBe(t *testing.T) {
	st := memstore.New()
	e, _ := office(t, st)
	fires(t, e, "Down", "SEV-1", start())
	acks(t, e, "ana", start().Add(time.Minute), 1001)
	for item, hint := range map[string]string{"commander": "pagerd incident checklist 1001", "walk": "stakeholders, runbook"} {
		_, err := e.MarkItem(t.Context(), 1001, item, false, page.Actor{Person: "ana"}, start().Add(2*time.Minute))
		if refusal := (*engine.Refusal)(nil); !errors.As(err, &refusal) || !strings.Contains(refusal.Hint, hint) {
			t.Errorf("%s: %v", item, err)
		}
	}
}
