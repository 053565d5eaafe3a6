package message

import (
	"fmt"
	"strings"
	"testing"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/notify"
)

// TestEverythingThatADrillSendsBeginsWithIt is one file to read as somebody who is woken for practice.
func TestEverythingThatADrillSendsBeginsWithIt(t *testing.T) {
	single := []notify.Subject{subject(1042, alert.SEV2, "api-gateway")}
	two := append(single[:1:1], subject(1043, alert.SEV3, "search"))
	var b strings.Builder
	for _, kind := range []notify.Kind{notify.KindPage, notify.KindInform, notify.KindJoined, notify.KindAsk, notify.KindOver, notify.KindResolved, notify.KindAlarm} {
		for _, ch := range []notify.Channel{notify.SMS, notify.Voice, notify.Email} {
			for _, subjects := range [][]notify.Subject{single, two} {
				n := notification(kind, ch, subjects...)
				n.Drill, n.Again = true, true
				n = Render(n)
				fmt.Fprintf(&b, "== %s %s, %d pages\n", kind, ch, len(subjects))
				if n.Title != "" {
					fmt.Fprintf(&b, "subject: %s\n", n.Title)
				}
				b.WriteString(n.Text + "\n")
				for _, text := range []string{n.Title, n.Text} {
					if text != "" && !strings.HasPrefix(strings.ToUpper(text), "DRILL") {
						t.Errorf("%s by %s begins with %.40q", kind, ch, text)
					}
				}
			}
		}
	}
	in := incident.Incident{Number: 1042, Severity: alert.SEV2, Service: strings.Repeat("漢", 40), Drill: true}
	for _, what := range []incident.ReminderKind{incident.RemindMissed, incident.RemindQuiet, incident.RemindRelief, incident.RemindCandidate, incident.RemindCommand, incident.RemindOver} {
		text := Reminder(in, incident.Reminder{What: what, By: strings.Repeat("漢", 30)})
		if !strings.HasPrefix(text, "DRILL SEV2 ") || !one(text) {
			t.Errorf("%s: %q", what, text)
		}
		fmt.Fprintf(&b, "== %s\n%s\n", what, text)
	}
	golden(t, "testdata/drill.golden", b.String())
}
