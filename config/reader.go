package config

import (
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"pagerd/gateway/alert"
)

// maxFile bounds what is read from the configuration and from secret files.
const maxFile = 4 << 20

// reader walks a document's nodes and collects every mistake with its place.
type reader struct {
	file   string
	env    func(string) (string, bool)
	errors Errors
}

// at is a value with its place and its name in the document.
type at struct {
	node *yaml.Node
	path string
	r    *reader
}

func (a at) fail(hint, format string, args ...any) {
	e := Error{File: a.r.file, Path: a.path, Message: fmt.Sprintf(format, args...), Hint: hint}
	if a.node != nil {
		e.Line, e.Column = a.node.Line, a.node.Column
	}
	a.r.errors = append(a.r.errors, e)
}

func (a at) missing() bool { return a.node == nil || a.node.Kind == 0 || a.node.Tag == "!!null" }

// kind names what was found, for errors.
func (a at) kind() string {
	switch a.node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	return strconv.Quote(a.node.Value)
}

// fields are the values of a mapping by key.
type fields map[string]at

// mapping reads a mapping with these keys only.
func (a at) mapping(allowed ...string) fields {
	out := fields{}
	for _, key := range allowed {
		out[key] = at{path: join(a.path, key), r: a.r}
	}
	if a.missing() {
		return out
	}
	if a.node.Kind != yaml.MappingNode {
		a.fail("", "found %s, want a mapping with the keys %s", a.kind(), strings.Join(allowed, ", "))
		return out
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(a.node.Content); i += 2 {
		key, value := a.node.Content[i], a.node.Content[i+1]
		k := at{node: key, path: a.path, r: a.r}
		switch {
		case !slices.Contains(allowed, key.Value):
			hint := "allowed here: " + strings.Join(allowed, ", ")
			if near := nearest(key.Value, allowed); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			k.fail(hint, "unknown key %q", key.Value)
		case seen[key.Value]:
			k.fail("", "the key %q is there twice", key.Value)
		default:
			seen[key.Value] = true
			out[key.Value] = at{node: value, path: join(a.path, key.Value), r: a.r}
		}
	}
	return out
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// list reads a sequence.
func (a at) list() []at {
	if a.missing() {
		return nil
	}
	if a.node.Kind != yaml.SequenceNode {
		a.fail("begin each element with a dash", "found %s, want a list", a.kind())
		return nil
	}
	out := make([]at, len(a.node.Content))
	for i, n := range a.node.Content {
		out[i] = at{node: n, path: fmt.Sprintf("%s[%d]", a.path, i), r: a.r}
	}
	return out
}

// entries reads a mapping with free keys, in order.
func (a at) entries() (keys []string, values []at) {
	if a.missing() {
		return nil, nil
	}
	if a.node.Kind != yaml.MappingNode {
		a.fail("", "found %s, want a mapping", a.kind())
		return nil, nil
	}
	for i := 0; i+1 < len(a.node.Content); i += 2 {
		key := a.node.Content[i].Value
		if slices.Contains(keys, key) {
			at{node: a.node.Content[i], path: a.path, r: a.r}.fail("", "the key %q is there twice", key)
			continue
		}
		keys = append(keys, key)
		values = append(values, at{node: a.node.Content[i+1], path: join(a.path, key), r: a.r})
	}
	return keys, values
}

var reference = regexp.MustCompile(`\$\{(env|file):([^}]*)\}`)

// text reads a scalar and puts in what ${env:NAME} and ${file:PATH} refer to. The value is never part of an error then.
func (a at) text() string {
	s, _ := a.scalar()
	return s
}

func (a at) scalar() (s string, secret bool) {
	if a.missing() {
		return "", false
	}
	if a.node.Kind != yaml.ScalarNode {
		a.fail("", "found %s, want a single value", a.kind())
		return "", false
	}
	return reference.ReplaceAllStringFunc(a.node.Value, func(ref string) string {
		secret = true
		m := reference.FindStringSubmatch(ref)
		if m[1] == "env" {
			v, ok := a.r.env(m[2])
			if !ok {
				a.fail("set it, or write the value's file as ${file:PATH}", "the environment variable %s is not set", m[2])
			}
			return v
		}
		return a.fromFile(m[2])
	}), secret
}

func (a at) fromFile(path string) string {
	info, err := os.Stat(path)
	if err != nil || info.Size() > maxFile {
		a.fail("the file must exist and be readable by pagerd", "the file %s cannot be read", path)
		return ""
	}
	b, err := os.ReadFile(path)
	if err != nil {
		a.fail("the file must exist and be readable by pagerd", "the file %s cannot be read", path)
		return ""
	}
	return strings.TrimRight(string(b), "\r\n")
}

// need is text that must be there.
func (a at) need(of at) string {
	if a.missing() {
		of.fail("", "%q is missing", a.path[strings.LastIndexByte(a.path, '.')+1:])
		return ""
	}
	return a.text()
}

// texts reads a list of scalars; a single scalar is a list of one.
func (a at) texts() []string {
	if a.missing() {
		return nil
	}
	if a.node.Kind == yaml.ScalarNode {
		return []string{a.text()}
	}
	var out []string
	for _, e := range a.list() {
		out = append(out, e.text())
	}
	return out
}

// oneOf reads a word from a closed list.
func (a at) oneOf(fallback string, allowed ...string) string {
	if a.missing() {
		return fallback
	}
	s := a.text()
	if !slices.Contains(allowed, s) {
		hint := ""
		if near := nearest(s, allowed); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		a.fail(hint, "found %q, allowed: %s", s, strings.Join(allowed, ", "))
		return fallback
	}
	return s
}

func (a at) yes(fallback bool) bool {
	return a.oneOf(strconv.FormatBool(fallback), "true", "false") == "true"
}

func (a at) number(fallback, low, high int) int {
	if a.missing() {
		return fallback
	}
	n, err := strconv.Atoi(a.text())
	if err != nil || n < low || n > high {
		a.fail("", "found %s, want a whole number from %d to %d", a.kind(), low, high)
		return fallback
	}
	return n
}

var dayUnit = regexp.MustCompile(`^(\d+)(d|w)$`)

// duration reads Go's syntax and whole days and weeks: "90s", "5m", "1h30m", "2d", "1w".
func (a at) duration(fallback, low time.Duration) time.Duration {
	if a.missing() {
		return fallback
	}
	s := a.text()
	d, err := time.ParseDuration(s)
	if m := dayUnit.FindStringSubmatch(s); m != nil {
		n, _ := strconv.Atoi(m[1])
		d, err = time.Duration(n)*24*time.Hour, nil
		if m[2] == "w" {
			d *= 7
		}
	}
	const most = 10 * 365 * 24 * time.Hour
	if err != nil || d < low || d > most {
		a.fail("write it like 90s, 5m, 2h or 7d", "found %q, want a duration of at least %s", s, low)
		return fallback
	}
	return d
}

func (a at) zone(fallback *time.Location) *time.Location {
	if a.missing() {
		return fallback
	}
	s := a.text()
	z, err := time.LoadLocation(s)
	if err != nil || s == "" || s == "Local" {
		a.fail("write it like Europe/Madrid or UTC", "found %q, want the name of a time zone", s)
		return fallback
	}
	return z
}

func (a at) severity() alert.Severity {
	if a.missing() {
		return 0
	}
	s, err := alert.ParseSeverity(a.text())
	if err != nil {
		a.fail("", "found %q, allowed: SEV-1, SEV-2, SEV-3, SEV-4", a.text())
	}
	return s
}

var e164 = regexp.MustCompile(`^\+[1-9]\d{6,14}$`)

func (a at) phone() string {
	s := a.text()
	if s != "" && !e164.MatchString(s) {
		a.fail("", "found a number that is not in international form, want one such as +34600123456")
	}
	return s
}

func (a at) instant(zone *time.Location) time.Time {
	s := a.text()
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04", "2006-01-02T15:04"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t.UTC()
		}
	}
	a.fail("", "found %q, want an instant such as 2026-03-28T09:00:00Z, or 2026-03-28 09:00 in the schedule's zone", s)
	return time.Time{}
}

// link reads an http or https address.
func (a at) link() string {
	s := a.text()
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		a.fail("", "found %q, want an address such as https://pager.example.com", s)
		return ""
	}
	return strings.TrimRight(s, "/")
}
