package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"
)

//go:embed report.html
var pageHTML string

//go:embed report.css
var styleSheet string

// document is compiled once; it is never changed.
var document = template.Must(template.New("report").Funcs(template.FuncMap{
	"clean": clean, "spell": spell, "percent": percent, "numbers": numbers, "ended": ended, "stamp": stamp, "named": named,
	"lines": Group.lines, "class": func(i int) string { return fmt.Sprintf("sev%d", i+1) }, "lower": strings.ToLower,
	"iso": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
}).Parse(pageHTML))

// StyleSheet is what a page served with [Links].CSS loads.
func StyleSheet() string { return styleSheet }

// Links are the addresses around a review on a web page.
type Links struct {
	CSS                   string // of the style sheet; empty: the document carries it, as a mail must
	Status                string
	Before, After         string // the neighbouring periods
	Quarter               string // the last one, and so on
	Month, Week, Day      string
	Markdown, JSON        string
	BeforeName, AfterName string
}

// HTML writes a review as one document. It holds no script and no inline style; dark mode is a media query of the style
// sheet. Readers that show no SVG, as many mail programs, find the same in tables.
func HTML(w io.Writer, r Review, zone *time.Location, l Links) error {
	if err := document.Execute(w, map[string]any{"R": r, "Zone": zone, "L": l, "Style": template.CSS(styleSheet), "Sentence": r.sentence(), "Left": r.leftSentence(),
		"PerNight": r.Quality.perNight(), "Plots": []Plot{resolvePlot(r.Trend), severityPlot(r.Trend)}, "Daily": r.Period.Kind == Daily, "Sections": r.sections(zone)}); err != nil {
		return fmt.Errorf("render the report: %w", err)
	}
	return nil
}
