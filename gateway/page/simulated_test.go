package page_test

import (
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/page"
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
