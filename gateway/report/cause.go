package report

import (
	"cmp"
	"slices"
	"strings"
)

// topCauses is how many root causes a review names: the practice's five.
const topCauses = 5

// Cause is a root cause and the incidents of the period that had it.
type Cause struct {
	Name      string   `json:"name"` // as it was written last
	Services  []string `json:"services"`
	Incidents []int64  `json:"incidents"`
	Earlier   []int64  `json:"earlier,omitempty"` // incidents before the period with the same cause, newest first, at most 10
}

// maxEarlier is how many earlier incidents of a cause are named.
const maxEarlier = 10

// causes returns the root causes of a period, the most frequent first, and how many incidents have none yet. Causes are the
// same when they differ in case and spaces only.
func causes(facts []Fact, p Period) (all []Cause, without int) {
	byKey := map[string]*Cause{}
	var keys []string
	for _, f := range facts { // in the order of detection
		key := causeKey(f.RootCause)
		if !p.Holds(f.DetectedAt) {
			continue
		}
		if key == "" {
			without++
			continue
		}
		c := byKey[key]
		if c == nil {
			c = &Cause{}
			byKey[key] = c
			keys = append(keys, key)
		}
		c.Name = strings.Join(strings.Fields(f.RootCause), " ")
		c.Incidents = append(c.Incidents, f.Number)
		if !slices.Contains(c.Services, f.Service) {
			c.Services = append(c.Services, f.Service)
		}
	}
	for _, f := range slices.Backward(facts) {
		if c := byKey[causeKey(f.RootCause)]; c != nil && f.DetectedAt.Before(p.From) && len(c.Earlier) < maxEarlier {
			c.Earlier = append(c.Earlier, f.Number)
		}
	}
	all = make([]Cause, 0, len(keys))
	for _, key := range keys {
		all = append(all, *byKey[key])
	}
	slices.SortStableFunc(all, func(a, b Cause) int {
		return cmp.Or(cmp.Compare(len(b.Incidents), len(a.Incidents)), cmp.Compare(len(b.Earlier), len(a.Earlier)))
	})
	return all, without
}

func causeKey(text string) string { return strings.ToLower(strings.Join(strings.Fields(text), " ")) }

// repeats are the causes that struck more than once: within the period, or before it as well.
func repeats(all []Cause) []Cause {
	out := []Cause{}
	for _, c := range all {
		if len(c.Incidents)+len(c.Earlier) > 1 {
			out = append(out, c)
		}
	}
	return out
}
