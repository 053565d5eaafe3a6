package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pagerd/config"
	"pagerd/gateway/alert"
	"pagerd/gateway/api"
	"pagerd/gateway/engine"
	"pagerd/gateway/incident"
	"pagerd/gateway/metric"
	"pagerd/gateway/page"
	"pagerd/gateway/report"
	"pagerd/gateway/store"
	"pagerd/gateway/store/memstore"
	"pagerd/gateway/timeline"
	"pagerd/notify"
	"pagerd/routing"
	"pagerd/schedule"
)

// The tokens of the test's configuration, by role.
const (
	viewerToken    = "view-4bd1c0ffee"
	responderToken = "resp-4bd1c0ffee"
	adminToken     = "admin-4bd1c0ffee"
	anasNumber     = "+12025550167"
)

// start is a Wednesday.
var start = time.Date(2026, 3, 4, 3, 10, 0, 0, time.UTC)

// door is the operators' door of a gateway without listeners: the real engine over the memory store.
type door struct {
	t       *testing.T
	handler http.Handler
	store   *memstore.Store
	config  *config.Config
	now     time.Time
	reload  func() error
}

func newDoor(t *testing.T) *door {
	t.Helper()
	d := &door{t: t, store: memstore.New(), now: start, config: testConfig()}
	set := metric.New()
	current := func() *config.Config { return d.config }
	e, err := engine.New(context.Background(), engine.Options{Store: d.store, Config: current, Metrics: set,
		Senders: map[notify.Channel]engine.Sender{notify.SMS: accepting{}}})
	if err != nil {
		t.Fatal(err)
	}
	d.handler = api.New(api.Options{Engine: e, Store: d.store, Config: current, Metrics: set, Version: "1.2.3",
		Now: func() time.Time { return d.now }, Reload: func() error {
			if d.reload != nil {
				return d.reload()
			}
			return nil
		}})
	return d
}

func testConfig() *config.Config {
	people := map[string]schedule.Person{}
	for name, number := range map[string]string{"ana": anasNumber, "ben": "+12025550168"} {
		people[name] = schedule.Person{Name: name, FullName: strings.ToUpper(name), Zone: time.UTC,
			Contacts: []notify.Contact{{ID: name + "/sms", Person: name, Channel: notify.SMS, Address: number}}}
	}
	return &config.Config{
		Reports: config.Reports{TimeOff: report.DefaultTimeOff()},
		File:    "pagerd.yaml", Hash: "5eed00112233445566778899", Routing: &routing.Tree{},
		Book: &schedule.Book{People: people, Rotations: map[string]schedule.Rotation{
			"platform": {Name: "platform", Zone: time.UTC, People: []string{"ana", "ben"}, Unit: schedule.Weekly, Every: 1,
				Start: schedule.Date{Year: 2026, Month: 3, Day: 2}, Handoff: schedule.Clock{Hour: 9}, Manager: "ben"},
		}},
		Tokens: []config.Token{
			{Name: "wall", Secret: viewerToken, Role: "viewer"},
			{Name: "ana", Secret: responderToken, Role: "responder", Person: "ana"},
			{Name: "ops", Secret: adminToken, Role: "admin"},
		},
	}
}

// page stores an open page that rang nobody yet, and returns its number.
func (d *door) page(change func(*page.Page)) int64 {
	d.t.Helper()
	ctx := context.Background()
	n, err := d.store.NextNumber(ctx)
	if err != nil {
		d.t.Fatal(err)
	}
	at := d.now.Add(-4 * time.Minute)
	p := page.Page{Format: page.Format, Number: n, Version: 1, Entries: 1, Group: "prod-am/" + time.Unix(n, 0).UTC().Format(time.RFC3339), Source: "prod-am",
		Status: page.Triggered, Round: 1, Severity: alert.SEV2, Service: "api-gateway", Summary: "5xx rate 15%", Environment: "prod",
		Runbook: "https://runbooks.example.com/api-gateway", Firing: 3, Total: 3, TriggeredAt: at, RoundAt: at, HeardAt: at, Due: at.Add(5 * time.Minute),
		StepDue: at.Add(5 * time.Minute), Targets: page.Targets{Mitigate: 4 * time.Hour, Promote: true}}
	if change != nil {
		change(&p)
	}
	entry := timeline.Seal(timeline.Entry{Object: "page/" + jsonNumber(n), Seq: 1, At: at, Actor: "source prod-am", What: "triggered"}, "")
	p.Head = entry.Hash
	if err := d.store.Commit(ctx, store.Change{Now: d.now, Page: &p, Entries: []timeline.Entry{entry}}); err != nil {
		d.t.Fatal(err)
	}
	return n
}

// candidate stores an incident that only a person may dismiss.
func (d *door) candidate(n int64) {
	d.t.Helper()
	in := incident.Incident{Format: incident.Format, Number: n, Version: 1, Status: incident.Candidate, Severity: alert.SEV1, Service: "s3",
		Summary: "objects missing", Pages: []int64{n}, DetectedAt: d.now}
	if err := d.store.Commit(context.Background(), store.Change{Now: d.now, Incident: &in}); err != nil {
		d.t.Fatal(err)
	}
}

// answer is what the door said.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		t.Fatalf("answer %d is no JSON: %v\n%s", a.status, err, a.body)
	}
}

// request sends one request; edit may add headers.
func (d *door) request(method, path, token, body string, edit ...func(*http.Request)) answer {
	d.t.Helper()
	r := httptest.NewRequest(method, path, bytes.NewBufferString(body))
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, e := range edit {
		e(r)
	}
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	raw, err := io.ReadAll(w.Result().Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return answer{status: w.Code, header: w.Result().Header, body: string(raw)}
}

// act does an act on one page and returns its one answer.
func (d *door) act(path, token, body string, edit ...func(*http.Request)) api.Answer {
	d.t.Helper()
	a := d.request("POST", path, token, body, edit...)
	var out api.Outcome
	if a.into(d.t, &out); a.status != http.StatusOK || len(out.Answers) != 1 {
		d.t.Fatalf("POST %s: %d %s", path, a.status, a.body)
	}
	return out.Answers[0]
}

func jsonNumber(n int64) string {
	b, _ := json.Marshal(n)
	return string(b)
}

// accepting is a provider that takes everything.
type accepting struct{}

func (accepting) Send(context.Context, notify.Notification) notify.Outcome {
	return notify.Outcome{Certainty: notify.Sent, ProviderID: "SM1"}
}
