package scenario

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"pagerd/config"
)

func run(t *testing.T, script string) error {
	t.Helper()
	return Run(t.Context(), Options{File: "day.scenario", Script: []byte(script), Config: company(t)})
}

func TestTheExampleForUsersPasses(t *testing.T) {
	script, err := os.ReadFile("../../deploy/example.scenario")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Parse("example.yaml", config.Example, func(string) (string, bool) { return "x", true })
	if err != nil {
		t.Fatal(err)
	}
	var story strings.Builder
	if err := Run(t.Context(), Options{File: "example.scenario", Script: script, Config: cfg, Out: &story, Verbose: true}); err != nil {
		t.Errorf("%v\n%s", err, story.String())
	}
}

func TestAFailureSaysWhatWasExpectedAndWhatHappened(t *testing.T) {
	err := run(t, `start 2026-03-10 14:00 Europe/Madrid
fire Errors {service=api, severity=SEV-3} summary "errors"
  expect sms ben "SEV3"`)
	want := `day.scenario:3:3: expect sms ben "SEV3", at Tue 2026-03-10 14:00:00 CET
  expected: sms to ben with "SEV3" since line 1
  happened: 14:00:00 sms to ana: SEV3 api: errors #1001. Reply 4 ack, 6 resolve, 8 escalate
            14:00:00 email to ana: [SEV-3] api: errors (#1001)
  before it:
    --- Tuesday 2026-03-10 CET
    14:00:00      fire Errors {service=api, severity=SEV-3} summary "errors"
    14:00:00      page/1001 triggered (firing): SEV-3 api: errors
    14:00:00      sms to ana: SEV3 api: errors #1001. Reply 4 ack, 6 resolve, 8 escalate
    14:00:00      email to ana: [SEV-3] api: errors (#1001)`
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
	var f *Failure
	if !errors.As(err, &f) || f.Line != 3 || f.Column != 3 || !strings.Contains(f.Want, "ben") {
		t.Errorf("%+v", f)
	}
}

func TestExpectationsFail(t *testing.T) {
	const begin = `start 2026-03-10 14:00 Europe/Madrid
fire Errors {service=api, severity=SEV-3} summary "errors"
`
	cases := map[string]struct{ script, want, got string }{
		"taken twice":       {"expect sms ana; expect sms ana", "sms to ana since line 1", "email to ana"},
		"too early":         {"expect sms ana at 14:01", "sms to ana at 14:01 since line 1", "14:00:00 sms to ana"},
		"not nothing":       {"expect sms ana; expect nothing", "nothing more since line 1", "14:00:00 email to ana"},
		"not silent":        {"expect no sms", "no sms since line 1", "14:00:00 sms to ana"},
		"looked at before":  {"expect page triggered; wait 1m; expect sms ana", "sms to ana since line 3", "nothing was sent"},
		"no reply yet":      {`expect reply "x"`, "an answer to a person", "no person has done anything yet"},
		"other reply":       {`ana replies 4; expect reply "nope"`, `an answer with ["nope"]`, "Acked"},
		"reply":             {`ana replies 4; expect no reply`, "no answer", "Acked"},
		"status":            {"expect page 1001 acknowledged", "page 1001 acknowledged", "it is triggered"},
		"acknowledger":      {"ana replies 4; expect page acknowledged by ben", "page 1001 acknowledged by ben", `it is by "ana"`},
		"round":             {"expect page 1001 round 2", "page 1001 in round 2", "it is round 1"},
		"step":              {"expect step 2", "page 1001 at step 2", "it is step 1"},
		"severity":          {"expect severity SEV-1", "page 1001 to be SEV-1", "it is SEV-3"},
		"firing":            {"expect page firing 2", "page 1001 with 2 firing alerts", "1 fire"},
		"no such page":      {"expect page 1002 triggered", "a page 1002", "there is none"},
		"open page":         {"expect no page", "no open page", "page 1001 is triggered"},
		"no incident":       {"expect incident", "an incident", "there is none"},
		"incident":          {"ana replies 4; expect no incident", "no incident", "incident 1001 is open"},
		"commander":         {"ana replies 4; expect incident commander ben", "incident 1001 under ben", `its commander is "ana"`},
		"on call":           {"expect oncall platform is ben", "ben on call for platform", "ana is"},
		"timeline":          {`expect timeline "moon"`, `an entry of page 1001 with ["moon"]`, "14:00:00 triggered (firing)"},
		"never called":      {"ben answers", "a telephone of ben that rings", "ben was never called"},
		"not answered":      {"ben presses 4", "a call that ben answered", "ben was never called"},
		"no mail":           {"ben follows link ack", "a mail with a link to ben", "none was sent to them"},
		"no message":        {"ben does not get the sms", "an sms to ben", "none was sent to them"},
		"time runs forward": {"at 2026-03-09 10:00", "a moment that is still to come", "it is Tue 2026-03-10 14:00:00 CET already"},
		"ended before":      {"resolve Errors; resolve Errors", "Errors to fire", "it does not fire"},
		"no such file":      {"alertmanager nowhere.json", "this to be done", "read the body: open nowhere.json"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var f *Failure
			err := run(t, begin+c.script)
			if !errors.As(err, &f) {
				t.Fatalf("no failure: %v", err)
			}
			if f.Want != c.want || !strings.Contains(f.Got, c.got) {
				t.Errorf("want %q, got %q", f.Want, f.Got)
			}
		})
	}
}

func TestTheSameScriptTellsTheSameStory(t *testing.T) {
	const script = `start 2026-03-10 14:00 Europe/Madrid
fire Errors {service=svc-*, severity=SEV-2} summary "errors in svc-*" times 25
wait 30m`
	cfg := company(t)
	tell := func() string {
		var story strings.Builder
		if err := Run(t.Context(), Options{File: "day", Script: []byte(script), Config: cfg, Out: &story, Verbose: true}); err != nil {
			t.Fatal(err)
		}
		return story.String()
	}
	first := tell()
	for range 2 {
		if again := tell(); again != first {
			a, b := strings.Split(first, "\n"), strings.Split(again, "\n")
			for i := range min(len(a), len(b)) {
				if a[i] != b[i] {
					t.Fatalf("line %d:\n%s\n%s", i+1, a[i], b[i])
				}
			}
			t.Fatalf("%d lines, then %d", len(a), len(b))
		}
	}
}

func TestOnlyWhatIsPrintedIsTold(t *testing.T) {
	var out strings.Builder
	o := Options{File: "day", Script: []byte("fire A {severity=SEV-3}\nprint\nwait 1h"), Config: company(t), Out: &out}
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.Contains(got, "sms to ") || strings.Contains(got, "09:05") {
		t.Errorf("printed:\n%s", got)
	}
}

func TestADayEndsWhenItIsCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Run(ctx, Options{File: "day", Script: []byte("wait 1d"), Config: company(t)}); err == nil {
		t.Error("no error")
	}
}

func TestAConfigurationWithoutProvidersRingsNobody(t *testing.T) {
	cfg := *company(t)
	cfg.Notify.Twilio, cfg.Notify.SMTP = nil, nil
	o := Options{File: "day", Script: []byte("fire A {severity=SEV-2}\nwait 5m\nexpect nothing\nexpect page triggered"), Config: &cfg}
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}
