package page_test

import (
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/page"
	"pagerd/notify"
	"pagerd/schedule"
)

// TestARaiseOfASilencedPageIsInItsTimeline: found by simulation. The worse alert fired before, so that nothing joins, and the
// severity by which the page will ring changed without a word.
func TestARaiseOfASilencedPageIsInItsTimeline(t *testing.T) {
	now := time.Date(2026, 3, 27, 3, 0, 0, 0, time.UTC)
	silence := &page.Silence{Name: "work", Until: now.Add(time.Hour)}
	p, _ := page.Next(page.Page{Number: 1001}, page.Signals{Opened: 2, NewIDs: 2, Firing: 2, Group: "g", Source: "prod", Silence: silence,
		Subject: subjectOf(alert.SEV3)}, page.Facts{}, now)
	p.Incident = 1001
	p, fx := page.Next(p, page.Signals{Refreshed: 1, Firing: 2, Silence: silence, Subject: subjectOf(alert.SEV1)}, page.Facts{}, now.Add(time.Minute))
	if p.Status != page.Held || p.Severity != alert.SEV1 {
		t.Fatalf("%s, %s", p.Status, p.Severity)
	}
	if fx.Entry.What != "raised" || fx.Incident != page.IncidentSeverity || len(fx.Sends) != 0 {
		t.Errorf("entry %q, incident %q, %d sends", fx.Entry.What, fx.Incident, len(fx.Sends))
	}
}

// TestWhoStandsInForTwoGapsIsRungOnce: steps that are nobody follow each other at once, and the last resort's telephone
// rings once for all of them.
func TestWhoStandsInForTwoGapsIsRungOnce(t *testing.T) {
	now := time.Date(2026, 3, 27, 3, 0, 0, 0, time.UTC)
	boss := schedule.Responder{Person: "boss", Rungs: []schedule.Rung{{Contact: "boss/sms", Channel: notify.SMS}}}
	f := page.Facts{Roster: map[string][]schedule.Responder{"manager": {boss}}}
	subject := subjectOf(alert.SEV2)
	subject.Policy = schedule.Policy{Name: "p", LastResort: []schedule.Target{{Name: "manager"}}, Again: time.Minute, Steps: []schedule.Step{
		{Targets: []schedule.Target{{Name: "primary"}}, Timeout: time.Minute}, {Targets: []schedule.Target{{Name: "secondary"}}, Timeout: time.Minute}}}
	p, fx := page.Next(page.Page{Number: 1001}, page.Signals{Opened: 1, NewIDs: 1, Firing: 1, Group: "g", Source: "prod", Subject: subject}, f, now)
	sends := len(fx.Sends)
	for !p.Due.After(now) {
		p, fx = page.Next(p, page.Due{}, f, now)
		sends += len(fx.Sends)
	}
	if sends != 1 || !p.Due.Equal(now.Add(time.Minute)) {
		t.Errorf("%d messages, due %s", sends, p.Due)
	}
}
