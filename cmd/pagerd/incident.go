package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"pagerd/gateway/api"
)

type incidentCommand struct {
	List       incidentList       `cmd:"" help:"List incidents: the open ones, or all of them."`
	Show       incidentShow       `cmd:"" help:"Show an incident with its timeline."`
	Severities incidentSeverities `cmd:"" help:"Say what the severities mean, before you declare."`
	Declare    incidentDeclare    `cmd:"" help:"Begin an incident without an alert; you lead it."`
	Confirm    incidentConfirm    `cmd:"" help:"Say that a candidate was an incident; you lead it."`
	Dismiss    incidentDismiss    `cmd:"" help:"Say that a candidate was no incident, and why."`
	Severity   incidentSeverity   `cmd:"" help:"Say how bad an incident is; that ends its triage."`
	Phase      incidentPhase      `cmd:"" help:"Say how far the work is."`
	Note       incidentNote       `cmd:"" help:"Write into an incident's timeline."`
	Describe   incidentDescribe   `cmd:"" help:"Say what is known: impact, root cause, customers' data, security."`
	Assign     incidentAssign     `cmd:"" help:"Give a role to somebody, or take it from them."`
	Call       incidentCall       `cmd:"" help:"Ring people into an open incident."`
	Merge      incidentMerge      `cmd:"" help:"Say that an incident is the same as an older one."`
	Move       incidentMove       `cmd:"" help:"Move a page to another incident, or make it one of its own."`
	Mitigate   incidentMitigate   `cmd:"" help:"Say that users are well again."`
	Resolve    incidentResolve    `cmd:"" help:"Close an incident."`
	Update     incidentUpdate     `cmd:"" help:"Record what others are told, and when they hear next."`
	Checklist  incidentChecklist  `cmd:"" help:"Show what must not be forgotten, or tick it."`
	Import     incidentImport     `cmd:"" help:"Write chat or call highlights into the timeline, with their own times."`
}

type incidentList struct {
	remote
	format
	All   bool `help:"Closed ones too, newest first."`
	Limit int  `help:"At most so many." default:"100"`
}

func (c *incidentList) Run(e *env) error {
	list, err := c.client().Incidents(e.ctx, !c.All, 0, c.Limit)
	if err != nil {
		return err
	}
	if list.Damaged != "" {
		fmt.Fprintf(e.err, "pagerd: cannot be read: %s\n", safe(list.Damaged))
	}
	return c.print(e.out, list, func(w io.Writer) {
		if len(list.Incidents) == 0 {
			fmt.Fprintln(w, "no open incidents")
			return
		}
		if !c.All {
			slices.Reverse(list.Incidents)
		}
		rows := [][]string{{"INCIDENT", "SEVERITY", "STATUS", "AGE", "COMMANDER", "SERVICE", "SUMMARY"}}
		for _, in := range list.Incidents {
			rows = append(rows, []string{strconv.FormatInt(in.Number, 10), in.Severity.String(), string(in.Status), age(e.now(), in.DetectedAt),
				or(cut(in.Commander, 10)), cut(safe(in.Service), 14), safe(in.Summary)})
		}
		table(w, rows)
	})
}

type incidentShow struct {
	remote
	format
	Number int64 `arg:"" help:"The incident's number."`
}

func (c *incidentShow) Run(e *env) error {
	d, err := c.client().Incident(e.ctx, c.Number)
	if err != nil {
		return err
	}
	var list api.Checklist
	if !c.JSON {
		if list, err = c.client().Checklist(e.ctx, c.Number); err != nil { // who asks at night gets the rest all the same
			fmt.Fprintf(e.err, "pagerd: the checklist cannot be read: %s\n", safe(err.Error()))
		}
	}
	return c.print(e.out, d, func(w io.Writer) {
		in := d.Incident
		fmt.Fprintf(w, "%s %s incident %d\n%s\n\n", in.Severity, safe(in.Service), in.Number, safe(in.Summary))
		rows := [][]string{{"status", string(in.Status)}, {"commander", or(in.Commander)}, {"detected", stamp(in.DetectedAt)}}
		if !in.AcknowledgedAt.IsZero() {
			rows = append(rows, []string{"acknowledged", stamp(in.AcknowledgedAt)})
		}
		if !in.MitigatedAt.IsZero() {
			rows = append(rows, []string{"mitigated", stamp(in.MitigatedAt)})
		}
		if !in.ResolvedAt.IsZero() {
			rows = append(rows, []string{"resolved", stamp(in.ResolvedAt)})
		}
		if in.Dismissal != "" {
			rows = append(rows, []string{"dismissed", safe(in.Dismissal)})
		}
		rows = append(rows, standing(in)...)
		if len(list.Items) > 0 {
			rows = append(rows, []string{"checklist", ticked(list)})
		}
		var pages []string
		for _, n := range in.Pages {
			pages = append(pages, strconv.FormatInt(n, 10))
		}
		pairs(w, append(rows, []string{"pages", strings.Join(pages, ", ")}))
		showTimeline(w, d.Timeline)
	})
}

type incidentMitigate struct {
	remote
	format
	Number int64 `arg:"" help:"The incident's number."`
}

func (c *incidentMitigate) Run(e *env) error {
	out, err := c.client().Mitigate(e.ctx, c.Number)
	return c.toldIncident(e, out, err)
}

type incidentResolve struct {
	remote
	format
	Number int64 `arg:"" help:"The incident's number."`
}

func (c *incidentResolve) Run(e *env) error {
	out, err := c.client().ResolveIncident(e.ctx, c.Number)
	return c.toldIncident(e, out, err)
}

type incidentDismiss struct {
	remote
	format
	Number int64    `arg:"" help:"The incident's number."`
	Reason []string `arg:"" help:"Why it was none."`
}

func (c *incidentDismiss) Run(e *env) error {
	out, err := c.client().Dismiss(e.ctx, c.Number, strings.Join(c.Reason, " "))
	return c.toldIncident(e, out, err)
}

// toldIncident prints what an act came to.
func (f format) toldIncident(e *env, out api.IncidentOutcome, err error) error {
	if err != nil {
		return err
	}
	return f.print(e.out, out, func(w io.Writer) {
		fmt.Fprintf(w, "incident %d %s", out.Incident.Number, strings.ReplaceAll(out.Code, "_", " "))
		if len(out.Called) > 0 {
			fmt.Fprintf(w, ": %s", safe(strings.Join(out.Called, ", ")))
		}
		fmt.Fprintln(w)
	})
}
