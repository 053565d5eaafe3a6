package scenario

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"pagerd/config"
)

// Options are what a run needs.
type Options struct {
	File    string // the script's name in messages
	Script  []byte
	Config  *config.Config
	Out     io.Writer // gets the story: with Verbose as it happens, else what the script prints; nil = nowhere
	Verbose bool
}

// Failure is an expectation that was not met, or something that could not be done.
type Failure struct {
	File         string
	Line, Column int // from 1, of the statement
	Statement    string
	At           time.Time // virtual time, in the scenario's zone
	Want         string    // what was expected
	Got          string    // what happened instead
	Story        []string  // the last lines before it
}

// Error says where, what was expected, what happened instead, and the lines of the story before it.
func (f *Failure) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: %s, at %s\n  expected: %s\n  happened: %s", f.File, f.Line, f.Column, f.Statement,
		f.At.Format("Mon 2006-01-02 15:04:05 MST"), f.Want, strings.ReplaceAll(f.Got, "\n", "\n            "))
	for i, line := range f.Story {
		if i == 0 {
			b.WriteString("\n  before it:")
		}
		b.WriteString("\n    " + line)
	}
	return b.String()
}

// storyLines is how many lines of the story a failure shows.
const storyLines = 12

// mismatch is a Failure before it has its place.
type mismatch struct{ want, got string }

func (m *mismatch) Error() string { return m.want + ": " + m.got }

func mismatched(want, format string, args ...any) error {
	return &mismatch{want: want, got: fmt.Sprintf(format, args...)}
}

// Run plays a script; nil means that every expectation was met. The error is a joined list of [SyntaxError], all of the
// script's mistakes at once, or a [Failure], the first thing that went otherwise.
func Run(ctx context.Context, o Options) error {
	script, err := parse(o.File, string(o.Script))
	if err != nil {
		return err
	}
	if err := check(o.File, script, o.Config); err != nil {
		return err
	}
	w, err := newWorld(ctx, o, script)
	if err != nil {
		return fmt.Errorf("%s: begin: %w", o.File, err)
	}
	for _, s := range script {
		if err := w.play(ctx, s); err != nil {
			return w.failure(s, err)
		}
	}
	return nil
}

// failure gives an error its place in the script.
func (w *world) failure(s statement, err error) error {
	f := &Failure{File: w.file, Line: s.at.line, Column: s.at.column, Statement: clip(s.source, 120), At: w.now.In(w.zone),
		Want: "this to be done", Got: err.Error(), Story: w.story.tail(storyLines)}
	var m *mismatch
	if errors.As(err, &m) {
		f.Want, f.Got = m.want, m.got
	}
	return f
}
