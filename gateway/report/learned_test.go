package report

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/schedule"
)

func utc(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

func TestAQuarterIsThreeMonths(t *testing.T) {
	for day, want := range map[string][3]string{
		"2026-01-01": {"January to March 2026", "2025-12-31T23:00:00Z", "2026-03-31T22:00:00Z"},
		"2026-06-30": {"April to June 2026", "2026-03-31T22:00:00Z", "2026-06-30T22:00:00Z"},
		"2027-11-30": {"October to December 2027", "2027-09-30T22:00:00Z", "2027-12-31T23:00:00Z"},
	} {
		d, _ := schedule.ParseDate(day)
		madrid, err := time.LoadLocation("Europe/Madrid")
		if err != nil {
			t.Fatal(err)
		}
		p := PeriodOf(Quarterly, d, madrid)
		if p.Name != want[0] || !p.From.Equal(utc(want[1])) || !p.To.Equal(utc(want[2])) {
			t.Errorf("%s: %+v", day, p)
		}
		if b := p.After(madrid).Before(madrid); b != p {
			t.Errorf("%s: after and before: %+v", day, b)
		}
	}
}

// TestAPeriodIsToldOnTheDayAfterItsEnd: at the time of the zone's clock, also when that is skipped or comes twice.
func TestAPeriodIsToldOnTheDayAfterItsEnd(t *testing.T) {
	for _, c := range []struct{ kind, zone, clock, now, due, day string }{
		{"daily", "UTC", "09:00", "2026-03-28T08:59:59Z", "2026-03-28T09:00:00Z", "2026-03-27"},
		{"daily", "UTC", "09:00", "2026-03-28T09:00:00Z", "2026-03-29T09:00:00Z", "2026-03-28"},
		{"daily", "Europe/Madrid", "02:30", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z", "2026-03-28"}, // skipped: the first instant after the gap
		{"daily", "Europe/Madrid", "02:30", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z", "2026-10-24"}, // twice: the first
		{"daily", "Europe/Madrid", "02:30", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z", "2026-10-25"},
		{"weekly", "UTC", "09:00", "2026-03-28T03:00:00Z", "2026-03-30T09:00:00Z", "2026-03-23"},
		{"monthly", "America/New_York", "09:00", "2026-03-01T13:59:00Z", "2026-03-01T14:00:00Z", "2026-02-01"},
		{"monthly", "America/New_York", "09:00", "2026-03-01T14:00:00Z", "2026-04-01T13:00:00Z", "2026-03-01"},
		{"quarterly", "UTC", "09:00", "2026-03-28T03:00:00Z", "2026-04-01T09:00:00Z", "2026-01-01"},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		clock, _ := schedule.ParseClock(c.clock)
		due, p := Due(Kind(c.kind), utc(c.now), clock, zone)
		if !due.Equal(utc(c.due)) || p.Day != c.day || p.Kind != Kind(c.kind) {
			t.Errorf("%+v: %s, %s", c, due, p.Day)
		}
	}
}

func TestAReviewSaysWhatWasLearnedPractisedAndIsOwed(t *testing.T) {
	f := Facts{
		Actions: []ActionFact{
			{Number: 1, Owner: "ben", Priority: "P2", Title: "late", Due: "2026-03-30", State: actionOpen, Incident: 1001},
			{Number: 2, Owner: "ana", Priority: "P3", Title: "later", Due: "2026-02-01", State: actionOpen, Incident: 1001},
			{Number: 3, Owner: "ana", Priority: "P0", Title: "latest", Due: "2026-03-31", State: actionOpen, Incident: 1001},
			{Number: 4, Owner: "ana", Title: "today", Due: "2026-04-01", State: actionOpen},
			{Number: 5, Owner: "ana", Title: "in time", Due: "2026-03-10", State: actionDone, EndedAt: utc("2026-03-10T22:59:00Z")},
			{Number: 6, Owner: "ana", Title: "a day late", Due: "2026-03-10", State: actionDone, EndedAt: utc("2026-03-10T23:00:00Z")},
			{Number: 7, Owner: "ana", Title: "dropped", Due: "2026-03-11", State: actionDropped},
		},
		Postmortems: []PostmortemFact{
			{Incident: 1001, Severity: alert.SEV1, Service: "api", Cause: "the *pool* was too small", PublishedAt: utc("2026-03-31T21:59:00Z"),
				Lessons: []string{"Watch the pool.", "Practise the fail-over"}},
			{Incident: 1002, Severity: alert.SEV1, Service: "api", PublishedAt: utc("2026-03-31T22:00:00Z")}, // April in Madrid
			{Incident: 1003, Severity: alert.SEV2, Service: "web", Owner: "ben", Deadline: utc("2026-03-31T12:00:00Z"), Owed: true},
			{Incident: 1004, Severity: alert.SEV2, Service: "web", Owner: "ben", Deadline: utc("2026-04-03T12:00:00Z"), Owed: true},
		},
		Drills: []DrillFact{
			{Number: 1005, Severity: "SEV-2", Service: "web", BeganAt: utc("2026-03-05T10:00:00Z"), AckedBy: "ana", Seconds: 90, Passed: true, People: 1},
			{Number: 1006, Severity: "SEV-2", Service: "web", BeganAt: utc("2026-01-05T10:00:00Z"), People: 3, Unreached: []string{"ben"}},
		},
	}
	madrid, err := time.LoadLocation("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	march, _ := schedule.ParseDate("2026-03-15")
	now := utc("2026-04-01T07:00:00Z")
	for kind, want := range map[Kind]string{
		Daily: "",
		Monthly: `
## Published postmortems

- #1001 SEV-1 api: the \*pool\* was too small. Watch the pool. Practise the fail-over. pagerd postmortem show 1001

## Overdue postmortems

- #1003 SEV-2 web: due Tue 31 Mar 14:00, owner ben

## Overdue action items

- ana, P0: #3 latest, due 2026-03-31, of incident 1001
- ana, P3: #2 later, due 2026-02-01, of incident 1001
- ben, P2: #1 late, due 2026-03-30, of incident 1001

## Action items

- Fell due: 4. Done: 2, which is 50 %; in time: 1.

## Drills

- #1005 SEV-2 web: 1 person rung, ana acknowledged after 1 min. Passed.
`,
		Quarterly: `
## Drills

- #1006 SEV-2 web: 3 people rung, nobody acknowledged; not reached: ben. NOT PASSED.
- #1005 SEV-2 web: 1 person rung, ana acknowledged after 1 min. Passed.

## To be talked about

- Is every runbook right`,
	} {
		var md, html bytes.Buffer
		r := New(PeriodOf(kind, march, madrid), f, now, madrid)
		if err := Markdown(&md, r, madrid); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(md.String(), want) {
			t.Errorf("%s: %q is missing in\n%s", kind, want, md.String())
		}
		if kind == Daily && strings.Contains(md.String(), "verdue") {
			t.Errorf("a daily digest nags\n%s", md.String())
		}
		if err := HTML(&html, r, madrid, Links{}); err != nil {
			t.Fatal(err)
		}
		for _, s := range r.sections(madrid) {
			if !strings.Contains(html.String(), "<h2>"+s.Title+"</h2>") {
				t.Errorf("%s: %s is not in the HTML", kind, s.Title)
			}
		}
	}
}

// TestADailyDigestSaysWhoIsOnCallToday: on the day on which it is read, and nothing when it is read another day.
func TestADailyDigestSaysWhoIsOnCallToday(t *testing.T) {
	madrid, err := time.LoadLocation("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	midnight, noon, end := utc("2026-03-28T23:00:00Z"), utc("2026-03-29T10:00:00Z"), utc("2026-03-29T22:00:00Z") // a day of 23 hours
	f := Facts{OnCall: []Duty{{"db", "carla", midnight, noon}, {"db", "carla", noon, end}, {"platform", "ana", midnight, noon}, {"platform", "", noon, end}}}
	for date, want := range map[string][]string{"2026-03-28": {"db: carla", "platform: ana, nobody from 12:00"}, "2026-03-27": nil} {
		day, _ := schedule.ParseDate(date)
		r := New(PeriodOf(Daily, day, madrid), f, utc("2026-03-29T07:00:00Z"), madrid)
		i := slices.IndexFunc(r.sections(madrid), func(s Section) bool { return s.Title == "On call today" })
		if want == nil && i >= 0 || want != nil && (i < 0 || !slices.Equal(r.sections(madrid)[i].Lines, want)) {
			t.Errorf("%s: %+v", date, r.sections(madrid))
		}
	}
}
