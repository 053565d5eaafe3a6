package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"pagerd/gateway/sim"
)

// run is many worlds, several at a time.
type run struct {
	options sim.Options
	first   uint64
	seeds   int
	workers int
	may     time.Duration
}

// told is how often a long run tells how far it is.
const told = 5 * time.Second

// play plays every world and returns the exit code.
func (r *run) play() int {
	began := time.Now()
	seeds := make(chan uint64)
	results := make(chan sim.Result)
	failed := make(chan error, r.workers)
	stop := make(chan struct{})
	go func() {
		defer close(seeds)
		for i := range r.seeds {
			select {
			case seeds <- r.first + uint64(i):
			case <-stop:
				return
			}
		}
	}()
	var workers sync.WaitGroup
	for range r.workers {
		workers.Go(func() {
			for seed := range seeds {
				o := r.options
				o.Seed = seed
				result, err := sim.Play(o)
				if err != nil {
					failed <- fmt.Errorf("seed %d: %w", seed, err)
					return
				}
				results <- result
			}
		})
	}
	go func() {
		workers.Wait()
		close(results)
	}()
	total, done, last := sim.Tally{}, 0, began
	for result := range results {
		total.Add(result.Tally)
		done++
		if r.options.Tell {
			fmt.Print(result.Story())
		}
		if result.Broken != nil {
			close(stop)
			r.report(result)
			return 1
		}
		if time.Since(last) > told {
			last = time.Now()
			fmt.Fprintf(os.Stderr, "%d of %d seeds, %d events\n", done, r.seeds, total.Events)
		}
	}
	select {
	case err := <-failed:
		fmt.Fprintln(os.Stderr, "simulate:", err)
		return 1
	default:
	}
	r.summary(total, done, time.Since(began))
	if done == 0 || total.Events == 0 {
		return 1
	}
	return 0
}

// summary prints what happened, so that nobody believes an empty run.
func (r *run) summary(total sim.Tally, done int, took time.Duration) {
	fmt.Print(total.String())
	rate := float64(total.Events) / took.Seconds()
	fmt.Printf("\nstore %s, seeds %d to %d: every rule held in %d worlds\n", r.options.Backend.Name, r.first, r.first+uint64(done)-1, done)
	fmt.Printf("%d events, %d store calls, %d changes, in %s with %d workers: %.0f events/s\n", total.Events, total.Calls,
		total.Counts["commit"], took.Round(time.Millisecond), r.workers, rate)
	fmt.Printf("acknowledgement races: %d; acknowledgements recorded: %d, each once\n", total.Counts["acknowledgement race"],
		total.Counts["acknowledgement recorded"])
}

// report prints the shortest world found in which the rule is broken, and how to play it again.
func (r *run) report(result sim.Result) {
	o := r.options
	o.Seed = result.Seed
	fmt.Printf("seed %d breaks a rule: %s\n  %s: %s\n  after %s of virtual time, event %d\n", result.Seed, result.Broken.Rule, result.Broken.About,
		result.Broken.What, result.Broken.After.Round(time.Millisecond), result.Broken.Event)
	fmt.Printf("again: go run ./gateway/sim/simulate %s -tell\n", o.Args())
	fmt.Fprintf(os.Stderr, "looking for a smaller world for up to %s\n", r.may)
	small, short, err := sim.Shrink(o, *result.Broken, r.may)
	if err != nil || short.Broken == nil {
		fmt.Fprintln(os.Stderr, "simulate: the world could not be shrunk:", err)
		return
	}
	left := len(short.Planned) - len(small.Drop)
	fmt.Printf("\nshortest found: %d of %d planned happenings, %d events\n  %s: %s\n\n%s\n\nagain: go run ./gateway/sim/simulate %s -tell\n", left, len(short.Planned),
		short.Broken.Event, short.Broken.About, short.Broken.What, indent(short.Short()), small.Args())
}

func indent(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") }
