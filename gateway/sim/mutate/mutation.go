package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mutation is a planted bug: a text of one file that is replaced by another.
type mutation struct {
	name string // of its file
	rule string // what it breaks
	file string // below the module's root
	args string // for the simulator
	old  string
	new  string
}

// load reads every mutation of a directory, by name.
func load(dir string) ([]mutation, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var out []mutation
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		m, err := parse(string(data))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		m.name = strings.TrimSuffix(filepath.Base(file), ".txt")
		out = append(out, m)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s holds no mutations", dir)
	}
	return out, nil
}

// parse reads "key: value" lines, then the two texts.
func parse(text string) (mutation, error) {
	var m mutation
	head, rest, ok := strings.Cut(text, "-- old --\n")
	before, after, ok2 := strings.Cut(rest, "\n-- new --\n")
	if !ok || !ok2 {
		return m, fmt.Errorf("want a head, \"-- old --\" and \"-- new --\"")
	}
	m.old, m.new = before, strings.TrimSuffix(after, "\n")
	for line := range strings.Lines(head) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "rule":
			m.rule = value
		case "file":
			m.file = value
		case "args":
			m.args = value
		default:
			return m, fmt.Errorf("unknown line %q: want rule, file or args", strings.TrimSpace(line))
		}
	}
	if m.rule == "" || m.file == "" || m.old == m.new {
		return m, fmt.Errorf("want a rule, a file and two different texts")
	}
	return m, nil
}

// apply returns the file with the bug in it. A text that is not there exactly once is an error: the program has moved on,
// and the mutation must follow.
func (m mutation) apply(root string) (string, error) {
	data, err := os.ReadFile(filepath.Join(root, m.file))
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(data), m.old); n != 1 {
		return "", fmt.Errorf("mutation %s: its old text is %d times in %s, want once", m.name, n, m.file)
	}
	return strings.Replace(string(data), m.old, m.new, 1), nil
}
