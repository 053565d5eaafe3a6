package report

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
)

// Markdown writes a review as Markdown with tables. Foreign text is escaped: it makes no link, picture or tag.
func Markdown(w io.Writer, r Review, zone *time.Location) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s", r.Title(), r.sentence())
	if left := r.leftSentence(); left != "" {
		b.WriteString(" " + left)
	}
	fmt.Fprintf(&b, " Times are those of %s.\n", r.Zone)
	figures(&b, "Figures", r.All)
	if r.Period.Kind != Daily {
		split(&b, "By severity", r.BySeverity)
		split(&b, "By service", r.ByService)
		trendTable(&b, r.Trend)
	}
	if len(r.Causes) > 0 || r.Causeless > 0 {
		heading(&b, "Top causes")
		for i, c := range r.Causes {
			fmt.Fprintf(&b, "%d. %s: %s (%s)\n", i+1, escape(c.Name), count(len(c.Incidents), "incident"), numbers(c.Incidents))
		}
		if r.Causeless > 0 {
			fmt.Fprintf(&b, "\n%s without a root cause.\n", count(r.Causeless, "incident"))
		}
	}
	if len(r.Repeats) > 0 {
		heading(&b, "Repeats")
		for _, c := range r.Repeats {
			fmt.Fprintf(&b, "- %s: %s", escape(c.Name), numbers(c.Incidents))
			if len(c.Earlier) > 0 {
				fmt.Fprintf(&b, "; before that %s", numbers(c.Earlier))
			}
			b.WriteString("\n")
		}
	}
	for _, s := range r.sections(zone) {
		heading(&b, s.Title)
		for _, l := range s.Lines {
			fmt.Fprintf(&b, "- %s\n", hashNumber.ReplaceAllString(escape(l), "#$1"))
		}
	}
	if len(r.Load) > 0 {
		table(&b, "Load", "Responder", "Pages", "Nights", "Weekend pages", "Leading incidents")
		for _, l := range r.Load {
			cells(&b, escape(l.Person), l.Pages, l.Nights, l.Weekends, spell(l.Seconds))
		}
	}
	q := r.Quality
	heading(&b, "Alert quality")
	fmt.Fprintf(&b, "%s rang somebody; %s were acted on, %d called noise; %s at night, %s per night.\n", count(q.Pages, "page"), percent(q.Acted, q.Pages),
		q.Noise, count(q.Night, "page"), q.perNight())
	if len(r.Incidents) > 0 {
		table(&b, "Incidents", "Incident", "Severity", "Service", "Detected", "Took", "Summary")
		for _, f := range r.Incidents {
			cells(&b, numbers([]int64{f.Number}), f.Severity, escape(f.Service), stamp(f.DetectedAt, zone), ended(f), escape(f.Summary))
		}
	}
	heading(&b, "What the figures mean")
	for _, d := range r.Meanings {
		fmt.Fprintf(&b, "- **%s**, %s: %s\n", d.Word, d.Name, d.Text)
	}
	heading(&b, "What counts")
	for _, rule := range r.Rules {
		fmt.Fprintf(&b, "- %s\n", rule.Text)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func heading(b *strings.Builder, text string) { fmt.Fprintf(b, "\n## %s\n\n", text) }

func table(b *strings.Builder, title string, columns ...string) {
	heading(b, title)
	fmt.Fprintf(b, "| %s |\n|%s\n", strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
}

func cells(b *strings.Builder, values ...any) {
	for _, v := range values {
		fmt.Fprintf(b, "| %v ", v)
	}
	b.WriteString("|\n")
}

func figures(b *strings.Builder, title string, g Group) {
	table(b, title, "", "n", "mean", "p50", "p90", "within target")
	for _, l := range g.lines() {
		cells(b, l.Word, l.N, l.Mean, l.P50, l.P90, l.Within)
	}
}

func split(b *strings.Builder, title string, groups []Group) {
	if len(groups) == 0 {
		return
	}
	table(b, title, "", "Incidents", "Open", "MTTD", "MTTA", "MTTI", "MTTR", "within target", "MTBF")
	for _, g := range named(groups) {
		l := g.lines()
		cells(b, escape(g.Name), g.Count, g.Open, l[0].Mean, l[1].Mean, l[2].Mean, l[3].Mean, l[3].Within, l[4].Mean)
	}
}

func trendTable(b *strings.Builder, months []Month) {
	table(b, "Trend", "Month", "Incidents", "SEV-1", "SEV-2", "SEV-3", "SEV-4", "MTTR p50", "MTTR p90")
	for _, m := range months {
		l := m.lines()[3]
		cells(b, m.Name, m.Count, m.Severities[0], m.Severities[1], m.Severities[2], m.Severities[3], l.P50, l.P90)
	}
}

// hashNumber is an escaped number of an incident or an action item: before a digit a # is no heading.
var hashNumber = regexp.MustCompile(`\\#([0-9])`)

// escape makes a foreign text plain in Markdown.
func escape(s string) string {
	var b strings.Builder
	for _, r := range clean(s) {
		if strings.ContainsRune("\\`*_{}[]()<>#+!|~&", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
