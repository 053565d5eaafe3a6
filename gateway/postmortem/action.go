package postmortem

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pagerd/gateway/timeline"
	"pagerd/schedule"
)

// Priority is how much an action item matters.
type Priority string

// The priorities. P0 is done before anything else.
const (
	P0 Priority = "P0"
	P1 Priority = "P1"
	P2 Priority = "P2"
	P3 Priority = "P3"
)

// Item is what an action item must say: all four of owner, due date, priority and success criterion, besides what is to be done.
type Item struct {
	Title     string        `json:"title"`
	Owner     string        `json:"owner"`
	Due       schedule.Date `json:"due"` // the end of this day, where the reports' days end
	Priority  Priority      `json:"priority"`
	Criterion string        `json:"criterion"` // how everybody can see that it is done
}

// ParseItem reads an item as people write it; missing says, in words, what it lacks.
func ParseItem(title, owner, due, priority, criterion string) (it Item, missing []string) {
	it = Item{Title: strings.TrimSpace(title), Owner: strings.TrimSpace(owner), Priority: Priority(strings.ToUpper(strings.TrimSpace(priority))),
		Criterion: strings.TrimSpace(criterion)}
	if it.Title == "" {
		missing = append(missing, "what is to be done is missing")
	}
	if it.Owner == "" {
		missing = append(missing, "the owner is missing")
	}
	due = strings.TrimSpace(due)
	d, err := schedule.ParseDate(due)
	switch {
	case due == "":
		missing = append(missing, "the due date is missing, e.g. 2026-04-30")
	case err != nil:
		missing = append(missing, fmt.Sprintf("the due date is %q and not a day like 2026-04-30", due))
	}
	it.Due = d
	switch {
	case it.Priority == "":
		missing = append(missing, "the priority is missing: P0, P1, P2 or P3")
	case !slices.Contains([]Priority{P0, P1, P2, P3}, it.Priority):
		missing = append(missing, fmt.Sprintf("the priority is %q and not P0, P1, P2 or P3", it.Priority))
	}
	if it.Criterion == "" {
		missing = append(missing, "the success criterion is missing: how will everybody see that it is done?")
	}
	return it, missing
}

// ActionState is where an action item is.
type ActionState string

// The states.
const (
	ActionOpen    ActionState = "open"
	ActionDone    ActionState = "done"
	ActionDropped ActionState = "dropped" // with a reason
)

// Action is an action item; all instants are UTC.
type Action struct {
	Format   int         `json:"format"`
	Number   int64       `json:"number"`
	Incident int64       `json:"incident"`
	Service  string      `json:"service,omitempty"`
	Cause    string      `json:"root_cause,omitempty"` // of the incident's postmortem: what comes again shows what was left undone
	State    ActionState `json:"state"`
	Item
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Op      string    `json:"op,omitempty"` // the operation that opened it: the same request, sent again, finds it
	EndedBy string    `json:"ended_by,omitempty"`
	EndedAt time.Time `json:"ended_at,omitzero"`
	Reason  string    `json:"reason,omitempty"` // why it was dropped
	Nags    int       `json:"nags,omitempty"`   // times that it was asked for
	NagDue  time.Time `json:"nag_due,omitzero"` // when it is asked for next
	Sends   int       `json:"sends,omitempty"`  // messages so far; set by the engine
	// Revision counts what people said of it, and not how often it was asked for: 1 = as it was opened. 0 = not counted yet.
	Revision int    `json:"revision,omitempty"`
	Issue    string `json:"issue,omitempty"` // what the issue tracker calls it: an address or an id. Foreign text
}

// OverdueAt reports whether it should have been done by now. zone is where its day ends.
func (a Action) OverdueAt(now time.Time, zone *time.Location) bool {
	return a.State == ActionOpen && !now.Before(schedule.Instant(a.Due.Add(1), schedule.Clock{}, zone))
}

// ActionEvent is something that happens to an action item. The set is closed.
type ActionEvent interface{ actionEvent() }

// Open begins an item. Zone is where its day is.
type Open struct {
	Number, Incident   int64
	Service, Cause, By string
	Op                 string
	Item               Item
	Zone               *time.Location
}

// Done says that its criterion is met.
type Done struct{ By string }

// Drop says that it will not be done, and why.
type Drop struct{ By, Reason string }

// Change replaces what it says.
type Change struct {
	By   string
	Item Item
	Zone *time.Location
}

// Resend says that the issue tracker shall be told again.
type Resend struct{ By string }

// Tracked says what the issue tracker calls it.
type Tracked struct{ Issue string }

// ActionDue says that the clock reached NagDue.
type ActionDue struct{}

func (Open) actionEvent()   {}
func (Done) actionEvent()   {}
func (Drop) actionEvent()   {}
func (Change) actionEvent() {}

func (Resend) actionEvent()  {}
func (Tracked) actionEvent() {}

func (ActionDue) actionEvent() {}

// firstAsk is when on its day an item is asked for.
func firstAsk(d schedule.Date, zone *time.Location) time.Time {
	return schedule.Instant(d, schedule.Clock{Hour: 9}, zone)
}

// An item is asked for on its day, on the day after, and then every week.
const (
	askNextDay = 24 * time.Hour
	askWeekly  = 7 * 24 * time.Hour
)

// ActionEffects are what a transition asks for.
type ActionEffects struct {
	Changed bool
	Entry   timeline.Entry // empty What = none
	Nag     Nag            // the owner on its day, from the second week on the manager too
	Answer  Answer
}

// The answers about action items, besides [AnswerUnchanged] and [AnswerRefused].
const (
	AnswerOpened  Answer = "opened"
	AnswerDone    Answer = "done"
	AnswerDropped Answer = "dropped"
	AnswerChanged Answer = "changed"
	AnswerResent  Answer = "resent"
)

// NextAction is the only way to change an action item.
func NextAction(a Action, ev ActionEvent, now time.Time) (Action, ActionEffects) {
	var fx ActionEffects
	tell := func(by, what string, answer Answer, format string, args ...any) {
		fx = ActionEffects{Changed: true, Answer: answer, Entry: timeline.Entry{Actor: by, What: what, Text: fmt.Sprintf(format, args...),
			Facts: map[string]string{"state": string(a.State), "owner": a.Owner, "due": a.Due.String(), "priority": string(a.Priority)}}}
	}
	before := a.Revision
	switch ev := ev.(type) {
	case Open:
		if a.State != "" {
			fx.Answer = AnswerUnchanged
			break
		}
		a = Action{Format: Format, Number: ev.Number, Incident: ev.Incident, Service: ev.Service, Cause: ev.Cause, State: ActionOpen, Item: ev.Item, By: ev.By, At: now, Op: ev.Op,
			NagDue: firstAsk(ev.Item.Due, ev.Zone)}
		tell(ev.By, "opened", AnswerOpened, "%s (%s, %s by %s).", a.Title, a.Priority, a.Owner, a.Due)
	case Done:
		if a.State != ActionOpen {
			fx.Answer = ended(a, ActionDone)
			break
		}
		a.State, a.EndedBy, a.EndedAt, a.NagDue = ActionDone, ev.By, now, time.Time{}
		tell(ev.By, "done", AnswerDone, "%s says that it is done: %s", ev.By, a.Criterion)
	case Drop:
		if a.State != ActionOpen || strings.TrimSpace(ev.Reason) == "" {
			fx.Answer = ended(a, ActionDropped)
			break
		}
		a.State, a.EndedBy, a.EndedAt, a.Reason, a.NagDue = ActionDropped, ev.By, now, ev.Reason, time.Time{}
		tell(ev.By, "dropped", AnswerDropped, "%s drops it: %s", ev.By, ev.Reason)
	case Change:
		if a.State != ActionOpen {
			fx.Answer = AnswerRefused
			break
		}
		if a.Item == ev.Item {
			fx.Answer = AnswerUnchanged
			break
		}
		if a.Due != ev.Item.Due {
			a.Nags, a.NagDue = 0, firstAsk(ev.Item.Due, ev.Zone)
		}
		a.Item = ev.Item
		tell(ev.By, "changed", AnswerChanged, "%s (%s, %s by %s).", a.Title, a.Priority, a.Owner, a.Due)
	case Resend:
		tell(ev.By, "resent", AnswerResent, "%s has the issue tracker told again.", ev.By)
	case Tracked:
		if ev.Issue == "" || a.Issue == ev.Issue {
			break
		}
		a.Issue = ev.Issue
		fx = ActionEffects{Changed: true, Entry: timeline.Entry{Actor: "tracker", What: "tracked", Text: a.Issue}}
	case ActionDue:
		if a.State != ActionOpen || a.NagDue.IsZero() || a.NagDue.After(now) {
			break
		}
		a.Nags++
		a.NagDue = now.Add(askWeekly)
		if a.Nags == 1 {
			a.NagDue = now.Add(askNextDay)
		}
		tell("pagerd", "reminded", "", "It was to be done by %s.", a.Due)
		fx.Nag = NagOwner
		if a.Nags > 2 {
			fx.Nag = NagManager
		}
	}
	if fx.Answer != "" && fx.Changed { // what people do
		a.Revision = before + 1
	}
	return a, fx
}

// ended is the answer to an end that came too late.
func ended(a Action, to ActionState) Answer {
	if a.State == to {
		return AnswerUnchanged
	}
	return AnswerRefused
}
