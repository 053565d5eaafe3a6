package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/routing"
)

// maxNames is how many identities a timeline entry names.
const maxNames = 20

// fold makes one commit of several arrivals of one group.
func (e *Engine) fold(ctx context.Context, group string, arrivals []*arrival) error {
	sure := false // what was read is durable
	for range maxConflicts {
		f, err := e.loadFold(ctx, group, arrivals)
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return err
		}
		c, before, alarms, err := e.decideFold(ctx, f)
		if err != nil {
			return err
		}
		if c == nil && sure {
			return nil
		}
		if c == nil {
			if err := e.barrier(ctx, f.now, false); err != nil {
				return err
			}
			sure = true // once it says the same again: a fail-over may lie between what was read and the barrier
			continue
		}
		err = e.commitPage(ctx, *c, before)
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return fmt.Errorf("store alerts: %w", err)
		}
		if c.Page != nil {
			e.alarmsTold(c.Page.Number, alarms, c.Now)
		}
		e.metrics.Folded.Observe(float64(len(f.order)))
		return nil
	}
	return fmt.Errorf("store alerts: %w", store.ErrConflict)
}

// folding is what arrivals do to one group, before it is decided.
type folding struct {
	group  string
	page   page.Page // newest page of the group; zero if there is none
	order  []alert.ID
	states map[alert.ID]*observed
	sender string
	hidden int
	now    time.Time
	source string
}

// observed is an identity's state before and after the arrivals.
type observed struct {
	prev, next alert.State
	decision   routing.Decision
	opened     bool
	refreshed  bool
	ended      bool
	changed    bool
}

func (e *Engine) loadFold(ctx context.Context, group string, arrivals []*arrival) (*folding, error) {
	p, err := e.store.Group(ctx, group)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("load group: %w", err)
	}
	f := &folding{group: group, page: p, states: map[alert.ID]*observed{}}
	for _, a := range arrivals {
		f.sender, f.hidden = a.sender, a.hidden
		if a.now.After(f.now) {
			f.now = a.now
		}
		for _, r := range a.alerts {
			id := r.alert.ID()
			f.source = r.alert.Source
			if f.states[id] == nil {
				f.states[id] = &observed{}
				f.order = append(f.order, id)
			}
		}
	}
	stored, err := e.store.Alerts(ctx, f.order)
	if err != nil {
		return nil, fmt.Errorf("load alerts: %w", err)
	}
	for i, id := range f.order {
		s := stored[i]
		if s.Firing() && s.Group != group {
			return nil, errMoved
		}
		// The page was loaded before the alerts. One that another process began in between would lose them to its resolved
		// predecessor, whose version that does not change.
		if s.Group == group && s.Page > p.Number {
			return nil, fmt.Errorf("page %d began meanwhile: %w", s.Page, store.ErrConflict)
		}
		f.states[id].prev, f.states[id].next = s, s
	}
	for _, a := range arrivals {
		for _, r := range a.alerts {
			e.observe(f, r)
		}
	}
	return f, nil
}

func (e *Engine) observe(f *folding, r routed) {
	o := f.states[r.alert.ID()]
	next, change := alert.Observe(o.next, r.alert, f.now)
	e.metrics.Alerts.WithLabelValues(r.alert.Source, string(change)).Inc()
	if !change.Changed() {
		return
	}
	o.changed, o.decision = true, r.decision
	next.Severity = r.decision.Subject.Severity
	next.Sender = f.sender
	next.Silenced = ""
	if s := r.decision.Silenced; s != nil {
		next.Silenced = s.Name
	}
	switch change {
	case alert.Opened:
		o.opened = true
	case alert.Refreshed:
		o.refreshed = true
	case alert.Ended:
		o.ended = true
	}
	o.next = next
}

// decideFold turns the observations into a change; nil when there is nothing to store. before is the status that the
// change's page had, alarms what the change tells the operators.
func (e *Engine) decideFold(ctx context.Context, f *folding) (c *store.Change, before page.Status, alarms []page.Alarm, err error) {
	c = &store.Change{Now: f.now}
	sig, touched := f.signals(f.page)
	if !touched { // only tombstones of what never fired, or nothing at all
		f.putAlerts(c, f.page)
		if len(c.Alerts) == 0 {
			return nil, "", nil, nil
		}
		return c, "", nil, nil
	}
	prev := f.page
	if prev.Number == 0 {
		n, err := e.store.NextNumber(ctx)
		if err != nil {
			return nil, "", nil, fmt.Errorf("allocate page number: %w", err)
		}
		prev.Number = n
	}
	if err := e.silence(ctx, f, &sig); err != nil {
		return nil, "", nil, err
	}
	next, fx := page.Next(prev, sig, e.facts(prev, sig.Subject.Policy, sig.Subject.Severity, f.now), f.now)
	if fx.Fresh != "" {
		n, err := e.store.NextNumber(ctx)
		if err != nil {
			return nil, "", nil, fmt.Errorf("allocate page number: %w", err)
		}
		prev = page.Page{Number: n, Previous: f.page.Number, Incident: e.openIncident(ctx, f.page.Incident)}
		sig.Firing, sig.NewIDs = f.firingHere(), f.firingHere()
		sig.Worst = f.worst(true)
		next, fx = page.Next(prev, sig, e.facts(prev, sig.Subject.Policy, sig.Subject.Severity, f.now), f.now)
		next.Before = e.learned(ctx, f.page.Incident, f.now)
	}
	if err := e.putPage(ctx, c, prev, next, fx, nil); err != nil {
		return nil, "", nil, err
	}
	f.putAlerts(c, *c.Page)
	return c, prev.Status, fx.Alarms, nil
}

// signals counts what the observations mean for p. touched is false when no episode of p began, ended or was refreshed.
func (f *folding) signals(p page.Page) (sig page.Signals, touched bool) {
	sig = page.Signals{Sender: f.sender, Hidden: f.hidden, Group: f.group, Source: f.source, Firing: p.Firing}
	if !p.Open() {
		sig.Firing = 0
	}
	for _, id := range f.order {
		o := f.states[id]
		belongs := p.Number != 0 && o.prev.Page == p.Number
		counted := belongs && o.prev.Firing() // in p.Firing already
		if !p.Open() {
			counted = false
		}
		switch {
		case o.opened:
			sig.Opened++
		case o.refreshed && o.next.Firing():
			sig.Refreshed++
		}
		if o.ended && belongs {
			sig.Ended++
		}
		if o.next.Firing() && !counted && (o.opened || o.refreshed) {
			sig.Firing++
		}
		if counted && !o.next.Firing() {
			sig.Firing--
		}
		if (o.opened || o.refreshed) && !belongs {
			sig.NewIDs++
		}
		if (o.opened || o.refreshed || o.ended && belongs) && len(sig.Names) < maxNames {
			sig.Names = append(sig.Names, string(id))
		}
	}
	sig.Firing = max(sig.Firing, 0)
	sig.Worst = f.worst(false)
	sig.Subject = f.subject()
	return sig, sig.Opened+sig.Refreshed+sig.Ended > 0
}

// firingHere counts the identities of these arrivals that fire.
func (f *folding) firingHere() int {
	n := 0
	for _, o := range f.states {
		if o.next.Firing() {
			n++
		}
	}
	return n
}

// worst is the worst severity among alerts that opened (or, with all, that fire) and are not silenced. An alert whose
// silence is over counts like one that opened: until now nobody was to hear of it.
func (f *folding) worst(all bool) alert.Severity {
	var worst alert.Severity
	for _, o := range f.states {
		joined := o.opened || o.refreshed && (all || o.prev.Page != f.page.Number || o.prev.Silenced != "")
		if joined && o.next.Firing() && o.next.Silenced == "" && o.next.Severity.Worse(worst) {
			worst = o.next.Severity
		}
	}
	return worst
}

// subject is what the worst of the alerts that fire is about; among equals the first that arrived.
func (f *folding) subject() page.Subject {
	var best *observed
	for _, id := range f.order {
		o := f.states[id]
		if !o.changed {
			continue
		}
		better := best == nil ||
			o.next.Firing() && !best.next.Firing() ||
			o.next.Firing() == best.next.Firing() && o.decision.Subject.Severity.Worse(best.decision.Subject.Severity)
		if better {
			best = o
		}
	}
	if best == nil {
		return page.Subject{}
	}
	return best.decision.Subject
}

// silence fills in whether every firing alert of the page is silenced now.
func (e *Engine) silence(ctx context.Context, f *folding, sig *page.Signals) error {
	var until *page.Silence
	for _, id := range f.order {
		o := f.states[id]
		if !o.next.Firing() || !o.changed {
			continue
		}
		s := o.decision.Silenced
		if s == nil {
			return nil
		}
		until = laterSilence(until, s)
	}
	if until == nil && f.page.Status != page.Held {
		return nil
	}
	others, err := e.silenceOfPage(ctx, f.page, f.now, func(id alert.ID) bool { return f.states[id] != nil })
	if err != nil {
		return err
	}
	if others.loud {
		return nil
	}
	if others.silence != nil {
		until = laterSilence(until, others.silence)
	}
	sig.Silence = until
	return nil
}

func laterSilence(a, b *page.Silence) *page.Silence {
	if a == nil || b.Until.After(a.Until) {
		return b
	}
	return a
}

// silencing says how the firing alerts of a page stand to the silences: loud means that one of them is not silenced.
type silencing struct {
	loud    bool
	silence *page.Silence
}

func (e *Engine) silenceOfPage(ctx context.Context, p page.Page, now time.Time, skip func(alert.ID) bool) (silencing, error) {
	if !p.Open() {
		return silencing{}, nil
	}
	states, err := e.store.PageAlerts(ctx, p.Number, maxFold)
	if err != nil {
		return silencing{}, fmt.Errorf("load the page's alerts: %w", err)
	}
	var out silencing
	tree := e.config().Routing
	for _, s := range states {
		if !s.Firing() || skip(s.ID) {
			continue
		}
		d := tree.Decide(s.Alert, now)
		if d.Silenced == nil {
			return silencing{loud: true}, nil
		}
		out.silence = laterSilence(out.silence, d.Silenced)
	}
	return out, nil
}

// putAlerts adds the changed states, which belong to p from now on if they fire or belonged to it.
func (f *folding) putAlerts(c *store.Change, p page.Page) {
	for _, id := range f.order {
		o := f.states[id]
		if !o.changed {
			continue
		}
		s := o.next
		s.Version = o.prev.Version + 1
		if s.Firing() || o.opened {
			s.Page, s.Group = p.Number, f.group
		}
		c.Alerts = append(c.Alerts, s)
	}
}
