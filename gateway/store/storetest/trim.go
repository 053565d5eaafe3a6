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

const day = 24 * time.Hour

// trim deletes what may go at an instant, in steps of a few keys.
func trim(t *testing.T, s store.Store, now time.Time) {
	t.Helper()
	for range 10_000 {
		if !must[bool](t)(s.Trim(context.Background(), now, 7)) {
			return
		}
	}
	t.Fatal("trimming never ends")
}

// closedPage stores a page with two deliveries, two alerts, an incident and timelines, and closes all of it at the start.
func closedPage(t *testing.T, s store.Store, number int64) {
	t.Helper()
	c := newChange(number)
	commit(t, s, c)
	for _, cl := range claim(t, s, at(0), options(), 2) {
		settle(t, s, cl, store.Settlement{State: store.SentState, At: at(0)})
	}
	c.Op = fmt.Sprintf("close %d", number)
	c.Page.Version, c.Page.Status, c.Page.ResolvedAt, c.Page.Due = 2, page.Resolved, at(0), time.Time{}
	c.Incident.Version, c.Incident.Status, c.Incident.ResolvedAt, c.Incident.Due = 2, incident.Resolved, at(0), time.Time{}
	for i := range c.Alerts {
		c.Alerts[i].Version, c.Alerts[i].Status, c.Alerts[i].EndedAt = 2, alert.Resolved, at(0)
	}
	c.Deliveries, c.Sent = nil, nil
	c.Entries = []timeline.Entry{newEntry(pageObject(number), 2, c.Entries[0].Hash), newEntry(incidentObject(number), 2, c.Entries[1].Hash)}
	commit(t, s, c)
}

func trimKeepsWhatRetentionKeeps(t *testing.T, h Harness) {
	ctx, s := context.Background(), h.Store
	closedPage(t, s, 1001)
	open := newChange(1002)
	commit(t, s, open)
	full := Look(t, s, 1001, 1002)

	trim(t, s, at(26*time.Hour-1))
	refuse(t, s, newChange(1001), store.ErrApplied)
	trim(t, s, at(30*day-1))
	same(t, "just before 30 days", Look(t, s, 1001, 1002), full)

	trim(t, s, at(30*day))
	same(t, "deliveries", must[[]store.Delivery](t)(s.Deliveries(ctx, 1001)), nil)
	same(t, "recent deliveries", must[[]store.Delivery](t)(s.RecentDeliveries(ctx, 10)), nil)
	same(t, "tombstones", must[[]alert.State](t)(s.Alerts(ctx, []alert.ID{alertID(1001, 1)})), []alert.State{{}})
	same(t, "alerts", must[[]alert.State](t)(s.PageAlerts(ctx, 1001, 10)), nil)
	same(t, "page", must[page.Page](t)(s.Page(ctx, 1001)).Status, page.Resolved)
	same(t, "timeline", len(must[[]timeline.Entry](t)(s.Timeline(ctx, "page/1001"))), 2)
	same(t, "deliveries of the open page", len(must[[]store.Delivery](t)(s.Deliveries(ctx, 1002))), 2)
	same(t, "alerts of the open page", must[[]alert.State](t)(s.PageAlerts(ctx, 1002, 10)), open.Alerts)

	trim(t, s, at(400*day-1))
	same(t, "page", must[page.Page](t)(s.Page(ctx, 1001)).Status, page.Resolved)
	same(t, "incident", must[incident.Incident](t)(s.Incident(ctx, 1001)).Status, incident.Resolved)

	trim(t, s, at(400*day))
	for what, err := range map[string]error{
		"page": second(s.Page(ctx, 1001)), "group": second(s.Group(ctx, "group 1001")), "incident": second(s.Incident(ctx, 1001)),
	} {
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s after 400 days: %v", what, err)
		}
	}
	for _, object := range []string{"page/1001", "incident/1001"} {
		left := must[[]timeline.Entry](t)(s.Timeline(ctx, object))
		if len(left) != 1 || left[0].Seq != 2 || left[0].Hash == "" {
			t.Errorf("%s leaves no tombstone with the chain's last hash: %+v", object, left)
		}
	}
	commit(t, s, newChange(1003)) // an old operation id is forgotten by then, a new one is not refused
	same(t, "open page", must[page.Page](t)(s.Page(ctx, 1002)), open.Page)
}

func trimGoesInSmallSteps(t *testing.T, h Harness) {
	ctx, s := context.Background(), h.Store
	c := newChange(1001)
	c.Alerts = nil
	for n := range 40 {
		a := newAlert(alertID(1001, n+1), 1001)
		a.Status = alert.Resolved
		c.Alerts = append(c.Alerts, a)
	}
	c.Page.Status, c.Page.ResolvedAt = page.Resolved, at(0)
	commit(t, s, c)
	more := must[bool](t)(s.Trim(ctx, at(31*day), 10))
	left := len(must[[]alert.State](t)(s.PageAlerts(ctx, 1001, 100)))
	if !more || left < 30 || left > 40 {
		t.Errorf("a step of 10 keys left %d of 40 alerts, more: %t", left, more)
	}
	trim(t, s, at(31*day))
	same(t, "alerts", must[[]alert.State](t)(s.PageAlerts(ctx, 1001, 100)), nil)

	// An alert that was heard of later than its page closed is kept as long as itself asks for.
	late := newChange(1002)
	late.Page.Status, late.Page.ResolvedAt = page.Resolved, at(0)
	for i := range late.Alerts {
		late.Alerts[i].Status = alert.Resolved
	}
	late.Alerts[1].HeardAt = at(10 * day)
	commit(t, s, late)
	trim(t, s, at(39*day))
	same(t, "late alert", must[[]alert.State](t)(s.PageAlerts(ctx, 1002, 10)), late.Alerts[1:])
	trim(t, s, at(41*day))
	same(t, "late alert in the end", must[[]alert.State](t)(s.PageAlerts(ctx, 1002, 10)), nil)
}

// trimTakesDeliveriesThatNoPageOwns: letters, and what asks for an action item, stand under numbers that no page has, or
// are written long after their page closed.
func trimTakesDeliveriesThatNoPageOwns(t *testing.T, h Harness) {
	ctx, s := context.Background(), h.Store
	owed := func(number int64, n int, due time.Time) store.Delivery {
		d := newDelivery(number, n, "ana/sms", alert.SEV4)
		d.At, d.VisibleAt = due, due
		return d
	}
	left := func(number int64) (out []string) {
		for _, d := range must[[]store.Delivery](t)(s.Deliveries(ctx, number)) {
			out = append(out, d.ID)
		}
		return out
	}
	closedPage(t, s, 1001)
	commit(t, s, newChange(1002)) // stays open
	const far = 1 << 51           // a subscriber's
	put(t, s, owed(2001, 1, at(0)), owed(2001, 2, at(0)), owed(far, 1, at(0)))
	put(t, s, owed(2001, 3, at(10*day)), owed(2002, 1, at(10*day)))
	put(t, s, owed(1001, 9, at(20*day)), owed(1002, 9, at(0)))
	for _, c := range claim(t, s, at(20*day), store.ClaimOptions{Limit: 100, Max: 1, Lease: time.Minute}, 9) {
		settle(t, s, c, store.Settlement{State: store.SentState, At: at(20 * day)})
	}

	trim(t, s, at(30*day-1))
	same(t, "the stranger's, before its time", left(far), []string{page.SendID(far, 1)})
	trim(t, s, at(31*day))
	same(t, "the stranger's", left(far), nil)
	same(t, "of a number whose newest is younger", len(left(2001)), 3)
	same(t, "of a page that closed, and is asked for since", len(left(1001)), 3)
	trim(t, s, at(41*day))
	same(t, "of a number", left(2001), nil)
	same(t, "of another", left(2002), nil)
	same(t, "of a page that closed, and is asked for since", len(left(1001)), 3)
	same(t, "the page", must[page.Page](t)(s.Page(ctx, 1001)).Status, page.Resolved)
	trim(t, s, at(51*day))
	same(t, "of a page that closed, in the end", left(1001), nil)
	same(t, "recent deliveries", len(must[[]store.Delivery](t)(s.RecentDeliveries(ctx, 100))), 3)
	same(t, "of the open page", len(left(1002)), 3)
	put(t, s, owed(2001, 4, at(51*day))) // the number goes on
	trim(t, s, at(60*day))
	same(t, "of the number, later", left(2001), []string{"2001-4"})
	trim(t, s, at(82*day))
	same(t, "of the number, in the end, though it was never sent", left(2001), nil)
	claim(t, s, at(82*day), options(), 0)
	trim(t, s, at(500*day))
	if _, err := s.Page(ctx, 1001); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the closed page after 500 days: %v", err)
	}
}
