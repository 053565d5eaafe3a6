package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pagerd/config"
	"pagerd/gateway/alert"
	"pagerd/gateway/engine"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/store/memstore"
	"pagerd/notify"
)

const yaml = `
sources: [{name: prod, token: x}]
people:
  - {name: ana, sms: "+34600000001", voice: "+34600000001"}
  - {name: ben, sms: "+34600000002"}
schedules: [{name: platform, every: 520, people: [ana, ben]}]
routes: {schedule: platform, severity: SEV-3, group_by: [alertname]}
notify: {twilio: {account_sid: AC1, auth_token: t, from: "+15005550006"}}
`

// provider keeps what it was given; answer, when set, says what becomes of it.
type provider struct {
	mu     sync.Mutex
	sent   []notify.Notification
	answer func(notify.Notification) notify.Outcome
}

func (p *provider) Send(_ context.Context, n notify.Notification) notify.Outcome {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = append(p.sent, n)
	if p.answer != nil {
		return p.answer(n)
	}
	return notify.Outcome{Certainty: notify.Sent, ProviderID: fmt.Sprint(len(p.sent))}
}

func (p *provider) texts() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for _, n := range p.sent {
		out = append(out, n.Text)
	}
	return out
}

func setup(t *testing.T, st store.Store) (*engine.Engine, *provider) {
	t.Helper()
	cfg, err := config.Parse("test.yaml", []byte(yaml), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{}
	e, err := engine.New(t.Context(), engine.Options{Store: st, Config: func() *config.Config { return cfg },
		Senders: map[notify.Channel]engine.Sender{notify.SMS: p, notify.Voice: p}})
	if err != nil {
		t.Fatal(err)
	}
	return e, p
}

func start() time.Time { return time.Date(2026, 3, 28, 3, 0, 0, 0, time.UTC) }

func batch(names ...string) alert.Batch {
	b := alert.Batch{Source: "prod"}
	for _, n := range names {
		b.Alerts = append(b.Alerts, alert.Alert{Source: "prod", Fingerprint: n, Status: alert.Firing, StartsAt: start(),
			Labels: map[string]string{"alertname": n, "service": "checkout"}})
	}
	return b
}

func TestAThousandEqualWebhooksAtOnceMakeOnePageAndOneMessage(t *testing.T) {
	st := memstore.New()
	e, p := setup(t, st)
	var wg sync.WaitGroup
	for range 1000 {
		wg.Go(func() {
			if err := e.Accept(context.Background(), batch("Down"), start()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if _, err := e.Deliver(t.Context(), start()); err != nil {
		t.Fatal(err)
	}
	pages, err := st.Pages(t.Context(), store.Filter{})
	if err != nil || len(pages) != 1 || pages[0].Firing != 1 || len(p.texts()) != 1 {
		t.Errorf("%d pages, messages %q, %v", len(pages), p.texts(), err)
	}
}

func TestABodyOfManyGroupsIsStoredWholeAndRingsOnce(t *testing.T) {
	st := memstore.New()
	e, p := setup(t, st)
	var names []string
	for i := range 1200 {
		names = append(names, fmt.Sprintf("A%d", i%3))
	}
	b := batch(names...)
	for i := range b.Alerts {
		b.Alerts[i].Fingerprint = fmt.Sprint(i)
	}
	if err := e.Accept(t.Context(), b, start()); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Deliver(t.Context(), start()); err != nil {
		t.Fatal(err)
	}
	firing := 0
	pages, _ := st.Pages(t.Context(), store.Filter{})
	for _, pg := range pages {
		firing += pg.Firing
	}
	if len(pages) != 3 || firing != 1200 || len(p.texts()) != 1 || !strings.Contains(p.texts()[0], "3 pages") {
		t.Errorf("%d pages, %d alerts, messages %q", len(pages), firing, p.texts())
	}
}

// full is a store that has no room.
type full struct{ store.Store }

func (full) Commit(context.Context, store.Change) error {
	return fmt.Errorf("disk: %w", store.ErrUnavailable)
}

func TestWhatIsNotStoredIsNotAcceptedAndRingsNobody(t *testing.T) {
	st := memstore.New()
	e, p := setup(t, full{st})
	err := e.Accept(t.Context(), batch("Down"), start())
	if !errors.Is(err, store.ErrUnavailable) || !engine.Transient(err) {
		t.Errorf("got %v", err)
	}
	if n, _ := e.Deliver(t.Context(), start()); n != 0 || len(p.texts()) != 0 {
		t.Errorf("rang %q", p.texts())
	}
}

// TestAcknowledgementsThatRaceAreRecordedOnce lets everybody answer at once while alerts go on and time fires.
func TestAcknowledgementsThatRaceAreRecordedOnce(t *testing.T) {
	for range 50 {
		st := memstore.New()
		e, _ := setup(t, st)
		if err := e.Accept(t.Context(), batch("Down"), start()); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Deliver(t.Context(), start()); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		won := 0
		now := start().Add(10 * time.Second)
		for i := range 8 {
			wg.Go(func() {
				by := page.Actor{Person: []string{"ana", "ben"}[i%2], Channel: "sms", Op: fmt.Sprint("sms/", i)}
				a, err := e.Verb(context.Background(), notify.VerbAck, []engine.Ref{{Page: 1001, Round: 1}}, by, now)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				if len(a) == 1 && a[0].Code == page.AnswerAcked {
					won++
				}
			})
			wg.Go(func() { _ = e.Accept(context.Background(), batch("Down"), now) })
			wg.Go(func() { _, _ = e.Tick(context.Background(), now) })
		}
		wg.Wait()
		entries, err := st.Timeline(t.Context(), "page/1001")
		if err != nil {
			t.Fatal(err)
		}
		recorded := 0
		for _, en := range entries {
			if en.What == "acknowledged" {
				recorded++
			}
		}
		if won != 1 || recorded != 1 {
			t.Fatalf("%d were told that they have it, %d acknowledgements are recorded", won, recorded)
		}
	}
}

func TestARepeatedWebhookOfAReplyActsOnce(t *testing.T) {
	st := memstore.New()
	e, _ := setup(t, st)
	_ = e.Accept(t.Context(), batch("Down"), start())
	by := page.Actor{Person: "ana", Channel: "sms", Op: "sms/SM1"}
	for range 3 {
		if _, err := e.Verb(t.Context(), notify.VerbEscalate, []engine.Ref{{Page: 1001}}, by, start().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if p, _ := st.Page(t.Context(), 1001); p.Step != 2 {
		t.Errorf("three deliveries of one reply escalated to step %d", p.Step)
	}
}

func TestAClockThatRunsBackwardsFiresNothingTwice(t *testing.T) {
	st := memstore.New()
	e, p := setup(t, st)
	_ = e.Accept(t.Context(), batch("Down"), start())
	_, _ = e.Deliver(t.Context(), start())
	for _, at := range []time.Duration{5 * time.Minute, -time.Hour, 5 * time.Minute, 0} {
		if _, err := e.Tick(t.Context(), start().Add(at)); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Deliver(t.Context(), start().Add(at)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(p.texts()); n != 2 {
		t.Errorf("%d messages, want the primary's and the secondary's", n)
	}
	pg, _ := st.Page(t.Context(), 1001)
	if high, _ := st.HighWater(t.Context()); pg.Due.Before(high) || pg.Step != 2 {
		t.Errorf("due %s at %s, step %d", pg.Due, high, pg.Step)
	}
}

// TestAMessageThatMayHaveBeenSentIsTriedABoundedNumberOfTimes: each attempt may ring.
func TestAMessageThatMayHaveBeenSentIsTriedABoundedNumberOfTimes(t *testing.T) {
	st := memstore.New()
	e, p := setup(t, st)
	p.answer = func(notify.Notification) notify.Outcome {
		return notify.Outcome{Certainty: notify.MaybeSent, Reason: notify.ReasonTimeout}
	}
	_ = e.Accept(t.Context(), batch("Down"), start())
	for s := range 200 {
		if _, err := e.Deliver(t.Context(), start().Add(time.Duration(s)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(p.texts()); n != 8 {
		t.Errorf("%d attempts, want 8", n)
	}
}
