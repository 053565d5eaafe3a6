package api

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"pagerd/gateway/timeline"
)

// IncidentExport is everything about one incident: what is known, what happened, and who was told by its pages.
type IncidentExport struct {
	IncidentDetail
	Pages []PageDetail `json:"pages"` // of the incident, by number; those that retention deleted are left out
}

// happenedAt is the fact of an entry that was noted later than it happened: when that was, RFC 3339.
const happenedAt = "happened_at"

// Markdown writes the incident for people. What others wrote (alerts, replies, notes) is quoted as code, so that no Markdown,
// link or HTML in it comes to life. Instants are UTC.
func (x IncidentExport) Markdown(w io.Writer) error {
	d, in := &document{}, x.Incident
	d.line("# Incident %d: %s, %s", in.Number, in.Severity, in.Status)
	d.line("")
	d.foreign("Summary", in.Summary)
	d.foreign("Service", in.Service)
	d.foreign("Commander", in.Commander)
	for _, f := range []struct {
		name string
		at   time.Time
	}{{"Impact since", in.ImpactAt}, {"Detected", in.DetectedAt}, {"Acknowledged", in.AcknowledgedAt}, {"Mitigated", in.MitigatedAt}, {"Resolved", in.ResolvedAt}} {
		d.instant(f.name, f.at)
	}
	d.foreign("Root cause", in.RootCause)
	for _, c := range in.Contributing {
		d.foreign("Contributing factor", c)
	}
	d.flag("Customers' data was touched", in.CustomerData)
	d.flag("A matter of security", in.Security)
	d.foreign("Dismissed", in.Dismissal)
	if in.MergedInto != 0 {
		d.line("- Merged into: incident %d", in.MergedInto)
	}
	for _, a := range in.Roles {
		until := "still"
		if !a.Until.IsZero() {
			until = "until " + utc(a.Until)
		}
		d.line("- %s: %s from %s, %s", strings.ToUpper(string(a.Role[:1]))+string(a.Role[1:]), quote(a.Person), utc(a.From), until)
	}
	d.timeline(x.Timeline)
	for _, p := range x.Pages {
		d.page(p)
	}
	return d.write(w)
}

// Markdown writes the page for people, as IncidentExport.Markdown does.
func (x PageDetail) Markdown(w io.Writer) error {
	d := &document{}
	d.page(x)
	return d.write(w)
}

func (d *document) page(x PageDetail) {
	p := x.Page
	if d.b.Len() > 0 {
		d.line("")
	}
	d.line("# Page %d: %s, %s", p.Number, p.Severity, p.Status)
	d.line("")
	d.foreign("Summary", p.Summary)
	d.foreign("Service", p.Service)
	d.foreign("Environment", p.Environment)
	d.foreign("Source", p.Source)
	d.foreign("Runbook", p.Runbook)
	d.foreign("Why it rang", p.Why)
	d.instant("Triggered", p.TriggeredAt)
	d.instant("Acknowledged", p.AckedAt)
	d.foreign("Acknowledged by", p.AckedBy)
	d.instant("Resolved", p.ResolvedAt)
	d.foreign("Resolved by", p.ResolvedBy)
	if p.Incident != 0 {
		d.line("- Incident: %d", p.Incident)
	}
	d.timeline(x.Timeline)
	d.line("")
	d.line("## Messages")
	d.line("")
	if len(x.Deliveries) == 0 {
		d.line("None is kept.")
	}
	for _, m := range x.Deliveries {
		d.delivery(m)
	}
	if len(x.Alerts) == 0 {
		return
	}
	d.line("")
	d.line("## Alerts")
	d.line("")
	for _, a := range x.Alerts {
		ended := ""
		if !a.EndedAt.IsZero() {
			ended = ", ended " + utc(a.EndedAt)
		}
		d.line("- %s: %s, started %s%s: %s", quote(a.Name), a.Status, utc(a.StartsAt), ended, quote(a.Summary))
	}
}

func (d *document) delivery(m Delivery) {
	at, how := m.AttemptAt, ""
	if at.IsZero() {
		at = m.DueAt
	}
	for _, part := range []string{string(m.Reason), m.Code, m.Progress} {
		if part != "" {
			how += ", " + quote(part)
		}
	}
	if m.Ambiguous > 0 {
		how += fmt.Sprintf(", %d of %d attempts may have been sent", m.Ambiguous, m.Attempts)
	}
	d.line("- %s %s to %s %s: %s%s", utc(at), m.Channel, quote(m.Person), quote(m.Address), m.State, how)
}

// document is a Markdown text that grows.
type document struct{ b strings.Builder }

func (d *document) line(format string, args ...any) { fmt.Fprintf(&d.b, format+"\n", args...) }

func (d *document) foreign(name, text string) {
	if text != "" {
		d.line("- %s: %s", name, quote(text))
	}
}

func (d *document) instant(name string, at time.Time) {
	if !at.IsZero() {
		d.line("- %s: %s", name, utc(at))
	}
}

func (d *document) flag(sentence string, set bool) {
	if set {
		d.line("- %s.", sentence)
	}
}

// timeline writes the entries in the order in which things happened; what was noted later says so.
func (d *document) timeline(entries []timeline.Entry) {
	d.line("")
	d.line("## Timeline")
	d.line("")
	entries = slices.Clone(entries)
	slices.SortStableFunc(entries, func(a, b timeline.Entry) int { return happened(a).Compare(happened(b)) })
	for _, e := range entries {
		d.entry(e)
	}
	if n := len(entries); n > 0 {
		newest := slices.MaxFunc(entries, func(a, b timeline.Entry) int { return cmp.Compare(a.Seq, b.Seq) })
		d.line("")
		d.line("%d entries; the newest, entry %d, has the hash `%s`.", n, newest.Seq, newest.Hash)
	}
}

func (d *document) entry(e timeline.Entry) {
	text := fmt.Sprintf("- %s %s: %s", utc(happened(e)), quote(e.Actor), e.What)
	if e.Reason != "" {
		text += " (" + e.Reason + ")"
	}
	if e.Text != "" {
		text += ": " + quote(e.Text)
	}
	for _, k := range slices.Sorted(maps.Keys(e.Facts)) {
		if k != happenedAt {
			text += fmt.Sprintf("; %s %s", k, quote(e.Facts[k]))
		}
	}
	if !happened(e).Equal(e.At) {
		text += "; noted " + utc(e.At)
	}
	d.line("%s", text)
}

// happened is when the thing happened that the entry tells of.
func happened(e timeline.Entry) time.Time {
	if at, err := time.Parse(time.RFC3339, e.Facts[happenedAt]); err == nil {
		return at
	}
	return e.At
}

func (d *document) write(w io.Writer) error {
	if _, err := io.WriteString(w, d.b.String()); err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	return nil
}

func utc(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// quote makes foreign text a code span on one line, in which nothing has a meaning: the fence is longer than any row of
// backticks in the text (CommonMark 6.1). Control and bidirectional characters, which a terminal obeys, are taken out.
func quote(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029':
			return -1
		}
		return r
	}, s)
	if s = strings.TrimSpace(s); s == "" {
		return "–"
	}
	longest, row := 0, 0
	for _, r := range s {
		row++
		if r != '`' {
			row = 0
		}
		longest = max(longest, row)
	}
	fence := strings.Repeat("`", longest+1)
	if longest > 0 {
		s = " " + s + " "
	}
	return fence + s + fence
}
