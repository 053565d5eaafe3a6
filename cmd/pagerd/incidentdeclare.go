package main

import (
	"fmt"
	"io"
	"strings"

	"pagerd/gateway/alert"
	"pagerd/gateway/api"
)

type incidentSeverities struct {
	remote
	format
}

func (c *incidentSeverities) Run(e *env) error {
	list, err := c.client().Severities(e.ctx)
	if err != nil {
		return err
	}
	return c.print(e.out, list, func(w io.Writer) {
		for _, d := range list.Severities {
			fmt.Fprintf(w, "%s  %s\n       %s\n       e.g. %s\n", d.Severity, d.Means, d.Response, strings.Join(d.Examples, "; "))
		}
	})
}

type incidentDeclare struct {
	remote
	format
	Severity     string   `help:"SEV-1 … SEV-4; pagerd incident severities says what they mean."`
	Service      string   `help:"The service that suffers, as your alerts name it." required:""`
	CustomerData bool     `help:"Customers' data is touched: SEV-1."`
	Security     bool     `help:"It is a matter of security: SEV-1."`
	Summary      []string `arg:"" help:"What users see, in one sentence."`
}

func (c *incidentDeclare) Run(e *env) error {
	a := api.Act{Service: c.Service, Summary: strings.Join(c.Summary, " "), CustomerData: &c.CustomerData, Security: &c.Security}
	if c.Severity != "" {
		s, err := alert.ParseSeverity(c.Severity)
		if err != nil {
			return &misuse{err.Error(), "pagerd incident severities says what they mean"}
		}
		a.Severity = s
	}
	out, err := c.client().Declare(e.ctx, a)
	return c.toldIncident(e, out, err)
}
