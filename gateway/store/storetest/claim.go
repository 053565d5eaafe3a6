package storetest

import (
	"context"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/notify"
)

// put stores pending deliveries, each of its own commit.
func put(t *testing.T, s store.Store, ds ...store.Delivery) {
	t.Helper()
	for _, d := range ds {
		commit(t, s, store.Change{Deliveries: []store.Delivery{d}})
	}
}

func claimTakesALaneTogether(t *testing.T, h Harness) {
	ask := newDelivery(1003, 2, "ana/sms", alert.SEV3)
	ask.Kind = notify.KindAsk
	put(t, h.Store, newDelivery(1003, 1, "ana/sms", alert.SEV3), ask, newDelivery(1002, 1, "ana/sms", alert.SEV4), newDelivery(1001, 1, "ana/sms", alert.SEV3))
	claims := claim(t, h.Store, at(0), options(), 2)
	same(t, "claims", ids(claims...), [][]string{{"1001-1", "1003-1", "1002-1"}, {"1003-2"}})
	c := claims[0]
	if c.Bundle == "" || c.Token == 0 || claims[1].Bundle != "" || claims[1].Token <= c.Token {
		t.Errorf("claims %+v", claims)
	}
	same(t, "lease", c.Until, at(3*time.Second))
	for _, d := range c.Deliveries {
		if d.Token != c.Token || d.Bundle != c.Bundle || d.Attempts != 1 || !d.AttemptAt.Equal(at(0)) || !d.VisibleAt.Equal(c.Until) || d.State != store.Pending {
			t.Errorf("claimed delivery %+v", d)
		}
		same(t, "stored", must[store.Delivery](t)(h.Store.Delivery(context.Background(), d.ID)), d)
	}
	claim(t, h.Store, at(3*time.Second-1), options(), 0)
}

func claimServesTheWorstFirst(t *testing.T, h Harness) {
	late, early := newDelivery(1001, 1, "ana/sms", alert.SEV3), newDelivery(1002, 1, "bob/sms", alert.SEV3)
	late.At = at(time.Second)
	put(t, h.Store, newDelivery(1003, 1, "cyd/sms", 0), newDelivery(1004, 1, "dan/sms", alert.SEV4), late, early,
		newDelivery(1005, 1, "ana/sms", alert.SEV1), newDelivery(1006, 1, "ana/sms", alert.SEV1), newDelivery(1007, 1, "eve/sms", alert.SEV2),
		newDelivery(1008, 1, "dan/sms", alert.SEV3))
	claims := claim(t, h.Store, at(time.Second), options(), 7)
	same(t, "order", ids(claims...), [][]string{{"1005-1"}, {"1006-1"}, {"1007-1"}, {"1002-1"}, {"1008-1", "1004-1"}, {"1001-1"}, {"1003-1"}})
}

func claimHonoursItsLimits(t *testing.T, h Harness) {
	for i := range 5 {
		put(t, h.Store, newDelivery(1001, i+1, "ana/sms", alert.SEV3), newDelivery(1002, i+1, "bob/sms", alert.SEV4))
	}
	o := options()
	o.Limit, o.Max = 1, 2
	same(t, "first", ids(claim(t, h.Store, at(0), o, 1)...), [][]string{{"1001-1", "1001-2"}})
	o.Limit = 3
	same(t, "next", ids(claim(t, h.Store, at(0), o, 3)...), [][]string{{"1001-3", "1001-4"}, {"1001-5"}, {"1002-1", "1002-2"}})
	o.Limit = 0
	claim(t, h.Store, at(0), o, 0)
}

func claimChoosesChannels(t *testing.T, h Harness) {
	call := newDelivery(1001, 2, "ana/voice", alert.SEV2)
	call.Channel = notify.Voice
	put(t, h.Store, newDelivery(1001, 1, "ana/sms", alert.SEV2), call)
	o := options()
	o.Channels = []notify.Channel{notify.Email, notify.Voice}
	same(t, "voice", ids(claim(t, h.Store, at(0), o, 1)...), [][]string{{"1001-2"}})
	claim(t, h.Store, at(0), o, 0)
	claim(t, h.Store, at(0), options(), 1)
	for i, channel := range notify.Channels() {
		d := newDelivery(1002, i+1, "ana/"+string(channel), alert.SEV2)
		d.Channel = channel
		put(t, h.Store, d)
	}
	o = options()
	o.Limit = len(notify.Channels())
	claim(t, h.Store, at(0), o, len(notify.Channels())) // none named = all that there are
}

func claimWaitsUntilVisible(t *testing.T, h Harness) {
	early, late := newDelivery(1001, 1, "ana/sms", alert.SEV2), newDelivery(1002, 1, "ana/sms", alert.SEV2)
	early.VisibleAt, late.VisibleAt = at(time.Second), at(time.Second+time.Nanosecond)
	put(t, h.Store, early, late)
	claim(t, h.Store, at(time.Second-1), options(), 0)
	same(t, "early", ids(claim(t, h.Store, at(time.Second), options(), 1)...), [][]string{{"1001-1"}})
	same(t, "late", ids(claim(t, h.Store, at(time.Second+1), options(), 1)...), [][]string{{"1002-1"}})
}

func windowMakesBundles(t *testing.T, h Harness) {
	o := options()
	o.Window, o.Lease = 10*time.Second, time.Minute
	put(t, h.Store, newDelivery(1001, 1, "ana/sms", alert.SEV2))
	claim(t, h.Store, at(0), o, 1) // the first of a storm goes at once
	put(t, h.Store, newDelivery(1002, 1, "ana/sms", alert.SEV2), newDelivery(1003, 1, "bob/sms", alert.SEV2))
	same(t, "other lane", ids(claim(t, h.Store, at(time.Second), o, 1)...), [][]string{{"1003-1"}})
	put(t, h.Store, newDelivery(1004, 1, "ana/sms", alert.SEV2))
	claim(t, h.Store, at(10*time.Second-1), o, 0)
	same(t, "bundle", ids(claim(t, h.Store, at(10*time.Second), o, 1)...), [][]string{{"1002-1", "1004-1"}})
}

func windowSparesSEV1AndRetries(t *testing.T, h Harness) {
	o := options()
	o.Window = 10 * time.Second
	put(t, h.Store, newDelivery(1001, 1, "ana/sms", alert.SEV1), newDelivery(1002, 1, "ana/sms", alert.SEV2))
	claim(t, h.Store, at(0), o, 2)
	put(t, h.Store, newDelivery(1003, 1, "ana/sms", alert.SEV1), newDelivery(1004, 1, "ana/sms", alert.SEV2))
	same(t, "SEV-1", ids(claim(t, h.Store, at(time.Second), o, 1)...), [][]string{{"1003-1"}})
	same(t, "retries", ids(claim(t, h.Store, at(3*time.Second), o, 2)...), [][]string{{"1001-1"}, {"1002-1"}})
}

func leaseEndsAndTheSameSetIsClaimed(t *testing.T, h Harness) {
	put(t, h.Store, newDelivery(1001, 1, "ana/sms", alert.SEV2), newDelivery(1002, 1, "ana/sms", alert.SEV2), newDelivery(1003, 1, "bob/sms", alert.SEV3))
	first := claim(t, h.Store, at(0), options(), 2)
	put(t, h.Store, newDelivery(1004, 1, "ana/sms", alert.SEV2), newDelivery(1005, 1, "bob/sms", alert.SEV3))
	claim(t, h.Store, at(0), options(), 2)
	claim(t, h.Store, at(3*time.Second-1), options(), 0)
	again := claim(t, h.Store, at(3*time.Second), options(), 4)
	same(t, "sets", ids(again...), [][]string{{"1001-1", "1002-1"}, {"1004-1"}, {"1003-1"}, {"1005-1"}})
	if again[0].Bundle != first[0].Bundle || again[0].Token <= first[1].Token || again[0].Deliveries[1].Attempts != 2 {
		t.Errorf("the retry %+v does not continue %+v", again[0], first[0])
	}
}

func renewedLeaseHolds(t *testing.T, h Harness) {
	ctx := context.Background()
	put(t, h.Store, newDelivery(1001, 1, "ana/sms", alert.SEV2), newDelivery(1002, 1, "ana/sms", alert.SEV2))
	c := claim(t, h.Store, at(0), options(), 1)[0]
	for i := range 4 {
		now := at(time.Duration(i) * time.Second)
		claim(t, h.Store, now, options(), 0)
		if err := h.Store.Renew(ctx, c, now.Add(3*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	claim(t, h.Store, at(6*time.Second-1), options(), 0)
	later := claim(t, h.Store, at(6*time.Second), options(), 1)[0]
	if err := h.Store.Renew(ctx, c, at(time.Minute)); !fenced(err) {
		t.Errorf("renewing a lost claim: %v", err)
	}
	settle(t, h.Store, later, store.Settlement{State: store.SentState, At: at(7 * time.Second)})
	if err := h.Store.Renew(ctx, later, at(time.Minute)); !fenced(err) {
		t.Errorf("renewing a settled claim: %v", err)
	}
	claim(t, h.Store, at(time.Hour), options(), 0)
}

func releasedClaimIsVisibleAtOnce(t *testing.T, h Harness) {
	ctx, o := context.Background(), options()
	o.Window = 10 * time.Second
	put(t, h.Store, newDelivery(1001, 1, "ana/sms", alert.SEV2), newDelivery(1002, 1, "ana/sms", alert.SEV2))
	c := claim(t, h.Store, at(0), o, 1)[0]
	if err := h.Store.Release(ctx, c, at(time.Second)); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"release": h.Store.Release(ctx, c, at(time.Second)),
		"renew":   h.Store.Renew(ctx, c, at(time.Minute)),
		"settle":  h.Store.Commit(ctx, store.Change{Now: at(0), Settle: []store.Settlement{{Delivery: "1001-1", Token: c.Token, State: store.SentState, At: at(0)}}}),
	} {
		if !fenced(err) {
			t.Errorf("%s after the release: %v", what, err)
		}
	}
	put(t, h.Store, newDelivery(1003, 1, "ana/sms", alert.SEV2))
	again := claim(t, h.Store, at(time.Second), o, 1)[0]
	same(t, "set", ids(again), [][]string{{"1001-1", "1002-1", "1003-1"}})
	if d := again.Deliveries[0]; d.Attempts != 1 || again.Token <= c.Token {
		t.Errorf("an attempt that was not made counts: %+v", d)
	}
	third := claim(t, h.Store, at(4*time.Second), o, 1)[0] // the lease ended: maybe it was sent
	if err := h.Store.Release(ctx, third, at(5*time.Second)); err != nil {
		t.Fatal(err)
	}
	put(t, h.Store, newDelivery(1004, 1, "ana/sms", alert.SEV2))
	same(t, "the same set", ids(claim(t, h.Store, at(5*time.Second), o, 1)...), [][]string{{"1001-1", "1002-1", "1003-1"}})
	o.Lease = time.Hour
	claim(t, h.Store, at(8*time.Second), o, 1)
	same(t, "the new one after the window", ids(claim(t, h.Store, at(18*time.Second), o, 1)...), [][]string{{"1004-1"}})
}

func tokensRise(t *testing.T, h Harness) {
	last := int64(0)
	put(t, h.Store, newDelivery(1001, 1, "ana/sms", alert.SEV1), newDelivery(1002, 1, "ana/sms", alert.SEV1))
	for i := range 20 {
		for _, c := range claim(t, h.Store, at(time.Duration(i)*3*time.Second), options(), 2) {
			if c.Token <= last {
				t.Fatalf("token %d after %d", c.Token, last)
			}
			last = c.Token
		}
	}
}

func settledClaimIsOver(t *testing.T, h Harness) {
	ctx := context.Background()
	put(t, h.Store, newDelivery(1001, 1, "ana/sms", alert.SEV2))
	c := claim(t, h.Store, at(0), options(), 1)[0]
	s := store.Settlement{State: store.SentState, At: at(time.Second), ProviderID: "SM1", Progress: "queued"}
	settle(t, h.Store, c, s)
	d := must[store.Delivery](t)(h.Store.Delivery(ctx, "1001-1"))
	if d.State != store.SentState || !d.SettledAt.Equal(at(time.Second)) || d.ProviderID != "SM1" || d.Progress != "queued" || d.Attempts != 1 || !d.VisibleAt.IsZero() {
		t.Errorf("settled delivery %+v", d)
	}
	claim(t, h.Store, at(time.Hour), options(), 0)
	s.Delivery, s.Token = "1001-1", c.Token
	refuse(t, h.Store, store.Change{Settle: []store.Settlement{s}}, store.ErrFenced)
	same(t, "by page", must[[]store.Delivery](t)(h.Store.Deliveries(ctx, 1001)), []store.Delivery{d})
}

func lostTokenSettlesNothing(t *testing.T, h Harness) {
	put(t, h.Store, newDelivery(1001, 1, "ana/sms", alert.SEV2), newDelivery(1002, 1, "ana/sms", alert.SEV2))
	lost := claim(t, h.Store, at(0), options(), 1)[0]
	held := claim(t, h.Store, at(3*time.Second), options(), 1)[0]
	for _, s := range []store.Settlement{
		{Delivery: "1001-1", Token: lost.Token, State: store.SentState, At: at(4 * time.Second)},
		{Delivery: "1001-1", Token: held.Token + 1, State: store.Failed, At: at(4 * time.Second)},
		{Delivery: "1009-1", Token: held.Token, State: store.SentState, At: at(4 * time.Second)},
	} {
		refuse(t, h.Store, store.Change{Settle: []store.Settlement{s}}, store.ErrFenced)
	}
	same(t, "deliveries", must[store.Delivery](t)(h.Store.Delivery(context.Background(), "1001-1")), held.Deliveries[0])
	settle(t, h.Store, held, store.Settlement{State: store.SentState, At: at(5 * time.Second)})
}

func settlementIsAtomicWithThePage(t *testing.T, h Harness) {
	c := newChange(1001)
	commit(t, h.Store, c)
	claims := claim(t, h.Store, at(0), options(), 2)
	c.Page.Version, c.Page.Step = 2, 1
	change := store.Change{Now: at(time.Second), Page: c.Page, Sent: []store.Sent{{Contact: contact(1001), At: at(time.Second)}}}
	change.Settle = []store.Settlement{
		{Delivery: claims[0].Deliveries[0].ID, Token: claims[0].Token, State: store.SentState, At: at(time.Second)},
		{Delivery: claims[1].Deliveries[0].ID, Token: claims[0].Token, State: store.SentState, At: at(time.Second)}, // not its token
	}
	before := Look(t, h.Store, 1001)
	refuse(t, h.Store, change, store.ErrFenced)
	same(t, "store", Look(t, h.Store, 1001), before)
	change.Settle[1].Token = claims[1].Token
	change.Page.Version = 3
	refuse(t, h.Store, change, store.ErrConflict)
	same(t, "store", Look(t, h.Store, 1001), before)
	change.Page.Version = 2
	commit(t, h.Store, change)
	ctx := context.Background()
	same(t, "page", must[page.Page](t)(h.Store.Page(ctx, 1001)).Step, 1)
	for _, d := range must[[]store.Delivery](t)(h.Store.Deliveries(ctx, 1001)) {
		same(t, "state", d.State, store.SentState)
	}
	same(t, "sent", len(must[[]store.Sent](t)(h.Store.Sent(ctx, contact(1001), 10))), 2)
}
