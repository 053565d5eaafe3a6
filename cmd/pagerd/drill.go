package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/api"
)

type drillCommand struct {
	Report drillReport `cmd:"" help:"Say what a drill came to: who was reached, whether in time, which escalations rang."`
	Start  drillStart  `cmd:"" help:"Ring real people for practice: every message begins with DRILL, and it counts in no figure."`
}

type drillReport struct {
	remote
	format
	Number int64 `arg:"" help:"The drill's number."`
}

func (c *drillReport) Run(e *env) error {
	s, err := c.client().DrillScore(e.ctx, c.Number)
	if err != nil {
		return err
	}
	return c.print(e.out, s, func(w io.Writer) {
		word := "PASSED"
		if !s.Acceptable {
			word = "NOT PASSED"
		}
		fmt.Fprintf(w, "drill %d: %s %s: %s\n", s.Number, s.Severity, safe(s.Service), word)
		acked := "nobody acknowledged"
		if s.AckedBy != "" {
			acked = fmt.Sprintf("%s, by %s after %s", s.AckedBy, s.AckedHow, s.AckedAt.Sub(s.BeganAt).Round(time.Second))
		}
		pairs(w, [][]string{{"acknowledged", acked}, {"in time", map[bool]string{true: "yes", false: "no"}[s.InTime]}, {"escalations", fmt.Sprint(s.Steps)}})
		fmt.Fprintln(w)
		rows := [][]string{{"WHO", "RUNG", "REACHED", "HOW"}}
		for _, x := range s.People {
			reached := "yes"
			switch {
			case !x.Accepted && !x.Delivered:
				reached = "NO"
			case !x.Delivered:
				reached = "sent"
			}
			rows = append(rows, []string{x.Person, stamp(x.RungAt), reached, strings.Join(x.Ways, ", ")})
		}
		table(w, rows)
	})
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
