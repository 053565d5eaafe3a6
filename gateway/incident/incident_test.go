package incident

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"pagerd/gateway/alert"
)

func at(m int) time.Time { return time.Date(2026, 3, 28, 3, m, 0, 0, time.UTC) }

func promote(page int64, s alert.Severity, by string) Promote {
	return Promote{Page: page, Severity: s, Service: "checkout", Summary: "5xx", Triggered: at(0), By: by}
}

// life plays events, a minute each.
func life(t *testing.T, events ...Event) (Incident, Effects) {
	t.Helper()
	in, fx := Incident{Number: 1042}, Effects{}
	for i, ev := range events {
		in, fx = Next(in, ev, at(i+1))
	}
	return in, fx
}

func TestAnAcknowledgementBeginsAnIncidentThatTheAcknowledgerLeads(t *testing.T) {
	in, fx := life(t, promote(1042, alert.SEV2, "ana"))
	if in.Status != Open || in.Commander != "ana" || !in.DetectedAt.Equal(at(0)) || !in.AcknowledgedAt.Equal(at(1)) || fx.Entry.What != "begun" {
		t.Errorf("%+v %+v", in, fx)
	}
	in, _ = life(t, promote(1042, alert.SEV2, "ana"), promote(1043, alert.SEV1, "ben"))
	if in.Commander != "ana" || in.Severity != alert.SEV1 || !slices.Equal(in.Pages, []int64{1042, 1043}) {
		t.Errorf("with a second page: %+v", in)
	}
}

func TestAGravePageThatNobodyAcknowledgedIsACandidateThatOnlyAPersonDismisses(t *testing.T) {
	candidate := promote(1042, alert.SEV1, "")
	candidate.Candidate = true
	if in, _ := life(t, candidate); in.Status != Candidate || in.Commander != "" || !in.AcknowledgedAt.IsZero() {
		t.Errorf("%+v", in)
	}
	if in, fx := life(t, candidate, Dismiss{By: "ana"}); in.Status != Candidate || fx.Answer != "refused" {
		t.Errorf("dismissed without a reason: %+v", fx)
	}
	if in, fx := life(t, candidate, Dismiss{By: "ana", Reason: "a test"}); in.Status != Dismissed || in.Dismissal != "a test" || fx.Answer != "dismissed" {
		t.Errorf("%+v %+v", in, fx)
	}
	if in, _ := life(t, candidate, promote(1042, alert.SEV1, "ben")); in.Status != Open || in.Commander != "ben" {
		t.Errorf("acknowledged after all: %+v", in)
	}
	if in, fx := life(t, candidate, PageOver{Page: 1042, Last: true}); in.Status != Candidate || fx.Changed {
		t.Errorf("ended by itself: %+v", in)
	}
}

func TestWhenItsPagesAreOverAGraveIncidentAsksAndALightOneEnds(t *testing.T) {
	if in, fx := life(t, promote(1042, alert.SEV2, "ana"), PageOver{Page: 1042, Last: true}); in.Status != Open || !fx.AskCommander || !in.PagesOver {
		t.Errorf("SEV-2: %+v %+v", in, fx)
	}
	if in, _ := life(t, promote(1042, alert.SEV3, "ana"), PageOver{Page: 1042, Last: true, May: true}); in.Status != Resolved {
		t.Errorf("SEV-3: %+v", in)
	}
	if in, fx := life(t, promote(1042, alert.SEV2, "ana"), promote(1043, alert.SEV2, "ana"), PageOver{Page: 1042}); !fx.Changed || fx.AskCommander || fx.Entry.What != "" || in.PagesOver {
		t.Errorf("with another page open it is stored as it is, so that two last pages notice each other: %+v", fx)
	}
	in, fx := life(t, promote(1042, alert.SEV2, "ana"), PageOver{Page: 1042, Last: true}, Resolve{By: "ana"}, promote(1043, alert.SEV2, "ben"))
	if in.Status != Open || fx.Entry.What != "reopened" || !in.ResolvedAt.IsZero() || in.Commander != "ana" {
		t.Errorf("a page joins what was over: %+v %+v", in, fx)
	}
}

func TestWhatComesTooLateIsAnswered(t *testing.T) {
	open := promote(1042, alert.SEV2, "ana")
	for _, c := range []struct {
		events []Event
		want   Answer
	}{
		{[]Event{open, Mitigate{By: "ana"}}, "mitigated"},
		{[]Event{open, Mitigate{By: "ana"}, Mitigate{By: "ben"}}, "already_mitigated"},
		{[]Event{open, Resolve{By: "ana"}}, "resolved"},
		{[]Event{open, Resolve{By: "ana"}, Resolve{By: "ben"}}, "already_resolved"},
		{[]Event{open, Resolve{By: "ana"}, Mitigate{By: "ben"}}, "already_resolved"},
		{[]Event{open, Dismiss{By: "ana", Reason: "x"}}, "refused"},
	} {
		if _, fx := life(t, c.events...); fx.Answer != c.want {
			t.Errorf("%v: %q, want %q", c.events, fx.Answer, c.want)
		}
	}
}

func TestTheSeverityFollowsThePageAndOnlyPeopleLowerIt(t *testing.T) {
	if in, _ := life(t, promote(1042, alert.SEV3, "ana"), Raised{To: alert.SEV1}); in.Severity != alert.SEV1 {
		t.Errorf("raised: %s", in.Severity)
	}
	if in, _ := life(t, promote(1042, alert.SEV1, "ana"), Raised{To: alert.SEV3}); in.Severity != alert.SEV1 {
		t.Errorf("lowered by an alert: %s", in.Severity)
	}
	if in, _ := life(t, promote(1042, alert.SEV1, "ana"), Raised{To: alert.SEV3, By: "ana"}); in.Severity != alert.SEV3 {
		t.Errorf("lowered by ana: %s", in.Severity)
	}
}

// TestEveryEventIsLegalInEveryStatus plays random lives: the input is never modified, what does not change does not change
// at all, and a commander stays.
func TestEveryEventIsLegalInEveryStatus(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := Incident{Number: 1042}
		for i := range 30 {
			page := int64(1040 + rapid.IntRange(0, 5).Draw(t, "page"))
			sev := alert.Severity(rapid.IntRange(1, 4).Draw(t, "severity"))
			who := rapid.SampledFrom([]string{"", "ana", "ben"}).Draw(t, "who")
			p := promote(page, sev, who)
			p.Candidate = rapid.Bool().Draw(t, "candidate")
			ev := rapid.SampledFrom([]Event{p, PageOver{Page: page, Last: rapid.Bool().Draw(t, "last"), May: rapid.Bool().Draw(t, "may")}, Mitigate{By: who}, Resolve{By: who},
				Dismiss{By: who, Reason: who}, Raised{To: sev, By: who}}).Draw(t, "event")
			before := in
			before.Pages = slices.Clone(in.Pages)
			next, fx := Next(in, ev, at(i))
			if !reflect.DeepEqual(in, before) {
				t.Fatal("the input was modified")
			}
			if !fx.Changed && !reflect.DeepEqual(next, in) {
				t.Fatalf("%T changed the incident and says it did not", ev)
			}
			if in.Commander != "" && next.Commander != in.Commander {
				t.Fatal("the commander changed")
			}
			if (next.Status == Resolved) == next.ResolvedAt.IsZero() {
				t.Fatalf("%s with resolved at %s", next.Status, next.ResolvedAt)
			}
			if _, begins := ev.(Promote); in.Status == "" && !begins && (fx.Changed || next.Status != "") {
				t.Fatalf("%T begins an incident", ev)
			}
			if next.Status == Open && in.Status != Open && !next.MitigatedAt.IsZero() {
				t.Fatal("open again and mitigated")
			}
			if grave := in.Severity == alert.SEV1 || in.Severity == alert.SEV2; grave && next.Status == Resolved && in.Status != Resolved {
				if _, person := ev.(Resolve); !person {
					t.Fatalf("a %T ended a grave incident", ev)
				}
			}
			if next.Status == Dismissed && in.Status != Dismissed && in.Status != Candidate {
				t.Fatalf("dismissed while %s", in.Status)
			}
			in = next
		}
	})
}
