package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pagerd/config"
	"pagerd/gateway/alert"
)

func captureOf(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/alertmanager/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func parsed(t testing.TB, name string) alert.Batch {
	t.Helper()
	b, err := ParseAlertmanager(captureOf(t, name), "prod")
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return b
}

// TestTruncatedBodyThatSaysResolvedResolvesOnlyWhatItNames: with max_alerts the top-level status is computed after the cut,
// so it says "resolved" while three alerts that were cut still fire.
func TestTruncatedBodyThatSaysResolvedResolvesOnlyWhatItNames(t *testing.T) {
	b := parsed(t, "webhook-truncated-TRAP-status-resolved-while-3-hidden-firing")
	if b.Hidden != 3 || len(b.Alerts) != 2 {
		t.Errorf("%d alerts, %d hidden", len(b.Alerts), b.Hidden)
	}
}

func TestEveryAlertHasItsOwnStatus(t *testing.T) {
	b := parsed(t, "webhook-grouped-3-firing")
	if len(b.Alerts) != 3 {
		t.Fatalf("%d alerts", len(b.Alerts))
	}
	for _, a := range b.Alerts {
		if a.Status != alert.Firing || !a.EndsAt.IsZero() || a.Fingerprint == "" || a.StartsAt.IsZero() || a.Source != "prod" {
			t.Errorf("%+v", a)
		}
	}
	if rest := parsed(t, "webhook-grouped-rest-resolved"); len(rest.Alerts) != 2 || rest.Alerts[0].Status != alert.Resolved || rest.Alerts[0].EndsAt.IsZero() {
		t.Errorf("the final body names %d alerts", len(rest.Alerts))
	}
}

func TestAnAlertThatFiresAgainKeepsItsIdentityAndHasANewStart(t *testing.T) {
	first, again := parsed(t, "webhook-firing-single").Alerts[0], parsed(t, "webhook-refired-single-same-fingerprint-new-startsAt").Alerts[0]
	if first.ID() != again.ID() || !again.StartsAt.After(first.StartsAt) {
		t.Errorf("%s %s, then %s %s", first.ID(), first.StartsAt, again.ID(), again.StartsAt)
	}
}

func TestTheGroupKeyIsHashedAndNeverUsedAsItIs(t *testing.T) {
	b := parsed(t, "webhook-grouped-3-firing")
	if len(b.Sender) != 16 || strings.ContainsAny(b.Sender, "{}\"") {
		t.Errorf("sender %q", b.Sender)
	}
}

func TestOlderAndNewerBodiesAreTaken(t *testing.T) {
	if n := len(parsed(t, "webhook-routelabels").Alerts); n == 0 {
		t.Error("a body with routeLabels has no alerts")
	}
	old := bytes.ReplaceAll(captureOf(t, "webhook-firing-single"), []byte(`"notification_reason"`), []byte(`"something_else"`))
	if _, err := ParseAlertmanager(old, "prod"); err != nil {
		t.Error(err)
	}
}

func TestAStormOf400AlertsIsOneBody(t *testing.T) {
	if n := len(parsed(t, "webhook-huge-400-alerts").Alerts); n != 400 {
		t.Errorf("%d alerts", n)
	}
}

func TestACustomPayloadIsRefusedWithAHint(t *testing.T) {
	_, err := ParseAlertmanager(captureOf(t, "webhook-custom-payload-firing"), "prod")
	var mistake *bad
	if !errors.As(err, &mistake) || mistake.hint == "" {
		t.Errorf("got %v", err)
	}
}

// TestOneOddAlertHindersNoOther: what cannot be understood goes to the catch-all beside the good ones.
func TestOneOddAlertHindersNoOther(t *testing.T) {
	good := `{"status":"firing","labels":{"alertname":"A"},"annotations":{},"startsAt":"2026-01-01T00:00:00Z","fingerprint":"f1"}`
	for _, odd := range []string{`{"status":"maybe","labels":{},"startsAt":"2026-01-01T00:00:00Z"}`, `{"status":"firing","labels":{"a":1},"startsAt":"2026-01-01T00:00:00Z"}`,
		`{"status":"firing","labels":{},"startsAt":"yesterday"}`, `17`, `null`, `"x"`, `[]`, `{}`} {
		b, err := ParseAlertmanager([]byte(`{"version":"4","alerts":[`+odd+`,`+good+`]}`), "prod")
		if err != nil || len(b.Alerts) != 2 || b.Alerts[0].Unknown == "" || b.Alerts[0].Fingerprint == "" || b.Alerts[1].Unknown != "" {
			t.Errorf("%s: %v %+v", odd, err, b.Alerts)
		}
	}
}

// post is one request to a handler whose Accept records and answers err.
func post(t *testing.T, path string, header http.Header, body io.Reader, err error) (*httptest.ResponseRecorder, []alert.Batch) {
	t.Helper()
	var got []alert.Batch
	h := New(Options{Now: time.Now, Accept: func(_ context.Context, b alert.Batch, _ time.Time) error { got = append(got, b); return err },
		Sources: []config.Source{{Name: "prod", Kind: "alertmanager", Tokens: []config.Secret{"tok-abc", "second"}, BasicUser: "am", BasicPass: "secret"},
			{Name: "other", Kind: "alertmanager", Tokens: []config.Secret{"other"}}}})
	req := httptest.NewRequest(http.MethodPost, path, body)
	for k, v := range header {
		req.Header[k] = v
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w, got
}

func TestCredentialsInEveryFormThatAlertmanagerSends(t *testing.T) {
	basic := "Basic YW06c2VjcmV0"
	for _, c := range []struct {
		name, path string
		header     http.Header
		status     int
	}{
		{"bearer", "/v1/alertmanager/prod", http.Header{"Authorization": {"Bearer tok-abc"}}, 200},
		{"a second token", "/v1/alertmanager/prod", http.Header{"Authorization": {"Bearer second"}}, 200},
		{"another scheme", "/v1/alertmanager/prod", http.Header{"Authorization": {"Token tok-abc"}}, 200},
		{"basic", "/v1/alertmanager/prod", http.Header{"Authorization": {basic}}, 200},
		{"a header of its own", "/v1/alertmanager/prod", http.Header{"X-Pager-Token": {"tok-abc"}}, 200},
		{"in the path", "/v1/alertmanager/prod/tok-abc", nil, 200},
		{"in the path, with a slash", "/v1/alertmanager/prod/tok-abc/", nil, 200},
		{"with a slash", "/v1/alertmanager/prod/", http.Header{"Authorization": {"Bearer tok-abc"}}, 200},
		{"none", "/v1/alertmanager/prod", nil, 401},
		{"wrong", "/v1/alertmanager/prod", http.Header{"Authorization": {"Bearer tok-abd"}}, 401},
		{"empty", "/v1/alertmanager/prod", http.Header{"Authorization": {"Bearer "}}, 401},
		{"another source's", "/v1/alertmanager/prod", http.Header{"Authorization": {"Bearer other"}}, 401},
		{"a source that does not exist", "/v1/alertmanager/nobody", http.Header{"Authorization": {"Bearer tok-abc"}}, 401},
		{"the wrong kind of door", "/v1/sns/prod", http.Header{"Authorization": {"Bearer tok-abc"}}, 401},
	} {
		w, got := post(t, c.path, c.header, bytes.NewReader(captureOf(t, "webhook-firing-single")), nil)
		if w.Code != c.status || (len(got) == 1) != (c.status == 200) {
			t.Errorf("%s: answered %d with %d batches, want %d", c.name, w.Code, len(got), c.status)
		}
		if w.Code >= 300 && w.Code < 400 {
			t.Errorf("%s: redirected", c.name)
		}
	}
}

func TestWhatCannotBeStoredNowIsAnswered503(t *testing.T) {
	w, _ := post(t, "/v1/alertmanager/prod/tok-abc", nil, bytes.NewReader(captureOf(t, "webhook-firing-single")), errors.New("disk full"))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("answered %d", w.Code)
	}
}

func TestBadBodiesAreAnsweredWithASentenceAndAHint(t *testing.T) {
	for _, c := range []struct {
		name   string
		body   io.Reader
		header http.Header
		status int
	}{
		{"no JSON", strings.NewReader("hello"), nil, 400},
		{"cut off", strings.NewReader(`{"alerts":[{"status"`), nil, 400},
		{"a byte order mark", strings.NewReader("\ufeff{}"), nil, 400},
		{"deep", strings.NewReader(`{"alerts":[` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `]}`), nil, 400},
		{"no alerts", strings.NewReader(`{}`), nil, 400},
		{"an old version", strings.NewReader(`{"version":"3","alerts":[]}`), nil, 400},
		{"17 MiB", io.LimitReader(zeros{}, 17<<20), nil, 413},
		{"compressed", strings.NewReader("x"), http.Header{"Content-Encoding": {"gzip"}}, 415},
	} {
		w, got := post(t, "/v1/alertmanager/prod/tok-abc", c.header, c.body, nil)
		var answer struct{ Error, Hint string }
		if w.Code != c.status || len(got) != 0 || json.Unmarshal(w.Body.Bytes(), &answer) != nil || answer.Error == "" || answer.Hint == "" {
			t.Errorf("%s: answered %d %s", c.name, w.Code, w.Body)
		}
	}
	if w, got := post(t, "/v1/alertmanager/prod/tok-abc", nil, strings.NewReader(`{"version":"4","alerts":[],"new":{"field":[1]}}`), nil); w.Code != 200 || len(got) != 1 {
		t.Errorf("unknown fields: answered %d", w.Code)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestLabelsWithoutEndAreBounded(t *testing.T) {
	labels := map[string]string{}
	for i := range 10_000 {
		labels[fmt.Sprintf("label_%05d", i)] = strings.Repeat("é", 2000)
	}
	b, err := json.Marshal(map[string]any{"version": "4", "alerts": []any{map[string]any{"status": "firing", "labels": labels, "startsAt": "2026-01-01T00:00:00Z"}}})
	if err != nil {
		t.Fatal(err)
	}
	batch, err := ParseAlertmanager(b[:min(len(b), MaxBody*4)], "prod")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(batch.Alerts[0].Labels); n > maxLabels {
		t.Errorf("%d labels are kept", n)
	}
	for _, v := range batch.Alerts[0].Labels {
		if len(v) > maxValue {
			t.Errorf("a value of %d bytes is kept", len(v))
		}
	}
}

func FuzzAlertmanager(f *testing.F) {
	files, _ := filepath.Glob("testdata/alertmanager/webhook-*.json")
	for _, file := range files {
		if b, err := os.ReadFile(file); err == nil && len(b) < 20_000 {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		b, err := ParseAlertmanager(body, "s")
		if err != nil {
			return
		}
		for _, a := range b.Alerts {
			if a.Fingerprint == "" || a.Source != "s" || a.Status != alert.Firing && a.Status != alert.Resolved {
				t.Errorf("%+v", a)
			}
		}
	})
}

func BenchmarkParseAlertmanager(b *testing.B) {
	for _, name := range []string{"webhook-firing-single", "webhook-huge-400-alerts"} {
		body := captureOf(b, name)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if _, err := ParseAlertmanager(body, "prod"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkHandler is one request through credential, body, parser and answer, with a store that takes no time.
func BenchmarkHandler(b *testing.B) {
	body := captureOf(b, "webhook-firing-single")
	h := New(Options{Now: time.Now, Accept: func(context.Context, alert.Batch, time.Time) error { return nil },
		Sources: []config.Source{{Name: "prod", Kind: "alertmanager", Tokens: []config.Secret{"tok-abc"}}}})
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		req := httptest.NewRequest(http.MethodPost, "/v1/alertmanager/prod", bytes.NewReader(body))
		req.Header.Set("Authorization", "Bearer tok-abc")
		if h.ServeHTTP(w, req); w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}
