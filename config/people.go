package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pagerd/gateway/alert"
	"pagerd/notify"
	"pagerd/schedule"
)

// plausibleMail asks for one @ with something on both sides and nothing that could break out of a header.
func plausibleMail(s string) bool {
	user, host, ok := strings.Cut(s, "@")
	return ok && user != "" && host != "" && !strings.ContainsAny(s, " \t\r\n<>,;\"") && !strings.Contains(host, "@")
}

func (r *reader) people(a, root at) *schedule.Book {
	book := &schedule.Book{People: map[string]schedule.Person{}, Rotations: map[string]schedule.Rotation{}, Teams: map[string][]string{}}
	if a.missing() {
		root.fail("e.g. people: [{name: ana, sms: \"+34600123456\"}]", "\"people\" is missing: there is nobody to page")
	}
	seen := map[string]bool{}
	owner := map[string]string{}
	for _, e := range a.list() {
		f := e.mapping("name", "full_name", "zone", "sms", "voice", "email", "rules")
		p := schedule.Person{Name: e.name(f["name"], seen), FullName: f["full_name"].text(), Zone: f["zone"].zone(time.UTC)}
		p.FullName = or(p.FullName, p.Name)
		p.Contacts = contacts(p.Name, f)
		if len(p.Contacts) == 0 {
			e.fail("give them sms, voice or email", "the person %q cannot be reached", p.Name)
		}
		for _, c := range p.Contacts {
			key := string(c.Channel) + c.Address
			if other := owner[key]; other != "" && other != p.Name {
				f[string(c.Channel)].fail("a reply must have one owner", "%s and %s have the same %s", other, p.Name, c.Channel)
			}
			owner[key] = p.Name
		}
		p.Rules = r.rules(f["rules"], p)
		book.People[p.Name] = p
	}
	return book
}

// rules are a person's own ladders: {SEV-1: [sms, {voice: 1m}], …}.
func (r *reader) rules(a at, p schedule.Person) map[alert.Severity][]schedule.Rung {
	keys, values := a.entries()
	if len(keys) == 0 {
		return nil
	}
	out := map[alert.Severity][]schedule.Rung{}
	for i, key := range keys {
		s, err := alert.ParseSeverity(key)
		if err != nil {
			values[i].fail("", "found the key %q, allowed: SEV-1, SEV-2, SEV-3, SEV-4", key)
			continue
		}
		for _, rule := range r.ladder(values[i]) {
			k := slices.IndexFunc(p.Contacts, func(c notify.Contact) bool { return c.Channel == rule.Channel })
			if k < 0 {
				values[i].fail("", "%s has no %s", p.Name, rule.Channel)
				continue
			}
			out[s] = append(out[s], schedule.Rung{Contact: p.Contacts[k].ID, Channel: rule.Channel, Delay: rule.Delay})
		}
	}
	return out
}

// ladder reads channels in order: a word rings at once, {voice: 2m} after a delay from the start.
func (r *reader) ladder(a at) []Rule {
	var out []Rule
	for _, e := range a.list() {
		rule := Rule{}
		channel := e
		if keys, values := e.scalarOrEntry(); len(keys) == 1 {
			rule.Channel, rule.Delay = notify.Channel(keys[0]), values[0].duration(0, 0)
		} else {
			rule.Channel = notify.Channel(e.text())
		}
		if !slices.Contains([]notify.Channel{notify.SMS, notify.Voice, notify.Email}, rule.Channel) {
			channel.fail("write it like [sms, {voice: 2m}]", "found %q, allowed: sms, voice, email", string(rule.Channel))
			continue
		}
		if n := len(out); n > 0 && rule.Delay < out[n-1].Delay {
			e.fail("delays count from the ladder's start", "the delay %s is before the one above it", rule.Delay)
		}
		out = append(out, rule)
	}
	return out
}

// scalarOrEntry returns the entries of a mapping, and nothing for a scalar.
func (a at) scalarOrEntry() ([]string, []at) {
	if a.missing() || len(a.node.Content) == 0 {
		return nil, nil
	}
	return a.entries()
}

func (r *reader) teams(a at, book *schedule.Book) {
	seen := map[string]bool{}
	for _, e := range a.list() {
		f := e.mapping("name", "members", "lead")
		name := e.name(f["name"], seen)
		for _, m := range f["members"].list() {
			r.knownPerson(m, book)
			book.Teams[name] = append(book.Teams[name], m.text())
		}
		if lead := f["lead"]; !lead.missing() {
			r.knownPerson(lead, book)
			if book.Leads == nil {
				book.Leads = map[string]string{}
			}
			book.Leads[name] = lead.text()
		}
		if len(book.Teams[name]) == 0 {
			e.fail("", "the team %q has no members", name)
		}
	}
}

func (r *reader) knownPerson(a at, book *schedule.Book) {
	name := a.text()
	if _, ok := book.People[name]; ok {
		return
	}
	var names []string
	for n := range book.People {
		names = append(names, n)
	}
	slices.Sort(names)
	hint := "known: " + strings.Join(names, ", ")
	if near := nearest(name, names); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	a.fail(hint, "there is no person %q", name)
}

func (r *reader) schedules(a, root at, book *schedule.Book) {
	if a.missing() {
		root.fail("e.g. schedules: [{name: platform, zone: Europe/Madrid, start: 2026-01-05, people: [ana, ben]}]", "\"schedules\" is missing: nobody is on call")
	}
	seen := map[string]bool{}
	for _, e := range a.list() {
		f := e.mapping("name", "zone", "start", "handoff", "unit", "every", "people", "manager", "team", "hours", "restrict", "remind")
		rot := schedule.Rotation{Name: e.name(f["name"], seen), Zone: f["zone"].zone(time.UTC), Unit: schedule.Unit(f["unit"].oneOf("weekly", "hourly", "daily", "weekly")),
			Every: f["every"].number(1, 1, 10000), Handoff: f["handoff"].clock(schedule.Clock{Hour: 9}), Start: f["start"].date(schedule.Date{Year: 2026, Month: 1, Day: 5}),
			Manager: f["manager"].text(), Team: f["team"].text()}
		rot.Remind = f["remind"].lead(rot.Unit)
		for _, p := range f["people"].list() {
			r.knownPerson(p, book)
			rot.People = append(rot.People, p.text())
		}
		if len(rot.People) == 0 {
			e.fail("", "the schedule %q has no people", rot.Name)
		}
		if rot.Manager != "" {
			r.knownPerson(f["manager"], book)
		}
		if _, ok := book.Teams[rot.Team]; rot.Team != "" && !ok {
			f["team"].fail("", "there is no team %q", rot.Team)
		}
		if h := f["hours"]; !h.missing() {
			rot.Hours = schedule.Hours(r.window(h))
		}
		for _, w := range f["restrict"].list() {
			rot.Restrict = append(rot.Restrict, r.window(w))
		}
		book.Rotations[rot.Name] = rot
	}
}

// window reads {days: [mon, tue], from: "09:00", to: "17:00"}.
func (r *reader) window(a at) schedule.Window {
	f := a.mapping("days", "from", "to")
	w := schedule.Window{From: f["from"].clock(schedule.Clock{}), To: f["to"].clock(schedule.Clock{Hour: 24})}
	names := []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	for _, d := range f["days"].list() {
		if i := slices.Index(names, strings.ToLower(d.text())); i >= 0 {
			w.Days = append(w.Days, time.Weekday(i))
			continue
		}
		d.fail("", "found %q, allowed: %s", d.text(), strings.Join(names, ", "))
	}
	return w
}

func (a at) clock(fallback schedule.Clock) schedule.Clock {
	if a.missing() {
		return fallback
	}
	c, err := schedule.ParseClock(a.text())
	if err != nil {
		a.fail("put it in quotes", "found %q, want a time of day such as \"09:00\"", a.text())
		return fallback
	}
	return c
}

// lead reads how long before a shift somebody is reminded; 0 for the word "none". Whoever changes every day or hour knows,
// and is not reminded unless it is asked for.
func (a at) lead(unit schedule.Unit) time.Duration {
	var preset time.Duration
	if unit == schedule.Weekly {
		preset = 24 * time.Hour
	}
	if !a.missing() && a.node.Value == "none" {
		return 0
	}
	return a.duration(preset, time.Hour)
}

func (a at) date(fallback schedule.Date) schedule.Date {
	if a.missing() {
		return fallback
	}
	d, err := schedule.ParseDate(a.text())
	if err != nil {
		a.fail("", "found %q, want a day such as 2026-01-05", a.text())
		return fallback
	}
	return d
}

func (r *reader) overrides(a at, book *schedule.Book) {
	for _, e := range a.list() {
		f := e.mapping("schedule", "person", "start", "end", "reason")
		rot, ok := book.Rotations[f["schedule"].need(e)]
		if !ok {
			f["schedule"].fail("", "there is no schedule %q", f["schedule"].text())
			continue
		}
		r.knownPerson(f["person"], book)
		if f["start"].missing() || f["end"].missing() {
			e.fail("", "\"start\" and \"end\" are needed")
			continue
		}
		o := schedule.Override{Rotation: rot.Name, Person: f["person"].text(), Start: f["start"].instant(rot.Zone), End: f["end"].instant(rot.Zone), Reason: f["reason"].text()}
		if !o.End.After(o.Start) {
			f["end"].fail("", "the end is not after the start")
		}
		book.Overrides = append(book.Overrides, o)
	}
}
