package engine_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pagerd/config"
	"pagerd/gateway/engine"
	"pagerd/gateway/store"
	"pagerd/gateway/store/memstore"
	"pagerd/notify"
)

// silent is a provider that takes the message and says nothing.
type silent struct{ asked chan struct{} }

func (s silent) Send(ctx context.Context, _ notify.Notification) notify.Outcome {
	s.asked <- struct{}{}
	<-ctx.Done()
	return notify.Outcome{Certainty: notify.MaybeSent, Reason: notify.ReasonTimeout}
}

// TestAStopWaitsNotLongerForAProviderThatSaysNothing: the signal to stop comes right after an attempt began, which has 5 s. The
// stop takes less, and what became of the attempt is stored as in doubt, for another replica to find out.
func TestAStopWaitsNotLongerForAProviderThatSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, err := config.Parse("test.yaml", []byte(yaml), func(string) (string, bool) { return "", false })
		if err != nil {
			t.Fatal(err)
		}
		p := silent{asked: make(chan struct{}, 1)}
		st := memstore.New()
		e, err := engine.New(t.Context(), engine.Options{Store: st, Config: func() *config.Config { return cfg },
			Senders: map[notify.Channel]engine.Sender{notify.SMS: p}})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Accept(t.Context(), batch("Down"), time.Now()); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { e.Run(ctx, time.Now); close(ended) }()
		<-p.asked
		stopped := time.Now()
		stop()
		<-ended
		if took := time.Since(stopped); took != 4*time.Second {
			t.Errorf("the stop took %s", took)
		}
		ds, err := st.Deliveries(t.Context(), 1001)
		if err != nil || len(ds) != 1 || ds[0].State != store.Pending || ds[0].Ambiguous != 1 || ds[0].VisibleAt.After(time.Now().Add(time.Second)) {
			t.Errorf("deliveries %+v, %v", ds, err)
		}
	})
}

// TestAChannelWithoutAProviderIsGivenUpAndKeepsNothingWaiting: a person has a mail address, and no SMTP server is configured.
// The mail fails for good, and /readyz/page does not say that the outbox is late.
func TestAChannelWithoutAProviderIsGivenUpAndKeepsNothingWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, err := config.Parse("test.yaml", []byte(strings.Replace(yaml, `sms: "+34600000002"`, `sms: "+34600000002", email: ben@example.com`, 1)), func(string) (string, bool) { return "", false })
		if err != nil {
			t.Fatal(err)
		}
		st := memstore.New()
		e, err := engine.New(t.Context(), engine.Options{Store: st, Config: func() *config.Config { return cfg },
			Senders: map[notify.Channel]engine.Sender{notify.SMS: &provider{}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Accept(t.Context(), batch("Down"), time.Now()); err != nil {
			t.Fatal(err)
		}
		minute, stop := context.WithTimeout(t.Context(), time.Minute) // of the bubble's clock
		defer stop()
		e.Run(minute, time.Now)
		ds, err := st.Deliveries(t.Context(), 1001)
		if err != nil {
			t.Fatal(err)
		}
		mails := 0
		for _, d := range ds {
			if d.Channel == notify.Email {
				mails++
				if d.State != store.Failed || d.Reason != notify.ReasonNoContact {
					t.Errorf("%+v", d)
				}
			}
		}
		if mails == 0 {
			t.Errorf("no mail: %+v", ds)
		}
		if late := e.Late(t.Context(), time.Now()); late != 0 {
			t.Errorf("late by %s", late)
		}
	})
}
