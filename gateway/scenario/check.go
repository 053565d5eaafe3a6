package scenario

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"pagerd/config"
)

// check compares the names in a script with the configuration. Like parse it tells every mistake at once.
func check(file string, script []statement, cfg *config.Config) error {
	c := &checker{file: file, cfg: cfg, fired: map[string]bool{}}
	for i, s := range script {
		c.statement(i, s)
	}
	if len(c.errs) > maxErrors {
		c.errs = append(c.errs[:maxErrors], fmt.Errorf("%s: %d more", file, len(c.errs)-maxErrors))
	}
	return errors.Join(c.errs...)
}

type checker struct {
	file  string
	cfg   *config.Config
	fired map[string]bool
	errs  []error
}

func (c *checker) problem(t token, allowed []string) {
	list := strings.Join(allowed, ", ")
	if list == "" {
		list = "nothing: the script has none yet"
	}
	c.errs = append(c.errs, &SyntaxError{File: c.file, Line: t.at.line, Column: t.at.column,
		Message: fmt.Sprintf("found %s; allowed: %s", t, list)})
}

// among requires a name to be one of the list; an empty one was not written.
func (c *checker) among(t token, names []string) {
	if t.text != "" && !slices.Contains(names, t.text) {
		c.problem(t, names)
	}
}

func (c *checker) people() []string { return slices.Sorted(maps.Keys(c.cfg.Book.People)) }

// receivers are people, and whoever else the operators' alarms go to.
func (c *checker) receivers() []string {
	names := c.people()
	for _, o := range c.cfg.Operators {
		if n := receiver(o); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

func (c *checker) sources() []string {
	var out []string
	for _, s := range c.cfg.Sources {
		out = append(out, s.Name)
	}
	return out
}

func (c *checker) ofKind(kind string) []string {
	var out []string
	for _, s := range c.cfg.Sources {
		if s.Kind == kind {
			out = append(out, s.Name)
		}
	}
	return out
}

// statement is a switch over the closed set of actions that name something.
func (c *checker) statement(i int, s statement) {
	switch a := s.do.(type) {
	case startDay:
		if i > 0 {
			c.errs = append(c.errs, &SyntaxError{File: c.file, Line: s.at.line, Column: s.at.column, Message: "start must be the first statement"})
		}
	case fireAlert:
		c.among(a.source, c.sources())
		c.fired[a.name.text] = true
	case postFile:
		c.among(a.source, c.ofKind(a.kind))
		if a.source.text == "" && len(c.ofKind(a.kind)) == 0 {
			c.errs = append(c.errs, &SyntaxError{File: c.file, Line: s.at.line, Column: s.at.column,
				Message: "the configuration has no source of kind " + a.kind})
		}
	case resolveAlert:
		if !c.fired[a.name.text] {
			c.problem(a.name, slices.Sorted(maps.Keys(c.fired)))
		}
	case replies:
		c.among(a.person, c.people())
	case answersCall:
		c.among(a.person, c.people())
	case presses:
		c.among(a.person, c.people())
	case endsCall:
		c.among(a.person, c.people())
	case losesSMS:
		c.among(a.person, c.people())
	case follows:
		c.among(a.person, c.people())
	case runs:
		c.among(a.person, c.people())
	case breakChannel:
		c.among(a.person, c.receivers())
	case expectMessage:
		c.among(a.person, c.receivers())
	case expectPage:
		c.among(a.by, append(c.people(), "source"))
	case expectIncident:
		c.among(a.commander, c.people())
	case expectOncall:
		c.rotation(a.rotation)
		c.among(a.person, append(c.people(), "nobody"))
	}
}

func (c *checker) rotation(t token) {
	var names []string
	for _, n := range slices.Sorted(maps.Keys(c.cfg.Book.Rotations)) {
		names = append(names, n, n+"/primary", n+"/secondary", n+"/manager")
	}
	c.among(t, names)
}
