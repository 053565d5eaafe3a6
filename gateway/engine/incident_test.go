package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pagerd/config"
	"pagerd/gateway/alert"
	"pagerd/gateway/engine"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/store/memstore"
	"pagerd/gateway/timeline"
	"pagerd/notify"
)

// led is a company of three with a manager, so that incidents can be led.
const led = `
sources: [{name: prod, token: x}]
people:
  - {name: ana, sms: "+34600000001", voice: "+34600000001", email: ana@example.com}
  - {name: ben, sms: "+34600000002"}
  - {name: eva, sms: "+34600000003"}
  - {name: dora, email: dora@example.com}
teams: [{name: data, members: [ben, eva]}]
schedules: [{name: platform, every: 520, people: [ana, ben], manager: dora}, {name: db, every: 520, people: [eva, ben]}]
routes: {schedule: platform, severity_label: severity, group_by: [alertname]}
incidents: {war_room: "https://meet.example.com/{incident}"}
notify: {twilio: {account_sid: AC1, auth_token: t, from: "+15005550006"}}
`

// office is one process of the company.
func office(t *testing.T, st store.Store) (*engine.Engine, *provider) {
	t.Helper()
	cfg, err := config.Parse("test.yaml", []byte(led), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	return opened(t, st, cfg)
}

// showing is such a process with a public status page: service → component.
func showing(t *testing.T, st store.Store, components map[string]string) *engine.Engine {
	t.Helper()
	cfg, err := config.Parse("test.yaml", []byte(led), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	cfg.StatusPage.Components = components
	e, _ := opened(t, st, cfg)
	return e
}

func opened(t *testing.T, st store.Store, cfg *config.Config) (*engine.Engine, *provider) {
	t.Helper()
	p := &provider{}
	e, err := engine.New(t.Context(), engine.Options{Store: st, Config: func() *config.Config { return cfg }, Serial: true,
		Senders: map[notify.Channel]engine.Sender{notify.SMS: p, notify.Voice: p, notify.Email: p}})
	if err != nil {
		t.Fatal(err)
	}
	return e, p
}

// fires posts an alert of a severity.
func fires(t *testing.T, e *engine.Engine, name, severity string, now time.Time) {
	t.Helper()
	b := batch(name)
	b.Alerts[0].Labels["severity"] = severity
	if err := e.Accept(t.Context(), b, now); err != nil {
		t.Fatal(err)
	}
}

func acks(t *testing.T, e *engine.Engine, person string, now time.Time, pages ...int64) {
	t.Helper()
	var refs []engine.Ref
	for _, n := range pages {
		refs = append(refs, engine.Ref{Page: n})
	}
	if _, err := e.Verb(t.Context(), notify.VerbAck, refs, page.Actor{Person: person, Channel: "cli"}, now); err != nil {
		t.Fatal(err)
	}
}

// passes lets the clock run to an instant, a due instant at a time, and sends what is to be sent.
func passes(t *testing.T, e *engine.Engine, st store.Store, from, to time.Time) time.Time {
	t.Helper()
	spin := 0
	for now := from; ; {
		if _, err := e.Tick(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Deliver(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		next, err := st.Next(t.Context(), store.ClaimOptions{Limit: 1, Max: 20, Lease: 3 * time.Second, Window: 30 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		if next.IsZero() || next.After(to) {
			return to
		}
		if next.After(now) {
			now = next
		} else if spin++; spin > 1000 {
			due, _ := st.Due(t.Context(), now, 10)
			t.Fatalf("at %s something stays due since %s: %v %q", now, next, due, "x")
		}
	}
}

func texted(p *provider, person, fragment string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, m := range p.sent {
		if m.Contact.Person == person && strings.Contains(m.Text, fragment) {
			n++
		}
	}
	return n
}

func loaded(t *testing.T, st store.Store, n int64) incident.Incident {
	t.Helper()
	in, err := st.Incident(context.Background(), n)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func TestAMissedTargetIsSaidToTheCommanderByMessageAndNeverByACall(t *testing.T) {
	st := memstore.New()
	e, p := office(t, st)
	fires(t, e, "Down", "SEV-1", start())
	acks(t, e, "ana", start().Add(time.Minute), 1001)
	passes(t, e, st, start().Add(time.Minute), start().Add(26*time.Minute))
	if got := texted(p, "ana", "incident 1001 is not triaged after 10 min"); got != 1 {
		t.Errorf("told %d times at first: %q", got, p.texts())
	}
	if got := texted(p, "ana", "incident 1001 is not triaged after 25 min"); got != 1 {
		t.Errorf("told again %d times", got)
	}
	for _, m := range p.sent {
		if m.Kind == notify.KindRemind && m.Contact.Channel == notify.Voice {
			t.Errorf("a reminder rang a telephone: %+v", m)
		}
	}
	in := loaded(t, st, 1001)
	if len(in.Breaches) != 1 || in.WarRoom != "https://meet.example.com/1001" || in.Phase() != incident.PhaseTriage {
		t.Errorf("%+v", in)
	}
	by := page.Actor{Person: "ana", Channel: "cli"}
	if word, err := e.SetIncidentSeverity(t.Context(), 1001, alert.SEV1, by, start().Add(27*time.Minute)); err != nil || word != incident.AnswerSeverityConfirmed {
		t.Errorf("%s, %v", word, err)
	}
	if in = loaded(t, st, 1001); in.Breaches[0].Met.IsZero() || in.Phase() != incident.PhaseInvestigation {
		t.Errorf("%+v", in)
	}
}

func TestAReminderThatCannotBeTextedIsMailed(t *testing.T) {
	st := memstore.New()
	e, p := office(t, st)
	p.answer = func(n notify.Notification) notify.Outcome {
		if n.Kind == notify.KindRemind && n.Contact.Channel == notify.SMS {
			return notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonBadNumber, Permanent: true}
		}
		return notify.Outcome{Certainty: notify.Sent, ProviderID: n.Delivery}
	}
	fires(t, e, "Down", "SEV-1", start())
	acks(t, e, "ana", start().Add(time.Minute), 1001)
	passes(t, e, st, start().Add(time.Minute), start().Add(11*time.Minute))
	mails := 0
	for _, m := range p.sent {
		if m.Kind == notify.KindRemind && m.Contact.ID == "ana/email" && strings.Contains(m.Text, "not triaged") && strings.Contains(m.Title, "incident 1001") {
			mails++
		}
	}
	if mails != 1 {
		t.Errorf("%d mails: %q", mails, p.texts())
	}
}

// TestAReminderThatTheNetworkRefusesLaterIsMailed: the provider took it, and its callback says that the handset never got it.
func TestAReminderThatTheNetworkRefusesLaterIsMailed(t *testing.T) {
	st := memstore.New()
	e, p := office(t, st)
	fires(t, e, "Down", "SEV-1", start())
	acks(t, e, "ana", start().Add(time.Minute), 1001)
	now := passes(t, e, st, start().Add(time.Minute), start().Add(11*time.Minute))
	ds, _ := st.Deliveries(t.Context(), 1001)
	for _, d := range ds {
		for range 2 {
			if d.Kind == notify.KindRemind {
				failed := notify.Progress{Delivery: d.ID, State: "undelivered", Final: true, Failed: true, Reason: notify.ReasonUndelivered, Rank: 9}
				if err := e.Progress(t.Context(), failed, now); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	passes(t, e, st, now, now.Add(time.Second))
	mails := 0
	for _, m := range p.sent {
		if m.Kind == notify.KindRemind && m.Contact.ID == "ana/email" {
			mails++
		}
	}
	if mails != 1 {
		t.Errorf("%d mails: %q", mails, p.texts())
	}
}

func TestOfTwoReplicasOneFiresATimer(t *testing.T) {
	st := memstore.New()
	e, _ := office(t, st)
	other, _ := office(t, st)
	fires(t, e, "Down", "SEV-2", start())
	acks(t, e, "ana", start(), 1001)
	due := start().Add(30 * time.Minute)
	for _, x := range []*engine.Engine{e, other, e, other} {
		if _, err := x.Tick(t.Context(), due); err != nil {
			t.Fatal(err)
		}
	}
	reminders := 0
	ds, _ := st.Deliveries(t.Context(), 1001)
	for _, d := range ds {
		if d.Kind == notify.KindRemind {
			reminders++
		}
	}
	if reminders != 1 {
		t.Errorf("%d reminders", reminders)
	}
}

func TestADeclaredIncidentIsAnAcknowledgedPageFirstAndInformsWhoMustKnow(t *testing.T) {
	st := memstore.New()
	e, p := office(t, st)
	by := page.Actor{Person: "ben", Channel: "cli"}
	d := engine.Declaration{By: by, Service: "checkout", Summary: "customers see each other's orders", CustomerData: true}
	n, word, err := e.Declare(t.Context(), d, "op/1", start())
	if err != nil || word != incident.AnswerDeclared || n != 1001 {
		t.Fatalf("%d %s %v", n, word, err)
	}
	pg, err := st.Page(t.Context(), 1001)
	if err != nil || pg.Status != page.Acknowledged || pg.Acker != "ben" || pg.Severity != alert.SEV1 || pg.Incident != 1001 || pg.Due.IsZero() {
		t.Errorf("%+v, %v", pg, err)
	}
	in := loaded(t, st, 1001)
	if !in.Declared || in.Commander != "ben" || !in.CustomerData || in.Severity != alert.SEV1 || in.Status != incident.Open {
		t.Errorf("%+v", in)
	}
	passes(t, e, st, start(), start().Add(2*time.Minute))
	if texted(p, "dora", "customers see each other") == 0 || texted(p, "ana", "customers see") != 0 {
		t.Errorf("the manager is to know, and nobody is to answer: %q", p.texts())
	}
	if again, word, err := e.Declare(t.Context(), d, "op/1", start().Add(time.Minute)); err != nil || word != incident.AnswerRepeated || again != n {
		t.Errorf("again: %s, %v", word, err)
	}
	d.Severity = alert.SEV3
	var refused *engine.Refusal
	if _, _, err := e.Declare(t.Context(), d, "", start()); !errors.As(err, &refused) || !strings.Contains(refused.Message, "SEV-1, not SEV-3") {
		t.Errorf("a breach as SEV-3: %v", err)
	}
}

func TestWhoIsCalledInIsRungUntilTheyConfirm(t *testing.T) {
	st := memstore.New()
	e, p := office(t, st)
	fires(t, e, "Down", "SEV-2", start())
	acks(t, e, "ana", start(), 1001)
	by := page.Actor{Person: "ana", Channel: "cli"}
	now := start().Add(time.Minute)
	word, people, err := e.CallIn(t.Context(), 1001, "DATA", by, now)
	if err != nil || word != incident.AnswerCalled || !slices.Equal(people, []string{"ben", "eva"}) {
		t.Fatalf("%s %v %v", word, people, err)
	}
	in := loaded(t, st, 1001)
	if len(in.Errands) != 0 || len(in.Called) != 2 || in.Called[0].Page != 1002 || in.Called[1].Page != 1003 {
		t.Fatalf("%+v", in)
	}
	now = passes(t, e, st, now, now.Add(11*time.Minute))
	if n := texted(p, "ben", "ana calls you into incident 1001"); n < 2 {
		t.Errorf("ben was rung %d times in 11 minutes", n)
	}
	answer, err := e.Reply(t.Context(), engine.Text{From: "+34600000002", Body: "4", ID: "SM1"}, now.Add(10*time.Second))
	if err != nil || !strings.Contains(answer, "incident 1001") || !strings.HasSuffix(answer, "https://meet.example.com/1001") {
		t.Errorf("%q, %v", answer, err)
	}
	rung := texted(p, "ben", "calls you")
	now = passes(t, e, st, now.Add(10*time.Second), now.Add(30*time.Minute))
	if texted(p, "ben", "calls you") != rung {
		t.Error("ben confirmed and is rung again")
	}
	in = loaded(t, st, 1001)
	if in.Called[0].Confirmed.IsZero() || !in.Called[1].Confirmed.IsZero() || in.Commander != "ana" || len(in.Pages) != 1 {
		t.Errorf("%+v", in.Called)
	}
	if word, err := e.Incident(t.Context(), 1001, incident.Resolve{By: "ana"}, "", now); err != nil || word != incident.AnswerResolved {
		t.Fatal(word, err)
	}
	rung = texted(p, "eva", "Reply 4 ack")
	passes(t, e, st, now, now.Add(time.Hour))
	if texted(p, "eva", "Reply 4 ack") != rung {
		t.Error("the incident is over and eva is rung into it")
	}
	if _, _, err := e.CallIn(t.Context(), 1001, "nobody", by, now); err == nil {
		t.Error("an unknown name rings nobody and says nothing")
	}
}

func TestAPageThatFiresAgainAfterItsIncidentWasMergedJoinsTheOlderOne(t *testing.T) {
	st := memstore.New()
	e, _ := office(t, st)
	by := page.Actor{Person: "ana", Channel: "cli"}
	fires(t, e, "Down", "SEV-2", start())
	fires(t, e, "Slow", "SEV-2", start())
	acks(t, e, "ana", start(), 1001)
	acks(t, e, "ben", start(), 1002)
	var refused *engine.Refusal
	if _, err := e.Merge(t.Context(), 1001, 1002, by, start().Add(time.Minute)); !errors.As(err, &refused) || !strings.Contains(refused.Hint, "merge 1002 into 1001") {
		t.Errorf("%v", err)
	}
	if word, err := e.Merge(t.Context(), 1002, 1001, by, start().Add(time.Minute)); err != nil || word != incident.AnswerMerged {
		t.Fatal(word, err)
	}
	if in := loaded(t, st, 1001); !slices.Equal(in.Pages, []int64{1001, 1002}) || !slices.Equal(in.MergedFrom, []int64{1002}) {
		t.Errorf("%+v", in)
	}
	if _, err := e.Do(t.Context(), 1002, page.Unacknowledge{By: by}, "", start().Add(2*time.Minute)); err != nil {
		t.Fatal(err)
	}
	acks(t, e, "ben", start().Add(3*time.Minute), 1002)
	pg, _ := st.Page(t.Context(), 1002)
	if pg.Incident != 1001 || loaded(t, st, 1002).Status != incident.Merged || loaded(t, st, 1001).Status != incident.Open {
		t.Errorf("page 1002 belongs to %d", pg.Incident)
	}
	for _, n := range []int64{1001, 1002} {
		if _, err := e.Do(t.Context(), n, page.Resolve{By: by}, "", start().Add(4*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	if in := loaded(t, st, 1001); !in.PagesOver {
		t.Error("both pages are over and nobody was asked")
	}
}

func TestAPageBecomesAnIncidentOfItsOwn(t *testing.T) {
	st := memstore.New()
	e, _ := office(t, st)
	by := page.Actor{Person: "ana", Channel: "cli"}
	fires(t, e, "Down", "SEV-2", start())
	fires(t, e, "Slow", "SEV-3", start())
	acks(t, e, "ana", start(), 1001, 1002)
	if word, err := e.Move(t.Context(), 1001, 1002, 0, by, start().Add(time.Minute)); err != nil || word != incident.AnswerMoved {
		t.Fatal(word, err)
	}
	in, other := loaded(t, st, 1001), loaded(t, st, 1002)
	pg, _ := st.Page(t.Context(), 1002)
	if !slices.Equal(in.Pages, []int64{1001}) || !slices.Equal(other.Pages, []int64{1002}) || pg.Incident != 1002 || other.Severity != alert.SEV3 || other.Commander != "ana" {
		t.Errorf("%+v\n%+v", in, other)
	}
	if _, err := e.Move(t.Context(), 1001, 1002, 1002, by, start().Add(2*time.Minute)); err == nil {
		t.Error("moved twice")
	}
	if word, err := e.Move(t.Context(), 1001, 1001, 1002, by, start().Add(2*time.Minute)); err != nil || word != incident.AnswerRefused {
		t.Errorf("the only page: %s, %v", word, err)
	}
}

func TestRaisingAnIncidentRaisesOnePageAndLoweringLowersAll(t *testing.T) {
	st := memstore.New()
	e, _ := office(t, st)
	by := page.Actor{Person: "ana", Channel: "sms", Op: "sms/1"}
	fires(t, e, "Down", "SEV-2", start())
	fires(t, e, "Slow", "SEV-2", start())
	acks(t, e, "ana", start(), 1001, 1002)
	if word, err := e.SetIncidentSeverity(t.Context(), 1001, alert.SEV1, by, start().Add(time.Minute)); err != nil || word != incident.AnswerSeverity {
		t.Fatal(word, err)
	}
	one, _ := st.Page(t.Context(), 1001)
	two, _ := st.Page(t.Context(), 1002)
	if one.Severity != alert.SEV1 || one.Status != page.Triggered || two.Severity != alert.SEV2 || two.Status != page.Acknowledged {
		t.Errorf("%s %s, %s %s", one.Severity, one.Status, two.Severity, two.Status)
	}
	if in := loaded(t, st, 1001); in.Severity != alert.SEV1 || in.Targets.Mitigate != time.Hour {
		t.Errorf("%+v", in)
	}
	if word, err := e.SetIncidentSeverity(t.Context(), 1001, alert.SEV3, by, start().Add(time.Minute)); err != nil || word != incident.AnswerRepeated {
		t.Errorf("the same operation again: %s, %v", word, err)
	}
	by.Op = "sms/2"
	if word, err := e.SetIncidentSeverity(t.Context(), 1001, alert.SEV3, by, start().Add(2*time.Minute)); err != nil || word != incident.AnswerSeverity {
		t.Fatal(word, err)
	}
	one, _ = st.Page(t.Context(), 1001)
	two, _ = st.Page(t.Context(), 1002)
	if in := loaded(t, st, 1001); one.Severity != alert.SEV3 || two.Severity != alert.SEV3 || in.Severity != alert.SEV3 || !in.Targets.OfficeHours {
		t.Errorf("%s, %s, %s", one.Severity, two.Severity, in.Severity)
	}
}

func TestWhatAnOlderProgramStoredGetsItsTimersFromHousekeeping(t *testing.T) {
	st := memstore.New()
	e, p := office(t, st)
	fires(t, e, "Down", "SEV-2", start())
	acks(t, e, "ana", start(), 1001)
	old := loaded(t, st, 1001)
	old = incident.Incident{Format: 1, Number: 1001, Version: old.Version + 1, Head: old.Head, Entries: old.Entries, Status: incident.Open,
		Severity: alert.SEV2, Service: "checkout", Summary: "5xx", Pages: []int64{1001}, Commander: "ana", DetectedAt: old.DetectedAt, AcknowledgedAt: old.AcknowledgedAt}
	if err := st.Commit(t.Context(), store.Change{Now: start(), Incident: &old}); err != nil {
		t.Fatal(err)
	}
	now := start().Add(3 * time.Hour)
	if err := e.Housekeep(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	if in := loaded(t, st, 1001); in.Format != incident.Format || !in.Due.Equal(now.Add(30*time.Minute)) || in.DueFor != incident.TimerTriage {
		t.Errorf("%+v", in)
	}
	passes(t, e, st, now, now.Add(31*time.Minute))
	if texted(p, "ana", "incident 1001 is not triaged") != 1 {
		t.Errorf("%q", p.texts())
	}
}

// mortal is a store whose process dies at one commit: before it is stored, or after it is and nobody hears of it.
type mortal struct {
	store.Store
	left  int
	after bool
}

func (m *mortal) Commit(ctx context.Context, c store.Change) error {
	if m.left--; m.left < 0 {
		return fmt.Errorf("dead: %w", store.ErrUnavailable)
	}
	if m.left == 0 && !m.after {
		return fmt.Errorf("dies: %w", store.ErrUnavailable)
	}
	err := m.Store.Commit(ctx, c)
	if m.left == 0 {
		return fmt.Errorf("dies: %w", store.ErrUnavailable)
	}
	return err
}

// deeds are what people do, each repeated by whoever did it until it is answered, with the same operation id.
func deeds() []func(ctx context.Context, e *engine.Engine, now time.Time) error {
	by := func(person, op string) page.Actor { return page.Actor{Person: person, Channel: "cli", Op: op} }
	return []func(ctx context.Context, e *engine.Engine, now time.Time) error{
		func(ctx context.Context, e *engine.Engine, now time.Time) error {
			_, _, err := e.CallIn(ctx, 1002, "data", by("ben", "op/call"), now)
			return err
		},
		func(ctx context.Context, e *engine.Engine, now time.Time) error {
			_, err := e.Move(ctx, 1001, 1003, 0, by("ana", "op/move"), now)
			var refused *engine.Refusal
			if errors.As(err, &refused) { // it had been done
				return nil
			}
			return err
		},
		func(ctx context.Context, e *engine.Engine, now time.Time) error {
			_, err := e.Merge(ctx, 1002, 1001, by("ana", "op/merge"), now)
			return err
		},
		func(ctx context.Context, e *engine.Engine, now time.Time) error {
			_, err := e.SetIncidentSeverity(ctx, 1001, alert.SEV1, by("ana", "op/sev"), now)
			return err
		},
		func(ctx context.Context, e *engine.Engine, now time.Time) error {
			_, err := e.Incident(ctx, 1001, incident.Note{By: "ana", Text: "a note"}, "op/note", now)
			return err
		},
		func(ctx context.Context, e *engine.Engine, now time.Time) error {
			_, err := e.Incident(ctx, 1001, incident.Resolve{By: "ana"}, "op/resolve", now)
			return err
		},
	}
}

// TestADeathBetweenAnyTwoCommitsLosesNothing kills the process at each commit of a story in turn, before and after it is
// stored, starts another one, and wants the same end.
func TestADeathBetweenAnyTwoCommitsLosesNothing(t *testing.T) {
	whole, commits := story(t, 1<<30, false)
	if commits < 12 {
		t.Fatalf("only %d commits", commits)
	}
	for k := 1; k <= commits; k++ {
		for _, after := range []bool{false, true} {
			if got, _ := story(t, k, after); got != whole {
				t.Errorf("death at commit %d (stored: %v) ends as\n%s\nwant\n%s", k, after, got, whole)
			}
		}
	}
}

func story(t *testing.T, left int, after bool) (string, int) {
	t.Helper()
	st := memstore.New()
	e, _ := office(t, st)
	for _, name := range []string{"Down", "Slow", "Lag"} {
		fires(t, e, name, "SEV-2", start())
	}
	acks(t, e, "ana", start(), 1001, 1003)
	acks(t, e, "ben", start(), 1002)
	m := &mortal{Store: st, left: left, after: after}
	e, _ = office(t, m)
	now, lives := start().Add(time.Minute), 1
	alive := func(work func() error) {
		for range 20 {
			err := work()
			if err == nil && m.left > 0 {
				return
			}
			if err != nil && !errors.Is(err, store.ErrUnavailable) {
				t.Fatal(err)
			}
			if m.left <= 0 { // the process is dead: another one begins
				m = &mortal{Store: st, left: 1 << 30}
				e, _ = office(t, m)
				lives++
			}
		}
		t.Fatal("never done")
	}
	for _, deed := range deeds() {
		now = now.Add(time.Minute)
		alive(func() error { return deed(t.Context(), e, now) })
		alive(func() error { _, err := e.Tick(t.Context(), now); return err })
	}
	now = now.Add(time.Minute)
	alive(func() error { _, err := e.Tick(t.Context(), now); return err })
	commits := left - m.left
	if lives > 1 {
		commits = 0
	}
	return ending(t, st), commits
}

// ending tells how everything stands, but for versions and numbers of pages that may leave gaps.
func ending(t *testing.T, st store.Store) string {
	t.Helper()
	var b strings.Builder
	list, err := st.Incidents(t.Context(), store.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range list {
		fmt.Fprintf(&b, "%d %s %s %s pages %v from %v errands %d", in.Number, in.Status, in.Severity, in.Phase(), in.Pages, in.MergedFrom, len(in.Errands))
		for _, c := range in.Called {
			fmt.Fprintf(&b, " called %s %v", c.Person, c.Ended.IsZero())
		}
		entries, err := st.Timeline(t.Context(), fmt.Sprintf("incident/%d", in.Number))
		if err != nil || timeline.Verify(entries, in.Head) != nil {
			t.Errorf("the timeline of %d is broken: %v", in.Number, err)
		}
		for _, entry := range entries {
			b.WriteString(" " + entry.What)
		}
		b.WriteString("\n")
	}
	pages, err := st.Pages(t.Context(), store.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]int{}
	for _, p := range pages {
		if p.Calls != "" {
			calls[p.Calls+" "+string(p.Status)]++
			continue
		}
		fmt.Fprintf(&b, "page %d %s %s incident %d\n", p.Number, p.Status, p.Severity, p.Incident)
	}
	fmt.Fprintf(&b, "calls %v\n", calls)
	return b.String()
}

// TestAPageThatEndsWhileItsIncidentIsBeingMergedIsCounted: the process dies after the merge and before the older incident
// took over; both pages end meanwhile, and somebody is asked whether it is over.
func TestAPageThatEndsWhileItsIncidentIsBeingMergedIsCounted(t *testing.T) {
	st := memstore.New()
	e, p := office(t, st)
	by := page.Actor{Person: "ana", Channel: "cli"}
	fires(t, e, "Down", "SEV-2", start())
	fires(t, e, "Slow", "SEV-2", start())
	acks(t, e, "ana", start(), 1001)
	acks(t, e, "ben", start(), 1002)
	dying, _ := office(t, &mortal{Store: st, left: 1, after: true})
	if _, err := dying.Merge(t.Context(), 1002, 1001, by, start().Add(time.Minute)); err == nil {
		t.Fatal("it did not die")
	}
	if in := loaded(t, st, 1002); in.Status != incident.Merged || len(in.Errands) != 1 || len(loaded(t, st, 1001).MergedFrom) != 0 {
		t.Fatalf("%+v", in)
	}
	now := start().Add(2 * time.Minute)
	for _, n := range []int64{1001, 1002} {
		if _, err := e.Do(t.Context(), n, page.Resolve{By: by}, "", now); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.Tick(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	in := loaded(t, st, 1001)
	if _, err := e.Deliver(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	if texted(p, "ana", "All alerts of")+texted(p, "ana", "no page of incident 1001 is open any more") != 1 {
		t.Errorf("asked in %q", p.texts())
	}
	if !in.PagesOver || !slices.Equal(in.MergedFrom, []int64{1002}) || !slices.Equal(in.Pages, []int64{1001, 1002}) || len(loaded(t, st, 1002).Errands) != 0 {
		t.Errorf("%+v", in)
	}
}
