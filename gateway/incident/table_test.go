package incident

import (
	"testing"

	"pagerd/gateway/alert"
)

// statuses gives an incident in each status, by the way that leads there.
func statuses(t *testing.T) map[Status]Incident {
	t.Helper()
	candidate := promote(1042, alert.SEV1, "")
	candidate.Candidate = true
	out := map[Status]Incident{"": {Number: 1042}}
	for _, events := range [][]Event{{candidate}, {promote(1042, alert.SEV1, "ana")}, {promote(1042, alert.SEV1, "ana"), Mitigate{By: "ana"}},
		{promote(1042, alert.SEV1, "ana"), Resolve{By: "ana"}}, {candidate, Dismiss{By: "ana", Reason: "a test"}}} {
		in, _ := life(t, events...)
		out[in.Status] = in
	}
	if len(out) != 6 {
		t.Fatalf("reached %d statuses", len(out))
	}
	return out
}

// TestEveryEventInEveryStatus is the whole machine as one table: what becomes of the status, and what is answered.
// A dash means that nothing is to be stored.
func TestEveryEventInEveryStatus(t *testing.T) {
	again := promote(1042, alert.SEV1, "ben")
	candidate := again
	candidate.Candidate = true
	all := []struct {
		name  string
		event Event
		want  map[Status]string // status after, and answer
	}{
		{"promote", again, map[Status]string{"": "open", Candidate: "open", Open: "-", Mitigated: "-", Resolved: "open", Dismissed: "open"}},
		{"candidate", candidate, map[Status]string{"": "candidate", Candidate: "-", Open: "-", Mitigated: "-", Resolved: "-", Dismissed: "-"}},
		{"page over", PageOver{Page: 1042, Last: true}, map[Status]string{"": "-", Candidate: "-", Open: "open", Mitigated: "mitigated", Resolved: "-", Dismissed: "-"}},
		{"page over, may end", PageOver{Page: 1042, Last: true, May: true}, map[Status]string{"": "-", Candidate: "-", Open: "open", Mitigated: "mitigated", Resolved: "-", Dismissed: "-"}},
		{"another's page over", PageOver{Page: 7, Last: true}, map[Status]string{"": "-", Candidate: "-", Open: "-", Mitigated: "-", Resolved: "-", Dismissed: "-"}},
		{"mitigate", Mitigate{By: "ben"}, map[Status]string{"": "- already_resolved", Candidate: "mitigated mitigated", Open: "mitigated mitigated",
			Mitigated: "- already_mitigated", Resolved: "- already_resolved", Dismissed: "- already_resolved"}},
		{"resolve", Resolve{By: "ben"}, map[Status]string{"": "- already_resolved", Candidate: "resolved resolved", Open: "resolved resolved",
			Mitigated: "resolved resolved", Resolved: "- already_resolved", Dismissed: "- already_resolved"}},
		{"dismiss", Dismiss{By: "ben", Reason: "a test"}, map[Status]string{"": "- refused", Candidate: "dismissed dismissed", Open: "- refused",
			Mitigated: "- refused", Resolved: "- refused", Dismissed: "- refused"}},
		{"lowered", Raised{To: alert.SEV3, By: "ben"}, map[Status]string{"": "-", Candidate: "candidate", Open: "open", Mitigated: "mitigated", Resolved: "resolved", Dismissed: "dismissed"}},
		{"the same severity", Raised{To: alert.SEV1, By: "ben"}, map[Status]string{"": "-", Candidate: "-", Open: "-", Mitigated: "-", Resolved: "-", Dismissed: "-"}},
	}
	for status, in := range statuses(t) {
		for _, c := range all {
			next, fx := Next(in, c.event, at(30))
			got := string(next.Status)
			if !fx.Changed {
				got = "-"
			}
			if fx.Answer != "" {
				got += " " + string(fx.Answer)
			}
			if got != c.want[status] {
				t.Errorf("%s in status %q: %q, want %q", c.name, status, got, c.want[status])
			}
			if fx.Changed && (fx.Entry.What == "" || fx.Entry.Text == "" || fx.Entry.Actor == "") {
				t.Errorf("%s in status %q leaves no entry: %+v", c.name, status, fx.Entry)
			}
		}
	}
}

// TestAnIncidentThatOpensAgainIsNotMitigated: the figures would say that users were well before it was over.
func TestAnIncidentThatOpensAgainIsNotMitigated(t *testing.T) {
	in, _ := life(t, promote(1042, alert.SEV2, "ana"), Mitigate{By: "ana"}, Resolve{By: "ana"}, promote(1042, alert.SEV2, "ben"))
	if in.Status != Open || !in.MitigatedAt.IsZero() || !in.ResolvedAt.IsZero() || in.Commander != "ana" || !in.AcknowledgedAt.Equal(at(1)) {
		t.Errorf("%+v", in)
	}
}

// TestTheFirstWhoActsOnACandidateLeadsIt: somebody who says that users are well again has taken it.
func TestTheFirstWhoActsOnACandidateLeadsIt(t *testing.T) {
	candidate := promote(1042, alert.SEV1, "")
	candidate.Candidate = true
	in, _ := life(t, candidate, Mitigate{By: "ana", Channel: "web"})
	if in.Commander != "ana" || !in.MitigatedAt.Equal(at(2)) {
		t.Errorf("%+v", in)
	}
	in, fx := life(t, candidate, Mitigate{By: "ana", Channel: "web"}, Resolve{By: "ben", Channel: "sms"})
	if in.Commander != "ana" || fx.Entry.Facts["channel"] != "sms" {
		t.Errorf("%+v %+v", in, fx.Entry)
	}
}

// TestAnErrandIsDueSinceItWaits, and not since somebody last did something: what is due for hours would say that pagerd is
// late by hours.
func TestAnErrandIsDueSinceItWaits(t *testing.T) {
	in, _ := life(t, promote(1042, alert.SEV3, "ana"), Call{By: "ana", Target: "person:ben", People: []string{"ben"}})
	in, _ = Next(in, Rung{Errand: in.Errands[0], Page: 1043}, at(3))
	in, _ = Next(in, PageOver{Page: 1042, Last: true, May: true}, at(50))
	if in.Status != Resolved || in.DueFor != TimerErrand || !in.Due.Equal(at(50)) {
		t.Errorf("%s, due at %s for %s", in.Status, in.Due, in.DueFor)
	}
	if in, _ = Next(in, ErrandDone{Errand: in.Errands[0]}, at(51)); !in.Due.IsZero() {
		t.Errorf("due at %s for %s", in.Due, in.DueFor)
	}
}
