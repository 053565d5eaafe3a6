package engine_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/engine"
	"pagerd/gateway/incident"
	"pagerd/gateway/store/memstore"
	"pagerd/gateway/update"
)

func TestAPromisedUpdateIsAskedOfWhoSpeaksAndThenOfTheCommander(t *testing.T) {
	st := memstore.New()
	e, p := office(t, st)
	other, _ := office(t, st) // a second replica
	fires(t, e, "Down", "SEV-1", start())
	now := start().Add(time.Minute)
	acks(t, e, "ana", now, 1001)
	if _, err := e.Incident(t.Context(), 1001, incident.Assign{By: "ana", Role: incident.RoleCommunications, Person: "ben"}, "", now); err != nil {
		t.Fatal(err)
	}
	post := update.Post{By: "ben", State: update.Identified, To: update.Stakeholders, Text: "Payments fail for some.", Next: 5 * time.Minute}
	for range 2 { // the same request, sent again
		if l, _, err := e.PostUpdate(t.Context(), 1001, post, "op-1", now); err != nil || len(l.Updates) != 1 {
			t.Fatalf("%+v, %v", l, err)
		}
	}
	const words = "the promised update on incident 1001"
	passes(t, e, st, now, now.Add(6*time.Minute))
	if _, err := other.Tick(t.Context(), now.Add(6*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if ben, ana := texted(p, "ben", words+" is due now"), texted(p, "ana", words); ben != 1 || ana != 0 {
		t.Errorf("when it is due: ben %d times, ana %d times: %q", ben, ana, p.texts())
	}
	passes(t, e, st, now.Add(6*time.Minute), now.Add(16*time.Minute))
	if ben, ana := texted(p, "ben", words+" is late by 10 min"), texted(p, "ana", words+" is late by 10 min"); ben != 1 || ana != 1 {
		t.Errorf("when it is late: ben %d times, ana %d times: %q", ben, ana, p.texts())
	}
	lines, err := e.Checklist(t.Context(), 1001)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		if l.ID == "stakeholders" && (!l.Done || !l.At.Equal(now)) {
			t.Errorf("the checklist does not know it: %+v", l)
		}
	}
}

func TestNobodyIsToldThatItIsOverBeforeItIs(t *testing.T) {
	st := memstore.New()
	e, _ := office(t, st)
	fires(t, e, "Down", "SEV-1", start())
	acks(t, e, "ana", start().Add(time.Minute), 1001)
	over := update.Post{By: "ana", State: update.Resolved, To: update.Customers, Text: "It is over."}
	_, _, err := e.PostUpdate(t.Context(), 1001, over, "", start().Add(2*time.Minute))
	if refusal := (*engine.Refusal)(nil); !errors.As(err, &refusal) {
		t.Fatalf("%v", err)
	}
	if _, err := e.Incident(t.Context(), 1001, incident.Resolve{By: "ana"}, "", start().Add(3*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if l, _, err := e.PostUpdate(t.Context(), 1001, over, "", start().Add(4*time.Minute)); err != nil || !l.Promised.IsZero() {
		t.Errorf("%+v, %v", l, err)
	}
}

// TestCustomersReadNothingThatOnlyTheTeamMayKnow: names, numbers, the incident's summary and cause stay inside.
func TestCustomersReadNothingThatOnlyTheTeamMayKnow(t *testing.T) {
	e, _ := office(t, memstore.New())
	in := incident.Incident{Number: 1042, Severity: alert.SEV1, Service: "check\nout", Summary: "db-7.internal is down", Commander: "ana",
		RootCause: "a bad key", WarRoom: "https://meet.example.com/1042", DetectedAt: start()}
	for _, c := range []struct {
		to   update.Audience
		want bool
	}{{update.Stakeholders, true}, {update.Customers, false}} {
		for _, s := range []update.State{update.Investigating, update.Identified, update.Monitoring, update.Resolved} {
			u := update.Make(update.Post{By: "ben", State: s, To: c.to, Text: "Payments fail for some.", Next: 40 * time.Minute}, start())
			text, err := e.UpdateText(in, u)
			if err != nil || !strings.Contains(text, "Payments fail for some.") || strings.Contains(text, "03:40") == (s == update.Resolved) {
				t.Fatalf("%v %q", err, text)
			}
			for _, private := range []string{"1042", "check", "db-7", "ana", "SEV"} {
				if strings.Contains(text, private) != c.want {
					t.Errorf("%s, %s: %q in %q: want %v", c.to, s, private, text, c.want)
				}
			}
			if strings.Contains(text, "bad key") || strings.Contains(text, "ben") {
				t.Errorf("%s: %q", c.to, text)
			}
		}
	}
}

// TestTheChecklistBelievesTheStatusPageOnlyWhereThereIsOne: without a component for the service no status page says anything,
// and what was over and is told of again is not over.
func TestTheChecklistBelievesTheStatusPageOnlyWhereThereIsOne(t *testing.T) {
	for name, c := range map[string]struct {
		components map[string]string
		states     []update.State
		want       string
	}{
		"no status page":              {nil, []update.State{update.Identified, update.Resolved}, ""},
		"another service's component": {map[string]string{"search": "Search"}, []update.State{update.Identified, update.Resolved}, ""},
		"disturbed":                   {map[string]string{"checkout": "Payments"}, []update.State{update.Identified}, "status-page"},
		"over":                        {map[string]string{"checkout": "Payments"}, []update.State{update.Identified, update.Resolved}, "status-page status-page-over"},
		"not over after all":          {map[string]string{"checkout": "Payments"}, []update.State{update.Resolved, update.Identified}, "status-page"},
	} {
		st := memstore.New()
		e := showing(t, st, c.components)
		fires(t, e, "Down", "SEV-1", start())
		now := start().Add(time.Minute)
		acks(t, e, "ana", now, 1001)
		if _, err := e.Incident(t.Context(), 1001, incident.Resolve{By: "ana"}, "", now); err != nil {
			t.Fatal(err)
		}
		for _, state := range c.states {
			now = now.Add(time.Minute)
			if _, _, err := e.PostUpdate(t.Context(), 1001, update.Post{By: "ana", State: state, To: update.Customers, Text: "Cards are refused."}, "", now); err != nil {
				t.Fatal(err)
			}
		}
		lines, err := e.Checklist(t.Context(), 1001)
		if err != nil {
			t.Fatal(err)
		}
		var ticked []string
		for _, l := range lines {
			if l.Done && strings.HasPrefix(l.ID, "status-page") {
				ticked = append(ticked, l.ID)
			}
		}
		if got := strings.Join(ticked, " "); got != c.want {
			t.Errorf("%s: ticked %q, want %q", name, got, c.want)
		}
	}
}
