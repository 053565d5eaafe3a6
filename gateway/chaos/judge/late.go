package judge

import (
	"slices"
	"time"
)

// promptly is how long after its 2xx an alert's healthy time must last for its lateness to count: a step starts within a
// second. It then counts in full, however late it is.
const promptly = time.Second

// late measures rings in healthy time.
func (g *ground) late(v *Verdict) {
	var lateness, request, escalation, fromStart []time.Duration
	for _, ep := range g.episodes {
		if ep.Accepted.IsZero() || ep.Attempts != 1 || !g.healthy(ep.Begun, ep.Accepted.Add(promptly)) {
			continue
		}
		if r, ok := firstAccepted(ep.first); ok {
			lateness = append(lateness, max(0, r.At.Sub(ep.Accepted))) // a ring may come before the sender hears its 2xx
			request = append(request, r.At.Sub(ep.Begun))
		}
		due := ep.Accepted.Add(g.rules.Step)
		r, ok := firstAccepted(ep.second)
		if !ok || !g.healthy(due.Add(-promptly), due.Add(promptly)) {
			continue
		}
		escalation = append(escalation, r.At.Sub(due))
		fromStart = append(fromStart, r.At.Sub(ep.Begun.Add(g.rules.Step)))
	}
	v.Lateness, v.Request = SpreadOf(lateness), SpreadOf(request)
	v.Escalation, v.FromStart = SpreadOf(escalation), SpreadOf(fromStart)
}

// afterKill measures what becomes of the messages that a killed replica had claimed: those that the provider had taken and
// whose outcome was not stored are sent again, those accepted shortly before are sent for the first time.
func (g *ground) afterKill(v *Verdict) {
	var resend, waiting []time.Duration
	for _, f := range g.faults {
		if f.Kind != Kill {
			continue
		}
		for _, ep := range g.episodes {
			if ep.Begun.After(f.From) {
				continue
			}
			for _, rings := range [][]Ring{ep.first, ep.second} {
				if next, ok := sentAgain(rings, f); ok && !g.otherwise(f, next.At) {
					resend = append(resend, next.At.Sub(f.From))
				}
			}
			if ep.Accepted.IsZero() || ep.Accepted.After(f.From) || ep.Accepted.Before(f.From.Add(-promptly)) || len(ep.first) == 0 {
				continue
			}
			if at := ep.first[0].At; at.After(f.From) && !g.otherwise(f, at) {
				waiting = append(waiting, at.Sub(f.From))
			}
		}
	}
	v.Resend, v.Waiting = SpreadOf(resend), SpreadOf(waiting)
}

// sentAgain finds the attempt after the last one that the killed replica made before the kill, if that one had gone well:
// only its death can be why there is another.
func sentAgain(rings []Ring, f Fault) (Ring, bool) {
	last := -1
	for i, r := range rings {
		if r.At.After(f.From) {
			break
		}
		last = i
	}
	if last < 0 || last+1 >= len(rings) {
		return Ring{}, false
	}
	r := rings[last]
	if r.From != f.Number || !r.Accepted || ambiguous(r) || r.At.Before(f.From.Add(-attemptTime)) {
		return Ring{}, false
	}
	return rings[last+1], true
}

// otherwise reports whether something else than the kill was down meanwhile: then the wait is not the kill's.
func (g *ground) otherwise(kill Fault, until time.Time) bool {
	return slices.ContainsFunc(g.faults, func(f Fault) bool {
		return f.Kind != Kill && f.Kind != Provider && f.From.Before(until) && kill.From.Before(f.To.Add(promptly))
	})
}

// gaps measures the longest silence of the provider around each partition.
func (g *ground) gaps(v *Verdict) {
	var gaps []time.Duration
	for _, f := range g.faults {
		if f.Kind != Partition {
			continue
		}
		var longest time.Duration
		for i := range len(g.rings) - 1 {
			a, b := g.rings[i].At, g.rings[i+1].At
			if b.After(f.From) && a.Before(f.To.Add(recovery)) {
				longest = max(longest, b.Sub(a))
			}
		}
		gaps = append(gaps, longest)
	}
	v.Gap = SpreadOf(gaps)
}
