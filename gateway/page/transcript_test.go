package page_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/page"
	"pagerd/notify"
	"pagerd/routing"
	"pagerd/schedule"
)

var update = flag.Bool("update", false, "rewrite the transcripts; read them as a diff")

// TestTranscripts plays testdata/*.txt: a line that begins with a time is an event, indented lines are what the machine
// answered. Transcripts are for reading; -update rewrites what the machine says now.
//
//	03:00 fire 2 SEV-2        two alerts begin to fire        03:00 over 1          one of them ends at the source
//	03:00 repeat              heard of again                  03:00 hidden 3        the sender left out three
//	03:05 until               everything due until 03:05      03:00 silence 2h / unsilence
//	03:05 late                the process was away until now  03:00 oncall primary ben
//	03:00 lead lea            SEV-1 has a team lead           03:00 team        SEV-1 tells the team: ana, ben, carla
//	03:00 ack ana [round 1]   unack, close, escalate, note, noise, severity SEV-1 ana, handover ana ben
//	03:00 failed ana/sms      a definite failure              03:00 nobody primary / somebody primary
//
// What is due before an event happens before it, but for "late".
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d transcripts, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(text))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(text) {
				t.Errorf("the machine says now:\n%s", got)
			}
		})
	}
}

// tale is a transcript under way.
type tale struct {
	t      *testing.T
	p      page.Page
	day    time.Time
	now    time.Time
	next   int64
	absent map[string]bool
	oncall map[string]string // role → person
	lead   string
	team   string
	b      strings.Builder
}

func play(t *testing.T, text string) string {
	t.Helper()
	w := &tale{t: t, day: time.Date(2026, 3, 27, 0, 0, 0, 0, time.UTC), next: 1001, absent: map[string]bool{},
		oncall: map[string]string{"platform/primary": "ana", "platform/secondary": "ben", "platform/manager": "boss"}}
	w.p = page.Page{Number: 1001}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, " ") {
			continue
		}
		if line == "" || strings.HasPrefix(line, "#") {
			w.b.WriteString(line + "\n")
			continue
		}
		w.line(line)
	}
	return w.b.String()
}

func (w *tale) line(line string) {
	w.t.Helper()
	f := strings.Fields(line)
	at, err := time.Parse("15:04:05", f[0])
	if err != nil {
		if at, err = time.Parse("15:04", f[0]); err != nil {
			w.t.Fatalf("time %q", f[0])
		}
	}
	now := w.day.Add(time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute + time.Duration(at.Second())*time.Second)
	if now.Before(w.now) { // past midnight
		w.day = w.day.AddDate(0, 0, 1)
		now = now.AddDate(0, 0, 1)
	}
	verb, args := f[1], f[2:]
	arg := func(i int) string {
		if i < len(args) {
			return args[i]
		}
		return ""
	}
	if verb == "until" {
		w.b.WriteString(line + "\n")
	}
	for verb != "late" && w.p.Open() && (w.p.Due.Before(now) || verb == "until" && w.p.Due.Equal(now)) {
		w.now = w.p.Due
		w.apply(page.Due{})
	}
	if verb != "until" {
		w.b.WriteString(line + "\n")
	}
	w.now = now
	switch verb {
	case "until":
	case "nobody", "somebody":
		w.absent["platform/"+arg(0)] = verb == "nobody"
	case "oncall":
		w.oncall["platform/"+arg(0)] = arg(1)
	case "lead":
		w.lead = arg(0)
	case "team":
		w.team = "web"
	case "late":
		w.apply(page.Due{})
	default:
		w.apply(w.event(verb, arg))
	}
}

// event is a switch over the language's verbs.
func (w *tale) event(verb string, arg func(int) string) page.Event {
	w.t.Helper()
	n, _ := strconv.Atoi(arg(0))
	by := page.Actor{Person: arg(0), Channel: "sms", Raw: "4"}
	if arg(1) == "round" {
		by.Round, _ = strconv.Atoi(arg(2))
	}
	switch verb {
	case "fire":
		sev, err := alert.ParseSeverity(arg(1))
		if err != nil {
			w.t.Fatal(err)
		}
		s := page.Signals{Opened: n, NewIDs: n, Firing: w.firing() + n, Worst: sev, Group: "g", Source: "prod", Subject: w.subject(sev)}
		if arg(2) == "silenced" {
			d, _ := time.ParseDuration(arg(3))
			s.Silence, s.Worst = &page.Silence{Name: "maintenance", Until: w.now.Add(d)}, 0
		}
		return s
	case "repeat":
		return page.Signals{Refreshed: max(w.p.Firing, 1), Firing: max(w.p.Firing, 1), Group: "g", Source: "prod", Subject: w.subject(w.p.Severity)}
	case "over":
		return page.Signals{Ended: n, Firing: w.firing() - n, Group: "g", Source: "prod", Hidden: w.p.HiddenTotal()}
	case "hidden":
		return page.Signals{Refreshed: 1, Firing: w.firing(), Hidden: n, Group: "g", Source: "prod", Subject: w.subject(w.p.Severity)}
	case "silence":
		d, _ := time.ParseDuration(arg(0))
		return page.Silenced{Silence: &page.Silence{Name: "maintenance", Until: w.now.Add(d)}}
	case "unsilence":
		return page.Silenced{}
	case "ack":
		return page.Acknowledge{By: by}
	case "unack":
		return page.Unacknowledge{By: by}
	case "close":
		return page.Resolve{By: by}
	case "escalate":
		return page.Escalate{By: by}
	case "note":
		return page.Note{By: by, Text: "looking"}
	case "noise":
		return page.Noise{By: by}
	case "severity":
		sev, _ := alert.ParseSeverity(arg(0))
		s := w.subject(sev)
		return page.SetSeverity{By: page.Actor{Person: arg(1), Channel: "cli"}, To: sev, Policy: s.Policy, Targets: s.Targets}
	case "handover":
		return page.HandOver{By: page.Actor{Person: "boss", Channel: "api"}, From: arg(0), To: schedule.Responder{Person: arg(1), Rungs: ladders(w.p.Severity)[arg(1)]}}
	case "failed":
		person, _, _ := strings.Cut(arg(0), "/")
		if by.Round == 0 {
			by.Round = w.p.Round
		}
		return page.DeliveryFailed{Person: person, Contact: arg(0), Round: by.Round, Reason: notify.ReasonUndelivered}
	}
	w.t.Fatalf("verb %q", verb)
	return nil
}

func (w *tale) firing() int {
	if !w.p.Open() {
		return 0
	}
	return w.p.Firing
}

// subject is what the practice's default policies make of a severity.
func (w *tale) subject(s alert.Severity) page.Subject {
	family := routing.DefaultFamily(schedule.Rotation{Name: "platform", People: []string{"ana", "ben"}, Manager: "boss"}, w.lead, w.team)
	targets := routing.DefaultTargets()[s]
	targets.Stale, targets.GroupInterval = 9*time.Hour, 5*time.Minute
	return page.Subject{Severity: s, Service: "checkout", Summary: "5xx rate 15%", Policy: family[s], Targets: targets}
}

// ladders are by SMS at once and by telephone after two minutes; SEV-4 is for reading.
func ladders(s alert.Severity) map[string][]schedule.Rung {
	two := func(p string) []schedule.Rung {
		return []schedule.Rung{{Contact: p + "/sms", Channel: notify.SMS}, {Contact: p + "/voice", Channel: notify.Voice, Delay: 2 * time.Minute}}
	}
	if s == alert.SEV4 {
		two = func(p string) []schedule.Rung {
			return []schedule.Rung{{Contact: p + "/email", Channel: notify.Email}}
		}
	}
	return map[string][]schedule.Rung{"ana": two("ana"), "ben": two("ben"), "boss": two("boss"), "lea": two("lea"), "carla": two("carla"), "mute": nil}
}

// facts are looked up for the severity that the page has or gets.
func (w *tale) facts(ev page.Event) page.Facts {
	sev := w.p.Severity
	switch ev := ev.(type) {
	case page.SetSeverity:
		sev = ev.To
	case page.Signals:
		if ev.Subject.Severity.Worse(sev) || !w.p.Open() {
			sev = ev.Subject.Severity
		}
	}

	f := page.Facts{Roster: map[string][]schedule.Responder{}}
	add := func(target, person string) {
		f.Roster[target] = append(f.Roster[target], schedule.Responder{Person: person, Rungs: ladders(sev)[person]})
	}
	for role, person := range w.oncall {
		if !w.absent[role] {
			add(role, person)
		}
	}
	add("person:lea", "lea")
	for _, person := range []string{"ana", "ben", "carla"} {
		add("team:web", person)
	}
	// Working hours are 09:00 to 17:00.
	nine := w.now.Truncate(24 * time.Hour).Add(9 * time.Hour)
	switch {
	case w.now.Before(nine):
		f.Opens = nine
	case !w.now.Before(nine.Add(8 * time.Hour)):
		f.Opens = nine.Add(24 * time.Hour)
	default:
		f.Opens = w.now
	}
	return f
}

func (w *tale) apply(ev page.Event) {
	w.t.Helper()
	next, fx := page.Next(w.p, ev, w.facts(ev), w.now)
	if fx.Fresh != "" {
		fmt.Fprintf(&w.b, "  a new page, because %s\n", fx.Fresh)
		w.next++
		next, fx = page.Next(page.Page{Number: w.next, Previous: w.p.Number}, ev, w.facts(ev), w.now)
	}
	w.p = next
	due := "never"
	if !next.Due.IsZero() {
		due = next.Due.Format("15:04:05")
	}
	fmt.Fprintf(&w.b, "  %s #%d %s %s round %d, due %s", w.now.Format("15:04:05"), next.Number, next.Severity, next.Status, next.Round, due)
	if !fx.Changed {
		w.b.WriteString(", unchanged")
	}
	w.b.WriteByte('\n')
	if fx.Entry.What != "" {
		fmt.Fprintf(&w.b, "    %s (%s): %s\n", fx.Entry.What, fx.Entry.Reason, fx.Entry.Text)
	}
	for _, s := range fx.Sends {
		fmt.Fprintf(&w.b, "    %s to %s\n", s.Kind, s.Contact)
	}
	for _, a := range fx.Alarms {
		fmt.Fprintf(&w.b, "    alarm %s: %s\n", a.Reason, a.Text)
	}
	if fx.Incident != "" {
		fmt.Fprintf(&w.b, "    incident: %s\n", fx.Incident)
	}
	if fx.Answer.Code != "" {
		fmt.Fprintf(&w.b, "    answer: %s by %q next %q\n", fx.Answer.Code, fx.Answer.By, fx.Answer.Next)
	}
}

// TestEveryStoredFormatLoads: a page that an older version stored loads equal, field for field.
func TestEveryStoredFormatLoads(t *testing.T) {
	at := func(m int) time.Time { return time.Date(2026, 3, 28, 3, m, 0, 0, time.UTC) }
	want := page.Page{Format: 1, Number: 1042, Version: 7, Head: "abc", Entries: 3, Group: "prod/0/a", Source: "prod", Previous: 1040, Status: page.Acknowledged, Round: 2,
		Severity: alert.SEV2, Service: "checkout", Summary: "5xx", Environment: "prod", Runbook: "https://r.example.com", Why: "default: severity_label",
		Policy: schedule.Policy{Name: "platform/SEV-2", Steps: []schedule.Step{{Targets: []schedule.Target{{Name: "platform/primary", Mode: schedule.Answer}}, Timeout: 5 * time.Minute}},
			Repeat: 2, LastResort: []schedule.Target{{Name: "platform/manager", Mode: schedule.Answer}}, Again: 15 * time.Minute},
		Targets: page.Targets{Detect: time.Minute, Triage: 2 * time.Minute, Mitigate: time.Hour, AckTTL: 30 * time.Minute, Stale: 9 * time.Hour, GroupInterval: 5 * time.Minute, Promote: true},
		Firing:  2, Total: 3, Hidden: map[string]int{"s": 4}, HeardAt: at(1), TriggeredAt: at(0), RoundAt: at(2), AckedAt: at(3), Acker: "ana", AckChannel: "sms", Incident: 1042,
		Step: 1, Pass: 1, Rang: true, Ladders: []page.Ladder{{Person: "boss", Mode: schedule.Inform, Target: "platform/manager", Rungs: ladders(alert.SEV2)["boss"], Started: at(2), Rung: 1,
			Due: at(4), Inform: true, Failed: []string{"boss/voice"}}}, Told: []page.Told{{Person: "ana", Contacts: []string{"ana/sms"}, Text: ladders(alert.SEV2)["ana"][0], Resolved: 1}},
		ExpiryDue: at(33), StaleDue: at(40), JoinedAt: at(5), Reopened: []time.Time{at(2)}, Noise: []string{"ana"}, Sends: 5, Due: at(4)}
	const file = "testdata/format-1.json"
	if *update {
		b, err := json.MarshalIndent(want, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got page.Page
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}
