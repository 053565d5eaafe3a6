package main

import (
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"pagerd/gateway/api"
)

type postmortemCommand struct {
	List    postmortemList    `cmd:"" help:"List postmortems: the owed ones, or all of them."`
	Show    postmortemShow    `cmd:"" help:"Show a postmortem, what is still missing, and its action items."`
	Search  postmortemSearch  `cmd:"" help:"Search what was learned before."`
	Begin   postmortemBegin   `cmd:"" help:"Begin one that is not required."`
	Edit    postmortemEdit    `cmd:"" help:"Edit the text with your $EDITOR."`
	Upload  postmortemUpload  `cmd:"" help:"Replace the text by a file's."`
	Review  postmortemReview  `cmd:"" help:"Give it to others to read."`
	Meet    postmortemMeet    `cmd:"" help:"Set the review meeting."`
	Agenda  postmortemAgenda  `cmd:"" help:"Print the review meeting as an iCalendar file."`
	Assign  postmortemAssign  `cmd:"" help:"Give it to another owner."`
	Publish postmortemPublish `cmd:"" help:"Publish it; its action items begin."`
	Waive   postmortemWaive   `cmd:"" help:"Say why there will be none (admin)."`
}

type postmortemList struct {
	remote
	format
	All bool `help:"Published and waived ones too."`
}

func (c *postmortemList) Run(e *env) error {
	list, err := c.client().Postmortems(e.ctx, !c.All, url.Values{})
	if err != nil {
		return err
	}
	return c.print(e.out, list, func(w io.Writer) {
		if len(list.Postmortems) == 0 {
			fmt.Fprintln(w, "no postmortem is owed")
			return
		}
		rows := [][]string{{"INCIDENT", "SEVERITY", "STATE", "DUE", "OWNER", "SERVICE", "SUMMARY"}}
		for _, p := range list.Postmortems {
			due := "–"
			switch {
			case p.Overdue:
				due = "OVERDUE " + age(e.now(), p.Deadline)
			case !p.Deadline.IsZero():
				due = p.Deadline.Format("01-02 15:04Z")
			}
			rows = append(rows, []string{strconv.FormatInt(p.Incident, 10), p.Severity.String(), string(p.State), due, or(cut(p.Owner, 10)), cut(safe(p.Service), 14), safe(p.Summary)})
		}
		table(w, rows)
	})
}

type postmortemSearch struct {
	remote
	format
	Words    []string `arg:"" optional:"" help:"Words that must all occur."`
	Service  string   `help:"Of this service."`
	Tag      string   `help:"With this tag."`
	Cause    string   `help:"With this root cause."`
	Severity string   `help:"Of incidents of this severity: SEV-1 (worst) to SEV-4."`
}

func (c *postmortemSearch) Run(e *env) error {
	find := url.Values{}
	for k, v := range map[string]string{"q": strings.Join(c.Words, " "), "service": c.Service, "tag": c.Tag, "root_cause": c.Cause, "severity": c.Severity} {
		if v != "" {
			find.Set(k, v)
		}
	}
	if len(find) == 0 {
		return &misuse{"nothing to search for", "give words, --service, --tag, --cause or --severity"}
	}
	list, err := c.client().Postmortems(e.ctx, false, find)
	if err != nil {
		return err
	}
	return c.print(e.out, list, func(w io.Writer) {
		if len(list.Postmortems) == 0 {
			fmt.Fprintln(w, "nothing was found")
		}
		for _, p := range list.Postmortems {
			fmt.Fprintf(w, "%d  %s %s: %s\n", p.Incident, p.Severity, safe(p.Service), safe(p.Summary))
			if p.Cause != "" {
				fmt.Fprintf(w, "      cause: %s\n", safe(p.Cause))
			}
			if p.Line != "" {
				fmt.Fprintf(w, "      %s\n", safe(p.Line))
			}
		}
	})
}

type postmortemShow struct {
	remote
	format
	Number int64 `arg:"" help:"The incident's number."`
	Text   bool  `help:"Only the text, as Markdown."`
}

func (c *postmortemShow) Run(e *env) error {
	d, err := c.client().Postmortem(e.ctx, c.Number)
	if err == nil && c.Text {
		_, err = io.WriteString(e.out, d.Postmortem.Text)
		return err
	}
	return c.toldPostmortem(e, d, err)
}

// toldPostmortem shows how a postmortem stands.
func (f format) toldPostmortem(e *env, d api.PostmortemDetail, err error) error {
	if err != nil {
		return err
	}
	return f.print(e.out, d, func(w io.Writer) {
		p := d.Postmortem
		fmt.Fprintf(w, "postmortem of incident %d: %s\n%s %s: %s\n\n", p.Incident, strings.ReplaceAll(string(p.State), "_", " "), p.Severity, safe(p.Service), safe(p.Summary))
		rows := [][]string{{"owner", or(p.Owner)}, {"revision", strconv.Itoa(p.Revision)}}
		if !p.PublishedAt.IsZero() {
			rows = append(rows, []string{"published", safe(p.PublishedBy) + " " + stamp(p.PublishedAt)})
		} else if !p.Deadline.IsZero() && p.Waiver == "" {
			due := stamp(p.Deadline)
			if p.Overdue {
				due += "  OVERDUE"
			}
			rows = append(rows, []string{"due", due})
		}
		if p.Cause != "" {
			rows = append(rows, []string{"root cause", safe(p.Cause)})
		}
		if !p.MeetAt.IsZero() {
			rows = append(rows, []string{"review", stamp(p.MeetAt) + "  " + safe(strings.Join(p.Attendees, ", "))})
		}
		if p.Waiver != "" {
			rows = append(rows, []string{"waived", safe(p.Waiver)})
		}
		for _, n := range d.Earlier {
			rows = append(rows, []string{"before", fmt.Sprintf("incident %d had the same root cause", n)})
		}
		pairs(w, rows)
		if len(d.Problems) > 0 {
			fmt.Fprintln(w, "\nbefore it can be published:")
			for _, line := range d.Problems {
				fmt.Fprintf(w, "  %s\n", safe(line))
			}
		}
		if len(d.Actions) > 0 {
			fmt.Fprintln(w)
			showActions(w, d.Actions)
		}
	})
}

type postmortemBegin struct {
	remote
	format
	Number int64 `arg:"" help:"The incident's number."`
}

func (c *postmortemBegin) Run(e *env) error {
	d, err := c.client().PostmortemAct(e.ctx, c.Number, "begin", api.Act{})
	return c.toldPostmortem(e, d, err)
}

type postmortemEdit struct {
	remote
	format
	Number int64  `arg:"" help:"The incident's number."`
	Editor string `help:"Program to edit with." env:"EDITOR" default:"vi"`
}

// Run edits a copy. What cannot be stored stays in the copy, whose name is told: nothing that somebody wrote is lost.
func (c *postmortemEdit) Run(e *env) error {
	d, err := c.client().Postmortem(e.ctx, c.Number)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp("", fmt.Sprintf("postmortem-%d-*.md", c.Number))
	if err != nil {
		return fmt.Errorf("make a copy to edit: %w", err)
	}
	if _, err = f.WriteString(d.Postmortem.Text); err == nil {
		err = f.Close()
	}
	if err != nil {
		return fmt.Errorf("make a copy to edit: %w", err)
	}
	args := append(strings.Fields(c.Editor), f.Name())
	cmd := exec.CommandContext(e.ctx, args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w; the text is in %s", c.Editor, err, f.Name())
	}
	text, err := os.ReadFile(f.Name())
	if err != nil {
		return fmt.Errorf("read the edited copy: %w", err)
	}
	if d, err = c.client().PostmortemAct(e.ctx, c.Number, "edit", api.Act{Text: string(text), Base: d.Postmortem.Revision}); err != nil {
		fmt.Fprintf(e.err, "pagerd: not stored; your text is in %s\n", f.Name())
		return err
	}
	_ = os.Remove(f.Name()) // stored; a copy left behind harms nobody
	return c.toldPostmortem(e, d, nil)
}

type postmortemUpload struct {
	remote
	format
	Number int64  `arg:"" help:"The incident's number."`
	File   string `arg:"" help:"Markdown file; - reads from standard input."`
	Base   int    `help:"The revision that the text was made from; the present one if not given." default:"-1"`
}

func (c *postmortemUpload) Run(e *env) error {
	read := func() ([]byte, error) { return os.ReadFile(c.File) }
	if c.File == "-" {
		read = func() ([]byte, error) { return io.ReadAll(os.Stdin) }
	}
	text, err := read()
	if err != nil {
		return fmt.Errorf("read the text: %w", err)
	}
	if c.Base < 0 {
		d, err := c.client().Postmortem(e.ctx, c.Number)
		if err != nil {
			return err
		}
		c.Base = d.Postmortem.Revision
	}
	d, err := c.client().PostmortemAct(e.ctx, c.Number, "edit", api.Act{Text: string(text), Base: c.Base})
	return c.toldPostmortem(e, d, err)
}

type postmortemReview struct {
	remote
	format
	Number int64 `arg:"" help:"The incident's number."`
}

func (c *postmortemReview) Run(e *env) error {
	d, err := c.client().PostmortemAct(e.ctx, c.Number, "review", api.Act{})
	return c.toldPostmortem(e, d, err)
}

type postmortemMeet struct {
	remote
	format
	Number    int64     `arg:"" help:"The incident's number."`
	At        time.Time `arg:"" help:"When: 2026-04-01T10:00:00Z."`
	Attendees []string  `arg:"" optional:"" help:"Who comes."`
}

func (c *postmortemMeet) Run(e *env) error {
	d, err := c.client().PostmortemAct(e.ctx, c.Number, "meeting", api.Act{At: c.At, Attendees: c.Attendees})
	return c.toldPostmortem(e, d, err)
}

type postmortemAgenda struct {
	remote
	Number int64 `arg:"" help:"The incident's number."`
}

func (c *postmortemAgenda) Run(e *env) error {
	text, err := c.client().Agenda(e.ctx, c.Number)
	if err != nil {
		return err
	}
	_, err = io.WriteString(e.out, text)
	return err
}

type postmortemAssign struct {
	remote
	format
	Number int64  `arg:"" help:"The incident's number."`
	Person string `arg:"" help:"The new owner."`
}

func (c *postmortemAssign) Run(e *env) error {
	d, err := c.client().PostmortemAct(e.ctx, c.Number, "assign", api.Act{Person: c.Person})
	return c.toldPostmortem(e, d, err)
}

type postmortemPublish struct {
	remote
	format
	Number int64 `arg:"" help:"The incident's number."`
}

func (c *postmortemPublish) Run(e *env) error {
	d, err := c.client().PostmortemAct(e.ctx, c.Number, "publish", api.Act{})
	return c.toldPostmortem(e, d, err)
}

type postmortemWaive struct {
	remote
	format
	Number int64    `arg:"" help:"The incident's number."`
	Reason []string `arg:"" help:"Why there will be none."`
}

func (c *postmortemWaive) Run(e *env) error {
	d, err := c.client().PostmortemAct(e.ctx, c.Number, "waive", api.Act{Reason: strings.Join(c.Reason, " ")})
	return c.toldPostmortem(e, d, err)
}
