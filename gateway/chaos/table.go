package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"pagerd/gateway/chaos/judge"
	"pagerd/gateway/chaos/rig"
)

// result is what one part came to.
type result struct {
	Part    string        `json:"part"`
	Took    time.Duration `json:"took_ns"`
	NotRun  string        `json:"not_run,omitempty"` // why this machine cannot do it
	Verdict judge.Verdict `json:"verdict"`
	More    []figure      `json:"more,omitempty"`  // what only this part measures
	Wrong   []string      `json:"wrong,omitempty"` // promises that were not kept
}

// figure is a measured value.
type figure struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// add notes what only this part measures.
func (r *result) add(name, format string, args ...any) {
	r.More = append(r.More, figure{name, fmt.Sprintf(format, args...)})
}

// failed notes why the part came to no end: because the machine cannot do it, or because something is wrong.
func (r *result) failed(err error) {
	switch {
	case errors.Is(err, rig.ErrCannot):
		r.NotRun = err.Error()
	case err != nil:
		r.Wrong = append(r.Wrong, err.Error())
	}
}

// say tells the result in a few lines.
func (r *result) say() {
	if r.NotRun != "" {
		say("%s: not run: %s", r.Part, r.NotRun)
		return
	}
	say("%s: %s, accepted %d, lost %d, early %d, duplicates %.2f %%, acknowledgements %d/%d", r.Part, r.Took.Round(time.Second), r.Verdict.Accepted,
		r.Verdict.Lost+r.Verdict.Missed, r.Verdict.Early, 100*r.Verdict.DuplicateShare(), r.Verdict.Confirmed, r.Verdict.Recorded)
	for _, m := range r.More {
		say("  %s: %s", m.Name, m.Value)
	}
	for _, what := range r.Wrong {
		say("  WRONG: %s", what)
	}
	for _, what := range r.Verdict.Examples {
		say("    %s", what)
	}
}

// print is the table: a row for each measure, a column for each part.
func print(w io.Writer, results []result, took time.Duration) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name string, cell func(r result) string) {
		fmt.Fprint(t, name)
		for _, r := range results {
			text := "not run"
			if r.NotRun == "" {
				text = cell(r)
			}
			fmt.Fprint(t, "\t", text)
		}
		fmt.Fprintln(t)
	}
	number := func(name string, of func(v judge.Verdict) int) {
		row(name, func(r result) string { return fmt.Sprint(of(r.Verdict)) })
	}
	spread := func(name string, of func(v judge.Verdict) judge.Spread) {
		row(name, func(r result) string { return show(of(r.Verdict)) })
	}
	row("", func(r result) string { return r.Part })
	number("alerts accepted", func(v judge.Verdict) int { return v.Accepted })
	number("  inside fault windows", func(v judge.Verdict) int { return v.InFault })
	number("  while something was down", func(v judge.Verdict) int { return v.InOutage })
	number("lost", func(v judge.Verdict) int { return v.Lost })
	number("escalations missed", func(v judge.Verdict) int { return v.Missed })
	number("early", func(v judge.Verdict) int { return v.Early })
	spread("lateness, healthy", func(v judge.Verdict) judge.Spread { return v.Lateness })
	spread("  from the request", func(v judge.Verdict) judge.Spread { return v.Request })
	spread("escalation, healthy", func(v judge.Verdict) judge.Spread { return v.Escalation })
	spread("re-send after a kill", func(v judge.Verdict) judge.Spread { return v.Resend })
	spread("first ring after a kill", func(v judge.Verdict) judge.Spread { return v.Waiting })
	spread("gap at fail-over", func(v judge.Verdict) judge.Spread { return v.Gap })
	row("duplicates", func(r result) string {
		return fmt.Sprintf("%.2f %% (%d of %d)", 100*r.Verdict.DuplicateShare(), r.Verdict.Duplicates, r.Verdict.Distinct)
	})
	row("  by cause", func(r result) string { return causes(r.Verdict.Causes) })
	number("sent again, answer lost", func(v judge.Verdict) int { return v.Ambiguous })
	row("acknowledgements", func(r result) string {
		return fmt.Sprintf("%d confirmed, %d recorded", r.Verdict.Confirmed, r.Verdict.Recorded)
	})
	number("  not recorded", func(v judge.Verdict) int { return v.Unrecorded })
	number("  recorded twice", func(v judge.Verdict) int { return v.Doubled })
	spread("rung after its ack", func(v judge.Verdict) judge.Spread { return v.AfterAck })
	row("faults", func(r result) string { return causes(r.Verdict.Faults) })
	row("verdict", func(r result) string {
		if len(r.Wrong) > 0 {
			return "FAILED"
		}
		return "kept"
	})
	_ = t.Flush() // to standard output: there is nobody else to tell
	for _, r := range results {
		for _, m := range r.More {
			fmt.Fprintf(w, "%s: %s: %s\n", r.Part, m.Name, m.Value)
		}
		if r.NotRun != "" {
			fmt.Fprintf(w, "%s: not run: %s\n", r.Part, r.NotRun)
		}
		for _, what := range r.Wrong {
			fmt.Fprintf(w, "%s: FAILED: %s\n", r.Part, what)
		}
	}
	fmt.Fprintf(w, "took %s\n", took.Round(time.Second))
}

// show is a spread for reading: p50 / p99 / max, and how many.
func show(s judge.Spread) string {
	if s.N == 0 {
		return "-"
	}
	return fmt.Sprintf("%s / %s / %s (%d)", brief(s.P50), brief(s.P99), brief(s.Max), s.N)
}

// brief rounds to what matters.
func brief(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= 100*time.Millisecond:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Microsecond).String()
}

func causes(m map[string]int) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, fmt.Sprintf("%s %d", k, m[k]))
	}
	if len(out) == 0 {
		return "-"
	}
	return strings.Join(out, ", ")
}
