package sim_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"pagerd/gateway/sim"
	"pagerd/gateway/store"
)

// play plays worlds side by side and returns what happened in all of them. A broken rule fails the test.
func play(t *testing.T, o sim.Options, seeds ...uint64) sim.Tally {
	t.Helper()
	var total sim.Tally
	var mu sync.Mutex
	var wg sync.WaitGroup
	next := make(chan uint64)
	for range 2 {
		wg.Go(func() {
			for seed := range next {
				o := o
				o.Seed = seed
				r, err := sim.Play(o)
				mu.Lock()
				if err != nil {
					t.Error(err)
				}
				if r.Broken != nil {
					t.Errorf("%s\n%s: %s\ngo run ./gateway/sim/simulate %s -tell", r.Broken.Rule, r.Broken.About, r.Broken.What, o.Args())
				}
				total.Add(r.Tally)
				mu.Unlock()
			}
		})
	}
	for _, s := range seeds {
		next <- s
	}
	close(next)
	wg.Wait()
	return total
}

func upTo(n uint64) []uint64 {
	var out []uint64
	for s := range n {
		out = append(out, s+1)
	}
	return out
}

func TestEveryRuleHoldsInEveryWorld(t *testing.T) {
	total := play(t, sim.Options{Backend: sim.Memory()}, upTo(24)...)
	t.Logf("%d events\n%s", total.Events, total.String())
	// A world in which nothing goes wrong proves nothing.
	for _, what := range []string{"crash", "pause", "request lost", "answer lost", "a partition", "an outage of the store", "failed over", "written to the old master",
		"held pass", "queued body accepted", "rival", "slow store call", "lease lost", "provider hangs", "answer of the provider lost", "reconciled",
		"send refused: unreachable", "send refused: rate_limited", "send refused: rejected", "bundle", "message again", "message on the wire at a stop",
		"acknowledgement race", "acknowledgement recorded", "resolved: person", "resolved: source", "round: ack_expired", "round: unacknowledged",
		"round: raised", "round: refired", "round: hold_ended", "step in a gap", "pass that rang nobody", "held", "sweep", "a reload", "housekeeping",
		"severity raised", "severity lowered", "delivery: letter", "anchor", "webhook again", "sns message again", "digit", "mail button", "sms reply", "503"} {
		if total.Counts[what] == 0 {
			t.Errorf("it never happened: %s", what)
		}
	}
}

func TestEveryRuleHoldsOverTheEmbeddedStore(t *testing.T) {
	total := play(t, sim.Options{Backend: sim.Bolt()}, upTo(8)...)
	for _, what := range []string{"crash", "send", "acknowledgement recorded", "queued body accepted", "pause"} {
		if total.Counts[what] == 0 {
			t.Errorf("it never happened: %s", what)
		}
	}
}

func TestAcknowledgementsThatRaceAreRecordedOnce(t *testing.T) {
	total := play(t, sim.Options{Backend: sim.Memory(), Races: true}, upTo(2)...)
	races, recorded := total.Counts["acknowledgement race"], total.Counts["acknowledgement recorded"]
	t.Logf("%d races, %d acknowledgements recorded", races, recorded)
	if races < 1000 || recorded == 0 || recorded > races {
		t.Errorf("%d races, %d acknowledgements recorded", races, recorded)
	}
}

func TestTheSameSeedPlaysTheSameStory(t *testing.T) {
	for _, o := range []sim.Options{
		{Seed: 1, Backend: sim.Memory()}, {Seed: 2, Backend: sim.Memory()}, {Seed: 10, Backend: sim.Memory()}, {Seed: 16, Backend: sim.Memory()},
		{Seed: 5, Backend: sim.Bolt()}, {Seed: 3, Backend: sim.Memory(), Races: true, Until: 3 * time.Minute},
	} {
		o.Tell = true
		var stories [2]string
		for i := range stories {
			r, err := sim.Play(o)
			if err != nil {
				t.Fatal(err)
			}
			stories[i] = r.Story()
		}
		if stories[0] != stories[1] || strings.Count(stories[0], "\n") < 100 {
			a, b := strings.Split(stories[0], "\n"), strings.Split(stories[1], "\n")
			for i := range min(len(a), len(b)) {
				if a[i] != b[i] {
					t.Errorf("%s: line %d of %d and %d\n%s\n%s", o.Args(), i+1, len(a), len(b), a[i], b[i])
					break
				}
			}
		}
	}
}

// forgetful is a store that keeps no operation ids: a bug to be found.
type forgetful struct{ store.Store }

func (f forgetful) Commit(ctx context.Context, c store.Change) error {
	c.Op = ""
	return f.Store.Commit(ctx, c)
}

type forgetfulMedium struct{ sim.Medium }

func (m forgetfulMedium) Store() store.Store { return forgetful{m.Medium.Store()} }

func TestABrokenWorldIsFoundAndShrunk(t *testing.T) {
	backend := sim.Backend{Name: "memory", Replicas: 3, Open: func() (sim.Medium, error) {
		m, err := sim.Memory().Open()
		return forgetfulMedium{m}, err
	}}
	var found sim.Result
	o := sim.Options{Backend: backend}
	for seed := range uint64(100) {
		o.Seed = seed + 1
		r, err := sim.Play(o)
		if err != nil {
			t.Fatal(err)
		}
		if found = r; r.Broken != nil && r.Broken.Event < 3000 { // a large world takes long to shrink
			break
		}
	}
	if found.Broken == nil || found.Broken.Rule != sim.RuleOnce {
		t.Fatalf("%+v", found.Broken)
	}
	small, r, err := sim.Shrink(o, *found.Broken, time.Minute)
	if err != nil || r.Broken == nil || r.Broken.Rule != sim.RuleOnce {
		t.Fatalf("%+v, %v", r.Broken, err)
	}
	if left := len(r.Planned) - len(small.Drop); left > len(found.Planned)/2 {
		t.Errorf("%d of %d planned happenings and %d of %d events are left", left, len(found.Planned), r.Broken.Event, found.Broken.Event)
	}
	if story := r.Short(); !strings.Contains(story, "BROKEN an operation is applied at most once") {
		t.Errorf("the story does not end in what is broken:\n%s", story)
	}
	t.Logf("go run ./gateway/sim/simulate %s\n%s", small.Args(), r.Short())
}
