package replica

import (
	"slices"
	"time"

	"pagerd/gateway/store"
)

// Limit is how far a clock may be off the others' (RULES R9): half of the second within which a step must start.
const Limit = 500 * time.Millisecond

// enoughVotes is how many clocks can tell which of them is wrong; two only know that they differ.
const enoughVotes = 3

// Verdict is what this replica's clock is worth, by the clocks of the others and of the store.
type Verdict struct {
	Deviation time.Duration // of this replica's clock from the median; positive = ahead
	Votes     int           // clocks that were compared, the store's included
	Off       bool          // the deviation is more than Limit
}

// Held reports whether the replica must fire nothing. With too few votes it only alarms: the other clock may be the wrong one.
func (v Verdict) Held() bool { return v.Off && v.Votes >= enoughVotes }

// Judge compares the clock of the replica called name, whose offset to the store's clock was just measured, with what the
// live replicas announced. The store votes too, with offset 0.
func Judge(name string, offset time.Duration, live []store.Replica) Verdict {
	votes := []time.Duration{0, offset}
	for _, r := range live {
		if r.Name != name {
			votes = append(votes, r.Offset)
		}
	}
	v := Verdict{Deviation: offset - median(votes), Votes: len(votes)}
	v.Off = v.Deviation.Abs() > Limit
	return v
}

// median is the middle vote. Of two middle ones it is that nearer to the store's clock, and never their mean: a mean that is
// nobody's clock could hold every replica at once.
func median(votes []time.Duration) time.Duration {
	slices.Sort(votes)
	low, high := votes[(len(votes)-1)/2], votes[len(votes)/2]
	if low.Abs() <= high.Abs() {
		return low
	}
	return high
}

// Skew names live replicas that run with different configurations, by name; nil when all are alike.
func Skew(live []store.Replica) []store.Replica {
	for _, r := range live {
		if r.Config != live[0].Config {
			return live
		}
	}
	return nil
}

// skewPatience is how long replicas may differ before the operators hear of it: a rollout of a new configuration takes that long.
const skewPatience = 2 * time.Minute

// skew remembers since when the configurations differ.
type skew struct {
	since time.Time // zero = they are alike
	told  bool
}

// observe reports whether the operators must be told now; they are told once, until the configurations are alike again.
func (s *skew) observe(now time.Time, live []store.Replica) bool {
	if len(Skew(live)) == 0 {
		*s = skew{}
		return false
	}
	if s.since.IsZero() {
		s.since = now
	}
	if s.told || now.Sub(s.since) <= skewPatience {
		return false
	}
	s.told = true
	return true
}
