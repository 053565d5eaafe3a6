package message

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"pagerd/notify"
)

func TestAReminderOfAShiftIsOneSMSInThePersonsOwnTime(t *testing.T) {
	madrid, err := time.LoadLocation("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 3, 23, 8, 0, 0, 0, time.UTC)
	for rotation, want := range map[string]string{
		"db":        "On call db: Mon 23 Mar 09:00 to Mon 30 Mar 09:00. Recent incidents read, test alert answered, VPN and access confirmed, runbooks read? pagerd guide before-shift",
		"platform":  "On call platform: Mon 23 Mar 09:00 to Mon 30 Mar 09:00. Incidents read, test alert answered, VPN and access, runbooks? pagerd guide before-shift",
		"платформа": "On call платформа Mon 23 Mar 09:00. pagerd guide before-shift",
	} {
		got := ShiftAhead(rotation, from, from.Add(7*24*time.Hour-time.Hour), madrid) // the clocks go forward meanwhile
		if got != want || !one(got) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestWhoGoesOffIsToldWhatIsOpenByNumber(t *testing.T) {
	for _, c := range []struct {
		left Left
		want string
	}{
		{Left{}, "Off call platform. Nothing is open and you owe nothing: thank you. pagerd guide after-shift"},
		{Left{Pages: []int64{1043}}, "Off call platform. Hand over: page 1043. pagerd guide after-shift"},
		{Left{Actions: []int64{1050, 1051}, Updates: []int64{1042}}, "Off call platform. Nothing to hand over. You owe: actions 1050 1051, update 1042. pagerd guide after-shift"},
		{Left{Incidents: []int64{1042}, Pages: []int64{1043, 1044, 1045, 1046, 1047, 1048, 1049, 1053, 1054, 1055}, Postmortems: []int64{1039}, Actions: []int64{1050, 1051, 1052}},
			"Off call platform. Hand over: incident 1042, pages 1043 1044 1045 1046 +6. You owe: postmortem 1039, actions 1050 1051 1052. pagerd guide after-shift"},
	} {
		if got := ShiftOver("platform", c.left); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestWhatIsLeftFitsIntoOneSMSHoweverMuchItIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		numbers := func(name string) []int64 {
			return rapid.SliceOfN(rapid.Int64Range(1001, 99_999_999), 0, 500).Draw(t, name)
		}
		rotation := rapid.StringMatching(`[a-z0-9._-]{1,40}`).Draw(t, "rotation")
		text := ShiftOver(rotation, Left{numbers("incidents"), numbers("pages"), numbers("postmortems"), numbers("actions"), numbers("updates")})
		if !one(text) || !strings.HasSuffix(text, "pagerd guide after-shift") {
			t.Errorf("%q", text)
		}
	})
}

// TestAMailSaysItsSentenceOnceInBothParts, without the heading of the plain text in it.
func TestAMailSaysItsSentenceOnceInBothParts(t *testing.T) {
	for _, kind := range []notify.Kind{notify.KindOwed, notify.KindRemind, notify.KindAlarm} {
		n := Render(notify.Notification{Kind: kind, Contact: notify.Contact{Channel: notify.Email}, Text: "Off call platform."})
		for part, text := range map[string]string{"text": n.Text, "HTML": HTML(n)} {
			if strings.Count(text, heading(n)) != 1 || strings.Count(text, "Off call platform.") != 1 {
				t.Errorf("%s, %s: %s", kind, part, text)
			}
		}
	}
}
