package report

import (
	"cmp"
	"slices"
	"time"
)

// Figure describes some times, all in whole seconds. It is all zero when N is.
type Figure struct {
	N        int   `json:"n"`
	Mean     int64 `json:"mean"`
	P50      int64 `json:"p50"`
	P90      int64 `json:"p90"`
	Within   int   `json:"within"`   // of Targeted
	Targeted int   `json:"targeted"` // times that have a target
}

// Group is the figures of the incidents that have something in common.
type Group struct {
	Name        string `json:"name"`
	Count       int    `json:"count"`
	Open        int    `json:"open"` // not resolved
	Detect      Figure `json:"mttd"`
	Acknowledge Figure `json:"mtta"`
	Investigate Figure `json:"mtti"`
	Resolve     Figure `json:"mttr"`
	Between     Figure `json:"mtbf"`
}

// sample is one time and the goal it is held against; goal 0 = none.
type sample struct{ seconds, goal int64 }

// between returns the time from a to b; ok is false when one of them is not known.
func between(a, b time.Time) (seconds int64, ok bool) {
	if a.IsZero() || b.IsZero() {
		return 0, false
	}
	return max(b.Unix()-a.Unix(), 0), true
}

// figure computes the statistics of some times. It sorts them.
func figure(times []sample) Figure {
	f := Figure{N: len(times)}
	if f.N == 0 {
		return f
	}
	slices.SortFunc(times, func(a, b sample) int { return cmp.Compare(a.seconds, b.seconds) })
	var sum int64
	for _, t := range times {
		sum += t.seconds
		if t.goal > 0 {
			f.Targeted++
			if t.seconds <= t.goal {
				f.Within++
			}
		}
	}
	n := int64(f.N)
	f.Mean = (2*sum + n) / (2 * n) // rounded, half up
	f.P50, f.P90 = times[rank(f.N, 50)].seconds, times[rank(f.N, 90)].seconds
	return f
}

// rank is the index of the nearest rank: the smallest i so that i+1 of n are at least percent of them.
func rank(n, percent int) int { return (n*percent+99)/100 - 1 }

// group computes the figures of some incidents that count; gaps are the times between failures of the kind of group.
func group(name string, facts []Fact, gaps map[int64]int64) Group {
	g := Group{Name: name, Count: len(facts)}
	var detect, acknowledge, investigate, resolve, gap []sample
	add := func(to *[]sample, from, until time.Time, goal int64) {
		if s, ok := between(from, until); ok {
			*to = append(*to, sample{s, goal})
		}
	}
	for _, f := range facts {
		if f.ResolvedAt.IsZero() {
			g.Open++
		}
		add(&detect, f.ImpactAt, f.DetectedAt, f.Goals.Detect)
		add(&acknowledge, f.DetectedAt, f.AckedAt, f.Goals.Acknowledge)
		add(&investigate, f.DetectedAt, f.TriagedAt, f.Goals.Investigate)
		add(&resolve, f.DetectedAt, f.ResolvedAt, f.Goals.Resolve)
		if s, ok := gaps[f.Number]; ok {
			gap = append(gap, sample{seconds: s})
		}
	}
	g.Detect, g.Acknowledge, g.Investigate = figure(detect), figure(acknowledge), figure(investigate)
	g.Resolve, g.Between = figure(resolve), figure(gap)
	return g
}

// gaps returns, by incident number, the time since the detection of the one before it that has the same key. facts are in
// the order of detection.
func gaps(facts []Fact, key func(Fact) string) map[int64]int64 {
	out := make(map[int64]int64, len(facts))
	last := map[string]time.Time{}
	for _, f := range facts {
		k := key(f)
		if s, ok := between(last[k], f.DetectedAt); ok {
			out[f.Number] = s
		}
		last[k] = f.DetectedAt
	}
	return out
}

// counted returns the incidents that count, in the order of detection, and how many each rule leaves out.
func counted(facts []Fact) (kept []Fact, left map[string]int) {
	left = map[string]int{}
	for _, f := range facts {
		if why := Left(f); why != "" {
			left[why]++
		} else if !f.DetectedAt.IsZero() {
			kept = append(kept, f)
		}
	}
	slices.SortFunc(kept, func(a, b Fact) int {
		return cmp.Or(a.DetectedAt.Compare(b.DetectedAt), cmp.Compare(a.Number, b.Number))
	})
	return kept, left
}

// history is the incidents that count, with the times between failures of each kind of group.
type history struct {
	facts                    []Fact // in the order of detection
	any, bySeverity, service map[int64]int64
}

func newHistory(facts []Fact) history {
	return history{facts: facts, any: gaps(facts, anyKey), bySeverity: gaps(facts, severityKey), service: gaps(facts, serviceKey)}
}

func anyKey(Fact) string        { return "" }
func severityKey(f Fact) string { return f.Severity.String() }
func serviceKey(f Fact) string  { return f.Service }
func monthKey(f Fact) string    { return f.Month }

// groups splits facts by key, in the order of the keys.
func groups(facts []Fact, key func(Fact) string, gaps map[int64]int64) []Group {
	parts := map[string][]Fact{}
	for _, f := range facts {
		parts[key(f)] = append(parts[key(f)], f)
	}
	out := make([]Group, 0, len(parts))
	for name, part := range parts {
		out = append(out, group(name, part, gaps))
	}
	slices.SortFunc(out, func(a, b Group) int { return cmp.Compare(a.Name, b.Name) })
	return out
}
