package sim

import (
	"math/rand/v2"
	"time"
)

// dice are the chances of one happening. Each happening has dice of its own, thrown from the world's seed and the
// happening's place in the story, so that leaving one out while shrinking leaves the others as they were.
type dice struct{ *rand.Rand }

func newDice(seed, id uint64) dice { return dice{rand.New(rand.NewPCG(seed, id))} }

// chance is true with probability p.
func (d dice) chance(p float64) bool { return p > 0 && d.Float64() < p }

// between is a duration in [low, high].
func (d dice) between(low, high time.Duration) time.Duration {
	if high <= low {
		return low
	}
	return low + time.Duration(d.Int64N(int64(high-low)+1)).Truncate(time.Millisecond)
}

// soon is mostly short and sometimes as long as most: what networks and people take.
func (d dice) soon(most time.Duration) time.Duration {
	f := d.Float64()
	return time.Duration(f * f * f * float64(most)).Truncate(time.Millisecond)
}

func pick[T any](d dice, list []T) T { return list[d.IntN(len(list))] }

// mix gives the n-th child of a happening its own number (splitmix64).
func mix(parent, n uint64) uint64 {
	z := parent + (n+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
