// Command mutate plants one bug after the other into a copy of pagerd and asks the simulator for it.
//
// It promises that nothing of the working tree is changed, and to exit with 0 only when every bug was found in time by a
// broken rule.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	dir := flag.String("mutations", "gateway/sim/mutations", "directory of the mutations")
	only := flag.String("only", "", "names of some, separated by commas; empty = all")
	limit := flag.Duration("limit", time.Minute, "how long the simulator may take for each")
	flag.Parse()
	found, err := run(*dir, *only, *limit)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(2)
	}
	if !found {
		os.Exit(1)
	}
}

func run(dir, only string, limit time.Duration) (bool, error) {
	root, err := os.Getwd()
	if err != nil {
		return false, err
	}
	all, err := load(dir)
	if err != nil {
		return false, err
	}
	work, err := os.MkdirTemp("", "pagerd-mutate-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(work)
	// A seed is played by one worker, so that the number of seeds means something.
	fmt.Printf("%-26s %8s %8s  %s\n", "mutation", "seeds", "seconds", "found by")
	ok, missed := 0, []string{}
	for _, m := range all {
		if only != "" && !strings.Contains(","+only+",", ","+m.name+",") {
			continue
		}
		binary, err := m.build(root, work)
		if err != nil {
			return false, err
		}
		f, err := search(binary, m, limit)
		if err != nil {
			return false, err
		}
		if f.rule == "" {
			missed = append(missed, m.name)
			fmt.Printf("%-26s %8s %8.1f  NOT FOUND: %s\n", m.name, "-", limit.Seconds(), m.rule)
			continue
		}
		ok++
		fmt.Printf("%-26s %8d %8.1f  %s\n", m.name, f.seeds, f.took.Seconds(), f.rule)
	}
	fmt.Printf("\n%d of %d planted bugs found\n", ok, ok+len(missed))
	return ok > 0 && len(missed) == 0, nil
}

// build compiles the simulator with the bug in it.
func (m mutation) build(root, work string) (string, error) {
	text, err := m.apply(root)
	if err != nil {
		return "", err
	}
	mutant, overlay, binary := filepath.Join(work, "mutant.go"), filepath.Join(work, "overlay.json"), filepath.Join(work, "simulate")
	replaced, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, m.file): mutant}})
	if err != nil {
		return "", err
	}
	if err := errors.Join(os.WriteFile(mutant, []byte(text), 0o600), os.WriteFile(overlay, replaced, 0o600)); err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-overlay", overlay, "-o", binary, "pagerd/gateway/sim/simulate")
	build.Dir, build.Stderr = root, os.Stderr
	if err := build.Run(); err != nil {
		return "", fmt.Errorf("mutation %s does not compile: %w", m.name, err)
	}
	return binary, nil
}

// finding is how the simulator found a bug; an empty rule: it did not.
type finding struct {
	seeds int
	took  time.Duration
	rule  string
}

// search plays seeds until a rule is broken or the time is over.
func search(binary string, m mutation, limit time.Duration) (finding, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	began := time.Now()
	play := exec.CommandContext(ctx, binary, append([]string{"-seeds", "1000000", "-workers", "1", "-shrink", "0"}, strings.Fields(m.args)...)...)
	out, err := play.StdoutPipe()
	if err != nil {
		return finding{}, err
	}
	if err := play.Start(); err != nil {
		return finding{}, fmt.Errorf("play mutation %s: %w", m.name, err)
	}
	var f finding
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if f.rule != "" {
			continue
		}
		if _, err := fmt.Sscanf(lines.Text(), "seed %d breaks a rule:", &f.seeds); err == nil {
			_, f.rule, _ = strings.Cut(lines.Text(), ": ")
			f.took = time.Since(began)
			cancel()
		}
	}
	_ = play.Wait() // it was stopped, or says with its exit code what its output says
	return f, nil
}
