package sim

import (
	"context"
	"maps"
	"slices"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/page"
)

// ends looks at how a world ends, after everything that went wrong has been right for a while: whatever still fires must
// have rung for somebody, or be stopped by somebody or something that is still there.
func (j *judge) ends() {
	w := j.w
	for _, g := range w.sources {
		for _, c := range g.alerts {
			j.truth(c)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(j.pages)) {
		f := j.pages[n]
		if f.page.Open() {
			j.openAtTheEnd(f)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(j.alerts)) {
		if f := j.alerts[id]; f.firing {
			j.firingAtTheEnd(id, f)
		}
	}
	j.mailings()
	j.auditAtTheEnd()
	next, err := w.medium.Store().Due(context.Background(), w.now.Add(-10*time.Second), 1)
	if err == nil && len(next) > 0 {
		w.fail(RuleDue, pageName(next[0].ID), "page %d is due at %s, and nobody did it until %s", next[0].ID, stamp(next[0].At), stamp(w.now))
	}
}

// truth compares what is stored of a condition with how it is.
func (j *judge) truth(c *condition) {
	f := j.alerts[alert.NewID(c.group.source, c.id)]
	if c.group.most > 0 && len(c.group.alerts) > c.group.most {
		return // it may have been left out
	}
	switch {
	case f == nil && c.firing && j.w.now.Sub(c.since) > 10*time.Minute:
		j.w.fail(RuleLost, aboutAlert(c), "%s fires, and pagerd never heard of it", c.id)
	case f != nil && f.firing != c.firing && j.w.now.Sub(c.since) > 10*time.Minute && j.w.now.Sub(c.until) > 10*time.Minute:
		j.w.fail(RuleStored, aboutAlert(c), "%s is %s, and is stored as %s", c.id, word(c.firing), word(f.firing))
	}
}

func word(firing bool) string {
	if firing {
		return "firing"
	}
	return "over"
}

// slack is how long an operation and a message take at the most while nothing goes wrong.
const slack = time.Minute

// openAtTheEnd: an open page rings, or is held by silences that cover it, or somebody has it.
func (j *judge) openAtTheEnd(f *pageFile) {
	w, p := j.w, f.page
	switch p.Status {
	case page.Held:
		if !j.covered(w.company.variants[0], p.Number, w.now) && w.now.Sub(p.HoldUntil) > 0 {
			w.fail(RuleSilence, pageName(p.Number), "it is held until %s, and something fires that no silence covers", stamp(p.HoldUntil))
		}
	case page.Triggered:
		if p.Policy.OfficeHours {
			return
		}
		waits := p.Policy.Again
		for _, s := range p.Policy.Steps {
			waits = max(waits, s.Timeout)
		}
		since := p.RoundAt
		if w.healed.After(since) {
			since = w.healed
		}
		rung := f.round(p.Round).rung
		if quiet := w.now.Sub(since); rung.IsZero() && quiet > slack || quiet > waits+slack && w.now.Sub(rung) > waits+slack {
			w.fail(RuleLost, pageName(p.Number), "it is open, nobody has it, and the newest message that asks somebody left at %s", stamp(rung))
		}
	}
}

// firingAtTheEnd: what fires belongs to an open page, or a person called it over not long ago.
func (j *judge) firingAtTheEnd(id alert.ID, f *alertFile) {
	w := j.w
	p := j.pages[f.page].page
	if p.Open() || p.Number == 0 {
		return
	}
	if p.ResolvedBy == "source" {
		if j.pages[f.page].stale {
			return
		}
		w.fail(RuleLost, "alert/"+string(id), "%s fires, and its page %d was resolved by its source", id, f.page)
		return
	}
	patience := p.Targets.Mitigate
	if patience == 0 {
		patience = 24 * time.Hour
	}
	if f.repeats && w.now.Sub(p.ResolvedAt) > patience+10*time.Minute {
		w.fail(RuleLost, "alert/"+string(id), "%s fires, %s called it over at %s, and nobody was rung again since", id, p.ResolvedBy, stamp(p.ResolvedAt))
	}
}
