package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"pagerd/gateway/audit"
)

type auditCommand struct {
	Verify auditVerify `cmd:"" help:"Say whether the record of what happened is whole: no entry changed or cut, no object gone; exit 1 with a line per finding."`
	Export auditExport `cmd:"" help:"Print all timelines and anchors as JSON Lines, to be kept or verified elsewhere."`
}

type auditExport struct {
	remote
}

func (c *auditExport) Run(e *env) error {
	lines, err := c.client().Audit(e.ctx)
	if err != nil {
		return err
	}
	defer lines.Close()
	if _, err := io.Copy(e.out, lines); err != nil {
		return &refusal{message: "the export was cut: " + err.Error(), hint: "what was printed so far is not whole; try again"}
	}
	return nil
}

type auditVerify struct {
	remote
	format
	File   string `help:"Verify this file, which export wrote, instead of a running pagerd." placeholder:"FILE"`
	Anchor string `help:"Hash of an anchor that was kept elsewhere, such as in a log; it must be in the chain." placeholder:"HASH"`
}

// auditResult is what a script gets.
type auditResult struct {
	Anchors  int       `json:"anchors"`
	Objects  int       `json:"objects"`
	Newest   time.Time `json:"newest_anchor,omitzero"`
	Findings []string  `json:"findings"`
}

func (c *auditVerify) Run(e *env) error {
	lines, err := c.open(e)
	if err != nil {
		return err
	}
	defer lines.Close()
	result := verifyLines(lines, c.Anchor, progress(e.err, e.now))
	if err := c.print(e.out, result, func(w io.Writer) { showAudit(w, result) }); err != nil {
		return err
	}
	if len(result.Findings) > 0 {
		return &refusal{}
	}
	return nil
}

func (c *auditVerify) open(e *env) (io.ReadCloser, error) {
	if c.File == "" {
		return c.client().Audit(e.ctx)
	}
	f, err := os.Open(c.File)
	if err != nil {
		return nil, &refusal{message: err.Error(), hint: "pagerd audit export > " + c.File}
	}
	return f, nil
}

// verifyLines reads an export to its end; tell hears of every line.
func verifyLines(lines io.Reader, anchor string, tell func(objects int)) auditResult {
	var v audit.Verifier
	var findings []string
	for dec := json.NewDecoder(lines); ; {
		var l audit.Line
		err := dec.Decode(&l)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break // cut or not, Done knows
		}
		if err != nil {
			findings = append(findings, "the export cannot be read any further: "+err.Error())
			break
		}
		findings = append(findings, v.Take(l)...)
		_, objects, _ := v.Seen()
		tell(objects)
	}
	r := auditResult{Findings: audit.Sorted(append(append([]string{}, findings...), v.Done(anchor)...))}
	r.Anchors, r.Objects, r.Newest = v.Seen()
	return r
}

func showAudit(w io.Writer, r auditResult) {
	for _, f := range r.Findings {
		fmt.Fprintln(w, safe(f))
	}
	if len(r.Findings) > 0 {
		return
	}
	anchored := "never anchored"
	if !r.Newest.IsZero() {
		anchored = "anchored last at " + stamp(r.Newest)
	}
	fmt.Fprintf(w, "whole: %d objects, %d anchors, %s\n", r.Objects, r.Anchors, anchored)
}

// progress returns what tells how far a long work is: nothing for 2 s, then a line every 2 s.
func progress(out io.Writer, now func() time.Time) func(objects int) {
	const every = 2 * time.Second
	next := now().Add(every)
	return func(objects int) {
		if t := now(); !t.Before(next) {
			next = t.Add(every)
			fmt.Fprintf(out, "%d objects verified\n", objects)
		}
	}
}
