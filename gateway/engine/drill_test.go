package engine_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/engine"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/report"
	"pagerd/gateway/store"
	"pagerd/gateway/store/memstore"
	"pagerd/gateway/update"
	"pagerd/notify"
)

func exercise(s alert.Severity) engine.Exercise {
	return engine.Exercise{By: page.Actor{Person: "ben", Channel: "cli", Op: "op/drill"}, Severity: s, Service: "checkout", Note: "the database is gone"}
}

func TestADrillRingsWhoAnAlertWouldRingAndSaysSo(t *testing.T) {
	st := memstore.New()
	e, p := office(t, st)
	d, err := e.Drill(t.Context(), exercise(alert.SEV2), start())
	if err != nil || !d.Drill || d.Status != page.Triggered || d.Acker != "" || d.Due.IsZero() {
		t.Fatalf("%+v, %v", d, err)
	}
	now := passes(t, e, st, start(), start().Add(2*time.Minute))
	if texted(p, "ana", "DRILL SEV2 checkout: the database is gone") == 0 {
		t.Errorf("the primary was not rung: %q", p.texts())
	}
	acks(t, e, "ana", now, d.Number)
	passes(t, e, st, now, now.Add(time.Hour))
	for _, text := range p.texts() {
		if !strings.HasPrefix(strings.ToUpper(text), "DRILL") {
			t.Errorf("not marked: %q", text)
		}
	}
	if in := loaded(t, st, d.Number); !in.Drill || in.Commander != "ana" || in.Status != incident.Open {
		t.Errorf("%+v", in)
	}
	again, err := e.Drill(t.Context(), exercise(alert.SEV2), now) // the same request, sent again
	if err != nil || again.Number != d.Number || again.Acker != "ana" {
		t.Errorf("begun twice: %+v %v", again, err)
	}
}

func TestADrillCountsNowhereAndOwesNoPostmortem(t *testing.T) {
	st := memstore.New()
	e, _ := office(t, st)
	d, err := e.Drill(t.Context(), exercise(alert.SEV2), start())
	if err != nil {
		t.Fatal(err)
	}
	now := passes(t, e, st, start(), start().Add(time.Minute))
	acks(t, e, "ana", now, d.Number)
	if _, err := e.Do(t.Context(), d.Number, page.Resolve{By: page.Actor{Person: "ana"}}, "", now); err != nil {
		t.Fatal(err)
	}
	in := loaded(t, st, d.Number)
	if in.Status != incident.Resolved || !report.Of(in, time.UTC).Drill {
		t.Errorf("%+v", in)
	}
	if log := report.Owe(in, time.UTC, now); log.Owed != report.EventDrill {
		t.Errorf("the log is owed %q", log.Owed)
	}
	pg, err := st.Page(t.Context(), d.Number)
	if err != nil || !report.OfPage(pg, time.UTC, func(string) *time.Location { return time.UTC }).Drill {
		t.Errorf("%+v, %v", pg, err)
	}
	if _, err := st.Record(t.Context(), store.Postmortem, d.Number); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a postmortem: %v", err)
	}
}

func TestNobodyOutsideIsToldOfADrill(t *testing.T) {
	st := memstore.New()
	e, p := office(t, st)
	d, err := e.Drill(t.Context(), exercise(alert.SEV2), start())
	if err != nil {
		t.Fatal(err)
	}
	now := passes(t, e, st, start(), start().Add(time.Minute))
	acks(t, e, "ana", now, d.Number)
	var refused *engine.Refusal
	if _, _, err := e.PostUpdate(t.Context(), d.Number, update.Post{By: "ana", State: update.Investigating}, "", now); !errors.As(err, &refused) {
		t.Errorf("told: %v", err)
	}
	passes(t, e, st, now, now.Add(time.Hour))
	if texted(p, "ana", "pagerd incident checklist "+strconv.FormatInt(d.Number, 10)) == 0 {
		t.Errorf("the checklist is practised too, and says where it is: %q", p.texts())
	}
}

func TestADrillEndsByItselfAndTellsWhomItRang(t *testing.T) {
	for _, answered := range []bool{false, true} {
		st := memstore.New()
		e, p := office(t, st)
		d, err := e.Drill(t.Context(), exercise(alert.SEV2), start())
		if err != nil {
			t.Fatal(err)
		}
		now := passes(t, e, st, start(), start().Add(time.Minute))
		if answered {
			acks(t, e, "ana", now, d.Number)
		}
		passes(t, e, st, now, start().Add(2*time.Hour-time.Second))
		if pg, err := st.Page(t.Context(), d.Number); err != nil || !pg.Open() {
			t.Fatalf("over too early: %+v, %v", pg, err)
		}
		passes(t, e, st, start().Add(2*time.Hour), start().Add(2*time.Hour+time.Minute))
		pg, err := st.Page(t.Context(), d.Number)
		if err != nil || pg.Open() || pg.ResolvedBy != "pagerd" || !pg.ResolvedAt.Equal(start().Add(2*time.Hour)) || !pg.Due.IsZero() {
			t.Errorf("answered %v: %+v, %v", answered, pg, err)
		}
		if texted(p, "ana", "DRILL over: #1001") != 1 {
			t.Errorf("answered %v: %q", answered, p.texts())
		}
		in, err := st.Incident(t.Context(), d.Number)
		if answered && (err != nil || in.Status != incident.Resolved) || !answered && !errors.Is(err, store.ErrNotFound) {
			t.Errorf("answered %v: %+v, %v", answered, in, err)
		}
	}
}

func TestADrillThatNobodyAnswersLeavesNoCandidate(t *testing.T) {
	st := memstore.New()
	e, _ := office(t, st)
	d, err := e.Drill(t.Context(), exercise(alert.SEV2), start())
	if err != nil {
		t.Fatal(err)
	}
	now := passes(t, e, st, start(), start().Add(time.Minute))
	if _, err := e.Do(t.Context(), d.Number, page.Resolve{By: page.Actor{Person: "ben"}}, "", now); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Incident(t.Context(), d.Number); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

func TestADrillAndARealPageAreNeverOneMessageNorOneIncident(t *testing.T) {
	st := memstore.New()
	e, p := office(t, st)
	d, err := e.Drill(t.Context(), exercise(alert.SEV2), start())
	if err != nil {
		t.Fatal(err)
	}
	fires(t, e, "Broken", "SEV-2", start())
	now := passes(t, e, st, start(), start().Add(2*time.Minute))
	p.mu.Lock()
	for _, n := range p.sent {
		for _, s := range n.Subjects {
			if n.Drill != (s.Page == d.Number) {
				t.Errorf("page %d in a message that says %q", s.Page, n.Text)
			}
		}
	}
	p.mu.Unlock()
	real := d.Number + 1
	if _, err := e.Verb(t.Context(), notify.VerbAck, []engine.Ref{{Page: d.Number}, {Page: real}}, page.Actor{Person: "ana", Channel: "sms"}, now); err != nil {
		t.Fatal(err)
	}
	if a, b := loaded(t, st, d.Number), loaded(t, st, real); !a.Drill || b.Drill || len(a.Pages) != 1 || len(b.Pages) != 1 {
		t.Errorf("%+v\n%+v", a, b)
	}
	var refused *engine.Refusal
	if _, err := e.Merge(t.Context(), real, d.Number, page.Actor{Person: "ana"}, now); !errors.As(err, &refused) {
		t.Errorf("merged: %v", err)
	}
	if _, err := e.Move(t.Context(), real, real, d.Number, page.Actor{Person: "ana"}, now); !errors.As(err, &refused) {
		t.Errorf("moved: %v", err)
	}
}

func TestASEV1DrillNeedsToBeMeant(t *testing.T) {
	e, p := office(t, memstore.New())
	var refused *engine.Refusal
	if _, err := e.Drill(t.Context(), exercise(alert.SEV1), start()); !errors.As(err, &refused) || !strings.Contains(refused.Hint, "--all-hands") {
		t.Errorf("%v", err)
	}
	if len(p.texts()) != 0 {
		t.Errorf("rung: %q", p.texts())
	}
	x := exercise(alert.SEV1)
	x.AllHands = true
	if d, err := e.Drill(t.Context(), x, start()); err != nil || d.Severity != alert.SEV1 {
		t.Errorf("%+v, %v", d, err)
	}
}

// TestADrillIsScoredAndTheScoreIsKept: who was reached, who acknowledged, in time or not; a later look says the same.
func TestADrillIsScoredAndTheScoreIsKept(t *testing.T) {
	st := memstore.New()
	e, _ := office(t, st)
	p, err := e.Drill(t.Context(), engine.Exercise{By: page.Actor{Person: "dora", Channel: "cli"}, Severity: alert.SEV2, Service: "checkout"}, start())
	if err != nil {
		t.Fatal(err)
	}
	now := passes(t, e, st, start(), start().Add(2*time.Minute))
	s, err := e.ScoreDrill(t.Context(), p.Number, now)
	if err != nil || len(s.People) == 0 || s.People[0].Person != "ana" || !s.People[0].Accepted || s.Acceptable {
		t.Fatalf("%+v %v", s, err)
	}
	acks(t, e, "ana", now, p.Number)
	if _, err := e.Do(t.Context(), p.Number, page.Resolve{By: page.Actor{Person: "ana", Channel: "cli"}}, "", now); err != nil {
		t.Fatal(err)
	}
	s, err = e.ScoreDrill(t.Context(), p.Number, now)
	if err != nil || !s.InTime || s.AckedBy != "ana" || len(s.Unreached) > 0 || !s.Acceptable {
		t.Fatalf("%+v %v", s, err)
	}
	if r, err := st.Record(t.Context(), store.Drill, p.Number); err != nil || r.Version != 1 {
		t.Fatalf("%+v %v", r, err)
	}
	again, err := e.ScoreDrill(t.Context(), p.Number, now.Add(90*24*time.Hour))
	if err != nil || again.AckedBy != "ana" || len(again.People) != len(s.People) {
		t.Errorf("%+v %v", again, err)
	}
	fires(t, e, "Down", "critical", now)
	if _, err := e.ScoreDrill(t.Context(), p.Number+1, now); err == nil {
		t.Error("a real page is scored")
	}
}
