package scenario

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"pagerd/gateway/engine"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/postmortem"
	"pagerd/gateway/update"
	"pagerd/schedule"
)

// learns reports whether a verb is about what is learned from an incident.
func learns(verb string) bool {
	return slices.Contains([]string{"write", "review", "publish", "waive", "done", "tell"}, verb)
}

// runLearn is what a person does to a postmortem or an action item.
func (w *world) runLearn(ctx context.Context, a runs, by page.Actor) (string, error) {
	var ev postmortem.Event
	switch a.verb {
	case "done":
		_, answer, err := w.engine.Action(ctx, a.number, postmortem.Done{By: by.Person}, "", w.now)
		return string(answer), err
	case "tell":
		return w.tellOthers(ctx, a, by)
	case "write":
		p, err := w.engine.LoadPostmortem(ctx, a.number)
		if err != nil {
			return "", err
		}
		ev = postmortem.Edit{By: by.Person, Base: p.Revision, Text: w.written(p.Text, by.Person, a.text)}
	case "review":
		ev = postmortem.Submit{By: by.Person}
	case "waive":
		ev = postmortem.Waive{By: by.Person, Reason: a.text}
	default:
		ev = postmortem.Publish{By: by.Person}
	}
	_, fx, err := w.engine.Postmortem(ctx, a.number, ev, by, w.now)
	return strings.Join(append([]string{string(fx.Answer)}, fx.Problems...), "; "), err
}

// tellOthers is an update to the stakeholders, in the state that the incident is in.
func (w *world) tellOthers(ctx context.Context, a runs, by page.Actor) (string, error) {
	_, in, err := w.engine.Updates(ctx, a.number)
	if err != nil {
		return "", err
	}
	state := update.Identified
	switch in.Status {
	case incident.Mitigated:
		state = update.Monitoring
	case incident.Resolved:
		state = update.Resolved
	}
	_, _, err = w.engine.PostUpdate(ctx, a.number, update.Post{By: by.Person, State: state, To: update.Stakeholders, Text: a.text}, "", w.now)
	return "told: " + string(state), err
}

// written is a draft as somebody leaves it who answers every question: the cause, and an action item of their own.
func (w *world) written(text, person, cause string) string {
	var out []string
	section := ""
	for _, line := range strings.Split(text, "\n") {
		if title, ok := strings.CutPrefix(line, "## "); ok {
			section = title
		}
		switch {
		case strings.HasPrefix(line, "> **?**") && section == postmortem.SectionCause:
			line = postmortem.Quote(cause)
		case strings.HasPrefix(line, "> **?**"):
			line = "Answered by " + person + "."
		case strings.HasPrefix(line, "|  |  |"):
			y, m, d := w.now.In(w.zone).Date()
			due := schedule.Date{Year: y, Month: m, Day: d}.Add(14)
			line = fmt.Sprintf("|  | Mend it for good | %s | %s | P1 | It does not come again for a quarter |", person, due)
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

// expectPostmortem reads N [STATE] [owner NAME] [overdue].
func (p *parser) expectPostmortem(no bool) (action, error) {
	n, ok := p.number()
	if !ok {
		return nil, p.unexpected("the incident's number")
	}
	e := expectPostmortem{no: no, number: n}
	for !no && p.more() {
		w, err := p.one("draft", "in_review", "published", "waived", "owner", "overdue")
		if err != nil {
			return nil, err
		}
		switch w {
		case "owner":
			if e.owner, err = p.name("a person"); err != nil {
				return nil, err
			}
		case "overdue":
			e.overdue = true
		default:
			e.state = postmortem.State(w)
		}
	}
	return e, nil
}

func (w *world) lookPostmortem(ctx context.Context, e expectPostmortem) error {
	p, err := w.engine.LoadPostmortem(ctx, e.number)
	var none *engine.Refusal
	name := fmt.Sprintf("postmortem %d", e.number)
	switch {
	case errors.As(err, &none) && e.no:
		return nil
	case errors.As(err, &none):
		return mismatched("a "+name, "there is none")
	case err != nil:
		return err
	case e.no:
		return mismatched("no "+name, "it is %s", p.State)
	case e.state != "" && p.State != e.state:
		return mismatched(name+" "+string(e.state), "it is %s", p.State)
	case e.owner.text != "" && p.Owner != e.owner.text:
		return mismatched(name+" of "+e.owner.text, "its owner is %q", p.Owner)
	case e.overdue && (!p.Open() || !w.now.After(p.Deadline)):
		return mismatched(name+" to be overdue", "its deadline is %s and it is %s", p.Deadline.In(w.zone).Format("2006-01-02 15:04"), p.State)
	}
	return nil
}
