package scenario

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/notify"
)

func TestMistakesAreNamedWithPlaceAndWhatWasAllowed(t *testing.T) {
	cases := map[string]struct{ script, want string }{
		"unknown word": {"wake ana",
			`day.scenario:1:1: found "wake"; allowed: start, at, wait, fire, resolve, alertmanager, cloudwatch, fail, heal, expect, print, a person's name and one of replies, answers, presses, hangs, does, is, lets, follows, runs`},
		"no word":            {`"hello"`, `day.scenario:1:1: found "hello"; allowed: start, at, wait, fire, resolve, alertmanager, cloudwatch, fail, heal, expect, print, a person's name`},
		"start without date": {"start 09:00", `day.scenario:1:7: found "09:00"; allowed: a date such as 2026-03-28, then a time`},
		"start with no zone": {"start 2026-03-28 09:00 Mars/Base", `day.scenario:1:24: found "Mars/Base"; allowed: a time zone such as Europe/Madrid, the end of the statement`},
		"day that is none":   {"start 2026-02-30 09:00", `day.scenario:1:7: found "2026-02-30"; allowed: a time such as 03:00, a weekday such as Sat, a date such as 2026-03-28`},
		"hour that is none":  {"at Sat 25:00", `day.scenario:1:8: found "25:00"; allowed: a time such as 03:00 or 03:00:30`},
		"weekday alone":      {"at Sat", `day.scenario:1:7: found the end of the statement; allowed: a time such as 03:00 or 03:00:30`},
		"wait for what":      {"wait soon", `day.scenario:1:6: found "soon"; allowed: a duration such as 90s, 5m, 1h30m or 2d, at most 400d`},
		"units backwards":    {"wait 5m2h", `day.scenario:1:6: found "5m2h"; allowed: a duration such as 90s, 5m, 1h30m or 2d, at most 400d`},
		"wait too long":      {"wait 401d", `day.scenario:1:6: found "401d"; allowed: a duration such as 90s, 5m, 1h30m or 2d, at most 400d`},
		"fire what":          {"fire", `day.scenario:1:5: found the end of the statement; allowed: the alert's name, {labels}`},
		"fire without name":  {"fire {service=api}", `day.scenario:1:6: an alert without a name needs the label alertname`},
		"label without =":    {"fire A {service api}", `day.scenario:1:17: found "api"; allowed: =`},
		"label without end":  {"fire A {service=api; wait 5m", `day.scenario:1:20: found the end of the statement; allowed: a comma, }`},
		"label twice":        {"fire A {a=1, a=2}", `day.scenario:1:14: "a" is given twice`},
		"fire option":        {"fire A {a=1} quietly", `day.scenario:1:14: found "quietly"; allowed: summary, annotations, source, times, once`},
		"fire too often":     {"fire A times 5000", `day.scenario:1:14: found "5000"; allowed: a number from 1 to 1000`},
		"open quote":         {"fire A summary \"oh", `day.scenario:1:16: a text begins here and has no closing "`},
		"not text":           {"wait 5m\nfire A\xff", "day.scenario:2:7: the script is not UTF-8 text here"},
		"too much":           {"heal sms now", `day.scenario:1:10: found "now"; allowed: the end of the statement (a ; or a new line)`},
		"channel":            {"fail pigeon", `day.scenario:1:6: found "pigeon"; allowed: sms, call, email`},
		"fail reason":        {"fail sms with anger", `day.scenario:1:15: found "anger"; allowed: timeout, unreachable, provider_error, rate_limited, rejected, bad_number, bad_credentials`},
		"reply what":         {"ana replies", `day.scenario:1:12: found the end of the statement; allowed: what was written: 4, or "a text"`},
		"reply twice":        {`ana replies "4" "6"`, `day.scenario:1:17: found "6"; allowed: at once, the end of the statement`},
		"press what":         {"ana presses four", `day.scenario:1:13: found "four"; allowed: the digits to press`},
		"does what":          {"ana does not care", `day.scenario:1:14: found "care"; allowed: answer, get`},
		"run what":           {"ana runs away", `day.scenario:1:10: found "away"; allowed: ack, unack, resolve, escalate, noise, note, severity, mitigated, close, dismiss, confirm, phase, cause, call, merge, move, write, review, publish, waive, done, tell`},
		"run on what":        {"ana runs ack", `day.scenario:1:13: found the end of the statement; allowed: a page's number`},
		"severity":           {"ana runs severity 1001 SEV-9", `day.scenario:1:24: found "SEV-9"; allowed: SEV-1, SEV-2, SEV-3, SEV-4`},
		"expect what":        {"expect trouble", `day.scenario:1:8: found "trouble"; allowed: sms, call, email, reply, page, incident, oncall, timeline, postmortem, severity, step, nothing, no`},
		"expect no what":     {"expect no trouble", `day.scenario:1:11: found "trouble"; allowed: sms, call, email, reply, page, incident, postmortem`},
		"page fact":          {"expect page angry", `day.scenario:1:13: found "angry"; allowed: held, triggered, acknowledged, resolved, by, round, step, firing, severity`},
		"incident fact":      {"expect incident 1001 lost", `day.scenario:1:22: found "lost"; allowed: candidate, open, mitigated, resolved, dismissed, merged, commander, severity, phase`},
		"sms extra":          {`expect sms ana "x" now`, `day.scenario:1:20: found "now"; allowed: a person's name, a "text", at and a time, the end of the statement`},
		"oncall":             {"expect oncall platform ana", `day.scenario:1:24: found "ana"; allowed: is`},
		"all at once": {"wait soon\nheal it; heal sms\nfail me", `day.scenario:1:6: found "soon"; allowed: a duration such as 90s, 5m, 1h30m or 2d, at most 400d
day.scenario:2:6: found "it"; allowed: sms, call, email
day.scenario:3:6: found "me"; allowed: sms, call, email`},
		"runes are columns": {`fire Überlast summary "größer" gleich`, `day.scenario:1:32: found "gleich"; allowed: summary, annotations, source, times, once`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := parse("day.scenario", c.script)
			if err == nil {
				t.Fatal("no error")
			}
			if err.Error() != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", err, c.want)
			}
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Line < 1 || syntax.Column < 1 {
				t.Errorf("%T has no place", err)
			}
		})
	}
}

func TestNamesAreComparedWithTheConfiguration(t *testing.T) {
	cases := map[string]struct{ script, want string }{
		"person":        {"anna replies 4", `day.scenario:1:1: found "anna"; allowed: ana, ben, carla, dora, emil`},
		"receiver":      {"expect sms anna", `day.scenario:1:12: found "anna"; allowed: ana, ben, carla, dora, emil, operator1`},
		"source":        {"fire A source prd", `day.scenario:1:15: found "prd"; allowed: prod, aws`},
		"alert":         {"fire Disk; resolve Disc", `day.scenario:1:20: found "Disc"; allowed: Disk`},
		"nothing fired": {"resolve Disk", `day.scenario:1:9: found "Disk"; allowed: nothing: the script has none yet`},
		"rotation": {"expect oncall plattform is ana",
			`day.scenario:1:15: found "plattform"; allowed: desk, desk/primary, desk/secondary, desk/manager, nights, nights/primary, nights/secondary, nights/manager, platform, platform/primary, platform/secondary, platform/manager`},
		"late start": {"wait 1m\nstart 2026-03-28 00:00", `day.scenario:2:1: start must be the first statement`},
	}
	cfg := company(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := Run(t.Context(), Options{File: "day.scenario", Script: []byte(c.script), Config: cfg})
			if err == nil || err.Error() != c.want {
				t.Errorf("got:\n%v\nwant:\n%s", err, c.want)
			}
		})
	}
}

func TestStatementsAreUnderstood(t *testing.T) {
	script := `# a day
start 2026-03-28 00:00:30 Europe/Madrid; at Sat 03:00 fire Disk {service=db, "a b"="c \"d\""} summary "full" source prod times 3
wait 1d2h3m4s
fail sms for ana with timeout for 10m   # both fors
ana replies ack 1001 at once
expect no sms
expect page 1001 acknowledged by ben round 2 firing 0`
	all, err := parse("day", script)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 8 {
		t.Fatalf("%d statements, want 8: %+v", len(all), all)
	}
	f := all[2].do.(fireAlert)
	if f.labels["a b"] != `c "d"` || f.labels["service"] != "db" || f.annotations["summary"] != "full" || f.source.text != "prod" || f.times != 3 {
		t.Errorf("fire: %+v", f)
	}
	if got := all[3].do.(wait).lasts; got != 26*time.Hour+3*time.Minute+4*time.Second {
		t.Errorf("wait: %s", got)
	}
	b := all[4].do.(breakChannel)
	if b.person.text != "ana" || b.lasts != 10*time.Minute || b.reason != notify.ReasonTimeout || b.certainty != notify.MaybeSent {
		t.Errorf("fail: %+v", b)
	}
	if r := all[5].do.(replies); r.body != "ack 1001" || !r.atOnce {
		t.Errorf("reply: %+v", r)
	}
	e := all[7].do.(expectPage)
	if e.number != 1001 || e.by.text != "ben" || e.round != 2 || e.firing == nil || *e.firing != 0 || e.severity != alert.Severity(0) {
		t.Errorf("expect: %+v", e)
	}
	if all[4].source != "fail sms for ana with timeout for 10m" || all[4].at != (position{4, 1}) {
		t.Errorf("source %q at %v", all[4].source, all[4].at)
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.scenario")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Add("fire A {a=1, b=\"}\"; wait 5m")
	f.Add("\ufeffat at at\r\nana replies at once\x00\"")
	f.Fuzz(func(t *testing.T, script string) {
		all, err := parse("x", script)
		lines := strings.Count(script, "\n") + 1
		for _, s := range all {
			if s.do == nil || s.at.line < 1 || s.at.line > lines || s.at.column < 1 {
				t.Fatalf("statement without a place: %+v", s)
			}
		}
		var syntax *SyntaxError
		if err != nil && (!errors.As(err, &syntax) || syntax.Line > lines || syntax.Message == "") {
			t.Fatalf("mistake without a place: %v", err)
		}
	})
}
