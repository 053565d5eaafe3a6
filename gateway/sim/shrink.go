package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Shrink looks for the smallest world in which the same rule is broken, for as long as it may: fewer features, fewer
// replicas, a shorter time, fewer planned happenings. It returns the options of that world and its result, with the story.
func Shrink(o Options, broken Violation, may time.Duration) (Options, Result, error) {
	s := &shrinking{rule: broken.Rule, until: time.Now().Add(may), best: o}
	o.Until = broken.After + time.Second
	s.try(o)
	for again := true; again && s.time(); {
		again = s.drop()
		again = s.without() || again
		shorter := s.best
		shorter.Until = s.after + time.Second
		if shorter.Until < s.best.Until {
			again = s.try(shorter) || again
		}
	}
	o = s.best
	o.Tell = true
	r, err := Play(o)
	return o, r, err
}

type shrinking struct {
	rule  Rule
	until time.Time
	best  Options
	after time.Duration // virtual time at which the rule is broken in the best world
	plan  int           // number of planned happenings
}

func (s *shrinking) time() bool { return time.Now().Before(s.until) }

// try keeps the options if the same rule is broken with them.
func (s *shrinking) try(o Options) bool {
	if !s.time() {
		return false
	}
	r, err := Play(o)
	if err != nil || r.Broken == nil || r.Broken.Rule != s.rule {
		return false
	}
	s.best, s.after, s.plan = o, r.Broken.After, len(r.Planned)
	return true
}

// without leaves out one feature after the other, and replicas.
func (s *shrinking) without() (smaller bool) {
	for _, n := range []int{1, 2} {
		o := s.best
		if o.Replicas == 0 || n < o.Replicas {
			o.Replicas = n
			if s.try(o) {
				smaller = true
				break
			}
		}
	}
	for _, f := range Features() {
		if slices.Contains(s.best.Without, f) {
			continue
		}
		o := s.best
		o.Without = append(slices.Clone(o.Without), f)
		smaller = s.try(o) || smaller
	}
	return smaller
}

// drop leaves out planned happenings: half of them, a quarter, … one.
func (s *shrinking) drop() (smaller bool) {
	for size := max(1, s.plan/2); s.time(); size /= 2 {
		for first := 0; first < s.plan && s.time(); first += size {
			o := s.best
			o.Drop = slices.Clone(o.Drop)
			for i := first; i < min(first+size, s.plan); i++ {
				if !slices.Contains(o.Drop, i) {
					o.Drop = append(o.Drop, i)
				}
			}
			if len(o.Drop) > len(s.best.Drop) {
				smaller = s.try(o) || smaller
			}
		}
		if size == 1 {
			return smaller
		}
	}
	return smaller
}

// storyLines is how much of a story is told.
const storyLines = 60

// nearby is how far from what concerns the broken object a fault may be to be told.
const nearby = 30 * time.Second

// Short is the part of the story that concerns the broken object: everything about it, and the faults at that time.
func (r Result) Short() string {
	if r.story == nil || r.Broken == nil {
		return ""
	}
	var mine []time.Time
	for _, l := range r.story.lines {
		if r.concerns(l) {
			mine = append(mine, l.at)
		}
	}
	var lines []string
	for _, l := range r.story.lines {
		i, _ := slices.BinarySearchFunc(mine, l.at, time.Time.Compare)
		near := i < len(mine) && mine[i].Sub(l.at) <= nearby || i > 0 && l.at.Sub(mine[i-1]) <= nearby
		if r.concerns(l) || l.about == "" && near {
			lines = append(lines, l.String())
		}
	}
	if left := len(lines) - storyLines; left > 0 {
		lines = append([]string{fmt.Sprintf("… %d earlier lines: -tell prints them all", left)}, lines[left:]...)
	}
	return strings.Join(lines, "\n")
}

// concerns reports whether a line is about the broken object or what belongs to it. When nobody knows what is broken,
// every line is.
func (r Result) concerns(l line) bool {
	if r.Broken.About == "" || l.about == r.Broken.About {
		return true
	}
	return slices.ContainsFunc(strings.Fields(l.about), func(name string) bool { return slices.Contains(r.related, name) })
}

// Args are the arguments of the command that plays the world of these options.
func (o Options) Args() string {
	args := fmt.Sprintf("-seed %d -seeds 1", o.Seed)
	if o.Backend.Name != "memory" {
		args += " -store " + o.Backend.Name
	}
	if o.Races {
		args += " -races"
	}
	if o.Replicas > 0 {
		args += fmt.Sprintf(" -replicas %d", o.Replicas)
	}
	if len(o.Without) > 0 {
		names := make([]string, len(o.Without))
		for i, f := range o.Without {
			names[i] = string(f)
		}
		args += " -without " + strings.Join(names, ",")
	}
	if o.Until > 0 {
		args += " -until " + o.Until.Round(time.Millisecond).String()
	}
	if len(o.Drop) > 0 {
		drop := slices.Clone(o.Drop)
		slices.Sort(drop)
		args += " -drop " + spans(drop)
	}
	return args
}

// spans writes 1, 2, 3, 7 as "1-3,7".
func spans(sorted []int) string {
	var parts []string
	for i := 0; i < len(sorted); {
		j := i
		for j+1 < len(sorted) && sorted[j+1] == sorted[j]+1 {
			j++
		}
		part := fmt.Sprint(sorted[i])
		if j > i {
			part += fmt.Sprintf("-%d", sorted[j])
		}
		parts = append(parts, part)
		i = j + 1
	}
	return strings.Join(parts, ",")
}
