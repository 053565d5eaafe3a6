package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/timeline"
	"pagerd/notify"
)

func (j *judge) file(n int64) *pageFile {
	if j.pages[n] == nil {
		j.pages[n] = &pageFile{rounds: map[int]*roundFile{}, told: map[*life]time.Time{}}
	}
	return j.pages[n]
}

// transition is one stored change of a page.
type transition struct {
	*judge
	file       *pageFile
	life       *life
	frame      *frame
	change     store.Change
	prev, next page.Page
	entry      timeline.Entry // of the page; empty = none
	name       string
}

// page checks a stored page against the one before it.
func (j *judge) page(l *life, f *frame, c store.Change) {
	t := &transition{judge: j, file: j.file(c.Page.Number), life: l, frame: f, change: c, next: *c.Page, name: pageName(c.Page.Number)}
	t.prev = t.file.page
	for _, e := range c.Entries {
		if e.Object == t.name {
			t.entry = e
		}
	}
	t.tell()
	t.shape()
	t.acts()
	t.clock()
	t.alarms()
	t.rings()
	t.silence()
	t.stops()
	t.file.page = t.next
	if t.next.Open() {
		j.open[t.next.Group] = t.next.Number
	} else if j.open[t.next.Group] == t.next.Number {
		delete(j.open, t.next.Group)
	}
	if !j.w.over() {
		j.stored(t.next.Number)
	}
}

func (t *transition) fail(r Rule, format string, args ...any) { t.w.fail(r, t.name, format, args...) }

// tell writes the transition into the story.
func (t *transition) tell() {
	if t.w.story == nil {
		return
	}
	p, n := t.prev, t.next
	from := string(p.Status)
	if p.Number == 0 {
		from = "new"
	}
	due := "nothing is due any more"
	if !n.Due.IsZero() {
		due = "due " + stamp(n.Due)
	}
	what := t.entry.What
	if what == "" {
		what = "heard of again"
	}
	text := fmt.Sprintf("%s stores page %d at %s by its clock: %s (%s), %s → %s, %s, round %d, step %d of pass %d, %d firing, %s", t.life.name, n.Number,
		stamp(t.change.Now), what, t.entry.Reason, from, n.Status, n.Severity, n.Round, n.Step, n.Pass, n.Firing, due)
	for _, d := range t.change.Deliveries {
		text += fmt.Sprintf("; %s to %s as %s", d.Kind, d.Contact, d.ID)
	}
	t.w.tell(t.name, "%s", text)
}

// shape checks what holds of every transition.
func (t *transition) shape() {
	p, n := t.prev, t.next
	if n.Version != p.Version+1 {
		t.fail(RuleSame, "version %d replaces version %d", n.Version, p.Version)
	}
	if p.Number == 0 {
		if !t.numbers[n.Number] {
			t.fail(RuleNumber, "page %d has a number that was not allocated, or was used before", n.Number)
		}
		t.numbers[n.Number] = false
	} else if n.Group != p.Group {
		t.fail(RuleOnePage, "page %d changes its group", n.Number)
	}
	if other, there := t.open[n.Group]; there && n.Open() && other != n.Number {
		t.fail(RuleOnePage, "page %d is open, and page %d of the same group is too", n.Number, other)
	}
	if n.Open() == n.Due.IsZero() {
		t.fail(RuleDue, "it is %s and due at %s", n.Status, stamp(n.Due))
	}
	if n.Round < p.Round {
		t.fail(RuleMonotone, "round %d follows round %d", n.Round, p.Round)
	}
	shorter := t.entry.What == "severity_changed"
	if n.Round == p.Round && p.Status == page.Triggered && n.Status == page.Triggered && !shorter &&
		(n.Pass < p.Pass || n.Pass == p.Pass && n.Step < p.Step) {
		t.fail(RuleMonotone, "step %d of pass %d follows step %d of pass %d in one round", n.Step, n.Pass, p.Step, p.Pass)
	}
	moved := n.Status != p.Status || n.Round != p.Round || n.Step != p.Step || n.Pass != p.Pass || n.Severity != p.Severity || n.Acker != p.Acker
	if moved && t.entry.What == "" {
		t.fail(RuleTimeline, "%s → %s, round %d, step %d has no entry", p.Status, n.Status, n.Round, n.Step)
	}
	if at := t.chains[t.name]; n.Entries != at.seq || n.Head != at.head {
		t.fail(RuleTimeline, "the page does not hold the newest hash of its timeline")
	}
	if n.Open() && n.Firing != t.file.firing {
		t.fail(RuleCount, "it counts %d alerts that fire, and %d do", n.Firing, t.file.firing)
	}
	if !n.Open() && n.ResolvedBy == "source" && p.Open() && t.file.firing > 0 && t.entry.Reason != string(page.ReasonStale) {
		t.fail(RuleLost, "it is resolved by its source (%s), and %d of its alerts fire", t.entry.Reason, t.file.firing)
	}
	if !n.Open() && n.ResolvedBy == "source" && p.Open() && n.HiddenTotal() > 0 && t.entry.Reason != string(page.ReasonStale) {
		t.fail(RuleLost, "it is resolved by its source (%s), which left %d alerts out", t.entry.Reason, n.HiddenTotal())
	}
	if p.Number != 0 && (n.Policy.Name != p.Policy.Name || len(n.Policy.Steps) != len(p.Policy.Steps)) && n.Severity == p.Severity {
		t.fail(RulePinned, "its policy changed from %s to %s", p.Policy.Name, n.Policy.Name)
	}
}

// acts checks acknowledgements and other acts of people.
func (t *transition) acts() {
	p, n := t.prev, t.next
	if p.Status == page.Triggered && n.Status == page.Acknowledged && t.entry.What != "acknowledged" || p.Status == page.Held && n.Status == page.Acknowledged {
		t.fail(RuleAckOnce, "it is acknowledged without an entry that says so")
	}
	if t.entry.What == "acknowledged" {
		r := t.file.round(n.Round)
		r.acks++
		t.w.tally.note("acknowledgement recorded")
		if r.acks > 1 || n.Status != page.Acknowledged || n.Acker != t.entry.Actor || n.Round != p.Round {
			t.fail(RuleAckOnce, "acknowledgement %d of round %d is recorded for %s; it is %s by %s", r.acks, n.Round, t.entry.Actor, n.Status, n.Acker)
		}
		if n.Targets.Promote {
			in, there := t.change.Incident, t.incidents[n.Incident]
			if in == nil && !slices.Contains(there.Pages, n.Number) || in != nil && !slices.Contains(in.Pages, n.Number) {
				t.fail(RuleIncident, "it is acknowledged, and incident %d does not know it", n.Incident)
			}
			if in == nil && (there.Status == incident.Resolved || there.Status == incident.Dismissed) {
				t.w.tally.note("acknowledged into an incident that is over")
			}
		}
	}
	applied := slices.Contains([]string{"acknowledged", "confirmed", "extended", "escalated"}, t.entry.What) ||
		t.entry.What == "resolved" && n.ResolvedBy != "source"
	if m := t.frame.answers; applied && m != nil && t.entry.Actor != "pagerd" {
		numbered := strings.Contains(t.frame.body, strconv.FormatInt(n.Number, 10))
		round := t.answered(m, numbered)
		if round == 0 && numbered {
			round = p.Round // whoever writes a number that no message asked about, as far as the store knows, means the page as it is
		}
		if round < p.Round {
			t.fail(RuleOldRound, "%s answers a message of round %d, and it is %s in round %d", t.entry.Actor, round, t.entry.What, p.Round)
		}
	}
}

// answered is the round that an answer is to: that of the call or the mail, and of a text the newest that the number was
// told of the page, by a message or by a list that did not answer this very text.
func (t *transition) answered(m *message, numbered bool) int {
	round := 0
	for _, other := range t.w.phones.accepted {
		if !other.kind.Answerable() || other != m && (t.frame.kind != "reply" || other.contact.ID != m.contact.ID) {
			continue
		}
		if first, again := t.w.phones.answered[t.frame.text]; again && other.at.After(first) {
			continue // it had been answered before: it cannot mean what came later
		}
		if numbered && !slices.ContainsFunc(other.sends, func(s *sending) bool { return s.settled }) {
			continue
		}
		if i := slices.Index(other.pages, t.next.Number); i >= 0 {
			round = max(round, other.rounds[i])
		}
	}
	for _, l := range t.lists {
		if i := slices.Index(l.pages, t.next.Number); i >= 0 && t.frame.kind == "reply" && l.contact == m.contact.ID && l.text != t.frame.text {
			round = max(round, l.rounds[i])
		}
	}
	return round
}

// errand reports whether an act on an incident made the page's change necessary: that follows at once, whoever does it.
func (t *transition) errand() bool {
	for _, in := range t.incidents {
		if slices.ContainsFunc(in.Errands, func(e incident.Errand) bool { return e.Page == t.next.Number }) {
			return true
		}
	}
	return false
}

// clock checks what the passing of time may do.
func (t *transition) clock() {
	p, n, now := t.prev, t.next, t.change.Now
	if t.frame.kind != "tick" || p.Number == 0 || t.errand() {
		return
	}
	if now.Before(p.Due) {
		t.fail(RuleEarly, "it was due at %s, and something happened at %s", stamp(p.Due), stamp(now))
	}
	newRound := n.Round != p.Round
	switch {
	case newRound && p.Status == page.Held && now.Before(p.HoldUntil):
		t.fail(RuleEarly, "its hold ended at %s, and lasts until %s", stamp(now), stamp(p.HoldUntil))
	case newRound && p.Status == page.Acknowledged && (p.AskedAt.IsZero() || now.Before(p.ExpiryDue)):
		t.fail(RuleEarly, "its acknowledgement expired at %s, and holds until %s", stamp(now), stamp(p.ExpiryDue))
	case newRound && p.Status != page.Held && p.Status != page.Acknowledged:
		t.fail(RuleEarly, "the clock began a round of a page that was %s", p.Status)
	}
	stepped := n.Step != p.Step || n.Pass != p.Pass || !n.StepDue.Equal(p.StepDue)
	if newRound || p.Status != page.Triggered || n.Status != page.Triggered {
		return
	}
	if stepped && now.Before(p.StepDue) {
		t.fail(RuleEarly, "step %d was due at %s and was done at %s", p.Step+1, stamp(p.StepDue), stamp(now))
	}
	if n.Pass == p.Pass && n.Step > p.Step+1 {
		t.fail(RuleEarly, "%d steps at once", n.Step-p.Step)
	}
	for _, d := range t.change.Deliveries {
		if d.Kind != notify.KindPage && d.Kind != notify.KindInform || stepped {
			continue
		}
		if !slices.ContainsFunc(p.Ladders, func(l page.Ladder) bool {
			return l.Person == d.Person && !l.Done && !l.Due.IsZero() && !l.Due.After(now)
		}) {
			t.fail(RuleEarly, "%s is rung, and nothing of theirs was due", d.Contact)
		}
	}
}

// stops remembers when a round stopped to ring.
func (t *transition) stops() {
	p, n := t.prev, t.next
	if p.Number == 0 {
		t.w.tally.note("page")
		return
	}
	r := t.file.round(p.Round)
	if p.Status == page.Triggered && (n.Status != page.Triggered || n.Round != p.Round) && r.stopped == 0 {
		r.stopped = t.index
	}
	if p.Status != page.Held && (n.Round != p.Round || n.Status == page.Held || !n.Open()) && r.ended == 0 {
		r.ended = t.index
	}
	for _, l := range p.Ladders {
		if r.known[l.Person] != 0 || n.Round != p.Round {
			continue
		}
		if i := slices.IndexFunc(n.Ladders, func(x page.Ladder) bool { return x.Person == l.Person }); i < 0 || n.Ladders[i].Done {
			r.known[l.Person] = t.index
		}
	}
	for _, l := range n.Ladders { // restarted
		if !l.Done {
			delete(t.file.round(n.Round).known, l.Person)
		}
	}
	if n.Round != p.Round {
		t.w.tally.note("round: " + t.entry.Reason)
	}
	if n.Severity != p.Severity {
		t.w.tally.note(fmt.Sprintf("severity %s", map[bool]string{true: "raised", false: "lowered"}[n.Severity.Worse(p.Severity)]))
	}
	t.file.stale = n.Status == page.Resolved && t.entry.Reason == string(page.ReasonStale)
	if n.Status == page.Resolved && p.Open() {
		t.w.tally.note("resolved: " + t.entry.Reason)
	}
}
