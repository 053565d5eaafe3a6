package main

import (
	"fmt"
	"io"
	"strings"

	"pagerd/gateway/api"
	"pagerd/gateway/checklist"
)

type incidentChecklist struct {
	remote
	format
	Number int64  `arg:"" help:"The incident's number."`
	Item   string `arg:"" optional:"" help:"Tick this item."`
	Off    bool   `help:"Take the tick back."`
}

func (c *incidentChecklist) Run(e *env) error {
	if c.Item == "" {
		if c.Off {
			return &misuse{"--off needs an item", "pagerd incident checklist 1042 runbook --off"}
		}
		list, err := c.client().Checklist(e.ctx, c.Number)
		if err != nil {
			return err
		}
		return c.print(e.out, list, func(w io.Writer) { showChecklist(w, c.Number, list) })
	}
	list, err := c.client().Tick(e.ctx, c.Number, c.Item, c.Off)
	if err != nil {
		return err
	}
	return c.print(e.out, list, func(w io.Writer) {
		fmt.Fprintf(w, "%s %s: %s\n", safe(c.Item), list.Code, ticked(list))
	})
}

// showChecklist prints the lists one after the other.
func showChecklist(w io.Writer, number int64, list api.Checklist) {
	if len(list.Items) == 0 {
		fmt.Fprintln(w, "it has no checklist: it is not an incident, or no more")
		return
	}
	var of checklist.List
	for _, l := range list.Items {
		if l.List != of {
			if of != "" {
				fmt.Fprintln(w)
			}
			of = l.List
			fmt.Fprintln(w, strings.ToUpper(string(of)))
		}
		box := "[ ]"
		if l.Done {
			box = "[x]"
		}
		text, how := command(l.Text, number)
		fmt.Fprintf(w, "%s %-16s %s%s\n", box, l.ID, text, doneBy(l))
		if how != "" && !l.Done {
			fmt.Fprintf(w, "%21s%s\n", "", how)
		}
	}
}

// doneBy says who did an item and when, as far as that is known.
func doneBy(l checklist.Line) string {
	switch {
	case !l.Done && l.Known:
		return " (ticks itself)"
	case !l.Done || l.By == "" && l.At.IsZero():
		return ""
	case l.At.IsZero():
		return "; " + safe(l.By)
	case l.By == "":
		return "; " + stamp(l.At)
	}
	return fmt.Sprintf("; %s %s", safe(l.By), stamp(l.At))
}

// ticked is the checklist in one line.
func ticked(list api.Checklist) string {
	open := checklist.Open(list.Items, checklist.Lists()...)
	text := fmt.Sprintf("%d of %d done", len(list.Items)-len(open), len(list.Items))
	if len(open) > 0 {
		text += "; open: " + strings.Join(checklist.IDs(open), ", ")
	}
	return text
}

// command takes the command out of an item's text, "… (pagerd incident describe --impact-at)", and puts the incident's number
// into it; how is empty where there is none.
func command(item string, number int64) (text, how string) {
	text, rest, ok := strings.Cut(item, " (pagerd ")
	words := strings.Fields(strings.TrimSuffix(rest, ")"))
	if !ok || len(words) < 2 {
		return item, ""
	}
	return text, strings.Join(append([]string{"pagerd", words[0], words[1], fmt.Sprint(number)}, words[2:]...), " ")
}
