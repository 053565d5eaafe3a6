package postmortem

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/timeline"
	"pagerd/schedule"
)

// Material is what a draft is made of.
type Material struct {
	Incident incident.Incident
	Pages    []page.Page
	Entries  []timeline.Entry // of the incident and its pages, in any order
	Earlier  []Postmortem     // with the same root cause, newest first
	Zone     *time.Location   // where the readers are; nil = UTC
}

// Make writes the draft. What pagerd knows stands in it, each fact of the timeline once; what only people know is asked.
// Every foreign word is quoted.
func Make(m Material) string {
	if m.Zone == nil {
		m.Zone = time.UTC
	}
	d := &draft{Material: m}
	in := m.Incident
	d.line("# Postmortem of incident %d: %s", in.Number, Quote(in.Summary))
	d.line("")
	d.line("%s · %s · led by %s · written without blame: what made sense to people at the time, and what in our systems let it happen.",
		in.Severity, Quote(in.Service), cmp.Or(Quote(in.Commander), "nobody"))
	d.line("")
	d.line("Tags: %s", Quote(in.Service))
	d.summary()
	d.impact()
	d.timeline()
	d.section(SectionWell)
	d.ask("What helped, so that we keep it? Who noticed what early?")
	d.wrong()
	d.cause()
	d.contributing()
	d.questions()
	d.section(SectionActions)
	d.line("Each item has an owner, a due date, a priority (P0 to P3) and a success criterion that everybody can check.")
	d.line("")
	d.b.WriteString(actionHeader)
	d.line("|  |  |  |  |  |  |")
	d.line("")
	d.ask("Which changes keep this from coming again, or make it shorter? If there is none, write None and why.")
	d.section(SectionLessons)
	d.ask("What should somebody know who meets this a year from now?")
	return d.b.String()
}

type draft struct {
	Material
	b    strings.Builder
	size int // of what is in b, see Size
}

func (d *draft) line(format string, args ...any) {
	text := fmt.Sprintf(format+"\n", args...)
	d.size += Size(text)
	d.b.WriteString(text)
}

func (d *draft) ask(question string) { d.line("%s%s", ask, question) }

func (d *draft) section(heading string) {
	d.line("")
	d.line("## %s", heading)
	d.line("")
}

func (d *draft) clock(t time.Time) string { return t.In(d.Zone).Format("2006-01-02 15:04:05 MST") }

func (d *draft) summary() {
	in := d.Incident
	d.section(SectionSummary)
	d.line("%s of %s: %s.", in.Severity, Quote(in.Service), strings.TrimRight(Quote(in.Summary), "."))
	d.line("")
	d.line("| | |")
	d.line("|---|---|")
	for _, f := range []struct {
		word string
		at   time.Time
	}{{"Impact began", in.ImpactAt}, {"Detected", in.DetectedAt}, {"Acknowledged", in.AcknowledgedAt}, {"Mitigated", in.MitigatedAt}, {"Resolved", in.ResolvedAt}} {
		if f.at.IsZero() {
			continue
		}
		since := ""
		if f.at.After(in.DetectedAt) {
			since = " (" + schedule.Words(f.at.Sub(in.DetectedAt).Round(time.Second)) + " after detection)"
		}
		d.line("| %s | %s%s |", f.word, d.clock(f.at), since)
	}
	for _, b := range in.Breaches {
		d.line("| Target missed | %s within %s |", b.Target, schedule.Words(b.Limit))
	}
	d.line("")
	d.ask("What happened, in three sentences that somebody from another team understands?")
}

func (d *draft) impact() {
	in := d.Incident
	d.section(SectionImpact)
	if in.CustomerData {
		d.line("- Customers' data was touched.")
	}
	if in.Security {
		d.line("- It touches security.")
	}
	from, to := in.ImpactAt, in.MitigatedAt
	if from.IsZero() {
		from = in.DetectedAt
	}
	if to.IsZero() {
		to = in.ResolvedAt
	}
	if to.After(from) {
		d.line("- Users suffered for %s, as far as we know.", schedule.Words(to.Sub(from).Round(time.Second)))
	}
	alerts := 0
	for _, p := range d.Pages {
		alerts += p.Total
	}
	if len(d.Pages) > 0 {
		d.line("- %d pages, %d alerts.", len(d.Pages), alerts)
	}
	d.line("")
	d.ask("How many users, requests or orders, and how do we know? Was anything lost for good?")
}

// timeline has a row for each entry, in the order in which things happened: a note may have its own time.
func (d *draft) timeline() {
	d.section(SectionTimeline)
	entries := slices.Clone(d.Entries)
	slices.SortStableFunc(entries, func(a, b timeline.Entry) int {
		return cmp.Or(happened(a).Compare(happened(b)), cmp.Compare(a.Object, b.Object), cmp.Compare(a.Seq, b.Seq))
	})
	if len(entries) == 0 {
		d.ask("What happened when?")
		return
	}
	d.line("| When | Who | What |")
	d.line("|---|---|---|")
	for i, e := range entries {
		if d.size > maxTimeline {
			d.line("")
			d.line("%d more entries are in the export of the incident.", len(entries)-i)
			break
		}
		text := Quote(e.Text)
		if text == "" {
			text = strings.ReplaceAll(e.What, "_", " ")
		}
		if object, number, _ := strings.Cut(e.Object, "/"); object == "page" {
			text = "page " + number + ": " + text
		}
		d.line("| %s | %s | %s |", d.clock(happened(e)), Quote(e.Actor), text)
	}
}

// maxTimeline is where a timeline of a great storm is cut, so that there is room for what people write.
const maxTimeline = MaxText * 3 / 4

// happened is when what an entry tells took place.
func happened(e timeline.Entry) time.Time {
	if at, err := time.Parse(time.RFC3339, e.Facts["happened_at"]); err == nil {
		return at
	}
	return e.At
}

func (d *draft) wrong() {
	d.section(SectionWrong)
	for _, b := range d.Incident.Breaches {
		late := "and was not reached"
		if !b.Met.IsZero() {
			late = "and was reached " + schedule.Words(b.Met.Sub(b.At).Round(time.Second)) + " late"
		}
		d.line("- The target to %s within %s was missed, %s.", b.Target, schedule.Words(b.Limit), late)
	}
	for _, p := range d.Earlier {
		d.line("- It happened before with the same cause: incident %d.", p.Incident)
	}
	d.ask("What made it longer or worse than it had to be? Which signal did we miss?")
}

func (d *draft) cause() {
	d.section(SectionCause)
	if d.Incident.RootCause != "" {
		d.line("%s", Quote(d.Incident.RootCause))
		d.line("")
		d.ask("Why was that possible? Ask why until the answer is something that we can change.")
		return
	}
	d.ask("What was the cause, in one line? Ask why until the answer is something that we can change.")
}

func (d *draft) contributing() {
	d.section(SectionContributing)
	for _, c := range d.Incident.Contributing {
		d.line("- %s", Quote(c))
	}
	d.ask("What else had to be so for this to happen?")
}

func (d *draft) questions() {
	d.section(SectionQuestions)
	d.ask("Prevention: what would have kept it from happening?")
	d.line("")
	d.ask("Detection: how would we have known sooner? Were our alerts effective?")
	d.line("")
	d.ask("Response: what would have made it shorter? Did the runbook help, and was it updated?")
}
