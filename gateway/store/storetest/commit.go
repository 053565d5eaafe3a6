package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/timeline"
)

func emptyStoreKnowsNothing(t *testing.T, h Harness) {
	ctx := context.Background()
	for what, err := range map[string]error{
		"page":     second(h.Store.Page(ctx, 1001)),
		"group":    second(h.Store.Group(ctx, "g")),
		"delivery": second(h.Store.Delivery(ctx, "1001-1")),
		"odd id":   second(h.Store.Delivery(ctx, "what is this")),
		"incident": second(h.Store.Incident(ctx, 1001)),
	} {
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v, want: %v", what, err, store.ErrNotFound)
		}
	}
	same(t, "alerts", must[[]alert.State](t)(h.Store.Alerts(ctx, []alert.ID{"a/b"})), []alert.State{{}})
	same(t, "timeline", must[[]timeline.Entry](t)(h.Store.Timeline(ctx, "page/1001")), nil)
	same(t, "next", must[time.Time](t)(h.Store.Next(ctx, options())), time.Time{})
	same(t, "high water", must[time.Time](t)(h.Store.HighWater(ctx)), time.Time{})
	claim(t, h.Store, at(0), options(), 0)
	if err := h.Store.Ready(ctx); err != nil {
		t.Error(err)
	}
}

func second[T any](_ T, err error) error { return err }

func commitStoresEverythingOfAChange(t *testing.T, h Harness) {
	ctx, c := context.Background(), newChange(1001)
	commit(t, h.Store, c)
	same(t, "page", must[page.Page](t)(h.Store.Page(ctx, 1001)), c.Page)
	same(t, "group", must[page.Page](t)(h.Store.Group(ctx, "group 1001")), c.Page)
	same(t, "alerts", must[[]alert.State](t)(h.Store.Alerts(ctx, []alert.ID{alertID(1001, 2), "none", alertID(1001, 1)})),
		[]alert.State{c.Alerts[1], {}, c.Alerts[0]})
	same(t, "alerts of the page", must[[]alert.State](t)(h.Store.PageAlerts(ctx, 1001, 10)), c.Alerts)
	same(t, "incident", must[incident.Incident](t)(h.Store.Incident(ctx, 1001)), c.Incident)
	same(t, "timeline", must[[]timeline.Entry](t)(h.Store.Timeline(ctx, "page/1001")), c.Entries[:1])
	same(t, "timeline of the incident", must[[]timeline.Entry](t)(h.Store.Timeline(ctx, "incident/1001")), c.Entries[1:])
	same(t, "sent", must[[]store.Sent](t)(h.Store.Sent(ctx, contact(1001), 10)), c.Sent)
	want := []store.Delivery{c.Deliveries[0], c.Deliveries[1]}
	for i := range want {
		want[i].State, want[i].Lane = store.Pending, store.Lane(want[i].Send)
	}
	same(t, "deliveries", must[[]store.Delivery](t)(h.Store.Deliveries(ctx, 1001)), want)
	same(t, "delivery", must[store.Delivery](t)(h.Store.Delivery(ctx, "1001-2")), want[1])
	same(t, "due", must[[]store.Due](t)(h.Store.Due(ctx, at(2*time.Hour), 10)), []store.Due{
		{Kind: store.DuePage, ID: 1001, At: at(5 * time.Minute)}, {Kind: store.DueIncident, ID: 1001, At: at(time.Hour)}})
}

func pageVersionsFollowEachOther(t *testing.T, h Harness) {
	p := newPage(1001, "g")
	p.Version = 2
	refuse(t, h.Store, store.Change{Page: &p}, store.ErrConflict)
	p.Version = 1
	commit(t, h.Store, store.Change{Page: &p})
	refuse(t, h.Store, store.Change{Page: &p}, store.ErrConflict)
	p.Version = 3
	refuse(t, h.Store, store.Change{Page: &p}, store.ErrConflict)
	p.Version, p.Status = 2, page.Acknowledged
	commit(t, h.Store, store.Change{Page: &p})
	same(t, "page", must[page.Page](t)(h.Store.Page(context.Background(), 1001)), p)
}

// What was decided on an older version is refused however late, early or often it arrives; what follows is stored once.
func versionsArriveInAnyOrder(t *testing.T, h Harness) {
	const last = 6
	r := rand.New(rand.NewPCG(3, 4))
	stored := int64(0)
	for stored < last {
		v := 1 + r.Int64N(last)
		p := newPage(1001, "g")
		p.Version, p.Step = v, int(v)
		c := store.Change{Now: at(0), Page: &p, Entries: []timeline.Entry{newEntry(pageObject(1001), v, "")}}
		if v == stored+1 {
			commit(t, h.Store, c)
			stored = v
			continue
		}
		refuse(t, h.Store, c, store.ErrConflict)
	}
	same(t, "page", must[page.Page](t)(h.Store.Page(context.Background(), 1001)).Step, last)
	same(t, "entries", len(must[[]timeline.Entry](t)(h.Store.Timeline(context.Background(), pageObject(1001)))), last)
}

func alertVersionsFollowEachOther(t *testing.T, h Harness) {
	a := newAlert("src/1", 1001)
	a.Version = 2
	refuse(t, h.Store, store.Change{Alerts: []alert.State{a}}, store.ErrConflict)
	a.Version = 1
	commit(t, h.Store, store.Change{Alerts: []alert.State{a}})
	refuse(t, h.Store, store.Change{Alerts: []alert.State{newAlert("src/2", 1001), a}}, store.ErrConflict)
	a.Version, a.Sender = 2, "other"
	commit(t, h.Store, store.Change{Alerts: []alert.State{a}})
	same(t, "alerts", must[[]alert.State](t)(h.Store.Alerts(context.Background(), []alert.ID{"src/1", "src/2"})), []alert.State{a, {}})
}

func incidentVersionsFollowEachOther(t *testing.T, h Harness) {
	in := newIncident(1001)
	commit(t, h.Store, store.Change{Incident: &in})
	refuse(t, h.Store, store.Change{Incident: &in}, store.ErrConflict)
	in.Version, in.Commander = 2, "bob"
	commit(t, h.Store, store.Change{Incident: &in})
	in.Version = 2
	refuse(t, h.Store, store.Change{Incident: &in}, store.ErrConflict)
	same(t, "incident", must[incident.Incident](t)(h.Store.Incident(context.Background(), 1001)), in)
}

// Each change below is right but for one thing, and that thing comes last in the change.
func refusedChangeStoresNothing(t *testing.T, h Harness) {
	commit(t, h.Store, newChange(1001))
	before := Look(t, h.Store, 1001, 1002)
	for name, spoil := range map[string]func(c *store.Change) error{
		"page":                   func(c *store.Change) error { c.Page.Version = 2; return store.ErrConflict },
		"open page of the group": func(c *store.Change) error { c.Page.Group = "group 1001"; return store.ErrConflict },
		"alert":                  func(c *store.Change) error { c.Alerts[1].Version = 2; return store.ErrConflict },
		"incident":               func(c *store.Change) error { c.Incident.Version = 2; return store.ErrConflict },
		"delivery": func(c *store.Change) error {
			c.Deliveries = append(c.Deliveries, newDelivery(1001, 1, "ana/sms", alert.SEV2))
			return store.ErrConflict
		},
		"settlement": func(c *store.Change) error {
			c.Settle = []store.Settlement{{Delivery: "1001-1", Token: 77, State: store.SentState, At: at(0)}}
			return store.ErrFenced
		},
		"operation": func(c *store.Change) error { c.Op = "op 1001"; return store.ErrApplied },
	} {
		c := newChange(1002)
		want := spoil(&c)
		c.Now = at(time.Hour)
		if err := h.Store.Commit(context.Background(), c); !errors.Is(err, want) {
			t.Errorf("wrong %s: %v, want: %v", name, err, want)
		}
		if after := Look(t, h.Store, 1001, 1002); after != before {
			t.Errorf("wrong %s left something behind:\n%s\nbefore:\n%s", name, after, before)
		}
	}
}

func impossibleChangeIsRefused(t *testing.T, h Harness) {
	many := make([]alert.State, store.MaxAlerts+1)
	for i := range many {
		many[i] = newAlert(alert.ID(fmt.Sprintf("src/%d", i)), 1001)
	}
	before := Look(t, h.Store)
	for name, c := range map[string]store.Change{
		"no instant":      {Op: "x"},
		"too many alerts": {Now: at(0), Alerts: many},
		"alert twice":     {Now: at(0), Alerts: []alert.State{many[0], many[0]}},
		"delivery twice":  {Now: at(0), Deliveries: []store.Delivery{newDelivery(1, 1, "a", 1), newDelivery(1, 1, "a", 1)}},
		"page number":     {Now: at(0), Page: &page.Page{Version: 1, Status: page.Held, Group: "g"}},
	} {
		if err := h.Store.Commit(context.Background(), c); err == nil || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: %v, want an error of its own", name, err)
		}
	}
	same(t, "store", Look(t, h.Store), before)
	commit(t, h.Store, store.Change{Alerts: many[:store.MaxAlerts]})
}

func operationIsAppliedOnce(t *testing.T, h Harness) {
	p := newPage(1001, "g")
	commit(t, h.Store, store.Change{Op: "hash-0", Page: &p})
	refuse(t, h.Store, store.Change{Op: "hash-0", Page: &p}, store.ErrApplied)
	p.Version = 2
	refuse(t, h.Store, store.Change{Op: "hash-0", Page: &p}, store.ErrApplied)
	commit(t, h.Store, store.Change{Op: "hash-1", Page: &p})
	commit(t, h.Store, store.Change{})
	commit(t, h.Store, store.Change{})
}

func groupHasOneOpenPage(t *testing.T, h Harness) {
	first, second := newPage(1001, "g"), newPage(1002, "g")
	commit(t, h.Store, store.Change{Page: &first})
	refuse(t, h.Store, store.Change{Page: &second}, store.ErrConflict)
	first.Version, first.Status, first.ResolvedAt, first.Due = 2, page.Resolved, at(0), time.Time{}
	commit(t, h.Store, store.Change{Page: &first})
	commit(t, h.Store, store.Change{Page: &second})
	first.Version, first.Status = 3, page.Triggered
	refuse(t, h.Store, store.Change{Page: &first}, store.ErrConflict)
	other := newPage(1003, "other")
	commit(t, h.Store, store.Change{Page: &other})
}

func groupPrefersTheOpenPage(t *testing.T, h Harness) {
	first, second := newPage(1001, "g"), newPage(1002, "g")
	first.Status = page.Resolved
	commit(t, h.Store, store.Change{Page: &first})
	second.Status = page.Resolved
	commit(t, h.Store, store.Change{Page: &second})
	same(t, "newest", must[page.Page](t)(h.Store.Group(context.Background(), "g")).Number, 1002)
	first.Version, first.Status = 2, page.Held
	commit(t, h.Store, store.Change{Page: &first})
	same(t, "open", must[page.Page](t)(h.Store.Group(context.Background(), "g")).Number, 1001)
	first.Version, first.Status = 3, page.Resolved
	commit(t, h.Store, store.Change{Page: &first})
	same(t, "newest again", must[page.Page](t)(h.Store.Group(context.Background(), "g")).Number, 1002)
}

func numbersStartAt1001AndNeverRepeat(t *testing.T, h Harness) {
	ctx, s := context.Background(), h.Store
	last := must[int64](t)(s.NextNumber(ctx))
	same(t, "first number", last, 1001)
	next := func() {
		n := must[int64](t)(s.NextNumber(ctx))
		if n <= last {
			t.Fatalf("number %d after %d", n, last)
		}
		last = n
	}
	for range 300 {
		next()
	}
	if h.Reopen != nil {
		s = h.Reopen()
		next()
		s = h.Reopen()
		next()
	}
	p := newPage(last+5000, "imported")
	commit(t, s, store.Change{Page: &p})
	last += 5000
	next()
}
