// Command chaos breaks a real pagerd on purpose and proves by the logs of its neighbours that nothing was lost: daemons are
// killed and paused, Redis is killed and cut off, the disk fills up and loses its power, the provider fails, versions are
// exchanged, while alerts stream in and people answer their telephones.
//
// It promises that the verdict comes from what senders and provider wrote down and from the timelines, never from pagerd's
// own word; that a seed decides the faults; that what this machine cannot do is said and never counted as passed; and that
// nothing it starts, mounts or connects outlives it.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"pagerd/gateway/chaos/rig"
)

func main() {
	o, err := parse(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		os.Exit(2) // flag has told why
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ok, err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

// run plays the parts and reports whether every promise was kept.
func run(ctx context.Context, o options) (ok bool, err error) {
	if o.cell != "" {
		return true, inCell(ctx, o)
	}
	if o.dir = o.keep; o.dir != "" {
		err = os.Mkdir(o.dir, 0o700) // a new one: logs of two runs in one place would be evidence of neither
	} else if o.dir, err = os.MkdirTemp("", "pagerd-chaos-"); err == nil {
		defer func() {
			if !ok {
				say("the logs are in %s", o.dir)
				return
			}
			err = errors.Join(err, os.RemoveAll(o.dir))
		}()
	}
	if err != nil {
		return false, fmt.Errorf("make the run's directory: %w", err)
	}
	say("seed %d; the same faults again: -seed %d", o.seed, o.seed)
	began := time.Now()
	if err := binaryOf(ctx, &o); err != nil {
		return false, err
	}
	results := playAll(ctx, o)
	if ctx.Err() != nil {
		return false, errors.New("interrupted")
	}
	ok = true
	for _, r := range results {
		ok = ok && len(r.Wrong) == 0
	}
	if o.json {
		return ok, json.NewEncoder(os.Stdout).Encode(results)
	}
	printTable(os.Stdout, results, time.Since(began))
	return ok, nil
}

// playAll plays the parts that are asked for: one after the other, because they measure; several at a time in a short run,
// because they mostly wait.
func playAll(ctx context.Context, o options) []result {
	var chosen []part
	for _, p := range parts() {
		if slices.Contains(o.parts, p.name) {
			chosen = append(chosen, p)
		}
	}
	results := make([]result, len(chosen))
	places := make(chan struct{}, o.many(0, 1, shortAtOnce))
	var wg sync.WaitGroup
	for i, p := range chosen {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			results[i] = play(ctx, o, p)
		})
	}
	wg.Wait()
	for i := range results {
		if r := &results[i]; r.NotRun != "" && slices.Contains(o.must, r.Part) {
			r.Wrong = append(r.Wrong, "it must run here")
		}
	}
	return results
}

// shortAtOnce is how many parts of a short run are played at a time: on two cores more would only be late.
const shortAtOnce = 3

// play runs one part, in a cell if it changes mounts or networks, and says how it went.
func play(ctx context.Context, o options, p part) result {
	r := result{Part: p.name, Control: p.control}
	for _, tool := range p.needs {
		if why := missing(tool); why != "" {
			r.NotRun = why
			say("%s: not run: %s", p.name, why)
			return r
		}
	}
	say("%s: %s", p.name, p.about)
	began := time.Now()
	var err error
	if p.cell == noCell {
		err = p.play(ctx, o, &r)
	} else {
		err = cell(ctx, o, p, &r)
	}
	r.Took = time.Since(began)
	r.Wrong = append(r.Wrong, r.Verdict.Broken()...)
	if v := r.Verdict; err == nil && r.NotRun == "" && !p.control && (v.Accepted == 0 || v.Escalated == 0 || v.Confirmed == 0) {
		r.Wrong = append(r.Wrong, "the run proves nothing: no alert, escalation or acknowledgement came through")
	}
	r.failed(err)
	r.say()
	return r
}

// cell plays a part in a process of its own, which prints its result.
func cell(ctx context.Context, o options, p part, r *result) error {
	args := []string{"-cell", p.name, "-parts", p.name, "-seed", fmt.Sprint(o.seed), "-keep", o.dir, "-binary", o.using,
		"-cuts", fmt.Sprint(o.cuts), "-partitions", fmt.Sprint(o.partitions)}
	if o.short {
		args = append(args, "-short")
	}
	var out bytes.Buffer
	if err := rig.Cell(ctx, p.cell == networkCell, &out, args...); err != nil {
		return err
	}
	if err := json.Unmarshal(out.Bytes(), r); err != nil {
		return fmt.Errorf("understand the part's result: %w", err)
	}
	return nil
}

// inCell is the other side of cell.
func inCell(ctx context.Context, o options) error {
	o.dir = o.keep
	r := result{Part: o.cell}
	err := rig.Enter()
	for _, p := range parts() {
		if p.name != o.cell {
			continue
		}
		r.Control = p.control
		if err == nil {
			err = p.play(ctx, o, &r)
		}
	}
	r.failed(err)
	return json.NewEncoder(os.Stdout).Encode(r)
}

// say tells how far the run is; results go to standard output.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
