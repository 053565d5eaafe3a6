package degraded

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pagerd/gateway/store"
)

// Timing of the alarm, besides the configured time after which it begins.
const (
	repeatEvery = 5 * time.Minute  // while it lasts
	retryAfter  = 15 * time.Second // when nobody could be told
	settled     = 3 * time.Second  // a store that comes and goes has not come back
)

// outage is the pure state of an unusable store: since when, and what was told. The zero value is a store that is usable.
type outage struct {
	since   time.Time // zero = usable
	usable  time.Time // since when it seems to be back; zero = it does not
	next    time.Time // not to be told again before
	told    bool      // somebody was told, or may have been
	telling bool      // messages are on their way
}

// deed is what an observation asks for.
type deed int

const (
	nothing  deed = iota
	tell          // that the store is unusable
	tellBack      // that it is usable again; the outage is over with it
)

// observe takes what was seen at now and says what to do. for is how long the outage lasts or lasted.
func (o *outage) observe(now time.Time, unusable bool, after time.Duration) (do deed, lasts time.Duration) {
	if o.since.IsZero() {
		if unusable {
			o.since = now
		}
		return nothing, 0
	}
	lasts = now.Sub(o.since)
	if unusable {
		o.usable = time.Time{}
		if o.telling || lasts < after || now.Before(o.next) {
			return nothing, lasts
		}
		o.telling = true
		return tell, lasts
	}
	if o.usable.IsZero() {
		o.usable = now
	}
	if o.telling || now.Sub(o.usable) < settled {
		return nothing, lasts
	}
	told, lasted := o.told, o.usable.Sub(o.since)
	*o = outage{}
	if told {
		return tellBack, lasted
	}
	return nothing, lasted
}

// answered takes what telling came to.
func (o *outage) answered(now time.Time, r result) {
	o.telling = false
	o.told = o.told || r.accepted || r.maybe
	o.next = now.Add(retryAfter)
	if r.accepted || r.nobody {
		o.next = now.Add(repeatEvery)
	}
}

// result is what telling everybody came to.
type result struct {
	accepted bool // a provider took at least one message
	maybe    bool // or perhaps did
	nobody   bool // there is nobody to tell
}

// notice is something that is told once.
type notice struct {
	key, text string
	born      time.Time
	next      time.Time
	telling   bool
}

const (
	quiet   = 10 * time.Minute // the same key is not told again before, as the engine's alarms are not
	givesUp = time.Hour        // a notice that nobody took is no news any more
)

// notices are those that wait to be told, and which were.
type notices struct {
	waiting []*notice
	told    map[string]time.Time
}

// add takes a notice unless its key was told lately. One that waits gets the new text.
func (n *notices) add(now time.Time, key, text string) {
	for _, w := range n.waiting {
		if w.key == key {
			w.text = text
			return
		}
	}
	if at, ok := n.told[key]; ok && now.Sub(at) < quiet {
		return
	}
	n.waiting = append(n.waiting, &notice{key: key, text: text, born: now, next: now})
}

// due returns those to be told now, and marks them as on their way.
func (n *notices) due(now time.Time) []*notice {
	var out, keep []*notice
	for _, w := range n.waiting {
		if !w.telling && now.Sub(w.born) > givesUp {
			continue
		}
		keep = append(keep, w)
		if !w.telling && !now.Before(w.next) {
			w.telling = true
			out = append(out, w)
		}
	}
	n.waiting = keep
	return out
}

// answered takes what telling one came to.
func (n *notices) answered(now time.Time, w *notice, r result) {
	w.telling = false
	if !r.accepted && !r.nobody {
		w.next = now.Add(retryAfter)
		return
	}
	var keep []*notice
	for _, other := range n.waiting {
		if other != w {
			keep = append(keep, other)
		}
	}
	n.waiting = keep
	for key, at := range n.told {
		if now.Sub(at) >= quiet {
			delete(n.told, key)
		}
	}
	if n.told == nil {
		n.told = map[string]time.Time{}
	}
	n.told[w.key] = now
}

// unusableText is the alarm. What it means comes before the reason: a text message cuts the end off.
func unusableText(replica, means, reason string, lasts time.Duration) string {
	return fmt.Sprintf("DEGRADED for %s: %s: %s. Store: %s", span(lasts), name(replica), means, brief(reason))
}

// brief leaves out of an error's text what is said twice, and that the store is unavailable, which is why it is told.
func brief(reason string) string {
	var said []string
	for part := range strings.SplitSeq(reason, ": ") {
		if !slices.Contains(said, part) && part != store.ErrUnavailable.Error() {
			said = append(said, part)
		}
	}
	return strings.Join(said, ": ")
}

func backText(replica string, lasted time.Duration) string {
	return fmt.Sprintf("BACK after %s: %s: alerts are accepted and paged again. What was refused meanwhile comes when its source tries again",
		span(lasted), name(replica))
}

// maxName leaves room for the rest of a text message.
const maxName = 32

func name(replica string) string {
	if len(replica) <= maxName {
		return replica
	}
	return replica[:maxName-3] + "..."
}

// span is a duration as people say it.
func span(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	}
	return fmt.Sprintf("%d h", int(d.Hours()))
}
