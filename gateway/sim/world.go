package sim

import (
	"fmt"
	"time"

	"pagerd/gateway/engine"
	"pagerd/gateway/timeline"
)

// world is one simulated installation. It is single-threaded: exactly one goroutine of it runs at a time, whichever of
// the engine's that is, and hands on by channels.
type world struct {
	o         Options
	start     time.Time
	now       time.Time // the true time
	limit     time.Time // how far the present passing of time may go: what began inside it ends inside it
	healed    time.Time // since when nothing goes wrong any more; zero = not yet
	queue     queue
	seq       int
	stack     []*frame
	depth     int // passings of time inside each other
	weather   weather
	company   *company
	medium    Medium
	machines  []*machine
	judge     *judge
	phones    *phones
	sources   []*group
	outage    bool // nobody reaches the store
	links     map[string]engine.Link
	tally     *Tally
	story     *story
	nextCheck int // event at which everything is looked at again
	broken    *Violation
	failed    error // the backend itself
}

// frame is a happening under way. Several are under way at once when time passes, or another replica works, in the middle
// of an operation.
type frame struct {
	id       uint64
	children uint64
	kind     string
	dice     dice
	life     *life
	op       *operation
	quiet    bool             // nothing comes in between
	variant  *variant         // with which it began
	flight   *flight          // of an attempt
	answers  *message         // of a person's answer
	text     string           // id of a person's text
	body     string           // and what it says
	rivals   []func(by *life) // what races with it best
	keen     func(by *life)   // what comes between its decision and its commit, often
	ack      *race            // of an acknowledgement
	entries  []timeline.Entry // what it stored
	group    string           // of the body that is being stored
	mayQueue bool             // further bodies of the group may arrive meanwhile
	walk     *walk            // of an anchoring
}

func (w *world) top() *frame { return w.stack[len(w.stack)-1] }

func (w *world) push(f *frame) *frame {
	w.stack = append(w.stack, f)
	return f
}

func (w *world) pop() { w.stack = w.stack[:len(w.stack)-1] }

// dice are those of the happening under way.
func (w *world) dice() dice { return w.top().dice }

// over reports whether an invariant is broken: everything then comes to its end quickly.
func (w *world) over() bool { return w.broken != nil || w.failed != nil }

// fail records the first broken invariant. about names the object, as the story does.
func (w *world) fail(rule Rule, about, format string, args ...any) {
	if w.broken != nil {
		return
	}
	w.broken = &Violation{Rule: rule, About: about, What: fmt.Sprintf(format, args...), After: w.now.Sub(w.start), Event: w.tally.Events}
	w.tell(about, "BROKEN %s: %s", rule, w.broken.What)
}

// after lets something happen later, as a consequence of what is under way.
func (w *world) after(d time.Duration, kind string, l *life, need readiness, run func()) *happening {
	f := w.top()
	f.children++
	w.seq++
	h := &happening{at: w.now.Add(d), seq: w.seq, id: mix(f.id, f.children), kind: kind, life: l, need: need, run: run}
	w.queue.add(h)
	return h
}

// play runs one happening in a frame of its own.
func (w *world) play(h *happening) {
	if h.life != nil && h.life.dead {
		return
	}
	if h.kind != "" {
		w.count(h.kind)
	}
	w.push(&frame{id: h.id, kind: h.kind, dice: newDice(w.o.Seed, h.id), life: h.life})
	h.run()
	w.pop()
	if w.tally.Events >= w.nextCheck && len(w.stack) == 1 {
		w.nextCheck = w.tally.Events + fullCheckEvery
		w.judge.everything(false)
	}
}

// count counts an event: one step of the scheduler that calls into pagerd or delivers something.
func (w *world) count(kind string) {
	w.tally.Events++
	w.tally.note(kind)
}

// fullCheckEvery is how many events pass between two looks at everything.
const fullCheckEvery = 1000

// maxDepth bounds how many operations are caught in the middle of each other.
const maxDepth = 5

// pass lets time pass until then, or as far as it may, and plays what is due. What happens to a replica that cannot do it
// now waits until the time has passed.
func (w *world) pass(until time.Time) {
	if until.After(w.limit) {
		until = w.limit
	}
	outer := w.limit
	w.limit = until
	w.depth++
	var waiting []*happening
	for w.depth <= maxDepth && !w.over() && len(w.queue) > 0 && !w.queue[0].at.After(until) {
		h := w.queue.take()
		if h.at.After(w.now) {
			w.now = h.at
		}
		if h.life != nil && !h.life.dead && !h.ready() {
			waiting = append(waiting, h)
			continue
		}
		w.play(h)
	}
	for _, h := range waiting {
		w.queue.add(h)
	}
	w.depth--
	w.limit = outer
	if until.After(w.now) {
		w.now = until
	}
}

// elapse lets d pass.
func (w *world) elapse(d time.Duration) { w.pass(w.now.Add(d)) }
