package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/report"
	"pagerd/gateway/store"
	"pagerd/gateway/timeline"
)

// learned stores a page that rang ana, the incident that came of it, and the kept facts of one that retention took away.
func learned(d *door) {
	d.t.Helper()
	n := d.page(func(p *page.Page) {
		p.Severity, p.Told = alert.SEV1, []page.Told{{Person: "ana"}}
	})
	in := incident.Incident{Format: incident.Format, Number: n, Version: 1, Status: incident.Resolved, Severity: alert.SEV1, Service: "api-gateway", Commander: "ana",
		Pages: []int64{n}, DetectedAt: d.now.Add(-2 * time.Hour), AcknowledgedAt: d.now.Add(-119 * time.Minute), ResolvedAt: d.now.Add(-time.Hour)}
	gone := in
	gone.Number, gone.Version = 900, 3
	entry, err := report.Keep(report.Of(gone, time.UTC), gone.Version, d.now)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, c := range []store.Change{{Now: d.now, Incident: &in}, {Now: d.now, Entries: []timeline.Entry{entry}}} {
		if err := d.store.Commit(context.Background(), c); err != nil {
			d.t.Fatal(err)
		}
	}
}

func TestFactsAreThoseOfTheStoreAndThoseThatWereKept(t *testing.T) {
	d := newDoor(t)
	learned(d)
	var facts report.Facts
	d.request("GET", "/api/v1/reports/facts", viewerToken, "").into(t, &facts)
	if len(facts.Incidents) != 2 || facts.Incidents[0].Number != 900 || len(facts.Pages) != 1 || facts.Pages[0].Rung[0].Person != "ana" || facts.Zone != "UTC" {
		t.Errorf("%+v", facts)
	}
}

func TestReportsComeInThreeFormsAndSayWhatIsWrongWithARequest(t *testing.T) {
	d := newDoor(t)
	learned(d)
	for query, want := range map[string]string{
		"monthly?date=2026-03":              `"mttr": {`,
		"monthly?date=2026-03&format=md":    "# Monthly review: March 2026",
		"monthly?date=2026-03-04&format=md": "- ana: 8 h 00 min for #900",
		"weekly?date=2026-03-04&format=md":  "# Weekly digest: Week of 2 March 2026",
		"daily?date=2026-03-04&format=html": "<title>Daily digest: Wednesday 4 March 2026",
		"daily?format=md":                   "# Daily digest: Tuesday 3 March 2026",
	} {
		a := d.request("GET", "/api/v1/reports/"+query, viewerToken, "")
		if a.status != 200 || !strings.Contains(a.body, want) {
			t.Errorf("%s: %d, lacks %q", query, a.status, want)
		}
	}
	for query, want := range map[string]int{"yearly": 404, "monthly?date=soon": 400, "monthly?date=2026-13": 400, "daily?format=pdf": 400} {
		if a := d.request("GET", "/api/v1/reports/"+query, viewerToken, ""); a.status != want {
			t.Errorf("%s: %d, want %d", query, a.status, want)
		}
	}
}

// TestTheReportPageNeedsNoTokenAndTellsNobodysLoad: it stands beside the status page; who was rung how often does not.
func TestTheReportPageNeedsNoTokenAndTellsNobodysLoad(t *testing.T) {
	d := newDoor(t)
	learned(d)
	a := d.request("GET", "/report?kind=daily&date=2026-03-04", "", "")
	if a.status != 200 || !strings.Contains(a.body, "2 incidents") || !strings.Contains(a.body, "/report?date=2026-03-03&amp;kind=daily") {
		t.Errorf("%d %s", a.status, a.body)
	}
	for _, never := range []string{"Responder", "Time off owed", anasNumber, "<style", " style=", "<script"} {
		if strings.Contains(a.body, never) {
			t.Errorf("the page holds %q", never)
		}
	}
	if csp := a.header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q", csp)
	}
	if css := d.request("GET", "/report.css", "", ""); css.status != 200 || !strings.Contains(css.body, "prefers-color-scheme: dark") {
		t.Errorf("style sheet: %d", css.status)
	}
	status := d.request("GET", "/status", "", "", func(r *http.Request) { r.Header.Set("Accept", "text/html") })
	if !strings.Contains(status.body, `href="/report"`) {
		t.Error("the status page does not lead to the reports")
	}
}
