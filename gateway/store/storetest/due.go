package storetest

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
)

func dueIsAReadInOrder(t *testing.T, h Harness) {
	for i, after := range []time.Duration{3, 1, 2} {
		p := newPage(1001+int64(i), "g"+string(rune('a'+i)))
		p.Due = at(after * time.Second)
		commit(t, h.Store, store.Change{Page: &p})
	}
	in := newIncident(1001)
	in.Due = at(1500 * time.Millisecond)
	commit(t, h.Store, store.Change{Incident: &in})
	ctx := context.Background()
	want := []store.Due{
		{Kind: store.DuePage, ID: 1002, At: at(time.Second)}, {Kind: store.DueIncident, ID: 1001, At: at(1500 * time.Millisecond)},
		{Kind: store.DuePage, ID: 1003, At: at(2 * time.Second)}, {Kind: store.DuePage, ID: 1001, At: at(3 * time.Second)}}
	for range 2 {
		same(t, "all", must[[]store.Due](t)(h.Store.Due(ctx, at(time.Hour), 10)), want)
	}
	same(t, "limit", must[[]store.Due](t)(h.Store.Due(ctx, at(time.Hour), 2)), want[:2])
	same(t, "exactly then", must[[]store.Due](t)(h.Store.Due(ctx, at(2*time.Second), 10)), want[:3])
	same(t, "just before", must[[]store.Due](t)(h.Store.Due(ctx, at(2*time.Second-1), 10)), want[:2])
}

func dueFollowsThePage(t *testing.T, h Harness) {
	ctx, p := context.Background(), newPage(1001, "g")
	due := func() []store.Due { return must[[]store.Due](t)(h.Store.Due(ctx, at(1000*time.Hour), 10)) }
	commit(t, h.Store, store.Change{Page: &p})
	p.Version, p.Due = 2, at(time.Minute+time.Nanosecond)
	commit(t, h.Store, store.Change{Page: &p})
	same(t, "moved", due(), []store.Due{{Kind: store.DuePage, ID: 1001, At: p.Due}})
	p.Version, p.Summary = 3, "other"
	commit(t, h.Store, store.Change{Page: &p})
	same(t, "kept", due(), []store.Due{{Kind: store.DuePage, ID: 1001, At: p.Due}})
	p.Version, p.Status, p.Due = 4, page.Resolved, time.Time{}
	commit(t, h.Store, store.Change{Page: &p})
	same(t, "gone", due(), nil)
	p.Version, p.Status, p.Due = 5, page.Triggered, at(time.Hour)
	commit(t, h.Store, store.Change{Page: &p})
	same(t, "back", due(), []store.Due{{Kind: store.DuePage, ID: 1001, At: p.Due}})
}

func nextIsTheEarliestInstant(t *testing.T, h Harness) {
	ctx, o := context.Background(), options()
	o.Window = 10 * time.Second
	next := func(want time.Time) {
		t.Helper()
		same(t, "next", must[time.Time](t)(h.Store.Next(ctx, o)), want)
	}
	p := newPage(1001, "g")
	commit(t, h.Store, store.Change{Page: &p})
	next(at(5 * time.Minute))
	d := newDelivery(1001, 1, "ana/sms", alert.SEV2)
	d.VisibleAt = at(2 * time.Second)
	commit(t, h.Store, store.Change{Deliveries: []store.Delivery{d}})
	next(at(2 * time.Second))
	o.Channels = append(o.Channels, "voice")
	next(at(5 * time.Minute))
	o.Channels = nil
	claim(t, h.Store, at(2*time.Second), o, 1)
	next(at(5 * time.Second)) // the lease's end
	d.ID = "1001-2"
	commit(t, h.Store, store.Change{Deliveries: []store.Delivery{d}})
	next(at(5 * time.Second)) // the new one waits for the window, the retry does not
	commit(t, h.Store, store.Change{Settle: []store.Settlement{{Delivery: "1001-1", State: store.Delivered, Rank: 1, At: at(3 * time.Second)}}})
	next(at(12 * time.Second)) // the window's end
	o.Window = 0
	next(at(2 * time.Second))
}

// nextAgreesWithClaim plays many claims and settlements: nothing may come before the instant that Next gave, and
// something must come at it.
func nextAgreesWithClaim(t *testing.T, h Harness) {
	ctx, o := context.Background(), options()
	o.Window, o.Limit, o.Max = 4*time.Second, 2, 3
	r := rand.New(rand.NewPCG(1, 2))
	now, n := at(0), 0
	for range 150 {
		for range r.IntN(3) {
			n++
			d := newDelivery(1001, n, []string{"ana/sms", "bob/sms", "cyd/sms"}[r.IntN(3)], alert.Severity(1+r.IntN(4)))
			d.VisibleAt = now.Add(time.Duration(r.IntN(3000)) * time.Millisecond)
			commit(t, h.Store, store.Change{Now: now, Deliveries: []store.Delivery{d}})
		}
		next := must[time.Time](t)(h.Store.Next(ctx, o))
		if next.IsZero() {
			now = now.Add(time.Second)
			continue
		}
		if next.After(now) {
			claim(t, h.Store, next.Add(-time.Nanosecond), o, 0)
			now = next
		}
		claims := must[[]store.Claim](t)(h.Store.Claim(ctx, now, o))
		if len(claims) == 0 {
			t.Fatalf("Next said %s, and nothing could be claimed then", next)
		}
		for _, c := range claims {
			if r.IntN(4) == 0 {
				continue // the attempt is lost: its lease ends
			}
			s := store.Settlement{Token: c.Token, State: store.SentState, At: now}
			if r.IntN(3) == 0 {
				s.State, s.VisibleAt = store.Pending, now.Add(time.Duration(r.IntN(2000))*time.Millisecond)
			}
			var settle []store.Settlement
			for _, d := range c.Deliveries {
				s.Delivery = d.ID
				settle = append(settle, s)
			}
			commit(t, h.Store, store.Change{Now: now, Settle: settle})
		}
	}
}
