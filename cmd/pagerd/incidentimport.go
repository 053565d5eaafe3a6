package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"pagerd/gateway/api"
)

type incidentImport struct {
	remote
	format
	Number int64  `arg:"" help:"The incident's number."`
	File   string `arg:"" help:"A line each: 2026-03-28T03:05:00Z ana: what was said. - reads from standard input."`
}

func (c *incidentImport) Run(e *env) error {
	in := io.Reader(os.Stdin)
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return fmt.Errorf("read highlights: %w", err)
		}
		defer f.Close()
		in = f
	}
	list, err := readHighlights(in)
	if err != nil {
		return err
	}
	out, err := c.client().IncidentAct(e.ctx, c.Number, "import", api.Act{Highlights: list})
	return c.toldIncident(e, out, err)
}

// readHighlights reads lines of an instant, a name with a colon, and a text. Empty lines and those that begin with # are
// left out; the first line that is none of this is told with its number, and nothing is imported.
func readHighlights(r io.Reader) ([]api.Highlight, error) {
	var out []api.Highlight
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		when, rest, _ := strings.Cut(line, " ")
		at, err := time.Parse(time.RFC3339, when)
		if err != nil {
			return nil, &misuse{fmt.Sprintf("line %d does not begin with an instant: %q", n, cut(safe(when), 40)), "write it as 2026-03-28T03:05:00Z ana: what was said"}
		}
		h := api.Highlight{At: at, Text: strings.TrimSpace(rest)}
		if by, text, ok := strings.Cut(rest, ": "); ok && !strings.Contains(strings.TrimSpace(by), " ") {
			h.By, h.Text = strings.TrimSpace(by), strings.TrimSpace(text)
		}
		out = append(out, h)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read highlights: %w", err)
	}
	return out, nil
}
