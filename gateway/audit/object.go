package audit

import (
	"fmt"
	"time"

	"pagerd/gateway/timeline"
)

// Object is what is stored of an object now.
type Object struct {
	Head
	Gone     bool             `json:"gone,omitempty"` // only its timeline is left, if anything
	Timeline []timeline.Entry `json:"timeline,omitempty"`
}

// Check holds an object against its own chain and against what was anchored. keep is how long an object is kept after it
// closed; retention deletes no earlier, and leaves the newest entry. It returns nil or the first thing that does not fit.
func (l *Ledger) Check(o Object, now time.Time, keep time.Duration) error {
	known, anchored := l.heads[o.Object]
	expired := anchored && !known.Closed.IsZero() && !known.Closed.Add(keep).After(now)
	switch {
	case o.Gone && !anchored:
		return nil
	case o.Gone && !expired:
		if known.Closed.IsZero() {
			return fmt.Errorf("%s is missing: %d entries were anchored, and it was not over", o.Object, known.Entries)
		}
		return fmt.Errorf("%s is missing: %d entries were anchored, and retention keeps it until %s", o.Object, known.Entries,
			known.Closed.Add(keep).Format("2006-01-02"))
	case o.Gone && len(o.Timeline) == 0 && known.Entries > 0:
		return fmt.Errorf("%s is missing: retention leaves its newest entry, and there is none", o.Object)
	}
	head := o.Hash
	if n := len(o.Timeline); o.Gone && n > 0 {
		head = o.Timeline[n-1].Hash
	}
	verify := timeline.Verify
	if expired { // retention takes the oldest entries first
		verify = timeline.VerifyRest
	}
	if err := verify(o.Timeline, head); err != nil {
		return named(o.Object, err)
	}
	if !anchored {
		return nil
	}
	return l.anchored(o, known)
}

// anchored finds the entry that was anchored in a timeline that is whole by itself.
func (l *Ledger) anchored(o Object, known Head) error {
	n := len(o.Timeline)
	if known.Entries == 0 {
		return nil
	}
	if n == 0 || o.Timeline[n-1].Seq < known.Entries {
		return fmt.Errorf("%s: its tail is cut: %d entries were anchored, and %d are there", o.Object, known.Entries, n)
	}
	first := o.Timeline[0].Seq
	if known.Entries < first {
		return nil // retention has taken the anchored entry
	}
	if e := o.Timeline[known.Entries-first]; e.Hash != known.Hash {
		return fmt.Errorf("%s: entry %d is not the one that was anchored: the timeline was written anew", o.Object, e.Seq)
	}
	return nil
}

// named makes every finding begin with the object's name.
func named(object string, err error) error {
	if text := err.Error(); len(text) > len(object) && text[:len(object)] == object {
		return err
	}
	return fmt.Errorf("%s: %w", object, err)
}
