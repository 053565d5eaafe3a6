package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// SyntaxError is a mistake in a script: what was found, and what was allowed there.
type SyntaxError struct {
	File         string
	Line, Column int // from 1
	Message      string
}

// Error is FILE:LINE:COLUMN: message.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// parser reads statements. A mistake ends its statement only, so that all of them are told at once.
type parser struct {
	file   string
	script string
	tokens []token
	next   int
	errs   []error
}

// maxErrors is how many mistakes are told: a file that is no scenario at all must not print itself.
const maxErrors = 20

// parse reads a script. The error joins a SyntaxError for each mistake.
func parse(file, script string) ([]statement, error) {
	p := &parser{file: file, script: script}
	p.tokens = scan(script, p.problem)
	var out []statement
	for p.peek().kind != ended {
		if p.peek().kind == stop {
			p.next++
			continue
		}
		s, err := p.statement()
		if err == nil && !p.open(s.do) && p.peek().kind != stop {
			err = p.unexpected("the end of the statement (a ; or a new line)")
		}
		if err != nil {
			p.errs = append(p.errs, err)
			for p.peek().kind != stop {
				p.next++
			}
			continue
		}
		out = append(out, s)
	}
	if len(p.errs) > maxErrors {
		p.errs = append(p.errs[:maxErrors], fmt.Errorf("%s: %d more", file, len(p.errs)-maxErrors))
	}
	return out, errors.Join(p.errs...)
}

// open reports whether another statement may follow without a separator: "at Sat 03:00 fire Disk".
func (p *parser) open(a action) bool {
	switch a.(type) {
	case moveTo, wait:
		return true
	}
	return false
}

func (p *parser) problem(at position, format string, args ...any) {
	p.errs = append(p.errs, p.errorAt(at, format, args...))
}

func (p *parser) errorAt(at position, format string, args ...any) error {
	return &SyntaxError{File: p.file, Line: at.line, Column: at.column, Message: fmt.Sprintf(format, args...)}
}

// unexpected says what is there and what was allowed.
func (p *parser) unexpected(allowed ...string) error {
	return p.errorAt(p.peek().at, "found %s; allowed: %s", p.peek(), strings.Join(allowed, ", "))
}

func (p *parser) peek() token { return p.tokens[p.next] }

// take returns the next token and goes on. It never passes the end of the statement.
func (p *parser) take() token {
	t := p.peek()
	if t.kind != stop && t.kind != ended {
		p.next++
	}
	return t
}

// is reports whether the next token is the word or mark, and goes on if so.
func (p *parser) is(body string) bool {
	t := p.peek()
	if t.kind != word && t.kind != mark || t.text != body {
		return false
	}
	p.next++
	return true
}

// one takes one of the words.
func (p *parser) one(allowed ...string) (string, error) {
	t := p.peek()
	if t.kind != word || !slices.Contains(allowed, t.text) {
		return "", p.unexpected(allowed...)
	}
	p.next++
	return t.text, nil
}

// words takes several words that belong together: "is", "busy".
func (p *parser) words(all ...string) error {
	for _, w := range all {
		if _, err := p.one(w); err != nil {
			return err
		}
	}
	return nil
}

// name takes a word that names something; what says what.
func (p *parser) name(what string) (token, error) {
	if p.peek().kind != word {
		return token{}, p.unexpected(what)
	}
	return p.take(), nil
}

// more reports whether the statement goes on.
func (p *parser) more() bool { return p.peek().kind != stop && p.peek().kind != ended }

// openers are the words with which a statement may begin, apart from a person's name.
func openers() []string {
	return []string{"start", "at", "wait", "fire", "resolve", "alertmanager", "cloudwatch", "fail", "heal", "expect", "print"}
}

// deeds are the words that may follow a person's name.
func deeds() []string {
	return []string{"replies", "answers", "presses", "hangs", "does", "is", "lets", "follows", "runs"}
}

func (p *parser) statement() (statement, error) {
	first := p.peek()
	do, err := p.action()
	if err != nil {
		return statement{}, err
	}
	source := p.script[first.from:p.tokens[p.next-1].to]
	return statement{at: first.at, source: strings.Join(strings.Fields(source), " "), do: do}, nil
}

func (p *parser) action() (action, error) {
	if p.peek().kind != word {
		return nil, p.unexpected(append(openers(), "a person's name")...)
	}
	switch first := p.take(); first.text {
	case "start":
		return p.start()
	case "at":
		when, err := p.moment()
		return moveTo{when}, err
	case "wait":
		d, err := p.duration()
		return wait{d}, err
	case "fire":
		return p.fire()
	case "resolve":
		name, err := p.name("the name of an alert that fired")
		return resolveAlert{name}, err
	case "alertmanager":
		return p.post("alertmanager")
	case "cloudwatch":
		return p.post("sns")
	case "fail":
		return p.fail()
	case "heal":
		c, err := p.channel()
		return healChannel{c}, err
	case "expect":
		return p.expect()
	case "print":
		return printDay{}, nil
	default:
		if t := p.peek(); t.kind != word || !slices.Contains(deeds(), t.text) {
			p.next--
			return nil, p.unexpected(append(openers(), "a person's name and one of "+strings.Join(deeds(), ", "))...)
		}
		return p.person(first)
	}
}
