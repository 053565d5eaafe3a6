package boltstore

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/timeline"
)

// crashFile names the file of the process that is to be killed.
const crashFile = "PAGERD_CRASH_FILE"

// TestCrashingProcess is no test of its own: TestKilledProcessKeepsWhatItAcknowledged runs it in a process of its own and
// kills that. Each of its writers makes a page and changes it twice, over and over, and says so once it is acknowledged.
func TestCrashingProcess(t *testing.T) {
	path := os.Getenv(crashFile)
	if path == "" {
		return
	}
	s, err := Open(Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	var writers sync.WaitGroup
	for range 32 {
		writers.Go(func() {
			for {
				if err := writePage(s); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	writers.Wait()
}

func writePage(s *Store) error {
	ctx, now := context.Background(), time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	n, err := s.NextNumber(ctx)
	if err != nil {
		return err
	}
	c := benchChange(n, now)
	for version := 1; version <= 3; version++ {
		if version > 1 {
			c = foldChange(*c.Page, version, 3, now)
		}
		if version == 3 {
			c.Page.Status, c.Page.ResolvedAt, c.Page.Due = page.Resolved, now, time.Time{}
		}
		if err := s.Commit(ctx, c); err != nil {
			return err
		}
		if _, err := fmt.Printf("acknowledged %d %d\n", n, version); err != nil {
			return err
		}
	}
	return nil
}

func TestKilledProcessKeepsWhatItAcknowledged(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	path := filepath.Join(t.TempDir(), "pagerd.db")
	acked := map[int64]int64{}
	for range 10 {
		round := runAndKill(t, path, 1+r.IntN(1500))
		for n, version := range round {
			if acked[n] != 0 {
				t.Fatalf("number %d was handed out again after a crash", n)
			}
			acked[n] = version
		}
		checkAfterCrash(t, path, acked)
	}
	t.Logf("%d pages", len(acked))
}

// runAndKill kills the process once it has acknowledged some changes, and returns all that it acknowledged.
func runAndKill(t *testing.T, path string, after int) map[int64]int64 {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestCrashingProcess$", "-test.v")
	cmd.Env = append(os.Environ(), crashFile+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	acked := map[int64]int64{}
	lines := bufio.NewScanner(out)
	for count := 0; lines.Scan(); {
		var n, version int64
		if _, err := fmt.Sscanf(lines.Text(), "acknowledged %d %d", &n, &version); err != nil {
			continue // what the test binary itself says
		}
		acked[n] = max(acked[n], version)
		if count++; count == after {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the process ended by itself")
	}
	return acked
}

func checkAfterCrash(t *testing.T, path string, acked map[int64]int64) {
	t.Helper()
	s := open(t, Options{Path: path})
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	ctx, seen := context.Background(), map[int64]int64{}
	for before := int64(0); ; {
		pages, err := s.Pages(ctx, store.Filter{Before: before})
		if err != nil {
			t.Fatal(err)
		}
		if len(pages) == 0 {
			break
		}
		for _, p := range pages {
			before, seen[p.Number] = p.Number, p.Version
			checkWhole(t, s, p)
		}
	}
	for n, version := range acked {
		if seen[n] < version {
			t.Errorf("page %d: version %d was acknowledged, %d is there", n, version, seen[n])
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// checkWhole checks that all of a page's changes are there as a whole.
func checkWhole(t *testing.T, s *Store, p page.Page) {
	t.Helper()
	ctx := context.Background()
	entries, err := s.Timeline(ctx, fmt.Sprintf("page/%d", p.Number))
	if err == nil {
		err = timeline.Verify(entries, p.Head)
	}
	if err != nil || int64(len(entries)) != p.Version {
		t.Errorf("page %d version %d with %d entries: %v", p.Number, p.Version, len(entries), err)
	}
	states, err := s.PageAlerts(ctx, p.Number, 100)
	if err != nil || len(states) != p.Total {
		t.Errorf("page %d has %d of %d alerts: %v", p.Number, len(states), p.Total, err)
	}
	if d, err := s.Delivery(ctx, page.SendID(p.Number, 1)); err != nil || d.State != store.Pending {
		t.Errorf("delivery of page %d: %v", p.Number, err)
	}
	again := benchChange(p.Number, p.TriggeredAt)
	if got, err := s.Group(ctx, again.Page.Group); err != nil || got.Number != p.Number {
		t.Errorf("group of page %d: %v", p.Number, err)
	}
}
