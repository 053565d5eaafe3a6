// Package crowd is everything around pagerd in a chaos run: senders that behave like Alertmanager, a provider that fails
// now and then, people who answer their telephones, and the balancer through which the provider's callbacks come.
//
// It promises that senders never give up on an alert, that people reply until they are answered, and that what the judge
// needs is written to the logs when it happens and not from memory afterwards.
package crowd

import (
	"fmt"
	"strings"
	"time"

	"pagerd/notify/twilio/twiliosim"
)

// Credentials of the run; nothing of it is reached from outside.
const (
	sourceToken = "chaos-source"
	APIToken    = "chaos-api"
	linkKey     = "chaos-link-key-of-thirty-two-characters"
	providerURL = "http://twilio.invalid" // reached through each replica's own door, see Provider.Door
)

// Town is who can be rung: teams of two.
type Town struct {
	Teams int
	Step  time.Duration // after which a team's second is rung
}

// First is the number that a team's alerts ring at once.
func (Town) First(team int) string { return fmt.Sprintf("+1555000%04d", team) }

// Second is the number that they ring after the step's time.
func (Town) Second(team int) string { return fmt.Sprintf("+1555100%04d", team) }

const operatorNumber = "+15552000000"

// Replica is where one daemon listens.
type Replica struct {
	Name   string
	Public string // host:port
	Ops    string
}

// Configuration is a replica's file. Everything but listen and replica is the same for all. store is the value of "store".
//
// SEV-1 is never bundled, so that each message names one alert. Everybody has an address for mail, an hour later: when an SMS
// fails again and again mail takes over at once, and the second is not rung before the time because nobody else is left.
func (t Town) Configuration(r Replica, publicURL, store, mail string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "listen: {public: %q, ops: %q}\npublic_url: %s\nlink_key: %s\nstore: %s\n", r.Public, r.Ops, publicURL, linkKey, store)
	if r.Name != "" {
		fmt.Fprintf(&b, "replica: %s\n", r.Name)
	}
	fmt.Fprintf(&b, "sources:\n  - {name: prod, kind: alertmanager, token: %s}\n", sourceToken)
	fmt.Fprintf(&b, "people:\n  - {name: operator, sms: %q}\n", operatorNumber)
	for i := range t.Teams {
		fmt.Fprintf(&b, "  - {name: p%d, sms: %q, email: p%d@example.com}\n", i, t.First(i), i)
		fmt.Fprintf(&b, "  - {name: s%d, sms: %q, email: s%d@example.com}\n", i, t.Second(i), i)
	}
	b.WriteString("operators:\n  - {person: operator}\nschedules:\n")
	for i := range t.Teams {
		// A shift of ten years, so that the first is always the primary.
		fmt.Fprintf(&b, "  - {name: t%d, zone: UTC, start: 2026-01-05, unit: weekly, every: 520, people: [p%d, s%d]}\n", i, i, i)
	}
	b.WriteString("severities:\n  SEV-1: {ladder: [sms, {email: 1h}]}\npolicies:\n")
	for i := range t.Teams {
		fmt.Fprintf(&b, "  - name: t%d\n    steps:\n      - {targets: [t%d/primary], timeout: %s}\n      - {targets: [t%d/secondary], timeout: 2h}\n    last_resort: [person:p%d]\n",
			i, i, t.Step, i, i)
	}
	b.WriteString("routes:\n  schedule: t0\n  severity: SEV-1\n  group_by: [alertname]\n  routes:\n")
	for i := range t.Teams {
		fmt.Fprintf(&b, "    - {match: ['team=\"t%d\"'], schedule: t%d, policy: t%d}\n", i, i, i)
	}
	fmt.Fprintf(&b, "tokens:\n  - {name: chaos, token: %s, role: admin}\n", APIToken)
	fmt.Fprintf(&b, "notify:\n  twilio: {account_sid: %s, auth_token: %s, from: %q, base_url: %q}\n",
		twiliosim.DefaultAccountSID, twiliosim.DefaultAuthToken, twiliosim.DefaultNumber, providerURL)
	fmt.Fprintf(&b, "  smtp: {address: %q, tls: none, from: pager@example.com}\n", mail)
	return b.String()
}
