package sim

import (
	"slices"
	"strings"
	"time"

	"pagerd/gateway/page"
	"pagerd/notify"
	"pagerd/schedule"
)

// lateLimit is how late a step may be and still count from when it was due (R8), and emptyPass how long a pass waits that
// rang nobody.
const (
	lateLimit = 5 * time.Second
	emptyPass = time.Minute
)

// rings checks a step that was fired: whom it rings, and when the next one is due.
func (t *transition) rings() {
	p, n, now := t.prev, t.next, t.change.Now
	for _, d := range t.change.Deliveries {
		if d.Kind == notify.KindPage && (n.Status != page.Triggered || d.Round != n.Round) {
			t.fail(RuleStop, "it is %s in round %d, and %s is to ring for round %d", n.Status, n.Round, d.Contact, d.Round)
		}
		if d.At.After(now) {
			t.fail(RuleEarly, "%s is stored as due at %s, which is to come", d.ID, stamp(d.At))
		}
	}
	if n.Status != page.Triggered || n.Policy.OfficeHours || t.frame.variant != t.life.variant {
		return
	}
	base, first := now, n.Round != p.Round || p.Number == 0
	if t.frame.kind == "tick" && !first && now.Sub(p.StepDue) <= lateLimit {
		base = p.StepDue
	}
	resort := func() []string { return t.people(n.Policy.LastResort, now, false) }
	switch {
	case first && n.Step >= 1, !first && n.Pass == p.Pass && n.Step == p.Step+1, !first && n.Pass == p.Pass+1 && n.Step == 1 && n.Pass <= n.Policy.Repeat:
		step := n.Policy.Steps[n.Step-1]
		asked := t.people(step.Targets, now, true)
		gap := slices.ContainsFunc(step.Targets, func(x schedule.Target) bool { return len(t.w.company.onCall(t.life.variant, x.Name, now)) == 0 })
		if len(asked) > 0 {
			t.nextStep(base.Add(step.Timeout), RuleDrift)
		} else {
			t.nextStep(now, RuleGap)
		}
		t.rung(t.people(step.Targets, now, false))
		if gap {
			t.w.tally.note("step in a gap")
			t.rung(resort())
			t.alarmed()
		}
	case !first && n.Pass == p.Pass+1 && n.Step == 0 && t.entry.Reason == string(page.ReasonGap):
		t.w.tally.note("pass that rang nobody")
		t.nextStep(now.Add(emptyPass), RuleGap)
		t.rung(resort())
	case !first && n.Pass > p.Pass && n.Pass > n.Policy.Repeat && t.frame.kind == "tick":
		t.nextStep(base.Add(n.Policy.Again), RuleDrift)
		t.rung(resort())
	}
}

// nextStep checks when the next step is due.
func (t *transition) nextStep(want time.Time, r Rule) {
	if t.frame.kind == "tick" && t.next.Pass == t.prev.Pass+1 && t.next.Step == 1 && t.change.Now.Sub(t.prev.StepDue) > lateLimit {
		return
	}
	if !t.next.StepDue.Equal(want) {
		t.fail(r, "step %d of pass %d was due at %s and done at %s: the next is due at %s and should be at %s", t.next.Step, t.next.Pass,
			stamp(t.prev.StepDue), stamp(t.change.Now), stamp(t.next.StepDue), stamp(want))
	}
}

// people are those whom targets mean at t by the judge's own arithmetic.
func (t *transition) people(targets []schedule.Target, now time.Time, asked bool) []string {
	var out []string
	for _, x := range targets {
		if asked && x.Mode == schedule.Inform {
			continue
		}
		out = append(out, t.w.company.onCall(t.life.variant, x.Name, now)...)
	}
	return out
}

// rung checks that these people are being rung, or were and said so.
func (t *transition) rung(people []string) {
	for _, who := range people {
		if !slices.ContainsFunc(t.next.Ladders, func(l page.Ladder) bool { return l.Person == who }) {
			t.fail(RuleGap, "step %d of pass %d should ring %s, and does not", t.next.Step, t.next.Pass, who)
		}
	}
}

// alarmQuiet is how long one replica does not repeat the same alarm of the same page.
const alarmQuiet = 10 * time.Minute

// alarms remembers which process told the operators of a gap.
func (t *transition) alarms() {
	for _, d := range t.change.Deliveries {
		if d.Kind == notify.KindAlarm && strings.Contains(d.Text, "is nobody") {
			t.file.told[t.life] = t.change.Now
		}
	}
}

// alarmed checks that the operators hear of a gap, unless this process told them lately.
func (t *transition) alarmed() {
	if last, ever := t.file.told[t.life]; !ever || t.change.Now.Sub(last) >= alarmQuiet {
		t.fail(RuleTold, "step %d rings nobody, and the operators do not hear of it", t.next.Step)
	}
}

// silence checks that a page is held exactly while silences cover it.
func (t *transition) silence() {
	p, n := t.prev, t.next
	if t.frame.variant != t.life.variant || t.frame.op != nil && len(t.frame.op.queued) > 0 {
		return // the configuration changed meanwhile, or decisions of several instants went into one commit
	}
	covered := func() bool { return t.covered(t.life.variant, n.Number, t.change.Now) }
	switch {
	case n.Status == page.Held && (p.Status != page.Held || !p.HoldUntil.Equal(n.HoldUntil)):
		t.w.tally.note("held")
		if !covered() {
			t.fail(RuleSilence, "it is held by %s, and something fires that no silence covers", n.HeldBy)
		}
	case p.Status == page.Held && n.Status == page.Triggered && n.Firing > 0: // else it rings for what the source left out
		t.w.tally.note("hold ended")
		if covered() {
			t.fail(RuleSilence, "it rings, and silences cover everything that fires")
		}
	}
}
