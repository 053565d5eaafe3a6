package rig

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Build builds pagerd into a file. flags are those of go build.
func Build(ctx context.Context, to string, flags ...string) error {
	args := append([]string{"build", "-trimpath", "-o", to}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, "pagerd/cmd/pagerd")...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build pagerd: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// Mutation is a change of pagerd's source for one build: the old text must stand in the file exactly once.
type Mutation struct {
	File     string // from the module's root
	Old, New string
}

// Apply returns the changed text of the file.
func (m Mutation) Apply(text string) (string, error) {
	if n := strings.Count(text, m.Old); n != 1 {
		return "", fmt.Errorf("mutate %s: the text to change stands there %d times, not once: the mutation must follow the code:\n%s", m.File, n, m.Old)
	}
	return strings.Replace(text, m.Old, m.New, 1), nil
}

// Mutate builds pagerd with mutations into a file. The source itself stays as it is.
func Mutate(ctx context.Context, to string, mutations []Mutation) error {
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	changed := map[string]string{}
	for _, m := range mutations {
		path := filepath.Join(root, m.File)
		text, ok := changed[path]
		if !ok {
			b, err := os.ReadFile(path)
			if err != nil {
				return fmt.Errorf("mutate: %w", err)
			}
			text = string(b)
		}
		if changed[path], err = m.Apply(text); err != nil {
			return err
		}
	}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	dir := to + ".source"
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("mutate: %w", err)
	}
	for path, text := range changed {
		mutant := filepath.Join(dir, strings.ReplaceAll(strings.TrimPrefix(path, root+"/"), "/", "_"))
		if err := os.WriteFile(mutant, []byte(text), 0o600); err != nil {
			return fmt.Errorf("mutate: %w", err)
		}
		overlay.Replace[path] = mutant
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		return fmt.Errorf("mutate: %w", err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return fmt.Errorf("mutate: %w", err)
	}
	return Build(ctx, to, "-overlay", file)
}

func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "pagerd").Output()
	if err != nil {
		return "", fmt.Errorf("find the module's root: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}
