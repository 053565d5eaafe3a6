package judge

import (
	"time"
)

// Judge gives the verdict on a run that was left alone long enough at its end for everything due to have rung.
func Judge(e Evidence, r Rules) Verdict {
	g := sortOut(e, r)
	v := Verdict{Causes: map[string]int{}, Faults: map[string]int{}}
	for _, f := range e.Faults {
		v.Faults[f.Kind]++
	}
	acked := g.acknowledgements(e, &v)
	g.lost(&v, acked)
	g.early(&v)
	g.late(&v)
	g.afterKill(&v)
	g.gaps(&v)
	g.doubled(&v)
	return v
}

// lost finds what was accepted and never rang. acked tells when a page was first answered by a person, whatever came of it.
func (g *ground) lost(v *Verdict, acked map[int64]time.Time) {
	for _, ep := range g.episodes {
		if ep.Accepted.IsZero() {
			continue
		}
		v.Accepted++
		if g.played(ep.Accepted, false) {
			v.InFault++
		}
		if g.played(ep.Accepted, true) {
			v.InOutage++
		}
		_, rang := firstAccepted(ep.first)
		_, escalated := firstAccepted(ep.second)
		answered := !acked[g.pages[ep.Case]].IsZero()
		switch {
		case escalated:
			v.Escalated++
		case rang && !answered && !ep.over(ep.Accepted.Add(g.rules.Step), g.rules):
			v.Missed++
			v.example(v.Missed, "%s/%d: rang, nobody answered, and the second number never rang; accepted %s", ep.Case, ep.Episode, clock(ep.Accepted))
		}
		switch {
		case rang:
		case ep.over(ep.Accepted, g.rules):
			v.Over++
		case answered && ep.Episode > 1: // whoever has the page is told once, in other words
		case answered && escalated: // the second had it before the first one's message could be tried again
		default:
			v.Lost++
			v.example(v.Lost, "%s/%d: accepted %s after %d requests, never rung", ep.Case, ep.Episode, clock(ep.Accepted), ep.Attempts)
		}
	}
}

// played reports whether a fault was being played at an instant; outage leaves the provider's out.
func (g *ground) played(at time.Time, outage bool) bool {
	for _, f := range g.faults {
		if outage && f.Kind == Provider {
			continue
		}
		if !at.Before(f.From) && !at.After(f.To) {
			return true
		}
	}
	return false
}

// early finds the rings of the second number before its time, counted from the first request's start: nothing of the alert
// can have been accepted before that.
func (g *ground) early(v *Verdict) {
	for _, r := range g.stray {
		v.Early++
		v.example(v.Early, "rung although nothing was posted, at %s: %s", clock(r.At), caseName.FindString(r.Body))
	}
	for _, ep := range g.episodes {
		due := ep.Begun.Add(g.rules.Step)
		for _, r := range ep.second {
			if r.At.Before(due) {
				v.Early++
				v.example(v.Early, "%s/%d: second number rung %s before its time, at %s", ep.Case, ep.Episode, due.Sub(r.At), clock(r.At))
				break
			}
		}
	}
}
