// Package sim plays pagerd in virtual time: one to three replicas with their clocks, the store and the way to it, the
// providers, the people and the sources, and everything that can go wrong with them. One seed decides it all.
//
// It promises that the same seed plays the same story, byte for byte; that the machine, the engine and the codec are
// the real ones; and that the judge, who sees every stored change and every message with the true time, shares no decision
// with them. A broken rule comes with the seed, the shortest story that was found for it, and the command that repeats it.
package sim

import (
	"fmt"
	"strings"
	"time"

	"pagerd/gateway/engine"
	"pagerd/notify"
)

// Options say which world is played.
type Options struct {
	Seed    uint64
	Backend Backend
	Without []Feature     // left out, although the seed has them
	Drop    []int         // numbers of planned happenings that are left out
	Until   time.Duration // nothing is planned after it; 0 = as the seed says
	// Replicas is how many there are at the most; 0 = as the seed and the backend say.
	Replicas int
	Tell     bool // keep the story
	Races    bool // a world of acknowledgements that race, and little else
}

// Violation is a broken rule.
type Violation struct {
	Rule  Rule
	About string // the object: "page/1042", "delivery/1042-3", "alert/am/…"
	What  string
	After time.Duration // virtual time since the start
	Event int
}

// Result is what a world came to.
type Result struct {
	Seed    uint64
	Broken  *Violation // nil: every rule held
	Tally   Tally
	Planned []string // what the seed planned, by number
	Length  time.Duration
	story   *story
	related []string
}

// Story returns what happened, line by line; empty unless it was asked for.
func (r Result) Story() string {
	if r.story == nil {
		return ""
	}
	var b strings.Builder
	for _, l := range r.story.lines {
		b.WriteString(l.String())
		b.WriteByte('\n')
	}
	return b.String()
}

// healing is how long a world goes on after the last fault: longer than any policy of the simulated company waits between
// two rings, so that whatever still needs somebody must have rung.
const healing = 25 * time.Minute

// Play plays one world. The error is the backend's; a broken rule is in the result.
func Play(o Options) (Result, error) {
	d := newDice(o.Seed, worldSeed)
	start := time.Date(2026, time.March, 27, 0, 0, 0, 0, time.UTC).Add(d.between(0, 96*time.Hour))
	horizon := pick(d, []time.Duration{time.Hour, 2 * time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 30 * time.Hour})
	w := &world{o: o, start: start, now: start, weather: newWeather(d, o), links: map[string]engine.Link{}, tally: &Tally{Counts: map[string]int{}}}
	if o.Races {
		horizon = w.weather.races()
	}
	var err error
	if w.company, err = found(d, start, horizon, w.weather.on); err != nil {
		return Result{}, err
	}
	if w.medium, err = o.Backend.Open(); err != nil {
		return Result{}, fmt.Errorf("open the store: %w", err)
	}
	defer func() { _ = w.medium.Close() }()
	if o.Tell {
		w.story = &story{}
	}
	w.judge = newJudge(w)
	w.phones = &phones{byID: map[string]*message{}, down: map[notify.Channel]time.Time{}, bad: map[string]notify.Reason{}, answered: map[string]time.Time{}}
	w.settle(d)
	planDice := newDice(o.Seed, planSeed)
	plan := w.throwPlan(planDice, horizon)
	if o.Races {
		plan = w.throwRaces(planDice, horizon)
	}
	w.schedule(plan)
	if o.Until > 0 {
		horizon = min(horizon, o.Until+time.Minute)
	}
	w.run(horizon)
	r := Result{Seed: o.Seed, Broken: w.broken, Tally: *w.tally, Length: w.now.Sub(start), story: w.story}
	for _, p := range plan {
		r.Planned = append(r.Planned, fmt.Sprintf("%s %s", p.at.Round(time.Second), p.kind))
	}
	if w.broken != nil && w.story != nil {
		r.related = w.judge.related(w.broken.About)
	}
	return r, w.failed
}

// settle sets the machines, the sources and the telephones up.
func (w *world) settle(d dice) {
	n := min(1+d.IntN(3), w.o.Backend.Replicas)
	if w.o.Races {
		n = w.o.Backend.Replicas
	}
	if w.o.Replicas > 0 {
		n = min(n, w.o.Replicas)
	}
	for i := range n {
		m := &machine{w: w, name: []string{"one", "two", "three"}[i], variant: w.company.variants[0]}
		if offset := d.between(-maxSkew, maxSkew); w.weather.on[Clocks] {
			m.offset = offset
		}
		w.machines = append(w.machines, m)
	}
	for _, t := range w.company.teams {
		for _, name := range alertNames() {
			service := pick(d, services())
			g := &group{source: "am", sender: t.name + "/" + name, team: t.name, name: name, service: service}
			g.peers = []*peer{{ended: map[*condition]time.Time{}}}
			if w.weather.on[Peers] {
				g.peers = append(g.peers, &peer{ended: map[*condition]time.Time{}})
			}
			if short := d.chance(0.3); short && w.weather.on[Quiet] {
				g.most = 4
			}
			if d.chance(0.3) {
				g = &group{source: "aws", team: t.name, name: name, service: service}
			}
			w.sources = append(w.sources, g)
		}
	}
	for _, p := range w.company.people {
		if bad := d.chance(0.05); bad && w.weather.on[Provider] && p != "op" {
			w.phones.bad[p+"/sms"] = pick(d, []notify.Reason{notify.ReasonBadNumber, notify.ReasonOptedOut})
		}
	}
}

// run plays until the horizon, heals everything, and lets the judge look at how it ends.
func (w *world) run(horizon time.Duration) {
	w.limit = w.start.Add(horizon + healing)
	root := w.push(&frame{id: worldSeed, kind: "world", dice: newDice(w.o.Seed, 0)})
	for _, m := range w.machines {
		m.begin()
	}
	w.pass(w.start.Add(horizon))
	w.heal()
	w.pass(w.limit)
	root.kind = "end"
	if !w.over() {
		w.judge.everything(true)
		w.judge.ends()
	}
	w.pop()
}

// heal ends every fault.
func (w *world) heal() {
	w.healed = w.now
	w.tell("", "from now on nothing goes wrong any more, and nobody answers")
	w.weather.heal()
	w.outage = false
	w.phones.down = map[notify.Channel]time.Time{}
	w.phones.bad = map[string]notify.Reason{}
	for _, g := range w.sources {
		g.quiet = w.now
		for _, p := range g.peers {
			w.after(w.dice().soon(time.Minute), "", nil, always, func() { w.flush(g, p) })
		}
	}
	for _, m := range w.machines {
		m.cut, m.behind, m.off = false, nil, 0
		m.reconfigure(w.company.variants[0])
		if m.life == nil {
			m.restart()
		}
		m.life.wakeAt(w.now)
		first := w.dice().soon(anchorTry)
		for _, d := range []time.Duration{first, first + anchorTry} {
			w.after(d, "a look at the anchors", m.life, idle, m.life.anchor)
		}
	}
}
