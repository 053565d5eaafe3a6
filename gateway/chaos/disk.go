package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"pagerd/gateway/chaos/judge"
	"pagerd/gateway/chaos/rig"
)

// Kinds of the disk's own faults.
const (
	diskFull   = "disk full"
	flushFails = "failed flush"
)

// fullDisk fills the disk of the embedded store and makes room again: meanwhile sources are refused, and acknowledgements
// of what rang before are recorded from the reserve.
func fullDisk(ctx context.Context, o options, r *result) error {
	dir := filepath.Join(o.dir, "full")
	w, err := newWorld(ctx, setting{dir: dir, binary: o.using, seed: o.seed, rate: o.rate(40), replicas: 1,
		store: fmt.Sprintf("{path: %q}", filepath.Join(dir, "disk", "pagerd.db")), host: "127.0.0.1"})
	if err != nil {
		return err
	}
	defer w.close() // what is left vanishes with the cell
	disk, err := rig.NewDisk(ctx, dir, "disk", 96)
	if err != nil {
		return err
	}
	if err := w.start(); err != nil {
		return err
	}
	w.stream()
	times := 3
	if o.short {
		times = 1
	}
	var acknowledged, wanted, lies int
	var again time.Duration
	for range times {
		if !w.pause(3 * time.Second) {
			return w.life.Err()
		}
		room, err := disk.Fill()
		if err != nil {
			return err
		}
		full := time.Now()
		err = w.play(diskFull, "r1", "", func() error {
			n, of := w.acknowledgeSome(30, 10*time.Second)
			acknowledged, wanted = acknowledged+n, wanted+of
			w.pause(2 * time.Second)
			freed := time.Now()
			if err := room(); err != nil {
				return err
			}
			n, err := w.acceptedBetween(full, freed)
			lies += n
			for err == nil && w.daemons[0].Ready() != nil && w.pause(10*time.Millisecond) {
			}
			again = max(again, time.Since(freed))
			return err
		})
		if err != nil {
			return err
		}
	}
	w.pause(2 * time.Second)
	if err := w.conclude(r); err != nil {
		return err
	}
	r.add("acknowledgements confirmed while the disk was full", "%d of %d", acknowledged, wanted)
	r.add("alerts posted and accepted while the disk was full", "%d", lies)
	r.add("ready again after room was made", "%s at most", brief(again))
	if acknowledged < wanted || wanted == 0 {
		r.Wrong = append(r.Wrong, fmt.Sprintf("the reserve took %d of %d acknowledgements", acknowledged, wanted))
	}
	if lies > 0 {
		r.Wrong = append(r.Wrong, fmt.Sprintf("%d alerts were accepted on a full disk", lies))
	}
	return nil
}

// acceptedBetween counts the requests that were made and answered 2xx between two instants.
func (w *world) acceptedBetween(from, to time.Time) (int, error) {
	posts, err := read[judge.Post](w.posts)
	n := 0
	for _, p := range posts {
		if p.Asked.After(from) && p.Accepted.Before(to) {
			n++
		}
	}
	return n, err
}

// acknowledgeSome lets people reply to n messages at once that nobody has replied to, and reports how many of how many were
// confirmed in time.
func (w *world) acknowledgeSome(n int, within time.Duration) (confirmed, asked int) {
	ctx, cancel := context.WithTimeout(w.life, within)
	defer cancel()
	messages := w.people.Unanswered(n)
	done := make(chan bool)
	for _, m := range messages {
		go func() { done <- w.people.Acknowledge(ctx, m.Number, m.Page, 0) }() // ends with ctx at the latest
	}
	for range messages {
		if <-done {
			confirmed++
		}
	}
	return confirmed, len(messages)
}

// failedFlush lets one flush of the embedded store fail: the process must end at once, because the kernel's cache cannot be
// trusted any more, and nothing that was accepted may be missing afterwards.
func failedFlush(ctx context.Context, o options, r *result) error {
	dir := filepath.Join(o.dir, "flush")
	w, err := newWorld(ctx, setting{dir: dir, binary: o.using, seed: o.seed, rate: o.rate(40), acks: 0.3, replicas: 1,
		store: fmt.Sprintf("{path: %q}", filepath.Join(dir, "pagerd.db")), host: "127.0.0.1"})
	if err != nil {
		return err
	}
	defer w.close() // its daemon is killed; there is nothing else to undo
	d := w.daemons[0]
	if err := w.start(); err != nil {
		return err
	}
	w.stream()
	times := 5
	if o.short {
		times = 1
	}
	var slowest time.Duration
	for i := range times {
		w.pause(3 * time.Second)
		trace := w.path(fmt.Sprintf("trace%d", i))
		// Only the N-th flush of each thread fails, so that the process meets one failed flush among good ones.
		attach := []string{"strace", "-f", "-qq", "-ttt", "-o", trace, "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO:when=5",
			"-p", fmt.Sprint(d.PID())}
		err := w.play(flushFails, d.Name, d.Number, func() error {
			tracer := &rig.Process{Name: "strace", Args: attach, Log: w.path("strace.log"), Env: os.Environ()}
			if err := tracer.Launch(); err != nil {
				return err
			}
			defer tracer.Kill()
			select {
			case <-d.Ended():
			case <-tracer.Ended():
				select {
				case <-d.Ended():
				case <-time.After(time.Second):
					return fmt.Errorf("%w: strace may not look at a process: %s", rig.ErrCannot, tail(tracer.Log))
				}
			case <-time.After(startTime):
				return fmt.Errorf("no flush failed within %s", startTime)
			}
			ended := time.Now()
			failed, err := injected(trace)
			if err != nil {
				return err
			}
			slowest = max(slowest, ended.Sub(failed))
			start, cancel := context.WithTimeout(w.life, startTime)
			defer cancel()
			return d.Start(start)
		})
		if err != nil {
			return err
		}
	}
	w.pause(2 * time.Second)
	if err := w.conclude(r); err != nil {
		return err
	}
	r.add("from a failed flush to the process's end", "%s at most, %d times", brief(slowest), times)
	return nil
}

// injected finds when strace let the first flush fail.
func injected(trace string) (time.Time, error) {
	text, err := os.ReadFile(trace)
	if err != nil {
		return time.Time{}, fmt.Errorf("read what strace saw: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if !strings.Contains(line, "(INJECTED)") {
			continue
		}
		var pid int
		var seconds, micros int64
		if _, err := fmt.Sscanf(line, "%d %d.%d", &pid, &seconds, &micros); err != nil {
			return time.Time{}, fmt.Errorf("understand %q: %w", line, err)
		}
		return time.Unix(seconds, micros*1000), nil
	}
	return time.Time{}, fmt.Errorf("the daemon ended and no flush had failed: see %s", trace)
}
