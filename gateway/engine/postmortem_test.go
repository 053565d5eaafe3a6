package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pagerd/gateway/engine"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/postmortem"
	"pagerd/gateway/store"
	"pagerd/gateway/store/memstore"
	"pagerd/gateway/timeline"
	"pagerd/notify"
)

// ended leads a SEV-1 to just before its end.
func ended(t *testing.T, st store.Store) (*engine.Engine, *provider) {
	t.Helper()
	e, p := office(t, st)
	fires(t, e, "Down", "critical", start())
	acks(t, e, "ana", start().Add(time.Minute), 1001)
	return e, p
}

func resolve(t *testing.T, e *engine.Engine, now time.Time) error {
	t.Helper()
	_, err := e.Incident(t.Context(), 1001, incident.Resolve{By: "ana", Channel: "cli"}, "", now)
	return err
}

// TestAnIncidentEndsTogetherWithItsPostmortemsBeginning: a crash leaves both or neither.
func TestAnIncidentEndsTogetherWithItsPostmortemsBeginning(t *testing.T) {
	st := &failing{Store: memstore.New(), err: fmt.Errorf("disk: %w", store.ErrUnavailable)}
	e, _ := ended(t, st)
	st.commits.Store(1)
	if err := resolve(t, e, start().Add(time.Hour)); err == nil {
		t.Fatal("a commit that failed is no error")
	}
	if in, _ := st.Incident(t.Context(), 1001); in.Status == incident.Resolved {
		t.Error("the incident ended")
	}
	if _, err := e.LoadPostmortem(t.Context(), 1001); err == nil {
		t.Error("the postmortem began")
	}
	if err := resolve(t, e, start().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	p, err := e.LoadPostmortem(t.Context(), 1001)
	if err != nil || p.Owner != "ana" || !p.Deadline.Equal(start().Add(49*time.Hour)) {
		t.Errorf("%+v %v", p, err)
	}
	for _, fact := range []string{"ana acknowledged page 1001", "ana closed the incident"} {
		if n := strings.Count(p.Text, fact); n != 1 {
			t.Errorf("%q stands in the draft %d times:\n%s", fact, n, p.Text)
		}
	}
}

// broken is a store in which nothing about incidents' pasts can be read.
type broken struct{ store.Store }

func (b *broken) Timeline(context.Context, string) ([]timeline.Entry, error) {
	return nil, fmt.Errorf("timeline: %w", store.ErrDamaged)
}

func (b *broken) Record(_ context.Context, k store.RecordKind, n int64) (store.Record, error) {
	return store.Record{}, fmt.Errorf("%s %d: %w", k, n, store.ErrDamaged)
}

func TestNothingDamagedKeepsAnIncidentFromEnding(t *testing.T) {
	whole := memstore.New()
	ended(t, whole)
	e, _ := office(t, &broken{whole})
	if err := resolve(t, e, start().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if in, err := whole.Incident(t.Context(), 1001); err != nil || in.Status != incident.Resolved {
		t.Errorf("%s %v", in.Status, err)
	}
}

// TestForeignTextDoesNotKeepAnIncidentFromEnding: what a monitoring system wrote grows in JSON, and the record has a limit.
func TestForeignTextDoesNotKeepAnIncidentFromEnding(t *testing.T) {
	st := memstore.New()
	e, _ := ended(t, st)
	for i := range 600 {
		ev := incident.Note{By: "ana", Channel: "cli", Text: fmt.Sprint(i, strings.Repeat("<&>\\", 240))}
		if _, err := e.Incident(t.Context(), 1001, ev, "", start().Add(2*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	if err := resolve(t, e, start().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
}

// TestSeveralReplicasAskOnce: the version of the record decides which of them fires.
func TestSeveralReplicasAskOnce(t *testing.T) {
	st := memstore.New()
	a, _ := ended(t, st)
	b, _ := office(t, st)
	if err := resolve(t, a, start().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	p, _ := a.LoadPostmortem(t.Context(), 1001)
	now := p.NagDue.Add(80 * time.Hour) // Wednesday at noon
	for range 3 {
		for _, e := range []*engine.Engine{a, b} {
			if _, err := e.Tick(t.Context(), now); err != nil {
				t.Fatal(err)
			}
		}
	}
	owed := 0
	ds, _ := st.Deliveries(t.Context(), 1001)
	for _, d := range ds {
		if d.Kind == notify.KindOwed && strings.Contains(d.Text, "your postmortem") { // the checklist asks too
			owed++
		}
	}
	if owed != 1 {
		t.Errorf("asked %d times", owed)
	}
}

func TestAPublishedPostmortemBeginsItsActionItemsOnce(t *testing.T) {
	st := memstore.New()
	e, _ := ended(t, st)
	if err := resolve(t, e, start().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, s := range postmortem.Sections() {
		text.WriteString("## " + s + "\n\nthe disk was full\n\n")
		if s == postmortem.SectionActions {
			text.WriteString("| # | Action | Owner | Due | Priority | Success criterion |\n|---|---|---|---|---|---|\n|  | Watch it | ben | 2026-04-10 | P1 | An alert at 80 % |\n")
		}
	}
	now := start().Add(2 * time.Hour)
	by := page.Actor{Person: "ana", Channel: "cli", Op: "api/1"}
	if _, _, err := e.Postmortem(t.Context(), 1001, postmortem.Edit{By: "ana", Text: text.String()}, page.Actor{Person: "ana"}, now); err != nil {
		t.Fatal(err)
	}
	for _, want := range []postmortem.Answer{postmortem.AnswerPublished, postmortem.AnswerUnchanged} {
		_, fx, err := e.Postmortem(t.Context(), 1001, postmortem.Publish{By: "ana"}, by, now)
		if err != nil || fx.Answer != want {
			t.Errorf("%s %q %v", fx.Answer, fx.Problems, err)
		}
	}
	actions, err := e.Actions(t.Context(), true)
	if err != nil || len(actions) != 1 || actions[0].Owner != "ben" || actions[0].Cause != "the disk was full" {
		t.Fatalf("%+v %v", actions, err)
	}
	p, _ := e.LoadPostmortem(t.Context(), 1001)
	if !strings.Contains(p.Text, fmt.Sprintf("| #%d |", actions[0].Number)) {
		t.Errorf("the text does not know its number:\n%s", p.Text)
	}
	if in, _ := st.Incident(t.Context(), 1001); in.Phase() != incident.PhasePostmortem || in.RootCause != "the disk was full" {
		t.Errorf("%s %q", in.Phase(), in.RootCause)
	}
	// A number that somebody typed belongs to nothing.
	again := strings.Replace(p.Text, fmt.Sprintf("#%d", actions[0].Number), "#4711", 1)
	q, _, _ := e.Postmortem(t.Context(), 1001, postmortem.Edit{By: "ana", Base: p.Revision, Text: again}, page.Actor{}, now)
	if q.State != postmortem.Published {
		t.Errorf("%s", q.State)
	}
}

func TestAnUnknownOwnerIsRefused(t *testing.T) {
	e, _ := ended(t, memstore.New())
	item, _ := postmortem.ParseItem("x", "zoe", "2026-04-10", "P1", "y")
	if _, err := e.OpenAction(t.Context(), 1001, item, page.Actor{Person: "ana"}, start()); err == nil || !strings.Contains(err.Error(), `"zoe"`) {
		t.Errorf("%v", err)
	}
}

// forgetful is a store that keeps incidents no longer, as retention does after 400 days.
type forgetful struct{ store.Store }

func (f *forgetful) Incident(_ context.Context, n int64) (incident.Incident, error) {
	return incident.Incident{}, fmt.Errorf("incident %d: %w", n, store.ErrNotFound)
}

// TestWhatIsOwedOutlivesItsIncident: action items and postmortems are kept for ever, incidents are not. They go on being asked
// for, and do not stay due.
func TestWhatIsOwedOutlivesItsIncident(t *testing.T) {
	st := memstore.New()
	e, _ := ended(t, st)
	if err := resolve(t, e, start().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	item, _ := postmortem.ParseItem("watch the disk", "ben", "2026-04-10", "P1", "an alert at 80 %")
	a, err := e.OpenAction(t.Context(), 1001, item, page.Actor{Person: "ana"}, start())
	if err != nil {
		t.Fatal(err)
	}
	later, _ := office(t, &forgetful{st})
	now := time.Date(2027, 6, 2, 12, 0, 0, 0, time.UTC) // a Wednesday
	if _, err := later.Tick(t.Context(), now); err != nil {
		t.Error(err)
	}
	for kind, number := range map[store.RecordKind]int64{store.Action: a.Number, store.Postmortem: 1001} {
		r, err := st.Record(t.Context(), kind, number)
		if err != nil || !r.Due.After(now) {
			t.Errorf("%s is due %s (%v)", r, r.Due, err)
		}
		ds, _ := st.Deliveries(t.Context(), number)
		if !slices.ContainsFunc(ds, func(d store.Delivery) bool { return d.Kind == notify.KindOwed && d.At.Equal(now) }) {
			t.Errorf("nobody is asked for %s", r)
		}
	}
}

// TestAnActionItemIsAskedForAgainAfterItsDayWasMoved: each message has a name of its own.
func TestAnActionItemIsAskedForAgainAfterItsDayWasMoved(t *testing.T) {
	st := memstore.New()
	e, _ := ended(t, st)
	item, _ := postmortem.ParseItem("watch the disk", "ben", "2026-04-10", "P1", "an alert at 80 %")
	a, err := e.OpenAction(t.Context(), 1001, item, page.Actor{Person: "ana"}, start())
	if err != nil {
		t.Fatal(err)
	}
	for i, due := range []string{"2026-04-10", "2026-05-10"} {
		item, _ := postmortem.ParseItem("watch the disk", "ben", due, "P1", "an alert at 80 %")
		if _, _, err := e.Action(t.Context(), a.Number, postmortem.Change{By: "ana", Item: item, Zone: time.UTC}, "", start()); err != nil {
			t.Fatal(err)
		}
		day, _ := time.Parse(time.DateOnly, due)
		passes(t, e, st, day.Add(9*time.Hour), day.Add(10*time.Hour))
		if ds, _ := st.Deliveries(t.Context(), a.Number); len(ds) != i+1 {
			t.Errorf("asked %d times after %s", len(ds), due)
		}
	}
}
