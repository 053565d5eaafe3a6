package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/timeline"
)

func alertMovesToAnotherPage(t *testing.T, h Harness) {
	a := newAlert("src/1", 1001)
	commit(t, h.Store, store.Change{Alerts: []alert.State{a}})
	a.Version, a.Page = 2, 1002
	commit(t, h.Store, store.Change{Alerts: []alert.State{a}})
	ctx := context.Background()
	same(t, "alerts of the old page", must[[]alert.State](t)(h.Store.PageAlerts(ctx, 1001, 10)), nil)
	same(t, "alerts of the new page", must[[]alert.State](t)(h.Store.PageAlerts(ctx, 1002, 10)), []alert.State{a})
	same(t, "alert", must[[]alert.State](t)(h.Store.Alerts(ctx, []alert.ID{"src/1"})), []alert.State{a})
}

func firingAlertsComeFirst(t *testing.T, h Harness) {
	var states []alert.State
	for i := range 6 {
		a := newAlert(alert.ID(fmt.Sprintf("src/%d", i)), 1001)
		if i%2 == 0 {
			a.Status = alert.Resolved
		}
		states = append(states, a)
	}
	other := newAlert("src/9", 1002)
	commit(t, h.Store, store.Change{Alerts: append(states[:6:6], other)})
	ctx := context.Background()
	firing, resolved := []alert.State{states[1], states[3], states[5]}, []alert.State{states[0], states[2], states[4]}
	same(t, "all", must[[]alert.State](t)(h.Store.PageAlerts(ctx, 1001, 10)), append(firing, resolved...))
	same(t, "two", must[[]alert.State](t)(h.Store.PageAlerts(ctx, 1001, 2)), firing[:2])
	same(t, "four", must[[]alert.State](t)(h.Store.PageAlerts(ctx, 1001, 4)), append(firing[:3:3], resolved[0]))
	same(t, "none", must[[]alert.State](t)(h.Store.PageAlerts(ctx, 1001, 0)), nil)
}

func pagesAreListedNewestFirst(t *testing.T, h Harness) {
	for n := int64(1001); n <= 1120; n++ {
		p := newPage(n, fmt.Sprintf("group %d", n))
		if n%2 == 0 {
			p.Status, p.ResolvedAt, p.Due = page.Resolved, at(0), time.Time{}
		}
		if n == 1003 {
			p.Due = time.Time{} // the auditor must find it
		}
		commit(t, h.Store, store.Change{Page: &p})
	}
	list := func(f store.Filter) (numbers []int64) {
		for _, p := range must[[]page.Page](t)(h.Store.Pages(context.Background(), f)) {
			numbers = append(numbers, p.Number)
		}
		return numbers
	}
	all := list(store.Filter{})
	if len(all) != 100 || all[0] != 1120 || all[99] != 1021 {
		t.Errorf("without a limit: %d pages, %v", len(all), all)
	}
	same(t, "three", list(store.Filter{Limit: 3}), []int64{1120, 1119, 1118})
	same(t, "open", list(store.Filter{Open: true, Limit: 3}), []int64{1119, 1117, 1115})
	same(t, "before", list(store.Filter{Before: 1005}), []int64{1004, 1003, 1002, 1001})
	same(t, "open before", list(store.Filter{Open: true, Before: 1005}), []int64{1003, 1001})
	same(t, "before the first", list(store.Filter{Before: 1001}), nil)
}

func incidentsAreListedNewestFirst(t *testing.T, h Harness) {
	for n := int64(1001); n <= 1005; n++ {
		in := newIncident(n)
		in.Status = []incident.Status{incident.Resolved, incident.Candidate, incident.Dismissed, incident.Mitigated, incident.Merged}[n-1001]
		commit(t, h.Store, store.Change{Incident: &in})
	}
	list := func(f store.Filter) (numbers []int64) {
		for _, in := range must[[]incident.Incident](t)(h.Store.Incidents(context.Background(), f)) {
			numbers = append(numbers, in.Number)
		}
		return numbers
	}
	same(t, "all", list(store.Filter{}), []int64{1005, 1004, 1003, 1002, 1001})
	same(t, "open", list(store.Filter{Open: true}), []int64{1004, 1002})
	same(t, "before", list(store.Filter{Before: 1004, Limit: 1}), []int64{1003})
}

func timelineKeepsItsChain(t *testing.T, h Harness) {
	prev := ""
	for seq := int64(1); seq <= 12; seq++ {
		mine := newEntry("page/1001", seq, prev)
		commit(t, h.Store, store.Change{Entries: []timeline.Entry{mine, newEntry("page/10010", seq, ""), newEntry("silence/x", seq, "")}})
		prev = mine.Hash
	}
	ctx := context.Background()
	entries := must[[]timeline.Entry](t)(h.Store.Timeline(ctx, "page/1001"))
	if err := timeline.Verify(entries, prev); err != nil || len(entries) != 12 {
		t.Errorf("%d entries: %v", len(entries), err)
	}
	same(t, "other object", len(must[[]timeline.Entry](t)(h.Store.Timeline(ctx, "silence/x"))), 12)
	refuse(t, h.Store, store.Change{Entries: []timeline.Entry{newEntry("page/1001", 12, "")}}, store.ErrConflict)
}

func sentIsKeptNewestFirst(t *testing.T, h Harness) {
	var want []store.Sent
	for i := range store.KeepSent + 20 {
		s := store.Sent{Contact: "ana/sms", At: at(time.Duration(i/2) * time.Second), Kind: "page", Pages: []int64{int64(i)}, Rounds: []int{1}, Delivery: "d"}
		want = append([]store.Sent{s}, want...)
		commit(t, h.Store, store.Change{Sent: []store.Sent{s, {Contact: "ana/sms2", At: at(0)}}})
	}
	ctx := context.Background()
	same(t, "five", must[[]store.Sent](t)(h.Store.Sent(ctx, "ana/sms", 5)), want[:5])
	same(t, "kept", must[[]store.Sent](t)(h.Store.Sent(ctx, "ana/sms", 1000)), want[:store.KeepSent])
	same(t, "nobody", must[[]store.Sent](t)(h.Store.Sent(ctx, "ana/sm", 5)), nil)
}

func returnedValuesAreCopies(t *testing.T, h Harness) {
	commit(t, h.Store, newChange(1001))
	before, ctx := Look(t, h.Store, 1001), context.Background()
	p := must[page.Page](t)(h.Store.Page(ctx, 1001))
	p.Hidden["sender"], p.Ladders[0].Rungs[0].Contact, p.Told[0].Person = 99, "x", "x"
	p.Policy.Steps[0].Targets[0].Name, p.Reopened[0], p.Noise[0] = "x", at(time.Hour), "x"
	for _, p := range must[[]page.Page](t)(h.Store.Pages(ctx, store.Filter{})) {
		p.Hidden["sender"] = 98
	}
	a := must[[]alert.State](t)(h.Store.Alerts(ctx, []alert.ID{alertID(1001, 1)}))
	a[0].Alert.Labels["alertname"], a[0].Status = "x", alert.Resolved
	a = must[[]alert.State](t)(h.Store.PageAlerts(ctx, 1001, 2))
	a[1].Alert.Annotations["summary"] = "x"
	must[incident.Incident](t)(h.Store.Incident(ctx, 1001)).Pages[0] = 7
	must[[]timeline.Entry](t)(h.Store.Timeline(ctx, "page/1001"))[0].Facts["round"] = "9"
	must[[]store.Delivery](t)(h.Store.Deliveries(ctx, 1001))[0].Contact = "x"
	sent := must[[]store.Sent](t)(h.Store.Sent(ctx, contact(1001), 1))
	sent[0].Pages[0], sent[0].Rounds[0] = 7, 7
	same(t, "store", Look(t, h.Store, 1001), before)
}

func committedValuesAreCopies(t *testing.T, h Harness) {
	c := newChange(1001)
	commit(t, h.Store, c)
	before := Look(t, h.Store, 1001)
	c.Page.Hidden["sender"], c.Page.Ladders[0].Rungs[0].Contact, c.Page.Status = 99, "x", page.Resolved
	c.Alerts[0].Alert.Labels["alertname"], c.Incident.Pages[0], c.Entries[0].Facts["round"] = "x", 7, "9"
	c.Deliveries[0].Contact, c.Sent[0].Pages[0] = "x", 7
	same(t, "store", Look(t, h.Store, 1001), before)
}

func highWaterNeverFalls(t *testing.T, h Harness) {
	ctx := context.Background()
	commit(t, h.Store, store.Change{Now: at(time.Hour)})
	commit(t, h.Store, store.Change{Now: at(0)})
	same(t, "high water", must[time.Time](t)(h.Store.HighWater(ctx)), at(time.Hour))
}

func wakeFollowsACommit(t *testing.T, h Harness) {
	commit(t, h.Store, newChange(1001))
	select {
	case <-h.Store.Wake():
	default:
		t.Error("a commit with something due and to send woke nobody")
	}
}

func canceledCallerGetsAnError(t *testing.T, h Harness) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for what, err := range map[string]error{
		"commit": h.Store.Commit(ctx, newChange(1001)),
		"page":   second(h.Store.Page(ctx, 1001)),
		"due":    second(h.Store.Due(ctx, at(0), 1)),
		"claim":  second(h.Store.Claim(ctx, at(0), options())),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want: %v", what, err, context.Canceled)
		}
	}
}

func closedStoreIsUnavailable(t *testing.T, h Harness) {
	if err := h.Store.Close(); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for what, err := range map[string]error{
		"commit": h.Store.Commit(ctx, newChange(1001)),
		"number": second(h.Store.NextNumber(ctx)),
		"page":   second(h.Store.Page(ctx, 1001)),
		"claim":  second(h.Store.Claim(ctx, at(0), options())),
		"trim":   second(h.Store.Trim(ctx, at(0), 10)),
		"ready":  h.Store.Ready(ctx),
	} {
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: %v, want: %v", what, err, store.ErrUnavailable)
		}
	}
}
