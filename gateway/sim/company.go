package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pagerd/config"
)

// company is who works here and when, in plain data: the judge computes from it who is on call, and the configuration
// that pagerd reads is written from it.
type company struct {
	teams    []team
	people   []string
	variants []*variant // configurations; a reload changes from one to another
}

// team is a rotation with its people. Everything is in UTC and by whole hours, so that the judge's arithmetic is plain.
type team struct {
	name    string
	people  []string
	manager string
	hours   int // length of a turn
	// The rotation is nobody between these minutes of the day; equal = never.
	gapFrom, gapTo int
	policy         string // YAML of a policy of its own; empty = the practice's
}

// variant is one configuration.
type variant struct {
	name      string
	cfg       *config.Config
	silences  []silence
	overrides []override
}

// silence covers alerts with one label's value during [start, end).
type silence struct {
	name, label, value string
	start, end         time.Time
}

// override puts a person in a team's place during [start, end).
type override struct {
	team, person string
	start, end   time.Time
}

// rotationStart is the first hand-off of every rotation.
func rotationStart() time.Time { return time.Date(2026, time.January, 5, 9, 0, 0, 0, time.UTC) }

func alertNames() []string { return []string{"Down", "Errors", "Lag"} }
func services() []string   { return []string{"checkout", "search"} }

// stakeholders are who is mailed the updates of checkout's incidents.
func stakeholders() []string { return []string{"desk@example.com", "boss@example.com"} }

// found throws a company whose story takes the given time from start.
func found(d dice, start time.Time, horizon time.Duration, on map[Feature]bool) (*company, error) {
	c := &company{}
	for i := range 1 + d.IntN(3) {
		t := team{name: fmt.Sprintf("t%d", i+1), hours: 1 + d.IntN(4)}
		for k := range 2 + d.IntN(2) {
			t.people = append(t.people, fmt.Sprintf("%s%d", []string{"ana", "ben", "carla"}[i], k+1))
		}
		t.manager = fmt.Sprintf("boss%d", i+1)
		c.people = append(c.people, t.people...)
		c.people = append(c.people, t.manager)
		gap := start.Add(d.between(0, horizon)).Truncate(time.Minute)
		length := time.Duration(20+d.IntN(100)) * time.Minute
		if on[Gaps] {
			t.gapFrom, t.gapTo = minuteOfDay(gap), minuteOfDay(gap.Add(length))
		}
		t.policy = ownPolicy(d, t)
		c.teams = append(c.teams, t)
	}
	c.people = append(c.people, "op")
	for i := range 3 {
		v := &variant{name: fmt.Sprintf("config %c", 'A'+i)}
		for k := range d.IntN(3) {
			from := start.Add(d.between(0, horizon)).Truncate(time.Minute)
			s := silence{name: fmt.Sprintf("s%d%d", i, k), start: from, end: from.Add(time.Duration(5+d.IntN(90)) * time.Minute)}
			s.label, s.value = "alertname", pick(d, alertNames())
			if d.chance(0.4) {
				s.label, s.value = "service", pick(d, services())
			}
			if on[Silences] {
				v.silences = append(v.silences, s)
			}
		}
		if d.chance(0.4) {
			t := pick(d, c.teams)
			from := start.Add(d.between(0, horizon)).Truncate(time.Minute)
			v.overrides = append(v.overrides, override{team: t.name, person: pick(d, c.people[:len(c.people)-1]), start: from,
				end: from.Add(time.Duration(10+d.IntN(100)) * time.Minute)})
		}
		c.variants = append(c.variants, v)
	}
	// The numbers that differ from person to person are thrown once: they are the same in every variant.
	ways := map[string]int{}
	for _, p := range c.people {
		ways[p] = d.IntN(4)
	}
	stale, mitigate, window := 1+d.IntN(9), 20+d.IntN(100), pick(d, []string{"0s", "5s", "30s"})
	for i, v := range c.variants {
		group := "[alertname]"
		if i == 2 {
			group = "[alertname, service]"
		}
		text := c.write(v, ways, group, stale, mitigate, window)
		cfg, err := config.Parse(v.name, []byte(text), func(string) (string, bool) { return "", false })
		if err != nil {
			return nil, fmt.Errorf("the simulated company's configuration: %w\n%s", err, text)
		}
		v.cfg = cfg
	}
	return c, nil
}

// ownPolicy is a policy with short steps, or empty for the practice's.
func ownPolicy(d dice, t team) string {
	if d.chance(0.3) {
		return ""
	}
	var steps []string
	first := fmt.Sprintf("{targets: [%s/primary], timeout: %ds}", t.name, 30+d.IntN(120))
	if d.chance(0.5) {
		first = fmt.Sprintf("{targets: [%s/primary, {inform: %s/manager}], timeout: %ds}", t.name, t.name, 30+d.IntN(120))
	}
	steps = append(steps, first, fmt.Sprintf("{targets: [%s/secondary], timeout: %ds}", t.name, 30+d.IntN(200)))
	if d.chance(0.5) {
		steps = append(steps, fmt.Sprintf("{targets: [%q], timeout: %ds}", "person:"+t.people[0], 30+d.IntN(200)))
	}
	return fmt.Sprintf("  - {name: %s, severities: [SEV-1, SEV-2, SEV-3], steps: [%s], repeat: %d, last_resort: [%s/manager], again: %ds}\n",
		t.name, strings.Join(steps, ", "), d.IntN(3), t.name, 60+d.IntN(300))
}

func (c *company) write(v *variant, ways map[string]int, groupBy string, stale, mitigate int, window string) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("public_url: https://pager.example.com")
	line("sources:")
	line("  - {name: am, token: x, stale_after: %dh, group_interval: 5m}", stale)
	line("  - {name: aws, kind: sns, topics: [\"arn:aws:sns:eu-west-1:123456789012:a\"]}")
	line("people:")
	for i, p := range c.people {
		contacts := fmt.Sprintf("sms: \"+346000%05d\"", i+1)
		if ways[p]&1 != 0 {
			contacts += fmt.Sprintf(", voice: \"+346000%05d\"", i+1)
		}
		if ways[p]&2 != 0 {
			contacts += fmt.Sprintf(", email: %s@example.com", p)
		}
		line("  - {name: %s, %s}", p, contacts)
	}
	line("schedules:")
	for _, t := range c.teams {
		restrict := ""
		if t.gapFrom != t.gapTo {
			restrict = fmt.Sprintf(", restrict: [{from: %q, to: %q}]", clockOf(t.gapTo), clockOf(t.gapFrom))
		}
		line("  - {name: %s, unit: hourly, every: %d, start: 2026-01-05, handoff: \"09:00\", remind: 1h, people: [%s], manager: %s%s}",
			t.name, t.hours, strings.Join(t.people, ", "), t.manager, restrict)
	}
	if len(v.overrides) > 0 {
		line("overrides:")
	}
	for _, o := range v.overrides {
		line("  - {schedule: %s, person: %s, start: %q, end: %q}", o.team, o.person, o.start.Format(time.RFC3339), o.end.Format(time.RFC3339))
	}
	line("routes:")
	line("  schedule: %s", c.teams[0].name)
	line("  group_by: %s", groupBy)
	if len(c.teams) > 1 {
		line("  routes:")
	}
	for _, t := range c.teams[1:] {
		line("    - {match: ['team=\"%s\"'], schedule: %s}", t.name, t.name)
	}
	if slices.ContainsFunc(c.teams, func(t team) bool { return t.policy != "" }) {
		line("policies:")
	}
	for _, t := range c.teams {
		b.WriteString(t.policy)
	}
	line("services:")
	line("  - {name: checkout, stakeholders: [%s]}", strings.Join(stakeholders(), ", "))
	line("severities:")
	line("  SEV-1: {mitigate: %dm, ack_ttl: %dm}", mitigate, max(5, mitigate/4))
	line("  SEV-2: {mitigate: %dm, ack_ttl: %dm}", mitigate, max(5, mitigate/3))
	line("  SEV-3: {mitigate: %dm}", mitigate)
	if len(v.silences) > 0 {
		line("silences:")
	}
	for _, s := range v.silences {
		line("  - {name: %s, match: ['%s=\"%s\"'], start: %q, end: %q, author: op, reason: work}", s.name, s.label, s.value,
			s.start.Format(time.RFC3339), s.end.Format(time.RFC3339))
	}
	line("notify:")
	line("  twilio: {account_sid: AC1, auth_token: t, from: \"+15005550006\"}")
	line("  smtp: {address: \"smtp.example.com:587\", from: pager@example.com}")
	line("  bundle_window: %s", window)
	line("operators: [{person: op}]")
	return b.String()
}

func minuteOfDay(t time.Time) int { return t.Hour()*60 + t.Minute() }

func clockOf(minute int) string { return fmt.Sprintf("%02d:%02d", minute/60, minute%60) }

// onCall is the judge's own arithmetic of who a target name means at t; none = nobody.
func (c *company) onCall(v *variant, target string, t time.Time) []string {
	if name, ok := strings.CutPrefix(target, "person:"); ok {
		return []string{name}
	}
	name, role, _ := strings.Cut(target, "/")
	i := slices.IndexFunc(c.teams, func(t team) bool { return t.name == name })
	if i < 0 {
		return nil
	}
	tm := c.teams[i]
	if role == "manager" {
		return []string{tm.manager}
	}
	turn := int(t.Sub(rotationStart()) / (time.Duration(tm.hours) * time.Hour))
	primary, overridden := tm.people[turn%len(tm.people)], false
	for _, o := range v.overrides {
		if o.team == name && !t.Before(o.start) && t.Before(o.end) {
			primary, overridden = o.person, true
		}
	}
	if !overridden && tm.gap(t) {
		return nil
	}
	if role != "secondary" {
		return []string{primary}
	}
	for k := 1; k <= len(tm.people); k++ {
		if p := tm.people[(turn+k)%len(tm.people)]; p != primary {
			return []string{p}
		}
	}
	return nil
}

// gap reports whether the team's rotation is nobody at t.
func (t team) gap(at time.Time) bool {
	m := minuteOfDay(at)
	if t.gapFrom <= t.gapTo {
		return m >= t.gapFrom && m < t.gapTo
	}
	return m >= t.gapFrom || m < t.gapTo
}

// covers reports whether a silence of the configuration covers an alert with these labels at t.
func (v *variant) covers(labels map[string]string, t time.Time) bool {
	return slices.ContainsFunc(v.silences, func(s silence) bool {
		return labels[s.label] == s.value && !t.Before(s.start) && t.Before(s.end)
	})
}
