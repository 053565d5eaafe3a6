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
	Control bool          `json:"control,omitempty"` // there is no verdict on pagerd's promises
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
	if r.Control {
		say("%s: %s", r.Part, r.Took.Round(time.Second))
	} else {
		r.sayVerdict()
	}
	for _, m := range r.More {
		say("  %s: %s", m.Name, m.Value)
	}
	for _, what := range r.Wrong {
		say("  WRONG: %s", what)
	}
}

func (r *result) sayVerdict() {
	say("%s: %s, accepted %d, lost %d, early %d, duplicates %.2f %%, acknowledgements %d/%d", r.Part, r.Took.Round(time.Second), r.Verdict.Accepted,
		r.Verdict.Lost+r.Verdict.Missed, r.Verdict.Early, 100*r.Verdict.DuplicateShare(), r.Verdict.Confirmed, r.Verdict.Recorded)
	for _, what := range r.Verdict.Examples {
		say("    %s", what)
	}
}

// printTable is the table: a row for each measure, a column for each part, and one for all.
func printTable(w io.Writer, results []result, took time.Duration) {
	judged := slices.DeleteFunc(slices.Clone(results), func(r result) bool { return r.Control })
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, all string, cell func(v judge.Verdict) string) {
		fmt.Fprint(t, name)
		for _, r := range judged {
			switch {
			case r.NotRun != "":
				fmt.Fprint(t, "\tnot run")
			case r.Verdict.Accepted == 0:
				fmt.Fprint(t, "\tno verdict")
			default:
				fmt.Fprint(t, "\t", cell(r.Verdict))
			}
		}
		fmt.Fprintln(t, "\t"+all)
	}
	number := func(name string, of func(v judge.Verdict) int) {
		all := 0
		for _, r := range judged {
			all += of(r.Verdict)
		}
		row(name, fmt.Sprint(all), func(v judge.Verdict) string { return fmt.Sprint(of(v)) })
	}
	spread := func(name string, of func(v judge.Verdict) judge.Spread) {
		row(name, "", func(v judge.Verdict) string { return show(of(v)) })
	}
	fmt.Fprint(t, "p50 / p99 / max in ms")
	for _, r := range judged {
		fmt.Fprint(t, "\t", r.Part)
	}
	fmt.Fprintln(t, "\tall")
	number("alerts accepted", func(v judge.Verdict) int { return v.Accepted })
	number("  inside fault windows", func(v judge.Verdict) int { return v.InFault })
	number("  while something was down", func(v judge.Verdict) int { return v.InOutage })
	number("lost", func(v judge.Verdict) int { return v.Lost })
	number("escalations", func(v judge.Verdict) int { return v.Escalated })
	number("escalations missed", func(v judge.Verdict) int { return v.Missed })
	number("early", func(v judge.Verdict) int { return v.Early })
	spread("lateness, healthy", func(v judge.Verdict) judge.Spread { return v.Lateness })
	spread("  from the request", func(v judge.Verdict) judge.Spread { return v.Request })
	spread("escalation, healthy", func(v judge.Verdict) judge.Spread { return v.Escalation })
	spread("  from the request", func(v judge.Verdict) judge.Spread { return v.FromStart })
	spread("re-send after a kill", func(v judge.Verdict) judge.Spread { return v.Resend })
	spread("first ring after a kill", func(v judge.Verdict) judge.Spread { return v.Waiting })
	spread("gap at fail-over", func(v judge.Verdict) judge.Spread { return v.Gap })
	number("messages", func(v judge.Verdict) int { return v.Distinct })
	number("  sent again, answer lost", func(v judge.Verdict) int { return v.Ambiguous })
	number("  sent again otherwise", func(v judge.Verdict) int { return v.Duplicates })
	row("  duplicates", "", func(v judge.Verdict) string { return fmt.Sprintf("%.2f %%", 100*v.DuplicateShare()) })
	number("acks confirmed", func(v judge.Verdict) int { return v.Confirmed })
	number("  recorded", func(v judge.Verdict) int { return v.Recorded })
	number("  not recorded", func(v judge.Verdict) int { return v.Unrecorded })
	number("  recorded twice", func(v judge.Verdict) int { return v.Doubled })
	spread("rung after its ack", func(v judge.Verdict) judge.Spread { return v.AfterAck })
	_ = t.Flush() // to standard output: there is nobody else to tell
	faults, again := map[string]int{}, map[string]int{}
	for _, r := range results {
		add(faults, r.Verdict.Faults)
		add(again, r.Verdict.Causes)
	}
	fmt.Fprintln(w, "faults:", counts(faults))
	fmt.Fprintln(w, "sent again otherwise, by the fault that explains it:", counts(again))
	for _, r := range results {
		for _, m := range r.More {
			fmt.Fprintf(w, "%s: %s: %s\n", r.Part, m.Name, m.Value)
		}
		switch {
		case len(r.Wrong) > 0:
			for _, what := range r.Wrong {
				fmt.Fprintf(w, "%s: FAILED: %s\n", r.Part, what)
			}
		case r.NotRun == "":
			fmt.Fprintf(w, "%s: passed, in %s\n", r.Part, r.Took.Round(time.Second))
		}
		if r.NotRun != "" {
			fmt.Fprintf(w, "%s: not run: %s\n", r.Part, r.NotRun)
		}
	}
	fmt.Fprintf(w, "took %s\n", took.Round(time.Second))
}

func add(to, from map[string]int) {
	for k, n := range from {
		to[k] += n
	}
}

// show is a spread for reading: p50 / p99 / max in milliseconds.
func show(s judge.Spread) string {
	if s.N == 0 {
		return "-"
	}
	return fmt.Sprintf("%s / %s / %s", millis(s.P50), millis(s.P99), millis(s.Max))
}

// millis has one digit after the point only where it matters.
func millis(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	if ms < 10 && ms > -10 {
		return fmt.Sprintf("%.1f", ms)
	}
	return fmt.Sprintf("%.0f", ms)
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

// counts lists how many of each there are.
func counts(m map[string]int) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, fmt.Sprintf("%s %d", k, m[k]))
	}
	if len(out) == 0 {
		return "-"
	}
	return strings.Join(out, ", ")
}
