package engine_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/postmortem"
	"pagerd/gateway/report"
	"pagerd/gateway/store"
	"pagerd/gateway/store/memstore"
	"pagerd/notify"
	"pagerd/schedule"
)

const digested = written + `
reports: {at: "09:00", daily: [ana], weekly: [ana, boss@example.com], quarterly: [boss@example.com]}
`

// newDesk is a press whose company reads digests, at now.
func newDesk(t *testing.T, st store.Store, now time.Time) *press {
	t.Helper()
	p := newPress(t, st)
	p.configure(t, digested)
	if err := p.KeepCalendar(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	return p
}

// lives lets the clock run to an instant, an hour at a time.
func (p *press) lives(t *testing.T, from, to time.Time) {
	t.Helper()
	for now := from; !now.After(to); now = now.Add(time.Hour) {
		p.runs(t, now)
	}
}

// TestDigestsAreMailedOnceOnTheDayAfterTheirPeriod: by one of two replicas, over a restart and the night in which the clocks
// go forward.
func TestDigestsAreMailedOnceOnTheDayAfterTheirPeriod(t *testing.T) {
	st := memstore.New()
	begin := start() // Saturday 28 March 2026, 03:00 UTC; the clocks change in that night to Sunday
	p := newDesk(t, st, begin)
	other := p.replica(t)
	if err := other.KeepCalendar(t.Context(), begin); err != nil {
		t.Fatal(err)
	}
	for now := begin; now.Before(begin.Add(36 * time.Hour)); now = now.Add(time.Hour) {
		p.runs(t, now)
		other.runs(t, now)
	}
	again := p.replica(t) // restarted
	if err := again.KeepCalendar(t.Context(), begin.Add(36*time.Hour)); err != nil {
		t.Fatal(err)
	}
	again.lives(t, begin.Add(36*time.Hour), begin.Add(5*24*time.Hour+7*time.Hour))
	for _, want := range []struct {
		title string
		to    []string
	}{
		{"Daily digest: Friday 27 March 2026", []string{"ana@example.com"}},
		{"Daily digest: Saturday 28 March 2026", []string{"ana@example.com"}},
		{"Daily digest: Wednesday 1 April 2026", []string{"ana@example.com"}},
		{"Weekly digest: Week of 23 March 2026", []string{"ana@example.com", "boss@example.com"}},
		{"Weekly digest", []string{"ana@example.com", "boss@example.com"}},
		{"Quarterly review: January to March 2026", []string{"boss@example.com"}},
		{"Monthly review", nil},
	} {
		if got := p.titled(want.title); !slices.Equal(got, want.to) {
			t.Errorf("%s: %v", want.title, got)
		}
	}
	for _, n := range p.mail.sent {
		if strings.HasPrefix(n.Title, "Daily") && !strings.Contains(n.Text, "## On call today\n\n- platform: ana\n") {
			t.Errorf("%s does not say who is on call:\n%s", n.Title, n.Text)
		}
	}
	if n := len(p.titled("Daily digest")); n != 6 {
		t.Errorf("%d daily digests", n)
	}
}

// TestADigestIsToldOnceThoughItsTimeIsMoved: later on the same day.
func TestADigestIsToldOnceThoughItsTimeIsMoved(t *testing.T) {
	p := newDesk(t, memstore.New(), start())
	nine := start().Add(6 * time.Hour)
	p.runs(t, nine)
	p.configure(t, strings.Replace(digested, "09:00", "11:00", 1))
	if err := p.KeepCalendar(t.Context(), nine.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	p.runs(t, nine.Add(2*time.Hour))
	if got := p.titled("Daily digest: Friday 27 March 2026"); len(got) != 1 {
		t.Errorf("%d times", len(got))
	}
	p.runs(t, nine.Add(26*time.Hour))
	if got := p.titled("Daily digest: Saturday 28 March 2026"); len(got) != 1 {
		t.Errorf("the next one %d times", len(got))
	}
}

func TestADigestComesAtTheTimeOfTheTeamsClock(t *testing.T) {
	p := newDesk(t, memstore.New(), start())
	p.configure(t, strings.Replace(digested, "{name: platform, every", "{name: platform, zone: Europe/Madrid, every", 1))
	if err := p.KeepCalendar(t.Context(), start()); err != nil { // what was computed for UTC moves
		t.Fatal(err)
	}
	sunday := time.Date(2026, 3, 29, 6, 59, 0, 0, time.UTC) // 08:59 in Madrid, whose clocks went forward in that night
	p.runs(t, sunday.Add(-24*time.Hour).Add(time.Hour+time.Minute))
	if got := len(p.mail.sent); got != 1 {
		t.Fatalf("on Saturday %d mails", got)
	}
	p.runs(t, sunday)
	if got := len(p.mail.sent); got != 1 {
		t.Errorf("before its time: %d mails", got)
	}
	p.runs(t, sunday.Add(time.Minute))
	if got := len(p.mail.sent); got != 2 {
		t.Errorf("at its time: %d mails", got)
	}
}

// TestWhoWasDownForDaysTellsOfOne: and of the newest.
func TestWhoWasDownForDaysTellsOfOne(t *testing.T) {
	p := newDesk(t, memstore.New(), start())
	p.runs(t, start().Add(4*24*time.Hour)) // Wednesday, 03:00: Tuesday's digest comes at 09:00
	if daily, weekly := p.titled("Daily digest: Monday 30 March"), p.titled("Weekly digest"); len(p.titled("Daily")) != 1 || len(daily) != 1 || len(weekly) != 2 {
		t.Errorf("daily %v, weekly %v", daily, weekly)
	}
	p.configure(t, written) // nobody reads any more
	if err := p.KeepCalendar(t.Context(), start().Add(4*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	sent := len(p.mail.sent)
	p.lives(t, start().Add(4*24*time.Hour), start().Add(8*24*time.Hour))
	if len(p.mail.sent) != sent {
		t.Errorf("%d mails to nobody", len(p.mail.sent)-sent)
	}
}

func TestTheWeeklyDigestSaysWhatIsOverdueAndWhatWasLearned(t *testing.T) {
	st := memstore.New()
	p := newDesk(t, st, start())
	now := p.leads(t)
	if _, err := p.Incident(t.Context(), 1001, incident.Resolve{By: "ana", Channel: "cli"}, "", now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	fires(t, p.Engine, "Other", "SEV-1", now.Add(2*time.Hour)) // stays open
	acks(t, p.Engine, "ben", now.Add(2*time.Hour+time.Minute), 1002)
	due, _ := schedule.ParseDate("2026-03-29")
	item := postmortem.Item{Title: "rotate the certificate by itself", Owner: "ben", Due: due, Priority: postmortem.P1, Criterion: "it rotated once"}
	if _, err := p.OpenAction(t.Context(), 1001, item, page.Actor{Person: "ana", Channel: "cli", Op: "op-a"}, now.Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	p.lives(t, now.Add(2*time.Hour), time.Date(2026, 3, 30, 10, 0, 0, 0, time.UTC))
	i := slices.IndexFunc(p.mail.sent, func(n notify.Notification) bool { return strings.HasPrefix(n.Title, "Weekly digest") })
	if i < 0 {
		t.Fatal("no digest")
	}
	n := p.mail.sent[i]
	for _, want := range []string{"## Overdue action items\n\n- ben, P1: #", "rotate the certificate by itself, due 2026-03-29, of incident 1001",
		"Fell due: 1. Done: 0, which is 0 %; in time: 0.", "## Not over\n\n- #1002 SEV-1 checkout"} {
		if !strings.Contains(n.Text, want) {
			t.Errorf("%q is missing in\n%s", want, n.Text)
		}
	}
	if !strings.Contains(n.HTML, "rotate the certificate by itself") || !strings.Contains(n.HTML, "<style>") || strings.Contains(n.HTML, "style=") {
		t.Error("the HTML part")
	}
}

// TestTheReviewSaysWhoIsOwedTimeOff by the rule of the configuration and by who led, whoever led last.
func TestTheReviewSaysWhoIsOwedTimeOff(t *testing.T) {
	p := newPress(t, memstore.New())
	p.configure(t, written+"reports: {time_off: {severity: SEV-2, owed: 8h, led: 2h}}")
	now := p.leads(t)
	for _, to := range []string{"ben", "ana"} { // each leads for three hours
		now = now.Add(3 * time.Hour)
		if _, err := p.Incident(t.Context(), 1001, incident.Assign{By: "ana", Channel: "cli", Role: incident.RoleCommander, Person: to}, "", now); err != nil {
			t.Fatal(err)
		}
	}
	day, _ := schedule.ParseDate("2026-03-28")
	review, _, err := p.Review(t.Context(), report.Monthly, day, now)
	if err != nil {
		t.Fatal(err)
	}
	ana, ben := report.Burden{Incident: 1001, Night: true, Led: 3 * 3600}, report.Burden{Incident: 1001, Led: 3 * 3600}
	want := []report.Owed{{Person: "ana", Seconds: 8 * 3600, For: []report.Burden{ana}}, {Person: "ben", Seconds: 8 * 3600, For: []report.Burden{ben}}}
	if !reflect.DeepEqual(review.TimeOff, want) {
		t.Errorf("%+v, want %+v", review.TimeOff, want)
	}
}

// TestFiguresAreHeldAgainstTheTeamsGoals, those of what is kept for ever too.
func TestFiguresAreHeldAgainstTheTeamsGoals(t *testing.T) {
	st := memstore.New()
	p := newPress(t, st)
	p.configure(t, written+"reports: {goals: {SEV-2: {acknowledge: 1m, resolve: 1h}}}")
	now := p.leads(t).Add(2 * time.Hour)
	if _, err := p.Incident(t.Context(), 1001, incident.Resolve{By: "ana", Channel: "cli"}, "", now); err != nil {
		t.Fatal(err)
	}
	want := report.Goals{Detect: 300, Acknowledge: 60, Resolve: 3600}
	facts, err := p.Facts(t.Context(), now)
	if err != nil || len(facts.Incidents) != 1 || facts.Incidents[0].Goals != want {
		t.Errorf("%+v %v", facts.Incidents, err)
	}
	entries, err := st.Timeline(t.Context(), report.KeptIn(2026))
	if err != nil {
		t.Fatal(err)
	}
	kept, err := report.Kept(entries)
	if err != nil || len(kept) != 1 || kept[0].Goals != want {
		t.Errorf("kept: %+v %v", kept, err)
	}
}
