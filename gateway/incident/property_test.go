package incident

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"pagerd/gateway/alert"
)

// someEvent draws any event at all, sensible or not.
func someEvent(t *rapid.T, in Incident, now time.Time) Event {
	who := rapid.SampledFrom([]string{"", "ana", "ben", "eva"}).Draw(t, "who")
	other := rapid.SampledFrom([]string{"ana", "ben", "eva"}).Draw(t, "other")
	page := int64(1040 + rapid.IntRange(0, 5).Draw(t, "page"))
	number := int64(1038 + rapid.IntRange(0, 8).Draw(t, "number"))
	sev := alert.Severity(rapid.IntRange(1, 4).Draw(t, "severity"))
	yes := rapid.Bool().Draw(t, "yes")
	opens := now
	if rapid.Bool().Draw(t, "night") {
		opens = now.Add(time.Duration(rapid.IntRange(1, 14).Draw(t, "hours")) * time.Hour)
	}
	p := Promote{Page: page, Severity: sev, Service: "checkout", Summary: "5xx", Triggered: now.Add(-time.Minute), By: who, Candidate: yes,
		Targets: DefaultTargets(sev), Opens: opens}
	errand := Errand{}
	if len(in.Errands) > 0 {
		errand = rapid.SampledFrom(in.Errands).Draw(t, "errand")
	}
	from := Incident{Number: number, Status: Merged, Severity: sev, Pages: []int64{page}, DetectedAt: now, AcknowledgedAt: now, Commander: "ben",
		Called: []Called{{Person: other, Page: page, At: now}}}
	return rapid.SampledFrom([]Event{p, PageOver{Page: page, Last: yes, May: !yes, Unacknowledged: yes, Severity: sev, Triggered: now, Targets: DefaultTargets(sev)},
		Due{Opens: opens}, Due{Opens: opens}, Due{Opens: opens}, Due{Opens: opens}, Mitigate{By: who}, Resolve{By: who}, Confirm{By: who}, Dismiss{By: who, Reason: who},
		Raised{To: sev, By: who, Targets: DefaultTargets(sev)}, SetSeverity{By: who, To: sev, Targets: DefaultTargets(sev)},
		SetPhase{By: who, To: rapid.SampledFrom(AllPhases()).Draw(t, "phase")},
		Learned{By: who, RootCause: other},
		Describe{By: who, ImpactAt: now.Add(-time.Hour), RootCause: other, Security: &yes}, Note{By: who, Text: other},
		Assign{By: who, Role: rapid.SampledFrom(AllRoles()).Draw(t, "role"), Person: other, Off: yes},
		Call{By: who, Target: "db", People: []string{other}}, Rung{Errand: errand, Page: page}, Answered{Person: other, Page: page, By: who},
		Merge{By: who, Into: number}, Absorb{From: from, Targets: DefaultTargets(sev)}, MoveOut{By: who, Page: page, To: number, Over: yes},
		MoveIn{Promote: p, From: number, Open: yes}, ErrandDone{Errand: errand}, Upgrade{Targets: DefaultTargets(sev)}}).Draw(t, "event")
}

func deep(t *rapid.T, in Incident) Incident {
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out Incident
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestWhateverHappens plays random lives and holds what must hold in all of them.
func TestWhateverHappens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, now := Incident{Number: 1042}, at(0)
		for range 60 {
			if rapid.Bool().Draw(t, "wait") || in.Due.IsZero() {
				now = now.Add(time.Duration(rapid.IntRange(0, 300).Draw(t, "minutes")) * time.Minute)
			} else if in.Due.After(now) {
				now = in.Due
			}
			ev := someEvent(t, in, now)
			before := deep(t, in)
			next, fx := Next(in, ev, now)
			again, fx2 := Next(in, ev, now)
			if !reflect.DeepEqual(deep(t, in), before) {
				t.Fatalf("%T modified its input", ev)
			}
			if !reflect.DeepEqual(next, again) || !reflect.DeepEqual(fx, fx2) {
				t.Fatalf("%T gives two results", ev)
			}
			if !fx.Changed && !reflect.DeepEqual(next, in) {
				t.Fatalf("%T changed the incident and says it did not", ev)
			}
			holds(t, in, next, fx, ev, now)
			in = next
		}
	})
}

// holds checks one transition.
func holds(t *rapid.T, prev, next Incident, fx Effects, ev Event, now time.Time) {
	if (next.Status == Open || next.Status == Mitigated || next.Status == Candidate) && next.Due.IsZero() {
		t.Fatalf("%T leaves a %s incident silent for ever", ev, next.Status)
	}
	if _, due := ev.(Due); due && !prev.Due.IsZero() && !prev.Due.After(now) && prev.DueFor != TimerErrand && (!fx.Changed || next.Due.Equal(prev.Due) && next.DueFor == prev.DueFor) {
		t.Fatalf("what is due for %s stays due", prev.DueFor)
	}
	if next.Over() && !next.Due.IsZero() && next.DueFor != TimerErrand {
		t.Fatalf("%s and due for %s", next.Status, next.DueFor)
	}
	if next.Over() && fx.Remind.What != "" {
		t.Fatalf("%s and reminds of %s", next.Status, fx.Remind.What)
	}
	if next.MergedInto != 0 && (next.MergedInto >= next.Number || next.Status != Merged) {
		t.Fatalf("%s into %d", next.Status, next.MergedInto)
	}
	if prev.Status == Merged && next.Status != Merged {
		t.Fatalf("%T takes a merged incident apart", ev)
	}
	if (next.Status == Open || next.Status == Mitigated) && !slices.Equal(next.Holders(RoleCommander), slices.DeleteFunc([]string{next.Commander}, func(s string) bool { return s == "" })) {
		t.Fatalf("%s leads, and the roles say %v", next.Commander, next.Holders(RoleCommander))
	}
	if prev.Commander != "" && next.Commander == "" {
		t.Fatalf("%T leaves nobody in command", ev)
	}
	if (next.Status == Mitigated) && next.MitigatedAt.IsZero() || (next.Status == Open) && !next.MitigatedAt.IsZero() {
		t.Fatalf("%s, mitigated at %s", next.Status, next.MitigatedAt)
	}
	if (next.Status == Resolved) == next.ResolvedAt.IsZero() {
		t.Fatalf("%s, resolved at %s", next.Status, next.ResolvedAt)
	}
	if next.Status == Resolved && prev.Status != Resolved && grave(prev.Severity) && prev.Status != "" {
		switch ev.(type) {
		case Resolve, SetPhase:
		default:
			t.Fatalf("a %T ended a grave incident", ev)
		}
	}
	if fx.Changed && next.Status != "" && !slices.IsSortedFunc(next.Phases[1:], func(a, b PhaseChange) int { return a.At.Compare(b.At) }) {
		t.Fatalf("phases out of order: %v", next.Phases)
	}
	for _, b := range next.Breaches {
		if !b.Met.IsZero() && b.Met.Before(b.At) && b.Target != TargetDetect {
			t.Fatalf("made good before it was missed: %+v", b)
		}
	}
}

// TestFormat1LoadsAndItsTimersBegin: what an older program stored is looked after, and its past is held against nobody.
func TestFormat1LoadsAndItsTimersBegin(t *testing.T) {
	b, err := os.ReadFile("testdata/format-1.json")
	if err != nil {
		t.Fatal(err)
	}
	var old []Incident
	if err := json.Unmarshal(b, &old); err != nil || len(old) != 5 {
		t.Fatalf("%d incidents, %v", len(old), err)
	}
	now := old[0].DetectedAt.Add(48 * time.Hour)
	for _, in := range old {
		next, fx := Next(in, Upgrade{Targets: DefaultTargets(in.Severity)}, now)
		if !fx.Changed || next.Format != Format || len(next.Breaches) > 0 {
			t.Errorf("%s: %+v", in.Status, next)
		}
		if timed := !next.Due.IsZero(); timed == next.Over() || timed && !next.Due.After(now) {
			t.Errorf("%s is due %s", next.Status, next.Due)
		}
		if in.Commander != "" && !slices.Equal(next.Holders(RoleCommander), []string{in.Commander}) {
			t.Errorf("%s: %v lead", in.Status, next.Holders(RoleCommander))
		}
		if again, fx := Next(next, Upgrade{Targets: DefaultTargets(alert.SEV1)}, now); fx.Changed || !reflect.DeepEqual(again, next) {
			t.Errorf("%s is upgraded twice", in.Status)
		}
	}
}
