package notify

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"pagerd/gateway/alert"
)

// parseLead reads what somebody writes who works on an incident:
//
//	note [1042] TEXT · sev 2 [1042] · ic me|NAME [1042] · page NAME to 1042
//
// ok is false when the text is none of these; the reply is then not understood or something else. Calling people names its
// incident always, because it rings telephones.
func parseLead(text string) (r Reply, ok bool) {
	fields := strings.Fields(strings.ToValidUTF8(text, ""))
	if len(fields) < 2 {
		return parseSeverity(text)
	}
	switch first := strings.ToLower(strings.TrimRight(fields[0], ":,.-")); {
	case first == "note":
		return parseNote(text), true
	case first == "ic" && len(fields) <= 3:
		return parseCommand(fields[1:]), true
	case first == "page" && len(fields) == 4 && strings.EqualFold(fields[2], "to"):
		n, named := pageNumber(fields[3]), name(fields[1])
		if n == 0 || named == "" {
			return Reply{}, true
		}
		return Reply{Verb: VerbCall, Pages: []int64{n}, Name: named}, true
	}
	return parseSeverity(text)
}

// maxNote is how much of a note is kept, in runes: more than any handset sends at once.
const maxNote = 1000

// parseNote takes everything after the word, and after the number if one follows it, as it was written.
func parseNote(text string) Reply {
	rest := strings.TrimLeftFunc(strings.ToValidUTF8(text, ""), unicode.IsSpace)[len("note"):]
	rest = strings.TrimLeft(rest, ":,.- \t\r\n")
	first, after, _ := strings.Cut(strings.Replace(rest, "\n", " ", 1), " ")
	r := Reply{Verb: VerbNote}
	if n := pageNumber(first); n != 0 {
		r.Pages, rest = []int64{n}, after
	}
	r.Text = strings.TrimSpace(rest)
	if runes := []rune(r.Text); len(runes) > maxNote {
		r.Text = string(runes[:maxNote])
	}
	if r.Text == "" {
		return Reply{}
	}
	return r
}

// parseCommand reads a name, and a number before or after it.
func parseCommand(fields []string) Reply {
	r := Reply{Verb: VerbCommand}
	for _, f := range fields {
		if n := pageNumber(f); n != 0 && len(r.Pages) == 0 {
			r.Pages = []int64{n}
		} else if who := name(f); who != "" && r.Name == "" {
			r.Name = who
		} else {
			return Reply{}
		}
	}
	if r.Name == "" {
		return Reply{}
	}
	return r
}

// parseSeverity reads "sev 2", "SEV-2", "sev2", with numbers and fillers and nothing else: a quoted page is none.
func parseSeverity(text string) (r Reply, ok bool) {
	words := replyWords(text)
	fillers := 0
	for i := 0; i < len(words); i++ {
		w := words[i]
		if w == "sev" && i+1 < len(words) {
			i++
			w += words[i]
		}
		switch n := pageNumber(w); {
		case len(w) == 4 && strings.HasPrefix(w, "sev") && w[3] >= '1' && w[3] <= '4' && r.Severity == 0:
			r.Severity = alert.Severity(w[3] - '0')
		case n != 0:
			if !slices.Contains(r.Pages, n) {
				r.Pages = append(r.Pages, n)
			}
		case filler(w):
			fillers++
		default:
			return Reply{}, false
		}
	}
	if r.Severity == 0 || fillers > 2 || len(r.Pages) > 1 || span.MatchString(text) || asks(text) {
		return Reply{}, false
	}
	r.Verb = VerbSeverity
	return r, true
}

// pageNumber reads "1042" or "#1042"; 0 = none.
func pageNumber(s string) int64 {
	digits := strings.Trim(s, "#:,.!")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < firstPage || digits != strconv.FormatInt(n, 10) {
		return 0
	}
	return n
}

// name reads a person, a schedule or a team as it is configured: letters, digits and a few marks, and not only digits.
func name(s string) string {
	s = strings.Trim(s, "\"'“”,.!")
	letter := false
	for _, c := range s {
		letter = letter || unicode.IsLetter(c)
		if !unicode.IsLetter(c) && !unicode.IsDigit(c) && !strings.ContainsRune("-_./:", c) {
			return ""
		}
	}
	if !letter || len(s) > 60 {
		return ""
	}
	return s
}
