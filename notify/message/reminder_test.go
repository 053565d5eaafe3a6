package message

import (
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/notify"
)

// reminders are one of each kind.
func reminders(limit, lasted time.Duration, by string) []incident.Reminder {
	return []incident.Reminder{
		{What: incident.RemindMissed, Target: incident.TargetTriage, Limit: limit, For: lasted},
		{What: incident.RemindMissed, Target: incident.TargetMitigate, Limit: limit, For: lasted},
		{What: incident.RemindQuiet, For: lasted}, {What: incident.RemindRelief, For: lasted}, {What: incident.RemindCandidate, For: lasted},
		{What: incident.RemindCommand, By: by}, {What: incident.RemindOver},
	}
}

// TestWhatIncidentsAsk is testdata/reminders.txt; -update rewrites it.
func TestWhatIncidentsAsk(t *testing.T) {
	in := incident.Incident{Number: 1042, Severity: alert.SEV1, Service: "api-gateway", Summary: "5xx rate 15%", Status: incident.Open}
	var b strings.Builder
	for _, r := range reminders(time.Hour, 75*time.Minute, "ben") {
		n := notify.Notification{Kind: notify.KindRemind, Text: Reminder(in, r), Subjects: []notify.Subject{{Page: 1042, Severity: alert.SEV1, Service: "api-gateway"}}}
		n.Contact.Channel = notify.SMS
		b.WriteString(string(r.What) + " " + string(r.Target) + "\n  " + Render(n).Text + "\n")
		n.Contact.Channel = notify.Email
		mail := Render(n)
		b.WriteString("  mail: " + mail.Title + "\n  " + strings.ReplaceAll(strings.TrimSpace(mail.Text), "\n", "\n  ") + "\n")
	}
	const file = "testdata/reminders.txt"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != b.String() {
		t.Errorf("the texts changed (%v); look at them with -update and git diff. Now:\n%s", err, b.String())
	}
}

// TestAReminderIsOneSegmentAndSaysWhatToReply, whatever a service is called and however long it lasts.
func TestAReminderIsOneSegmentAndSaysWhatToReply(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := incident.Incident{Number: int64(rapid.IntRange(1001, 9_999_999).Draw(t, "number")), Severity: alert.Severity(rapid.IntRange(1, 4).Draw(t, "severity")),
			Service: rapid.String().Draw(t, "service")}
		d := time.Duration(rapid.IntRange(1, 10_000).Draw(t, "minutes")) * time.Minute
		for _, r := range reminders(d, 3*d, rapid.String().Draw(t, "by")) {
			n := notify.Notification{Kind: notify.KindRemind, Text: Reminder(in, r), Contact: notify.Contact{Channel: notify.SMS}, Subjects: []notify.Subject{{Page: in.Number}}}
			text := Render(n).Text
			if !one(text) {
				t.Fatalf("%q is not one segment", text)
			}
			if !strings.HasPrefix(text, in.Severity.Short()) || !strings.Contains(text, "Reply ") {
				t.Fatalf("%q", text)
			}
		}
	})
}
