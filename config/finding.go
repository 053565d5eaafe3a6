package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pagerd/gateway/alert"
	"pagerd/notify"
)

// Finding is something that is allowed and will hurt some night.
type Finding struct {
	Severe  bool   // somebody may not be paged because of it
	Subject string // "schedule platform", "ana"
	Message string
	Hint    string
}

// gapDays is how far ahead gaps are looked for: a quarter, so that holidays are seen before they come.
const gapDays = 90

// Findings looks for what a valid configuration still gets wrong, as of now.
func Findings(c *Config, now time.Time) []Finding {
	var out []Finding
	add := func(severe bool, subject, message, hint string) {
		out = append(out, Finding{severe, subject, message, hint})
	}
	var names []string
	for name := range c.Book.Rotations {
		names = append(names, name)
	}
	slices.Sort(names)
	oncall := map[string]bool{}
	for _, name := range names {
		r := c.Book.Rotations[name]
		for _, p := range append(slices.Clone(r.People), r.Manager) {
			oncall[p] = true
		}
		for i, g := range c.Book.Gaps(name, now, now.Add(gapDays*24*time.Hour)) {
			if i == 3 {
				add(true, "schedule "+name, "more gaps follow", "")
				break
			}
			add(true, "schedule "+name, fmt.Sprintf("nobody is on call from %s to %s", g.Start.In(r.Zone).Format("Mon 2006-01-02 15:04"), g.End.In(r.Zone).Format("Mon 2006-01-02 15:04")),
				"the policy's last resort is rung instead")
		}
		if len(r.People) < 2 {
			add(false, "schedule "+name, "one person is always on call, without a secondary", "one week in four or five is what people can bear")
		}
		if r.Manager == "" {
			add(false, "schedule "+name, "no manager is told of SEV-1", "manager: NAME")
		}
	}
	for _, member := range c.Book.Teams {
		for _, p := range member {
			oncall[p] = true
		}
	}
	out = append(out, people(c, oncall)...)
	if strings.HasPrefix(c.PublicURL, "http://") && c.Notify.Twilio != nil && c.Notify.Twilio.BaseURL == "https://api.twilio.com" {
		add(true, "public_url", "Twilio must reach "+c.PublicURL+" from the internet, and over https", "put a proxy with a certificate in front")
	}
	if c.Notify.Twilio == nil {
		add(true, "notify", "no telephone can ring: notify.twilio is not configured", "")
	}
	if len(c.Tokens) == 0 {
		add(false, "tokens", "the API and the command line's page commands have no token", "tokens: [{name: cli, token: \"${env:PAGERD_TOKEN}\", role: responder}]")
	}
	if len(c.Operators) == 0 {
		add(false, "operators", "nobody is told when pagerd itself has a problem", "operators: [{person: NAME}]")
	}
	return append(out, shareds(c)...)
}

// shareds are the findings about a store that several replicas share.
func shareds(c *Config) []Finding {
	s := c.Store.Redis
	if s == nil {
		return nil
	}
	var out []Finding
	if len(c.Operators) == 0 {
		out = append(out, Finding{true, "store", "nobody is rung when Redis is gone: there are no operators with a contact",
			"operators: [{person: NAME}]; they are rung without the store"})
	}
	if s.Relaxed {
		out = append(out, Finding{false, "store", "durability is relaxed: what was answered 2xx can be lost, depending on Redis' settings",
			"the status page says what; durability: strict refuses such a server"})
	}
	if s.Wait == 0 && (s.Master != "" || s.Cluster) {
		out = append(out, Finding{true, "store", "wait is 0: a fail-over can lose what was answered 2xx", "wait: 1"})
	}
	return out
}

func people(c *Config, oncall map[string]bool) []Finding {
	var names []string
	for name := range c.Book.People {
		names = append(names, name)
	}
	slices.Sort(names)
	var out []Finding
	for _, name := range names {
		p := c.Book.People[name]
		has := func(ch notify.Channel) bool {
			return slices.ContainsFunc(p.Contacts, func(x notify.Contact) bool { return x.Channel == ch })
		}
		if !oncall[name] {
			out = append(out, Finding{false, name, "is in no schedule or team", ""})
			continue
		}
		if len(p.Contacts) < 2 {
			out = append(out, Finding{true, name, "can be reached in one way only", "two independent ways: when one fails the other rings"})
		}
		if !has(notify.SMS) && !has(notify.Voice) {
			out = append(out, Finding{true, name, "has no telephone: mail wakes nobody", ""})
		}
		if len(p.Contacts) > 0 && !has(notify.SMS) && !has(notify.Email) {
			out = append(out, Finding{false, name, "has voice only: what is owed and when shifts begin is never called about", "give them sms or email"})
		}
		if has(notify.Email) && c.Notify.SMTP == nil {
			out = append(out, Finding{false, name, "has a mail address, and notify.smtp is not configured", ""})
		}
		if len(c.Book.Rungs(name, alert.SEV1)) == 0 {
			out = append(out, Finding{true, name, "is rung by nothing for SEV-1", ""})
		}
	}
	return out
}
