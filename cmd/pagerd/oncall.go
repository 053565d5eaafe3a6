package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"pagerd/config"
	"pagerd/gateway/api"
)

type oncallCommand struct {
	remote
	format
	Config string `help:"Ask this configuration file instead of a running pagerd." placeholder:"FILE"`
	At     string `help:"The instant: 2026-03-04T09:00:00Z, or 2026-03-04 09:00 here; default is now." placeholder:"TIME"`
}

func (c *oncallCommand) Run(e *env) error {
	at, err := instant(c.At)
	if err != nil {
		return err
	}
	list, err := c.ask(e, at)
	if err != nil {
		return err
	}
	if err := c.print(e.out, list, func(w io.Writer) { showOnCall(w, list) }); err != nil {
		return err
	}
	for _, r := range list.Rotations {
		if r.Primary == "" {
			return &refusal{message: "nobody is on call for " + r.Rotation, hint: "an override or another person in the rotation fills the gap"}
		}
	}
	return nil
}

func (c *oncallCommand) ask(e *env, at time.Time) (api.OnCallList, error) {
	if c.Config == "" {
		return c.client().OnCall(e.ctx, at)
	}
	cfg, err := config.Load(c.Config, os.LookupEnv)
	if err != nil {
		return api.OnCallList{}, &refusal{message: err.Error(), hint: "pagerd check " + c.Config + " explains"}
	}
	if at.IsZero() {
		at = e.now()
	}
	return api.OnCallAt(cfg.Book, at), nil
}

// instant reads a time of the command line; empty is the zero Time.
func instant(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, &misuse{message: fmt.Sprintf("%q is no time", text), hint: `write 2026-03-04T09:00:00Z, or "2026-03-04 09:00" for the zone of this machine`}
}

func showOnCall(w io.Writer, list api.OnCallList) {
	fmt.Fprintf(w, "on call at %s\n\n", list.At.UTC().Format("Mon 2 Jan 2006 15:04 MST"))
	rows := [][]string{{"ROTATION", "PRIMARY", "SECONDARY", "MANAGER", "HAND-OFF"}}
	for _, r := range list.Rotations {
		rows = append(rows, []string{r.Rotation, nobody(r.Primary), or(r.Secondary), or(r.Manager), handoff(r)})
	}
	table(w, rows)
}

// handoff says when and to whom, in the rotation's zone: people look at their own clock.
func handoff(r api.OnCall) string {
	if r.Handoff.IsZero() {
		return "-"
	}
	zone, err := time.LoadLocation(r.Zone)
	if err != nil {
		zone = time.UTC
	}
	return r.Handoff.In(zone).Format("Mon 2 Jan 15:04 MST") + ", " + nobody(r.NextUp)
}

func nobody(name string) string {
	if name == "" {
		return "NOBODY"
	}
	return name
}
