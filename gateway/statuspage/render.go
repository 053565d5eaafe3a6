package statuspage

import (
	"bytes"
	"embed"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html/template"
	"time"

	"pagerd/gateway/update"
)

//go:embed page.html notice.html page.css
var files embed.FS

// Stylesheet is the page's style sheet.
func Stylesheet() []byte {
	b, err := files.ReadFile("page.css")
	if err != nil {
		panic(err) // embedded
	}
	return b
}

// word is what a state is called.
func word(s update.State) string {
	switch s {
	case "":
		return "works"
	case update.Investigating:
		return "disturbed: we are looking for the cause"
	case update.Identified:
		return "disturbed: we know why and are mending it"
	case update.Monitoring:
		return "mended: we are watching it"
	}
	return "over"
}

func stamp(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }

// bar is a day in a plot.
type bar struct {
	X     int
	Class string
	Says  string
}

// bars are a component's days for the plot: as usual, disturbed for less than an hour, or longer.
func (p Page) bars(component string) []bar {
	out := []bar{}
	for i, d := range p.History(component) {
		b := bar{X: 4 * i, Class: "ok", Says: d.Date + ": as usual"}
		switch {
		case d.Disturbed >= time.Hour:
			b.Class = "bad"
		case d.Disturbed > 0:
			b.Class = "busy"
		}
		if d.Disturbed > 0 {
			b.Says = fmt.Sprintf("%s: disturbed for %s", d.Date, d.Disturbed.Round(time.Minute))
		}
		out = append(out, b)
	}
	return out
}

// HTML renders the page.
func (p Page) HTML() ([]byte, error) {
	t, err := template.New("page.html").Funcs(template.FuncMap{
		"word": word, "stamp": stamp, "bars": p.bars, "standing": p.Standing,
		"uptime": func(c string) string { return percent(p.Uptime(c)) }, "iso": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"width": func() int { return 4*Days - 1 },
		"newestFirst": func(d Disturbance) []Word {
			out := make([]Word, 0, len(d.Words))
			for i := len(d.Words) - 1; i >= 0; i-- {
				out = append(out, d.Words[i])
			}
			return out
		},
	}).ParseFS(files, "page.html")
	if err != nil {
		return nil, fmt.Errorf("read the status page's template: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("render the status page: %w", err)
	}
	return b.Bytes(), nil
}

// Elements of an Atom feed (RFC 4287).
type (
	atomFeed struct {
		XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
		ID      string      `xml:"id"`
		Title   string      `xml:"title"`
		Updated string      `xml:"updated"`
		Link    []atomLink  `xml:"link"`
		Author  atomAuthor  `xml:"author"`
		Entries []atomEntry `xml:"entry"`
	}
	atomLink struct {
		Rel  string `xml:"rel,attr,omitempty"`
		Href string `xml:"href,attr"`
	}
	atomAuthor struct {
		Name string `xml:"name"`
	}
	atomText struct {
		Type string `xml:"type,attr"`
		Text string `xml:",chardata"`
	}
	atomEntry struct {
		ID        string   `xml:"id"`
		Title     string   `xml:"title"`
		Published string   `xml:"published"`
		Updated   string   `xml:"updated"`
		Link      atomLink `xml:"link"`
		Content   atomText `xml:"content"`
	}
)

// Atom renders the feed: an entry per word, so that a reader shows each once. Ids never change.
func (p Page) Atom() ([]byte, error) {
	f := atomFeed{ID: p.URL + "/", Title: p.Title, Author: atomAuthor{p.Title}, Updated: p.from().Format(time.RFC3339),
		Link: []atomLink{{Href: p.URL + "/"}, {Rel: "self", Href: p.URL + "/feed.atom"}}}
	for _, d := range p.list {
		for i := len(d.Words) - 1; i >= 0; i-- {
			w := d.Words[i]
			at := w.At.UTC().Format(time.RFC3339)
			text := w.Text
			if !w.Next.IsZero() {
				text += "\n\nWe will write again at " + stamp(w.Next) + "."
			}
			f.Entries = append(f.Entries, atomEntry{ID: fmt.Sprintf("%s/#%s-%d", p.URL, d.ID(), w.At.UnixNano()), Title: d.Component + ": " + word(w.State),
				Published: at, Updated: at, Link: atomLink{Href: p.URL + "/#" + d.ID()}, Content: atomText{"text", text}})
			f.Updated = max(f.Updated, at)
		}
	}
	b, err := xml.MarshalIndent(f, "", " ")
	if err != nil {
		return nil, fmt.Errorf("render the feed: %w", err)
	}
	return append([]byte(xml.Header), append(b, '\n')...), nil
}

// JSON renders the same for programs.
func (p Page) JSON() ([]byte, error) {
	type told struct {
		State update.State `json:"state"`
		Text  string       `json:"text"`
		At    time.Time    `json:"at"`
		Next  time.Time    `json:"next,omitzero"`
	}
	type disturbance struct {
		ID        string `json:"id"`
		Component string `json:"component"`
		Words     []told `json:"words"`
	}
	type component struct {
		Name   string       `json:"name"`
		State  update.State `json:"state,omitempty"` // empty = works
		Uptime string       `json:"uptime_90_days"`
	}
	out := struct {
		Title        string        `json:"title"`
		At           time.Time     `json:"at"`
		Components   []component   `json:"components"`
		Disturbances []disturbance `json:"disturbances"`
	}{Title: p.Title, At: p.Now, Components: []component{}, Disturbances: []disturbance{}}
	for _, c := range p.Components {
		out.Components = append(out.Components, component{c, p.Standing(c), percent(p.Uptime(c))})
	}
	for _, d := range p.list {
		v := disturbance{ID: d.ID(), Component: d.Component}
		for _, w := range d.Words {
			v.Words = append(v.Words, told(w))
		}
		out.Disturbances = append(out.Disturbances, v)
	}
	b, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("render the status page: %w", err)
	}
	return append(b, '\n'), nil
}

// Notice is the answer to somebody who subscribes or leaves.
type Notice struct {
	Title    string
	Sentence string
	Problem  bool
	Button   string // what a POST to the same address does; empty = nothing
	Home     string // the status page, relative to the notice, with a slash at its end
}

// HTML renders the notice.
func (n Notice) HTML() ([]byte, error) {
	t, err := template.ParseFS(files, "notice.html")
	if err != nil {
		return nil, fmt.Errorf("read the template of notices: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, n); err != nil {
		return nil, fmt.Errorf("render a notice: %w", err)
	}
	return b.Bytes(), nil
}
