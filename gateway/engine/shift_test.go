package engine_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pagerd/config"
	"pagerd/gateway/engine"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/postmortem"
	"pagerd/gateway/store"
	"pagerd/gateway/store/memstore"
	"pagerd/gateway/update"
	"pagerd/notify"
	"pagerd/schedule"
)

const taking = `
sources: [{name: prod, token: x}]
people:
  - {name: ana, zone: Europe/Madrid, sms: "+34600000001", email: ana@example.com}
  - {name: ben, zone: Europe/Madrid, email: ben@example.com}
  - {name: dora, zone: Europe/Madrid, sms: "+34600000004"}
schedules: [{name: platform, zone: Europe/Madrid, start: 2026-03-23, handoff: "09:00", people: [ana, ben]}]
routes: {schedule: platform, severity_label: severity, group_by: [alertname]}
notify:
  twilio: {account_sid: AC1, auth_token: t, from: "+15005550006"}
  smtp: {address: "127.0.0.1:25", tls: none, from: pager@example.com}
`

// turns are replicas on one store whose people take turns, and what these were told of that.
type turns struct {
	st   store.Store
	cfg  *config.Config
	told *provider
}

func newTurns(t *testing.T, text string) *turns {
	t.Helper()
	p := &turns{st: memstore.New(), told: &provider{}}
	p.configure(t, text)
	return p
}

func (p *turns) configure(t *testing.T, text string) {
	t.Helper()
	cfg, err := config.Parse("test.yaml", []byte(text), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	p.cfg = cfg
}

// start begins another process at now.
func (p *turns) start(t *testing.T, now time.Time) *engine.Engine {
	t.Helper()
	e, err := engine.New(t.Context(), engine.Options{Store: p.st, Config: func() *config.Config { return p.cfg }, Serial: true,
		Senders: map[notify.Channel]engine.Sender{notify.SMS: p.told, notify.Voice: &provider{}, notify.Email: p.told}})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.KeepCalendar(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	return e
}

// lives lets processes live until an instant, ten minutes at a time.
func (p *turns) lives(t *testing.T, from, until time.Time, all ...*engine.Engine) {
	t.Helper()
	for now := from; !now.After(until); now = now.Add(10 * time.Minute) {
		for _, e := range all {
			if _, err := e.Tick(t.Context(), now); err != nil {
				t.Fatal(err)
			}
			if _, err := e.Deliver(t.Context(), now); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// about are the messages about shifts, each with its way.
func (p *turns) about() []string {
	var out []string
	for _, n := range p.told.sent {
		if strings.Contains(n.Text, "-shift") {
			out = append(out, n.Contact.ID+": "+n.Text)
		}
	}
	return out
}

func utc(day, hour, minute int) time.Time {
	return time.Date(2026, 3, day, hour, minute, 0, 0, time.UTC)
}

// TestWhoTakesOverIsRemindedOnce: by SMS, else by mail; by one of two replicas, over a restart and the night in which the
// clocks go forward. Who hands over is told what is theirs still.
func TestWhoTakesOverIsRemindedOnce(t *testing.T) {
	p := newTurns(t, taking)
	begin := utc(27, 12, 0) // Friday
	a, b := p.start(t, begin), p.start(t, begin)
	p.lives(t, begin, utc(29, 6, 50), a, b)
	if got := p.about(); len(got) > 0 {
		t.Fatalf("before its time: %q", got)
	}
	p.lives(t, utc(29, 7, 0), utc(29, 7, 0), b, a) // 09:00 in Madrid again
	a = p.start(t, utc(29, 7, 10))
	p.lives(t, utc(29, 7, 10), utc(30, 7, 30), a, b)
	on := "On call platform: Mon 30 Mar 09:00 to Mon 6 Apr 09:00. Incidents read, test alert answered, VPN and access, runbooks? pagerd guide before-shift"
	want := []string{"ben/email: " + on, "ana/sms: Off call platform. Nothing is open and you owe nothing: thank you. pagerd guide after-shift"}
	if got := p.about(); len(got) != 2 || !strings.Contains(got[0], on) || !strings.HasPrefix(got[0], "ben/email") || got[1] != want[1] {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestAClockThatCannotBeTrustedRemindsNobody: housekeeping goes on, and what is told at a time of day waits (RULES R9).
func TestAClockThatCannotBeTrustedRemindsNobody(t *testing.T) {
	p := newTurns(t, taking)
	p.start(t, utc(28, 12, 0))
	e, err := engine.New(t.Context(), engine.Options{Store: p.st, Config: func() *config.Config { return p.cfg }, Serial: true,
		Hold: func() string { return "a day ahead of the others" }})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Housekeep(t.Context(), utc(29, 12, 0)); err != nil {
		t.Fatal(err)
	}
	r, err := p.st.Record(t.Context(), store.Calendar, 100)
	if err != nil || r.Version != 1 {
		t.Errorf("%+v %v", r, err)
	}
}

// TestAReminderThatFailsIsMailed as whatever is owed.
func TestAReminderThatFailsIsMailed(t *testing.T) {
	p := newTurns(t, taking)
	p.told.answer = func(n notify.Notification) notify.Outcome {
		if n.Contact.Channel == notify.SMS {
			return notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonBadNumber, Permanent: true}
		}
		return notify.Outcome{Certainty: notify.Sent, ProviderID: "1"}
	}
	e := p.start(t, utc(29, 12, 0))
	p.lives(t, utc(29, 12, 0), utc(30, 8, 0), e)
	if got := p.about(); len(got) != 2 || !strings.HasPrefix(got[0], "ana/sms") || !strings.HasPrefix(got[1], "ana/email") {
		t.Errorf("%q", got)
	}
}

func TestACommitThatFailsTellsNobodyTwice(t *testing.T) {
	p := newTurns(t, taking)
	st := &failing{Store: p.st, err: store.ErrUnavailable}
	p.st = st
	e := p.start(t, utc(28, 12, 0))
	st.commits.Store(1)
	if _, err := e.Tick(t.Context(), utc(29, 7, 0)); err == nil {
		t.Fatal("a commit that failed is no error")
	}
	if got := p.about(); len(got) > 0 {
		t.Errorf("told before it was stored: %q", got)
	}
	p.lives(t, utc(29, 7, 10), utc(29, 12, 0), e)
	if got := p.about(); len(got) != 1 {
		t.Errorf("%q", got)
	}
}

func TestAnOverrideInANewConfigurationTellsWhoStandsIn(t *testing.T) {
	p := newTurns(t, taking)
	e := p.start(t, utc(28, 12, 0))
	p.lives(t, utc(28, 12, 0), utc(29, 12, 0), e)
	for range 2 { // there, gone, and there again
		p.configure(t, taking+`overrides: [{schedule: platform, person: dora, start: "2026-03-30 09:00", end: "2026-03-31 09:00"}]`)
		if err := e.KeepCalendar(t.Context(), utc(29, 12, 10)); err != nil {
			t.Fatal(err)
		}
		p.lives(t, utc(29, 12, 10), utc(29, 12, 20), e)
		p.configure(t, taking)
		if err := e.KeepCalendar(t.Context(), utc(29, 12, 30)); err != nil {
			t.Fatal(err)
		}
	}
	got := p.about()
	if len(got) != 2 || !strings.HasPrefix(got[0], "ben/email") || !strings.HasPrefix(got[1], "dora/sms: On call platform: Mon 30 Mar 09:00 to Tue 31 Mar 09:00.") {
		t.Errorf("%q", got)
	}
}

func TestWhatSomebodyLeavesBehindIsToldByNumber(t *testing.T) {
	p := newTurns(t, taking)
	e := p.start(t, utc(28, 12, 0))
	now := utc(30, 6, 0)
	fires(t, e, "Old", "SEV-1", now) // over, and its postmortem is ana's
	acks(t, e, "ana", now, 1001)
	if _, err := e.Incident(t.Context(), 1001, incident.Resolve{By: "ana", Channel: "cli"}, "", now); err != nil {
		t.Fatal(err)
	}
	day, _ := schedule.ParseDate("2026-04-30")
	for _, owner := range []string{"ana", "ben"} {
		item := postmortem.Item{Title: "alarm on expiry", Owner: owner, Due: day, Priority: postmortem.P1, Criterion: "it rang"}
		if _, err := e.OpenAction(t.Context(), 1001, item, page.Actor{Person: "ana", Channel: "cli", Op: owner}, now); err != nil {
			t.Fatal(err)
		}
	}
	fires(t, e, "Down", "SEV-2", now.Add(time.Minute)) // led by ana, who promised an update
	led := newest(t, p.st)
	acks(t, e, "ana", now.Add(time.Minute), led)
	if _, _, err := e.PostUpdate(t.Context(), led, update.Post{By: "ana", State: update.Identified, To: update.Stakeholders, Text: "we know why"}, "op-u", now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	fires(t, e, "Slow", "SEV-3", now.Add(2*time.Minute)) // nobody has it
	open := newest(t, p.st)
	fires(t, e, "Bens", "SEV-3", now.Add(3*time.Minute))
	acks(t, e, "ben", now.Add(3*time.Minute), newest(t, p.st))
	p.lives(t, now.Add(10*time.Minute), utc(30, 7, 10), e)
	got := p.about()
	i := slices.IndexFunc(got, func(s string) bool { return strings.HasPrefix(s, "ana/sms: Off call") })
	want := "ana/sms: Off call platform. Hand over: incident 1004, pages 1001 1005. You owe: postmortem 1001, action 1002, update 1004. pagerd guide after-shift"
	if i < 0 || got[i] != want || led != 1004 || open != 1005 {
		t.Errorf("%q, want %q", got, want)
	}
}

// newest is the number of the newest page.
func newest(t *testing.T, st store.Store) int64 {
	t.Helper()
	pages, err := st.Pages(t.Context(), store.Filter{Limit: 1})
	if err != nil || len(pages) != 1 {
		t.Fatal(pages, err)
	}
	return pages[0].Number
}
