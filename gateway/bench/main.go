// Command bench measures a real pagerd process: durable webhooks per second, the way from an accepted alert to the
// provider's first byte, start-up time and memory, beside the machine's raw fdatasync rate in the same run.
//
// It promises that every figure comes from a whole process over real connections with every alert durable before its
// 2xx. The load comes from the same machine and shares its cores.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

func main() {
	seconds := flag.Int("seconds", 5, "length of each throughput measurement")
	pages := flag.Int("pages", 10_000, "open pages for the memory figure")
	binary := flag.String("binary", "", "pagerd binary to measure; empty: build it from this module")
	store := flag.String("store", "bolt", "bolt, redis, or redis-wait (with a replica that must have every commit)")
	only := flag.String("only", "", "measure only this part: start, throughput, groups, latency or memory; empty: all")
	flag.Parse()
	if err := run(*binary, *store, *only, time.Duration(*seconds)*time.Second, *pages); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// subject is what is measured: a binary with a kind of store.
type subject struct {
	dir    string
	binary string
	// store is the part of the configuration that says where a fresh daemon keeps its things.
	store func(data string) string
}

func run(binary, store, only string, length time.Duration, pages int) error {
	dir, err := os.MkdirTemp("", "pagerd-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if binary == "" {
		binary = filepath.Join(dir, "pagerd")
		build := exec.Command("go", "build", "-trimpath", "-o", binary, "pagerd/cmd/pagerd")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("build pagerd: %w", err)
		}
	}
	fmt.Printf("machine: %d cores, %s/%s, %s\n", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	s := subject{dir: dir, binary: binary}
	baseline := func() error { return rawSync(dir) }
	switch store {
	case "bolt":
		s.store = func(data string) string { return fmt.Sprintf("store: {path: %q}\n", filepath.Join(data, "pagerd.db")) }
	case "redis", "redis-wait":
		r, err := startRedis(dir, store == "redis-wait")
		if err != nil {
			return err
		}
		defer r.stop()
		s.store, baseline = r.settings, func() error { return r.bare(length) }
	default:
		return fmt.Errorf("store %q: want bolt, redis or redis-wait", store)
	}
	if err := baseline(); err != nil {
		return err
	}
	for _, part := range []struct {
		name string
		run  func(subject) error
	}{
		{"start", startUp},
		{"throughput", func(s subject) error { return throughput(s, length) }},
		{"groups", func(s subject) error { return grouped(s, length) }},
		{"latency", latency},
		{"memory", func(s subject) error { return memory(s, pages) }},
	} {
		if only != "" && part.name != only {
			continue
		}
		if err := part.run(s); err != nil {
			return err
		}
	}
	return baseline()
}

// rawSync appends 4 KiB and calls fdatasync, one after the other: what one writer could commit at most.
func rawSync(dir string) error {
	f, err := os.Create(filepath.Join(dir, "raw"))
	if err != nil {
		return err
	}
	defer f.Close()
	block := make([]byte, 4096)
	var took []time.Duration
	for start := time.Now(); time.Since(start) < 2*time.Second; {
		t := time.Now()
		if _, err := f.Write(block); err != nil {
			return err
		}
		if err := fdatasync(f); err != nil {
			return err
		}
		took = append(took, time.Since(t))
	}
	p := percentiles(took)
	fmt.Printf("raw fdatasync of 4 KiB appends: %d/s  p50 %s  p99 %s\n", len(took)/2, p.p50, p.p99)
	return nil
}
