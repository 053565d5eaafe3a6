package postmortem

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// The sections, in their order. A published postmortem has all of them.
const (
	SectionSummary      = "Summary"
	SectionImpact       = "Impact"
	SectionTimeline     = "Timeline"
	SectionWell         = "What went well"
	SectionWrong        = "What went wrong"
	SectionCause        = "Root cause"
	SectionContributing = "Contributing factors"
	SectionQuestions    = "Prevention, detection, response"
	SectionActions      = "Action items"
	SectionLessons      = "Lessons learned"
)

// Sections returns the headings in their order.
func Sections() []string {
	return []string{SectionSummary, SectionImpact, SectionTimeline, SectionWell, SectionWrong, SectionCause, SectionContributing,
		SectionQuestions, SectionActions, SectionLessons}
}

// ask marks a question that a person must answer before the postmortem is published: the line is replaced by the answer.
const ask = "> **?** "

func isQuestion(line string) bool {
	return strings.HasPrefix(strings.TrimSpace(line), strings.TrimSpace(ask))
}

// Quote makes foreign text safe for a line or a table's cell: one line, no control or direction marks, and nothing that
// Markdown or HTML understand. It is cut to 500 runes.
func Quote(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	var b strings.Builder
	n, space := 0, false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			continue
		}
		if n++; n > maxQuoted {
			b.WriteString("…")
			break
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		if strings.ContainsRune("\\`*_{}[]<>()#+!|~&@", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	out := strings.ReplaceAll(www.ReplaceAllString(b.String(), `$1\.`), "://", `\://`)
	if strings.HasPrefix(out, "-") || strings.HasPrefix(out, "=") {
		out = "\\" + out
	}
	if digits := strings.TrimLeft(out, "0123456789"); len(digits) < len(out) && strings.HasPrefix(digits, ".") {
		out = out[:len(out)-len(digits)] + "\\" + digits
	}
	return out
}

const maxQuoted = 500

// www is what some renderers make a link of, like ://.
var www = regexp.MustCompile(`(?i)(www)\.`)

var escaped = regexp.MustCompile(`\\([^\w\s])`)

// unquote takes the escapes of Markdown away.
func unquote(s string) string { return escaped.ReplaceAllString(s, "$1") }

// Section returns what stands under a heading of the second level, without blank lines around it; empty when there is no such
// heading. Case does not matter.
func Section(text, heading string) string {
	var out []string
	in, fence := false, false
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fence = !fence
		}
		if title, ok := strings.CutPrefix(line, "## "); ok && !fence {
			in = strings.EqualFold(strings.TrimSpace(title), heading)
			continue
		}
		if in {
			out = append(out, line)
		}
	}
	return strings.TrimSpace(strings.Join(out, "\n"))
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return strings.TrimSpace(line)
}

// The lessons that a digest tells of a postmortem: so many, of so many runes each.
const (
	maxLessons = 5
	maxLesson  = 200
)

// bullet is how an item of a list begins.
var bullet = regexp.MustCompile(`^\s*([-*+]|\d+\.)\s+`)

// Lessons returns what was learned as plain text, a line each; questions that nobody answered are none.
func Lessons(text string) []string {
	var out []string
	for _, line := range strings.Split(Section(text, SectionLessons), "\n") {
		asked := isQuestion(line)
		line = unquote(strings.TrimSpace(bullet.ReplaceAllString(line, "")))
		if line == "" || asked || len(out) == maxLessons {
			continue
		}
		if r := []rune(line); len(r) > maxLesson {
			line = string(r[:maxLesson]) + "…"
		}
		out = append(out, line)
	}
	return out
}

// Problems says what keeps a text from being published; empty = nothing.
func Problems(text string) []string {
	var out, empty, asking []string
	for _, s := range Sections() {
		body := Section(text, s)
		switch {
		case body == "":
			empty = append(empty, s)
		case slices.ContainsFunc(strings.Split(body, "\n"), isQuestion):
			asking = append(asking, s)
		}
	}
	if len(empty) > 0 {
		out = append(out, "missing or empty: "+strings.Join(empty, "; "))
	}
	if len(asking) > 0 {
		out = append(out, fmt.Sprintf("a question is left (a line that begins with %q, to be replaced by the answer) in: %s", strings.TrimSpace(ask), strings.Join(asking, "; ")))
	}
	rows, bad := Rows(text)
	out = append(out, bad...)
	if len(rows) == 0 && len(bad) == 0 && !strings.Contains(strings.ToLower(Section(text, SectionActions)), "none") {
		out = append(out, `there is no action item: write a row of the table, or "None" and why`)
	}
	return out
}

// Tags returns the words of the line "Tags: a, b".
func Tags(text string) []string {
	var out []string
	for _, line := range strings.Split(text, "\n") {
		rest, ok := strings.CutPrefix(line, "Tags:")
		if !ok {
			continue
		}
		for _, t := range strings.Split(rest, ",") {
			if t = strings.ToLower(unquote(strings.TrimSpace(t))); t != "" && !slices.Contains(out, t) && len(out) < 20 {
				out = append(out, t)
			}
		}
	}
	return out
}

// Row is a line of the table of action items. Number is 0 for one that was not recorded yet.
type Row struct {
	Number int64
	Item   Item
}

// actionHeader is the table's first line; its columns are found by their names.
const actionHeader = "| # | Action | Owner | Due | Priority | Success criterion |\n|---|---|---|---|---|---|\n"

// Rows reads the table of action items. bad names each row that lacks something, and what.
func Rows(text string) (rows []Row, bad []string) {
	n := 0
	for _, line := range strings.Split(Section(text, SectionActions), "\n") {
		cells, ok := tableRow(line)
		if !ok || len(cells) == 0 || strings.EqualFold(cells[0], "#") || strings.Trim(cells[0], ":-") == "" && cells[0] != "" {
			continue
		}
		if strings.Join(cells, "") == "" {
			continue
		}
		n++
		if len(cells) != 6 {
			bad = append(bad, fmt.Sprintf("row %d of the action items has %d columns: #, Action, Owner, Due, Priority, Success criterion", n, len(cells)))
			continue
		}
		item, missing := ParseItem(cells[1], cells[2], cells[3], cells[4], cells[5])
		if len(missing) > 0 {
			bad = append(bad, fmt.Sprintf("row %d of the action items (%s): %s", n, cmp.Or(cells[1], "no title"), strings.Join(missing, ", ")))
			continue
		}
		r := Row{Item: item}
		if _, err := fmt.Sscanf(strings.TrimPrefix(cells[0], "#"), "%d", &r.Number); err != nil {
			r.Number = 0
		}
		rows = append(rows, r)
	}
	return rows, bad
}

// tableRow splits "| a | b \| c |" into its cells, without Markdown's escapes.
func tableRow(line string) ([]string, bool) {
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "|") || len(line) < 2 {
		return nil, false
	}
	var cells []string
	var cell strings.Builder
	for i := 1; i < len(line); i++ {
		switch {
		case line[i] == '\\' && i+1 < len(line):
			cell.WriteString(line[i : i+2])
			i++
		case line[i] == '|':
			cells = append(cells, unquote(strings.TrimSpace(cell.String())))
			cell.Reset()
		default:
			cell.WriteByte(line[i])
		}
	}
	if rest := strings.TrimSpace(cell.String()); rest != "" {
		cells = append(cells, unquote(rest))
	}
	return cells, true
}

// WithNumbers writes numbers into the rows of the table that have none, in their order.
func WithNumbers(text string, numbers []int64) string {
	lines := strings.Split(text, "\n")
	in := false
	for i, line := range lines {
		if title, ok := strings.CutPrefix(line, "## "); ok {
			in = strings.EqualFold(strings.TrimSpace(title), SectionActions)
			continue
		}
		cells, ok := tableRow(line)
		if !in || !ok || len(numbers) == 0 || len(cells) != 6 || cells[0] != "" || cells[1] == "" {
			continue
		}
		first := strings.Index(line, "|")
		second := first + 1 + strings.Index(line[first+1:], "|")
		lines[i] = fmt.Sprintf("%s #%d %s", line[:first+1], numbers[0], line[second:])
		numbers = numbers[1:]
	}
	return strings.Join(lines, "\n")
}
