package judge

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Rules are the times that the run was configured with.
type Rules struct {
	Step time.Duration // of the first escalation step: the second number rings after it
	// Patience is how late a ring may be before it counts as one that never came, if the alert ended meanwhile.
	Patience time.Duration
}

// attemptTime is the longest that a request to the provider is on its way, pagerd's deadline of an attempt: what was wanted
// when it began may arrive as much later.
const attemptTime = 5 * time.Second

// recovery is how long after a fault's end the run still counts as disturbed.
const recovery = 5 * time.Second

// CaseName makes the name of the n-th alert.
func CaseName(n int) string { return "case" + strconv.Itoa(n) + "z" }

var caseName = regexp.MustCompile(`case\d+z`)

// pageNumber finds "#1042"; numbers begin at 1001.
var pageNumber = regexp.MustCompile(`#(\d{4,})`)

// asksToAck tells a page's own message from those that only inform by the words in which it asks.
func asksToAck(body string) bool { return strings.Contains(body, "Reply 4 ack") }

// episode is an alert from one firing to its end, with what the provider was asked to send of it.
type episode struct {
	Post               // of the firing; Accepted is zero if it never was
	ended    time.Time // the resolve's first request began; zero = none
	endedFor time.Time // the resolve was accepted; zero = it was not, and there is no next episode
	next     time.Time // the next episode of the same case began; zero = none
	first    []Ring    // requests to ring the first number, in order of arrival
	second   []Ring    // requests to ring the second
}

// ground is the evidence put in order.
type ground struct {
	rules    Rules
	episodes []*episode
	byCase   map[string][]*episode
	stray    []Ring           // rings that no post explains
	windows  []window         // of the faults, with the recovery after each
	pages    map[string]int64 // case → the page that its messages named last
	faults   []Fault
	rings    []Ring // accepted ones of pages, in order of arrival
}

type window struct{ from, to time.Time }

func sortOut(e Evidence, r Rules) *ground {
	g := &ground{rules: r, byCase: map[string][]*episode{}, pages: map[string]int64{}, faults: e.Faults}
	for _, f := range e.Faults {
		g.windows = append(g.windows, window{f.From, f.To.Add(recovery)})
	}
	g.posts(e.Posts)
	rings := slices.Clone(e.Rings)
	slices.SortStableFunc(rings, func(a, b Ring) int { return a.At.Compare(b.At) })
	for _, ring := range rings {
		g.ring(ring)
	}
	return g
}

// posts makes the episodes.
func (g *ground) posts(posts []Post) {
	type key struct {
		name    string
		episode int
	}
	known := map[key]*episode{}
	for _, p := range posts {
		k := key{p.Case, p.Episode}
		ep := known[k]
		if ep == nil {
			ep = &episode{Post: p}
			known[k] = ep
			g.episodes = append(g.episodes, ep)
			g.byCase[p.Case] = append(g.byCase[p.Case], ep)
		}
		switch {
		case p.Resolve && p.Accepted.IsZero():
			ep.ended = p.Begun
		case p.Resolve:
			ep.endedFor = p.Accepted
		case !p.Accepted.IsZero():
			ep.Post = p
		}
	}
	for _, eps := range g.byCase {
		slices.SortFunc(eps, func(a, b *episode) int { return a.Episode - b.Episode })
		for i := range len(eps) - 1 {
			eps[i].next = eps[i+1].Begun
		}
	}
}

// ring puts a request to send where it belongs.
func (g *ground) ring(r Ring) {
	name := caseName.FindString(r.Body)
	if r.Kind != "sms" || name == "" || !asksToAck(r.Body) {
		return
	}
	if r.Accepted {
		g.rings = append(g.rings, r)
	}
	if m := pageNumber.FindStringSubmatch(r.Body); m != nil {
		g.pages[name], _ = strconv.ParseInt(m[1], 10, 64) // digits; one too large is no page of ours
	}
	ep := g.belongs(name, r)
	switch {
	case ep == nil:
		g.stray = append(g.stray, r)
	case r.To == ep.First:
		ep.first = append(ep.first, r)
	default:
		ep.second = append(ep.second, r)
	}
}

// belongs finds the episode that a ring is about: the newest that had begun. The second number's may be of the one
// before, whose last attempt was under way when it ended.
func (g *ground) belongs(name string, r Ring) *episode {
	var found *episode
	for _, ep := range g.byCase[name] {
		if r.At.Before(ep.Begun) || r.To != ep.First && r.To != ep.Second {
			break
		}
		if r.To == ep.Second && found != nil && r.At.Before(ep.Begun.Add(g.rules.Step)) && found.mayStillRing(r.At, g.rules.Step) {
			break
		}
		found = ep
	}
	return found
}

// mayStillRing reports whether the second number's ring may still arrive at an instant: its time came before the episode
// was over, and an attempt is on its way for a while.
func (ep *episode) mayStillRing(at time.Time, step time.Duration) bool {
	return !ep.endedFor.Before(ep.Begun.Add(step)) && at.Before(ep.endedFor.Add(attemptTime))
}

// over reports whether the source had ended the episode before something that was due then had to be there.
func (ep *episode) over(due time.Time, r Rules) bool {
	return !ep.ended.IsZero() && ep.ended.Before(due.Add(r.Patience))
}

// firstAccepted is the first of these requests that took effect; ok is false when there is none.
func firstAccepted(rings []Ring) (Ring, bool) {
	for _, r := range rings {
		if r.Accepted {
			return r, true
		}
	}
	return Ring{}, false
}

// healthy reports whether no fault and no recovery from one touches these instants or what lies between them.
func (g *ground) healthy(from, to time.Time) bool {
	return !slices.ContainsFunc(g.windows, func(w window) bool { return w.from.Before(to) && from.Before(w.to) })
}
