package report

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"
	"time"
)

// december is the review of the generated year's last month, with a foreign text that attacks.
func december(t testing.TB) (Review, *time.Location) {
	zone, facts := madrid(t), year(t, 2000)
	last := &facts.Incidents[len(facts.Incidents)-1]
	last.Drill, last.Merged, last.Status = false, 0, "open"
	last.Summary, last.RootCause = "<img src=x onerror=alert(1)> | [x](javascript:1) \u202e\x1b[31m", "`rm` <script>"
	return New(PeriodOf(Monthly, day(2025, 12, 1), zone), facts, time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC), zone), zone
}

func TestAReviewSaysWhatItsFiguresMeanAndWhatCounts(t *testing.T) {
	r, zone := december(t)
	var md, html bytes.Buffer
	if err := Markdown(&md, r, zone); err != nil {
		t.Fatal(err)
	}
	if err := HTML(&html, r, zone, Links{}); err != nil {
		t.Fatal(err)
	}
	for _, d := range Definitions() {
		if !strings.Contains(md.String(), d.Text) || !strings.Contains(html.String(), d.Text) {
			t.Errorf("%s is not explained", d.Word)
		}
	}
	for _, rule := range Rules() {
		if !strings.Contains(md.String(), rule.Text) || !strings.Contains(html.String(), rule.Text) {
			t.Errorf("rule %s is not told", rule.Word)
		}
	}
	for _, never := range []string{"<img", "<script", "](javascript", "\u202e", "\x1b", " style=", "|  [x]"} {
		if strings.Contains(md.String(), never) && !strings.Contains(md.String(), "\\"+never) || strings.Contains(html.String(), never) {
			t.Errorf("a report holds %q", never)
		}
	}
	if !strings.Contains(html.String(), "prefers-color-scheme: dark") {
		t.Error("a mail has no dark mode")
	}
}

// TestPlotsAreSoundXMLWithAlternativesInWords parses each SVG on its own.
func TestPlotsAreSoundXMLWithAlternativesInWords(t *testing.T) {
	r, zone := december(t)
	var html bytes.Buffer
	if err := HTML(&html, r, zone, Links{CSS: "/report.css"}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(html.String(), "<style") {
		t.Error("the web page carries a style sheet, which its policy refuses")
	}
	plots := strings.Split(html.String(), "<svg")[1:]
	if len(plots) != 2 {
		t.Fatalf("%d plots", len(plots))
	}
	for _, p := range plots {
		p, _, _ = strings.Cut("<svg"+p, "</svg>")
		d := xml.NewDecoder(strings.NewReader(p + "</svg>"))
		text := map[string]string{}
		for name := ""; ; {
			token, err := d.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			switch token := token.(type) {
			case xml.StartElement:
				name = token.Name.Local
			case xml.CharData:
				text[name] += string(token)
			}
		}
		if text["title"] == "" || !strings.Contains(text["desc"], "2025-12") || !strings.Contains(p, `role="img"`) {
			t.Errorf("plot %q says %q", text["title"], text["desc"])
		}
	}
}

func TestAQuietPeriodIsAReportToo(t *testing.T) {
	for _, kind := range []Kind{Monthly, Weekly, Daily} {
		r := New(PeriodOf(kind, day(2026, 3, 4), time.UTC), Facts{}, at(23, 0), time.UTC)
		var md, html bytes.Buffer
		if err := Markdown(&md, r, time.UTC); err != nil {
			t.Fatal(err)
		}
		if err := HTML(&html, r, time.UTC, Links{}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(md.String(), "No incidents (0 in the period before).") || strings.Contains(html.String(), "NaN") {
			t.Errorf("%s: %s", kind, md.String())
		}
	}
}
