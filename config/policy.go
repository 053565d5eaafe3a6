package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/postmortem"
	"pagerd/notify"
	"pagerd/routing"
	"pagerd/schedule"
)

// defaultLadder is how a severity rings somebody: SEV-1 and 2 by message and call, SEV-4 by mail only.
func defaultLadder(s alert.Severity) []Rule {
	switch s {
	case alert.SEV1:
		return []Rule{{notify.SMS, 0}, {notify.Voice, time.Minute}, {notify.Email, time.Minute}}
	case alert.SEV2:
		return []Rule{{notify.SMS, 0}, {notify.Email, 0}, {notify.Voice, 2 * time.Minute}}
	case alert.SEV3:
		return []Rule{{notify.SMS, 0}, {notify.Email, 0}}
	}
	return []Rule{{notify.Email, 0}}
}

func (r *reader) severities(a at) map[alert.Severity]Severity {
	out := map[alert.Severity]Severity{}
	targets := routing.DefaultTargets()
	for s := alert.SEV1; s <= alert.SEV4; s++ {
		out[s] = Severity{Severity: s, Targets: targets[s], Incident: incident.DefaultTargets(s), Ladder: defaultLadder(s), Postmortem: postmortem.DefaultRule(s)}
	}
	keys, values := a.entries()
	for i, key := range keys {
		s, err := alert.ParseSeverity(key)
		if err != nil {
			values[i].fail("", "found the key %q, allowed: SEV-1, SEV-2, SEV-3, SEV-4", key)
			continue
		}
		f := values[i].mapping("detect", "triage", "mitigate", "ack_ttl", "ladder", "promote", "remind", "quiet", "relief", "office_hours", "postmortem")
		sev := out[s]
		t := &sev.Targets
		t.Detect, t.Triage = f["detect"].duration(t.Detect, time.Second), f["triage"].duration(t.Triage, time.Second)
		t.Mitigate, t.AckTTL = f["mitigate"].duration(t.Mitigate, time.Second), f["ack_ttl"].duration(t.AckTTL, time.Second)
		t.Promote = f["promote"].yes(t.Promote)
		sev.Incident = incidentTargets(f, sev.Incident, *t)
		sev.Postmortem = postmortemRule(f["postmortem"], sev.Postmortem)
		if !f["ladder"].missing() {
			sev.Ladder = r.ladder(f["ladder"])
		}
		out[s] = sev
	}
	return out
}

// routing reads routes, services, policies and silences, and checks that every route leads to somebody.
func (r *reader) routing(f fields, root at, c *Config) *routing.Tree {
	spec := routing.Spec{Families: r.families(f["policies"], c.Book), Services: r.services(f["services"], c),
		Targets: map[alert.Severity]page.Targets{}, Sources: map[string]routing.Source{}, Silences: r.silences(f["silences"])}
	for s, severity := range c.Severities {
		spec.Targets[s] = severity.Targets
	}
	for _, s := range c.Sources {
		spec.Sources[s.Name] = routing.Source{Stale: s.StaleAfter, GroupInterval: s.GroupInterval}
	}
	a := f["routes"]
	if a.missing() {
		root.fail("e.g. routes: {schedule: platform}", "\"routes\" is missing: nothing says whom to page")
		return nil
	}
	spec.Root = r.route(a, spec.Families, true)
	if len(r.errors) > 0 {
		return nil
	}
	tree, err := routing.New(spec)
	if err != nil {
		a.fail("", "%v", err)
		return nil
	}
	return tree
}

func (r *reader) route(a at, families map[string]routing.Family, root bool) routing.Route {
	allowed := []string{"name", "match", "service", "severity", "default_severity", "severity_label", "severity_map", "schedule", "policy",
		"group_by", "runbook", "environment", "routes"}
	if root {
		allowed = slices.DeleteFunc(allowed, func(s string) bool { return s == "match" })
	}
	f := a.mapping(allowed...)
	n := routing.Route{Name: f["name"].text(), Service: f["service"].text(), Severity: f["severity"].severity(), Fallback: f["default_severity"].severity(),
		Label: f["severity_label"].text(), GroupBy: f["group_by"].texts(), Runbook: f["runbook"].link(), Environment: f["environment"].text()}
	if !root {
		n.Matchers = f["match"].texts()
		if _, err := routing.ParseMatchers(n.Matchers); err != nil {
			f["match"].fail(`write it like team="payments" or severity=~"critical|page"`, "%v", err)
		}
		if len(n.Matchers) == 0 {
			a.fail("a route without matchers hides those after it", "\"match\" is missing")
		}
	}
	for _, key := range []string{"schedule", "policy"} {
		if v := f[key]; !v.missing() {
			n.Policy = v.text()
			r.knownFamily(v, families)
		}
	}
	if root && n.Policy == "" {
		a.fail("e.g. routes: {schedule: platform}", "the default route needs \"schedule\" or \"policy\"")
	}
	keys, values := f["severity_map"].entries()
	for i, k := range keys {
		if n.Map == nil {
			n.Map = map[string]alert.Severity{}
		}
		n.Map[strings.ToLower(k)] = values[i].severity()
	}
	for _, c := range f["routes"].list() {
		n.Routes = append(n.Routes, r.route(c, families, false))
	}
	return n
}

func (r *reader) knownFamily(a at, families map[string]routing.Family) {
	if _, ok := families[a.text()]; ok {
		return
	}
	var names []string
	for n := range families {
		names = append(names, n)
	}
	slices.Sort(names)
	hint := "known: " + strings.Join(names, ", ")
	if near := nearest(a.text(), names); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	a.fail(hint, "there is no schedule or policy %q", a.text())
}

// services reads what holds of each service; its stakeholders go into c.
func (r *reader) services(a at, c *Config) map[string]routing.Service {
	out := map[string]routing.Service{}
	seen := map[string]bool{}
	for _, e := range a.list() {
		f := e.mapping("name", "runbook", "runbooks", "policy", "environment", "stakeholders")
		s := routing.Service{Runbook: f["runbook"].link(), Policy: f["policy"].text(), Environment: f["environment"].text()}
		keys, values := f["runbooks"].entries()
		for i, k := range keys {
			sev, err := alert.ParseSeverity(k)
			if err != nil {
				values[i].fail("", "found the key %q, allowed: SEV-1, SEV-2, SEV-3, SEV-4", k)
				continue
			}
			if s.Runbooks == nil {
				s.Runbooks = map[alert.Severity]string{}
			}
			s.Runbooks[sev] = values[i].link()
		}
		name := e.name(f["name"], seen)
		out[name] = s
		if told := r.readers(f["stakeholders"], c); len(told) > 0 {
			c.Stakeholders[name] = told
		}
	}
	return out
}

// families are the practice's policies of every schedule, and those that the file writes itself.
func (r *reader) families(a at, book *schedule.Book) map[string]routing.Family {
	out := map[string]routing.Family{}
	for name, rot := range book.Rotations {
		out[name] = routing.DefaultFamily(rot, book.Leads[rot.Team], rot.Team)
	}
	seen := map[string]bool{}
	for _, e := range a.list() {
		f := e.mapping("name", "severities", "steps", "repeat", "last_resort", "again", "office_hours")
		name := e.name(f["name"], seen)
		family := routing.Family{}
		if base, ok := out[name]; ok {
			for s, p := range base {
				family[s] = p
			}
		}
		for s := alert.SEV1; s <= alert.SEV4; s++ {
			if on := f["severities"].texts(); len(on) > 0 && !slices.ContainsFunc(on, func(t string) bool { v, _ := alert.ParseSeverity(t); return v == s }) {
				if _, ok := family[s]; !ok {
					e.fail("leave \"severities\" out, or name the policy after a schedule", "the policy %q says nothing about %s", name, s)
				}
				continue
			}
			family[s] = schedule.Policy{Name: name + "/" + s.String(), Steps: r.steps(f["steps"], e, book, s == alert.SEV1), Repeat: f["repeat"].number(2, 0, 1000),
				LastResort: r.targets(f["last_resort"], book, s == alert.SEV1), Again: f["again"].duration(15*time.Minute, time.Second),
				OfficeHours: f["office_hours"].yes(s == alert.SEV4)}
		}
		out[name] = family
	}
	return out
}

// steps reads [{targets: […], timeout: 5m}]. quiet repeats for the other severities without telling the errors again.
func (r *reader) steps(a, policy at, book *schedule.Book, loud bool) []schedule.Step {
	before := len(r.errors)
	var out []schedule.Step
	for _, e := range a.list() {
		f := e.mapping("targets", "timeout")
		s := schedule.Step{Targets: r.targets(f["targets"], book, true), Timeout: f["timeout"].duration(5*time.Minute, time.Second)}
		if len(s.Targets) == 0 {
			e.fail("e.g. targets: [platform/primary]", "the step rings nobody")
		}
		out = append(out, s)
	}
	if len(out) == 0 {
		policy.fail("e.g. steps: [{targets: [platform/primary], timeout: 5m}]", "the policy has no steps")
	}
	if !loud {
		r.errors = r.errors[:before]
	}
	return out
}

// targets reads ["platform/primary", {inform: "person:dora"}].
func (r *reader) targets(a at, book *schedule.Book, loud bool) []schedule.Target {
	before := len(r.errors)
	var out []schedule.Target
	for _, e := range a.list() {
		t := schedule.Target{Mode: schedule.Answer}
		name := e
		if keys, values := e.scalarOrEntry(); len(keys) == 1 {
			t.Mode, name = schedule.Mode(keys[0]), values[0]
			if t.Mode != schedule.Answer && t.Mode != schedule.Inform {
				e.fail("write it like {inform: platform/manager}", "found %q, allowed: answer, inform", keys[0])
			}
		}
		t.Name = name.text()
		if !strings.Contains(t.Name, "/") && !strings.Contains(t.Name, ":") {
			if _, ok := book.Rotations[t.Name]; ok {
				t.Name += "/primary"
			}
		}
		r.knownTarget(name, t.Name, book)
		out = append(out, t)
	}
	if !loud {
		r.errors = r.errors[:before]
	}
	return out
}

func (r *reader) knownTarget(a at, name string, book *schedule.Book) {
	const hint = "allowed: SCHEDULE/primary, SCHEDULE/secondary, SCHEDULE/manager, person:NAME, team:NAME"
	if p, ok := strings.CutPrefix(name, "person:"); ok {
		if _, known := book.People[p]; !known {
			a.fail(hint, "there is no person %q", p)
		}
		return
	}
	if t, ok := strings.CutPrefix(name, "team:"); ok {
		if _, known := book.Teams[t]; !known {
			a.fail(hint, "there is no team %q", t)
		}
		return
	}
	rot, role, _ := strings.Cut(name, "/")
	known, ok := book.Rotations[rot]
	switch {
	case !ok:
		a.fail(hint, "there is no schedule %q", rot)
	case !slices.Contains([]string{"primary", "secondary", "manager"}, role):
		a.fail(hint, "found %q", name)
	case role == "manager" && known.Manager == "":
		a.fail("give the schedule a manager", "the schedule %q has no manager", rot)
	case role == "secondary" && len(known.People) < 2:
		a.fail("a secondary is the next person of the same order", "the schedule %q has one person", rot)
	}
}
