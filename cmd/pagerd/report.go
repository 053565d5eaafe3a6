package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"pagerd/gateway/api"
	"pagerd/gateway/report"
)

type reportCommand struct {
	Quarterly reportQuarterly `cmd:"" help:"The quarterly review: also the drills, and what to talk about."`
	Monthly   reportMonthly   `cmd:"" help:"The monthly review: figures, trend, causes, load, alert quality, what was learned and is overdue."`
	Weekly    reportWeekly    `cmd:"" help:"The digest of a week."`
	Daily     reportDaily     `cmd:"" help:"The digest of a day."`
	Export    reportExport    `cmd:"" help:"Print the facts that every report is made of, as JSON."`
}

type reportSource struct {
	remote
	Facts  string `help:"Read the facts from this file, which export wrote, instead of from a running pagerd." placeholder:"FILE"`
	Format string `help:"How it is written: ${enum}. HTML is one document, fit for a mail." enum:"md,html,json" default:"md"`
}

type reportMonthly struct {
	reportSource
	Month string `help:"The month: 2026-03; default is the last one." placeholder:"MONTH"`
}

type reportQuarterly struct {
	reportSource
	Date string `help:"A day or a month of the quarter; default is the last quarter." placeholder:"DATE"`
}

type reportWeekly struct {
	reportSource
	Date string `help:"A day of the week; default is the last week." placeholder:"DATE"`
}

type reportDaily struct {
	reportSource
	Date string `help:"The day; default is yesterday." placeholder:"DATE"`
}

func (c *reportQuarterly) Run(e *env) error { return c.show(e, report.Quarterly, c.Date) }
func (c *reportMonthly) Run(e *env) error   { return c.show(e, report.Monthly, c.Month) }
func (c *reportWeekly) Run(e *env) error    { return c.show(e, report.Weekly, c.Date) }
func (c *reportDaily) Run(e *env) error     { return c.show(e, report.Daily, c.Date) }

type reportExport struct {
	remote
}

func (c *reportExport) Run(e *env) error {
	facts, err := c.client().Facts(e.ctx)
	if err != nil {
		return err
	}
	return format{JSON: true}.print(e.out, facts, nil)
}

// show writes the report of the period that holds date; empty = the last one that is over.
func (c *reportSource) show(e *env, kind report.Kind, date string) error {
	facts, err := c.facts(e)
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation(facts.Zone)
	if err != nil {
		return &refusal{message: fmt.Sprintf("the facts are of the zone %q, which is not known here", facts.Zone)}
	}
	period := report.Last(kind, e.now(), zone)
	if date != "" {
		day, err := api.ReportDay(date)
		if err != nil {
			return &misuse{message: err.Error(), hint: "2026-03-04, or 2026-03 for a month"}
		}
		period = report.PeriodOf(kind, day, zone)
	}
	return writeReport(e.out, c.Format, report.New(period, facts, e.now(), zone), zone)
}

func writeReport(out io.Writer, how string, r report.Review, zone *time.Location) error {
	switch how {
	case "html":
		return report.HTML(out, r, zone, report.Links{})
	case "json":
		return format{JSON: true}.print(out, r, nil)
	}
	return report.Markdown(out, r, zone)
}

func (c *reportSource) facts(e *env) (report.Facts, error) {
	if c.Facts == "" {
		return c.client().Facts(e.ctx)
	}
	var facts report.Facts
	data, err := os.ReadFile(c.Facts)
	if err != nil {
		return facts, &refusal{message: err.Error(), hint: "pagerd report export > " + c.Facts}
	}
	if err := json.Unmarshal(data, &facts); err != nil || facts.Format != report.Format {
		return facts, &refusal{message: c.Facts + " holds no facts that this pagerd can read", hint: "pagerd report export writes them"}
	}
	return facts, nil
}
