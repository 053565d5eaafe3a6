package engine_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/report"
	"pagerd/gateway/store/memstore"
)

// TestAMonthOfRealIncidentsIsComputedTheSameByOtherTools: a drill, a merged, a dismissed, a reopened, an unacknowledged and an
// open incident go through the machines, and Debian's sqlite3 computes the figures from the export with a script that shares
// no code.
func TestAMonthOfRealIncidentsIsComputedTheSameByOtherTools(t *testing.T) {
	st := memstore.New()
	e, _ := office(t, st)
	now := start()
	do := func(number int64, ev incident.Event) {
		t.Helper()
		if _, err := e.Incident(t.Context(), number, ev, "", now); err != nil {
			t.Fatalf("incident %d: %T: %v", number, ev, err)
		}
	}
	wait := func(d time.Duration) { now = passes(t, e, st, now, now.Add(d)) }
	send := func(name, severity string, status alert.Status) {
		t.Helper()
		b := batch(name)
		a := &b.Alerts[0]
		a.Labels["severity"], a.Status, a.StartsAt = severity, status, now
		if status == alert.Resolved {
			a.StartsAt, a.EndsAt = now.Add(-time.Second), now
		}
		if err := e.Accept(t.Context(), b, now); err != nil {
			t.Fatal(err)
		}
	}
	begin := func(name, severity string) { send(name, severity, alert.Firing) }
	over := func(name, severity string) { send(name, severity, alert.Resolved) }
	begin("Plain", "SEV-1") // 1001
	wait(3 * time.Minute)
	acks(t, e, "ana", now, 1001)
	do(1001, incident.Describe{By: "ana", ImpactAt: now.Add(-20 * time.Minute)})
	wait(7 * time.Minute)
	do(1001, incident.SetPhase{By: "ana", To: incident.PhaseInvestigation})
	wait(13 * time.Minute)
	do(1001, incident.Resolve{By: "ana", Channel: "cli"})

	begin("Again", "SEV-2") // 1002
	wait(time.Minute)
	acks(t, e, "ben", now, 1002)
	wait(time.Minute)
	over("Again", "SEV-2")
	do(1002, incident.Resolve{By: "ben", Channel: "cli"})
	wait(2 * time.Minute)
	begin("Again", "SEV-2") // it was not over
	wait(time.Hour)
	do(1002, incident.Resolve{By: "ben", Channel: "cli"})

	begin("Whole", "SEV-2") // 1003, and 1004 becomes part of it
	begin("Part", "SEV-2")
	wait(time.Minute)
	acks(t, e, "ana", now, 1003)
	acks(t, e, "ben", now, 1004)
	if _, err := e.Merge(t.Context(), 1004, 1003, page.Actor{Person: "ben", Channel: "cli"}, now); err != nil {
		t.Fatal(err)
	}
	wait(time.Minute)
	do(1003, incident.Resolve{By: "ben", Channel: "cli"})

	for _, name := range []string{"Nobody", "Nothing"} { // 1005 and 1006: both end before anybody answers
		begin(name, "SEV-1")
		wait(90 * time.Second)
		over(name, "SEV-1")
		wait(time.Minute)
	}
	do(1006, incident.Dismiss{By: "ana", Channel: "cli", Reason: "a test of the alert"})

	if _, err := e.Drill(t.Context(), exercise(alert.SEV2), now); err != nil { // 1007
		t.Fatal(err)
	}
	wait(time.Minute)
	acks(t, e, "ana", now, 1007)
	begin("Open", "SEV-3") // 1008
	wait(time.Minute)
	acks(t, e, "ana", now, 1008)

	facts, err := e.Facts(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, f := range facts.Incidents {
		for word, is := range map[string]bool{"drill": f.Drill, "merged": f.Merged != 0, "dismissed": f.Status == incident.Dismissed, "candidate": f.Status == incident.Candidate,
			"reopened": f.Reopened > 0, "unacknowledged": f.AckedAt.IsZero(), "open": f.Status == incident.Open, "impact": !f.ImpactAt.IsZero(), "triaged": !f.TriagedAt.IsZero()} {
			kinds[word] = kinds[word] || is
		}
	}
	if len(facts.Incidents) != 8 || slices.Contains(slices.Collect(maps.Values(kinds)), false) {
		t.Fatalf("%d incidents, of these kinds: %v", len(facts.Incidents), kinds)
	}
	ours, theirs := figureRows(report.Compute(facts.Incidents)), sqliteRows(t, facts)
	if !slices.Equal(ours, theirs) || len(ours) < 15 {
		t.Errorf("we say\n%s\nthey say\n%s", strings.Join(ours, "\n"), strings.Join(theirs, "\n"))
	}
}

// figureRows writes figures as the script does.
func figureRows(f report.Figures) (out []string) {
	for _, part := range []struct {
		kind   string
		groups []report.Group
	}{{"all", []report.Group{f.All}}, {"month", f.ByMonth}, {"service", f.ByService}, {"severity", f.BySeverity}} {
		for _, g := range part.groups {
			for _, c := range []struct {
				name string
				report.Figure
			}{{"MTBF", g.Between}, {"MTTA", g.Acknowledge}, {"MTTD", g.Detect}, {"MTTI", g.Investigate}, {"MTTR", g.Resolve}} {
				if c.N > 0 {
					out = append(out, fmt.Sprintf("%s|%s|%d|%d|%s|%d|%d|%d|%d|%d|%d", part.kind, g.Name, g.Count, g.Open, c.name, c.N, c.Mean, c.P50, c.P90, c.Within, c.Targeted))
				}
			}
		}
	}
	return out
}

// sqliteRows lets sqlite3 compute them from the export.
func sqliteRows(t *testing.T, facts report.Facts) []string {
	t.Helper()
	script, err := os.ReadFile("../report/testdata/figures.sql")
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(facts)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "facts.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sqlite3", "-bail", "-separator", "|", ":memory:")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(string(script))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s (`make neighbours` installs sqlite3)", err, out)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}
