package replica

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"pagerd/gateway/store"
)

func offsets(ms ...int) []store.Replica {
	var out []store.Replica
	for i, n := range ms {
		out = append(out, store.Replica{Name: string(rune('a' + i)), Offset: time.Duration(n) * time.Millisecond})
	}
	return out
}

func TestAClockIsJudgedByTheMedianOfTheOthersAndTheStore(t *testing.T) {
	for name, c := range map[string]struct {
		offset int // of replica a
		others []store.Replica
		want   Verdict
		held   bool
	}{
		"alone and right":                    {20, nil, Verdict{20 * time.Millisecond, 2, false}, false},
		"alone and off: who knows":           {3000, nil, Verdict{3 * time.Second, 2, true}, false},
		"two that agree":                     {20, offsets(0, -30), Verdict{20 * time.Millisecond, 3, false}, false},
		"two, this one is ahead":             {900, offsets(0, 10), Verdict{890 * time.Millisecond, 3, true}, true},
		"two, this one is behind":            {-900, offsets(0, 10), Verdict{-900 * time.Millisecond, 3, true}, true},
		"two, the other one is off":          {10, offsets(0, 5000), Verdict{0, 3, false}, false},
		"just within":                        {500, offsets(0, 0), Verdict{500 * time.Millisecond, 3, false}, false},
		"just beyond":                        {501, offsets(0, 0), Verdict{501 * time.Millisecond, 3, true}, true},
		"three, the store's clock was set":   {-90_000, offsets(0, -90_010, -89_990), Verdict{-10 * time.Millisecond, 4, false}, false},
		"two of three wrong alike":           {7000, offsets(0, 7000, 0), Verdict{7 * time.Second, 4, true}, true},
		"two of three wrong, the right one":  {0, offsets(0, 7000, 7000), Verdict{0, 4, false}, false},
		"what was announced before is old":   {10, offsets(9000, 0, 0), Verdict{10 * time.Millisecond, 4, false}, false},
		"three that are all over the place":  {-2000, offsets(0, 2000, 4000), Verdict{-2 * time.Second, 4, true}, true},
		"the same, and the store is nearest": {2000, offsets(0, -2000, 4000), Verdict{2 * time.Second, 4, true}, true},
	} {
		got := Judge("a", time.Duration(c.offset)*time.Millisecond, c.others)
		if got != c.want || got.Held() != c.held {
			t.Errorf("%s: %+v, held %v; want %+v, held %v", name, got, got.Held(), c.want, c.held)
		}
	}
}

// TestClocksThatAreRightAreNeverHeld: whatever one replica of three or more says, those within 200 ms of the store go on.
func TestClocksThatAreRightAreNeverHeld(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		good := rapid.SliceOfN(rapid.IntRange(-200, 200), 2, 6).Draw(t, "right ones")
		bad := rapid.IntRange(-10_000_000, 10_000_000).Draw(t, "the wrong one")
		all := offsets(append(good, bad)...)
		for _, r := range all[:len(good)] {
			if v := Judge(r.Name, r.Offset, all); v.Held() {
				t.Fatalf("%s with %s is held: %+v", r.Name, r.Offset, v)
			}
		}
		wrong := all[len(good)]
		if v := Judge(wrong.Name, wrong.Offset, all); wrong.Offset.Abs() > Limit+200*time.Millisecond && !v.Held() {
			t.Fatalf("the wrong clock fires: %+v", v)
		}
	})
}

func TestDifferentConfigurationsAreToldOnceAfterAWhile(t *testing.T) {
	alike := []store.Replica{{Name: "a", Config: "1"}, {Name: "b", Config: "1"}}
	differ := []store.Replica{{Name: "a", Config: "1"}, {Name: "b", Config: "2"}}
	begin := time.Date(2026, 3, 4, 3, 0, 0, 0, time.UTC)
	var s skew
	for _, c := range []struct {
		after time.Duration
		live  []store.Replica
		tell  bool
	}{
		{0, alike, false},
		{10 * time.Second, differ, false},
		{2*time.Minute + 10*time.Second, differ, false},
		{2*time.Minute + 11*time.Second, differ, true},
		{3 * time.Minute, differ, false},
		{4 * time.Minute, alike, false},
		{5 * time.Minute, differ, false},
		{6 * time.Minute, alike, false},
		{7 * time.Minute, differ, false},
		{8 * time.Minute, differ, false},
		{9*time.Minute + time.Second, differ, true},
		{10 * time.Minute, nil, false},
	} {
		if got := s.observe(begin.Add(c.after), c.live); got != c.tell {
			t.Errorf("after %s: told %v, want %v", c.after, got, c.tell)
		}
	}
}
