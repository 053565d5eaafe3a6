package calendar

import (
	"encoding/json"
	"os"
	"reflect"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"pagerd/schedule"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func instant(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func workdays() []time.Weekday {
	return []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
}

func TestWhenItIsNextDue(t *testing.T) {
	nine, monday := schedule.Clock{Hour: 9}, []time.Weekday{time.Monday}
	for _, c := range []struct {
		what        string
		rule        Rule
		zone        string
		after, want string
	}{
		{"never", Rule{}, "UTC", "2026-03-01T00:00:00Z", "0001-01-01T00:00:00Z"},
		{"each day", Rule{Every: Day, At: nine}, "UTC", "2026-03-01T08:59:59Z", "2026-03-01T09:00:00Z"},
		{"at the instant itself: the next one", Rule{Every: Day, At: nine}, "UTC", "2026-03-01T09:00:00Z", "2026-03-02T09:00:00Z"},
		{"working days, from Friday", Rule{Every: Day, Days: workdays(), At: nine}, "UTC", "2026-03-06T09:00:00Z", "2026-03-09T09:00:00Z"},
		{"over the night that is an hour shorter", Rule{Every: Day, At: nine}, "Europe/Madrid", "2026-03-28T08:00:00Z", "2026-03-29T07:00:00Z"},
		{"a time that is skipped", Rule{Every: Day, At: schedule.Clock{Hour: 2, Minute: 30}}, "Europe/Madrid", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"},
		{"a time that occurs twice: once", Rule{Every: Day, At: schedule.Clock{Hour: 2, Minute: 30}}, "Europe/Madrid", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
		{"a midnight that is skipped", Rule{Every: Day}, "America/Santiago", "2026-09-05T12:00:00Z", "2026-09-06T04:00:00Z"},
		{"midnight at the day's end", Rule{Every: Week, Days: []time.Weekday{time.Sunday}, At: schedule.Clock{Hour: 24}}, "UTC", "2026-03-01T23:00:00Z", "2026-03-02T00:00:00Z"},
		{"each week", Rule{Every: Week, Days: monday, At: nine}, "UTC", "2026-03-02T09:00:00Z", "2026-03-09T09:00:00Z"},
		{"each week, the first of two days", Rule{Every: Week, Days: []time.Weekday{time.Friday, time.Tuesday}, At: nine}, "UTC", "2026-03-03T09:00:00Z", "2026-03-10T09:00:00Z"},
		{"each month", Rule{Every: Month, At: nine}, "UTC", "2026-01-31T10:00:00Z", "2026-02-01T09:00:00Z"},
		{"the first Monday", Rule{Every: Month, Days: monday, At: nine}, "UTC", "2026-03-02T09:00:00Z", "2026-04-06T09:00:00Z"},
		{"each quarter", Rule{Every: Quarter, At: nine}, "UTC", "2026-01-01T09:00:00Z", "2026-04-01T09:00:00Z"},
		{"the quarter's first working day", Rule{Every: Quarter, Days: workdays(), At: nine}, "UTC", "2026-07-01T09:00:00Z", "2026-10-01T09:00:00Z"},
		{"over the year's end", Rule{Every: Quarter, Days: monday, At: nine}, "UTC", "2026-12-01T09:00:00Z", "2027-01-04T09:00:00Z"},
	} {
		c.rule.Zone = zone(t, c.zone)
		if got := c.rule.Next(instant(t, c.after)).Format(time.RFC3339); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
}

// TestEachPeriodHasOneInstant whatever the clocks do: walked from one to the next, no period is skipped or told twice.
func TestEachPeriodHasOneInstant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		z, err := time.LoadLocation(rapid.SampledFrom([]string{"UTC", "Europe/Madrid", "America/Santiago", "Australia/Lord_Howe", "America/New_York"}).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		r := Rule{Every: rapid.SampledFrom([]Every{Week, Month, Quarter}).Draw(t, "every"), Zone: z,
			At: schedule.Clock{Hour: rapid.IntRange(0, 23).Draw(t, "hour"), Minute: rapid.IntRange(0, 59).Draw(t, "minute")}}
		if rapid.Bool().Draw(t, "on a day") {
			r.Days = []time.Weekday{time.Weekday(rapid.IntRange(0, 6).Draw(t, "day"))}
		}
		at := time.Unix(rapid.Int64Range(1_735_000_000, 1_830_000_000).Draw(t, "from"), 0).UTC()
		begun := schedule.Date{}
		for i := range 9 {
			if at = r.Next(at); i > 0 {
				want := map[Every]int{Week: 7, Month: 31, Quarter: 92}[r.Every]
				if next := r.begin(begun.Add(want)); r.begin(schedule.DateOf(at, z)) != next {
					t.Fatalf("%s: after the period of %s comes %s", r, begun, at)
				}
			}
			begun = r.begin(schedule.DateOf(at, z))
		}
	})
}

func TestADigestThatNobodyLookedAtIsToldOnce(t *testing.T) {
	r := Rule{Every: Day, At: schedule.Clock{Hour: 9}, Zone: time.UTC}
	start := instant(t, "2026-03-02T12:00:00Z")
	d, changed := Digest{}.Plan(r, start)
	if !changed || !d.Due.Equal(instant(t, "2026-03-03T09:00:00Z")) {
		t.Fatalf("%+v", d)
	}
	if _, told := d.Fire(r, d.Due.Add(-1)); told {
		t.Error("told before it is due")
	}
	late := instant(t, "2026-03-06T15:00:00Z") // down for three days, and planned again at the start
	d, changed = d.Plan(r, late)
	if changed {
		t.Errorf("a restart moved it: %+v", d)
	}
	d, told := d.Fire(r, late)
	if !told || !d.Due.Equal(instant(t, "2026-03-07T09:00:00Z")) || !d.Told.Equal(late) {
		t.Errorf("told %v: %+v", told, d)
	}
	if _, told := d.Fire(r, late); told {
		t.Error("told twice")
	}
}

func TestAChangedRuleHoldsFromThenOn(t *testing.T) {
	r := Rule{Every: Week, Days: []time.Weekday{time.Monday}, At: schedule.Clock{Hour: 9}, Zone: time.UTC}
	d, _ := Digest{}.Plan(r, instant(t, "2026-03-02T12:00:00Z"))
	r.At.Hour = 8
	if _, told := d.Fire(r, instant(t, "2026-03-09T09:00:00Z")); told {
		t.Error("told by a rule that is gone")
	}
	d, changed := d.Plan(r, instant(t, "2026-03-04T12:00:00Z"))
	if !changed || !d.Due.Equal(instant(t, "2026-03-09T08:00:00Z")) {
		t.Errorf("%+v", d)
	}
	if d, changed = d.Plan(Rule{}, instant(t, "2026-03-04T12:00:00Z")); !changed || !d.Due.IsZero() {
		t.Errorf("taken out of the configuration: %+v", d)
	}
}

// TestFormatOneIsReadForEver: what was stored by the first release.
func TestFormatOneIsReadForEver(t *testing.T) {
	at := instant(t, "2026-03-02T09:00:00Z")
	for file, want := range map[string]any{
		"testdata/digest-1.json": &Digest{Format: 1, Rule: "each week, the first Mon, 09:00 Europe/Madrid", Due: at.Add(168 * time.Hour), Told: at, Letter: 1055},
		"testdata/shifts-1.json": &ShiftBook{Format: 1, Due: at, Sends: 3,
			Told: []Told{{What: GoesOn, Rotation: "platform", Person: "ana", Turn: at, Until: at.Add(168 * time.Hour)}}},
	} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got := reflect.New(reflect.TypeOf(want).Elem()).Interface()
		if err := json.Unmarshal(b, got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v %v, want %+v", file, got, err, want)
		}
	}
}
