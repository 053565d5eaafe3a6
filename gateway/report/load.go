package report

import (
	"cmp"
	"slices"
	"time"
)

// Load is what a period asked of one responder.
type Load struct {
	Person   string `json:"person"`
	Pages    int    `json:"pages"`            // for which they were rung
	Nights   int    `json:"nights"`           // different nights (22:00 to 06:00, their own clock) in which they were rung
	Weekends int    `json:"weekends"`         // pages on a Saturday or Sunday
	Seconds  int64  `json:"incident_seconds"` // in which they led at least one incident that was not resolved
}

// Quality says whether alerts were worth ringing for.
type Quality struct {
	Pages  int `json:"pages"`  // that rang somebody
	Acted  int `json:"acted"`  // acknowledged, and nobody said "noise"
	Noise  int `json:"noise"`  // at least one person said "noise"
	Night  int `json:"night"`  // that rang somebody at night
	Nights int `json:"nights"` // in the period: pages per night is Night / Nights
}

// loads adds up what each person had, busiest first. Drills are left out.
func loads(pages []PageFact, facts []Fact, p Period, now time.Time) []Load {
	type sum struct {
		Load
		nights map[string]bool
		led    []span
	}
	people := map[string]*sum{}
	of := func(person string) *sum {
		if people[person] == nil {
			people[person] = &sum{Load: Load{Person: person}, nights: map[string]bool{}}
		}
		return people[person]
	}
	for _, page := range pages {
		if page.Drill || !p.Holds(page.TriggeredAt) {
			continue
		}
		for _, r := range page.Rung {
			s := of(r.Person)
			s.Pages++
			if r.Night != "" {
				s.nights[r.Night] = true
			}
			if r.Weekend {
				s.Weekends++
			}
		}
	}
	for _, f := range facts {
		for _, l := range f.leaders() {
			if led, ok := l.within(f, p, now); ok {
				s := of(l.Person)
				s.led = append(s.led, led)
			}
		}
	}
	out := make([]Load, 0, len(people))
	for _, s := range people {
		s.Nights, s.Seconds = len(s.nights), union(s.led)
		out = append(out, s.Load)
	}
	slices.SortFunc(out, func(a, b Load) int {
		return cmp.Or(cmp.Compare(b.Pages, a.Pages), cmp.Compare(b.Seconds, a.Seconds), cmp.Compare(a.Person, b.Person))
	})
	return out
}

// span is from one Unix second to another.
type span struct{ from, to int64 }

// leaders are the commanders of an incident, each time that one took over. A fact that an older pagerd kept knows only the
// last, who counts as leading since the acknowledgement. One that was merged has none: the other one's led both.
func (f Fact) leaders() []Led {
	switch {
	case f.Merged != 0:
		return nil
	case len(f.Led) == 0 && f.Commander != "" && !f.AckedAt.IsZero():
		return []Led{{Person: f.Commander, From: f.AckedAt}}
	}
	return f.Led
}

// until is when somebody no longer led: when another took over, the incident was resolved, or now.
func (l Led) until(f Fact, now time.Time) int64 {
	until := now.Unix()
	for _, end := range []time.Time{l.Until, f.ResolvedAt} {
		if !end.IsZero() {
			until = min(until, end.Unix())
		}
	}
	return until
}

// seconds is how long they led then.
func (l Led) seconds(f Fact, now time.Time) int64 { return max(0, l.until(f, now)-l.From.Unix()) }

// within is the part of a period in which they led.
func (l Led) within(f Fact, p Period, now time.Time) (span, bool) {
	s := span{max(l.From.Unix(), p.From.Unix()), min(l.until(f, now), p.To.Unix())}
	return s, s.to > s.from
}

// union is how many seconds at least one span covers: who leads two incidents at once works no double hours.
func union(spans []span) int64 {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var total, until int64
	for _, s := range spans {
		if from := max(s.from, until); s.to > from {
			total += s.to - from
			until = s.to
		}
	}
	return total
}

// quality counts the pages of a period.
func quality(pages []PageFact, p Period) Quality {
	q := Quality{Nights: int((p.To.Sub(p.From) + 12*time.Hour) / (24 * time.Hour))} // a day of 23 or 25 hours has one night
	for _, page := range pages {
		if page.Drill || len(page.Rung) == 0 || !p.Holds(page.TriggeredAt) {
			continue
		}
		q.Pages++
		switch {
		case page.Noise > 0:
			q.Noise++
		case !page.AckedAt.IsZero():
			q.Acted++
		}
		if slices.ContainsFunc(page.Rung, func(r Rung) bool { return r.Night != "" }) {
			q.Night++
		}
	}
	return q
}
