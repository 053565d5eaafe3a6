package postmortem

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"pagerd/gateway/timeline"
)

// MaxText is the size of a text in bytes, as JSON holds it: a record has room for it and for the rest.
const MaxText = 200 << 10

// Size is how many bytes a text has in JSON that does not escape HTML.
func Size(text string) int {
	n := 2
	for _, r := range text {
		switch {
		case r == '"' || r == '\\' || r == '\n' || r == '\t':
			n += 2
		case r < ' ' || r == '\u2028' || r == '\u2029':
			n += 6
		default:
			n += utf8.RuneLen(r)
		}
	}
	return n
}

// Next is the only way to change a postmortem. p is not modified. Every event is legal in every state: what comes too late
// is answered.
func Next(p Postmortem, ev Event, now time.Time) (Postmortem, Effects) {
	p.Tags, p.Attendees = slices.Clone(p.Tags), slices.Clone(p.Attendees)
	m := &machine{p: p, now: now}
	if b, ok := ev.(Begin); ok {
		m.begin(b)
	} else if p.State == "" {
		m.fx.Answer = AnswerRefused
	} else {
		m.apply(ev)
	}
	if !m.fx.Changed {
		return p, m.fx
	}
	if !m.p.Open() || !m.p.Required {
		m.p.NagDue = time.Time{}
	}
	return m.p, m.fx
}

type machine struct {
	p   Postmortem
	fx  Effects
	now time.Time
}

func (m *machine) apply(ev Event) {
	switch ev := ev.(type) {
	case Edit:
		m.edit(ev)
	case Submit:
		m.submit(ev)
	case Meet:
		m.meet(ev)
	case Publish:
		m.publish(ev)
	case Waive:
		m.waive(ev)
	case Assign:
		m.assign(ev)
	case Due:
		m.due(ev)
	}
}

func (m *machine) record(actor, what, format string, args ...any) {
	m.fx.Changed = true
	m.fx.Entry = timeline.Entry{Actor: actor, What: what, Text: fmt.Sprintf(format, args...), Facts: map[string]string{"state": string(m.p.State)}}
}

// begin makes the draft. Where the incident was opened again after one was begun, the clock begins anew, and what people
// wrote is kept.
func (m *machine) begin(ev Begin) {
	p, in := &m.p, ev.Incident
	was := p.State
	switch {
	case was != "" && !in.ResolvedAt.After(p.OverAt) && (p.Required || !ev.Rule.Required):
		m.more(ev)
		return
	case p.Open() && ev.By != "":
		m.fx.Answer = AnswerUnchanged
		return
	}
	p.Format, p.Incident, p.State, p.Severity, p.Service, p.Summary = Format, in.Number, Draft, in.Severity, in.Service, in.Summary
	if p.Cause == "" || p.Revision == 0 {
		p.Cause = in.RootCause
	}
	p.Required, p.Why, p.Waiver = ev.Rule.Required, ev.Why, ""
	p.OverAt, p.PublishedAt, p.PublishedBy, p.Overdue = in.ResolvedAt, time.Time{}, "", 0
	if p.Owner == "" {
		p.Owner = in.Commander
	}
	p.Deadline, p.NagDue = time.Time{}, time.Time{}
	if ev.Rule.Within > 0 {
		p.Deadline = in.ResolvedAt.Add(ev.Rule.Within)
		p.NagDue = in.ResolvedAt.Add(ev.Rule.Within / 2)
	}
	if p.Revision == 0 {
		p.Text = ev.Text
	}
	switch {
	case was != "":
		m.record("pagerd", "begun_again", "The incident was opened again after it: it has to be looked at once more.")
	case ev.By != "":
		m.record(ev.By, "begun", "%s wants a postmortem.", ev.By)
	default:
		m.record("pagerd", "begun", "A postmortem is required (%s) and belongs to %s.", strings.ReplaceAll(string(ev.Why), "_", " "), cmp.Or(p.Owner, "nobody yet"))
	}
	m.fx.Answer = AnswerBegun
}

// more takes over what was said of the incident after its end, as long as nobody has worked on the draft.
func (m *machine) more(ev Begin) {
	m.fx.Answer = AnswerUnchanged
	if m.p.Open() && m.p.Revision == 0 && ev.By == "" && ev.Text != m.p.Text {
		m.p.Text, m.p.Cause, m.p.Summary = ev.Text, ev.Incident.RootCause, ev.Incident.Summary
		m.fx.Changed = true
	}
}

// edit takes a text, unless it was made from an older one: two people's work must not overwrite each other.
func (m *machine) edit(ev Edit) {
	text := clean(ev.Text)
	switch {
	case m.p.State == Waived, text == "", Size(text) > MaxText:
		m.fx.Answer = AnswerRefused
		return
	case text == m.p.Text:
		m.fx.Answer = AnswerUnchanged
		return
	case ev.Base != m.p.Revision:
		m.fx.Answer = AnswerStale
		return
	}
	if m.p.State == Published { // what was published stays whole
		if m.fx.Problems = Problems(text); len(m.fx.Problems) > 0 {
			m.fx.Answer = AnswerIncomplete
			return
		}
	}
	m.p.Text, m.p.EditedBy, m.p.EditedAt = text, ev.By, m.now
	m.p.Revision++
	m.read()
	m.record(ev.By, "edited", "%s wrote revision %d.", ev.By, m.p.Revision)
	m.fx.Answer = AnswerEdited
}

// read takes root cause and tags out of the text.
func (m *machine) read() {
	if cause := firstLine(Section(m.p.Text, SectionCause)); cause != "" && !isQuestion(cause) {
		m.p.Cause = unquote(cause)
	}
	m.p.Tags = Tags(m.p.Text)
}

func (m *machine) submit(ev Submit) {
	if m.p.State != Draft {
		m.fx.Answer = AnswerRefused
		if m.p.State == InReview {
			m.fx.Answer = AnswerUnchanged
		}
		return
	}
	m.p.State = InReview
	m.record(ev.By, "in_review", "%s gives it to others to read.", ev.By)
	m.fx.Answer = AnswerSubmitted
}

func (m *machine) meet(ev Meet) {
	if m.p.State == Waived || ev.At.IsZero() {
		m.fx.Answer = AnswerRefused
		return
	}
	m.p.MeetAt, m.p.Attendees = ev.At.UTC(), slices.Clone(ev.Attendees)
	m.record(ev.By, "meeting", "The review is on %s.", m.p.MeetAt.Format(time.RFC3339))
	m.fx.Answer = AnswerMeeting
}

// publish refuses what still asks a question, lacks a section, or has an action item that lacks a field.
func (m *machine) publish(ev Publish) {
	if !m.p.Open() {
		m.fx.Answer = AnswerRefused
		if m.p.State == Published {
			m.fx.Answer = AnswerUnchanged
		}
		return
	}
	if m.fx.Problems = Problems(m.p.Text); len(m.fx.Problems) > 0 {
		m.fx.Answer = AnswerIncomplete
		return
	}
	if ev.Text != "" {
		m.p.Text = ev.Text
	}
	m.read()
	m.p.State, m.p.PublishedAt, m.p.PublishedBy = Published, m.now, ev.By
	in := "in time"
	if !m.p.Deadline.IsZero() && m.now.After(m.p.Deadline) {
		in = "after its deadline"
	}
	m.record(ev.By, "published", "%s published it %s.", ev.By, in)
	m.fx.Answer = AnswerPublished
}

func (m *machine) waive(ev Waive) {
	if !m.p.Open() || strings.TrimSpace(ev.Reason) == "" {
		m.fx.Answer = AnswerRefused
		return
	}
	m.p.State, m.p.Waiver = Waived, ev.Reason
	m.record(ev.By, "waived", "%s says that there will be none: %s", ev.By, ev.Reason)
	m.fx.Answer = AnswerWaived
}

func (m *machine) assign(ev Assign) {
	switch {
	case ev.To == "" || !m.p.Open():
		m.fx.Answer = AnswerRefused
	case ev.To == m.p.Owner:
		m.fx.Answer = AnswerUnchanged
	default:
		from := m.p.Owner
		m.p.Owner = ev.To
		m.record(ev.By, "assigned", "It goes from %s to %s.", cmp.Or(from, "nobody"), ev.To)
		m.fx.Answer = AnswerAssigned
	}
}

// nagAgain is how often an overdue postmortem is asked for: once a working day.
const nagAgain = 24 * time.Hour

// due asks for it: the owner at half time and at the deadline, then owner and manager every working day. Nobody is woken for
// a document.
func (m *machine) due(ev Due) {
	p := &m.p
	if p.NagDue.IsZero() || p.NagDue.After(m.now) {
		return
	}
	m.fx.Changed = true
	if ev.Opens.After(m.now) {
		p.NagDue = ev.Opens
		return
	}
	if m.now.Before(p.Deadline) {
		p.NagDue = p.Deadline
		m.record("pagerd", "reminded", "It is due %s.", p.Deadline.Format(time.RFC3339))
		m.fx.Nag = NagOwner
		return
	}
	p.Overdue++
	p.NagDue = m.now.Add(nagAgain)
	m.record("pagerd", "overdue", "It was due %s and is not published.", p.Deadline.Format(time.RFC3339))
	m.fx.Nag = NagOwner
	if p.Overdue > 1 || p.Owner == "" {
		m.fx.Nag = NagManager
	}
}

// clean makes a text of valid UTF-8 with bare line feeds.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	s = strings.ReplaceAll(s, "\x00", "")
	if strings.TrimSpace(s) == "" {
		return ""
	}
	return strings.TrimRight(s, "\n\t ") + "\n"
}
