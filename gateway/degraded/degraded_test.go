package degraded

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pagerd/gateway/store"
	"pagerd/notify"
)

// sent is what a provider got.
type sent struct {
	after time.Duration
	n     notify.Notification
}

// bench is an alarm in virtual time with a store and providers that a test breaks.
type bench struct {
	unusable  atomic.Pointer[error]
	hangs     atomic.Bool // the sms provider, until the attempt's deadline
	operators []notify.Contact

	mu    sync.Mutex
	start time.Time
	sent  []sent
}

func contact(person string, c notify.Channel) notify.Contact {
	return notify.Contact{ID: person + "/" + string(c), Person: person, Channel: c, Address: "+12025550167"}
}

func (b *bench) run(t *testing.T, events func(a *Alarm), length time.Duration) *Alarm {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	b.start = time.Now()
	a := New(Options{Replica: "pager-1", Now: time.Now,
		Ready: func(context.Context) error {
			if err := b.unusable.Load(); err != nil {
				return *err
			}
			return nil
		},
		Means:     func(error) string { return "alerts are answered 503, nobody is paged" },
		After:     func() time.Duration { return 10 * time.Second },
		Operators: func() []notify.Contact { return b.operators },
		Send:      b.send,
		Observe:   func(notify.Channel, notify.Outcome) {}})
	events(a)
	if err := a.Run(ctx); err != nil {
		t.Fatal(err)
	}
	return a
}

func (b *bench) send(ctx context.Context, n notify.Notification) notify.Outcome {
	if b.hangs.Load() && n.Contact.Channel == notify.SMS {
		<-ctx.Done()
		return notify.Outcome{Certainty: notify.MaybeSent, Reason: notify.ReasonTimeout}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent = append(b.sent, sent{time.Since(b.start), n})
	return notify.Outcome{Certainty: notify.Sent}
}

func (b *bench) breaks(err error) { b.unusable.Store(&err) }
func (b *bench) heals()           { b.unusable.Store(nil) }

// instants are when messages went out.
func (b *bench) instants() string {
	var out []string
	for _, s := range b.sent {
		out = append(out, fmt.Sprintf("%s %s", s.after, s.n.Contact.ID))
	}
	return strings.Join(out, ", ")
}

func TestEveryOperatorIsRungWhileTheStoreIsUnusableAndOnceWhenItIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{operators: []notify.Contact{contact("dora", notify.SMS)}}
		b.breaks(fmt.Errorf("redis: %w: redis: %w: dial tcp 127.0.0.1:6379: connection refused", store.ErrUnavailable, store.ErrUnavailable))
		b.run(t, func(*Alarm) { time.AfterFunc(330*time.Second+time.Millisecond, b.heals) }, 400*time.Second)
		if got, want := b.instants(), "10s dora/sms, 5m10s dora/sms, 5m34s dora/sms"; got != want {
			t.Errorf("rung after %s, want %s", got, want)
		}
		for i, want := range []string{
			"PAGERD: DEGRADED for 10 s: pager-1: alerts are answered 503, nobody is paged. Store: redis: dial tcp 127.0.0.1:6379: connection refused",
			"PAGERD: DEGRADED for 5 min: pager-1: alerts are answered 503, nobody is paged. Store: redis: dial tcp 127.0.0.1:6379: connection refused",
			"PAGERD: BACK after 5 min: pager-1: alerts are accepted and paged again. What was refused meanwhile comes when its source tries again",
		} {
			if got := b.sent[i].n; got.Text != want || got.Kind != notify.KindAlarm || !Direct(got.Delivery) {
				t.Errorf("message %d: %+v\nwant %s", i, got, want)
			}
		}
	})
}

func TestAProviderThatHangsKeepsNoOtherFromRinging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{operators: []notify.Contact{contact("dora", notify.SMS), contact("emil", notify.Email), contact("fay", notify.Voice)}}
		b.hangs.Store(true)
		b.breaks(errors.New("gone"))
		b.run(t, func(*Alarm) {}, 60*time.Second)
		got := b.instants()
		if got != "10s emil/email, 10s fay/voice" && got != "10s fay/voice, 10s emil/email" {
			t.Errorf("rung after %s", got)
		}
	})
}

func TestANoticeIsToldAtOnceAndAgainWhenNobodyTookIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{operators: []notify.Contact{contact("dora", notify.SMS)}}
		b.hangs.Store(true)
		b.run(t, func(a *Alarm) {
			time.AfterFunc(2500*time.Millisecond, func() { a.Tell("loss", "DEGRADED: pager-1: Redis was emptied.") })
			time.AfterFunc(9*time.Second, func() { b.hangs.Store(false) })
		}, 60*time.Second)
		if got, want := b.instants(), "23s dora/sms"; got != want { // 2.5 s, 5 s of hanging, 15 s, and the next second
			t.Errorf("rung after %s, want %s", got, want)
		}
		if len(b.sent) == 1 && b.sent[0].n.Text != "PAGERD: DEGRADED: pager-1: Redis was emptied." {
			t.Errorf("told %q", b.sent[0].n.Text)
		}
	})
}

func TestACallSaysItsWordsWithoutTheStoreAndWhetherTheyStillHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{operators: []notify.Contact{contact("fay", notify.Voice)}}
		b.breaks(errors.New("gone"))
		a := b.run(t, func(*Alarm) {}, 15*time.Second)
		if len(b.sent) != 1 {
			t.Fatalf("called %d times", len(b.sent))
		}
		id := b.sent[0].n.Delivery
		words, ok := a.Words(id)
		said := strings.Join(words, " ")
		if !ok || !strings.Contains(said, "DEGRADED for 10 s: pager 1: alerts are answered 503, nobody is paged") || strings.Contains(said, "usable again") {
			t.Errorf("said %q", said)
		}
		if words, ok := Words(id, true); !ok || !strings.Contains(strings.Join(words, " "), "usable again") { // another replica, later
			t.Errorf("when it is over: %q", words)
		}
	})
}

func TestWordsTakesNothingButItsOwnIDs(t *testing.T) {
	for _, id := range []string{"", "1001-1", "direct-pager-1-1-1", "direct-say-", "direct-say-***", "direct-say-dQ=="} {
		if words, ok := Words(id, false); ok {
			t.Errorf("%q says %q", id, words)
		}
	}
	long := callID(strings.Repeat("ß", 5000), true)
	if words, ok := Words(long, false); !ok || len(long) > 1000 || len(words) == 0 {
		t.Errorf("a long text makes an address of %d bytes", len(long))
	}
}

func FuzzWords(f *testing.F) {
	f.Add(callID("DEGRADED", true))
	f.Add("direct-say-dQ")
	f.Fuzz(func(t *testing.T, id string) {
		if words, ok := Words(id, true); ok && (len(words) == 0 || !Direct(id)) {
			t.Errorf("%q says %q", id, words)
		}
	})
}
