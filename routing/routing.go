// Package routing maps an alert to a severity, a service, a runbook, a policy and a group key, and says why.
//
// It promises a decision for every alert: the default route is mandatory, an unknown severity is loud and never dropped.
package routing

import (
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/page"
	"pagerd/schedule"
)

// Reason is why a decision is what it is, from a closed list.
type Reason string

// Decision is what routing says of one alert at one instant.
type Decision struct {
	Group    string        // group key within the source: the route's group_by values; stable, opaque, <= 200 bytes
	Subject  page.Subject  // severity, service, summary, environment, runbook, policy and targets
	Path     []string      // the routes that matched, outermost first, for explain
	Reasons  []Reason      // one per choice: which route, where the severity came from, which runbook
	Silenced *page.Silence // set when a configured silence covers the alert now; the one that ends last
}

// Tree is the validated route tree with everything that a decision needs.
type Tree struct{}

// Decide maps one alert. It never fails: what matches nothing else takes the default route.
func (t *Tree) Decide(a alert.Alert, now time.Time) Decision { panic("routing: not written yet") }

// Plan returns the policy and targets of the same policy family for another severity; policy is a page's Policy.Name
// ("platform/SEV-2"). ok is false when the family is no longer configured.
func (t *Tree) Plan(policy string, to alert.Severity) (p schedule.Policy, targets page.Targets, ok bool) {
	panic("routing: not written yet")
}
