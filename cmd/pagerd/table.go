package main

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
)

// width is what every table fits: a terminal's usual 80 columns, and a telephone on its side.
const width = 80

// table writes rows in aligned columns, two spaces apart. The last column is cut so that a row fits the width; the others
// are short by their nature.
func table(out io.Writer, rows [][]string) {
	widest := make([]int, len(rows[0])-1)
	for _, row := range rows {
		for i := range widest {
			widest[i] = max(widest[i], len([]rune(row[i])))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		left := width
		for i, w := range widest {
			fmt.Fprintf(&line, "%-*s  ", w, row[i])
			left -= w + 2
		}
		line.WriteString(cut(row[len(widest)], max(left, 20)))
		fmt.Fprintln(out, strings.TrimRight(line.String(), " "))
	}
}

// pairs writes names and values, aligned; values are never cut.
func pairs(out io.Writer, rows [][]string) {
	widest := 0
	for _, row := range rows {
		widest = max(widest, len([]rune(row[0])))
	}
	for _, row := range rows {
		fmt.Fprintf(out, "%-*s  %s\n", widest, row[0], row[1])
	}
}

// cut shortens a text to n runes and says so.
func cut(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return strings.TrimRight(string(r[:n-1]), " ") + "…"
}

// safe removes control characters: what a monitoring system wrote must not drive the terminal.
func safe(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, s)
}

// age is how long ago something was, short: "40s", "12m", "3h05m", "2d4h".
func age(now, t time.Time) string {
	switch d := max(now.Sub(t), 0); {
	case t.IsZero():
		return "-"
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%dd%dh", int(d.Hours())/24, int(d.Hours())%24)
	}
}

// or returns text, or a dash where there is none.
func or(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// stamp is an instant in the terminal's zone.
func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("Mon 2 Jan 15:04")
}
