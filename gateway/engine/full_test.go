package engine_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"pagerd/config"
	"pagerd/gateway/alert"
	"pagerd/gateway/engine"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/store/boltstore"
	"pagerd/notify"
	"pagerd/schedule"
)

// counting is a provider that takes everything.
type counting struct{ sent int }

func (c *counting) Send(context.Context, notify.Notification) notify.Outcome {
	c.sent++
	return notify.Outcome{Certainty: notify.Sent, ProviderID: "SM1"}
}

// TestOnAFullDiskNobodyIsRungWithEveryLease: a message that was pending when the disk became full goes out once.
func TestOnAFullDiskNobodyIsRungWithEveryLease(t *testing.T) {
	ctx, now := context.Background(), time.Date(2026, 3, 4, 3, 0, 0, 0, time.UTC)
	free := uint64(1 << 40)
	s, err := boltstore.Open(boltstore.Options{Path: filepath.Join(t.TempDir(), "pagerd.db"),
		Space: func() (uint64, uint64, error) { return free, 1 << 40, nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	contact := notify.Contact{ID: "ana/sms", Person: "ana", Channel: notify.SMS, Address: "+12025550167"}
	cfg := &config.Config{Book: &schedule.Book{People: map[string]schedule.Person{"ana": {Name: "ana", Contacts: []notify.Contact{contact}}}}}
	provider := &counting{}
	e, err := engine.New(ctx, engine.Options{Store: s, Config: func() *config.Config { return cfg },
		Senders: map[notify.Channel]engine.Sender{notify.SMS: provider}})
	if err != nil {
		t.Fatal(err)
	}
	p := page.Page{Format: page.Format, Number: 1001, Version: 1, Group: "g", Status: page.Triggered, Round: 1, Severity: alert.SEV1, Due: now.Add(time.Hour)}
	send := page.Send{ID: page.SendID(1001, 1), Page: 1001, Round: 1, Kind: notify.KindAlarm, Person: "ana", Contact: contact.ID,
		Channel: notify.SMS, Severity: alert.SEV1, At: now}
	change := store.Change{Now: now, Page: &p, Deliveries: []store.Delivery{{Send: send, Lane: store.Lane(send), State: store.Pending, VisibleAt: now}}}
	if err := s.Commit(ctx, change); err != nil {
		t.Fatal(err)
	}
	free = 1 << 20
	for lease := range 5 {
		if _, err := e.Deliver(ctx, now.Add(time.Duration(lease)*4*time.Second)); err != nil {
			t.Errorf("lease %d: %v", lease, err)
		}
	}
	if provider.sent != 1 {
		t.Errorf("rung %d times", provider.sent)
	}
}
