package schedule

import (
	"slices"
	"testing"
	"time"
)

// TestAReminderComesInTheDayAndNeverLaterThanAskedFor: whole days are the calendar's, so that a clock change moves nothing.
func TestAReminderComesInTheDayAndNeverLaterThanAskedFor(t *testing.T) {
	for _, c := range []struct {
		what, start, lead, zone, want string
	}{
		{"at the same time the day before", "2026-03-16T08:00:00Z", "24h", "Europe/Madrid", "2026-03-15T08:00:00Z"},
		{"over the night that is an hour shorter", "2026-03-29T07:00:00Z", "24h", "Europe/Madrid", "2026-03-28T08:00:00Z"},
		{"over the night that is an hour longer", "2026-10-25T08:00:00Z", "24h", "Europe/Madrid", "2026-10-24T07:00:00Z"},
		{"a shift that begins at night", "2026-03-16T02:00:00Z", "24h", "Europe/Madrid", "2026-03-14T17:00:00Z"},
		{"a shift that begins in the evening", "2026-03-16T20:00:00Z", "24h", "Europe/Madrid", "2026-03-15T17:00:00Z"},
		{"a few hours", "2026-03-16T08:00:00Z", "2h", "Europe/Madrid", "2026-03-15T17:00:00Z"},
		{"a day and some hours", "2026-03-16T15:00:00Z", "26h", "Europe/Madrid", "2026-03-15T13:00:00Z"},
		{"another zone than the rotation's", "2026-03-16T08:00:00Z", "24h", "America/New_York", "2026-03-14T22:00:00Z"},
	} {
		start, err := time.Parse(time.RFC3339, c.start)
		if err != nil {
			t.Fatal(err)
		}
		lead, err := time.ParseDuration(c.lead)
		if err != nil {
			t.Fatal(err)
		}
		if got := RemindAt(start, lead, zone(t, c.zone)).Format(time.RFC3339); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
}

func TestNobodyIsWokenToBeReminded(t *testing.T) {
	for at, want := range map[string]string{
		"2026-03-28T21:00:00Z": "2026-03-29T07:00:00Z", // 22:00, and the night is an hour shorter
		"2026-03-29T03:59:00Z": "2026-03-29T07:00:00Z", // 05:59
		"2026-03-29T04:00:00Z": "2026-03-29T04:00:00Z", // 06:00
		"2026-03-28T20:59:00Z": "2026-03-28T20:59:00Z",
	} {
		in, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := Awake(in, zone(t, "Europe/Madrid")).Format(time.RFC3339); got != want {
			t.Errorf("%s: %s, want %s", at, got, want)
		}
	}
}

// changes are who goes on and off call in March 2026, as "ana 02T08".
func changes(b *Book) (on, off []string) {
	from := time.Date(2026, 2, 25, 12, 0, 0, 0, time.UTC)
	ons, offs := Changes(b.Stints("platform", from, from.AddDate(0, 0, 24)))
	for _, s := range ons {
		on = append(on, s.Person+" "+s.Start.Format("02T15"))
	}
	for _, s := range offs {
		off = append(off, s.Person+" "+s.End.Format("02T15"))
	}
	return on, off
}

func TestWhoGoesOnAndOffCall(t *testing.T) {
	rotation := func(people ...string) Rotation {
		return Rotation{Name: "platform", Zone: time.UTC, People: people, Unit: Weekly, Every: 1, Start: Date{2026, 1, 5}, Handoff: Clock{9, 0}}
	}
	office := rotation("ana")
	office.Restrict = []Window{{From: Clock{9, 0}, To: Clock{17, 0}}}
	over := func(person string, fromDay, fromHour, toDay, toHour int) []Override {
		return []Override{{Rotation: "platform", Person: person, Start: time.Date(2026, 3, fromDay, fromHour, 0, 0, 0, time.UTC), End: time.Date(2026, 3, toDay, toHour, 0, 0, 0, time.UTC)}}
	}
	for _, c := range []struct {
		what      string
		rotation  Rotation
		overrides []Override
		on, off   []string
	}{
		{"turns", rotation("ana", "ben"), nil, []string{"ana 02T09", "ben 09T09", "ana 16T09"}, []string{"ben 02T09", "ana 09T09", "ben 16T09"}},
		{"one person", rotation("ana"), nil, nil, nil},
		{"one person in working hours", office, nil, nil, nil},
		{"relieved for an evening", rotation("ana", "ben"), over("carla", 3, 18, 3, 22),
			[]string{"ana 02T09", "carla 03T18", "ben 09T09", "ana 16T09"}, []string{"ben 02T09", "carla 03T22", "ana 09T09", "ben 16T09"}},
		{"ben begins a day early", rotation("ana", "ben"), over("ben", 8, 9, 9, 9), []string{"ana 02T09", "ben 08T09", "ana 16T09"},
			[]string{"ben 02T09", "ana 08T09", "ben 16T09"}},
		{"ana stays for another week", rotation("ana", "ben"), over("ana", 9, 9, 16, 9), []string{"ana 02T09"}, []string{"ben 02T09"}},
	} {
		on, off := changes(&Book{Rotations: map[string]Rotation{"platform": c.rotation}, Overrides: c.overrides})
		if !slices.Equal(on, c.on) || !slices.Equal(off, c.off) {
			t.Errorf("%s: on %q, want %q; off %q, want %q", c.what, on, c.on, off, c.off)
		}
	}
}
