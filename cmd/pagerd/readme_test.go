package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"pagerd/config"
	"pagerd/gateway/scenario"
)

// block returns what the README shows in a fenced block with this heading.
func block(t *testing.T, heading string) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "```"+heading+"\n")
	if !ok {
		t.Fatalf("the README has no block %q", heading)
	}
	body, _, _ := strings.Cut(rest, "```\n")
	return body
}

func TestReadmeShowsTheConfigurationThatInitWrites(t *testing.T) {
	if got := block(t, "yaml pagerd.yaml"); got != string(config.Example) {
		t.Errorf("the README's configuration differs from what config init writes")
	}
}

func TestReadmesScenarioPassesWithItsConfiguration(t *testing.T) {
	cfg, err := config.Parse("pagerd.yaml", []byte(block(t, "yaml pagerd.yaml")), pretend)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := scenario.Run(context.Background(), scenario.Options{File: "README.md", Script: []byte(block(t, "scenario")), Config: cfg, Out: &out}); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
}

func TestReadmesReadersAreValid(t *testing.T) {
	reports := strings.NewReplacer("emil", "dora", "team:platform", "ben").Replace(block(t, "yaml reports")) // people that the first file has not
	cfg, err := config.Parse("pagerd.yaml", []byte(block(t, "yaml pagerd.yaml")+block(t, "yaml told")+block(t, "yaml tracker")+reports), pretend)
	if err != nil || len(cfg.Stakeholders["checkout"]) != 2 || !cfg.StatusPage.Subscribe || len(cfg.Reports.Readers) != 4 || cfg.Incidents.Tracker.URL == "" {
		t.Errorf("%v %v", cfg, err)
	}
}

func TestReadmesSharedStoreIsValid(t *testing.T) {
	cfg, err := config.Parse("pagerd.yaml", []byte(block(t, "yaml pagerd.yaml")+block(t, "yaml store")), pretend)
	if err != nil {
		t.Fatal(err)
	}
	if r := cfg.Store.Redis; r == nil || len(r.Addresses) != 1 || r.Relaxed {
		t.Errorf("the README's store is %+v", cfg.Store)
	}
}

func TestReadmesSourcesAreValid(t *testing.T) {
	text := strings.Replace(block(t, "yaml pagerd.yaml"), "sources:\n", block(t, "yaml sources"), 1)
	if _, err := config.Parse("pagerd.yaml", []byte(text), pretend); err != nil {
		t.Error(err)
	}
	var am struct {
		Receivers []struct {
			Webhooks []struct{ URL string } `yaml:"webhook_configs"`
		}
	}
	if err := yaml.Unmarshal([]byte(block(t, "yaml alertmanager.yml")), &am); err != nil {
		t.Fatal(err)
	}
	if got := am.Receivers[0].Webhooks[0].URL; !strings.HasSuffix(got, "/v1/alertmanager/prod") {
		t.Errorf("Alertmanager would post to %s", got)
	}
}

// TestReadmesCommandsWork runs the commands of the README that need nothing but the binary and the files that it shows.
func TestReadmesCommandsWork(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "bin", "pagerd")
	build := exec.Command("go", "build", "-o", binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	if err := os.WriteFile(filepath.Join(dir, "night.scenario"), []byte(block(t, "scenario")), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, line := range regexp.MustCompile(`(?m)^bin/pagerd .*$`).FindAllString(string(text), -1) {
		line, _, _ = strings.Cut(line, "#")
		args := strings.Fields(line)[1:]
		if args[0] == "serve" {
			continue // the end-to-end tests serve
		}
		cmd := exec.Command(binary, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PAGERD_SOURCE_TOKEN=x", "TWILIO_ACCOUNT_SID=AC0", "TWILIO_AUTH_TOKEN=x", "SMTP_PASSWORD=x", "PAGERD_TOKEN=x")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
		ran++
	}
	if ran < 3 {
		t.Errorf("only %d commands of the README ran", ran)
	}
}
