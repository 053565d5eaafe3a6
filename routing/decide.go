package routing

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/page"
)

// Reason is why a decision is what it is, from a closed list.
type Reason string

// The closed list of reasons.
const (
	ReasonRoute           Reason = "route"            // the route is configured with it
	ReasonDefaultRoute    Reason = "default_route"    // no other route matched
	ReasonLabel           Reason = "severity_label"   // the alert's label says how bad it is
	ReasonBuiltin         Reason = "builtin_metric"   // the built-in table of CloudWatch metrics says so
	ReasonFallback        Reason = "route_fallback"   // the route's fallback
	ReasonUnknownSeverity Reason = "unknown_severity" // the label's value is not known: the default holds, loudly
	ReasonNoSeverity      Reason = "no_severity"      // nothing says how bad it is: the default holds
	ReasonUnknownMessage  Reason = "unknown_message"  // the receiver did not understand it: catch-all
	ReasonSilence         Reason = "silence"          // a configured silence covers it
	ReasonQuiet           Reason = "severity_none"    // a signal for machines
)

// maxGroup is the longest group key; what is longer is hashed.
const maxGroup = 200

// Decide maps one alert. It never fails: what matches nothing else takes the default route.
func (t *Tree) Decide(a alert.Alert, now time.Time) Decision {
	n, path := t.find(a)
	d := Decision{Path: path}
	if n == t.root {
		d.Reasons = append(d.Reasons, ReasonDefaultRoute)
	} else {
		d.Reasons = append(d.Reasons, ReasonRoute)
	}
	service := t.service(n, a)
	sev, why := t.severity(n, a)
	d.Reasons = append(d.Reasons, why)
	d.Quiet = why == ReasonQuiet
	policy := n.Policy
	known, configured := t.spec.Services[service]
	if configured && known.Policy != "" && n == t.root {
		policy = known.Policy
	}
	d.Subject = page.Subject{
		Severity: sev, Service: service, Summary: a.Summary(), Environment: first(n.Environment, known.Environment, environment(a)),
		Runbook: runbook(n, known, sev, a), Why: strings.Join(path, " > ") + ": " + string(why),
		Policy: t.spec.Families[policy][sev], Targets: t.spec.Targets[sev],
	}
	src := t.spec.Sources[a.Source]
	d.Subject.Targets.Stale, d.Subject.Targets.GroupInterval = src.Stale, src.GroupInterval
	d.Group = group(n, a, service)
	if s := t.silenced(a, now); s != nil {
		d.Silenced = s
		d.Reasons = append(d.Reasons, ReasonSilence)
	}
	return d
}

// find descends to the first match at every level.
func (t *Tree) find(a alert.Alert) (*node, []string) {
	n := t.root
	path := []string{n.Name}
	if a.Unknown != "" {
		return n, path
	}
	for {
		i := slices.IndexFunc(n.children, func(c *node) bool { return c.matches(a) })
		if i < 0 {
			return n, path
		}
		n = n.children[i]
		path = append(path, n.Name)
	}
}

func (n *node) matches(a alert.Alert) bool {
	for _, m := range n.matchers {
		if !m.Matches(value(a, m.Name)) {
			return false
		}
	}
	return true
}

// value is a label's value; "source" is the source's name unless the alert has such a label.
func value(a alert.Alert, name string) string {
	v, ok := a.Labels[name]
	if !ok && name == "source" {
		return a.Source
	}
	return v
}

func (t *Tree) service(n *node, a alert.Alert) string {
	if n.Service != "" {
		if label, ok := strings.CutPrefix(n.Service, "label:"); ok {
			if v := a.Labels[label]; v != "" {
				return v
			}
		} else {
			return n.Service
		}
	}
	return first(a.Labels["service"], serviceOf(a.Labels["namespace"]), a.Labels["job"], a.Source)
}

// severity says how bad it is and where that came from.
func (t *Tree) severity(n *node, a alert.Alert) (alert.Severity, Reason) {
	if a.Unknown != "" {
		return t.spec.CatchAll, ReasonUnknownMessage
	}
	label := a.Labels[first(n.Label, "severity")]
	if strings.EqualFold(label, "none") {
		return alert.SEV4, ReasonQuiet
	}
	if n.Severity != 0 {
		return n.Severity, ReasonRoute
	}
	if label != "" {
		word := strings.ToLower(label)
		if s, ok := n.Map[word]; ok {
			return s, ReasonLabel
		}
		if s := usual(word); s != 0 {
			return s, ReasonLabel
		}
		if s, err := alert.ParseSeverity(label); err == nil {
			return s, ReasonLabel
		}
		return firstSeverity(n.Fallback, t.spec.Default), ReasonUnknownSeverity
	}
	if s := metricSeverity(a.Labels["namespace"], a.Labels["metric"]); s != 0 {
		return s, ReasonBuiltin
	}
	if n.Fallback != 0 {
		return n.Fallback, ReasonFallback
	}
	return t.spec.Default, ReasonNoSeverity
}

// usual are the words that monitoring systems use.
func usual(word string) alert.Severity {
	switch word {
	case "critical", "page", "emergency", "fatal", "p1":
		return alert.SEV1
	case "error", "high", "major", "p2":
		return alert.SEV2
	case "warning", "warn", "medium", "minor", "p3":
		return alert.SEV3
	case "info", "informational", "low", "notice", "p4", "p5":
		return alert.SEV4
	}
	return 0
}

func firstSeverity(all ...alert.Severity) alert.Severity {
	for _, s := range all {
		if s != 0 {
			return s
		}
	}
	return 0
}

func first(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}

func environment(a alert.Alert) string {
	return first(a.Labels["env"], a.Labels["environment"], a.Labels["Stage"])
}

// runbook takes the configuration's link before the alert's own, which must be http or https.
func runbook(n *node, s Service, sev alert.Severity, a alert.Alert) string {
	if link := first(n.Runbook, s.Runbooks[sev], s.Runbook); link != "" {
		return link
	}
	link := first(a.Annotations["runbook_url"], a.Annotations["runbook"])
	if strings.HasPrefix(link, "https://") || strings.HasPrefix(link, "http://") {
		return link
	}
	return ""
}

// escaped keeps a value's slashes from looking like the next value's beginning.
var escaped = strings.NewReplacer("%", "%25", "/", "%2F")

// group is the key of the alert's group: the source, the route's place and the group_by values.
func group(n *node, a alert.Alert, service string) string {
	names := n.GroupBy
	if a.Unknown != "" {
		names = []string{}
	} else if names == nil {
		names = []string{"alertname", "service"}
	}
	var b strings.Builder
	b.WriteString(a.Source)
	b.WriteByte('/')
	b.WriteString(n.id)
	if len(names) == 1 && names[0] == "..." {
		names = nil
		for name := range a.Labels {
			names = append(names, name)
		}
		slices.Sort(names)
	}
	for _, name := range names {
		v := a.Labels[name]
		if name == "service" && v == "" {
			v = service
		}
		b.WriteByte('/')
		b.WriteString(escaped.Replace(v))
	}
	key := b.String()
	if len(key) > maxGroup {
		sum := sha256.Sum256([]byte(key))
		return a.Source + "/" + n.id + "/#" + hex.EncodeToString(sum[:])
	}
	return key
}

// silenced returns the silence that covers the alert now and ends last.
func (t *Tree) silenced(a alert.Alert, now time.Time) *page.Silence {
	var out *page.Silence
	for _, s := range t.silences {
		if now.Before(s.Start) || !now.Before(s.End) || out != nil && !s.End.After(out.Until) {
			continue
		}
		match := true
		for _, m := range s.matchers {
			if !m.Matches(value(a, m.Name)) {
				match = false
				break
			}
		}
		if match {
			out = &page.Silence{Name: s.Name, Until: s.End}
		}
	}
	return out
}
