package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"pagerd/gateway/api"
	"pagerd/gateway/update"
)

type incidentUpdate struct {
	remote
	format
	Number  int64         `arg:"" help:"The incident's number."`
	Text    []string      `arg:"" optional:"" help:"What you tell them; left out, the updates so far are shown."`
	State   string        `help:"investigating, identified, monitoring or resolved." default:"investigating" enum:"investigating,identified,monitoring,resolved"`
	To      string        `help:"stakeholders or customers: those of the service are mailed, as are subscribers of the status page, where it stands." default:"stakeholders" enum:"stakeholders,customers"`
	Next    time.Duration `help:"They hear again after this time; left out, as the severity asks."`
	Preview bool          `help:"Print it and record nothing."`
}

func (c *incidentUpdate) Run(e *env) error {
	if len(c.Text) == 0 {
		out, err := c.client().Updates(e.ctx, c.Number)
		if err != nil {
			return err
		}
		return c.print(e.out, out, func(w io.Writer) { showUpdates(w, out) })
	}
	a := api.Act{State: update.State(c.State), Audience: update.Audience(c.To), Text: strings.Join(c.Text, " "), Preview: c.Preview}
	if c.Next != 0 {
		a.Next = c.Next.String()
	}
	out, err := c.client().PostUpdate(e.ctx, c.Number, a)
	if err != nil {
		return err
	}
	if !c.Preview {
		fmt.Fprintln(e.err, mailed(out))
	}
	return c.print(e.out, out, func(w io.Writer) {
		for _, line := range strings.Split(out.Text, "\n") {
			fmt.Fprintln(w, safe(line))
		}
	})
}

// mailed says what becomes of an update that was just recorded.
func mailed(out api.Updates) string {
	newest := len(out.Updates) - 1
	if newest < 0 || out.Updates[newest].Mailing == 0 {
		return "recorded; nobody is configured to be mailed: here it is to send on"
	}
	if out.Updates[newest].To == update.Customers {
		return "recorded; it is being mailed to whoever subscribed to the status page"
	}
	return "recorded; it is being mailed to the stakeholders"
}

func showUpdates(w io.Writer, out api.Updates) {
	if len(out.Updates) == 0 {
		fmt.Fprintln(w, "nobody was told anything")
		return
	}
	rows := [][]string{{"AT", "STATE", "TO", "BY", "TEXT"}}
	for _, u := range out.Updates {
		rows = append(rows, []string{stamp(u.At), string(u.State), string(u.To), safe(u.By), safe(u.Text)})
	}
	table(w, rows)
	if m := out.Mail; m != nil {
		fmt.Fprintf(w, "\nmails of the newest one that was mailed: %d sent, %d failed, %d dropped, %d on their way\n", m.Sent, m.Failed, m.Dropped,
			m.Letters-m.Sent-m.Failed-m.Dropped)
	}
	if !out.Promised.IsZero() {
		late := ""
		if out.Overdue {
			late = ", LATE"
		}
		fmt.Fprintf(w, "\nthe next one was promised for %s%s\n", stamp(out.Promised), late)
	}
}
