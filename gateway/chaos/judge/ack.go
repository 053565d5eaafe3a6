package judge

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// What the telephone is told when an acknowledgement was taken, now or before.
var (
	ackedNow   = regexp.MustCompile(`^Acked #(\d+)`)
	ackedSince = regexp.MustCompile(`^Already acked by .*\(#(\d+)\)`)
	anyNumber  = regexp.MustCompile(`\d{4,}`)
)

// acknowledgements compares what telephones were told with the timelines. It returns when each page was first answered by
// a person, whatever came of it: from then on nobody need be rung for it.
func (g *ground) acknowledgements(e Evidence, v *Verdict) map[int64]time.Time {
	answered := map[int64]time.Time{}
	confirmed := map[int64]time.Time{}
	taken := map[int64]int{} // how often a telephone was told that it has the page now
	for _, r := range e.Rings {
		switch r.Kind {
		case "inbound":
			if n, err := strconv.ParseInt(anyNumber.FindString(r.Body), 10, 64); err == nil {
				first(answered, n, r.At)
			}
		case "arrived":
			if m := ackedNow.FindStringSubmatch(r.Body); m != nil {
				n, _ := strconv.ParseInt(m[1], 10, 64)
				taken[n]++
				first(confirmed, n, r.At)
			} else if m := ackedSince.FindStringSubmatch(r.Body); m != nil {
				n, _ := strconv.ParseInt(m[1], 10, 64)
				first(confirmed, n, r.At)
			}
		}
	}
	rounds := map[int64]map[string]int{}
	for _, a := range e.Acks {
		if a.Unread != "" {
			v.Unread++
			v.example(v.Unread, "page %d could not be read: %s", a.Page, a.Unread)
			continue
		}
		v.Recorded++
		if rounds[a.Page] == nil {
			rounds[a.Page] = map[string]int{}
		}
		rounds[a.Page][a.Round]++
	}
	v.Confirmed = len(confirmed)
	for _, n := range slices.Sorted(maps.Keys(confirmed)) {
		if len(rounds[n]) == 0 {
			v.Unrecorded++
			v.example(v.Unrecorded, "page %d: acknowledgement confirmed %s, not recorded", n, clock(confirmed[n]))
		}
	}
	for _, n := range slices.Sorted(maps.Keys(rounds)) {
		times := rounds[n]
		for _, round := range slices.Sorted(maps.Keys(times)) {
			if k := times[round]; k > 1 {
				v.Doubled++
				v.example(v.Doubled, "page %d: acknowledged %d times in round %s", n, k, round)
			}
		}
		if taken[n] > len(times) {
			v.Doubled++
			v.example(v.Doubled, "page %d: %d telephones were told that they have it, in %d rounds", n, taken[n], len(times))
		}
	}
	g.afterAck(v, confirmed)
	return answered
}

// first keeps the earliest instant.
func first(m map[int64]time.Time, n int64, at time.Time) {
	if old, ok := m[n]; !ok || at.Before(old) {
		m[n] = at
	}
}

// afterAck measures rings of a page after its acknowledgement was confirmed: an attempt under way may still arrive.
func (g *ground) afterAck(v *Verdict, confirmed map[int64]time.Time) {
	var after []time.Duration
	for _, r := range g.rings {
		m := pageNumber.FindStringSubmatch(r.Body)
		if m == nil {
			continue
		}
		n, _ := strconv.ParseInt(m[1], 10, 64)
		if at, ok := confirmed[n]; ok && r.At.After(at) {
			after = append(after, r.At.Sub(at))
		}
	}
	v.AfterAck = SpreadOf(after)
}
