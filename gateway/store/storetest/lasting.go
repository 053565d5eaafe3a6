package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/timeline"
)

func reopenKeepsEverything(t *testing.T, h Harness) {
	if h.Reopen == nil {
		return // keeps nothing
	}
	for n := int64(1001); n <= 1003; n++ {
		c := newChange(n)
		c.Now = at(time.Duration(n) * time.Second)
		commit(t, h.Store, c)
	}
	c := claim(t, h.Store, at(0), options(), 2)[0]
	settle(t, h.Store, c, store.Settlement{State: store.SentState, At: at(time.Second), ProviderID: "SM1"})
	c = claim(t, h.Store, at(4*time.Second), options(), 1)[0]
	settle(t, h.Store, c, store.Settlement{State: store.Pending, At: at(4 * time.Second), VisibleAt: at(time.Minute)})
	before, s := Look(t, h.Store, 1001, 1002, 1003), h.Reopen()
	same(t, "store", Look(t, s, 1001, 1002, 1003), before)
	refuse(t, s, newChange(1001), store.ErrApplied)
	p := newPage(1004, "group 1001")
	refuse(t, s, store.Change{Page: &p}, store.ErrConflict)
}

func reopenFencesOldClaims(t *testing.T, h Harness) {
	if h.Reopen == nil {
		return
	}
	put(t, h.Store, newDelivery(1001, 1, "ana/sms", alert.SEV1), newDelivery(1002, 1, "ana/sms", alert.SEV2))
	old := claim(t, h.Store, at(0), options(), 2)
	s := h.Reopen()
	again := claim(t, s, at(3*time.Second), options(), 2)
	same(t, "claims", ids(again...), ids(old...))
	for _, c := range old {
		if again[0].Token <= c.Token {
			t.Errorf("token %d after %d", again[0].Token, c.Token)
		}
		refuse(t, s, store.Change{Settle: []store.Settlement{{Delivery: c.Deliveries[0].ID, Token: c.Token, State: store.SentState, At: at(0)}}}, store.ErrFenced)
		if err := s.Renew(context.Background(), c, at(time.Minute)); !fenced(err) {
			t.Errorf("renewing a claim of the store's last life: %v", err)
		}
	}
	settle(t, s, again[0], store.Settlement{State: store.SentState, At: at(4 * time.Second)})
}

// A process that dies between its commit and its send has promised something: whoever comes next sends it.
func reopenSendsWhatWasCommitted(t *testing.T, h Harness) {
	if h.Reopen == nil {
		return
	}
	commit(t, h.Store, newChange(1001))
	s := h.Reopen()
	claims := claim(t, s, at(0), options(), 2)
	same(t, "claims", ids(claims...), [][]string{{"1001-1"}, {"1001-2"}})
	for _, c := range claims {
		settle(t, s, c, store.Settlement{State: store.SentState, At: at(time.Second)})
	}
	s = h.Reopen()
	claim(t, s, at(time.Hour), options(), 0)
}

// A message that may have gone out names a set of pages. Whatever happens, what is sent again names the same set.
func reopenKeepsBundles(t *testing.T, h Harness) {
	if h.Reopen == nil {
		return
	}
	put(t, h.Store, newDelivery(1001, 1, "ana/sms", alert.SEV2), newDelivery(1002, 1, "ana/sms", alert.SEV2))
	old := claim(t, h.Store, at(0), options(), 1)[0]
	s := h.Reopen()
	same(t, "bundle", ids(store.Claim{Deliveries: must[[]store.Delivery](t)(s.Bundle(context.Background(), old.Bundle))}), ids(old))
	put(t, s, newDelivery(1003, 1, "ana/sms", alert.SEV2))
	again := claim(t, s, at(3*time.Second), options(), 2)
	same(t, "claims", ids(again...), [][]string{{"1001-1", "1002-1"}, {"1003-1"}})
	same(t, "bundle id", again[0].Bundle, old.Bundle)
}

// Each write of a change with everything in it fails in turn. Its neighbours of the same group commit do not notice.
func failedWriteStoresNothingOfItsChange(open func(t *testing.T) Harness) func(t *testing.T, h Harness) {
	return func(t *testing.T, h Harness) {
		if h.FailWrite == nil {
			return
		}
		for n := 1; failWrite(t, h, n); n++ {
			if n > 200 {
				t.Fatal("a change that never ends")
			}
			h = open(t)
		}
	}
}

// failWrite fails the n-th write of a change; it returns false when the change has no n-th write.
func failWrite(t *testing.T, h Harness, n int) bool {
	s, victim := h.Store, newChange(1002)
	// What the victim changes exists before, so that its writes replace and delete as well.
	before := newChange(1002)
	before.Op, before.Entries, before.Sent = "before", before.Entries[:1], nil
	before.Records = []store.Record{newRecord(store.Postmortem, 1002, 1)}
	commit(t, s, before)
	claims := claim(t, s, at(0), options(), 2)
	victim.Page.Version, victim.Page.Status, victim.Page.ResolvedAt, victim.Page.Due = 2, page.Resolved, at(0), time.Time{}
	victim.Alerts[0].Version, victim.Alerts[0].Page, victim.Alerts[1].Version, victim.Incident.Version = 2, 1003, 2, 2
	victim.Incident.Due = at(2 * time.Hour)
	victim.Records = []store.Record{newRecord(store.Postmortem, 1002, 2), newRecord(store.Action, 1002, 1)}
	victim.Records[0].Open, victim.Records[0].Due = false, at(time.Minute)
	victim.Deliveries = []store.Delivery{newDelivery(1002, 3, "ana/sms", alert.SEV1)}
	victim.Entries = victim.Entries[1:]
	victim.Settle = []store.Settlement{{Delivery: "1002-1", Token: claims[0].Token, State: store.SentState, At: at(time.Second)},
		{Delivery: "1002-2", Token: claims[1].Token, State: store.Pending, VisibleAt: at(time.Minute), At: at(time.Second)}}
	want := Look(t, s, 1002)

	hit := h.FailWrite(victim.Op, n)
	changes := []store.Change{newChange(1001), victim, newChange(1003)}
	errs := commitTogether(h, changes)
	if !hit() {
		for i, err := range errs {
			if err != nil {
				t.Fatalf("change %d of three: %v", i, err)
			}
		}
		return false
	}
	if errs[0] != nil || errs[2] != nil {
		t.Fatalf("write %d: a neighbour failed too: %v", n, errs)
	}
	if errs[1] == nil {
		t.Fatalf("write %d failed and the change was acknowledged", n)
	}
	same(t, fmt.Sprintf("write %d failed, page", n), untilDue(Look(t, s, 1002)), untilDue(want))
	if h.Reopen != nil {
		// The claims of the store's last life are gone with it: only what is not a delivery can be compared.
		s = h.Reopen()
		same(t, fmt.Sprintf("write %d failed, entries after reopening", n), must[[]timeline.Entry](t)(s.Timeline(context.Background(), "incident/1002")), nil)
		same(t, fmt.Sprintf("write %d failed, page after reopening", n), must[page.Page](t)(s.Page(context.Background(), 1002)), before.Page)
		same(t, fmt.Sprintf("write %d failed, neighbour", n), must[page.Page](t)(s.Page(context.Background(), 1003)), changes[2].Page)
		victim.Settle = nil
	}
	commit(t, s, victim) // neither its operation nor its version was taken
	return true
}

// untilDue cuts what Look tells to the part that is about the pages asked for.
func untilDue(look string) string {
	for i := range look {
		if len(look) > i+5 && look[i:i+5] == "\ndue " {
			return look[:i]
		}
	}
	return look
}

// commitTogether commits changes from goroutines of their own and returns what each came to.
func commitTogether(h Harness, changes []store.Change) []error {
	errs := make([]error, len(changes))
	done := make(chan struct{}, len(changes))
	during := func() {
		for i, c := range changes {
			go func() {
				errs[i] = h.Store.Commit(context.Background(), c)
				done <- struct{}{}
			}()
		}
	}
	if h.Gather == nil {
		during()
	} else {
		h.Gather(len(changes), during)
	}
	for range changes {
		<-done
	}
	return errs
}
