package main

import (
	"errors"
	"net/http"

	"pagerd/gateway/api"
)

type exportCommand struct {
	Page     exportPage     `cmd:"" help:"A page: facts, timeline, messages, alerts."`
	Incident exportIncident `cmd:"" help:"An incident with its pages."`
}

type exportOptions struct {
	remote
	Number int64  `arg:"" help:"Its number."`
	Format string `help:"How it is written: ${enum}. Markdown is for people." enum:"json,markdown" default:"markdown"`
}

type exportPage struct{ exportOptions }

func (c *exportPage) Run(e *env) error {
	p, err := c.client().Page(e.ctx, c.Number)
	if err != nil {
		return err
	}
	if c.Format == "json" {
		return format{JSON: true}.print(e.out, p, nil)
	}
	return p.Markdown(e.out)
}

type exportIncident struct{ exportOptions }

func (c *exportIncident) Run(e *env) error {
	in, err := c.client().Incident(e.ctx, c.Number)
	if err != nil {
		return err
	}
	out := api.IncidentExport{IncidentDetail: in, Pages: []api.PageDetail{}}
	for _, n := range in.Incident.Pages {
		p, err := c.client().Page(e.ctx, n)
		var answer *api.Error
		if errors.As(err, &answer) && answer.Status == http.StatusNotFound {
			continue // retention deleted it
		}
		if err != nil {
			return err
		}
		out.Pages = append(out.Pages, p)
	}
	if c.Format == "json" {
		return format{JSON: true}.print(e.out, out, nil)
	}
	return out.Markdown(e.out)
}
