package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"pagerd/gateway/api"
)

type actionCommand struct {
	List   actionList   `cmd:"" help:"List action items: the open ones, the overdue ones, or all."`
	Show   actionShow   `cmd:"" help:"Show an action item whole."`
	Add    actionAdd    `cmd:"" help:"Begin an action item of an incident."`
	Done   actionDone   `cmd:"" help:"Say that an action item is done."`
	Drop   actionDrop   `cmd:"" help:"Say that it will not be done, and why."`
	Change actionChange `cmd:"" help:"Change what an open action item says: whose it is, until when …"`
	Resend actionResend `cmd:"" help:"Tell the issue tracker again, where one is configured."`
}

type actionList struct {
	remote
	format
	All     bool   `help:"Done and dropped ones too."`
	Overdue bool   `help:"Only those that should have been done."`
	Owner   string `help:"Only this person's."`
}

func (c *actionList) Run(e *env) error {
	list, err := c.client().Actions(e.ctx, !c.All)
	if err != nil {
		return err
	}
	list.Actions = slices.DeleteFunc(list.Actions, func(a api.Action) bool {
		return c.Overdue && !a.Overdue || c.Owner != "" && a.Owner != c.Owner
	})
	return c.print(e.out, list, func(w io.Writer) {
		if len(list.Actions) == 0 {
			fmt.Fprintln(w, "no action items")
			return
		}
		showActions(w, list.Actions)
	})
}

type actionShow struct {
	remote
	format
	Number int64 `arg:"" help:"The action item's number."`
}

func (c *actionShow) Run(e *env) error {
	out, err := c.client().Action(e.ctx, c.Number)
	return c.toldAction(e, out, err)
}

func showActions(w io.Writer, list []api.Action) {
	rows := [][]string{{"ACTION", "STATE", "PRIO", "DUE", "OWNER", "INCIDENT", "WHAT"}}
	for _, a := range list {
		rows = append(rows, []string{strconv.FormatInt(a.Number, 10), actionState(a), string(a.Priority), a.Due, cut(a.Owner, 10), strconv.FormatInt(a.Incident, 10), safe(a.Title)})
	}
	table(w, rows)
	for _, a := range list {
		if a.Issue != "" {
			fmt.Fprintf(w, "%d is %s\n", a.Number, safe(a.Issue))
		}
	}
}

type actionChange struct {
	remote
	format
	Number    int64  `arg:"" help:"The action item's number."`
	Title     string `help:"What is to be done."`
	Owner     string `help:"Who does it."`
	Due       string `help:"Until when: 2026-04-30."`
	Priority  string `help:"P0, P1, P2 or P3."`
	Criterion string `help:"How everybody sees that it is done."`
}

func (c *actionChange) Run(e *env) error {
	out, err := c.client().ActionAct(e.ctx, c.Number, "change", api.Act{Title: c.Title, Owner: c.Owner, Due: c.Due, Priority: c.Priority, Criterion: c.Criterion})
	return c.toldAction(e, out, err)
}

type actionResend struct {
	remote
	format
	Number int64 `arg:"" help:"The action item's number."`
}

func (c *actionResend) Run(e *env) error {
	out, err := c.client().ActionAct(e.ctx, c.Number, "resend", api.Act{})
	return c.toldAction(e, out, err)
}

type actionAdd struct {
	remote
	format
	Incident  int64    `arg:"" help:"The incident's number."`
	Title     []string `arg:"" help:"What is to be done."`
	Owner     string   `help:"Who does it."`
	Due       string   `help:"Until when: 2026-04-30."`
	Priority  string   `help:"P0, P1, P2 or P3."`
	Criterion string   `help:"How everybody sees that it is done."`
}

func (c *actionAdd) Run(e *env) error {
	out, err := c.client().OpenAction(e.ctx, api.Act{Incident: c.Incident, Title: strings.Join(c.Title, " "), Owner: c.Owner, Due: c.Due, Priority: c.Priority, Criterion: c.Criterion})
	return c.toldAction(e, out, err)
}

// toldAction shows how an action item stands.
func (f format) toldAction(e *env, out api.ActionList, err error) error {
	if err != nil {
		return err
	}
	return f.print(e.out, out, func(w io.Writer) {
		for _, a := range out.Actions {
			showAction(w, a)
		}
	})
}

func showAction(w io.Writer, a api.Action) {
	fmt.Fprintf(w, "action item %d of incident %d: %s\n%s\n\n", a.Number, a.Incident, actionState(a), safe(a.Title))
	rows := [][]string{{"owner", safe(a.Owner)}, {"due", a.Due}, {"priority", string(a.Priority)}, {"done when", safe(a.Criterion)}}
	if !a.EndedAt.IsZero() {
		rows = append(rows, []string{"ended", safe(a.EndedBy) + " " + stamp(a.EndedAt)})
	}
	if a.Reason != "" {
		rows = append(rows, []string{"reason", safe(a.Reason)})
	}
	if a.Issue != "" {
		rows = append(rows, []string{"issue", safe(a.Issue)})
	}
	pairs(w, rows)
}

// actionState is an item's state, or that it is late.
func actionState(a api.Action) string {
	if a.Overdue {
		return "OVERDUE"
	}
	return string(a.State)
}

type actionDone struct {
	remote
	format
	Number int64 `arg:"" help:"The action item's number."`
}

func (c *actionDone) Run(e *env) error {
	out, err := c.client().ActionAct(e.ctx, c.Number, "done", api.Act{})
	return c.toldAction(e, out, err)
}

type actionDrop struct {
	remote
	format
	Number int64    `arg:"" help:"The action item's number."`
	Reason []string `arg:"" help:"Why it will not be done."`
}

func (c *actionDrop) Run(e *env) error {
	out, err := c.client().ActionAct(e.ctx, c.Number, "drop", api.Act{Reason: strings.Join(c.Reason, " ")})
	return c.toldAction(e, out, err)
}
