package sim

import (
	"context"
	"slices"
	"time"

	"pagerd/notify"
)

// planned is something that the seed brings from outside, at its time. What follows from it is thrown from its own dice.
type planned struct {
	at      time.Duration // after the start
	kind    string
	feature Feature // empty: it belongs to every world
	run     func(w *world)
}

// plan throws what happens in a world, in the order of throwing. The number of an entry is its name when it is left out.
func (w *world) throwPlan(d dice, horizon time.Duration) []planned {
	var out []planned
	add := func(n int, kind string, f Feature, run func(w *world)) {
		for range n {
			out = append(out, planned{at: d.between(0, horizon), kind: kind, feature: f, run: run})
		}
	}
	hours := max(1, int(horizon/time.Hour))
	scale := min(hours, 4)
	add(4+d.IntN(14*scale), "an alert", "", (*world).someAlert)
	add(d.IntN(2), "a storm", Storms, (*world).storm)
	add(d.IntN(4*scale), "a crash", Crash, (*world).someCrash)
	add(d.IntN(2*scale), "a partition", Partition, (*world).somePartition)
	add(d.IntN(1+scale/2), "an outage of the store", Outage, (*world).someOutage)
	add(d.IntN(1+2*scale), "a fail-over", Failover, (*world).failOver)
	add(d.IntN(2), "a clock that runs away", Runaway, (*world).runAway)
	add(d.IntN(2*scale), "a correction of a clock", Clocks, (*world).correctClock)
	add(d.IntN(3), "a reload", Reloads, (*world).reload)
	add(d.IntN(1+scale), "an outage of a provider", Provider, (*world).providerOutage)
	add(d.IntN(10*scale), "an act", Acts, (*world).someAct)
	add(d.IntN(4*scale), "a rush of acts", Acts, (*world).rush)
	add(d.IntN(4*scale), "an act on several pages", Acts, (*world).together)
	add(d.IntN(3), "a source falls silent", Quiet, (*world).fallSilent)
	add(hours, "housekeeping", "", (*world).housekeep)
	add(d.IntN(12*scale), "an act on an incident", Acts, (*world).someLead)
	add(hours*int(time.Hour/anchorTry), "a look at the anchors", "", (*world).someAnchor)
	return out
}

// schedule puts the plan into the queue, without what is left out.
func (w *world) schedule(plan []planned) {
	for i, p := range plan {
		if p.feature != "" && !w.weather.on[p.feature] || slices.Contains(w.o.Drop, i) || w.o.Until > 0 && p.at > w.o.Until {
			continue
		}
		w.seq++
		w.queue.add(&happening{at: w.start.Add(p.at), seq: w.seq, id: mix(planSeed, uint64(i)), kind: p.kind, need: always, run: func() { p.run(w) }})
	}
}

// Parts of a seed's randomness that are thrown apart, so that one does not change the other.
const (
	worldSeed = 1
	planSeed  = 2
)

// someAlert lets a condition begin, and end, and flap perhaps.
func (w *world) someAlert() {
	d := w.dice()
	g := pick(d, w.sources)
	var c *condition
	if len(g.alerts) > 0 && d.chance(0.6) {
		c = pick(d, g.alerts)
	} else {
		c = g.another(w, d)
	}
	w.fires(c)
	if d.chance(0.15) {
		return // nobody mends it
	}
	length := 5*time.Second + d.soon(2*time.Hour)
	for range 1 + d.IntN(2)*d.IntN(5) {
		w.after(length, "an end", nil, always, func() { w.ends(c) })
		length += d.soon(10 * time.Minute)
		w.after(length, "it fires again", nil, always, func() { w.fires(c) })
		length += d.soon(10 * time.Minute)
	}
	w.after(length, "an end", nil, always, func() { w.ends(c) })
}

// storm lets many conditions of one group begin at nearly the same time.
func (w *world) storm() {
	d := w.dice()
	g := w.sources[0]
	for range 8 + d.IntN(25) {
		c := g.another(w, d)
		w.after(d.soon(20*time.Second), "an alert of a storm", nil, always, func() { w.fires(c) })
		w.after(30*time.Second+d.soon(20*time.Minute), "an end", nil, always, func() { w.ends(c) })
	}
}

func (w *world) someCrash() {
	if l := pick(w.dice(), w.machines).life; l != nil && w.mayDie(l) {
		l.die("killed")
	}
}

// mayDie keeps one right clock beside a wrong one: with fewer than three votes a clock is not held (R9), which is a
// limit that the operators are told of and no fault to look for.
func (w *world) mayDie(l *life) bool {
	right := 0
	wrong := false
	for _, m := range w.machines {
		wrong = wrong || m.off != 0
		if m.life != nil && m.life != l && m.off == 0 {
			right++
		}
	}
	return !wrong || right > 0
}

func (w *world) somePartition() {
	d := w.dice()
	m := pick(d, w.machines)
	if m.cut {
		return
	}
	t := d.between(time.Second, 3*time.Minute)
	m.cut = true
	w.tell("", "%s does not reach the store for %s", m.name, t)
	w.after(t, "a partition ends", nil, always, func() { m.cut = false })
}

func (w *world) someOutage() {
	if w.outage {
		return
	}
	t := w.dice().between(time.Second, 5*time.Minute)
	w.outage = true
	w.tell("", "the store is down for %s", t)
	w.after(t, "an outage ends", nil, always, func() {
		w.outage = false
		w.wakeAll()
	})
}

// failOver makes a copy of the store the new master. Each machine talks to the old one until it hears of it: what it
// writes there is answered with an error, and is gone. The world does not stand still meanwhile.
func (w *world) failOver() {
	m, ok := w.medium.(forking)
	if !ok || slices.ContainsFunc(w.machines, func(m *machine) bool { return m.behind != nil }) {
		w.tally.note("no fail-over: the store cannot")
		return
	}
	w.tell("", "the store fails over")
	w.tally.note("failed over")
	w.medium = m.Fork()
	d := w.dice()
	for range d.IntN(4) {
		w.after(d.soon(5*time.Second), "a change during a fail-over", nil, always, w.someChange)
	}
	for _, x := range w.machines {
		x.behind = m
		w.after(d.soon(30*time.Second), "a machine finds the new master", nil, always, func() {
			x.behind = nil
			w.tell("", "%s talks to the new master", x.name)
			w.wakeAll()
		})
	}
}

// fallSilent lets a source say nothing for hours: pagerd must not take that for an end too soon (R23).
func (w *world) fallSilent() {
	d := w.dice()
	if g := pick(d, w.sources); g.peers != nil {
		g.quiet = w.now.Add(d.between(30*time.Minute, 12*time.Hour))
		w.tell("", "%s says nothing of %s any more until %s", g.source, g.sender, stamp(g.quiet))
	}
}

// someChange ends a condition or lets it begin again.
func (w *world) someChange() {
	d := w.dice()
	g := pick(d, w.sources)
	if len(g.alerts) == 0 {
		return
	}
	if c := pick(d, g.alerts); c.firing {
		w.ends(c)
	} else {
		w.fires(c)
		w.after(d.between(time.Minute, 20*time.Minute), "an end", nil, always, func() { w.ends(c) })
	}
}

// runAway sets one of at least three clocks far off.
func (w *world) runAway() {
	d := w.dice()
	if len(w.machines) < 3 {
		return
	}
	m := pick(d, w.machines)
	for _, x := range w.machines {
		if x.off != 0 || x != m && x.life == nil {
			return
		}
	}
	m.off = time.Second + d.soon(2*time.Hour)
	if d.chance(0.5) {
		m.off = -m.off
	}
	w.tell("", "the clock of %s is set off by %s", m.name, m.off)
	w.after(d.between(5*time.Second, 20*time.Minute), "a clock is mended", nil, always, func() { m.off = 0 })
}

// maxSkew is how far a clock that counts as right is off.
const maxSkew = 200 * time.Millisecond

func (w *world) correctClock() {
	m := pick(w.dice(), w.machines)
	m.offset = w.dice().between(-maxSkew, maxSkew)
}

// reload replaces the configuration of one machine after the other.
func (w *world) reload() {
	v := pick(w.dice(), w.company.variants)
	for _, m := range w.machines {
		w.after(w.dice().soon(40*time.Second), "a reload", nil, always, func() { m.reconfigure(v) })
	}
}

func (m *machine) reconfigure(v *variant) {
	if m.variant == v {
		return
	}
	m.variant = v
	m.w.tell("", "%s runs with %s", m.name, v.name)
	if m.life != nil {
		m.life.swept = time.Time{}
		m.life.wakeAt(m.w.now)
	}
}

func (w *world) providerOutage() {
	d := w.dice()
	c := pick(d, []notify.Channel{notify.SMS, notify.SMS, notify.Voice, notify.Email})
	t := d.between(time.Second, 10*time.Minute)
	w.phones.down[c] = w.now.Add(t)
	w.tell("", "%s is down for %s", c, t)
}

// someAct lets somebody do something to a page through the API.
func (w *world) someAct() {
	if n := w.judge.somePage(w.dice()); n != 0 {
		w.ask(w.asks(n), 0)
	}
}

// rush lets several people act on one page at the same moment.
func (w *world) rush() {
	n := w.judge.somePage(w.dice())
	if n == 0 {
		return
	}
	for range 2 + w.dice().IntN(4) {
		w.after(w.dice().soon(20*time.Millisecond), "", nil, always, func() { w.ask(w.asks(n), 0) })
	}
}

func (w *world) housekeep() {
	if l := w.door(); l != nil {
		f := w.top()
		f.kind, f.life = "housekeeping", l
		_ = l.do(func(ctx context.Context) error { return l.engine.Housekeep(ctx, l.clock.Now()) })
	}
}

// wakeAll lets every loop look at the clock soon, as a commit's hint does.
func (w *world) wakeAll() {
	for _, m := range w.machines {
		if m.life != nil {
			m.life.wakeAt(w.now.Add(w.dice().soon(20 * time.Millisecond)))
		}
	}
}
