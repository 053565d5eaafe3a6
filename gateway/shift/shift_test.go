package shift

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
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

// team is a weekly rotation of three in Madrid, handed off on Mondays at 09:00.
func team(t testing.TB, overrides ...schedule.Override) *schedule.Book {
	madrid := zone(t, "Europe/Madrid")
	people := map[string]schedule.Person{}
	for _, name := range []string{"ana", "ben", "carla", "dora"} {
		people[name] = schedule.Person{Name: name, Zone: madrid}
	}
	return &schedule.Book{People: people, Overrides: overrides, Rotations: map[string]schedule.Rotation{"platform": {Name: "platform", Zone: madrid,
		People: []string{"ana", "ben", "carla"}, Unit: schedule.Weekly, Every: 1, Start: schedule.Date{Year: 2026, Month: 3, Day: 2},
		Handoff: schedule.Clock{Hour: 9}, Remind: 24 * time.Hour}}}
}

// diary plays looks at their due instants and writes down who is told what, when, in UTC.
type diary struct {
	t     *testing.T
	log   Log
	lines []string
}

func (d *diary) look(b *schedule.Book, now time.Time) {
	d.t.Helper()
	stored, err := json.Marshal(d.log) // each look is that of another process
	if err != nil {
		d.t.Fatal(err)
	}
	var log Log
	if err := json.Unmarshal(stored, &log); err != nil {
		d.t.Fatal(err)
	}
	next, remind, _ := log.Look(b, now)
	for _, r := range remind {
		d.lines = append(d.lines, fmt.Sprintf("%s %s %s", now.Format("02T15:04"), r.Person, r.What))
	}
	d.log = next
}

// until looks at each due instant until t, and at t.
func (d *diary) until(b *schedule.Book, t time.Time) {
	d.t.Helper()
	for d.log.Due.Before(t) {
		d.look(b, d.log.Due)
	}
	d.look(b, t)
}

func (d *diary) want(lines ...string) {
	d.t.Helper()
	if !slices.Equal(d.lines, lines) {
		d.t.Errorf("told\n%q, want\n%q", d.lines, lines)
	}
	d.lines = nil
}

func begun(t *testing.T, b *schedule.Book, at string) *diary {
	d := &diary{t: t}
	d.look(b, instant(t, at))
	d.want() // the first look tells nothing that should have been told before
	return d
}

// TestOneMessageToWhoComesAndOneToWhoGoes, also over the night of 29 March, which is an hour shorter.
func TestOneMessageToWhoComesAndOneToWhoGoes(t *testing.T) {
	b := team(t)
	d := begun(t, b, "2026-03-20T12:00:00Z")
	d.until(b, instant(t, "2026-04-06T07:00:00Z"))
	d.want("22T08:00 ana on", "23T08:00 carla off", "29T07:00 ben on", "30T07:00 ana off", "05T07:00 carla on", "06T07:00 ben off")
}

func TestWhoIsRelievedForAnEveningIsToldOnce(t *testing.T) {
	b := team(t, schedule.Override{Rotation: "platform", Person: "dora", Start: instant(t, "2026-03-11T17:00:00Z"), End: instant(t, "2026-03-11T21:30:00Z")})
	d := begun(t, b, "2026-03-06T12:00:00Z")
	d.until(b, instant(t, "2026-03-16T08:00:00Z"))
	d.want("08T08:00 ben on", "09T08:00 ana off", "10T17:00 dora on", "12T08:00 dora off", "15T08:00 carla on", "16T08:00 ben off")
}

// TestAnOverrideThatIsMadeLaterTellsWhomItConcerns and nobody twice.
func TestAnOverrideThatIsMadeLaterTellsWhomItConcerns(t *testing.T) {
	week := func(person string) schedule.Override {
		return schedule.Override{Rotation: "platform", Person: person, Start: instant(t, "2026-03-09T08:00:00Z"), End: instant(t, "2026-03-16T08:00:00Z")}
	}
	d := begun(t, team(t), "2026-03-06T12:00:00Z")
	d.until(team(t), instant(t, "2026-03-08T12:00:00Z"))
	d.want("08T08:00 ben on")
	d.look(team(t, week("dora")), instant(t, "2026-03-08T12:01:00Z"))
	d.want("08T12:01 dora on")
	d.look(team(t), instant(t, "2026-03-08T13:00:00Z")) // ben has it again
	d.until(team(t), instant(t, "2026-03-09T08:00:00Z"))
	d.want("09T08:00 ana off")
	d.until(team(t, week("dora")), instant(t, "2026-03-16T08:00:00Z")) // and dora from the beginning
	d.want("15T08:00 carla on", "16T08:00 dora off")
}

// TestShortNoticeAtNightWaitsForTheMorning, unless the shift begins before.
func TestShortNoticeAtNightWaitsForTheMorning(t *testing.T) {
	from := func(start string) *schedule.Book {
		return team(t, schedule.Override{Rotation: "platform", Person: "dora", Start: instant(t, start), End: instant(t, "2026-03-12T12:00:00Z")})
	}
	d := begun(t, team(t), "2026-03-09T12:00:00Z")
	d.look(from("2026-03-11T12:00:00Z"), instant(t, "2026-03-11T02:00:00Z"))
	d.want()
	d.until(from("2026-03-11T12:00:00Z"), instant(t, "2026-03-11T09:00:00Z"))
	d.want("11T08:00 dora on")
	d = begun(t, team(t), "2026-03-09T12:00:00Z")
	d.look(from("2026-03-11T05:00:00Z"), instant(t, "2026-03-11T02:00:00Z"))
	d.want("11T02:00 dora on")
}

func TestAfterAStandstill(t *testing.T) {
	b := team(t)
	for _, c := range []struct {
		back string
		want []string
	}{
		{"2026-03-08T20:00:00Z", []string{"08T20:00 ben on"}},
		{"2026-03-09T02:00:00Z", nil}, // in the night: in the morning, when the shift begins as well
		{"2026-03-09T13:00:00Z", []string{"09T13:00 ben on", "09T13:00 ana off"}},
		{"2026-03-11T13:00:00Z", []string{"11T13:00 ben on"}},   // what ana left behind is known by now
		{"2026-03-17T13:00:00Z", []string{"17T13:00 carla on"}}, // ben's turn is over
	} {
		d := begun(t, b, "2026-03-06T12:00:00Z")
		d.look(b, instant(t, c.back))
		d.want(c.want...)
		d.look(b, instant(t, c.back).Add(time.Second))
		d.want()
	}
}

func TestNobodyIsToldWhereNothingChanges(t *testing.T) {
	for what, change := range map[string]func(*schedule.Rotation){
		"one person": func(r *schedule.Rotation) { r.People = []string{"ana"} },
		"one person in working hours": func(r *schedule.Rotation) {
			r.People = []string{"ana"}
			r.Restrict = []schedule.Window{{From: schedule.Clock{Hour: 9}, To: schedule.Clock{Hour: 17}}}
		},
		"remind: none": func(r *schedule.Rotation) { r.Remind = 0 },
	} {
		b := team(t)
		r := b.Rotations["platform"]
		change(&r)
		b.Rotations["platform"] = r
		d := begun(t, b, "2026-03-06T12:00:00Z")
		d.until(b, instant(t, "2026-04-06T12:00:00Z"))
		if len(d.lines) > 0 {
			t.Errorf("%s: %q", what, d.lines)
		}
	}
}

// TestAHandOffThatIsMovedIsTheSameShift to who has it.
func TestAHandOffThatIsMovedIsTheSameShift(t *testing.T) {
	d := begun(t, team(t), "2026-03-06T12:00:00Z")
	d.until(team(t), instant(t, "2026-03-10T12:00:00Z"))
	d.want("08T08:00 ben on", "09T08:00 ana off")
	later := team(t)
	r := later.Rotations["platform"]
	r.Handoff.Hour = 10
	later.Rotations["platform"] = r
	d.until(later, instant(t, "2026-03-16T12:00:00Z"))
	d.want("15T09:00 carla on", "16T09:00 ben off")
}

// TestWhatWasToldIsForgottenWhenItsTurnIsLongOver: the record of hourly shifts stays small.
func TestWhatWasToldIsForgottenWhenItsTurnIsLongOver(t *testing.T) {
	b := team(t)
	r := b.Rotations["platform"]
	r.Unit, r.Every = schedule.Hourly, 8
	b.Rotations["platform"] = r
	d := begun(t, b, "2026-03-06T12:00:00Z")
	d.until(b, instant(t, "2026-04-06T12:00:00Z"))
	if n := len(d.log.Told); n > 24 {
		t.Errorf("%d are kept", n)
	}
	if n := len(d.lines); n != 186 { // 93 shifts, each with two messages
		t.Errorf("%d messages", n)
	}
	seen := map[string]int{}
	for _, l := range d.lines {
		if seen[l]++; seen[l] > 2 { // moved to 18:00, at most two shifts of one person begin in a day
			t.Errorf("%s: %d times", l, seen[l])
		}
	}
}

// TestFormatOneIsReadForEver: what was stored by the first release.
func TestFormatOneIsReadForEver(t *testing.T) {
	at := instant(t, "2026-03-02T09:00:00Z")
	want := Log{Format: 1, Due: at, Told: []Told{{What: GoesOn, Rotation: "platform", Person: "ana", Turn: at, Until: at.Add(168 * time.Hour)}}}
	b, err := os.ReadFile("testdata/log-1.json")
	if err != nil {
		t.Fatal(err)
	}
	var got Log
	if err := json.Unmarshal(b, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v %v, want %+v", got, err, want)
	}
}

// TestWhoeverComesWasToldBeforeAndOnce, whatever is overridden: found out hour by hour, without turns or stints.
func TestWhoeverComesWasToldBeforeAndOnce(t *testing.T) {
	begin := instant(t, "2026-03-04T00:00:00Z")
	const weeks = 5
	rapid.Check(t, func(r *rapid.T) {
		b := team(t)
		rotation := b.Rotations["platform"]
		rotation.Zone, rotation.Remind = time.UTC, 24*time.Hour
		b.Rotations["platform"] = rotation
		for name, p := range b.People {
			p.Zone = time.UTC
			b.People[name] = p
		}
		for range rapid.IntRange(0, 6).Draw(r, "overrides") {
			start := begin.Add(time.Duration(rapid.IntRange(0, weeks*7*24).Draw(r, "start")) * time.Hour)
			b.Overrides = append(b.Overrides, schedule.Override{Rotation: "platform", Person: rapid.SampledFrom([]string{"ana", "ben", "carla", "dora"}).Draw(r, "person"),
				Start: start, End: start.Add(time.Duration(rapid.IntRange(1, 300).Draw(r, "hours")) * time.Hour)})
		}
		type told struct {
			person string
			what   What
			week   int // of the hour at which they came or went
		}
		week := func(at time.Time) int {
			return int(at.Sub(instant(t, "2026-03-02T09:00:00Z")) / (7 * 24 * time.Hour))
		}
		when := map[told]time.Time{}
		log := Log{}
		for now := begin; now.Before(begin.AddDate(0, 0, 7*weeks)); now = log.Due {
			next, remind, _ := log.Look(b, now)
			for _, m := range remind {
				key := told{m.Person, m.What, week(m.Start)}
				if m.What == GoesOff {
					key.week = week(m.End.Add(-1))
				}
				if !when[key].IsZero() {
					r.Fatalf("%+v is told at %s and again at %s", key, when[key], now)
				}
				when[key] = now
			}
			log = next
		}
		for at := begin.AddDate(0, 0, 4); at.Before(begin.AddDate(0, 0, 7*weeks)); at = at.Add(time.Hour) {
			before, after := b.OnCall("platform", at.Add(-time.Hour)), b.OnCall("platform", at)
			key := told{after, GoesOn, week(at)}
			if first := when[key]; before != after && first.After(at) {
				r.Fatalf("%s comes at %s and is told at %s", after, at, first)
			} else if before != after && first.IsZero() && !cameBefore(b, after, at, week) {
				r.Fatalf("%s comes at %s and is not told", after, at)
			}
		}
	})
}

// cameBefore reports whether somebody had been on call in this week before an hour: then they know of it.
func cameBefore(b *schedule.Book, person string, at time.Time, week func(time.Time) int) bool {
	for h := at.Add(-time.Hour); week(h) == week(at); h = h.Add(-time.Hour) {
		if b.OnCall("platform", h) == person {
			return true
		}
	}
	return false
}
