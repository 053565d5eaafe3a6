package engine_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"pagerd/config"
	"pagerd/gateway/alert"
	"pagerd/gateway/engine"
	"pagerd/gateway/store/memstore"
	"pagerd/notify"
)

// listing is a provider that shows the messages it accepted, as Twilio does: by number, text and instant.
type listing struct {
	provider
	accepted []notify.Notification
	at       []time.Time
	now      time.Time
}

func (l *listing) Reconcile(_ context.Context, n notify.Notification, since time.Time) (string, bool, error) {
	for i, m := range l.accepted {
		if m.Contact == n.Contact && m.Text == n.Text && !l.at[i].Before(since) {
			return "SM", true, nil
		}
	}
	return "", false, nil
}

// TestAPageThatFiresAgainIsNotTakenForToldByTheMessageBefore: the message of the first round and that of the second are the
// same words to the same number seconds apart. The second attempt fails in doubt; what the provider shows is the first one.
func TestAPageThatFiresAgainIsNotTakenForToldByTheMessageBefore(t *testing.T) {
	cfg, err := config.Parse("test.yaml", []byte(strings.Replace(yaml, "SEV-3", "SEV-1", 1)), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	p := &listing{}
	fails := 0
	p.answer = func(n notify.Notification) notify.Outcome {
		if fails > 0 {
			fails--
			return notify.Outcome{Certainty: notify.MaybeSent, Reason: notify.ReasonProviderError}
		}
		p.accepted, p.at = append(p.accepted, n), append(p.at, p.now)
		return notify.Outcome{Certainty: notify.Sent, ProviderID: "SM"}
	}
	e, err := engine.New(t.Context(), engine.Options{Store: memstore.New(), Config: func() *config.Config { return cfg },
		Senders: map[notify.Channel]engine.Sender{notify.SMS: p}})
	if err != nil {
		t.Fatal(err)
	}
	play := func(after time.Duration, status alert.Status, starts time.Duration) {
		t.Helper()
		p.now = start().Add(after)
		b := batch("Down")
		a := &b.Alerts[0]
		a.Status, a.StartsAt = status, start().Add(starts)
		if status == alert.Resolved {
			a.EndsAt = p.now
		}
		if err := e.Accept(t.Context(), b, p.now); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Deliver(t.Context(), p.now); err != nil {
			t.Fatal(err)
		}
	}
	play(0, alert.Firing, 0)
	play(time.Second, alert.Resolved, 0)
	fails = 1
	play(3*time.Second, alert.Firing, 2*time.Second)
	p.now = start().Add(4 * time.Second)
	if _, err := e.Deliver(t.Context(), p.now); err != nil {
		t.Fatal(err)
	}
	pages := 0
	for _, n := range p.accepted {
		if n.Kind == notify.KindPage {
			pages++
		}
	}
	if pages != 2 {
		t.Errorf("the telephone rang %d times, want once for each round; it was sent %q", pages, p.texts())
	}
}
