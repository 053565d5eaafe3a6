package report

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestOtherToolsComputeTheSameFromTheExport: Debian's sqlite3 with a script that shares no code gets every figure of a year
// by severity, service and month, to the second.
func TestOtherToolsComputeTheSameFromTheExport(t *testing.T) {
	facts := year(t, 2000)
	script, err := os.ReadFile("testdata/figures.sql")
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(facts)
	if err != nil {
		t.Fatal(err)
	}
	theirs := sqlite(t, string(script), data)
	ours := rows(Compute(facts.Incidents))
	if len(ours) < 100 {
		t.Fatalf("only %d figures", len(ours))
	}
	if len(theirs) != len(ours) {
		t.Errorf("sqlite3 has %d figures, we %d", len(theirs), len(ours))
	}
	for i := range min(len(ours), len(theirs)) {
		if ours[i] != theirs[i] {
			t.Errorf("we say   %s\nthey say %s", ours[i], theirs[i])
		}
	}
}

// TestTheDataOfTheCrossCheckIsSharp: a script that forgets one of the rules, or takes one where there is none, gets other figures.
func TestTheDataOfTheCrossCheckIsSharp(t *testing.T) {
	script, err := os.ReadFile("testdata/figures.sql")
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(year(t, 2000))
	if err != nil {
		t.Fatal(err)
	}
	right := strings.Join(sqlite(t, string(script), data), "\n")
	for name, change := range map[string][2]string{
		"drills":         {"NOT coalesce(value->>'drill', 0) AND ", ""},
		"merged":         {"coalesce(value->>'merged', 0) = 0 AND ", ""},
		"dismissed":      {"value->>'status' <> 'dismissed'", "1"},
		"candidates":     {"value->>'status' <> 'dismissed'", "value->>'status' NOT IN ('dismissed', 'candidate')"},
		"unacknowledged": {"value->>'detected_at' IS NOT NULL", "value->>'acknowledged_at' IS NOT NULL"},
		"reopened":       {"value->>'detected_at' IS NOT NULL", "coalesce(value->>'reopened', 0) = 0"},
	} {
		wrong := strings.Replace(string(script), change[0], change[1], 1)
		if wrong == string(script) {
			t.Errorf("%s: the script does not hold %q", name, change[0])
		}
		if strings.Join(sqlite(t, wrong, data), "\n") == right {
			t.Errorf("%s: nothing of the data depends on that rule", name)
		}
	}
}

// sqlite runs a script over exported facts and returns its lines.
func sqlite(t *testing.T, script string, facts []byte) []string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "facts.json"), facts, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sqlite3", "-bail", "-separator", "|", ":memory:")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(script)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s (`make neighbours` installs sqlite3)", err, out)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}
