package memstore_test

import (
	"testing"
	"time"

	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/store/memstore"
	"pagerd/gateway/timeline"
)

func TestACloneAndItsOriginalGoSeparateWays(t *testing.T) {
	ctx, now := t.Context(), time.Date(2026, 3, 28, 3, 0, 0, 0, time.UTC)
	change := func(version int64, summary string) store.Change {
		return store.Change{Now: now, Page: &page.Page{Number: 1001, Version: version, Group: "g", Status: page.Triggered, Summary: summary},
			Deliveries: []store.Delivery{{Send: page.Send{ID: page.SendID(1001, int(version)), Page: 1001, Contact: "ana/sms"}}},
			Entries:    []timeline.Entry{{Object: "page/1001", Seq: version, What: summary}},
			Sent:       []store.Sent{{Contact: "ana/sms", At: now, Pages: []int64{version}}}}
	}
	first := memstore.New()
	commit := func(s *memstore.Store, c store.Change) {
		t.Helper()
		if err := s.Commit(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	commit(first, change(1, "both"))
	second := first.Clone()
	commit(first, change(2, "first"))
	commit(second, change(2, "second"))
	for want, s := range map[string]*memstore.Store{"first": first, "second": second} {
		p, err := s.Page(ctx, 1001)
		if err != nil || p.Summary != want {
			t.Errorf("page %q, %v, want %q", p.Summary, err, want)
		}
		entries, err := s.Timeline(ctx, "page/1001")
		if err != nil || len(entries) != 2 || entries[1].What != want {
			t.Errorf("timeline %v, %v, want its last to be %q", entries, err, want)
		}
		ds, err := s.Deliveries(ctx, 1001)
		if err != nil || len(ds) != 2 {
			t.Errorf("%d deliveries, %v", len(ds), err)
		}
		sent, err := s.Sent(ctx, "ana/sms", 10)
		if err != nil || len(sent) != 2 {
			t.Errorf("%d records of what was sent, %v", len(sent), err)
		}
	}
}
