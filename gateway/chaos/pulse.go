package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"pagerd/gateway/chaos/judge"
)

// pulse measures the machine while a run goes on: how long a flush to its disk takes and how late its timers are. A run that
// is late on a machine that is late says little of pagerd.
type pulse struct {
	mu      sync.Mutex
	flushes []time.Duration
	wakes   []time.Duration
}

// beat is how often it measures: often enough to see a stall, too seldom to cause one.
const beat = 100 * time.Millisecond

// take measures until ctx ends. path is of a file of its own.
func (p *pulse) take(ctx context.Context, path string) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("measure the disk: %w", err)
	}
	defer f.Close() // nothing in it is wanted
	block := make([]byte, 4096)
	for {
		slept := time.Now()
		if !pause(ctx, beat) {
			return nil
		}
		woken := time.Now()
		if _, err := f.WriteAt(block, 0); err != nil {
			return fmt.Errorf("measure the disk: %w", err)
		}
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			return fmt.Errorf("measure the disk: %w", err)
		}
		p.mu.Lock()
		p.wakes = append(p.wakes, woken.Sub(slept)-beat)
		p.flushes = append(p.flushes, time.Since(woken))
		p.mu.Unlock()
	}
}

// String tells both distributions.
func (p *pulse) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Sprintf("flushes take %s ms, timers are late by %s ms", show(judge.SpreadOf(p.flushes)), show(judge.SpreadOf(p.wakes)))
}
