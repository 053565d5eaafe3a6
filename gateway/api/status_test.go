package api_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/api"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/notify"
)

func TestProbesTellLifeAcceptanceAndPagingApart(t *testing.T) {
	d := newDoor(t)
	for path, want := range map[string]string{"/healthz": "ok\n", "/readyz": "ready\n", "/readyz/page": "ready\n"} {
		if a := d.request("GET", path, "", ""); a.status != 200 || a.body != want {
			t.Errorf("%s: %d %q", path, a.status, a.body)
		}
	}
	d.config.Book.Rotations["empty"] = d.config.Book.Rotations["platform"]
	r := d.config.Book.Rotations["empty"]
	r.Name, r.People = "empty", nil
	d.config.Book.Rotations["empty"] = r
	if a := d.request("GET", "/readyz", "", ""); a.status != 200 {
		t.Errorf("a gap in the schedule withdrew the replica: %d %s", a.status, a.body)
	}
	a := d.request("GET", "/readyz/page", "", "")
	if a.status != 503 || !strings.Contains(a.body, "empty") || strings.Count(a.body, "\n") != 1 {
		t.Errorf("/readyz/page with a gap: %d %q, want one line that names the rotation", a.status, a.body)
	}
	if err := d.store.Close(); err != nil {
		t.Fatal(err)
	}
	if a := d.request("GET", "/healthz", "", ""); a.status != 200 {
		t.Errorf("/healthz asks the store: %d", a.status)
	}
	if a := d.request("GET", "/readyz", "", ""); a.status != 503 || !strings.Contains(a.body, "closed") {
		t.Errorf("/readyz with a closed store: %d %q", a.status, a.body)
	}
	var ready api.Readiness
	a = d.request("GET", "/readyz/page", "", "", func(r *http.Request) { r.Header.Set("Accept", "application/json") })
	a.into(t, &ready)
	if a.status != 503 || ready.Ready || len(ready.Reasons) < 2 {
		t.Errorf("/readyz/page as JSON: %d %+v, want every reason", a.status, ready)
	}
}

func TestMetricsShowReadiness(t *testing.T) {
	d := newDoor(t)
	a := d.request("GET", "/metrics", "", "")
	for _, want := range []string{`pagerd_ready{door="accept"} 1`, `pagerd_ready{door="page"} 1`, `pagerd_oldest_due_seconds 0`} {
		if !strings.Contains(a.body, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
}

// messages stores two settled deliveries of a page.
func (d *door) messages(n int64) {
	d.t.Helper()
	ctx := context.Background()
	var all []store.Delivery
	for i, id := range []string{page.SendID(n, 1), page.SendID(n, 2)} {
		all = append(all, store.Delivery{Lane: id, State: store.Pending, VisibleAt: d.now, Send: page.Send{ID: id, Page: n, Kind: notify.KindPage, Person: "ana",
			Contact: "ana/sms", Channel: notify.SMS, Severity: alert.SEV1, At: d.now.Add(time.Duration(i) * time.Second)}})
	}
	if err := d.store.Commit(ctx, store.Change{Now: d.now, Deliveries: all}); err != nil {
		d.t.Fatal(err)
	}
	claims, err := d.store.Claim(ctx, d.now, store.ClaimOptions{Limit: 2, Max: 1, Lease: time.Second})
	if err != nil {
		d.t.Fatal(err)
	}
	states := []store.Settlement{{State: store.Delivered}, {State: store.Failed, Reason: notify.ReasonNoAnswer}}
	for i, c := range claims {
		s := states[i]
		s.Delivery, s.Token, s.At = c.Deliveries[0].ID, c.Token, d.now
		if err := d.store.Commit(ctx, store.Change{Now: d.now, Settle: []store.Settlement{s}}); err != nil {
			d.t.Fatal(err)
		}
	}
}

func TestTheStatusPageIsReadableWithoutATokenAndHoldsNoNumber(t *testing.T) {
	d := newDoor(t)
	d.page(func(p *page.Page) {
		p.Status, p.AckedAt, p.Acker, p.AckChannel = page.Acknowledged, d.now, "ben", "sms"
		p.TriggeredAt = d.now.Add(-time.Hour)
	})
	n := d.page(func(p *page.Page) {
		p.Severity = alert.SEV1
		p.Summary = "<script>alert(1)</script> \u202eevil\x1b[31m"
		p.Runbook = "javascript:alert(1)"
		p.Ladders = []page.Ladder{{Person: "ana"}}
	})
	d.page(func(p *page.Page) {
		p.Status, p.ResolvedAt, p.ResolvedBy, p.Due = page.Resolved, d.now, "source", time.Time{}
	})
	d.messages(n)
	a := d.request("GET", "/status", "", "", func(r *http.Request) { r.Header.Set("Accept", "text/html,application/json;q=0.9,*/*;q=0.8") })
	if a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		t.Fatalf("answered %d %s", a.status, a.header.Get("Content-Type"))
	}
	for _, want := range []string{"1 page that nobody has yet", fmt.Sprintf("#%d", n), "ringing ana", "<b>ana</b>", "ben", "…0167", "delivered",
		"failed: no answer", "Resolved in the last 24 hours", "5eed00112233", "1.2.3", `http-equiv="refresh"`, "Hand-off"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, never := range []string{anasNumber, anasNumber[1:], "<script", "javascript:", "\u202e", "\x1b", "style=\""} {
		if strings.Contains(a.body, never) {
			t.Errorf("the page holds %q", never)
		}
	}
	if csp := a.header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q", csp)
	}
	ringing, acknowledged := strings.Index(a.body, "Nobody has it"), strings.Index(a.body, "has it since")
	if ringing < 0 || acknowledged < 0 || ringing > acknowledged {
		t.Errorf("the page that nobody has is not above the one that ben has (%d, %d)", ringing, acknowledged)
	}
}

func TestTheStyleSheetIsServedAsItsOwnFile(t *testing.T) {
	d := newDoor(t)
	html := d.request("GET", "/status", "", "").body
	_, rest, _ := strings.Cut(html, `rel="stylesheet" href="`)
	path, _, _ := strings.Cut(rest, `"`)
	if a := d.request("GET", path, "", ""); a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/css") || !strings.Contains(a.body, "prefers-color-scheme: dark") {
		t.Errorf("%s: %d %s", path, a.status, a.header.Get("Content-Type"))
	}
}

func TestTheStatusIsJSONWhenAskedFor(t *testing.T) {
	d := newDoor(t)
	d.page(nil)
	for name, edit := range map[string]func(*http.Request){
		"by the address": func(r *http.Request) { r.URL.RawQuery = "format=json" },
		"by Accept":      func(r *http.Request) { r.Header.Set("Accept", "application/json") },
	} {
		var st api.Status
		d.request("GET", "/status", "", "", edit).into(t, &st)
		if st.Counts.Triggered != 1 || len(st.Open) != 1 || !st.Accepting.Ready || len(st.OnCall) != 1 || st.OnCall[0].Primary == "" {
			t.Errorf("%s: %+v", name, st)
		}
	}
}

func TestTheStatusPageIsShownWhenTheStoreIsGone(t *testing.T) {
	d := newDoor(t)
	if err := d.store.Close(); err != nil {
		t.Fatal(err)
	}
	a := d.request("GET", "/status", "", "")
	if a.status != 200 || !strings.Contains(a.body, "Alerts cannot be accepted") || !strings.Contains(a.body, "On call") {
		t.Errorf("answered %d %s", a.status, a.body)
	}
}

func TestListsGoOnBelowTheLastNumber(t *testing.T) {
	d := newDoor(t)
	for range 5 {
		d.page(nil)
	}
	var seen []int64
	path := "/api/v1/pages?open=true&limit=2"
	for range 4 {
		var list api.PageList
		d.request("GET", path, viewerToken, "").into(t, &list)
		for _, p := range list.Pages {
			seen = append(seen, p.Number)
		}
		if list.Before == 0 {
			break
		}
		path = fmt.Sprintf("/api/v1/pages?open=true&limit=2&before=%d", list.Before)
	}
	if fmt.Sprint(seen) != "[1005 1004 1003 1002 1001]" {
		t.Errorf("listed %v", seen)
	}
}

func TestOnCallIsAnsweredForAnInstant(t *testing.T) {
	d := newDoor(t)
	var list api.OnCallList
	d.request("GET", "/api/v1/oncall?at=2026-03-04T12:00:00Z", viewerToken, "").into(t, &list)
	want := api.OnCall{Rotation: "platform", Primary: "ana", Secondary: "ben", Manager: "ben", Zone: "UTC",
		Handoff: time.Date(2026, 3, 9, 9, 0, 0, 0, time.UTC), NextUp: "ben"}
	if len(list.Rotations) != 1 || list.Rotations[0] != want {
		t.Errorf("on call %+v\nwant %+v", list.Rotations, want)
	}
	d.request("GET", "/api/v1/oncall?at=2026-03-09T09:00:00Z", viewerToken, "").into(t, &list)
	if list.Rotations[0].Primary != "ben" {
		t.Errorf("at the hand-off %q is on call, want ben", list.Rotations[0].Primary)
	}
}

// TestLettersDoNotHideWhoWasRung: a mailing of hundreds is newer than the newest page.
func TestLettersDoNotHideWhoWasRung(t *testing.T) {
	d := newDoor(t)
	d.messages(d.page(func(p *page.Page) { p.Severity = alert.SEV1 }))
	d.now = d.now.Add(time.Minute)
	for i := range 300 {
		id := page.SendID(1<<50, i+1)
		letter := store.Delivery{Lane: id, State: store.Pending, VisibleAt: d.now, Send: page.Send{ID: id, Page: 1 << 50, Kind: notify.KindLetter, Contact: "reader/x",
			Channel: notify.Bulk, Severity: alert.SEV4, At: d.now}}
		if err := d.store.Commit(t.Context(), store.Change{Now: d.now, Deliveries: []store.Delivery{letter}}); err != nil {
			t.Fatal(err)
		}
		claims, err := d.store.Claim(t.Context(), d.now, store.ClaimOptions{Limit: 1, Max: 1, Lease: time.Second})
		if err != nil || len(claims) != 1 {
			t.Fatal(claims, err)
		}
		s := store.Settlement{Delivery: id, Token: claims[0].Token, State: store.SentState, At: d.now}
		if err := d.store.Commit(t.Context(), store.Change{Now: d.now, Settle: []store.Settlement{s}}); err != nil {
			t.Fatal(err)
		}
	}
	a := d.request("GET", "/status", "", "", func(r *http.Request) { r.Header.Set("Accept", "text/html") })
	if !strings.Contains(a.body, "failed: no answer") || strings.Contains(a.body, "reader/x") {
		t.Error("the status page shows letters and no page")
	}
}
