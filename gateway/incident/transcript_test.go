package incident

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pagerd/gateway/alert"
)

var update = flag.Bool("update", false, "rewrite the transcripts; read them as a diff")

// TestTranscripts plays testdata/*.txt: a line with a time, an incident's number and what happens; the indented lines are
// what the machine made of it. -update rewrites those.
//
//	03:00 1042 acked SEV-2 ana [page 1043]     a page was acknowledged; candidate SEV-1; declared SEV-1 ana
//	03:00 1042 over [last] [may] [page 1043]   a page resolved
//	03:00 1042 mitigated ana · resolved ana · confirm ana · dismiss ana TEXT · sev ana SEV-1 · raised SEV-1 [ana]
//	03:00 1042 phase ana mitigation · learned ana TEXT · note ana TEXT · cause ana TEXT · factor ana TEXT · impact ana 02:50 · data ana · security ana
//	03:00 1042 role ana expert ben · off ana expert ben
//	03:00 1042 call ana db/primary ben eva · rung ben 1050 · answered ben 1050 [by ana]
//	03:00 1042 merge ana 1001 · move ana 1043 1050 [over] · errands       does what has to follow, as the engine does
//	03:00 1042 until                           everything due until then
//	hours on                                   working hours are 09:00 to 18:00
//
// What is due before an event happens before it.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d transcripts, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(b))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(b) {
				t.Errorf("the machine says now:\n%s", got)
			}
		})
	}
}

// tale is a transcript under way.
type tale struct {
	t     *testing.T
	all   map[int64]Incident
	day   time.Time
	now   time.Time
	hours bool
	b     strings.Builder
}

func play(t *testing.T, text string) string {
	t.Helper()
	w := &tale{t: t, all: map[int64]Incident{}, day: time.Date(2026, 3, 27, 0, 0, 0, 0, time.UTC)}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, " "):
		case line == "", strings.HasPrefix(line, "#"):
			w.b.WriteString(line + "\n")
		case line == "hours on":
			w.hours = true
			w.b.WriteString(line + "\n")
		default:
			w.line(line)
		}
	}
	return w.b.String()
}

func (w *tale) line(line string) {
	w.t.Helper()
	f := strings.Fields(line)
	now := w.clock(f[0])
	if now.Before(w.now) { // past midnight
		w.day = w.day.AddDate(0, 0, 1)
		now = now.AddDate(0, 0, 1)
	}
	number, err := strconv.ParseInt(f[1], 10, 64)
	if err != nil || len(f) < 3 {
		w.t.Fatalf("line %q", line)
	}
	verb, args := f[2], f[3:]
	if verb == "until" {
		w.b.WriteString(line + "\n")
	}
	w.fire(now, verb == "until")
	w.now = now
	switch verb {
	case "until":
		return
	case "errands":
		w.b.WriteString(line + "\n")
		w.errands(number)
		return
	}
	w.b.WriteString(line + "\n")
	w.apply(number, w.event(number, verb, args))
}

func (w *tale) clock(s string) time.Time {
	at, err := time.Parse("15:04:05", s)
	if err != nil {
		if at, err = time.Parse("15:04", s); err != nil {
			w.t.Fatalf("time %q", s)
		}
	}
	return w.day.Add(time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute + time.Duration(at.Second())*time.Second)
}

// fire does what is due before now, the earliest first.
func (w *tale) fire(now time.Time, until bool) {
	for range 10000 {
		var first int64
		for n, in := range w.all {
			if in.Due.IsZero() || in.DueFor == TimerErrand || !(in.Due.Before(now) || until && in.Due.Equal(now)) {
				continue
			}
			if f := w.all[first]; first == 0 || in.Due.Before(f.Due) || in.Due.Equal(f.Due) && n < first {
				first = n
			}
		}
		if first == 0 {
			return
		}
		if due := w.all[first].Due; due.After(w.now) {
			w.now = due
		}
		w.apply(first, Due{Opens: w.opens()})
	}
	w.t.Fatal("timers without end")
}

func (w *tale) opens() time.Time {
	if h := w.now.Hour(); w.hours && (h < 9 || h >= 18) {
		y, m, d := w.now.Date()
		if h >= 18 {
			d++
		}
		return time.Date(y, m, d, 9, 0, 0, 0, time.UTC)
	}
	return w.now
}

func (w *tale) event(number int64, verb string, args []string) Event {
	arg := func(i int) string {
		if i < len(args) {
			return args[i]
		}
		return ""
	}
	page := number
	if i := slices.Index(args, "page"); i >= 0 {
		page, _ = strconv.ParseInt(arg(i+1), 10, 64)
	}
	count := func(i int) int64 { n, _ := strconv.ParseInt(arg(i), 10, 64); return n }
	severity := func(i int) alert.Severity { s, _ := alert.ParseSeverity(arg(i)); return s }
	text := func() string { return strings.Join(args[1:], " ") }
	yes, who := true, arg(0)
	begin := Promote{Page: page, Severity: severity(0), Service: "checkout", Summary: "5xx rate 15%", Triggered: w.now, By: arg(1),
		Targets: DefaultTargets(severity(0)), Opens: w.opens()}
	switch verb {
	case "acked":
		return begin
	case "declared":
		begin.Declared = true
		return begin
	case "candidate":
		begin.Candidate, begin.By = true, ""
		return begin
	case "over":
		return PageOver{Page: page, Last: slices.Contains(args, "last"), May: slices.Contains(args, "may")}
	case "mitigated":
		return Mitigate{By: who}
	case "resolved":
		return Resolve{By: who}
	case "confirm":
		return Confirm{By: who}
	case "dismiss":
		return Dismiss{By: who, Reason: text()}
	case "sev":
		return SetSeverity{By: who, To: severity(1), Targets: DefaultTargets(severity(1))}
	case "raised":
		return Raised{To: severity(0), By: arg(1), Targets: DefaultTargets(severity(0))}
	case "phase":
		return SetPhase{By: who, To: Phase(arg(1))}
	case "learned":
		return Learned{By: who, RootCause: text()}
	case "note":
		return Note{By: who, Text: text()}
	case "cause":
		return Describe{By: who, RootCause: text()}
	case "factor":
		return Describe{By: who, Contributing: text()}
	case "impact":
		return Describe{By: who, ImpactAt: w.clock(arg(1))}
	case "data":
		return Describe{By: who, CustomerData: &yes}
	case "security":
		return Describe{By: who, Security: &yes}
	case "role":
		return Assign{By: who, Role: Role(arg(1)), Person: arg(2)}
	case "off":
		return Assign{By: who, Role: Role(arg(1)), Person: arg(2), Off: true}
	case "call":
		return Call{By: who, Target: arg(1), People: args[2:]}
	case "rung":
		return Rung{Errand: w.callOf(number, who), Page: count(1)}
	case "answered":
		ev := Answered{Person: who, Page: count(1), By: who}
		if arg(2) == "by" {
			ev.By = arg(3)
		}
		return ev
	case "merge":
		return Merge{By: who, Into: count(1)}
	case "move":
		return MoveOut{By: who, Page: count(1), To: count(2), Over: arg(3) == "over"}
	}
	w.t.Fatalf("unknown verb %q", verb)
	return nil
}

func (w *tale) callOf(number int64, who string) Errand {
	for _, e := range w.all[number].Errands {
		if e.Kind == ErrandCall && e.Person == who {
			return e
		}
	}
	return Errand{Kind: ErrandCall, Person: who}
}

// errands does what has to follow in other incidents.
func (w *tale) errands(number int64) {
	for _, e := range w.all[number].Errands {
		from := w.all[number]
		switch e.Kind {
		case ErrandAbsorb:
			w.apply(e.To, Absorb{From: from, Targets: DefaultTargets(from.Severity)})
		case ErrandJoin:
			w.apply(e.To, MoveIn{From: number, Open: true, Promote: Promote{Page: e.Page, Severity: from.Severity, Service: from.Service,
				Summary: from.Summary, Triggered: w.now, By: e.By, Targets: DefaultTargets(from.Severity)}})
		case ErrandCall, ErrandHush:
			continue
		}
		w.apply(number, ErrandDone{Errand: e})
	}
}

func (w *tale) apply(number int64, ev Event) {
	in, ok := w.all[number]
	if !ok {
		in = Incident{Number: number}
	}
	next, fx := Next(in, ev, w.now)
	w.all[number] = next
	if !fx.Changed {
		fmt.Fprintf(&w.b, "  %s %d nothing changes", w.now.Format("15:04:05"), number)
		if fx.Answer != "" {
			fmt.Fprintf(&w.b, ": %s", fx.Answer)
		}
		w.b.WriteString("\n")
		return
	}
	due := "never"
	if !next.Due.IsZero() {
		due = next.Due.Format("Mon 15:04:05") + " for " + string(next.DueFor)
	}
	fmt.Fprintf(&w.b, "  %s %d %s %s, %s, %s leads, due %s\n", w.now.Format("15:04:05"), number, next.Severity, next.Status, next.Phase(), person(next.Commander), due)
	if fx.Entry.What != "" {
		fmt.Fprintf(&w.b, "    %s: %s\n", fx.Entry.What, fx.Entry.Text)
	}
	if r := fx.Remind; r.What != "" {
		fmt.Fprintf(&w.b, "    reminds %q of %s %s after %s\n", r.To, r.What, r.Target, r.For)
	}
	if fx.AskCommander {
		w.b.WriteString("    asks the commander whether it is over\n")
	}
	if fx.Answer != "" {
		fmt.Fprintf(&w.b, "    answer: %s\n", fx.Answer)
	}
	for _, e := range next.Errands {
		fmt.Fprintf(&w.b, "    errand: %s %s %d %d\n", e.Kind, e.Person, e.To, e.Page)
	}
}
