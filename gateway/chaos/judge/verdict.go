package judge

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Verdict is what the records come to.
type Verdict struct {
	Accepted  int `json:"accepted"`  // firings that were answered 2xx
	InFault   int `json:"in_fault"`  // of these while a fault was played
	InOutage  int `json:"in_outage"` // of these while a process, Redis, a link or the disk was down; the provider's faults left out
	Over      int `json:"over"`      // ended by their source before they rang: nobody had to be rung
	Lost      int `json:"lost"`      // accepted and never rung
	Missed    int `json:"missed"`    // rang, nobody answered, and the second number never rang
	Early     int `json:"early"`     // second number rung before its time, or any number before anything was posted
	Escalated int `json:"escalated"` // second numbers rung

	Lateness   Spread `json:"lateness"`   // healthy time: 2xx to the first ring
	Request    Spread `json:"request"`    // the same from the request's start
	Escalation Spread `json:"escalation"` // healthy time: when the second number was due, counted from the 2xx, to its ring
	FromStart  Spread `json:"from_start"` // the same counted from the request's start
	Resend     Spread `json:"resend"`     // kill of a replica to the next attempt of what it had sent and not settled
	Waiting    Spread `json:"waiting"`    // kill of a replica to the first ring of what was accepted and had not rung
	Gap        Spread `json:"gap"`        // longest silence of the provider around each partition

	Sends      int            `json:"sends"`      // accepted by the provider
	Distinct   int            `json:"distinct"`   // messages that had to be sent
	Ambiguous  int            `json:"ambiguous"`  // sent again because the provider had accepted and not said so
	Duplicates int            `json:"duplicates"` // sent again for any other reason
	Causes     map[string]int `json:"causes"`     // of Duplicates: the fault that explains each, or "unexplained"

	Confirmed  int    `json:"acks_confirmed"`  // pages whose acknowledgement was confirmed to the telephone
	Recorded   int    `json:"acks_recorded"`   // acknowledgements in the timelines
	Unrecorded int    `json:"acks_unrecorded"` // confirmed and not in the timeline
	Doubled    int    `json:"acks_doubled"`    // rounds that were acknowledged more than once, and confirmations beyond the rounds
	Unread     int    `json:"acks_unread"`     // pages whose timeline could not be read
	AfterAck   Spread `json:"after_ack"`       // rings of a page after its acknowledgement was confirmed

	Faults   map[string]int `json:"faults"`   // played, by kind
	Examples []string       `json:"examples"` // the first few things of each kind that are wrong
}

// MaxDuplicates is the share of messages that may be doubled without an ambiguous answer (promised: 3 %).
const MaxDuplicates = 0.03

// DuplicateShare is Duplicates of Distinct.
func (v Verdict) DuplicateShare() float64 {
	if v.Distinct == 0 {
		return 0
	}
	return float64(v.Duplicates) / float64(v.Distinct)
}

// Broken names the promises that were not kept; none = the run passes.
func (v Verdict) Broken() []string {
	var out []string
	for _, p := range []struct {
		n    int
		what string
	}{
		{v.Lost, "accepted alerts were never rung"}, {v.Missed, "escalations never rang"}, {v.Early, "rings were early"},
		{v.Unrecorded, "confirmed acknowledgements are not recorded"}, {v.Doubled, "acknowledgements are recorded more than once"},
		{v.Unread, "timelines could not be read"},
	} {
		if p.n > 0 {
			out = append(out, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	if share := v.DuplicateShare(); share > MaxDuplicates {
		out = append(out, fmt.Sprintf("%.1f %% of the messages were doubled", 100*share))
	}
	return out
}

// Spread is a distribution of durations.
type Spread struct {
	N   int           `json:"n"`
	P50 time.Duration `json:"p50_ns"`
	P99 time.Duration `json:"p99_ns"`
	Max time.Duration `json:"max_ns"`
}

// SpreadOf makes the distribution; it sorts d.
func SpreadOf(d []time.Duration) Spread {
	if len(d) == 0 {
		return Spread{}
	}
	slices.SortFunc(d, cmp.Compare)
	return Spread{N: len(d), P50: d[len(d)/2], P99: d[len(d)*99/100], Max: d[len(d)-1]}
}

// maxExamples is how many wrong things of a kind are told in words: enough to look for, few enough to read.
const maxExamples = 5

// example tells the nth wrong thing of a kind.
func (v *Verdict) example(nth int, format string, args ...any) {
	if nth <= maxExamples {
		v.Examples = append(v.Examples, fmt.Sprintf(format, args...))
	}
}

// clock shows an instant as the logs do.
func clock(t time.Time) string { return t.UTC().Format("15:04:05.000") }
