package scenario

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// position is where something begins in the script, counted from 1; columns are runes.
type position struct{ line, column int }

// kind says what a token is.
type kind int

const (
	word  kind = iota // anything without spaces and marks: sms, 03:00, platform/primary
	text              // "quoted"
	mark              // one of { } , =
	stop              // end of a statement: a semicolon or the end of a line
	ended             // end of the script
)

// token is a piece of the script; text is without its quotes.
type token struct {
	kind     kind
	text     string
	at       position
	from, to int // bytes in the script
}

// String is the token as an error names it.
func (t token) String() string {
	switch t.kind {
	case stop, ended:
		return "the end of the statement"
	case text:
		return fmt.Sprintf("%q", t.text)
	}
	return fmt.Sprintf("%q", clip(t.text, 40))
}

// scanner cuts a script into tokens. A # begins a comment, a newline inside braces is a space.
type scanner struct {
	script string
	rest   string
	at     position
	braces int
	tokens []token
	fail   func(at position, format string, args ...any)
}

// scan returns the script's tokens, the last of which is ended. Mistakes go to fail, and scanning goes on.
func scan(script string, fail func(at position, format string, args ...any)) []token {
	s := &scanner{script: script, rest: script, at: position{1, 1}, fail: fail}
	for s.rest != "" {
		s.one()
	}
	s.add(stop, "", s.at, len(script))
	s.add(ended, "", s.at, len(script))
	return s.tokens
}

// add ends a token that began at byte from of the script.
func (s *scanner) add(k kind, body string, at position, from int) {
	s.tokens = append(s.tokens, token{kind: k, text: body, at: at, from: from, to: s.eaten()})
}

func (s *scanner) eaten() int { return len(s.script) - len(s.rest) }

// take eats n bytes.
func (s *scanner) take(n int) string {
	eaten := s.rest[:n]
	for _, r := range eaten {
		if r == '\n' {
			s.at = position{s.at.line + 1, 1}
		} else {
			s.at.column++
		}
	}
	s.rest = s.rest[n:]
	return eaten
}

func (s *scanner) one() {
	at, from := s.at, s.eaten()
	r, size := utf8.DecodeRuneInString(s.rest)
	switch {
	case r == utf8.RuneError && size == 1:
		s.fail(at, "the script is not UTF-8 text here")
		s.take(1)
	case r == '#':
		n := strings.IndexByte(s.rest, '\n')
		if n < 0 {
			n = len(s.rest)
		}
		s.take(n)
	case r == '\n':
		s.take(1)
		if s.braces == 0 {
			s.add(stop, "", at, from)
		}
	case r == ';':
		s.take(1)
		s.braces = 0
		s.add(stop, "", at, from)
	case r == ' ' || r == '\t' || r == '\r' || r == '\ufeff':
		s.take(size)
	case r == '"':
		s.quoted(at, from)
	case strings.ContainsRune("{},=", r):
		switch r {
		case '{':
			s.braces++
		case '}':
			s.braces = max(s.braces-1, 0)
		}
		s.add(mark, s.take(1), at, from)
	default:
		n := strings.IndexAny(s.rest, " \t\r\n;#\"{},=")
		if n < 0 {
			n = len(s.rest)
		}
		if !utf8.ValidString(s.rest[:n]) {
			n = size
		}
		s.add(word, s.take(n), at, from)
	}
}

// quoted reads a text to its closing quote on the same line; \" and \\ stand for the quote and the backslash.
func (s *scanner) quoted(at position, from int) {
	s.take(1)
	var b strings.Builder
	for s.rest != "" && s.rest[0] != '\n' {
		_, size := utf8.DecodeRuneInString(s.rest)
		c := s.take(size)
		switch {
		case c == `"`:
			s.add(text, b.String(), at, from)
			return
		case c == `\` && s.rest != "" && (s.rest[0] == '"' || s.rest[0] == '\\'):
			b.WriteString(s.take(1))
		default:
			b.WriteString(strings.ToValidUTF8(c, "\ufffd"))
		}
	}
	s.fail(at, `a text begins here and has no closing "`)
	s.add(text, b.String(), at, from)
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
