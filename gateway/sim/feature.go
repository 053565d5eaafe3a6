package sim

import "slices"

// Feature is something that may go wrong, or that makes a world richer. A failure is shrunk by leaving features out.
type Feature string

// The closed list of features.
const (
	Clocks     Feature = "clocks"     // replicas' clocks differ by up to 200 ms, and are corrected now and then
	Runaway    Feature = "runaway"    // one clock is far off for a while
	Network    Feature = "network"    // a request to the store is lost, or its answer is although it was executed
	Partition  Feature = "partition"  // a replica cannot reach the store for a while
	Outage     Feature = "outage"     // nobody can
	Failover   Feature = "failover"   // the store fails over; what it answered with an error may be gone
	Slow       Feature = "slow"       // a store call takes up to two seconds
	Pause      Feature = "pause"      // a replica is stopped and goes on later, holding what it claimed
	Crash      Feature = "crash"      // a replica dies at a store call or at a send, before or after it
	Interleave Feature = "interleave" // other replicas work in the middle of a store call
	Rivals     Feature = "rivals"     // they do what races with the operation under way
	Folding    Feature = "folding"    // bodies arrive for a group that is being stored
	Provider   Feature = "provider"   // 500, 429, refusals, accepted and cut, hanging, outages
	Callbacks  Feature = "callbacks"  // twice, out of order, late, before the send's answer
	Replies    Feature = "replies"    // people answer messages, calls and mails
	Late       Feature = "late"       // they answer hours late, and webhooks are repeated hours later
	Acts       Feature = "acts"       // people act through the API
	Repeats    Feature = "repeats"    // sources say things twice, late and in another order
	Peers      Feature = "peers"      // two Alertmanagers tell the same
	Silences   Feature = "silences"   // silences begin and end
	Reloads    Feature = "reloads"    // the configuration is replaced, in one replica after the other
	Gaps       Feature = "gaps"       // a rotation is nobody for a while
	Storms     Feature = "storms"     // many alerts of one group at once
	Quiet      Feature = "quiet"      // sources say nothing for hours, and leave alerts out of long bodies
)

// Features returns all of them.
func Features() []Feature {
	return []Feature{Clocks, Runaway, Network, Partition, Outage, Failover, Slow, Pause, Crash, Interleave, Rivals, Folding, Provider,
		Callbacks, Replies, Late, Acts, Repeats, Peers, Silences, Reloads, Gaps, Storms, Quiet}
}

// weather is how much goes wrong in a world: chances per store call or per send, 0 for what is left out.
type weather struct {
	on map[Feature]bool

	lost, answerLost, slow, pause, crash, interleave, rival, fold float64 // per store call
	trouble, cut, hang, refuse                                    float64 // per send
	callback                                                      float64 // per callback
	answers                                                       float64 // how often a person answers
	repeat                                                        float64 // per request of a source or a person
}

// newWeather throws a world's weather: each feature is there in two worlds of three, and some worlds are much worse than
// others. A world in which everything goes wrong at once hides what a world with one fault shows.
func newWeather(d dice, o Options) weather {
	w := weather{on: map[Feature]bool{}}
	for _, f := range Features() {
		there := d.Float64() < 0.67
		w.on[f] = there && !slices.Contains(o.Without, f)
	}
	level := func(f Feature, levels ...float64) float64 {
		v := pick(d, levels)
		if !w.on[f] {
			return 0
		}
		return v
	}
	w.lost, w.answerLost = level(Network, 0.001, 0.005, 0.02), level(Network, 0.001, 0.005, 0.02)
	w.slow, w.pause = level(Slow, 0.002, 0.01), level(Pause, 0.0005, 0.002, 0.005)
	w.crash = level(Crash, 0.0005, 0.002, 0.005)
	w.interleave, w.rival, w.fold = level(Interleave, 0.03, 0.1, 0.3), level(Rivals, 0.03, 0.1, 0.3), level(Folding, 0.01, 0.05)
	w.trouble, w.cut = level(Provider, 0.02, 0.1, 0.3), level(Provider, 0.01, 0.05)
	w.hang, w.refuse = level(Provider, 0.005, 0.03), level(Provider, 0.01, 0.05)
	w.callback = level(Callbacks, 0.1, 0.3)
	w.answers = level(Replies, 0.2, 0.5, 0.9)
	w.repeat = level(Repeats, 0.05, 0.2)
	return w
}

// heal ends everything that goes wrong by chance; only people and sources go on.
func (w *weather) heal() {
	on := map[Feature]bool{Peers: w.on[Peers], Clocks: w.on[Clocks], Gaps: w.on[Gaps], Silences: w.on[Silences], Quiet: w.on[Quiet]}
	*w = weather{on: on}
}
