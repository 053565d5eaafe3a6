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
	theirs := strings.Split(strings.TrimSpace(string(out)), "\n")
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
