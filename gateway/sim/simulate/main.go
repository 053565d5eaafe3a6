// Command simulate plays worlds of package sim, one seed after the other, and prints what happened in them.
//
// It promises to exit with 1 and the shortest story it finds when a rule is broken, and with 0 only when worlds were
// played and every rule held in each of them.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"pagerd/gateway/sim"
)

// collectSeldom trades memory for speed: worlds are small and short-lived.
const collectSeldom = 400

func main() {
	seeds := flag.Int("seeds", 200, "how many worlds")
	seed := flag.Uint64("seed", 1, "seed of the first one")
	store := flag.String("store", "memory", "memory (up to three replicas) or bolt (one)")
	workers := flag.Int("workers", runtime.GOMAXPROCS(0), "worlds at a time")
	without := flag.String("without", "", "features to leave out, separated by commas")
	replicas := flag.Int("replicas", 0, "replicas at the most; 0 = as the seed says")
	until := flag.Duration("until", 0, "virtual time after which nothing is planned; 0 = as the seed says")
	drop := flag.String("drop", "", "planned happenings to leave out, e.g. 0-4,7")
	races := flag.Bool("races", false, "worlds of racing acknowledgements")
	tell := flag.Bool("tell", false, "print each story")
	may := flag.Duration("shrink", 30*time.Second, "how long a broken world may be shrunk")
	flag.Parse()
	debug.SetGCPercent(collectSeldom)
	o := sim.Options{Replicas: *replicas, Until: *until, Races: *races, Tell: *tell}
	var err error
	if o.Backend, err = backend(*store); err == nil {
		if o.Without, err = features(*without); err == nil {
			o.Drop, err = numbers(*drop)
		}
	}
	if err != nil || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "simulate:", err)
		os.Exit(2)
	}
	run := &run{options: o, first: *seed, seeds: *seeds, workers: max(1, *workers), may: *may}
	os.Exit(run.play())
}

func backend(name string) (sim.Backend, error) {
	for _, b := range []sim.Backend{sim.Memory(), sim.Bolt()} {
		if b.Name == name {
			return b, nil
		}
	}
	return sim.Backend{}, fmt.Errorf("store %q: want memory or bolt", name)
}

func features(list string) ([]sim.Feature, error) {
	var out []sim.Feature
	for name := range strings.SplitSeq(list, ",") {
		switch f := sim.Feature(name); {
		case name == "":
		case slices.Contains(sim.Features(), f):
			out = append(out, f)
		default:
			return nil, fmt.Errorf("feature %q: want some of %v", name, sim.Features())
		}
	}
	return out, nil
}

// numbers reads "0-4,7".
func numbers(list string) ([]int, error) {
	var out []int
	for part := range strings.SplitSeq(list, ",") {
		if part == "" {
			continue
		}
		low, high, span := strings.Cut(part, "-")
		first, err := strconv.Atoi(low)
		last := first
		if span && err == nil {
			last, err = strconv.Atoi(high)
		}
		if err != nil {
			return nil, fmt.Errorf("drop %q: want numbers like 0-4,7", part)
		}
		for i := first; i <= last; i++ {
			out = append(out, i)
		}
	}
	return out, nil
}
