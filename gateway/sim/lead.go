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
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/update"
)

// lead is what somebody does to an incident through the API. It has an id of its own, so that it can be asked again.
type lead struct {
	op       string
	incident int64
	other    int64 // another incident
	page     int64
	person   string
	to       string
	what     string
	level    alert.Severity
}

// someLead lets somebody do something to an incident.
func (w *world) someLead() {
	d := w.dice()
	numbers := slices.Sorted(maps.Keys(w.judge.incidents))
	if len(numbers) == 0 {
		return
	}
	c := lead{op: fmt.Sprintf("api/%x", w.top().id), incident: pick(d, numbers), other: pick(d, numbers), person: pick(d, w.company.people),
		to: pick(d, w.company.people), level: alert.Severity(1 + d.IntN(4))}
	if pages := w.judge.incidents[c.incident].Pages; len(pages) > 0 {
		c.page = pick(d, pages)
	}
	c.what = pick(d, []string{"call", "call", "merge", "merge", "move", "move", "split", "severity", "severity", "command", "note", "mitigate", "resolve", "confirm", "phase", "declare", "update", "update"})
	w.leads(c, 0)
}

// leads asks at any replica, again while it fails, and perhaps hours later once more.
func (w *world) leads(c lead, tries int) {
	l := w.door()
	d := w.dice()
	if l == nil || l.leads(c) != nil {
		if tries < 6 {
			w.after(d.between(200*time.Millisecond, 15*time.Second), "", nil, always, func() { w.leads(c, tries+1) })
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
				_ = l.leads(c)
			}
		})
	}
}

// leads makes the call at this replica.
func (l *life) leads(c lead) error {
	w := l.w
	w.count("lead: " + c.what)
	f := w.top()
	f.kind, f.life, f.group = "lead", l, ""
	f.rivals = append(f.rivals, func(by *life) { _ = by.leads(c) }, func(by *life) { by.pass() })
	w.rivalsOf(f, []int64{c.page})
	now, about := l.clock.Now(), fmt.Sprintf("incident/%d", c.incident)
	w.tell(about, "%s asks %s for %q of incident %d (other %d, page %d, to %s, %s; %s)", c.person, l.name, c.what, c.incident, c.other, c.page, c.to, c.level, c.op)
	var word incident.Answer
	err := l.do(func(ctx context.Context) (err error) {
		word, err = l.lead(ctx, c, now)
		return err
	})
	var refused *engine.Refusal
	if errors.As(err, &refused) {
		w.tell(about, "%s refuses %s (%s): %s", l.name, c.person, c.op, refused.Message)
		return nil
	}
	if err != nil {
		w.tell(about, "%s answers %s (%s): not recorded", l.name, c.person, c.op)
		return err
	}
	w.tally.note("lead: " + c.what + " " + string(word))
	w.tell(about, "%s answers %s (%s): %q", l.name, c.person, c.op, word)
	return nil
}

// lead is a switch over what can be asked.
func (l *life) lead(ctx context.Context, c lead, now time.Time) (word incident.Answer, err error) {
	by := page.Actor{Person: c.person, Channel: "api", Op: c.op}
	var ev incident.Event
	switch c.what {
	case "call":
		word, _, err = l.engine.CallIn(ctx, c.incident, "person:"+c.to, by, now)
		return word, err
	case "merge":
		return l.engine.Merge(ctx, max(c.incident, c.other), min(c.incident, c.other), by, now)
	case "move":
		return l.engine.Move(ctx, c.incident, c.page, c.other, by, now)
	case "split":
		return l.engine.Move(ctx, c.incident, c.page, 0, by, now)
	case "severity":
		return l.engine.SetIncidentSeverity(ctx, c.incident, c.level, by, now)
	case "command":
		return l.engine.Assign(ctx, c.incident, incident.RoleCommander, c.to, false, by, now)
	case "declare":
		_, word, err = l.engine.Declare(ctx, engine.Declaration{By: by, Severity: c.level, Service: "search", Summary: "somebody saw it"}, by.Op, now)
		return word, err
	case "update":
		_, _, err = l.engine.PostUpdate(ctx, c.incident, update.Post{By: c.person, State: update.Identified, To: update.Stakeholders, Text: c.op}, c.op, now)
		return "told", err
	case "mitigate":
		ev = incident.Mitigate{By: c.person, Channel: "api"}
	case "resolve":
		ev = incident.Resolve{By: c.person, Channel: "api"}
	case "confirm":
		ev = incident.Confirm{By: c.person, Channel: "api"}
	case "phase":
		ev = incident.SetPhase{By: c.person, Channel: "api", To: incident.PhaseInvestigation}
	default:
		ev = incident.Note{By: c.person, Channel: "api", Text: c.op}
	}
	return l.engine.Incident(ctx, c.incident, ev, by.Op, now)
}

// led checks what may become of an incident.
func (j *judge) led(c store.Change, prev, next incident.Incident) {
	name := fmt.Sprintf("incident/%d", next.Number)
	if prev.Status == incident.Merged && (next.Status != incident.Merged || next.MergedInto != prev.MergedInto) || next.MergedInto >= next.Number {
		j.w.fail(RuleLed, name, "it was merged into %d, and is %s into %d", prev.MergedInto, next.Status, next.MergedInto)
	}
	grave := prev.Severity == alert.SEV1 || prev.Severity == alert.SEV2
	for _, e := range c.Entries {
		if e.Object == name && grave && next.Status == incident.Resolved && prev.Status != incident.Resolved && e.Actor == "pagerd" {
			j.w.fail(RuleLed, name, "a grave incident is ended by a timer: %s", e.Text)
		}
	}
	for _, p := range next.Called {
		if f := j.pages[p.Page]; p.Page != 0 && p.Confirmed.IsZero() && p.Ended.IsZero() && f != nil && !f.page.Open() && c.Page == nil && len(next.Errands) == 0 {
			j.w.fail(RuleLed, name, "%s is called by page %d, which is over", p.Person, p.Page)
		}
	}
}

// settledIncident checks, when all is quiet, that nothing was left half done.
func (j *judge) settledIncident(in incident.Incident) {
	name := fmt.Sprintf("incident/%d", in.Number)
	if len(in.Errands) > 0 {
		j.w.fail(RuleLed, name, "an errand was never done: %+v", in.Errands)
	}
	for _, p := range in.Called {
		if waits := p.Confirmed.IsZero() && p.Ended.IsZero(); waits && in.Status != incident.Merged && (p.Page == 0 || !j.pages[p.Page].page.Open()) {
			j.w.fail(RuleLed, name, "%s was called and nothing rings them", p.Person)
		}
	}
	if in.Status == incident.Merged {
		if to := j.incidents[in.MergedInto]; !slices.Contains(to.MergedFrom, in.Number) && to.Status != incident.Merged {
			j.w.fail(RuleLed, name, "it was merged into incident %d, which does not know it", in.MergedInto)
		}
	}
	for _, n := range in.Pages {
		if f := j.pages[n]; f.page.Incident != 0 && j.now(f.page.Incident) != j.now(in.Number) && in.Status != incident.Merged {
			j.w.fail(RuleLed, name, "it has page %d, which belongs to incident %d", n, f.page.Incident)
		}
	}
}

// now is the incident that a number means after all merges.
func (j *judge) now(number int64) int64 {
	for j.incidents[number].Status == incident.Merged {
		number = j.incidents[number].MergedInto
	}
	return number
}
