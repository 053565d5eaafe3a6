package schedule

import (
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"pagerd/gateway/alert"
	"pagerd/notify"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// TestWallClockTimesThatAChangeSkipsOrRepeats: a skipped time is the first instant after the gap, a repeated one the first.
func TestWallClockTimesThatAChangeSkipsOrRepeats(t *testing.T) {
	for _, c := range []struct{ zone, day, clock, want string }{
		{"America/New_York", "2026-03-08", "02:15", "2026-03-08T07:00:00Z"}, // skipped
		{"America/New_York", "2026-03-08", "01:59", "2026-03-08T06:59:00Z"},
		{"America/New_York", "2026-03-08", "03:00", "2026-03-08T07:00:00Z"},
		{"America/New_York", "2026-11-01", "01:30", "2026-11-01T05:30:00Z"}, // twice: the first, still summer time
		{"Europe/Madrid", "2026-03-29", "02:30", "2026-03-29T01:00:00Z"},
		{"Europe/Madrid", "2026-10-25", "02:30", "2026-10-25T00:30:00Z"},
		{"America/Santiago", "2026-09-06", "00:15", "2026-09-06T04:00:00Z"},    // midnight is skipped
		{"America/Santiago", "2026-04-04", "23:30", "2026-04-05T02:30:00Z"},    // before midnight twice
		{"Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03T15:30:00Z"}, // half an hour
		{"Australia/Lord_Howe", "2026-04-05", "01:45", "2026-04-04T14:45:00Z"},
		{"Pacific/Apia", "2011-12-30", "12:00", "2011-12-30T10:00:00Z"}, // a day that did not exist
		{"Pacific/Apia", "2011-12-31", "00:00", "2011-12-30T10:00:00Z"},
		{"Africa/Casablanca", "2026-02-15", "02:30", "2026-02-15T01:30:00Z"},
		{"Asia/Kolkata", "2026-05-01", "09:00", "2026-05-01T03:30:00Z"},
		{"UTC", "2026-12-31", "24:00", "2027-01-01T00:00:00Z"},
	} {
		d, err := ParseDate(c.day)
		if err != nil {
			t.Fatal(err)
		}
		clock, err := ParseClock(c.clock)
		if err != nil {
			t.Fatal(err)
		}
		if got := Instant(d, clock, zone(t, c.zone)).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("%s %s in %s is %s, want %s", c.day, c.clock, c.zone, got, c.want)
		}
	}
}

func zones() []string {
	return []string{"UTC", "Europe/Madrid", "America/New_York", "America/Santiago", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "Asia/Kolkata"}
}

// TestInstantsFollowTheWallClock: a later wall-clock time is never an earlier instant, and an instant reads as its wall
// clock unless that was skipped.
func TestInstantsFollowTheWallClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		z, err := time.LoadLocation(rapid.SampledFrom(zones()).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		d := Date{2026, 1, 1}.Add(rapid.IntRange(-6000, 3000).Draw(t, "day"))
		m := rapid.IntRange(0, 24*60-2).Draw(t, "minute")
		a, b := Instant(d, Clock{m / 60, m % 60}, z), Instant(d, Clock{(m + 1) / 60, (m + 1) % 60}, z)
		back := a.In(z)
		if b.Before(a) && back.Format("15:04") == (Clock{m / 60, m % 60}).String() {
			// The only way back is the end of summer time between the two readings of a repeated hour, and the first is taken for both.
			t.Fatalf("%s %02d:%02d is after the minute that follows it", d, m/60, m%60)
		}
	})
}

func book(t testing.TB, r Rotation) *Book {
	t.Helper()
	b := &Book{People: map[string]Person{}, Rotations: map[string]Rotation{r.Name: r}, Teams: map[string][]string{"platform": {"ana", "ben"}}}
	for _, name := range []string{"ana", "ben", "carla", "dora"} {
		b.People[name] = Person{Name: name, Contacts: []notify.Contact{{ID: name + "/sms", Person: name, Channel: notify.SMS, Address: "+3460000000" + name[:1]},
			{ID: name + "/email", Person: name, Channel: notify.Email, Address: name + "@example.com"}}}
	}
	return b
}

func weekly(t testing.TB) Rotation {
	return Rotation{Name: "platform", Zone: zone(t, "Europe/Madrid"), People: []string{"ana", "ben", "carla"}, Unit: Weekly, Every: 1,
		Start: Date{2026, 1, 5}, Handoff: Clock{9, 0}, Manager: "dora"}
}

func at(t testing.TB, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestHandOffIsAtTheWallClockAcrossTheChangeOfClocks(t *testing.T) {
	b := book(t, weekly(t))
	for _, c := range []struct{ at, primary, secondary string }{
		{"2026-01-05T07:59:59Z", "carla", "ana"}, // before the first hand-off the order runs backwards
		{"2026-01-05T08:00:00Z", "ana", "ben"},
		{"2026-01-12T07:59:59Z", "ana", "ben"},
		{"2026-01-12T08:00:00Z", "ben", "carla"},
		{"2026-03-30T06:59:59Z", "carla", "ana"}, // summer time: 09:00 is 07:00 UTC
		{"2026-03-30T07:00:00Z", "ana", "ben"},
	} {
		if got := b.OnCall("platform", at(t, c.at)); got != c.primary {
			t.Errorf("%s: primary %s, want %s", c.at, got, c.primary)
		}
		if got := b.OnCall("platform/secondary", at(t, c.at)); got != c.secondary {
			t.Errorf("%s: secondary %s, want %s", c.at, got, c.secondary)
		}
	}
	if got := b.OnCall("platform/manager", at(t, "2026-01-05T00:00:00Z")); got != "dora" {
		t.Errorf("manager %s", got)
	}
}

func TestAnOverrideStandsInAndTheSecondaryIsSomebodyElse(t *testing.T) {
	b := book(t, weekly(t))
	b.Overrides = []Override{{Rotation: "platform", Person: "ben", Start: at(t, "2026-01-06T00:00:00Z"), End: at(t, "2026-01-07T00:00:00Z")}}
	now := at(t, "2026-01-06T12:00:00Z")
	if p, s := b.OnCall("platform", now), b.OnCall("platform/secondary", now); p != "ben" || s == "ben" || s == "" {
		t.Errorf("primary %s, secondary %s", p, s)
	}
	if p := b.OnCall("platform", at(t, "2026-01-07T00:00:00Z")); p != "ana" {
		t.Errorf("after the override it is %s", p)
	}
}

func TestOutsideItsHoursARotationIsAGap(t *testing.T) {
	r := weekly(t)
	r.Restrict = []Window{{Days: []time.Weekday{time.Saturday}, From: Clock{22, 0}, To: Clock{6, 0}}}
	b := book(t, r)
	for s, want := range map[string]string{"2026-01-10T20:59:59Z": "", "2026-01-10T21:00:00Z": "ana", "2026-01-11T04:59:59Z": "ana", "2026-01-11T05:00:00Z": ""} {
		if got := b.OnCall("platform", at(t, s)); got != want {
			t.Errorf("%s: %q, want %q", s, got, want)
		}
	}
	gaps := b.Gaps("platform", at(t, "2026-01-10T00:00:00Z"), at(t, "2026-01-12T00:00:00Z"))
	if len(gaps) != 2 || !gaps[0].End.Equal(at(t, "2026-01-10T21:00:00Z")) || !gaps[1].Start.Equal(at(t, "2026-01-11T05:00:00Z")) {
		t.Errorf("gaps %+v", gaps)
	}
}

func TestTargetsResolveToPeopleWithTheirLadders(t *testing.T) {
	b := book(t, weekly(t))
	b.Ladder = map[alert.Severity][]Default{alert.SEV2: {{notify.SMS, 0}, {notify.Email, time.Minute}}}
	p := Policy{Steps: []Step{{Targets: []Target{{Name: "platform/primary"}, {Name: "team:platform"}, {Name: "person:gone"}, {Name: "nowhere/primary"}}}},
		LastResort: []Target{{Name: "person:dora"}}}
	roster := b.Roster(p, alert.SEV2, at(t, "2026-01-06T12:00:00Z"))
	if r := roster["platform/primary"]; len(r) != 1 || r[0].Person != "ana" || len(r[0].Rungs) != 2 || r[0].Rungs[1].Delay != time.Minute {
		t.Errorf("primary %+v", r)
	}
	if len(roster["team:platform"]) != 2 || len(roster["person:gone"]) != 0 || len(roster["nowhere/primary"]) != 0 || len(roster["person:dora"]) != 1 {
		t.Errorf("roster %+v", roster)
	}
}

func TestWorkingHoursOpenOnTheNextWorkingMorning(t *testing.T) {
	b := book(t, weekly(t))
	p := Policy{OfficeHours: true, Steps: []Step{{Targets: []Target{{Name: "platform/primary"}}}}}
	for now, want := range map[string]string{"2026-01-09T16:00:00Z": "2026-01-12T08:00:00Z", "2026-01-12T07:59:00Z": "2026-01-12T08:00:00Z", "2026-01-12T09:00:00Z": "2026-01-12T09:00:00Z",
		"2026-03-28T12:00:00Z": "2026-03-30T07:00:00Z"} {
		if got := b.Opens(p, at(t, now)); !got.Equal(at(t, want)) {
			t.Errorf("from %s it opens at %s, want %s", now, got.UTC(), want)
		}
	}
	if got := b.Opens(Policy{}, at(t, "2026-01-10T03:00:00Z")); !got.Equal(at(t, "2026-01-10T03:00:00Z")) {
		t.Errorf("a policy that does not wait opens at %s", got)
	}
}

// TestShiftsTileTheTimeLine: whatever the rotation, its shifts follow one another without hole or overlap, and OnCall says
// the same as the shift that an instant lies in.
func TestShiftsTileTheTimeLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		z, err := time.LoadLocation(rapid.SampledFrom(zones()).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		r := Rotation{Name: "r", Zone: z, People: []string{"ana", "ben", "carla"}[:rapid.IntRange(1, 3).Draw(t, "people")],
			Unit: rapid.SampledFrom([]Unit{Hourly, Daily, Weekly}).Draw(t, "unit"), Every: rapid.IntRange(1, 5).Draw(t, "every"),
			Start: Date{2026, 1, 1}.Add(rapid.IntRange(0, 300).Draw(t, "start")), Handoff: Clock{rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute")}}
		if rapid.Bool().Draw(t, "restricted") {
			r.Restrict = []Window{{Days: []time.Weekday{time.Weekday(rapid.IntRange(0, 6).Draw(t, "weekday"))}, From: Clock{rapid.IntRange(0, 23).Draw(t, "from"), 0}, To: Clock{rapid.IntRange(0, 23).Draw(t, "to"), 0}}}
		}
		b := &Book{People: map[string]Person{}, Rotations: map[string]Rotation{"r": r}}
		from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 300*24).Draw(t, "from")) * time.Hour)
		b.Overrides = []Override{{Rotation: "r", Person: "dora", Start: from.Add(30 * time.Hour), End: from.Add(55 * time.Hour)}}
		to := from.Add(10 * 24 * time.Hour)
		shifts := b.Shifts("r", from, to)
		for i, s := range shifts {
			if !s.End.After(s.Start) || i > 0 && !s.Start.Equal(shifts[i-1].End) {
				t.Fatalf("shift %d is %+v after %+v", i, s, shifts[max(i-1, 0)])
			}
			for _, probe := range []time.Time{s.Start, s.Start.Add(s.End.Sub(s.Start) / 2), s.End.Add(-time.Second)} {
				if got := b.OnCall("r", probe); got != s.Person {
					t.Fatalf("at %s it is %q, the shift says %q", probe, got, s.Person)
				}
			}
		}
		if len(shifts) == 0 || !shifts[0].Start.Equal(from) || !shifts[len(shifts)-1].End.Equal(to) {
			t.Fatal("the shifts do not cover the range")
		}
	})
}

func BenchmarkOnCall(b *testing.B) {
	bk := book(b, weekly(b))
	now := time.Date(2036, 6, 1, 0, 0, 0, 0, time.UTC)
	for b.Loop() {
		bk.OnCall("platform/secondary", now)
	}
}
