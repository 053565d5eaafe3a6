package engine

import (
	"context"
	"maps"
	"testing"
	"time"

	"pagerd/config"
	"pagerd/gateway/metric"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/store/memstore"
)

// TestTheGaugeOfOpenPagesIsWhatTheStoreHolds: another replica commits, and this one hears of it by counting.
func TestTheGaugeOfOpenPagesIsWhatTheStoreHolds(t *testing.T) {
	ctx, s, set := context.Background(), memstore.New(), metric.New()
	e, err := New(ctx, Options{Store: s, Config: func() *config.Config { return nil }, Metrics: set})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 4, 3, 0, 0, 0, time.UTC)
	put := func(status, before page.Status, own bool) {
		t.Helper()
		n, err := s.NextNumber(ctx)
		if err != nil {
			t.Fatal(err)
		}
		p := page.Page{Format: page.Format, Number: n, Version: 1, Group: string(status) + now.String(), Status: status, Due: now.Add(time.Hour)}
		c := store.Change{Now: now, Page: &p}
		now = now.Add(time.Second)
		if own {
			err = e.commitPage(ctx, c, before)
		} else {
			err = s.Commit(ctx, c)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	shows := func(when string, triggered, acknowledged float64) {
		t.Helper()
		want := map[string]float64{"triggered": triggered, "acknowledged": acknowledged, "held": 0}
		if got := openGauges(t, set); !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", when, got, want)
		}
	}
	e.recount(ctx)
	shows("at first", 0, 0)
	put(page.Triggered, "", true)
	shows("after its own commit", 1, 0)
	put(page.Acknowledged, "", false)
	put(page.Triggered, "", false)
	shows("before counting", 1, 0)
	e.recount(ctx)
	shows("after counting", 2, 1)
	put(page.Resolved, page.Triggered, true)
	shows("after resolving", 1, 1)
}

// openGauges reads the gauge of open pages by status, as Prometheus does.
func openGauges(t *testing.T, set *metric.Set) map[string]float64 {
	t.Helper()
	families, err := set.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		if f.GetName() != "pagerd_open_pages" {
			continue
		}
		for _, m := range f.GetMetric() {
			out[m.GetLabel()[0].GetValue()] = m.GetGauge().GetValue()
		}
	}
	return out
}

// unread is a store whose lists of pages cannot be read yet.
type unread struct{ store.Store }

func (unread) Pages(context.Context, store.Filter) ([]page.Page, error) {
	panic("a replica that starts reads every open page before it is ready")
}

// TestAReplicaIsReadyBeforeItHasCountedTheOpenPages: after a kill in a storm there are tens of thousands.
func TestAReplicaIsReadyBeforeItHasCountedTheOpenPages(t *testing.T) {
	set := metric.New()
	if _, err := New(t.Context(), Options{Store: unread{memstore.New()}, Config: func() *config.Config { return nil }, Metrics: set}); err != nil {
		t.Fatal(err)
	}
	if got := openGauges(t, set); len(got) != 0 { // none is better than a wrong one
		t.Errorf("%v", got)
	}
}
