package page_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/page"
	"pagerd/notify"
	"pagerd/schedule"
)

func nightAt(minute int) time.Time { return time.Date(2026, 3, 28, 3, minute, 0, 0, time.UTC) }

func fires(n int, s alert.Severity) page.Signals {
	return page.Signals{Opened: n, NewIDs: n, Firing: n, Worst: s, Group: "g", Source: "prod", Subject: subjectOf(s)}
}

// TestNoSenderSpeaksForAnother: more senders than the page counts share one count, and one of them that left nothing out
// does not say that the others did not either.
func TestNoSenderSpeaksForAnother(t *testing.T) {
	p, _ := page.Next(page.Page{Number: 1001}, fires(1, alert.SEV2), page.Facts{}, nightAt(0))
	for i := range 30 {
		p, _ = page.Next(p, page.Signals{Refreshed: 1, Firing: 1, Sender: fmt.Sprint(i), Hidden: 1}, page.Facts{}, nightAt(1))
	}
	for i := range 20 {
		p, _ = page.Next(p, page.Signals{Refreshed: 1, Firing: 1, Sender: fmt.Sprint(i)}, page.Facts{}, nightAt(2))
	}
	p, _ = page.Next(p, page.Signals{Ended: 1, Sender: "new"}, page.Facts{}, nightAt(3))
	if p.Status != page.Triggered || p.HiddenTotal() == 0 {
		t.Errorf("%s with %d hidden: resolved although ten senders still leave alerts out", p.Status, p.HiddenTotal())
	}
}

// TestACrowdIsToldAndThePageStaysSmall: a SEV-1 that tells a whole department.
func TestACrowdIsToldAndThePageStaysSmall(t *testing.T) {
	var crowd []schedule.Responder
	for i := range 60 {
		name := fmt.Sprintf("person-%03d", i)
		crowd = append(crowd, schedule.Responder{Person: name, Rungs: rungs(name, notify.SMS, notify.Voice)})
	}
	f := page.Facts{Roster: map[string][]schedule.Responder{"primary": {{Person: "ana", Rungs: rungs("ana", notify.SMS)}}, "team": crowd}}
	p, fx := page.Next(page.Page{Number: 1001}, fires(1, alert.SEV1), f, nightAt(0))
	if len(fx.Sends) != 61 {
		t.Errorf("%d messages, want one for each of 61", len(fx.Sends))
	}
	for p.Due.Before(nightAt(5)) {
		p, _ = page.Next(p, page.Due{}, f, p.Due)
	}
	if n := len(encode(t, p)); n > 32<<10 {
		t.Errorf("the page takes %d bytes", n)
	}
}

// TestTheSameInputGivesTheSameResult: the acknowledger is in several targets, which are a map.
func TestTheSameInputGivesTheSameResult(t *testing.T) {
	f := page.Facts{Roster: map[string][]schedule.Responder{"primary": {{Person: "ben", Rungs: rungs("ben", notify.SMS)}}}}
	for i := range 8 {
		contact := schedule.Rung{Contact: fmt.Sprintf("ana/phone-%d", i), Channel: notify.SMS}
		f.Roster[fmt.Sprintf("target-%d", i)] = []schedule.Responder{{Person: "ana", Rungs: []schedule.Rung{contact}}}
	}
	p, _ := page.Next(page.Page{Number: 1001}, fires(1, alert.SEV2), f, nightAt(0))
	p, _ = page.Next(p, page.Acknowledge{By: page.Actor{Person: "ana", Channel: "api"}}, f, nightAt(1))
	var first []page.Send
	for range 20 {
		_, fx := page.Next(p, page.Signals{Opened: 1, NewIDs: 1, Firing: 2}, f, nightAt(2))
		if first == nil {
			first = fx.Sends
		}
		if len(fx.Sends) != 1 || !slices.Equal(fx.Sends, first) {
			t.Fatalf("%+v, and before %+v", fx.Sends, first)
		}
	}
}

// TestAPageThatDoesNotExistIsOnlyMadeBySignals: nothing but signals creates a page.
func TestAPageThatDoesNotExistIsOnlyMadeBySignals(t *testing.T) {
	for _, ev := range []page.Event{page.Due{}, page.Acknowledge{}, page.Unacknowledge{}, page.Resolve{}, page.Escalate{}, page.Note{}, page.Noise{},
		page.SetSeverity{To: alert.SEV1}, page.HandOver{}, page.DeliveryFailed{}, page.Silenced{}} {
		if p, fx := page.Next(page.Page{Number: 1001}, ev, page.Facts{}, nightAt(0)); fx.Changed || p.Status != "" || len(fx.Sends) > 0 {
			t.Errorf("%T made %+v", ev, p)
		}
	}
}

// TestAStormStaysSmall: thousands of alerts and senders leave a page that fits.
func TestAStormStaysSmall(t *testing.T) {
	now := time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC)
	p := page.Page{Number: 1001}
	people := map[string][]schedule.Responder{}
	for i := range 200 {
		name := fmt.Sprintf("person-with-a-long-name-%03d", i)
		people["team"] = append(people["team"], schedule.Responder{Person: name, Rungs: rungs(name, notify.SMS)})
	}
	sub := subjectOf(alert.SEV1)
	sub.Summary = strings.Repeat("ü", 10_000)
	for i := range 3000 {
		ev := page.Signals{Opened: 1, NewIDs: 1, Firing: i + 1, Group: "g", Source: "prod", Subject: sub, Worst: alert.SEV1, Sender: fmt.Sprint(i), Hidden: 5,
			Names: slices.Repeat([]string{strings.Repeat("n", 300)}, 20)}
		p, _ = page.Next(p, ev, page.Facts{Roster: map[string][]schedule.Responder{"primary": people["team"][:1]}}, now)
		now = now.Add(time.Second)
	}
	if n := len(encode(t, p)); n > 32<<10 {
		t.Errorf("the page takes %d bytes", n)
	}
}
