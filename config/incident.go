package config

import (
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/postmortem"
)

// Incidents is what holds of all incidents.
type Incidents struct {
	// WarRoom is the template of the link under which an incident's people meet, with {incident}, {service} and {severity} in
	// it; empty = none.
	WarRoom string
	Tracker Tracker
}

// Tracker is the webhook of an issue tracker that is told of action items; without a URL there is none.
type Tracker struct {
	URL    string // https, or http on this machine
	Token  Secret // "Authorization: Bearer"; optional
	Secret Secret // signs the bodies
}

func (r *reader) tracker(a at) Tracker {
	f := a.mapping("url", "token", "secret")
	if a.missing() {
		return Tracker{}
	}
	t := Tracker{URL: f["url"].need(a), Token: Secret(f["token"].text()), Secret: Secret(f["secret"].need(a))}
	u, err := url.Parse(t.URL)
	switch {
	case t.URL == "":
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		f["url"].fail("write it like https://tracker.example.com/hooks/pagerd", "found %q, which is no link", t.URL)
	case u.User != nil:
		f["url"].fail("use token:", "the link holds a password")
	case u.Scheme == "http" && !local(u.Hostname()):
		f["url"].fail("use https", "what is decided after an incident would go over the network in the open")
	}
	if t.Secret != "" && len(t.Secret) < minSecret {
		f["secret"].fail("openssl rand -hex 32", "a secret of less than %d characters can be guessed", minSecret)
	}
	return t
}

// minSecret is the length of a secret that signs, in characters.
const minSecret = 16

func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// incidentTargets reads how often pagerd asks by itself. The times themselves are the severity's.
func incidentTargets(f fields, t incident.Targets, of page.Targets) incident.Targets {
	t.Detect, t.Triage, t.Mitigate = of.Detect, of.Triage, of.Mitigate
	t.Remind, t.Quiet = f["remind"].duration(t.Remind, time.Minute), f["quiet"].duration(t.Quiet, time.Minute)
	t.Relief, t.OfficeHours = f["relief"].duration(t.Relief, time.Minute), f["office_hours"].yes(t.OfficeHours)
	return t
}

func (r *reader) incidents(a at) Incidents {
	f := a.mapping("war_room", "tracker")
	out := Incidents{Tracker: r.tracker(f["tracker"])}
	if v := f["war_room"]; !v.missing() {
		out.WarRoom = v.text()
		for _, name := range placeholder.FindAllString(out.WarRoom, -1) {
			if name != "{incident}" && name != "{service}" && name != "{severity}" {
				v.fail("known: {incident}, {service}, {severity}", "found %s in the link", name)
			}
		}
		if u, err := url.Parse(out.Room(incident.Incident{Number: 1001})); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			v.fail(`write it like https://meet.example.com/incident-{incident}`, "found %q, which is no link", out.WarRoom)
		}
	}
	return out
}

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

// Room returns where the people of an incident meet; empty when nothing is configured.
func (i Incidents) Room(in incident.Incident) string {
	return strings.NewReplacer("{incident}", strconv.FormatInt(in.Number, 10), "{service}", url.PathEscape(in.Service),
		"{severity}", in.Severity.String()).Replace(i.WarRoom)
}

// postmortemRule reads how long after its end an incident's postmortem must be published: a time, or "none".
func postmortemRule(a at, preset postmortem.Rule) postmortem.Rule {
	switch {
	case a.missing():
		return preset
	case a.text() == "none":
		return postmortem.Rule{}
	}
	return postmortem.Rule{Required: true, Within: a.duration(preset.Within, time.Hour)}
}
