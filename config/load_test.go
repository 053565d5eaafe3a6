package config

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pagerd/gateway/alert"
)

var update = flag.Bool("update", false, "rewrite the expected messages")

// environment has every variable that the example names.
func environment(name string) (string, bool) {
	switch name {
	case "PAGERD_SOURCE_TOKEN", "TWILIO_AUTH_TOKEN", "SMTP_PASSWORD", "PAGERD_TOKEN":
		return "secret-of-" + name, true
	case "TWILIO_ACCOUNT_SID":
		return "AC00000000000000000000000000000001", true
	}
	return "", false
}

func TestExampleIsValidAndRoutesToItsSchedule(t *testing.T) {
	c, err := Parse("pagerd.yaml", Example, environment)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 1, 7, 12, 0, 0, 0, time.UTC)
	d := c.Routing.Decide(alert.Alert{Source: "prod", Fingerprint: "f", Status: alert.Firing, Labels: map[string]string{"alertname": "X", "severity": "critical"}}, now)
	if d.Subject.Severity != alert.SEV1 || d.Subject.Policy.Name != "platform/SEV-1" {
		t.Errorf("routed to %s by %s", d.Subject.Severity, d.Subject.Policy.Name)
	}
	if got := c.Book.OnCall("platform", now); got != "ana" {
		t.Errorf("on call is %q, want ana", got)
	}
	for _, f := range Findings(c, now) {
		if f.Severe {
			t.Errorf("the example has the finding %s: %s", f.Subject, f.Message)
		}
	}
	if lines := strings.Count(string(Example), "\n"); lines > 22 {
		t.Errorf("the smallest useful file has %d lines", lines)
	}
}

// TestEachMistakeIsToldWithItsPlace has one file per mistake and the exact message beside it.
func TestEachMistakeIsToldWithItsPlace(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no bad files", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Parse("pagerd.yaml", data, environment)
			var all Errors
			if !errors.As(err, &all) {
				t.Fatalf("got %v, want Errors", err)
			}
			got := all.Error() + "\n"
			golden := strings.TrimSuffix(file, ".yaml") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	c, err := Parse("pagerd.yaml", Example, environment)
	if err != nil {
		t.Fatal(err)
	}
	if s := c.Notify.Twilio.AuthToken.String(); s != "(secret)" {
		t.Errorf("the token prints as %q", s)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Example)
	f.Add([]byte("people: [a, {b: c}]\nroutes: {routes: [1]}"))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("schedules: [{people: [{}], restrict: [{days: 1}], start: x}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 10_000 {
			return
		}
		c, err := Parse("f", data, environment)
		if (c == nil) == (err == nil) {
			t.Fatal("neither a configuration nor an error")
		}
	})
}

func TestTheCommentedExampleIsValid(t *testing.T) {
	data, err := os.ReadFile("../deploy/pagerd.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Parse("pagerd.example.yaml", data, func(name string) (string, bool) { return "value-of-" + name, true })
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for _, want := range []struct {
		labels map[string]string
		policy string
	}{
		{map[string]string{"severity": "urgent"}, "platform/SEV-1"},
		{map[string]string{"env": "dev", "severity": "critical"}, "platform/SEV-4"},
		{map[string]string{"team": "payments"}, "payments/SEV-2"},
	} {
		if got := c.Routing.Decide(alert.Alert{Source: "prod", Labels: want.labels}, now).Subject.Policy.Name; got != want.policy {
			t.Errorf("%v goes to %s, want %s", want.labels, got, want.policy)
		}
	}
	if got := c.Book.OnCall("platform", time.Date(2026, 12, 25, 12, 0, 0, 0, time.UTC)); got != "carla" {
		t.Errorf("on Christmas day it is %s", got)
	}
	for _, f := range Findings(c, now) {
		if f.Severe {
			t.Errorf("the finding %s: %s", f.Subject, f.Message)
		}
	}
}

// TestWhoCannotReadIsFound: postmortems, action items and shifts are asked for and told by SMS or mail.
func TestWhoCannotReadIsFound(t *testing.T) {
	c, err := Parse("pagerd.yaml", []byte(strings.Replace(string(Example), `sms: "+34600000002", voice: "+34600000002", email: ben@example.com`, `voice: "+34600000002"`, 1)), environment)
	if err != nil {
		t.Fatal(err)
	}
	found := ""
	for _, f := range Findings(c, time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)) {
		found += f.Subject + " " + f.Message + "\n"
	}
	if !strings.Contains(found, "ben has voice only") || strings.Contains(found, "ana has voice only") {
		t.Error(found)
	}
}
