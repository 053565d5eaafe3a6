package sim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/engine"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/notify"
	"pagerd/schedule"
)

// call is what somebody asks of one page through the API. It has an id of its own, so that it can be asked again.
type call struct {
	op     string
	page   int64
	person string
	what   string
	level  alert.Severity // of a change of severity
	to     string         // of a handing over
}

// asks throws what somebody does to a page through the API.
func (w *world) asks(n int64) call {
	d := w.dice()
	c := call{op: fmt.Sprintf("api/%x", w.top().id), page: n, person: pick(d, w.company.people), level: alert.Severity(1 + d.IntN(4)),
		to: pick(d, w.company.people)}
	c.what = pick(d, []string{"ack", "ack", "ack", "resolve", "give back", "give back", "escalate", "note", "noise", "severity", "hand over"})
	return c
}

// ask makes the call at any replica, again while it fails, and perhaps hours later once more: a client's retry.
func (w *world) ask(c call, tries int) {
	l := w.door()
	d := w.dice()
	if l == nil || l.ask(c) != nil {
		if tries < 6 {
			w.after(d.between(200*time.Millisecond, 15*time.Second), "", nil, always, func() { w.ask(c, tries+1) })
		}
		return
	}
	if d.chance(max(w.weather.repeat, 0.1)) {
		later := d.soon(10 * time.Second)
		if w.weather.on[Late] {
			later = d.between(time.Second, 24*time.Hour)
		}
		w.after(later, "", nil, always, func() {
			if l := w.door(); l != nil {
				w.tally.note("act again")
				_ = l.ask(c)
			}
		})
	}
}

// ask makes the call at this replica.
func (l *life) ask(c call) error {
	w := l.w
	w.count("act: " + c.what)
	f := w.top()
	f.kind, f.life, f.group = "act", l, ""
	if c.what == "ack" {
		w.racing(&message{pages: []int64{c.page}}, "4")
	}
	f.rivals = append(f.rivals, func(by *life) { _ = by.ask(c) })
	w.rivalsOf(f, []int64{c.page})
	now := l.clock.Now()
	w.tell(pageName(c.page), "%s asks %s for %q of page %d (%s)", c.person, l.name, c.what, c.page, c.op)
	var answer page.Answer
	asked := false
	err := l.do(func(ctx context.Context) error {
		ev, err := l.event(ctx, c)
		if err != nil || ev == nil {
			return err
		}
		asked = true
		answer, err = l.engine.Do(ctx, c.page, ev, c.op, now)
		return err
	})
	var refused *engine.Refusal
	if errors.As(err, &refused) {
		return nil
	}
	if err != nil {
		w.tell(pageName(c.page), "%s answers %s (%s): not recorded", l.name, c.person, c.op)
		return err
	}
	w.tell(pageName(c.page), "%s answers %s (%s): %q", l.name, c.person, c.op, answer.Code)
	if asked {
		w.judge.acted(f, c, answer)
	}
	return nil
}

// together lets two or three conditions begin, somebody acknowledge their pages as one act, and some people end all of them
// at the same moment later.
func (w *world) together() {
	d := w.dice()
	for range 3 {
		g := pick(d, w.sources)
		c := g.another(w, d)
		c.severity = 1 + d.IntN(3) // SEV-4 makes no incident
		w.fires(c)
		w.after(d.between(time.Hour, 2*time.Hour), "an end", nil, always, func() { w.ends(c) })
	}
	w.after(d.between(40*time.Second, 2*time.Minute), "", nil, always, w.ackTogether)
}

// ackTogether acknowledges what nobody has as one act.
func (w *world) ackTogether() {
	var pages []engine.Ref
	for _, n := range slices.Sorted(maps.Keys(w.judge.pages)) {
		if w.judge.pages[n].page.Status == page.Triggered && len(pages) < 3 {
			pages = append(pages, engine.Ref{Page: n})
		}
	}
	l := w.door()
	if l == nil || len(pages) < 2 {
		return
	}
	w.count("act: ack together")
	f, d := w.top(), w.dice()
	f.kind, f.life = "act", l
	by := page.Actor{Person: pick(d, w.company.people), Channel: "api", Op: fmt.Sprintf("api/%x", f.id)}
	w.tell("", "%s acknowledges pages %v together", by.Person, pages)
	_ = l.do(func(ctx context.Context) error {
		_, err := l.engine.Verb(ctx, notify.VerbAck, pages, by, l.clock.Now())
		return err
	})
	later := d.soon(2 * time.Minute)
	for _, ref := range pages {
		w.after(later+d.soon(5*time.Millisecond), "", nil, always, func() { w.endTogether(ref, pages) })
	}
}

// endTogether calls one of the pages over, while others call the others over.
func (w *world) endTogether(ref engine.Ref, pages []engine.Ref) {
	c := w.asks(ref.Page)
	c.what = "resolve"
	w.top().keen = func(by *life) {
		for _, other := range pages {
			if other != ref {
				o := w.asks(other.Page)
				o.op, o.what = o.op+fmt.Sprint("/", other.Page), "resolve"
				_ = by.ask(o)
			}
		}
	}
	w.ask(c, 0)
}

// event makes the machine's event of a call; nil = it makes no sense with this configuration.
func (l *life) event(ctx context.Context, c call) (page.Event, error) {
	by := page.Actor{Person: c.person, Channel: "api", Raw: c.what, Op: c.op}
	switch c.what {
	case "ack":
		return page.Acknowledge{By: by}, nil
	case "resolve":
		return page.Resolve{By: by}, nil
	case "give back":
		return page.Unacknowledge{By: by}, nil
	case "escalate":
		return page.Escalate{By: by}, nil
	case "note":
		return page.Note{By: by, Text: c.op}, nil
	case "noise":
		return page.Noise{By: by}, nil
	case "hand over":
		p, err := (&link{life: l}).Page(ctx, c.page)
		if err != nil {
			return nil, err
		}
		from := p.Acker
		if len(p.Ladders) > 0 && from == "" {
			from = p.Ladders[0].Person
		}
		return page.HandOver{By: by, From: from, To: schedule.Responder{Person: c.to, Rungs: l.variant.cfg.Book.Rungs(c.to, p.Severity)}}, nil
	}
	p, err := (&link{life: l}).Page(ctx, c.page)
	if err != nil {
		if errors.Is(err, store.ErrNotFound) {
			return nil, nil
		}
		return nil, err
	}
	policy, targets, ok := l.variant.cfg.Routing.Plan(p.Policy.Name, c.level)
	if !ok {
		return nil, nil
	}
	return page.SetSeverity{By: by, To: c.level, Policy: policy, Targets: targets}, nil
}

// race is an acknowledgement under way.
type race struct{ pages []int64 }

// racing notes that what is under way acknowledges these pages, and counts it when others are in the middle of the same.
func (w *world) racing(m *message, word string) {
	if len(m.pages) == 0 || word != "4" && notify.ParseReply(word).Verb != notify.VerbAck {
		return
	}
	f := w.top()
	f.ack = &race{pages: m.pages}
	for _, other := range w.stack[:len(w.stack)-1] {
		if other.ack != nil && slices.ContainsFunc(other.ack.pages, func(n int64) bool { return slices.Contains(m.pages, n) }) {
			w.tally.note("acknowledgement race")
			return
		}
	}
}

// rivalsOf adds what races best with an act on these pages: other people's acts, and time.
func (w *world) rivalsOf(f *frame, pages []int64) {
	if len(pages) == 0 {
		return
	}
	n := pages[0]
	f.rivals = append(f.rivals,
		func(by *life) { w.ackRival(by, n) },
		func(by *life) { w.ackRival(by, n) },
		func(by *life) { by.pass() },
		func(by *life) { _ = by.ask(w.asks(n)) })
}

// ackRival is somebody else who acknowledges the page at this moment.
func (w *world) ackRival(by *life, n int64) {
	c := w.asks(n)
	c.what = "ack"
	_ = by.ask(c)
}

// race lets another replica do what races with the operation under way.
func (w *world) race(l *life) {
	if w.depth >= maxDepth {
		return
	}
	var others []*life
	for _, m := range w.machines {
		if o := m.life; o != nil && o != l && o.engine != nil && o.busy == 0 && o.stopped == 0 {
			others = append(others, o)
		}
	}
	if len(others) == 0 {
		return
	}
	f := w.top()
	by := pick(f.dice, others)
	run := by.pass
	switch {
	case f.keen != nil:
		chosen := f.keen
		f.keen = nil
		run = func() { chosen(by) }
	case len(f.rivals) > 0 && f.dice.chance(0.8):
		chosen := pick(f.dice, f.rivals)
		run = func() { chosen(by) }
	}
	w.tally.note("rival")
	f.children++
	id := mix(f.id, f.children)
	w.depth++
	outer := w.limit
	w.limit = w.now // a rival takes no time: it is there and gone while the call is on its way
	w.push(&frame{id: id, kind: "rival", dice: newDice(w.o.Seed, id), life: by})
	run()
	w.pop()
	w.limit = outer
	w.depth--
}
