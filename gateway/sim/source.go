package sim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pagerd/gateway/alert"
)

// group is what one source tells of together: an Alertmanager's group of alerts, or the alarms of one CloudWatch topic.
type group struct {
	source  string // "am" or "aws"
	sender  string
	team    string
	name    string
	service string
	alerts  []*condition
	most    int       // alerts in a body; the rest is left out and counted; 0 = no limit
	quiet   time.Time // nothing is said before
	peers   []*peer   // of an Alertmanager cluster; nil for CloudWatch
}

// condition is something in the monitored world that is so or not: the truth behind an alert.
type condition struct {
	group    *group
	id       string // fingerprint
	severity int
	firing   bool
	since    time.Time
	until    time.Time // when it last ended
}

// peer is one Alertmanager. It notifies of a group one body after the other.
type peer struct {
	under  bool                     // a notification is under way
	again  bool                     // something changed meanwhile
	wakes  bool                     // the next notification is planned
	ended  map[*condition]time.Time // ends that pagerd has taken from it
	repeat bool                     // the next repetition is planned
}

// staleBody is how old a body may get: Alertmanager gives a notification up and makes a new one. It is shorter than the
// minute after which an old firing is no late message any more, see alert.Observe.
const staleBody = 45 * time.Second

func (c *condition) labels() map[string]string {
	g := c.group
	return map[string]string{"alertname": g.name, "team": g.team, "service": g.service, "severity": fmt.Sprintf("sev%d", c.severity), "instance": c.id}
}

func (c *condition) alert() alert.Alert {
	a := alert.Alert{Source: c.group.source, Fingerprint: c.id, Status: alert.Firing, Labels: c.labels(), StartsAt: c.since, Repeats: c.group.peers != nil}
	if !c.firing {
		a.Status, a.EndsAt = alert.Resolved, c.until
	}
	return a
}

// another is one more condition of the group.
func (g *group) another(w *world, d dice) *condition {
	c := &condition{group: g, id: fmt.Sprintf("%s-%s-%s-%d", g.team, g.name, g.service, len(g.alerts)), severity: 1 + d.IntN(4)}
	g.alerts = append(g.alerts, c)
	return c
}

// crowd is how many conditions of a group may be so before folding adds no more: a body costs what it carries.
const crowd = 5

func (g *group) firing() int {
	n := 0
	for _, c := range g.alerts {
		if c.firing {
			n++
		}
	}
	return n
}

// groupOf finds the group whose alerts a replica puts under that key; nil = none.
func (w *world) groupOf(l *life, key string) *group {
	for _, g := range w.sources {
		if g.peers == nil {
			continue
		}
		sample := condition{group: g, severity: 3}
		if l.variant.cfg.Routing.Decide(sample.alert(), w.now).Group == key {
			return g
		}
	}
	return nil
}

// fires begins a condition, and its source will say so.
func (w *world) fires(c *condition) alert.Alert {
	if !c.firing {
		c.firing, c.since = true, w.now
		if !c.since.After(c.until) {
			c.since = c.until.Add(time.Millisecond)
		}
		w.tell(aboutAlert(c), "%s fires (SEV-%d)", c.id, c.severity)
		w.changed(c)
	}
	return c.alert()
}

// ends ends a condition.
func (w *world) ends(c *condition) {
	if !c.firing {
		return
	}
	c.firing, c.until = false, w.now
	if !c.until.After(c.since) {
		c.until = c.since.Add(time.Millisecond)
	}
	w.tell(aboutAlert(c), "%s is over", c.id)
	w.changed(c)
}

// changed lets the source tell: each Alertmanager after its group's wait, CloudWatch with one message.
func (w *world) changed(c *condition) {
	d := w.dice()
	if c.group.peers == nil {
		w.message(c.alert(), 0)
		return
	}
	for _, p := range c.group.peers {
		w.wake(c.group, p, d.soon(30*time.Second))
	}
}

// wake plans a peer's next notification, unless one is planned: a group is told of once per interval.
func (w *world) wake(g *group, p *peer, delay time.Duration) {
	if p.wakes {
		return
	}
	p.wakes = true
	w.after(delay, "", nil, always, func() {
		p.wakes = false
		w.flush(g, p)
	})
}

// flush makes a peer's next notification: what fires now, and what ended since pagerd last took its end.
func (w *world) flush(g *group, p *peer) {
	if p.under {
		p.again = true
		return
	}
	if w.now.Before(g.quiet) {
		w.wake(g, p, g.quiet.Sub(w.now))
		return
	}
	b := alert.Batch{Source: g.source, Sender: g.sender}
	told := map[*condition]time.Time{}
	for _, c := range g.alerts {
		tells := c.firing || !c.until.IsZero() && p.ended[c].Before(c.until)
		switch {
		case tells && g.most > 0 && len(b.Alerts) == g.most:
			b.Hidden++
		case c.firing:
			b.Alerts = append(b.Alerts, c.alert())
		case !c.until.IsZero() && p.ended[c].Before(c.until):
			b.Alerts = append(b.Alerts, c.alert())
			told[c] = c.until
		}
	}
	if len(b.Alerts) == 0 {
		return
	}
	p.under = true
	born := w.now
	delay := w.dice().soon(time.Second)
	if w.dice().chance(w.weather.repeat) {
		delay = w.dice().soon(30 * time.Second)
	}
	w.deliver(b, born, delay, func(taken bool) {
		p.under = false
		if taken {
			for c, t := range told {
				p.ended[c] = t
			}
			w.plan(g, p)
		}
		if p.again || !taken {
			p.again = false
			w.wake(g, p, w.dice().between(100*time.Millisecond, 15*time.Second))
		}
	})
}

// plan repeats what still fires, as repeat_interval says.
func (w *world) plan(g *group, p *peer) {
	if p.repeat {
		return
	}
	p.repeat = true
	w.after(w.dice().between(3*time.Minute, 8*time.Minute), "", nil, always, func() {
		p.repeat = false
		w.flush(g, p)
	})
}

// deliver posts a body, and again while it is answered with an error; then hears whether it was taken.
func (w *world) deliver(b alert.Batch, born time.Time, delay time.Duration, then func(taken bool)) {
	w.after(delay, "", nil, always, func() {
		if w.now.Sub(born) > staleBody {
			then(false)
			return
		}
		l := w.door()
		if l == nil {
			w.deliver(b, born, w.dice().between(500*time.Millisecond, 5*time.Second), then)
			return
		}
		w.count("webhook")
		if l.accept(b) != nil {
			w.deliver(b, born, w.dice().between(200*time.Millisecond, 8*time.Second), then)
			return
		}
		if w.dice().chance(w.weather.repeat) { // a proxy repeats it
			w.deliver(b, born, w.dice().soon(40*time.Second), func(bool) {})
		}
		then(true)
	})
}

// message is CloudWatch's: SNS tries until it is taken, and may deliver it twice, and hours later once more.
func (w *world) message(a alert.Alert, tries int) {
	d := w.dice()
	delay := d.soon(time.Second)
	if tries > 0 {
		delay = d.between(time.Second, 20*time.Second)
	} else if d.chance(w.weather.repeat) {
		delay = d.soon(5 * time.Minute)
	}
	b := alert.Batch{Source: a.Source, Alerts: []alert.Alert{a}}
	w.after(delay, "", nil, always, func() {
		l := w.door()
		if l == nil {
			w.message(a, tries+1)
			return
		}
		w.count("sns message")
		if l.accept(b) != nil {
			w.message(a, tries+1)
			return
		}
		d := w.dice()
		if d.chance(w.weather.repeat) {
			again := d.soon(time.Minute)
			if w.weather.on[Late] {
				again = d.between(time.Minute, 8*time.Hour)
			}
			w.after(again, "", nil, always, func() {
				if l := w.door(); l != nil {
					w.count("sns message again")
					_ = l.accept(b)
				}
			})
		}
	})
}

// door is a replica that takes requests now; nil = none does.
func (w *world) door() *life {
	var open []*life
	for _, m := range w.machines {
		if m.life != nil && m.life.engine != nil && m.life.busy == 0 && m.life.stopped == 0 {
			open = append(open, m.life)
		}
	}
	if len(open) == 0 {
		return nil
	}
	return pick(w.dice(), open)
}

var errUncompared = errors.New("the clock was not compared with the store's yet")

// accept posts a body to this replica.
func (l *life) accept(b alert.Batch) error {
	w := l.w
	f := w.top()
	f.kind, f.life, f.group = "accept", l, ""
	now := l.clock.Now()
	// A body of one alert is certainly one group's: nothing of it goes on beside what is queued behind it.
	f.mayQueue = len(b.Alerts) == 1 && b.Alerts[0].Repeats
	f.rivals = append(f.rivals, func(by *life) { _ = by.accept(b) })
	if n := w.judge.openOf(b); n != 0 {
		f.rivals = append(f.rivals, func(by *life) { w.ackRival(by, n) })
	}
	w.tell(w.aboutBatch(b), "%s posts a body of %d to %s: %s", b.Source, len(b.Alerts), l.name, w.bodyText(b))
	if !l.clock.Compared() { // as the gateway does: a clock that nobody checked stamps nothing
		w.tally.note("503: the clock is not compared")
		return errUncompared
	}
	w.judge.offered(b)
	err := l.do(func(ctx context.Context) error { return l.engine.Accept(ctx, b, now) })
	if err != nil {
		w.tell(w.aboutBatch(b), "%s answers 503: %v", l.name, err)
		w.tally.note("503")
		return err
	}
	w.tell(w.aboutBatch(b), "%s answers 200", l.name)
	w.judge.accepted(b)
	return nil
}
