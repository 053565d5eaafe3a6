package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/audit"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/timeline"
	"pagerd/notify"
)

// judge sees everything: each change that the store accepted, each claim, each message that a provider got with its true
// time, and what the sources and people were told. It shares no decision with the engine or the machine.
type judge struct {
	w          *world
	index      int // of changes and claims, in the order in which the store made them
	pages      map[int64]*pageFile
	open       map[string]int64 // open page of each group
	incidents  map[int64]incident.Incident
	records    map[string]store.Record // by the name of their timeline
	chains     map[string]chain
	ledger     audit.Ledger     // what the anchors say
	anchored   map[string]int64 // how many entries of each timeline are anchored
	alerts     map[alert.ID]*alertFile
	deliveries map[string]*deliveryFile
	ops        map[string]bool // stored
	answered   map[string]bool // acts that somebody was given an answer to
	lists      []list          // that answered ambiguous texts
	numbers    map[int64]bool  // allocated; false = used
	token      int64
}

// pageFile is what the judge knows of a page.
type pageFile struct {
	page   page.Page
	firing int // alerts of the page that fire, counted by the judge
	rounds map[int]*roundFile
	seen   int64               // version at the newest look at everything
	stale  bool                // it was resolved because nothing was heard of it
	told   map[*life]time.Time // when each process told the operators of a gap last
}

// roundFile is what the judge knows of a page's round.
type roundFile struct {
	acks    int
	stopped int            // index at which it left triggered; 0 = it did not
	ended   int            // index at which the round, or the page, was over or held: inform targets stop too
	known   map[string]int // person → index at which they confirmed, or their ladder ended
	late    map[string]int // contact → messages that left after the stop
	rung    time.Time      // newest message that asked somebody to acknowledge
}

// list is what a number was told as the answer to an ambiguous text.
type list struct {
	contact string
	text    string // id of the text
	pages   []int64
	rounds  []int
}

// chain is an object's timeline: its end, and all entries from the first one on.
type chain struct {
	seq     int64
	head    string
	entries []sealed
}

// sealed is an entry of a timeline.
type sealed struct {
	hash  string
	index int // of the change that stored it, see judge.index
}

func newJudge(w *world) *judge {
	return &judge{w: w, pages: map[int64]*pageFile{}, open: map[string]int64{}, incidents: map[int64]incident.Incident{}, records: map[string]store.Record{}, chains: map[string]chain{}, anchored: map[string]int64{},
		alerts: map[alert.ID]*alertFile{}, deliveries: map[string]*deliveryFile{}, ops: map[string]bool{}, answered: map[string]bool{}, numbers: map[int64]bool{}}
}

func (p *pageFile) round(n int) *roundFile {
	if p.rounds[n] == nil {
		p.rounds[n] = &roundFile{known: map[string]int{}, late: map[string]int{}}
	}
	return p.rounds[n]
}

// change looks at a change that the store accepted.
func (j *judge) change(l *life, c store.Change) {
	w := j.w
	if w.over() {
		return
	}
	f := w.top()
	j.index++
	w.tally.note("commit")
	if c.Now.After(w.now.Add(maxSkew)) {
		w.fail(RuleEarly, changeName(c), "it is stamped %s, %s after the true time", stamp(c.Now), c.Now.Sub(w.now))
	}
	if c.Op != "" {
		if j.ops[c.Op] {
			w.fail(RuleOnce, changeName(c), "the operation %q was applied before", c.Op)
		}
		j.ops[c.Op] = true
		if c.Page != nil && j.answered[act(c.Op)] {
			w.fail(RuleOnce, changeName(c), "%q was answered before, and is applied now", c.Op)
		}
	}
	f.entries = append(f.entries, c.Entries...)
	j.entries(c)
	for _, a := range c.Alerts {
		j.state(c, a)
	}
	ended := c.Page != nil && !c.Page.Open() && j.file(c.Page.Number).page.Open()
	if c.Page != nil {
		j.page(l, f, c)
	}
	if c.Incident != nil {
		j.incident(c)
	}
	for _, r := range c.Records {
		j.record(r)
		if r.Kind == store.Anchor {
			j.anchor(f.walk, r)
		}
	}
	if ended {
		j.lastPage(c.Page.Incident, c.Page.Number)
	}
	for _, d := range c.Deliveries {
		j.delivery(c, d)
	}
	for _, s := range c.Settle {
		j.settled(c, s)
	}
	for _, s := range c.Sent {
		if s.Kind == "" {
			j.lists = append(j.lists, list{s.Contact, f.text, s.Pages, s.Rounds})
		}
	}
	w.wakeAll()
}

// act is what somebody did once, of which an operation on one page is a part: "sms/SM7" of "sms/SM7/1042".
func act(op string) string {
	if parts := strings.SplitN(op, "/", 3); parts[0] == "sms" && len(parts) > 1 {
		return parts[0] + "/" + parts[1]
	}
	return op
}

// entries checks the timelines' chains.
func (j *judge) entries(c store.Change) {
	seen := map[string]bool{}
	for _, e := range c.Entries {
		at := j.chains[e.Object]
		if seen[e.Object] {
			j.w.fail(RuleTimeline, e.Object, "one commit writes two entries of %s", e.Object)
		}
		seen[e.Object] = true
		if e.Seq != at.seq+1 || e.Prev != at.head {
			j.w.fail(RuleTimeline, e.Object, "entry %d of %s does not follow entry %d", e.Seq, e.Object, at.seq)
		}
		if sealed := timeline.Seal(e, e.Prev); sealed.Hash != e.Hash {
			j.w.fail(RuleTimeline, e.Object, "the hash of entry %d of %s is not its own", e.Seq, e.Object)
		}
		j.chains[e.Object] = chain{e.Seq, e.Hash, append(at.entries, sealed{e.Hash, j.index})}
	}
}

// incident checks a stored incident.
func (j *judge) incident(c store.Change) {
	next, name := *c.Incident, fmt.Sprintf("incident/%d", c.Incident.Number)
	prev := j.incidents[next.Number]
	if next.Version != prev.Version+1 {
		j.w.fail(RuleSame, name, "version %d replaces version %d", next.Version, prev.Version)
	}
	if at := j.chains[name]; next.Entries != at.seq || next.Head != at.head {
		j.w.fail(RuleTimeline, name, "%s does not hold the newest hash of its timeline", name)
	}
	j.led(c, prev, next)
	j.incidents[next.Number] = next
}

// lastPage: when the last page of an incident is over, its commander is asked whether it is too (R21).
func (j *judge) lastPage(number, ended int64) {
	in := j.incidents[number]
	for in.Status == incident.Merged {
		in = j.incidents[in.MergedInto]
	}
	if in.PagesOver || in.Status != incident.Open && in.Status != incident.Mitigated || !slices.Contains(in.Pages, ended) {
		return
	}
	for _, n := range in.Pages {
		if j.pages[n].page.Open() {
			return
		}
	}
	j.w.fail(RuleIncident, fmt.Sprintf("incident/%d", number), "all of its pages %v are over, and nobody was asked whether it is", in.Pages)
}

// number notes a number that was allocated.
func (j *judge) number(n int64) {
	if _, there := j.numbers[n]; there || n <= 1000 {
		j.w.fail(RuleNumber, pageName(n), "the number %d was allocated before", n)
	}
	j.numbers[n] = true
}

// openOf returns the open page that one of a body's alerts belongs to; 0 = none.
func (j *judge) openOf(b alert.Batch) int64 {
	for _, a := range b.Alerts {
		if f := j.alerts[a.ID()]; f != nil && f.page != 0 && j.pages[f.page].page.Open() {
			return f.page
		}
	}
	return 0
}

// somePage throws a page that is not resolved, rarely another; 0 = there is none.
func (j *judge) somePage(d dice) int64 {
	var open []int64
	for _, n := range slices.Sorted(maps.Keys(j.pages)) {
		if j.pages[n].page.Open() || d.chance(0.05) {
			open = append(open, n)
		}
	}
	if len(open) == 0 {
		return 0
	}
	return pick(d, open)
}

// acted checks what a person was told by the API.
func (j *judge) acted(f *frame, c call, a page.Answer) {
	j.answered[c.op] = true
	if !j.ops[c.op] {
		j.w.fail(RuleAnswer, pageName(c.page), "%s was answered, and %q is not stored", c.person, c.op)
	}
	switch a.Code {
	case page.AnswerAcked:
		j.w.tally.note("acknowledged")
		j.recorded(f, c.page, c.person, "acknowledged")
	case page.AnswerResolved:
		j.recorded(f, c.page, c.person, "resolved")
	case page.AnswerNone:
	default:
		j.w.tally.note("answer: " + string(a.Code))
	}
}

// recorded checks that what was under way wrote this entry, with this actor.
func (j *judge) recorded(f *frame, n int64, person, what string) {
	for _, e := range f.entries {
		if e.Object == pageName(n) && e.What == what && e.Actor == person {
			return
		}
	}
	j.w.fail(RuleAnswer, pageName(n), "%s was told that page %d is %s, and that is not in its timeline", person, n, what)
}

// replied checks what a person was told in a text.
func (j *judge) replied(f *frame, m *message, answer string) {
	var n int64
	for _, lead := range []struct{ text, what string }{{"Acked #%d", "acknowledged"}, {"Resolved #%d", "resolved"}} {
		if _, err := fmt.Sscanf(answer, lead.text, &n); err != nil {
			continue
		}
		j.w.tally.note(lead.what)
		if lead.what == "resolved" && j.pages[n].page.Status == page.Resolved && len(f.entries) > 0 && f.entries[len(f.entries)-1].Object != pageName(n) {
			return // it was the incident that was closed
		}
		j.recorded(f, n, m.contact.Person, lead.what)
	}
}

// understood checks that what a text means is stored, once its webhook was answered.
func (j *judge) understood(m *message, id, body string) {
	j.answered["sms/"+id] = true
	switch notify.ParseReply(body).Verb {
	case notify.VerbNone, notify.VerbCarrier, notify.VerbStatus:
		return
	}
	if !j.ops["sms/"+id] {
		j.w.fail(RuleAnswer, "contact/"+m.contact.ID, "%s was answered, and what %q means is not stored", m.contact.Person, body)
	}
}

func stamp(t time.Time) string { return t.Format("15:04:05.000") }

// changeName is the object that a change is about.
func changeName(c store.Change) string {
	switch {
	case c.Page != nil:
		return pageName(c.Page.Number)
	case c.Incident != nil:
		return fmt.Sprintf("incident/%d", c.Incident.Number)
	case len(c.Settle) > 0:
		return "delivery/" + c.Settle[0].Delivery
	case len(c.Sent) > 0:
		return "contact/" + c.Sent[0].Contact
	}
	return ""
}

// related names everything that a story about an object is about.
func (j *judge) related(object string) []string {
	out := []string{object}
	var n int64
	if id, ok := strings.CutPrefix(object, "delivery/"); ok {
		if f := j.deliveries[id]; f != nil {
			n = f.page
		}
	}
	if id, ok := strings.CutPrefix(object, "alert/"); ok {
		if f := j.alerts[alert.ID(id)]; f != nil {
			n = f.page
		}
	}
	_, _ = fmt.Sscanf(object, "page/%d", &n)
	_, _ = fmt.Sscanf(object, "incident/%d", &n)
	if n == 0 {
		return out
	}
	out = append(out, pageName(n), fmt.Sprintf("incident/%d", n))
	for id, f := range j.alerts {
		if f.page == n {
			out = append(out, "alert/"+string(id))
		}
	}
	for id, f := range j.deliveries {
		if f.page == n {
			out = append(out, "delivery/"+id, "contact/"+f.contact)
		}
	}
	return out
}
