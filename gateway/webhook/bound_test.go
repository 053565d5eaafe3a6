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
	"runtime"
	"strings"
	"testing"
	"time"

	"pagerd/config"
	"pagerd/gateway/alert"
)

const sound = `{"status":"firing","labels":{"alertname":"A"},"startsAt":"2026-01-01T00:00:00Z","fingerprint":"00000000000000aa"}`

// TestHostileBodiesCostLittle: the bound is on what the parser allocates for 16 MiB at the very most; a decoder that
// builds all before it counts takes gigabytes for the second of them.
func TestHostileBodiesCostLittle(t *testing.T) {
	fill := func(before, unit, after string) []byte {
		n := (MaxBody - len(before) - len(after)) / len(unit)
		return []byte(before + strings.TrimSuffix(strings.Repeat(unit, n), ",") + after)
	}
	numbered := func(before, after string) []byte { // a million labels, each its own
		var b bytes.Buffer
		b.WriteString(before)
		for i := range 1_000_000 {
			fmt.Fprintf(&b, `"l%d":"v",`, i)
		}
		return append(bytes.TrimSuffix(b.Bytes(), []byte(",")), after...)
	}
	for name, body := range map[string][]byte{
		"alerts that are none":     fill(`{"alerts":[`, `0,`, `]}`),
		"empty alerts":             fill(`{"alerts":[`, `{},`, `]}`),
		"a million labels":         numbered(`{"alerts":[{"status":"firing","labels":{`, `}}]}`),
		"a million top members":    numbered(`{`, `,"alerts":[]}`),
		"one label again":          fill(`{"alerts":[{"labels":{`, `"a":"b",`, `}}]}`),
		"depth":                    fill(`{"alerts":`, `[`, ``),
		"depth in a field unknown": []byte(`{"alerts":[` + sound + `],"x":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`),
		"escapes":                  fill(`{"alerts":[{"status":"`, `\u0041`, `"}]}`),
		"a string without end":     fill(`{"alerts":[{"status":"`, `\\`, ``),
		"a number without end":     fill(`{"truncatedAlerts":1`, `0`, `}`),
		"spaces":                   fill(`{"alerts":[]`, ` `, `}`),
		"a long group":             fill(`{"groupKey":"`, `x`, `","alerts":[]}`),
	} {
		if len(body) > MaxBody {
			t.Fatalf("%s: %d bytes", name, len(body))
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := ParseAlertmanager(body, "prod")
		runtime.ReadMemStats(&after)
		if spent := after.TotalAlloc - before.TotalAlloc; spent > 128<<20 {
			t.Errorf("%s: %d MiB allocated", name, spent>>20)
		}
		var mistake *bad
		if err != nil && !errors.As(err, &mistake) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestASecondListOfAlertsIsRefusedSoThatNoneIsLost(t *testing.T) {
	for _, body := range []string{`{"alerts":[` + sound + `],"alerts":[]}`, `{"truncatedAlerts":3,"alerts":[],"truncatedAlerts":0}`} {
		if _, err := ParseAlertmanager([]byte(body), "prod"); err == nil {
			t.Errorf("%s is taken", body)
		}
	}
	b, err := ParseAlertmanager([]byte(`{"alerts":[`+sound+`],"Alerts":[],"ALERTS":null}`), "prod")
	if err != nil || len(b.Alerts) != 1 {
		t.Errorf("another spelling hides the alerts: %v, %d", err, len(b.Alerts))
	}
}

// TestAnAlertThatSaysTwoThingsEndsNothing: of two statuses a decoder takes one by chance.
func TestAnAlertThatSaysTwoThingsEndsNothing(t *testing.T) {
	for _, twice := range []string{`"status":"firing","status":"resolved"`, `"status":"resolved","status":"firing"`, `"status":"resolved","status":"resolved"`} {
		b, err := ParseAlertmanager([]byte(`{"alerts":[{`+twice+`,"labels":{"alertname":"A"},"startsAt":"2026-01-01T00:00:00Z","fingerprint":"00000000000000aa"},`+sound+`]}`), "prod")
		if err != nil || len(b.Alerts) != 2 || b.Alerts[0].Status != alert.Firing || b.Alerts[0].Unknown == "" || b.Alerts[1].Unknown != "" {
			t.Errorf("%s: %v %+v", twice, err, b.Alerts)
		}
	}
	b, err := ParseAlertmanager([]byte(`{"alerts":[{"status":"firing","STATUS":"resolved","labels":{"alertname":"A"},"startsAt":"2026-01-01T00:00:00Z"}]}`), "prod")
	if err != nil || b.Alerts[0].Status != alert.Firing || b.Alerts[0].Unknown != "" {
		t.Errorf("another spelling of the status counts: %v %+v", err, b.Alerts)
	}
}

// TestAnOddAlertKeepsItsIdentity: a well-formed end that follows must find what an odd firing opened.
func TestAnOddAlertKeepsItsIdentity(t *testing.T) {
	read := func(text string) alert.Alert {
		b, err := ParseAlertmanager([]byte(`{"alerts":[`+text+`]}`), "prod")
		if err != nil || len(b.Alerts) != 1 {
			t.Fatalf("%s: %v", text, err)
		}
		return b.Alerts[0]
	}
	end := read(`{"status":"resolved","labels":{"alertname":"A","team":"x"},"startsAt":"2026-01-01T00:00:00Z","endsAt":"2026-01-01T01:00:00Z"}`)
	for _, firing := range []string{
		`{"status":"firing","labels":{"alertname":"A","team":"x"},"startsAt":"yesterday"}`,
		`{"status":"burning","labels":{"team":"x","alertname":"A"},"startsAt":"2026-01-01T00:00:00Z"}`,
		`{"status":"firing","labels":{"alertname":"A","team":"x"}}`,
	} {
		a := read(firing)
		if a.Unknown == "" || a.ID() != end.ID() || a.Labels["team"] != "x" {
			t.Errorf("%s: %+v", firing, a)
		}
	}
	a, b := read(`{"status":"firing","labels":{"alertname":"A","n":1},"startsAt":"2026-01-01T00:00:00Z"}`), read(`{"status":"resolved","labels":{"alertname":"A","n":1},"startsAt":"2026-01-01T00:00:00Z"}`)
	if a.ID() != b.ID() || b.Status != alert.Resolved {
		t.Errorf("labels that are no text: %s %s, then %s %s", a.ID(), a.Status, b.ID(), b.Status)
	}
	if x, y := read(`{"a":1}`), read(`{"a":2}`); x.ID() == y.ID() || x.ID() != read(`{"a":1}`).ID() {
		t.Errorf("what has no identity: %s and %s", x.ID(), y.ID())
	}
	if f := read(`{"status":"firing","labels":{"alertname":"A"},"startsAt":"2026-01-01T00:00:00Z","fingerprint":"../../x"}`).Fingerprint; !isFingerprint(f) {
		t.Errorf("fingerprint %q", f)
	}
}

func TestWhatDecidesWhoIsRungIsDroppedLast(t *testing.T) {
	labels := map[string]string{"alertname": "A", "severity": "critical", "service": "pay"}
	for i := range 500 {
		labels[fmt.Sprintf("a%03d", i)] = "v"
	}
	kept := keep(labels)
	if len(kept) != maxLabels || kept["alertname"] != "A" || kept["severity"] != "critical" || kept["service"] != "pay" {
		t.Errorf("%d labels, %v", len(kept), kept)
	}
}

func TestStartsKeepTheirNanosecondsAndLinksAreWebLinks(t *testing.T) {
	b, err := ParseAlertmanager([]byte(`{"truncatedAlerts":18446744073709551615,"version":4,"alerts":[{"status":"firing","labels":{"région":"a\u2028b","service.name":"x"},
		"startsAt":"2026-01-01T01:00:00.123456789+01:00","endsAt":"0001-01-01T00:00:00Z","generatorURL":"javascript:alert(1)","annotations":null}]}`), "prod")
	if err != nil {
		t.Fatal(err)
	}
	a := b.Alerts[0]
	if a.StartsAt.Format(time.RFC3339Nano) != "2026-01-01T00:00:00.123456789Z" || !a.EndsAt.IsZero() || a.URL != "" || a.Labels["région"] != "a\u2028b" || b.Hidden != maxHidden || a.Unknown != "" {
		t.Errorf("%+v, %d hidden", a, b.Hidden)
	}
}

// TestEveryCaptureArrivesAsItWasSent replays what the real Alertmanager sent, headers and all, through the handler.
func TestEveryCaptureArrivesAsItWasSent(t *testing.T) {
	files, _ := filepath.Glob("testdata/alertmanager/*.request.json")
	if len(files) < 20 {
		t.Fatalf("%d captures", len(files))
	}
	for _, file := range files {
		var sent struct {
			Method string
			Header http.Header
		}
		b, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(b, &sent)
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		name := strings.TrimSuffix(file, ".request.json")
		body, err := os.ReadFile(name + ".json")
		if err != nil {
			body = nil
		}
		req := httptest.NewRequest(sent.Method, "/v1/alertmanager/prod/tok-abc", bytes.NewReader(body))
		req.Header = sent.Header
		var got []alert.Batch
		h := New(Options{Now: time.Now, Accept: func(_ context.Context, b alert.Batch, _ time.Time) error { got = append(got, b); return nil },
			Sources: []config.Source{{Name: "prod", Kind: "alertmanager", Tokens: []config.Secret{"tok-abc"}}}})
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		want := http.StatusOK
		switch {
		case strings.Contains(name, "302"): // a redirect made an empty GET of it: this must not look like success
			want = http.StatusMethodNotAllowed
		case strings.Contains(name, "custom-payload"):
			want = http.StatusBadRequest
		}
		if w.Code != want || (want == 200) != (len(got) == 1 && got[0].Source == "prod") {
			t.Errorf("%s: answered %d, want %d", name, w.Code, want)
		}
		for _, b := range got {
			for _, a := range b.Alerts {
				if a.Unknown != "" || !isFingerprint(a.Fingerprint) || a.Source != "prod" {
					t.Errorf("%s: %+v", name, a)
				}
			}
		}
	}
}

func TestNoPathIsEverRedirected(t *testing.T) {
	for _, path := range []string{"/v1//alertmanager/prod", "/v1/./alertmanager/prod", "/v1/x/../alertmanager/prod", "/v1/alertmanager", "/v1/alertmanager/", "/v1/alertmanager/prod//",
		"/v1/alertmanager/prod/a/b", "/v1/other/prod", "/", "/v1/alertmanager//tok-abc", "/v2/alertmanager/prod"} {
		w, got := post(t, path, http.Header{"Authorization": {"Bearer tok-abc"}}, strings.NewReader("{}"), nil)
		if w.Code != http.StatusNotFound || len(got) > 0 {
			t.Errorf("%s: answered %d", path, w.Code)
		}
	}
	req := httptest.NewRequest(http.MethodGet, "/v1/alertmanager/prod/tok-abc", nil)
	w := httptest.NewRecorder()
	New(Options{Now: time.Now}).ServeHTTP(w, req)
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "POST" {
		t.Errorf("GET: answered %d", w.Code)
	}
}

// untouched fails the test when anybody reads it.
type untouched struct{ t *testing.T }

func (u untouched) Read([]byte) (int, error) {
	u.t.Error("the body was read before the credential was known to be good")
	return 0, io.EOF
}

func TestTheBodyOfAStrangerIsNotRead(t *testing.T) {
	w, _ := post(t, "/v1/alertmanager/prod/wrong", nil, untouched{t}, nil)
	if w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") == "" {
		t.Errorf("answered %d", w.Code)
	}
}

func TestAReloadChangesWhoMayPost(t *testing.T) {
	source := func(token string) []config.Source {
		return []config.Source{{Name: "prod", Kind: "alertmanager", Tokens: []config.Secret{config.Secret(token)}}}
	}
	h := New(Options{Now: time.Now, Sources: source("old"), Accept: func(context.Context, alert.Batch, time.Time) error { return nil }})
	status := func(token string) int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/alertmanager/prod/"+token, strings.NewReader(`{"alerts":[]}`)))
		return w.Code
	}
	if status("old") != 200 || status("new") != 401 {
		t.Error("before the reload")
	}
	h.Reload(source("new"))
	if status("old") != 401 || status("new") != 200 {
		t.Error("after the reload")
	}
}

// TestATimeThatCannotBeIsTheReceipt: an end in the year 9999 would swallow every firing of that alert for ever.
func TestATimeThatCannotBeIsTheReceipt(t *testing.T) {
	now := time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)
	near := now.Add(time.Hour) // a clock that is merely wrong keeps its own order
	alerts := []alert.Alert{{StartsAt: now.AddDate(5000, 0, 0)}, {EndsAt: now.AddDate(5000, 0, 0), StartsAt: now}, {}, {StartsAt: near, EndsAt: near}}
	settle(alerts, now)
	if alerts[0].StartsAt != now || alerts[1].EndsAt != now || alerts[2].StartsAt != now || !alerts[2].EndsAt.IsZero() || alerts[3].StartsAt != near || alerts[3].EndsAt != near {
		t.Errorf("%+v", alerts)
	}
}
