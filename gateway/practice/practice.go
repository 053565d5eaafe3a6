// Package practice holds the words of the practice: the guide for incidents, the lists before and after a shift, how to write
// a postmortem, and the templates of what stakeholders and customers are told.
//
// It promises that every document and template that is named exists and can be rendered, and that a template for customers
// holds nothing but what is public: a component's public name, times, and words that a person wrote for them.
package practice

import (
	"embed"
	"fmt"
	"regexp"
	"strings"
	"text/template"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/update"
	"pagerd/schedule"
)

//go:embed documents/*.md templates/*.txt
var files embed.FS

// Name is a document's.
type Name string

// The documents.
const (
	IncidentResponse Name = "incident-response"
	Postmortem       Name = "postmortem"
	Communication    Name = "communication"
	BeforeShift      Name = "before-shift"
	AfterShift       Name = "after-shift"
)

// Names returns the documents, the most useful first.
func Names() []Name {
	return []Name{IncidentResponse, Postmortem, Communication, BeforeShift, AfterShift}
}

// Document returns a document as Markdown; ok is false when there is none of that name.
func Document(n Name) (text string, ok bool) {
	b, err := files.ReadFile("documents/" + string(n) + ".md")
	return string(b), err == nil
}

// Facts are what a message is made of. Summary is foreign text and never told to customers.
type Facts struct {
	Number    int64
	Severity  alert.Severity
	Service   string
	Component string // the service's public name
	Summary   string
	Commander string
	State     update.State
	Text      string    // what a person wrote for this audience
	Since     time.Time // users suffer since then
	Until     time.Time // it was over; zero = it goes on
	Next      time.Time // when more is told; zero = not said
	Now       time.Time
	Zone      *time.Location // of the times; nil = UTC
}

// Render makes a message. A state that is none of the list is an error.
func Render(a update.Audience, f Facts) (subject, body string, err error) {
	if !f.State.Valid() {
		return "", "", fmt.Errorf("there is no state %q: investigating, identified, monitoring, resolved", f.State)
	}
	t, err := template.ParseFS(files, "templates/"+string(a)+".txt")
	if err != nil {
		return "", "", fmt.Errorf("there is no template for %q: %w", a, err)
	}
	var head, text strings.Builder
	v := f.words(a)
	if err = t.ExecuteTemplate(&head, "subject", v); err == nil {
		err = t.Execute(&text, v)
	}
	if err != nil {
		return "", "", fmt.Errorf("render the message for %s: %w", a, err)
	}
	return strings.TrimSpace(head.String()), blank.ReplaceAllString(strings.TrimSpace(text.String()), "\n\n") + "\n", nil
}

var blank = regexp.MustCompile(`\n\s*\n`)

// words is what a template sees. For customers whatever is private is missing.
type words struct {
	Number                                     int64
	Severity, Service, Component, Summary      string
	Commander, State, Text, Since, Lasts, Next string
	Over                                       bool
}

func (f Facts) words(a update.Audience) words {
	zone := f.Zone
	if zone == nil {
		zone = time.UTC
	}
	clock := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.In(zone).Format("15:04 MST on 2 January")
	}
	end := f.Until
	if end.IsZero() {
		end = f.Now
	}
	w := words{Component: line(f.Component), State: string(f.State), Text: strings.TrimSpace(f.Text), Since: clock(f.Since), Next: clock(f.Next),
		Lasts: schedule.Words(max(0, end.Sub(f.Since)).Round(time.Minute)), Over: f.State == update.Resolved}
	if a == update.Customers {
		return w
	}
	w.Number, w.Severity, w.Service, w.Summary, w.Commander = f.Number, f.Severity.String(), line(f.Service), line(f.Summary), line(f.Commander)
	return w
}

// line folds a text into one line, so that foreign text cannot begin a new header or paragraph.
func line(s string) string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(s, "\uFFFD")), " ")
}
