package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/store"
	"pagerd/notify"
)

func fenced(err error) bool { return errors.Is(err, store.ErrFenced) }

// settle settles all deliveries of a claim alike.
func settle(t *testing.T, s store.Store, c store.Claim, as store.Settlement) {
	t.Helper()
	change := store.Change{Now: as.At}
	for _, d := range c.Deliveries {
		as.Delivery, as.Token = d.ID, c.Token
		change.Settle = append(change.Settle, as)
	}
	commit(t, s, change)
}

// callback settles one delivery as a provider's callback does.
func callback(t *testing.T, s store.Store, id string, as store.Settlement) store.Delivery {
	t.Helper()
	as.Delivery = id
	commit(t, s, store.Change{Settle: []store.Settlement{as}})
	return must[store.Delivery](t)(s.Delivery(context.Background(), id))
}

func retryWaitsAndKeepsItsSet(t *testing.T, h Harness) {
	put(t, h.Store, newDelivery(1001, 1, "ana/sms", alert.SEV2), newDelivery(1002, 1, "ana/sms", alert.SEV2), newDelivery(1003, 1, "ana/sms", alert.SEV2))
	c := claim(t, h.Store, at(0), options(), 1)[0]
	commit(t, h.Store, store.Change{Settle: []store.Settlement{
		{Delivery: "1001-1", Token: c.Token, State: store.Pending, VisibleAt: at(10 * time.Second), At: at(time.Second), Reason: notify.ReasonTimeout, Ambiguous: true},
		{Delivery: "1002-1", Token: c.Token, State: store.Pending, VisibleAt: at(11 * time.Second), At: at(time.Second), Reason: notify.ReasonTimeout, Ambiguous: true},
		{Delivery: "1003-1", Token: c.Token, State: store.Dropped, At: at(time.Second)},
	}})
	refuse(t, h.Store, store.Change{Settle: []store.Settlement{{Delivery: "1001-1", Token: c.Token, State: store.SentState, At: at(time.Second)}}}, store.ErrFenced)
	put(t, h.Store, newDelivery(1004, 1, "ana/sms", alert.SEV2))
	same(t, "meanwhile", ids(claim(t, h.Store, at(10*time.Second), options(), 1)...), [][]string{{"1004-1"}})
	again := claim(t, h.Store, at(11*time.Second), options(), 1)[0]
	same(t, "set", ids(again), [][]string{{"1001-1", "1002-1"}})
	d := again.Deliveries[0]
	if again.Bundle != c.Bundle || d.Attempts != 2 || d.Ambiguous != 1 || d.Reason != notify.ReasonTimeout {
		t.Errorf("retry %+v", again)
	}
	settle(t, h.Store, again, store.Settlement{State: store.SentState, At: at(12 * time.Second)})
	d = must[store.Delivery](t)(h.Store.Delivery(context.Background(), "1001-1"))
	if d.Ambiguous != 1 || d.Reason != notify.ReasonNone || d.State != store.SentState {
		t.Errorf("after the retry %+v", d)
	}
}

func callbackSettlesByRank(t *testing.T, h Harness) {
	put(t, h.Store, newDelivery(1001, 1, "ana/sms", alert.SEV2), newDelivery(1001, 2, "bob/sms", alert.SEV2))
	c := claim(t, h.Store, at(0), options(), 2)[0]
	settle(t, h.Store, c, store.Settlement{State: store.SentState, At: at(time.Second), ProviderID: "SM1"})
	d := callback(t, h.Store, "1001-1", store.Settlement{State: store.SentState, Rank: 2, At: at(2 * time.Second), Progress: "sent"})
	if d.Progress != "sent" || d.Rank != 2 || d.ProviderID != "SM1" || !d.SettledAt.Equal(at(time.Second)) {
		t.Errorf("after 'sent' %+v", d)
	}
	for _, rank := range []int{0, 1, 2} {
		same(t, "older word", callback(t, h.Store, "1001-1", store.Settlement{State: store.Failed, Rank: rank, At: at(3 * time.Second), Progress: "old"}), d)
	}
	d = callback(t, h.Store, "1001-1", store.Settlement{State: store.Pending, Rank: 3, At: at(3 * time.Second), Progress: "odd"})
	same(t, "nothing becomes pending again", d.State, store.SentState)
	d = callback(t, h.Store, "1001-1", store.Settlement{State: store.Failed, Rank: 4, At: at(3 * time.Second), Progress: "undelivered", Reason: notify.ReasonUndelivered, Code: "30003"})
	if d.State != store.Failed || d.Code != "30003" || d.Reason != notify.ReasonUndelivered {
		t.Errorf("after 'undelivered' %+v", d)
	}
	claim(t, h.Store, at(2*time.Second), options(), 0)
	d = callback(t, h.Store, "1001-1", store.Settlement{State: store.Delivered, Voiced: true, At: at(4 * time.Second)})
	if !d.Voiced || d.State != store.Failed {
		t.Errorf("a pressed digit is stored whatever the rank: %+v", d)
	}
	refuse(t, h.Store, store.Change{Settle: []store.Settlement{{Delivery: "1009-1", State: store.Delivered, Rank: 1, At: at(0)}}}, store.ErrNotFound)
}

func callbackDuringTheAttemptStands(t *testing.T, h Harness) {
	ctx := context.Background()
	for i, outcome := range []store.DeliveryState{store.SentState, store.Pending, store.Failed} {
		id := newDelivery(1001, i+1, "ana/sms", alert.SEV1)
		put(t, h.Store, id)
		c := claim(t, h.Store, at(0), options(), 1)[0]
		callback(t, h.Store, id.ID, store.Settlement{State: store.Delivered, Rank: 5, At: at(time.Second), Progress: "delivered"})
		settle(t, h.Store, c, store.Settlement{State: outcome, At: at(2 * time.Second), VisibleAt: at(3 * time.Second), ProviderID: "SM9", Ambiguous: true})
		d := must[store.Delivery](t)(h.Store.Delivery(ctx, id.ID))
		if d.State != store.Delivered || d.ProviderID != "SM9" || d.Progress != "delivered" || d.Ambiguous != 1 || !d.SettledAt.Equal(at(time.Second)) {
			t.Errorf("attempt came to %s: %+v", outcome, d)
		}
		refuse(t, h.Store, store.Change{Settle: []store.Settlement{{Delivery: id.ID, Token: c.Token, State: store.SentState, At: at(2 * time.Second)}}}, store.ErrFenced)
		claim(t, h.Store, at(time.Hour), options(), 0)
	}
}

func bundleIsReadBack(t *testing.T, h Harness) {
	ctx := context.Background()
	put(t, h.Store, newDelivery(1002, 1, "ana/sms", alert.SEV2), newDelivery(1001, 1, "ana/sms", alert.SEV3), newDelivery(1003, 1, "ana/sms", alert.SEV2))
	c := claim(t, h.Store, at(0), options(), 1)[0]
	same(t, "order", ids(c), [][]string{{"1002-1", "1003-1", "1001-1"}})
	same(t, "while on the wire", must[[]store.Delivery](t)(h.Store.Bundle(ctx, c.Bundle)), c.Deliveries)
	commit(t, h.Store, store.Change{Settle: []store.Settlement{{Delivery: "1003-1", Token: c.Token, State: store.Dropped, At: at(time.Second)}}})
	commit(t, h.Store, store.Change{Settle: []store.Settlement{{Delivery: "1002-1", Token: c.Token, State: store.SentState, At: at(time.Second)}}})
	bundle := must[[]store.Delivery](t)(h.Store.Bundle(ctx, c.Bundle))
	same(t, "afterwards", ids(store.Claim{Deliveries: bundle}), ids(c))
	same(t, "state", bundle[1].State, store.Dropped)
	same(t, "unknown", must[[]store.Delivery](t)(h.Store.Bundle(ctx, "b0")), nil)
	same(t, "empty", must[[]store.Delivery](t)(h.Store.Bundle(ctx, "")), nil)
}

func recentDeliveriesAreNewestFirst(t *testing.T, h Harness) {
	recent := func(limit int) (out []string) {
		for _, d := range must[[]store.Delivery](t)(h.Store.RecentDeliveries(context.Background(), limit)) {
			out = append(out, d.ID)
		}
		return out
	}
	for i := range 4 {
		put(t, h.Store, newDelivery(1001, i+1, "ana/sms", alert.SEV1))
	}
	claims := claim(t, h.Store, at(0), options(), 4)
	for i, n := range []int{2, 0, 1} {
		settle(t, h.Store, claims[n], store.Settlement{State: store.SentState, At: at(time.Duration(i+1) * time.Second)})
	}
	callback(t, h.Store, "1001-3", store.Settlement{State: store.Delivered, Rank: 1, At: at(time.Minute)}) // keeps its place
	same(t, "all", recent(10), []string{"1001-2", "1001-1", "1001-3"})
	same(t, "two", recent(2), []string{"1001-2", "1001-1"})
}
