package checklist

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/gateway/timeline"
)

// askFor is how long after the end of an incident pagerd asks for what is left: who was asked daily for two weeks has
// decided. It stays shown as open, and the postmortem and its action items are asked for by themselves.
const askFor = 14 * 24 * time.Hour

// Event is something that happens to a checklist. The set is closed.
type Event interface{ event() }

// Begin says that the incident began.
type Begin struct {
	Incident int64
	Severity alert.Severity
}

// Mark is a person ticking an item, or with Off taking their tick back. By is a person's name, or "api:TOKEN".
type Mark struct {
	By   string
	Item string
	Off  bool
}

// Due says that the clock reached the checklist's due instant. Opens is when working hours begin next: what is left of an
// incident that is over waits for them. Zero or not after now = they run.
type Due struct {
	Facts Facts
	Opens time.Time
}

func (Begin) event() {}
func (Mark) event()  {}
func (Due) event()   {}

// Answer is what a person's event came to.
type Answer string

// The answers.
const (
	AnswerTicked   Answer = "ticked"
	AnswerUnticked Answer = "unticked"
	AnswerAlready  Answer = "already"  // as it is
	AnswerRepeated Answer = "repeated" // by the engine: the same op was served before
	AnswerUnknown  Answer = "unknown"  // there is no such item
	AnswerKnown    Answer = "known"    // pagerd ticks it itself
)

// Effects is what a transition asks for.
type Effects struct {
	Changed bool
	Answer  Answer
	Ask     []Line // to be asked of the commander, in one message
	Entry   timeline.Entry
}

// Next is the only way to change a checklist. c is not modified. Every event is legal on every checklist, also on the zero
// one: an incident of before there were checklists gets its own with the first tick.
func Next(c Checklist, ev Event, now time.Time) (Checklist, Effects) {
	var fx Effects
	c.Format = Format
	switch ev := ev.(type) {
	case Begin:
		c.Incident, c.Due = ev.Incident, now.Add(look(During, ev.Severity))
		fx.Changed = true
	case Mark:
		return mark(c, ev, now)
	case Due:
		if c.Due.IsZero() || c.Due.After(now) {
			return c, fx
		}
		fx.Changed = true
		c.Due, fx.Ask = due(c, ev, now)
		if len(fx.Ask) > 0 {
			fx.Entry = timeline.Entry{Actor: "pagerd", What: "asked", Text: "Not ticked: " + strings.Join(IDs(fx.Ask), ", ") + "."}
		}
	}
	return c, fx
}

func mark(c Checklist, ev Mark, now time.Time) (Checklist, Effects) {
	it, ok := find(ev.Item)
	if !ok {
		return c, Effects{Answer: AnswerUnknown}
	}
	if it.known != nil && !it.ask {
		return c, Effects{Answer: AnswerKnown}
	}
	_, ticked := c.Ticks[ev.Item]
	if ticked != ev.Off {
		return c, Effects{Answer: AnswerAlready}
	}
	fx := Effects{Changed: true, Answer: AnswerTicked}
	c.Ticks = maps.Clone(c.Ticks)
	if ev.Off {
		fx.Answer = AnswerUnticked
		delete(c.Ticks, ev.Item)
	} else {
		if c.Ticks == nil {
			c.Ticks = map[string]Tick{}
		}
		c.Ticks[ev.Item] = Tick{By: ev.By, At: now}
	}
	fx.Entry = timeline.Entry{Actor: ev.By, What: string(fx.Answer), Text: fmt.Sprintf("%s: %s.", it.id, it.text), Facts: map[string]string{"item": it.id}}
	return c, fx
}

// due returns when to look again and what to ask for now.
func due(c Checklist, ev Due, now time.Time) (time.Time, []Line) {
	in := ev.Facts.Incident
	lines := View(c, ev.Facts)
	switch in.Status {
	case incident.Dismissed, incident.Merged:
		return time.Time{}, nil
	case incident.Resolved:
		left := Open(lines, After, Review)
		first := in.ResolvedAt.Add(look(After, in.Severity))
		switch {
		case len(left) == 0 || Cadence(After, in.Severity) == 0 || now.After(in.ResolvedAt.Add(askFor)):
			return time.Time{}, nil
		case first.After(now):
			return first, nil
		case ev.Opens.After(now):
			return ev.Opens, nil
		}
		return now.Add(look(After, in.Severity)), left
	}
	again := now.Add(look(During, in.Severity))
	if Cadence(During, in.Severity) == 0 {
		return again, nil
	}
	return again, Open(lines, During)
}

// look is how often pagerd looks at a list: at its cadence, and daily where it asks nobody, for a severity may rise.
func look(l List, s alert.Severity) time.Duration {
	if d := Cadence(l, s); d > 0 {
		return d
	}
	return 24 * time.Hour
}

// IDs returns what one types to tick the lines.
func IDs(lines []Line) []string {
	var out []string
	for _, l := range lines {
		out = append(out, l.ID)
	}
	return out
}
