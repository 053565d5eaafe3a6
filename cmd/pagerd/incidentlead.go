package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/api"
	"pagerd/gateway/incident"
)

type incidentConfirm struct {
	remote
	format
	Number int64 `arg:"" help:"The incident's number."`
}

func (c *incidentConfirm) Run(e *env) error {
	out, err := c.client().IncidentAct(e.ctx, c.Number, "confirm", api.Act{})
	return c.toldIncident(e, out, err)
}

type incidentSeverity struct {
	remote
	format
	Number   int64  `arg:"" help:"The incident's number."`
	Severity string `arg:"" help:"SEV-1 … SEV-4; the same as before confirms it."`
}

func (c *incidentSeverity) Run(e *env) error {
	to, err := alert.ParseSeverity(c.Severity)
	if err != nil {
		return &misuse{err.Error(), "pagerd incident severities says what they mean"}
	}
	out, err := c.client().IncidentAct(e.ctx, c.Number, "severity", api.Act{Severity: to})
	return c.toldIncident(e, out, err)
}

type incidentPhase struct {
	remote
	format
	Number int64  `arg:"" help:"The incident's number."`
	Phase  string `arg:"" help:"triage, investigation, mitigation, recovery, resolved or postmortem." enum:"triage,investigation,mitigation,recovery,resolved,postmortem"`
}

func (c *incidentPhase) Run(e *env) error {
	out, err := c.client().IncidentAct(e.ctx, c.Number, "phase", api.Act{Phase: incident.Phase(c.Phase)})
	return c.toldIncident(e, out, err)
}

type incidentNote struct {
	remote
	format
	Number int64     `arg:"" help:"The incident's number."`
	Text   []string  `arg:"" help:"What to write."`
	At     time.Time `help:"When it happened, if not now: 2026-03-28T03:05:00Z."`
}

func (c *incidentNote) Run(e *env) error {
	out, err := c.client().IncidentAct(e.ctx, c.Number, "note", api.Act{Text: strings.Join(c.Text, " "), At: c.At})
	return c.toldIncident(e, out, err)
}

type incidentDescribe struct {
	remote
	format
	Number       int64     `arg:"" help:"The incident's number."`
	ImpactAt     time.Time `help:"Users suffer since: 2026-03-28T02:50:00Z."`
	Summary      string    `help:"One better sentence."`
	RootCause    string    `help:"What caused it; ends the investigation."`
	Contributing string    `help:"One more contributing factor."`
	CustomerData *bool     `help:"Customers' data was touched." negatable:""`
	Security     *bool     `help:"It is a matter of security." negatable:""`
}

func (c *incidentDescribe) Run(e *env) error {
	out, err := c.client().IncidentAct(e.ctx, c.Number, "describe", api.Act{ImpactAt: c.ImpactAt, Summary: c.Summary, RootCause: c.RootCause,
		Contributing: c.Contributing, CustomerData: c.CustomerData, Security: c.Security})
	return c.toldIncident(e, out, err)
}

type incidentAssign struct {
	remote
	format
	Number int64  `arg:"" help:"The incident's number."`
	Role   string `arg:"" help:"commander, communications, scribe or expert." enum:"commander,communications,scribe,expert"`
	Person string `arg:"" help:"Who; me is you."`
	Off    bool   `help:"Take the role from them."`
}

func (c *incidentAssign) Run(e *env) error {
	out, err := c.client().IncidentAct(e.ctx, c.Number, "assign", api.Act{Role: incident.Role(c.Role), Person: c.Person, Off: c.Off})
	return c.toldIncident(e, out, err)
}

type incidentCall struct {
	remote
	format
	Number int64  `arg:"" help:"The incident's number."`
	Target string `arg:"" help:"Whom: a schedule, a schedule's role (db/secondary), team:NAME or person:NAME."`
}

func (c *incidentCall) Run(e *env) error {
	out, err := c.client().IncidentAct(e.ctx, c.Number, "call", api.Act{Target: c.Target})
	return c.toldIncident(e, out, err)
}

type incidentMerge struct {
	remote
	format
	Number int64 `arg:"" help:"The newer incident's number."`
	Into   int64 `arg:"" help:"The older one, which takes over its pages."`
}

func (c *incidentMerge) Run(e *env) error {
	out, err := c.client().IncidentAct(e.ctx, c.Number, "merge", api.Act{Into: c.Into})
	return c.toldIncident(e, out, err)
}

type incidentMove struct {
	remote
	format
	Number int64 `arg:"" help:"The incident's number."`
	Page   int64 `arg:"" help:"The page that does not belong to it."`
	To     int64 `arg:"" optional:"" help:"The incident that it belongs to; left out, it becomes one of its own."`
}

func (c *incidentMove) Run(e *env) error {
	out, err := c.client().IncidentAct(e.ctx, c.Number, "move", api.Act{Page: c.Page, To: c.To})
	return c.toldIncident(e, out, err)
}

// standing are the lines that say how far an incident is and what is known of it.
func standing(in api.Incident) [][]string {
	var rows [][]string
	add := func(key, value string) {
		if value != "" {
			rows = append(rows, []string{key, safe(value)})
		}
	}
	add("phase", string(in.Phase))
	for _, a := range in.Roles {
		if a.Until.IsZero() && a.Role != incident.RoleCommander {
			add(string(a.Role), a.Person)
		}
	}
	if !in.ImpactAt.IsZero() {
		add("impact since", stamp(in.ImpactAt))
	}
	add("root cause", in.RootCause)
	add("contributing", strings.Join(in.Contributing, "; "))
	if in.CustomerData {
		add("customer data", "touched")
	}
	if in.Security {
		add("security", "yes")
	}
	for _, b := range in.Breaches {
		text := fmt.Sprintf("%s within %s", b.Target, time.Duration(b.Limit*float64(time.Second)))
		if !b.Met.IsZero() {
			text += ", done " + stamp(b.Met)
		}
		add("missed", text)
	}
	for _, c := range in.Called {
		switch {
		case !c.Confirmed.IsZero():
			add("called", c.Person+", knows since "+stamp(c.Confirmed))
		case c.Ended.IsZero():
			add("called", c.Person+", RINGING since "+stamp(c.At))
		}
	}
	if in.MergedInto != 0 {
		add("merged into", strconv.FormatInt(in.MergedInto, 10))
	}
	add("war room", in.WarRoom)
	if !in.Next.IsZero() {
		add("next", fmt.Sprintf("%s (%s)", stamp(in.Next), in.NextFor))
	}
	return rows
}
