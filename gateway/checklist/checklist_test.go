package checklist

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/gateway/postmortem"
)

func start() time.Time { return time.Date(2026, 3, 28, 3, 0, 0, 0, time.UTC) }

// working is an incident that ana has led since its begin.
func working(s alert.Severity) incident.Incident {
	return incident.Incident{Number: 1042, Status: incident.Open, Severity: s, Commander: "ana", AcknowledgedAt: start(),
		Phases: []incident.PhaseChange{{Phase: incident.PhaseTriage, At: start(), By: "ana"}},
		Roles:  []incident.Assignment{{Role: incident.RoleCommander, Person: "ana", From: start(), By: "ana"}}}
}

func over(s alert.Severity) incident.Incident {
	in := working(s)
	in.Status, in.ResolvedAt = incident.Resolved, start().Add(time.Hour)
	return in
}

func done(lines []Line) []string {
	return IDs(slices.DeleteFunc(slices.Clone(lines), func(l Line) bool { return !l.Done }))
}

func TestWhatPagerdKnowsIsTickedByItself(t *testing.T) {
	triaged := working(alert.SEV1)
	triaged.Phases = append(triaged.Phases, incident.PhaseChange{Phase: incident.PhaseInvestigation, At: start().Add(time.Minute), By: "ben"})
	described := over(alert.SEV1)
	described.ImpactAt, described.RootCause = start(), "a bad key"
	empty := "## Action items\n\n| # | Action | Owner | Due | Priority | Success criterion |\n|---|---|---|---|---|---|\n"
	for name, c := range map[string]struct {
		facts Facts
		want  string
	}{
		"just begun":           {Facts{Incident: working(alert.SEV1)}, "commander"},
		"stored before roles":  {Facts{Incident: incident.Incident{Status: incident.Open, Commander: "ana"}}, "commander"},
		"nobody leads":         {Facts{Incident: incident.Incident{Status: incident.Open}}, ""},
		"triaged":              {Facts{Incident: triaged}, "severity commander"},
		"noted":                {Facts{Incident: working(alert.SEV1), Noted: start()}, "commander notes"},
		"told":                 {Facts{Incident: working(alert.SEV1), Told: start()}, "commander stakeholders"},
		"all clear":            {Facts{Incident: over(alert.SEV1), Told: start(), AllClear: start()}, "commander stakeholders all-clear"},
		"on the status page":   {Facts{Incident: working(alert.SEV1), Shown: start()}, "commander status-page"},
		"over on the page":     {Facts{Incident: over(alert.SEV1), Shown: start(), ShownOver: start()}, "commander status-page status-page-over"},
		"a candidate":          {Facts{Incident: incident.Incident{Status: incident.Candidate, Commander: "ana"}}, ""},
		"described":            {Facts{Incident: described}, "commander impact root-cause"},
		"a postmortem":         {Facts{Incident: over(alert.SEV1), Postmortem: &postmortem.Postmortem{State: postmortem.Draft, Text: empty}}, "commander postmortem"},
		"a waived postmortem":  {Facts{Incident: over(alert.SEV1), Postmortem: &postmortem.Postmortem{State: postmortem.Waived, Cause: "x"}}, "commander root-cause postmortem"},
		"a scheduled review":   {Facts{Incident: over(alert.SEV1), Postmortem: &postmortem.Postmortem{State: postmortem.InReview, MeetAt: start()}}, "commander postmortem meeting"},
		"published with items": {Facts{Incident: over(alert.SEV1), Postmortem: &postmortem.Postmortem{State: postmortem.Published, Text: empty + "| | Rotate keys | ana | 2026-04-30 | P1 | No key is older than 90 days |\n"}}, "commander postmortem actions published"},
		"items that lack much": {Facts{Incident: over(alert.SEV1), Postmortem: &postmortem.Postmortem{State: postmortem.Draft, Text: empty + "| | Rotate keys | | | P1 | |\n"}}, "commander postmortem"},
	} {
		if got := strings.Join(done(View(Checklist{}, c.facts)), " "); got != c.want {
			t.Errorf("%s: ticked %q, want %q", name, got, c.want)
		}
	}
	if l := View(Checklist{}, Facts{Incident: triaged})[0]; l.By != "ben" || !l.At.Equal(start().Add(time.Minute)) {
		t.Errorf("it does not say who: %+v", l)
	}
}

func TestAPersonTicksTheRestAndTakesItBack(t *testing.T) {
	c, _ := Next(Checklist{}, Begin{Incident: 1042, Severity: alert.SEV1}, start())
	var before Checklist
	for _, step := range []struct {
		ev   Mark
		want Answer
		done bool
	}{
		{Mark{By: "ana", Item: "runbook"}, AnswerTicked, true},
		{Mark{By: "ben", Item: "runbook"}, AnswerAlready, true},
		{Mark{By: "ben", Item: "runbook", Off: true}, AnswerUnticked, false},
		{Mark{By: "ben", Item: "runbook", Off: true}, AnswerAlready, false},
		{Mark{By: "ana", Item: "severity"}, AnswerKnown, false},
		{Mark{By: "ana", Item: "published"}, AnswerKnown, false},
		{Mark{By: "ana", Item: "walk-the-dog"}, AnswerUnknown, false},
		{Mark{By: "ana", Item: "communications"}, AnswerTicked, false},
	} {
		before = c
		ticks := len(before.Ticks)
		next, fx := Next(c, step.ev, start().Add(time.Minute))
		if len(before.Ticks) != ticks {
			t.Fatalf("%+v changed what it was given", step.ev)
		}
		c = next
		lines := View(c, Facts{Incident: working(alert.SEV1)})
		if got := slices.Contains(done(lines), "runbook"); fx.Answer != step.want || got != step.done {
			t.Errorf("%+v: %s, done %v", step.ev, fx.Answer, got)
		}
		if fx.Changed != (fx.Entry.What != "") || fx.Changed && (fx.Entry.Actor != step.ev.By || fx.Entry.Facts["item"] != step.ev.Item) {
			t.Errorf("%+v: the timeline says %+v", step.ev, fx.Entry)
		}
	}
}

// TestOpenItemsAreAskedForOncePerCadence plays five days of due instants, with and without answers.
func TestOpenItemsAreAskedForOncePerCadence(t *testing.T) {
	ask := func(s alert.Severity, ticked bool) (asked []string) {
		c, _ := Next(Checklist{}, Begin{Incident: 1042, Severity: s}, start())
		for !c.Due.IsZero() && c.Due.Before(start().Add(30*24*time.Hour)) {
			now := c.Due
			f := Facts{Incident: working(s)}
			if !now.Before(start().Add(2 * time.Hour)) {
				f.Incident = over(s)
			}
			if ticked {
				for _, l := range Open(View(c, f), Lists()...) {
					c, _ = Next(c, Mark{By: "ana", Item: l.ID}, now)
				}
				f.Incident.ImpactAt = start()
				f.Incident.Phases = append(f.Incident.Phases, incident.PhaseChange{Phase: incident.PhaseInvestigation, At: start()})
			}
			next, fx := Next(c, Due{Facts: f}, now)
			if !fx.Changed || !next.Due.IsZero() && !next.Due.After(now) {
				t.Fatalf("%s at %s: due again at %s", s, now, next.Due)
			}
			if len(fx.Ask) > 0 {
				asked = append(asked, now.Sub(start()).String())
			}
			if _, again := Next(next, Due{Facts: f}, now); again.Changed {
				t.Fatalf("%s at %s: another replica asks again", s, now)
			}
			c = next
		}
		if !c.Due.IsZero() {
			t.Errorf("%s: pagerd asks for ever", s)
		}
		return asked
	}
	sev1 := ask(alert.SEV1, false)
	if want := []string{"30m0s", "1h0m0s", "1h30m0s", "25h0m0s", "49h0m0s"}; !slices.Equal(sev1[:5], want) || len(sev1) != 3+14 {
		t.Errorf("SEV-1: %v", sev1)
	}
	if sev2 := ask(alert.SEV2, false); !slices.Equal(sev2[:3], []string{"1h0m0s", "25h0m0s", "49h0m0s"}) {
		t.Errorf("SEV-2: %v", sev2)
	}
	for _, s := range []alert.Severity{alert.SEV3, alert.SEV4} {
		if got := ask(s, false); got != nil {
			t.Errorf("%s is asked for at %v", s, got)
		}
	}
	if got := ask(alert.SEV1, true); got != nil {
		t.Errorf("what is ticked is asked for at %v", got)
	}
}

func TestWhatIsLeftOfAnIncidentWaitsForWorkingHours(t *testing.T) {
	c := Checklist{Incident: 1042, Due: start().Add(25 * time.Hour)}
	opens := c.Due.Add(3 * time.Hour)
	next, fx := Next(c, Due{Facts: Facts{Incident: over(alert.SEV1)}, Opens: opens}, c.Due)
	if len(fx.Ask) > 0 || !next.Due.Equal(opens) {
		t.Fatalf("asked for %v, due %s", fx.Ask, next.Due)
	}
	if next, fx = Next(next, Due{Facts: Facts{Incident: over(alert.SEV1)}, Opens: opens}, opens); len(fx.Ask) == 0 || !next.Due.Equal(opens.Add(24*time.Hour)) {
		t.Errorf("asked for %v, due %s", fx.Ask, next.Due)
	}
	during := Checklist{Incident: 1042, Due: start().Add(30 * time.Minute)}
	if _, fx = Next(during, Due{Facts: Facts{Incident: working(alert.SEV1)}, Opens: opens}, during.Due); len(fx.Ask) == 0 {
		t.Error("an incident that lasts does not wait for the morning")
	}
}

func TestWhatWasNoIncidentIsNotAskedFor(t *testing.T) {
	for _, s := range []incident.Status{incident.Dismissed, incident.Merged} {
		in := working(alert.SEV1)
		in.Status = s
		next, fx := Next(Checklist{Due: start()}, Due{Facts: Facts{Incident: in}}, start())
		if !next.Due.IsZero() || len(fx.Ask) > 0 || len(View(next, Facts{Incident: in})) > 0 {
			t.Errorf("%s: %+v %+v", s, next, fx)
		}
	}
}

func TestIdsAreUniqueAndShortEnoughToType(t *testing.T) {
	seen := map[string]bool{}
	for _, it := range items() {
		if seen[it.id] || len(it.id) > 16 || it.text == "" || !slices.Contains(Lists(), it.list) {
			t.Errorf("%+v", it)
		}
		seen[it.id] = true
	}
}

// TestWhatWasStoredLoads: the file is never rewritten; a new format gets a new one.
func TestWhatWasStoredLoads(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("testdata", "format1.json"))
	if err != nil {
		t.Fatal(err)
	}
	var got Checklist
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	want := Checklist{Format: 1, Incident: 1042, Ticks: map[string]Tick{"runbook": {By: "ana", At: start().Add(time.Minute)}}, Due: start().Add(30 * time.Minute), Asked: 2}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}
