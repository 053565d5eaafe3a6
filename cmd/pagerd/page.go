package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/api"
	"pagerd/gateway/page"
	"pagerd/gateway/timeline"
)

type pageCommand struct {
	List     pageList     `cmd:"" help:"List pages: the open ones, or all of them."`
	Show     pageShow     `cmd:"" help:"Show a page: what happened, who was rung, what fires."`
	Ack      pageAck      `cmd:"" help:"Take pages; together they become one incident."`
	Unack    pageUnack    `cmd:"" help:"Give a page back: it rings again."`
	Resolve  pageResolve  `cmd:"" help:"Say that pages are over."`
	Escalate pageEscalate `cmd:"" help:"Ring a page's next step now."`
	Note     pageNote     `cmd:"" help:"Write into a page's timeline."`
	Severity pageSeverity `cmd:"" help:"Raise or lower a page."`
	Noise    pageNoise    `cmd:"" help:"Say that a page was not worth ringing for."`
}

type pageList struct {
	remote
	format
	All   bool `help:"Resolved ones too, newest first."`
	Limit int  `help:"At most so many." default:"100"`
}

func (c *pageList) Run(e *env) error {
	list, err := c.client().Pages(e.ctx, !c.All, 0, c.Limit)
	if err != nil {
		return err
	}
	if list.Damaged != "" {
		fmt.Fprintf(e.err, "pagerd: cannot be read: %s\n", safe(list.Damaged))
	}
	return c.print(e.out, list, func(w io.Writer) {
		if len(list.Pages) == 0 {
			fmt.Fprintln(w, "no open pages")
			return
		}
		if !c.All {
			slices.Reverse(list.Pages)
		}
		rows := [][]string{{"PAGE", "SEVERITY", "STATUS", "AGE", "SERVICE", "SUMMARY"}}
		for _, p := range list.Pages {
			rows = append(rows, []string{strconv.FormatInt(p.Number, 10), p.Severity.String(), statusWord(p), age(e.now(), p.TriggeredAt),
				cut(safe(p.Service), 16), safe(p.Summary)})
		}
		table(w, rows)
	})
}

// statusWord is the status, with the name of whoever has it.
func statusWord(p api.Page) string {
	if p.Drill {
		p.Drill = false
		return "DRILL " + statusWord(p)
	}
	switch p.Status {
	case page.Acknowledged:
		return "acked " + cut(p.AckedBy, 10)
	case page.Triggered:
		return "RINGING"
	}
	return string(p.Status)
}

type pageShow struct {
	remote
	format
	Number int64 `arg:"" help:"The page's number."`
}

func (c *pageShow) Run(e *env) error {
	d, err := c.client().Page(e.ctx, c.Number)
	if err != nil {
		return err
	}
	return c.print(e.out, d, func(w io.Writer) { showPage(w, d, e.now()) })
}

func showPage(w io.Writer, d api.PageDetail, now time.Time) {
	p := d.Page
	fmt.Fprintf(w, "%s %s #%d  %s\n", p.Severity, safe(p.Service), p.Number, safe(p.Environment))
	fmt.Fprintf(w, "%s\n\n", safe(p.Summary))
	rows := [][]string{{"status", string(p.Status)}, {"triggered", stamp(p.TriggeredAt) + ", " + age(now, p.TriggeredAt) + " ago"}}
	add := func(key, value string) {
		if value != "" {
			rows = append(rows, []string{key, safe(value)})
		}
	}
	if p.AckedBy != "" {
		add("acknowledged", fmt.Sprintf("by %s, %s (%s)", p.AckedBy, stamp(p.AckedAt), p.AckedHow))
	}
	if p.ResolvedBy != "" {
		add("resolved", fmt.Sprintf("by %s, %s", p.ResolvedBy, stamp(p.ResolvedAt)))
	}
	if p.Drill {
		add("drill", "practice: it counts in no figure")
	}
	if p.HeldBy != "" {
		add("silenced", fmt.Sprintf("by %s until %s", p.HeldBy, stamp(p.HeldUntil)))
	}
	add("ringing", strings.Join(p.Ringing, ", "))
	if !p.Next.IsZero() {
		add("next", stamp(p.Next))
	}
	firing := fmt.Sprintf("%d of %d alerts", p.Firing, p.Total)
	if p.Hidden > 0 {
		firing += fmt.Sprintf(", %d more not sent", p.Hidden)
	}
	add("firing", firing)
	add("runbook", p.Runbook)
	if p.Incident != 0 {
		add("incident", strconv.FormatInt(p.Incident, 10))
		add("calls", p.Calls)
	}
	if p.Previous != 0 {
		add("continues", "page "+strconv.FormatInt(p.Previous, 10))
	}
	add("policy", p.Policy)
	add("why", p.Why)
	add("before", p.Before)
	add("noise says", strings.Join(p.Noise, ", "))
	pairs(w, rows)
	showTimeline(w, d.Timeline)
	if len(d.Deliveries) > 0 {
		rows := [][]string{{"RUNG", "WHO", "HOW", "OUTCOME", "WHY"}}
		for _, x := range d.Deliveries {
			rows = append(rows, []string{stamp(x.DueAt), x.Person, strings.TrimSpace(string(x.Channel) + " " + x.Address), string(x.State), safe(string(x.Reason))})
		}
		fmt.Fprintln(w)
		table(w, rows)
	}
	if len(d.Alerts) > 0 {
		rows := [][]string{{"ALERT", "SINCE", "NAME", "SUMMARY"}}
		for _, a := range d.Alerts {
			rows = append(rows, []string{string(a.Status), stamp(a.StartsAt), cut(safe(a.Name), 24), safe(a.Summary)})
		}
		fmt.Fprintln(w)
		table(w, rows)
	}
}

// showTimeline prints what happened, oldest first.
func showTimeline(w io.Writer, entries []timeline.Entry) {
	if len(entries) == 0 {
		return
	}
	rows := [][]string{{"WHEN", "WHO", "WHAT"}}
	for _, x := range entries {
		what := strings.ReplaceAll(x.What, "_", " ")
		for _, more := range []string{strings.ReplaceAll(x.Reason, "_", " "), x.Text} {
			if more != "" {
				what += ": " + more
			}
		}
		rows = append(rows, []string{stamp(x.At), safe(x.Actor), safe(what)})
	}
	fmt.Fprintln(w)
	table(w, rows)
}

type pageAck struct {
	remote
	format
	Numbers []int64 `arg:"" help:"The pages' numbers."`
}

func (c *pageAck) Run(e *env) error {
	out, err := c.client().Acknowledge(e.ctx, c.Numbers...)
	return c.told(e, out, err)
}

type pageResolve struct {
	remote
	format
	Numbers []int64 `arg:"" help:"The pages' numbers."`
}

func (c *pageResolve) Run(e *env) error {
	out, err := c.client().Resolve(e.ctx, c.Numbers...)
	return c.told(e, out, err)
}

type pageUnack struct {
	remote
	format
	Number int64 `arg:"" help:"The page's number."`
}

func (c *pageUnack) Run(e *env) error {
	out, err := c.client().Unacknowledge(e.ctx, c.Number)
	return c.told(e, out, err)
}

type pageEscalate struct {
	remote
	format
	Number int64 `arg:"" help:"The page's number."`
}

func (c *pageEscalate) Run(e *env) error {
	out, err := c.client().Escalate(e.ctx, c.Number)
	return c.told(e, out, err)
}

type pageNote struct {
	remote
	format
	Number int64    `arg:"" help:"The page's number."`
	Text   []string `arg:"" help:"What to write."`
}

func (c *pageNote) Run(e *env) error {
	out, err := c.client().Note(e.ctx, c.Number, strings.Join(c.Text, " "))
	return c.told(e, out, err)
}

type pageSeverity struct {
	remote
	format
	Number int64  `arg:"" help:"The page's number."`
	To     string `arg:"" help:"SEV-1 (worst) to SEV-4."`
}

func (c *pageSeverity) Run(e *env) error {
	to, err := alert.ParseSeverity(c.To)
	if err != nil {
		return &misuse{message: err.Error()}
	}
	out, err := c.client().Severity(e.ctx, c.Number, to)
	return c.told(e, out, err)
}

type pageNoise struct {
	remote
	format
	Number int64 `arg:"" help:"The page's number."`
}

func (c *pageNoise) Run(e *env) error {
	out, err := c.client().Noise(e.ctx, c.Number)
	return c.told(e, out, err)
}

// told prints what an act came to, a line per page.
func (f format) told(e *env, out api.Outcome, err error) error {
	if err != nil {
		return err
	}
	return f.print(e.out, out, func(w io.Writer) {
		for _, a := range out.Answers {
			fmt.Fprintln(w, sentence(a))
		}
	})
}

// sentence says what an act came to: "1042 already acknowledged by ana, Wed 4 Mar 03:04".
func sentence(a api.Answer) string {
	text := fmt.Sprintf("%d %s", a.Page, strings.ReplaceAll(a.Code, "_", " "))
	switch page.AnswerCode(a.Code) {
	case page.AnswerAlreadyAcked, page.AnswerAlreadyResolved:
		if a.By != "" {
			text += " by " + a.By
		}
		if !a.At.IsZero() {
			text += ", " + stamp(a.At)
		}
	case page.AnswerEscalated:
		if a.Next != "" {
			text += ": ringing " + a.Next
		}
	case page.AnswerNobodyLeft:
		text = fmt.Sprintf("%d escalated, but the next step rang nobody: the last resort was told", a.Page)
	case page.AnswerOldRound:
		text = fmt.Sprintf("%d has rung anew meanwhile: nothing was changed", a.Page)
	case page.AnswerHeld:
		text = fmt.Sprintf("%d is silenced at present", a.Page)
	case page.AnswerAcked:
		if a.Incident != 0 {
			text += fmt.Sprintf("; incident %d", a.Incident)
		}
	case api.Repeated:
		text = fmt.Sprintf("%d was done before; it is %s", a.Page, a.Status)
	}
	return safe(text)
}
