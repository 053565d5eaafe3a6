package scenario

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
)

// look is a switch over the closed set of expectations.
func (w *world) look(ctx context.Context, a action) error {
	switch a := a.(type) {
	case printDay:
		if w.story.live == nil {
			for _, line := range w.story.lines {
				fmt.Fprintln(w.out, line)
			}
		}
		return nil
	case expectMessage:
		return w.lookMessage(a)
	case expectNothing:
		for _, l := range w.inbox {
			if !l.consumed {
				return mismatched("nothing more "+w.window(), "%s %s", l.at.In(w.zone).Format("15:04:05"), l)
			}
		}
		return nil
	case expectReply:
		return w.lookReply(a)
	case expectPage:
		return w.lookPage(ctx, a)
	case expectIncident:
		return w.lookIncident(ctx, a)
	case expectOncall:
		who := w.cfg.Book.OnCall(a.rotation.text, w.now)
		if who == "" {
			who = "nobody"
		}
		if who != a.person.text {
			return mismatched(a.person.text+" on call for "+a.rotation.text, "%s is", who)
		}
		return nil
	case expectTimeline:
		return w.lookTimeline(ctx, a)
	case expectPostmortem:
		return w.lookPostmortem(ctx, a)
	}
	return fmt.Errorf("cannot look for a %T", a)
}

// window says what an expectation looked at.
func (w *world) window() string {
	if w.since == 0 {
		return "so far"
	}
	return fmt.Sprintf("since line %d", w.since)
}

// lookMessage takes the first message that fits; one message meets one expectation.
func (w *world) lookMessage(e expectMessage) error {
	want := channelWord(e.channel)
	if e.person.text != "" {
		want += " to " + e.person.text
	}
	for _, f := range e.fragments {
		want += fmt.Sprintf(" with %q", f)
	}
	if e.at != nil {
		want += " at " + e.at.String()
	}
	want += " " + w.window()
	var others []string
	for _, l := range w.inbox {
		if l.consumed {
			continue
		}
		at := l.at.In(w.zone)
		if l.channel != e.channel || e.person.text != "" && l.person != e.person.text || !l.matches(e.fragments) || e.at != nil && !e.at.shows(at) {
			others = append(others, at.Format("15:04:05 ")+l.String())
			continue
		}
		if e.no {
			return mismatched("no "+want, "%s %s", at.Format("15:04:05"), l)
		}
		l.consumed = true
		return nil
	}
	if e.no {
		return nil
	}
	if len(others) == 0 {
		others = []string{"nothing was sent"}
	}
	return mismatched(want, "%s", strings.Join(others, "\n"))
}

func (w *world) lookReply(e expectReply) error {
	switch {
	case !w.answered:
		return mismatched("an answer to a person", "no person has done anything yet")
	case e.no && w.answer != "":
		return mismatched("no answer", "%q", w.answer)
	case !e.no && !contains(w.answer, e.fragments):
		return mismatched(fmt.Sprintf("an answer with %q", e.fragments), "%q", w.answer)
	}
	return nil
}

// page returns a page by number, or the newest; ok is false when there is none.
func (w *world) page(ctx context.Context, number int64) (p page.Page, ok bool, err error) {
	if number != 0 {
		p, err = w.store.Page(ctx, number)
		if errors.Is(err, store.ErrNotFound) {
			return p, false, nil
		}
		return p, err == nil, err
	}
	newest, err := w.store.Pages(ctx, store.Filter{Limit: 1})
	if err != nil || len(newest) == 0 {
		return p, false, err
	}
	return newest[0], true, nil
}

func (w *world) lookPage(ctx context.Context, e expectPage) error {
	if e.no && e.number == 0 {
		open, err := w.store.Pages(ctx, store.Filter{Open: true, Limit: 1})
		if err == nil && len(open) > 0 {
			return mismatched("no open page", "page %d is %s", open[0].Number, open[0].Status)
		}
		return err
	}
	p, ok, err := w.page(ctx, e.number)
	switch {
	case err != nil:
		return err
	case e.no && ok:
		return mismatched(fmt.Sprintf("no page %d", e.number), "it is %s", p.Status)
	case e.no:
		return nil
	case !ok && e.number != 0:
		return mismatched(fmt.Sprintf("a page %d", e.number), "there is none")
	case !ok:
		return mismatched("a page", "there is none")
	}
	name := fmt.Sprintf("page %d", p.Number)
	by := p.Acker
	if p.Status == page.Resolved {
		by = p.ResolvedBy
	}
	switch {
	case e.status != "" && p.Status != e.status:
		return mismatched(name+" "+string(e.status), "it is %s", p.Status)
	case e.by.text != "" && by != e.by.text:
		return mismatched(fmt.Sprintf("%s %s by %s", name, p.Status, e.by.text), "it is by %q", by)
	case e.round != 0 && p.Round != e.round:
		return mismatched(fmt.Sprintf("%s in round %d", name, e.round), "it is round %d", p.Round)
	case e.step != 0 && p.Step != e.step:
		return mismatched(fmt.Sprintf("%s at step %d", name, e.step), "it is step %d", p.Step)
	case e.firing != nil && p.Firing != *e.firing:
		return mismatched(fmt.Sprintf("%s with %d firing alerts", name, *e.firing), "%d fire", p.Firing)
	case e.severity != 0 && p.Severity != e.severity:
		return mismatched(fmt.Sprintf("%s to be %s", name, e.severity), "it is %s", p.Severity)
	}
	return nil
}

func (w *world) lookIncident(ctx context.Context, e expectIncident) error {
	var in incident.Incident
	var err error
	found := false
	if e.number != 0 {
		in, err = w.store.Incident(ctx, e.number)
		found = err == nil
		if errors.Is(err, store.ErrNotFound) {
			err = nil
		}
	} else {
		var newest []incident.Incident
		if newest, err = w.store.Incidents(ctx, store.Filter{Limit: 1}); len(newest) > 0 {
			in, found = newest[0], true
		}
	}
	name := fmt.Sprintf("incident %d", in.Number)
	switch {
	case err != nil:
		return err
	case e.no && found:
		return mismatched("no incident", "%s is %s", name, in.Status)
	case e.no:
		return nil
	case !found && e.number != 0:
		return mismatched(fmt.Sprintf("an incident %d", e.number), "there is none")
	case !found:
		return mismatched("an incident", "there is none")
	case e.status != "" && in.Status != e.status:
		return mismatched(name+" "+string(e.status), "it is %s", in.Status)
	case e.commander.text != "" && in.Commander != e.commander.text:
		return mismatched(name+" under "+e.commander.text, "its commander is %q", in.Commander)
	case e.severity != 0 && in.Severity != e.severity:
		return mismatched(fmt.Sprintf("%s to be %s", name, e.severity), "it is %s", in.Severity)
	case e.phase != "" && in.Phase() != e.phase:
		return mismatched(fmt.Sprintf("%s in phase %s", name, e.phase), "it is in phase %s", in.Phase())
	}
	return nil
}

// lookTimeline requires an entry of the page, or of the incident with its number, that holds every fragment, in its words, its sentence or its facts.
func (w *world) lookTimeline(ctx context.Context, e expectTimeline) error {
	p, ok, err := w.page(ctx, e.number)
	if err != nil {
		return err
	}
	if !ok {
		return mismatched("a timeline", "there is no such page")
	}
	entries, err := w.store.Timeline(ctx, fmt.Sprintf("page/%d", p.Number))
	if err != nil {
		return fmt.Errorf("read the timeline: %w", err)
	}
	more, err := w.store.Timeline(ctx, fmt.Sprintf("incident/%d", p.Number))
	if err != nil {
		return fmt.Errorf("read the timeline: %w", err)
	}
	entries = append(entries, more...)
	var all []string
	for _, entry := range entries {
		line := strings.Join([]string{entry.Actor, entry.What, entry.Reason, entry.Text}, " ")
		for k, v := range entry.Facts {
			line += " " + k + "=" + v
		}
		if contains(line, e.fragments) {
			return nil
		}
		all = append(all, fmt.Sprintf("%s %s (%s) %s", entry.At.In(w.zone).Format("15:04:05"), entry.What, entry.Reason, entry.Text))
	}
	return mismatched(fmt.Sprintf("an entry of page %d with %q", p.Number, e.fragments), "%s", strings.Join(all, "\n"))
}
