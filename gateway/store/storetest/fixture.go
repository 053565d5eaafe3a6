package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/timeline"
	"pagerd/notify"
	"pagerd/schedule"
)

// at returns an instant of the test's day.
func at(offset time.Duration) time.Time {
	return time.Date(2026, time.March, 1, 9, 0, 0, 0, time.UTC).Add(offset)
}

// newPage returns a page with every kind of field filled in, due five minutes after the start.
func newPage(number int64, group string) page.Page {
	rung := schedule.Rung{Contact: "ana/sms", Channel: notify.SMS, Delay: time.Minute}
	return page.Page{
		Format: page.Format, Number: number, Version: 1, Head: "head", Entries: 1, Group: group, Source: "prod-am",
		Status: page.Triggered, Round: 1, Severity: alert.SEV2, Service: "checkout", Summary: "p99 > 2 s – „langsam“",
		Policy: schedule.Policy{
			Name: "sev2", Repeat: 2, Again: 15 * time.Minute,
			Steps:      []schedule.Step{{Targets: []schedule.Target{{Name: "platform/primary", Mode: schedule.Answer}}, Timeout: 5 * time.Minute}},
			LastResort: []schedule.Target{{Name: "person:boss", Mode: schedule.Inform}},
		},
		Targets: page.Targets{Triage: 5 * time.Minute, Promote: true},
		Firing:  1, Total: 1, Hidden: map[string]int{"sender": 3}, HeardAt: at(0), TriggeredAt: at(0), RoundAt: at(0),
		Ladders:  []page.Ladder{{Person: "ana", Mode: schedule.Answer, Target: "platform/primary", Rungs: []schedule.Rung{rung}, Started: at(0), Failed: []string{"ana/email"}}},
		Told:     []page.Told{{Person: "ana", Contacts: []string{rung.Contact}, Text: rung}},
		Reopened: []time.Time{at(-time.Minute)}, Noise: []string{"bob"},
		StepDue: at(5 * time.Minute), Due: at(5 * time.Minute),
	}
}

func newAlert(id alert.ID, number int64) alert.State {
	return alert.State{ID: id, Version: 1, Page: number, Group: fmt.Sprintf("group %d", number), Status: alert.Firing,
		StartsAt: at(0), LatestStart: at(0), HeardAt: at(0), Severity: alert.SEV2,
		Alert: alert.Alert{Source: "prod-am", Fingerprint: string(id), Status: alert.Firing, StartsAt: at(0),
			Labels: map[string]string{"alertname": "Slow"}, Annotations: map[string]string{"summary": "slow"}}}
}

func newIncident(number int64) incident.Incident {
	return incident.Incident{Format: incident.Format, Number: number, Version: 1, Status: incident.Open, Severity: alert.SEV2,
		Service: "checkout", Pages: []int64{number}, Commander: "ana", DetectedAt: at(0), AcknowledgedAt: at(0), Due: at(time.Hour)}
}

// newDelivery returns the n-th send of a page to a contact, visible from the start.
func newDelivery(number int64, n int, contact string, severity alert.Severity) store.Delivery {
	return store.Delivery{Send: page.Send{ID: page.SendID(number, n), Page: number, Round: 1, Kind: notify.KindPage, Mode: schedule.Answer,
		Person: "ana", Contact: contact, Channel: notify.SMS, Severity: severity, At: at(0)}, VisibleAt: at(0)}
}

func newEntry(object string, seq int64, prev string) timeline.Entry {
	return timeline.Seal(timeline.Entry{Object: object, Seq: seq, At: at(0), Actor: "pagerd", What: "triggered", Reason: "alert",
		Text: fmt.Sprintf("entry %d", seq), Facts: map[string]string{"round": "1"}}, prev)
}

// newChange returns a change of every kind of thing about one new page.
func newChange(number int64) store.Change {
	p, in := newPage(number, fmt.Sprintf("group %d", number)), newIncident(number)
	return store.Change{
		Op: fmt.Sprintf("op %d", number), Now: at(0), Page: &p, Incident: &in,
		Alerts:     []alert.State{newAlert(alertID(number, 1), number), newAlert(alertID(number, 2), number)},
		Deliveries: []store.Delivery{newDelivery(number, 1, "ana/sms", alert.SEV2), newDelivery(number, 2, "bob/sms", alert.SEV2)},
		Entries:    []timeline.Entry{newEntry(pageObject(number), 1, ""), newEntry(incidentObject(number), 1, "")},
		Sent:       []store.Sent{{Contact: contact(number), At: at(0), Kind: notify.KindPage, Pages: []int64{number}, Rounds: []int{1}}},
	}
}

func alertID(number int64, n int) alert.ID {
	return alert.NewID("prod-am", fmt.Sprintf("%d-%d", number, n))
}
func pageObject(number int64) string     { return fmt.Sprintf("page/%d", number) }
func incidentObject(number int64) string { return fmt.Sprintf("incident/%d", number) }
func contact(number int64) string        { return fmt.Sprintf("person%d/sms", number) }

// commit stores a change that must be stored.
func commit(t *testing.T, s store.Store, c store.Change) {
	t.Helper()
	if c.Now.IsZero() {
		c.Now = at(0)
	}
	if err := s.Commit(context.Background(), c); err != nil {
		t.Fatalf("commit: %v", err)
	}
}

// refuse stores a change that must be refused with want.
func refuse(t *testing.T, s store.Store, c store.Change, want error) {
	t.Helper()
	if c.Now.IsZero() {
		c.Now = at(0)
	}
	if err := s.Commit(context.Background(), c); !errors.Is(err, want) {
		t.Fatalf("commit: %v, want: %v", err, want)
	}
}

// must returns a value that is read without an error.
func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// same compares two values by what of them is stored.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := text(t, got), text(t, want); g != w {
		t.Fatalf("%s:\n got %s\nwant %s", what, g, w)
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if string(b) == "null" {
		return "[]" // no values: whether the slice is nil says nothing
	}
	return string(b)
}

// Look returns all that a store tells of these pages, as lines that can be compared.
func Look(t *testing.T, s store.Store, numbers ...int64) string {
	t.Helper()
	ctx, out := context.Background(), ""
	line := func(what string, v any, err error) {
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("%s: %v", what, err)
		}
		if err != nil {
			v = "not found"
		}
		out += what + " " + text(t, v) + "\n"
	}
	for _, n := range numbers {
		p, err := s.Page(ctx, n)
		line(pageObject(n), p, err)
		p, err = s.Group(ctx, fmt.Sprintf("group %d", n))
		line("group", p, err)
		states, err := s.Alerts(ctx, []alert.ID{alertID(n, 1), alertID(n, 2)})
		line("alerts", states, err)
		states, err = s.PageAlerts(ctx, n, 10)
		line("page alerts", states, err)
		ds, err := s.Deliveries(ctx, n)
		line("deliveries", ds, err)
		in, err := s.Incident(ctx, n)
		line("incident", in, err)
		for _, kind := range store.RecordKinds() {
			r, err := s.Record(ctx, kind, n)
			line(string(kind), r, err)
		}
		entries, err := s.Timeline(ctx, pageObject(n))
		line("timeline", entries, err)
		entries, err = s.Timeline(ctx, incidentObject(n))
		line("timeline", entries, err)
		sent, err := s.Sent(ctx, contact(n), 100)
		line("sent", sent, err)
	}
	due, err := s.Due(ctx, at(1000*time.Hour), 1000)
	line("due", due, err)
	pages, err := s.Pages(ctx, store.Filter{})
	line("pages", pages, err)
	pages, err = s.Pages(ctx, store.Filter{Open: true})
	line("open pages", pages, err)
	ins, err := s.Incidents(ctx, store.Filter{})
	line("incidents", ins, err)
	for _, kind := range store.RecordKinds() {
		all, err := s.Records(ctx, kind, store.Filter{})
		line(string(kind)+"s", all, err)
		open, err := s.Records(ctx, kind, store.Filter{Open: true})
		line("open "+string(kind)+"s", open, err)
	}
	ds, err := s.RecentDeliveries(ctx, 100)
	line("recent", ds, err)
	next, err := s.Next(ctx, options())
	line("next", next, err)
	high, err := s.HighWater(ctx)
	line("high water", high, err)
	return out
}

// options claim everything, without a window.
func options() store.ClaimOptions {
	return store.ClaimOptions{Limit: 100, Max: 20, Lease: 3 * time.Second}
}

// claim claims at an instant and fails the test unless there are n claims.
func claim(t *testing.T, s store.Store, now time.Time, o store.ClaimOptions, n int) []store.Claim {
	t.Helper()
	claims := must[[]store.Claim](t)(s.Claim(context.Background(), now, o))
	if len(claims) != n {
		t.Fatalf("claimed at %s: %d claims %v, want %d", now.Format("15:04:05.000"), len(claims), ids(claims...), n)
	}
	return claims
}

// ids names the deliveries of claims.
func ids(claims ...store.Claim) [][]string {
	out := [][]string{}
	for _, c := range claims {
		var of []string
		for _, d := range c.Deliveries {
			of = append(of, d.ID)
		}
		out = append(out, of)
	}
	return out
}
