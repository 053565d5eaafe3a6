package main

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pagerd/config"
	"pagerd/gateway/alert"
	"pagerd/gateway/api"
	"pagerd/gateway/engine"
	"pagerd/gateway/metric"
	"pagerd/gateway/store/memstore"
)

// gatewayThatDecides serves the real API over the memory store, with a whole configuration and two pages, 1001 and 1002.
func gatewayThatDecides(t *testing.T) string {
	t.Helper()
	cfg, err := config.Parse("pagerd.yaml", []byte(`
sources: [{name: prod, token: x}]
people: [{name: ana, sms: "+34600000001"}, {name: ben, sms: "+34600000002"}]
schedules: [{name: platform, people: [ana, ben]}]
routes: {schedule: platform, severity: SEV-2, group_by: [alertname]}
tokens: [{name: ana, token: ana-token, role: responder, person: ana}]
`), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	s, set := memstore.New(), metric.New()
	current := func() *config.Config { return cfg }
	e, err := engine.New(context.Background(), engine.Options{Store: s, Config: current, Metrics: set})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Down", "Slow"} {
		b := alert.Batch{Source: "prod", Alerts: []alert.Alert{{Source: "prod", Fingerprint: name, Status: alert.Firing, StartsAt: time.Now().UTC(),
			Labels: map[string]string{"alertname": name, "service": "checkout"}}}}
		if err := e.Accept(context.Background(), b, time.Now().UTC()); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(api.New(api.Options{Engine: e, Store: s, Config: current, Metrics: set, Now: time.Now, Version: "1.2.3"}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestAnIncidentIsDeclaredLedAndClosedFromTheCommandLine(t *testing.T) {
	url := gatewayThatDecides(t)
	highlights := filepath.Join(t.TempDir(), "chat.txt")
	if err := os.WriteFile(highlights, []byte("# from the chat\n2026-03-28T03:05:00Z ben: the pool is full\n\n2026-03-28T03:06:00Z rollback begins\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, out, err string }{
		{"incident severities", "SEV-1  Most users cannot use the product", ""},
		{"incident declare --service checkout --severity SEV-3 --security somebody broke in", "", "security is SEV-1, not SEV-3"},
		{"incident declare --service checkout it is slow", "", "the severity is missing"},
		{"incident declare --service checkout --security somebody broke in", "incident 1003 declared", ""},
		{"incident show 1003", "somebody broke in", ""},
		{"incident severity 1003 sev1", "incident 1003 severity confirmed", ""},
		{"incident severity 1003 sev9", "", "want one of SEV-1"},
		{"incident assign 1003 scribe me", "incident 1003 assigned", ""},
		{"incident checklist 1003", "[x] commander        Commander identified; ana", ""},
		{"incident checklist 1003 runbook", "runbook ticked: 3 of 7 done; open: communications, ", ""},
		{"incident checklist 1003 runbook", "runbook already", ""},
		{"incident checklist 1003 runbook --off", "runbook unticked: 2 of 7 done", ""},
		{"incident checklist 1003 severity", "", "pagerd ticks severity itself"},
		{"incident checklist 1003 walk-the-dog", "", "one of: communications, stakeholders, runbook"},
		{"incident checklist 1003 --off", "", "--off needs an item"},
		{"incident checklist 9", "", "there is no incident 9"},
		{"incident show 1003", "2 of 7 done; open: communications", ""},
		{"incident update 1003", "nobody was told anything", ""},
		{"incident update 1003 --preview Some payments fail.", "[SEV-1] checkout: investigating (incident 1003)", ""},
		{"incident update 1003", "nobody was told anything", ""},
		{"incident update 1003 --state resolved It is over.", "", "incident 1003 is open"},
		{"incident update 1003 --next 1s Some payments fail.", "", "the time of the next update cannot be read"},
		{"incident update 1003 --state identified --next 30m Some payments fail.", "Led by ana.\n\nSome payments fail.\n\nThe next word comes at ", ""},
		{"incident update 1003", "Some payments fail.", ""},
		{"incident checklist 1003", "[x] stakeholders", ""},
		{"incident assign 1003 scribe zoe", "", `there is no person "zoe"`},
		{"incident assign 1003 king me", "", "must be one of"},
		{"incident note 1003 rolling back", "incident 1003 noted", ""},
		{"incident describe 1003 --root-cause a-bad-key --customer-data --impact-at 2026-01-01T00:00:00Z", "incident 1003 described", ""},
		{"incident describe 1003", "", "nothing is said"},
		{"incident phase 1003 investigation", "incident 1003 phase changed", ""},
		{"incident import 1003 " + highlights, "incident 1003 noted", ""},
		{"incident call 1003 nowhere", "", `no schedule, team or person "nowhere"`},
		{"incident call 1003 person:ana", "incident 1003 called: ana", ""},
		{"page ack 1001", "incident 1001", ""},
		{"incident merge 1001 1003", "", "incident 1001 is older than 1003"},
		{"incident merge 1003 1001", "incident 1003 merged", ""},
		{"incident note 1003 too late", "incident 1003 noted", ""},
		{"incident mitigate 1003", "incident 1003 already resolved", ""},
		{"incident confirm 1001", "incident 1001 unchanged", ""},
		{"incident move 1001 1003", "", "page 1003 belongs to incident 1001 already"},
		{"incident move 1001 7", "", "page 7 does not belong to incident 1001"},
		{"incident resolve 1001", "incident 1001 resolved", ""},
		{"incident dismiss 1001 it was a test", "", "only notes, its description"},
	} {
		status, out, errs := pagerd(t, url, strings.Fields(c.args)...)
		if c.err == "" && (status != exitYes || !strings.Contains(out, c.out)) || c.err != "" && (status == exitYes || !strings.Contains(errs, c.err)) {
			t.Errorf("pagerd %s: status %d\n%s%s", c.args, status, out, errs)
		}
	}
	_, out, _ := pagerd(t, url, "incident", "show", "1003")
	for _, want := range []string{"merged into", "1001", "ben: the pool is full", "rollback begins", "a-bad-key", "impact since", "scribe", "customer data"} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %q:\n%s", want, out)
		}
	}
}

func TestALineThatIsNoHighlightImportsNothing(t *testing.T) {
	if _, err := readHighlights(strings.NewReader("2026-03-28T03:05:00Z ana: a\nyesterday ben: b\n")); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("%v", err)
	}
}
