// Package routing maps an alert to a severity, a service, a runbook, a policy and a group key, and says why.
//
// It promises a decision for every alert: the default route is mandatory, an unknown severity is loud and never dropped.
package routing

import (
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/matcher/parse"
	"github.com/prometheus/alertmanager/pkg/labels"

	"pagerd/gateway/alert"
	"pagerd/gateway/page"
	"pagerd/schedule"
)

// Decision is what routing says of one alert at one instant.
type Decision struct {
	Group    string        // group key within the source: the route's group_by values; stable, opaque, <= 200 bytes
	Subject  page.Subject  // severity, service, summary, environment, runbook, policy and targets
	Path     []string      // the routes that matched, outermost first, for explain
	Reasons  []Reason      // one per choice: which route, where the severity came from, which runbook
	Silenced *page.Silence // set when a configured silence covers the alert now; the one that ends last
	Quiet    bool          // severity "none": a signal for machines, such as Prometheus' Watchdog; it never pages
}

// Spec is a configuration's routing, in plain values.
type Spec struct {
	Root     Route             // the default route; its matchers must be empty
	Families map[string]Family // escalation policies by name: one for each severity
	Targets  map[alert.Severity]page.Targets
	Services map[string]Service
	Sources  map[string]Source
	Silences []Silence
	Default  alert.Severity // when nothing says how bad it is: SEV-3
	CatchAll alert.Severity // messages that no receiver understood: SEV-3
}

// Family is a set of escalation policies, one for each severity. Their names are "FAMILY/SEV-n".
type Family map[alert.Severity]schedule.Policy

// Service is what is configured of a service.
type Service struct {
	Runbook     string // link for every severity
	Runbooks    map[alert.Severity]string
	Policy      string // family
	Environment string
}

// Source is what routing must know of a source.
type Source struct {
	Stale         time.Duration
	GroupInterval time.Duration
}

// Route is a node of the tree. The first child that matches wins; what a child leaves empty it inherits.
type Route struct {
	Name     string   // for explain; made of the matchers when empty
	Matchers []string // Alertmanager's syntax; all must match
	Service  string   // a name, or "label:NAME" to take a label's value
	Severity alert.Severity
	// Fallback holds when neither the route nor the alert says how bad it is.
	Fallback    alert.Severity
	Label       string                    // label that holds the severity, default "severity"
	Map         map[string]alert.Severity // the label's values; added to the usual words
	Policy      string                    // family
	GroupBy     []string                  // label names; ["..."] = all labels; default alertname and service
	Runbook     string
	Environment string
	Routes      []Route
}

// Silence is a configured silence: all matchers match, now in [Start, End).
type Silence struct {
	Name     string
	Matchers []string
	Start    time.Time
	End      time.Time
	Author   string
	Reason   string
}

// Tree is the validated route tree with everything that a decision needs. It is never changed.
type Tree struct {
	root     *node
	spec     Spec
	silences []silence
}

type node struct {
	Route
	id       string
	matchers labels.Matchers
	children []*node
}

type silence struct {
	Silence
	matchers labels.Matchers
}

// New validates a spec. The error names the route or silence that is wrong.
func New(spec Spec) (*Tree, error) {
	if len(spec.Root.Matchers) > 0 {
		return nil, fmt.Errorf("the default route must match everything: it may have no matchers")
	}
	if spec.Default == 0 {
		spec.Default = alert.SEV3
	}
	if spec.CatchAll == 0 {
		spec.CatchAll = alert.SEV3
	}
	root, err := compile(spec.Root, Route{}, "0")
	if err != nil {
		return nil, err
	}
	if err := check(root, spec); err != nil {
		return nil, err
	}
	t := &Tree{root: root, spec: spec}
	for _, s := range spec.Silences {
		ms, err := ParseMatchers(s.Matchers)
		if err != nil {
			return nil, fmt.Errorf("silence %q: %w", s.Name, err)
		}
		t.silences = append(t.silences, silence{s, ms})
	}
	return t, nil
}

// ParseMatchers reads Alertmanager's matcher syntax, UTF-8 first and the classic form where that fails.
func ParseMatchers(texts []string) (labels.Matchers, error) {
	var out labels.Matchers
	for _, text := range texts {
		ms, err := parse.Matchers(text)
		if err != nil {
			classic, err2 := labels.ParseMatchers(text)
			if err2 != nil {
				return nil, fmt.Errorf("matcher %q: %w", text, err)
			}
			ms = classic
		}
		out = append(out, ms...)
	}
	return out, nil
}

// compile inherits and parses. A node's id is its place in the tree.
func compile(r, parent Route, id string) (*node, error) {
	ms, err := ParseMatchers(r.Matchers)
	if err != nil {
		return nil, fmt.Errorf("route %s: %w", nameOf(r, id), err)
	}
	r = inherit(r, parent)
	if r.Name == "" {
		r.Name = nameOf(r, id)
	}
	n := &node{Route: r, id: id, matchers: ms}
	for i, c := range r.Routes {
		child, err := compile(c, r, fmt.Sprintf("%s.%d", id, i))
		if err != nil {
			return nil, err
		}
		n.children = append(n.children, child)
	}
	return n, nil
}

func inherit(r, parent Route) Route {
	pick := func(own, inherited string) string {
		if own != "" {
			return own
		}
		return inherited
	}
	r.Service, r.Policy = pick(r.Service, parent.Service), pick(r.Policy, parent.Policy)
	r.Runbook, r.Environment = pick(r.Runbook, parent.Runbook), pick(r.Environment, parent.Environment)
	r.Label = pick(r.Label, parent.Label)
	if r.Severity == 0 {
		r.Severity = parent.Severity
	}
	if r.Fallback == 0 {
		r.Fallback = parent.Fallback
	}
	if r.GroupBy == nil {
		r.GroupBy = parent.GroupBy
	}
	if r.Map == nil {
		r.Map = parent.Map
	}
	return r
}

func nameOf(r Route, id string) string {
	if r.Name != "" {
		return r.Name
	}
	if len(r.Matchers) == 0 {
		return "default"
	}
	return id + " {" + strings.Join(r.Matchers, ", ") + "}"
}

// check finds routes that lead nowhere.
func check(n *node, spec Spec) error {
	if n.Policy == "" {
		return fmt.Errorf("route %s: no policy or schedule says whom to page", n.Name)
	}
	if _, ok := spec.Families[n.Policy]; !ok {
		return fmt.Errorf("route %s: there is no policy %q", n.Name, n.Policy)
	}
	for _, c := range n.children {
		if err := check(c, spec); err != nil {
			return err
		}
	}
	return nil
}

// Silences returns the configured silences.
func (t *Tree) Silences() []Silence { return t.spec.Silences }

// Plan returns the policy and targets of the same policy family for another severity; policy is a page's Policy.Name
// ("platform/SEV-2"). ok is false when the family is no longer configured.
func (t *Tree) Plan(policy string, to alert.Severity) (p schedule.Policy, targets page.Targets, ok bool) {
	family, _, _ := strings.Cut(policy, "/")
	f, ok := t.spec.Families[family]
	if !ok {
		return schedule.Policy{}, page.Targets{}, false
	}
	return f[to], t.spec.Targets[to], true
}
