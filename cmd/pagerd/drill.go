package main

import (
	"fmt"
	"io"

	"pagerd/gateway/alert"
	"pagerd/gateway/api"
)

type drillCommand struct {
	Start drillStart `cmd:"" help:"Ring real people for practice: every message begins with DRILL, and it counts in no figure."`
}

type drillStart struct {
	remote
	format
	Service  string `help:"The service to practise with, as your alerts name it; the routes say who is rung." required:""`
	Severity string `help:"SEV-2 … SEV-4; SEV-1 only with --all-hands." required:""`
	Note     string `help:"What is practised, in one sentence."`
	AllHands bool   `help:"A SEV-1 drill, which wakes the whole team, is meant."`
}

func (c *drillStart) Run(e *env) error {
	s, err := alert.ParseSeverity(c.Severity)
	if err != nil {
		return &misuse{err.Error(), "pagerd incident severities says what they mean"}
	}
	p, err := c.client().Drill(e.ctx, api.Act{Service: c.Service, Severity: s, Text: c.Note, AllHands: c.AllHands})
	if err != nil {
		return err
	}
	return c.print(e.out, p, func(w io.Writer) {
		fmt.Fprintf(w, "drill %d: %s %s rings now; pagerd page show %d follows it, pagerd page resolve %d ends it, two hours do otherwise\n", p.Number, p.Severity, safe(p.Service), p.Number, p.Number)
	})
}
