package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Tally counts what happened, so that nobody believes an empty run.
type Tally struct {
	Events int // steps of the scheduler that called into pagerd or delivered something
	Calls  int // store calls
	Counts map[string]int
}

func (t *Tally) note(what string) { t.Counts[what]++ }

// Add adds another world's counts.
func (t *Tally) Add(o Tally) {
	if t.Counts == nil {
		t.Counts = map[string]int{}
	}
	t.Events += o.Events
	t.Calls += o.Calls
	for k, n := range o.Counts {
		t.Counts[k] += n
	}
}

// String is the histogram, in alphabetical order.
func (t *Tally) String() string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(t.Counts)) {
		fmt.Fprintf(&b, "%12d  %s\n", t.Counts[k], k)
	}
	return b.String()
}
