package judge

import "time"

// ambiguous reports whether the provider took a message and did not say so: sending it again is then right.
func ambiguous(r Ring) bool {
	switch r.Fault {
	case "drop", "hang", "garbage":
		return r.Accepted
	}
	return r.Accepted && r.Status >= 500
}

// doubled counts the messages that were sent more than once.
func (g *ground) doubled(v *Verdict) {
	for _, ep := range g.episodes {
		for _, rings := range [][]Ring{ep.first, ep.second} {
			var last Ring
			for _, r := range rings {
				if !r.Accepted {
					continue
				}
				v.Sends++
				switch {
				case last.At.IsZero():
					v.Distinct++
				case ambiguous(last):
					v.Ambiguous++
				default:
					v.Duplicates++
					v.Causes[g.cause(last, r)]++
				}
				last = r
			}
		}
	}
}

// cause is the fault between two sends of one message that explains the second: it kept the first one's outcome from being
// stored.
func (g *ground) cause(first, second Ring) string {
	found := "unexplained"
	for _, f := range g.faults {
		if f.Kind == Provider || f.From.After(second.At) || f.To.Before(first.At.Add(-time.Second)) {
			continue
		}
		if f.Number == first.From {
			return f.Kind
		}
		if f.Number == "" || f.Kind == Partition { // that touches every replica
			found = f.Kind
		}
	}
	return found
}
