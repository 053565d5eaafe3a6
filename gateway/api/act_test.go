package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"pagerd/gateway/api"
	"pagerd/gateway/page"
)

func TestAnAcknowledgementThroughTheAPIIsTheTokensPersons(t *testing.T) {
	d := newDoor(t)
	n := d.page(nil)
	a := d.act(fmt.Sprintf("/api/v1/pages/%d/acknowledge", n), responderToken, "")
	if a.Code != "acknowledged" || a.Status != "acknowledged" || a.Incident != n {
		t.Fatalf("answered %+v", a)
	}
	var got api.PageDetail
	d.request("GET", fmt.Sprintf("/api/v1/pages/%d", n), viewerToken, "").into(t, &got)
	if got.Page.AckedBy != "ana" || got.Page.AckedHow != "api" {
		t.Errorf("acknowledged by %q, %q; want ana by api", got.Page.AckedBy, got.Page.AckedHow)
	}
}

func TestAnActFromTheCommandLineSaysSo(t *testing.T) {
	d := newDoor(t)
	n := d.page(nil)
	d.request("POST", fmt.Sprintf("/api/v1/pages/%d/acknowledge", n), responderToken, "", func(r *http.Request) { r.Header.Set("Pagerd-Via", "cli") })
	var got api.PageDetail
	d.request("GET", fmt.Sprintf("/api/v1/pages/%d", n), viewerToken, "").into(t, &got)
	if got.Page.AckedHow != "cli" {
		t.Errorf("acknowledged by %q, want cli", got.Page.AckedHow)
	}
}

func TestATooLateAcknowledgementIsAnsweredWithWhoHasIt(t *testing.T) {
	d := newDoor(t)
	n := d.page(nil)
	path := fmt.Sprintf("/api/v1/pages/%d/acknowledge", n)
	d.request("POST", path, responderToken, "")
	if a := d.act(path, adminToken, ""); a.Code != "already_acknowledged" || a.By != "ana" {
		t.Errorf("answered %+v, want already_acknowledged by ana", a)
	}
}

func TestPagesAcknowledgedTogetherBecomeOneIncidentUnderTheLowestNumber(t *testing.T) {
	d := newDoor(t)
	first, second := d.page(nil), d.page(nil)
	var out api.Outcome
	d.request("POST", "/api/v1/pages/acknowledge", responderToken, fmt.Sprintf(`{"pages":[%d,%d,%d]}`, second, first, second)).into(t, &out)
	if len(out.Answers) != 2 || out.Answers[0].Page != first || out.Answers[0].Incident != first || out.Answers[1].Incident != first {
		t.Fatalf("answers %+v", out.Answers)
	}
	var in api.IncidentDetail
	d.request("GET", fmt.Sprintf("/api/v1/incidents/%d", first), viewerToken, "").into(t, &in)
	if len(in.Incident.Pages) != 2 || in.Incident.Commander != "ana" {
		t.Errorf("incident %+v", in.Incident)
	}
}

func TestAnUnknownPageAmongSeveralLeavesTheOthersAlone(t *testing.T) {
	d := newDoor(t)
	n := d.page(nil)
	if a := d.request("POST", "/api/v1/pages/acknowledge", responderToken, fmt.Sprintf(`{"pages":[%d,9999]}`, n)); a.status != http.StatusNotFound {
		t.Errorf("answered %d: %s", a.status, a.body)
	}
	p, err := d.store.Page(context.Background(), n)
	if err != nil || p.Status != page.Triggered {
		t.Errorf("page is %s (%v), want it untouched", p.Status, err)
	}
}

func TestTheSameIdempotencyKeyActsOnce(t *testing.T) {
	d := newDoor(t)
	n := d.page(nil)
	path := fmt.Sprintf("/api/v1/pages/%d/note", n)
	key := func(r *http.Request) { r.Header.Set("Idempotency-Key", "k1") }
	first := d.act(path, responderToken, `{"text":"restarting the task"}`, key)
	second := d.act(path, responderToken, `{"text":"restarting the task"}`, key)
	d.request("POST", path, responderToken, `{"text":"another text is another act"}`, key)
	d.request("POST", path, adminToken, `{"text":"restarting the task"}`, key)
	if first.Code != "noted" || second.Code != api.Repeated {
		t.Errorf("answers %+v, then %+v", first, second)
	}
	var got api.PageDetail
	d.request("GET", fmt.Sprintf("/api/v1/pages/%d", n), viewerToken, "").into(t, &got)
	notes := 0
	for _, e := range got.Timeline {
		if strings.Contains(e.Text+fmt.Sprint(e.Facts), "restarting") || strings.Contains(e.Text+fmt.Sprint(e.Facts), "another") {
			notes++
		}
	}
	if notes != 3 {
		t.Errorf("%d notes in the timeline, want 3: %+v", notes, got.Timeline)
	}
}

func TestResolveEscalateUnacknowledgeAndNoiseAnswerWithTheirWord(t *testing.T) {
	d := newDoor(t)
	n := d.page(nil)
	for _, step := range []struct{ act, code, status string }{
		{"acknowledge", "acknowledged", "acknowledged"},
		{"noise", "noted", "acknowledged"},
		{"unacknowledge", "unacknowledged", "triggered"},
		{"resolve", "resolved", "resolved"},
		{"resolve", "already_resolved", "resolved"},
	} {
		a := d.act(fmt.Sprintf("/api/v1/pages/%d/%s", n, step.act), responderToken, "")
		if a.Code != step.code || a.Status != step.status {
			t.Errorf("%s: answered %+v; want %s", step.act, a, step.code)
		}
	}
}

func TestACandidateIsDismissedOnlyWithAReason(t *testing.T) {
	d := newDoor(t)
	d.candidate(1001)
	if a := d.request("POST", "/api/v1/incidents/1001/dismiss", responderToken, `{"reason":"  "}`); a.status != http.StatusUnprocessableEntity {
		t.Errorf("without a reason: %d %s", a.status, a.body)
	}
	var out api.IncidentOutcome
	d.request("POST", "/api/v1/incidents/1001/dismiss", responderToken, `{"reason":"a test of ours"}`).into(t, &out)
	if out.Code != "dismissed" || out.Incident.Status != "dismissed" || out.Incident.Dismissal != "a test of ours" {
		t.Errorf("answered %+v", out)
	}
}

func TestAnIncidentIsMitigatedAndResolvedOnce(t *testing.T) {
	d := newDoor(t)
	n := d.page(nil)
	d.request("POST", fmt.Sprintf("/api/v1/pages/%d/acknowledge", n), responderToken, "")
	for _, step := range []struct{ act, code string }{
		{"mitigate", "mitigated"}, {"mitigate", "already_mitigated"}, {"resolve", "resolved"}, {"resolve", "already_resolved"},
	} {
		var out api.IncidentOutcome
		a := d.request("POST", fmt.Sprintf("/api/v1/incidents/%d/%s", n, step.act), responderToken, "")
		a.into(t, &out)
		if out.Code != step.code {
			t.Errorf("%s: %d %s, want %s", step.act, a.status, a.body, step.code)
		}
	}
	if a := d.request("POST", fmt.Sprintf("/api/v1/incidents/%d/dismiss", n), responderToken, `{"reason":"x"}`); a.status != http.StatusConflict {
		t.Errorf("dismissing a resolved incident: %d %s, want 409", a.status, a.body)
	}
}

func TestEveryMistakeHasItsStatusAndASentence(t *testing.T) {
	d := newDoor(t)
	n := fmt.Sprint(d.page(nil))
	for _, c := range []struct {
		name, method, path, body string
		edit                     func(*http.Request)
		want                     int
	}{
		{"no such page", "POST", "/api/v1/pages/7/acknowledge", "", nil, 404},
		{"no such page to show", "GET", "/api/v1/pages/7", "", nil, 404},
		{"no number", "GET", "/api/v1/pages/abc", "", nil, 404},
		{"no such incident", "POST", "/api/v1/incidents/7/mitigate", "", nil, 404},
		{"no such path", "GET", "/api/v1/nothing", "", nil, 404},
		{"no such severity to search for", "GET", "/api/v1/postmortems?severity=worst", "", nil, 400},
		{"a doubled slash is no redirect", "GET", "/api/v1//pages", "", nil, 404},
		{"a trailing slash is no redirect", "GET", "/status/", "", nil, 404},
		{"wrong method", "DELETE", "/api/v1/pages/" + n, "", nil, 405},
		{"GET of an act", "GET", "/api/v1/pages/" + n + "/acknowledge", "", nil, 405},
		{"no JSON", "POST", "/api/v1/pages/" + n + "/note", "text=x", nil, 400},
		{"a form", "POST", "/api/v1/pages/" + n + "/note", "text=x", func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }, 415},
		{"plain text that is JSON", "POST", "/api/v1/pages/" + n + "/note", `{"text":"x"}`, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 415},
		{"unknown field", "POST", "/api/v1/pages/" + n + "/note", `{"txet":"x"}`, nil, 400},
		{"field of another act", "POST", "/api/v1/pages/" + n + "/resolve", `{"text":"x"}`, nil, 400},
		{"empty note", "POST", "/api/v1/pages/" + n + "/note", `{"text":" "}`, nil, 422},
		{"endless note", "POST", "/api/v1/pages/" + n + "/note", `{"text":"` + strings.Repeat("x", 3000) + `"}`, nil, 422},
		{"endless body", "POST", "/api/v1/pages/" + n + "/note", `{"text":"` + strings.Repeat("x", 70<<10) + `"}`, nil, 413},
		{"unknown severity", "POST", "/api/v1/pages/" + n + "/severity", `{"severity":"SEV-9"}`, nil, 422},
		{"no severity", "POST", "/api/v1/pages/" + n + "/severity", "", nil, 422},
		{"no pages", "POST", "/api/v1/pages/acknowledge", `{"pages":[]}`, nil, 422},
		{"bad limit", "GET", "/api/v1/pages?limit=0", "", nil, 400},
		{"bad open", "GET", "/api/v1/pages?open=perhaps", "", nil, 400},
		{"bad before", "GET", "/api/v1/incidents?before=x", "", nil, 400},
		{"bad instant", "GET", "/api/v1/oncall?at=yesterday", "", nil, 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.edit == nil {
				c.edit = func(*http.Request) {}
			}
			a := d.request(c.method, c.path, adminToken, c.body, c.edit)
			var p api.Problem
			a.into(t, &p)
			if a.status != c.want || p.Error == "" {
				t.Errorf("answered %d %s; want %d and a sentence", a.status, a.body, c.want)
			}
		})
	}
}

func TestAWebPageOfAnotherSiteCannotAct(t *testing.T) {
	d := newDoor(t)
	n := d.page(nil)
	a := d.request("POST", fmt.Sprintf("/api/v1/pages/%d/acknowledge", n), responderToken, "", func(r *http.Request) {
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Origin", "https://evil.example.com")
	})
	if p, err := d.store.Page(context.Background(), n); a.status != http.StatusForbidden || err != nil || p.Status != page.Triggered {
		t.Errorf("answered %d, page %s (%v); want 403 and nothing done", a.status, p.Status, err)
	}
}

func TestAStoreThatCannotPromiseIsA503ThatSaysThatNothingChanged(t *testing.T) {
	d := newDoor(t)
	n := d.page(nil)
	if err := d.store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/api/v1/pages", fmt.Sprintf("/api/v1/pages/%d", n), "/api/v1/incidents"} {
		if a := d.request("GET", path, viewerToken, ""); a.status != http.StatusServiceUnavailable {
			t.Errorf("GET %s: %d", path, a.status)
		}
	}
	a := d.request("POST", fmt.Sprintf("/api/v1/pages/%d/acknowledge", n), responderToken, "")
	if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, "NOT RECORDED") {
		t.Errorf("answered %d %v %s", a.status, a.header, a.body)
	}
}

func TestReloadIsForAdminsAndTellsTheMistake(t *testing.T) {
	d := newDoor(t)
	if a := d.request("POST", "/api/v1/reload", responderToken, ""); a.status != http.StatusForbidden {
		t.Errorf("a responder reloaded: %d", a.status)
	}
	var v api.VersionInfo
	d.request("POST", "/api/v1/reload", adminToken, "").into(t, &v)
	if v.Version != "1.2.3" || v.ConfigHash != d.config.Hash {
		t.Errorf("answered %+v", v)
	}
	d.reload = func() error { return errors.New("pagerd.yaml:3:1: unknown key") }
	if a := d.request("POST", "/api/v1/reload", adminToken, ""); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "pagerd.yaml:3:1") {
		t.Errorf("answered %d %s", a.status, a.body)
	}
}
