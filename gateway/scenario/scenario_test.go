package scenario

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pagerd/config"
)

// company is the configuration that the scenarios here play against.
func company(t testing.TB) *config.Config {
	t.Helper()
	cfg, err := config.Load("testdata/company.yaml", func(name string) (string, bool) { return "test-" + name, true })
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.scenario")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	cfg := company(t)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".scenario"), func(t *testing.T) {
			script, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var story strings.Builder
			if err := Run(t.Context(), Options{File: file, Script: script, Config: cfg, Out: &story, Verbose: true}); err != nil {
				t.Error(err)
			}
			if testing.Verbose() {
				t.Logf("the whole story:\n%s", story.String())
			}
		})
	}
}
