package boltstore

import (
	"fmt"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/notify"
)

// backlog makes an outbox in which so many messages wait, and returns what sends the most urgent one and lets another come.
func backlog(waiting int) (sendOne func()) {
	now := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	o := &outbox{}
	o.init()
	n := int64(100_000) // as many digits whatever waits
	put := func() {
		n++
		at := now.Add(time.Duration(n) * time.Millisecond)
		s := page.Send{ID: page.SendID(n, 1), Page: n, Kind: notify.KindPage, Contact: "ana/sms", Channel: notify.SMS, Severity: alert.SEV1, At: at}
		o.add(store.Delivery{Send: s, Lane: store.Lane(s), State: store.Pending, VisibleAt: at})
	}
	for range waiting {
		put()
	}
	opts := store.ClaimOptions{Limit: 1, Max: 20, Lease: 3 * time.Second, Channels: []notify.Channel{notify.SMS}}
	return func() {
		claims, _ := o.claim(now.Add(24*time.Hour), opts)
		d := claims[0].Deliveries[0]
		d.State = store.SentState
		o.commit(nil, map[string]store.Delivery{d.ID: d})
		put()
	}
}

// A run of power cuts on a busy machine showed it: each claim looked at everything that waited, so that the longer the queue
// was, the slower it became shorter.
func TestAClaimCostsTheSameWhateverWaits(t *testing.T) {
	costs := func(waiting int) float64 {
		sendOne := backlog(waiting)
		sendOne() // what was put in since the last claim is put in order once
		return testing.AllocsPerRun(100, sendOne)
	}
	if few, many := costs(10), costs(5000); many > few {
		t.Errorf("a claim allocates %v times with 10 messages waiting and %v times with 5000", few, many)
	}
}

// BenchmarkClaimFromBacklog claims one message at a time, as an engine does whose workers are all busy.
func BenchmarkClaimFromBacklog(b *testing.B) {
	for _, waiting := range []int{10, 1000, 10_000} {
		b.Run(fmt.Sprintf("Waiting%d", waiting), func(b *testing.B) {
			sendOne := backlog(waiting)
			for b.Loop() {
				sendOne()
			}
		})
	}
}
