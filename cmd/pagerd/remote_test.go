package main

import (
	"bytes"
	"context"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"pagerd/config"
	"pagerd/gateway/alert"
	"pagerd/gateway/api"
	"pagerd/gateway/engine"
	"pagerd/gateway/metric"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/store/memstore"
	"pagerd/notify"
	"pagerd/routing"
	"pagerd/schedule"
)

// gatewayWithPages serves the real API over the memory store with n ringing pages from 1001, and returns its address.
func gatewayWithPages(t *testing.T, n int) string {
	t.Helper()
	ctx, now := context.Background(), time.Now().UTC()
	cfg := &config.Config{File: "pagerd.yaml", Hash: "5eed00112233445566778899", Routing: &routing.Tree{}, Book: &schedule.Book{},
		Tokens: []config.Token{{Name: "ana", Secret: "ana-token", Role: "responder", Person: "ana"}}}
	s, set := memstore.New(), metric.New()
	current := func() *config.Config { return cfg }
	e, err := engine.New(ctx, engine.Options{Store: s, Config: current, Metrics: set,
		Senders: map[notify.Channel]engine.Sender{notify.SMS: accepting{}}})
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		number, err := s.NextNumber(ctx)
		if err != nil {
			t.Fatal(err)
		}
		p := page.Page{Format: page.Format, Number: number, Version: 1, Group: "g" + strconv.FormatInt(number, 10), Source: "prod-am", Status: page.Triggered,
			Round: 1, Severity: alert.SEV2, Service: "api-gateway", Summary: "5xx rate 15%\x1b[2J of all requests in every zone that we have, and more text than fits",
			Firing: 2, Total: 2, TriggeredAt: now.Add(-190 * time.Second), RoundAt: now, HeardAt: now, StepDue: now.Add(time.Hour), Due: now.Add(time.Hour),
			Targets: page.Targets{Mitigate: time.Hour, Promote: true}}
		d := store.Delivery{Lane: page.SendID(number, 1), State: store.Pending, VisibleAt: now, Send: page.Send{ID: page.SendID(number, 1), Page: number,
			Kind: notify.KindPage, Person: "ana", Contact: "ana/sms", Channel: notify.SMS, Severity: alert.SEV2, At: now}}
		if err := s.Commit(ctx, store.Change{Now: now, Page: &p, Deliveries: []store.Delivery{d}}); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(api.New(api.Options{Engine: e, Store: s, Config: current, Metrics: set, Now: time.Now, Version: "1.2.3"}))
	t.Cleanup(server.Close)
	return server.URL
}

// pagerd runs the command line in this process.
func pagerd(t *testing.T, url string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	t.Setenv("PAGERD_URL", url)
	t.Setenv("PAGERD_TOKEN", "ana-token")
	var out, errs bytes.Buffer
	status = run(args, &out, &errs)
	return status, out.String(), errs.String()
}

func TestPageListIsAlignedFitsATerminalAndCannotDriveIt(t *testing.T) {
	url := gatewayWithPages(t, 2)
	status, out, errs := pagerd(t, url, "page", "list")
	if status != exitYes || errs != "" {
		t.Fatalf("status %d, %s", status, errs)
	}
	want := "" +
		"PAGE  SEVERITY  STATUS   AGE  SERVICE      SUMMARY\n" +
		"1001  SEV-2     RINGING  3m   api-gateway  5xx rate 15%[2J of all requests in e…\n" +
		"1002  SEV-2     RINGING  3m   api-gateway  5xx rate 15%[2J of all requests in e…\n"
	if out != want {
		t.Errorf("printed\n%swant\n%s", out, want)
	}
	for line := range strings.Lines(out) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > width {
			t.Errorf("a line of %d columns: %s", n, line)
		}
	}
}

func TestAcknowledgingSeveralPagesSaysWhatItCameTo(t *testing.T) {
	url := gatewayWithPages(t, 2)
	status, out, errs := pagerd(t, url, "page", "ack", "1002", "1001")
	if status != exitYes || errs != "" || out != "1001 acknowledged; incident 1001\n1002 acknowledged; incident 1001\n" {
		t.Errorf("status %d\n%s%s", status, out, errs)
	}
	status, out, _ = pagerd(t, url, "page", "ack", "1001")
	if status != exitYes || !strings.HasPrefix(out, "1001 already acknowledged by ana, ") {
		t.Errorf("again: status %d, %s", status, out)
	}
	status, out, _ = pagerd(t, url, "incident", "mitigate", "1001")
	if status != exitYes || out != "incident 1001 mitigated\n" {
		t.Errorf("mitigate: status %d, %s", status, out)
	}
}

func TestPageShowTellsWhatHappened(t *testing.T) {
	url := gatewayWithPages(t, 1)
	pagerd(t, url, "page", "note", "1001", "restarting", "the", "task")
	pagerd(t, url, "page", "ack", "1001")
	status, out, errs := pagerd(t, url, "page", "show", "1001")
	if status != exitYes {
		t.Fatalf("status %d: %s", status, errs)
	}
	for _, want := range []string{"SEV-2 api-gateway #1001", "acknowledged  by ana, ", "(cli)", "restarting the task", "RUNG", "pending"} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, "\x1b") {
		t.Error("a control character of the alert reached the terminal")
	}
}

func TestJSONOutputIsWhatTheAPISent(t *testing.T) {
	url := gatewayWithPages(t, 1)
	status, out, _ := pagerd(t, url, "page", "list", "--json")
	if status != exitYes || !strings.Contains(out, `"number": 1001`) || !strings.Contains(out, `"severity": "SEV-2"`) {
		t.Errorf("status %d\n%s", status, out)
	}
}

func TestARefusalIsANoWithAHint(t *testing.T) {
	url := gatewayWithPages(t, 0)
	status, out, errs := pagerd(t, url, "page", "ack", "7")
	if status != exitNo || out != "" || !strings.Contains(errs, "there is no page 7") || !strings.Contains(errs, "hint: ") {
		t.Errorf("status %d\n%s%s", status, out, errs)
	}
	status, _, errs = pagerd(t, url, "reload")
	if status != exitNo || !strings.Contains(errs, "role responder; this needs admin") {
		t.Errorf("reload: status %d, %s", status, errs)
	}
	status, _, errs = pagerd(t, url, "page", "list", "--token", "wrong")
	if status != exitNo || !strings.Contains(errs, "token is not known") {
		t.Errorf("wrong token: status %d, %s", status, errs)
	}
}

func TestStatusIsYesWhileSomebodyCanBePaged(t *testing.T) {
	url := gatewayWithPages(t, 1)
	status, out, errs := pagerd(t, url, "status")
	if status != exitYes || !strings.Contains(out, "open pages      1 ringing, 0 acknowledged, 0 silenced") {
		t.Errorf("status %d\n%s%s", status, out, errs)
	}
}

// accepting is a provider that takes everything.
type accepting struct{}

func (accepting) Send(context.Context, notify.Notification) notify.Outcome {
	return notify.Outcome{Certainty: notify.Sent, ProviderID: "SM1"}
}
