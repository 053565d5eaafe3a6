package email

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/notify"
)

// desk is a page about given subjects.
type desk struct {
	subjects []notify.Subject
	lookup   error
	act      error
}

func (d *desk) ask(t *testing.T, method, body string) *httptest.ResponseRecorder {
	t.Helper()
	now := time.Date(2026, 3, 28, 3, 0, 0, 0, time.UTC)
	h := Page(PageOptions{Links: links(), Now: func() time.Time { return now }, Zone: func(string) *time.Location { return time.FixedZone("CET", 3600) },
		Subjects: func(context.Context, Link) ([]notify.Subject, error) { return d.subjects, d.lookup },
		Act:      func(context.Context, Link, notify.Verb) (string, error) { return "Acked #1042.", d.act }})
	r := httptest.NewRequest(method, "/r/"+links().Sign(Link{Delivery: "1042-1", Person: "ana", Pages: []int64{1042}, Expires: now.Add(time.Hour).Unix()}), strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func open(n int64, status string) notify.Subject {
	return notify.Subject{Page: n, Severity: alert.SEV1, Service: "api-gateway", Summary: "5xx rate 15%", Status: status, Acknowledger: "ben", Firing: 1,
		Runbook: "https://runbooks.example.com/5xx", Since: time.Date(2026, 3, 28, 2, 56, 0, 0, time.UTC)}
}

// TestButtonsKeepTheirPlaces: whoever taps twice on the same spot must not resolve what they have just acknowledged.
func TestButtonsKeepTheirPlaces(t *testing.T) {
	for _, status := range []string{"triggered", "acknowledged"} {
		text := (&desk{subjects: []notify.Subject{open(1042, status)}}).ask(t, http.MethodGet, "").Body.String()
		ack, resolve, escalate := strings.Index(text, `value="ack"`), strings.Index(text, `value="resolve"`), strings.Index(text, `value="escalate"`)
		if ack < 0 || ack > resolve || resolve > escalate {
			t.Errorf("%s: buttons at %d, %d, %d", status, ack, resolve, escalate)
		}
		if stands := strings.Contains(text, `class="wide main"`); stands != (status == "triggered") {
			t.Errorf("%s: acknowledge stands out: %v", status, stands)
		}
	}
}

func TestThePageShowsWhatIsNeededToDecide(t *testing.T) {
	text := (&desk{subjects: []notify.Subject{open(1042, "acknowledged"), open(1043, "resolved")}}).ask(t, http.MethodGet, "").Body.String()
	for _, want := range []string{"SEV-1", "#1042", "#1043", "api-gateway", "5xx rate 15%", "acknowledged by ben", "28 Mar 03:56 CET", `href="https://runbooks.example.com/5xx"`, "Acknowledge all 2", "You act as ana"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	if strings.Contains(text, "<script") || strings.Contains(text, "style=") || strings.Contains(text, "onclick") {
		t.Error("the page breaks its own content policy")
	}
}

func TestWhatIsOverHasNoButtons(t *testing.T) {
	for name, d := range map[string]*desk{"resolved": {subjects: []notify.Subject{open(1042, "resolved")}}, "no longer kept": {}} {
		w := d.ask(t, http.MethodGet, "")
		if text := w.Body.String(); w.Code != http.StatusOK || strings.Contains(text, "<button") || !strings.Contains(text, "Nothing") && !strings.Contains(text, "no longer kept") {
			t.Errorf("%s: %d %s", name, w.Code, text)
		}
	}
}

// TestTheAnswerIsToldEvenIfThePageCannotBeShown: what was recorded is not called unknown because reading failed afterwards.
func TestTheAnswerIsToldEvenIfThePageCannotBeShown(t *testing.T) {
	d := &desk{lookup: errors.New("store is away")}
	if w := d.ask(t, http.MethodPost, "verb=ack"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Acked #1042.") {
		t.Errorf("recorded: %d %s", w.Code, w.Body)
	}
	d.act = errors.New("disk full")
	if w := d.ask(t, http.MethodPost, "verb=ack"); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "NOT RECORDED") {
		t.Errorf("not recorded: %d %s", w.Code, w.Body)
	}
	if w := d.ask(t, http.MethodGet, ""); w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "store is away") {
		t.Errorf("opened: %d %s", w.Code, w.Body)
	}
}

func TestForeignTextIsShownAsItIsAndHidesNothing(t *testing.T) {
	s := open(1042, "triggered")
	s.Service, s.Summary, s.Runbook = "a\u202epi\u200b", `"><img src=x onerror=alert(1)>`, "javascript:alert(1)"
	text := (&desk{subjects: []notify.Subject{s}}).ask(t, http.MethodGet, "").Body.String()
	if strings.Contains(text, "<img") || strings.Contains(text, `href="javascript`) || strings.ContainsAny(text, "\u202e\u200b") {
		t.Errorf("foreign markup: %s", text)
	}
}

func TestTheStyleIsAFileOfOurOwn(t *testing.T) {
	h := Page(PageOptions{Links: links(), Now: time.Now})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/r/style.css", nil))
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/css") || strings.Contains(w.Body.String(), "url(") {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}
