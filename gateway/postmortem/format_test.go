package postmortem

import (
	"encoding/json"
	"os"
	"reflect"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/schedule"
)

// TestFormatOneIsReadForEver: what the first release stored is read, and life goes on from it.
func TestFormatOneIsReadForEver(t *testing.T) {
	read := func(file string, into any) {
		t.Helper()
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, into); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	utc := func(m time.Month, d, h int) time.Time { return time.Date(2026, m, d, h, 0, 0, 0, time.UTC) }
	var p Postmortem
	read("testdata/postmortem-1.json", &p)
	want := Postmortem{Format: 1, Incident: 1042, State: InReview, Severity: alert.SEV1, Service: "checkout", Summary: "Payments fail",
		Cause: "the certificate had expired", Tags: []string{"tls"}, Required: true, Why: WhySeverity, Owner: "ana", OverAt: utc(3, 28, 4), Deadline: utc(3, 30, 4),
		Text: "## Summary\n\nThe certificate had expired.\n", Revision: 2, EditedBy: "ben", EditedAt: utc(3, 28, 10), MeetAt: utc(3, 31, 9),
		Attendees: []string{"ana", "ben"}, Overdue: 1, NagDue: utc(3, 31, 7), Sends: 3}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("%+v", p)
	}
	if next, fx := Next(p, Due{}, utc(3, 31, 7)); fx.Nag != NagManager || next.Overdue != 2 {
		t.Errorf("asked for again: %+v %+v", next, fx)
	}
	var a Action
	read("testdata/action-1.json", &a)
	wantAction := Action{Format: 1, Number: 1050, Incident: 1042, Service: "checkout", Cause: "the certificate had expired", State: ActionOpen,
		Item: Item{Title: "rotate it by itself", Owner: "ben", Due: schedule.Date{Year: 2026, Month: 4, Day: 30}, Priority: P1, Criterion: "it rotated once"},
		By:   "ana", At: utc(3, 31, 9), Nags: 1, NagDue: utc(5, 1, 9), Sends: 1}
	if !reflect.DeepEqual(a, wantAction) {
		t.Errorf("%+v", a)
	}
	// Revisions are counted since a later release: what is done now is the first that a tracker hears of it.
	if next, fx := NextAction(a, Done{By: "ben"}, utc(5, 2, 9)); fx.Answer != AnswerDone || next.Revision != 1 {
		t.Errorf("done: %+v %+v", next, fx)
	}
}
