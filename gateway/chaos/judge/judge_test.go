package judge_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pagerd/gateway/chaos/judge"
)

const (
	ana, ben = "+15550000001", "+15551000001"
	step     = 4 * time.Second
	patience = 20 * time.Second
)

// at is an instant of the run, in milliseconds from its beginning.
func at(ms int) time.Time {
	return time.Date(2026, 3, 28, 3, 0, 0, 0, time.UTC).Add(time.Duration(ms) * time.Millisecond)
}

// run builds evidence the way that it happens.
type run struct{ judge.Evidence }

func (r *run) posted(name string, episode int, resolve bool, begun, accepted int) *run {
	p := judge.Post{Case: name, Episode: episode, Resolve: resolve, First: ana, Second: ben, Begun: at(begun)}
	r.Posts = append(r.Posts, p)
	if accepted >= 0 {
		p.Asked, p.Accepted, p.Attempts = at(begun), at(accepted), 1
		r.Posts = append(r.Posts, p)
	}
	return r
}

func (r *run) fired(name string, begun, accepted int) *run {
	return r.posted(name, 1, false, begun, accepted)
}
func (r *run) refired(name string, begun, accepted int) *run {
	return r.posted(name, 2, false, begun, accepted)
}
func (r *run) resolved(name string, begun, accepted int) *run {
	return r.posted(name, 1, true, begun, accepted)
}

// rang is a message that the provider accepted from replica 1; page 1000 and the case's number is its page.
func (r *run) rang(number, name string, ms int) *run { return r.sent(number, name, ms, "r1", "", 201) }

func (r *run) sent(number, name string, ms int, from, fault string, status int) *run {
	r.Rings = append(r.Rings, judge.Ring{At: at(ms), Kind: "sms", To: number, From: from, Accepted: fault != "status", Status: status, Fault: fault,
		Body: fmt.Sprintf("SEV1 checkout: %s is failing #%d. Reply 4 ack, 6 resolve, 8 escalate", name, page(name))})
	return r
}

func page(name string) int {
	var n int
	if _, err := fmt.Sscanf(name, "case%dz", &n); err != nil {
		panic(err) // a name that this file wrote
	}
	return 1000 + n
}

func (r *run) replied(name string, asked, answered int) *run {
	r.Rings = append(r.Rings, judge.Ring{At: at(asked), Kind: "inbound", From: ana, Body: fmt.Sprintf("4 %d", page(name)), Accepted: true})
	if answered >= 0 {
		r.Rings = append(r.Rings, judge.Ring{At: at(answered), Kind: "arrived", To: ana, Accepted: true,
			Body: fmt.Sprintf("Acked #%d. You have it, and you lead incident 1. Reply 6 when resolved", page(name))})
	}
	return r
}

func (r *run) recorded(name, round string) *run {
	r.Acks = append(r.Acks, judge.Ack{Page: int64(page(name)), Round: round, By: "p1"})
	return r
}

func (r *run) fault(kind, number string, from, to int) *run {
	r.Faults = append(r.Faults, judge.Fault{Kind: kind, Target: number, Number: number, From: at(from), To: at(to)})
	return r
}

func (r *run) verdict() judge.Verdict {
	return judge.Judge(r.Evidence, judge.Rules{Step: step, Patience: patience})
}

func TestWhatBreaksAPromise(t *testing.T) {
	for name, c := range map[string]struct {
		run    *run
		broken string // empty = nothing
	}{
		"rung and escalated":              {new(run).fired("case1z", 0, 10).rang(ana, "case1z", 20).rang(ben, "case1z", 4010), ""},
		"never rung":                      {new(run).fired("case1z", 0, 10), "1 accepted alerts were never rung"},
		"never accepted":                  {new(run).fired("case1z", 0, -1), ""},
		"the provider refused":            {new(run).fired("case1z", 0, 10).sent(ana, "case1z", 20, "r1", "status", 500).rang(ben, "case1z", 4010), "1 accepted alerts were never rung"},
		"the second took it meanwhile":    {new(run).fired("case1z", 0, 10).sent(ana, "case1z", 20, "r1", "status", 500).rang(ben, "case1z", 4010).replied("case1z", 4100, 4110).recorded("case1z", "1"), ""},
		"never escalated":                 {new(run).fired("case1z", 0, 10).rang(ana, "case1z", 20), "1 escalations never rang"},
		"over before it rang":             {new(run).fired("case1z", 0, 10).resolved("case1z", 11, 15), ""},
		"over, but long after it was due": {new(run).fired("case1z", 0, 10).resolved("case1z", 20_010, 20_020), "1 accepted alerts were never rung"},
		"over, but long after its step":   {new(run).fired("case1z", 0, 10).rang(ana, "case1z", 20).resolved("case1z", 24_010, 24_020), "1 escalations never rang"},
		"over before it escalated":        {new(run).fired("case1z", 0, 10).rang(ana, "case1z", 20).resolved("case1z", 3000, -1), ""},
		"second rung early":               {new(run).fired("case1z", 0, 10).rang(ana, "case1z", 20).rang(ben, "case1z", 3999), "1 rings were early"},
		"rung before it was posted":       {new(run).fired("case1z", 100, 110).rang(ana, "case1z", 20).rang(ana, "case1z", 120).rang(ben, "case1z", 4110), "1 rings were early"},
		"rung out of nowhere":             {new(run).rang(ana, "case7z", 20), "1 rings were early"},
		"refire is a page of its own":     {new(run).fired("case1z", 0, 10).rang(ana, "case1z", 20).resolved("case1z", 1000, 1010).refired("case1z", 2000, 2010), "1 accepted alerts were never rung"},
		"refire escalates by its time":    {new(run).fired("case1z", 0, 10).rang(ana, "case1z", 20).resolved("case1z", 1000, 1010).refired("case1z", 2000, 2010).rang(ana, "case1z", 2020).rang(ben, "case1z", 5000), "1 rings were early"},
		"the last attempt of what is over": {new(run).fired("case1z", 0, 10).rang(ana, "case1z", 20).resolved("case1z", 4005, 4015).
			refired("case1z", 5000, 5010).rang(ben, "case1z", 5015).rang(ana, "case1z", 5020).rang(ben, "case1z", 9010), ""},
		"acknowledged":                       {new(run).fired("case1z", 0, 10).rang(ana, "case1z", 20).replied("case1z", 100, 110).recorded("case1z", "1"), ""},
		"acknowledged, then refired":         {new(run).fired("case1z", 0, 10).rang(ana, "case1z", 20).replied("case1z", 100, 110).recorded("case1z", "1").resolved("case1z", 200, 210).refired("case1z", 300, 310), ""},
		"confirmed and not recorded":         {new(run).fired("case1z", 0, 10).rang(ana, "case1z", 20).replied("case1z", 100, 110), "1 confirmed acknowledgements are not recorded"},
		"recorded and not confirmed":         {new(run).fired("case1z", 0, 10).rang(ana, "case1z", 20).replied("case1z", 100, -1).recorded("case1z", "1"), ""},
		"recorded twice in a round":          {new(run).fired("case1z", 0, 10).rang(ana, "case1z", 20).replied("case1z", 100, 110).recorded("case1z", "1").recorded("case1z", "1"), "1 acknowledgements are recorded more than once"},
		"recorded in each of two rounds":     {new(run).fired("case1z", 0, 10).rang(ana, "case1z", 20).replied("case1z", 100, 110).recorded("case1z", "1").recorded("case1z", "2"), ""},
		"two were told that they have it":    {new(run).fired("case1z", 0, 10).rang(ana, "case1z", 20).replied("case1z", 100, 110).replied("case1z", 100, 120).recorded("case1z", "1"), "1 acknowledgements are recorded more than once"},
		"a timeline that cannot be read":     {&run{judge.Evidence{Acks: []judge.Ack{{Page: 1001, Unread: "503"}}}}, "1 timelines could not be read"},
		"doubled without reason":             {new(run).fired("case1z", 0, 10).rang(ana, "case1z", 20).rang(ana, "case1z", 30).rang(ben, "case1z", 4010), "50.0 % of the messages were doubled"},
		"sent again, the answer was lost":    {new(run).fired("case1z", 0, 10).sent(ana, "case1z", 20, "r1", "drop", 0).rang(ana, "case1z", 530).rang(ben, "case1z", 4010), ""},
		"sent again, the answer was a delay": {new(run).fired("case1z", 0, 10).sent(ana, "case1z", 20, "r1", "delay", 201).rang(ana, "case1z", 530).rang(ben, "case1z", 4010), "50.0 % of the messages were doubled"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(c.run.verdict().Broken(), ", "); got != c.broken {
				t.Errorf("broken: %q, want %q", got, c.broken)
			}
		})
	}
}

func TestOnlyHealthyTimeCountsAsLateness(t *testing.T) {
	r := new(run).
		fired("case1z", 0, 10).rang(ana, "case1z", 25).rang(ben, "case1z", 4030). // late by 15 and 20 ms
		fired("case2z", 9_000, 9_010).rang(ana, "case2z", 9_900).                 // a fault begins within its second
		fault(judge.Kill, "r2", 9_500, 10_000).
		fired("case3z", 14_900, 14_910).rang(ana, "case3z", 15_900). // within 5 s after it
		fired("case4z", 15_100, 15_110).rang(ana, "case4z", 18_110)  // healthy again: late by 3 s
	v := r.verdict()
	if v.Lateness.N != 2 || v.Lateness.P50 != 3*time.Second || v.Lateness.Max != 3*time.Second || v.Request.Max != 3010*time.Millisecond {
		t.Errorf("lateness %+v, from the request %+v", v.Lateness, v.Request)
	}
	if v.Escalation.N != 1 || v.Escalation.Max != 20*time.Millisecond || v.FromStart.Max != 30*time.Millisecond {
		t.Errorf("escalation %+v, from the start %+v", v.Escalation, v.FromStart)
	}
	if v.InFault != 0 || v.Accepted != 4 {
		t.Errorf("%d of %d accepted inside the fault, want 0 of 4", v.InFault, v.Accepted)
	}
}

func TestAResendIsCountedFromTheKillOfWhoeverHadSent(t *testing.T) {
	r := new(run).fault(judge.Kill, "r1", 100, 900).
		fired("case1z", 0, 10).sent(ana, "case1z", 90, "r1", "delay", 201).sent(ana, "case1z", 3_100, "r2", "", 201). // had sent, was killed
		fired("case2z", 0, 10).sent(ana, "case2z", 90, "r2", "delay", 201).sent(ana, "case2z", 3_500, "r2", "", 201). // another had sent
		fired("case3z", 0, 10).sent(ana, "case3z", 90, "r1", "status", 500).sent(ana, "case3z", 600, "r2", "", 201).  // was refused: a retry
		fired("case4z", 80, 95).sent(ana, "case4z", 2_600, "r3", "", 201)                                             // claimed by it, perhaps
	v := r.verdict()
	if v.Resend.N != 1 || v.Resend.Max != 3*time.Second {
		t.Errorf("re-send %+v, want one after 3 s", v.Resend)
	}
	if v.Waiting.N != 1 || v.Waiting.Max != 2500*time.Millisecond {
		t.Errorf("first ring after the kill %+v, want one after 2.5 s", v.Waiting)
	}
	if v.Causes[judge.Kill] != 1 || v.Causes["unexplained"] != 1 || v.Duplicates != 2 {
		t.Errorf("causes %v of %d", v.Causes, v.Duplicates)
	}
	r.fault(judge.RedisKill, "", 500, 2_000)
	if v := r.verdict(); v.Resend.N != 0 || v.Waiting.N != 0 {
		t.Errorf("with Redis down meanwhile: re-send %+v, first ring %+v", v.Resend, v.Waiting)
	}
}

func TestTheGapIsTheLongestSilenceAroundAPartition(t *testing.T) {
	r := new(run).fault(judge.Partition, "machine1", 10_000, 12_000)
	for i, ms := range []int{0, 9_900, 14_100, 14_200, 30_000} {
		r.fired(judge.CaseName(i), ms-20, ms-10).rang(ana, judge.CaseName(i), ms)
	}
	if v := r.verdict(); v.Gap.N != 1 || v.Gap.Max != 15_800*time.Millisecond {
		t.Errorf("gap %+v", v.Gap)
	}
	r.fired("case9z", 17_000, 17_010).rang(ana, "case9z", 17_020)
	if v := r.verdict(); v.Gap.Max != 4_200*time.Millisecond {
		t.Errorf("gap %+v, want that over the partition: the silence afterwards is not its own", v.Gap)
	}
}

func TestARingAfterTheConfirmationIsMeasured(t *testing.T) {
	v := new(run).fired("case1z", 0, 10).rang(ana, "case1z", 20).replied("case1z", 3_900, 3_950).recorded("case1z", "1").rang(ben, "case1z", 4_010).verdict()
	if v.AfterAck.N != 1 || v.AfterAck.Max != 60*time.Millisecond {
		t.Errorf("after the acknowledgement %+v", v.AfterAck)
	}
}

func TestTheSameRecordsInAnotherOrderGiveTheSameVerdict(t *testing.T) {
	build := func() *run {
		return new(run).fired("case1z", 0, 10).rang(ana, "case1z", 20).fired("case2z", 5, 15).resolved("case2z", 100, 110).
			refired("case2z", 200, 210).rang(ana, "case2z", 220).replied("case1z", 300, 310).replied("case2z", 400, 410)
	}
	one, other := build(), build()
	slices.Reverse(other.Rings)
	if a, b := fmt.Sprintf("%+v", one.verdict()), fmt.Sprintf("%+v", other.verdict()); a != b {
		t.Errorf("%s\n%s", a, b)
	}
}

func TestALogThatWasCutShortIsNoEvidence(t *testing.T) {
	const line = `{"case":"case1z","episode":1,"begun":"2026-03-28T03:00:00Z"}` + "\n"
	posts, err := judge.Read[judge.Post](strings.NewReader(line + line))
	if err != nil || len(posts) != 2 || posts[1].Case != "case1z" || !posts[0].Begun.Equal(at(0)) {
		t.Errorf("%+v, %v", posts, err)
	}
	if _, err := judge.Read[judge.Post](strings.NewReader(line + line[:20])); err == nil {
		t.Error("half a record passes")
	}
}
