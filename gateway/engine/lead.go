package engine

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
)

// SetIncidentSeverity is a person saying how bad an incident is. Its open pages follow, because it is a page's policy that
// rings: all of them are lowered; one is raised, unless one rings by that policy already: once and not once per page.
func (e *Engine) SetIncidentSeverity(ctx context.Context, number int64, to alert.Severity, by page.Actor, now time.Time) (incident.Answer, error) {
	in, err := e.loadIncident(ctx, number)
	if err != nil {
		return "", err
	}
	open, err := e.told(ctx, []store.Sent{{Pages: in.Pages}}, page.Page.Open)
	if err != nil {
		return "", err
	}
	raised := slices.ContainsFunc(open, func(p page.Page) bool { return !to.Worse(p.Severity) })
	var follow []int64
	for _, p := range open {
		worse := to.Worse(p.Severity)
		if p.Severity != to && !(worse && raised) {
			follow, raised = append(follow, p.Number), raised || worse
		}
	}
	return e.Incident(ctx, number, incident.SetSeverity{By: by.Person, Channel: by.Channel, To: to, Pages: follow}, by.Op, now)
}

// CallIn rings people into an open incident: whoever a target means now. It returns their names.
func (e *Engine) CallIn(ctx context.Context, number int64, target string, by page.Actor, now time.Time) (incident.Answer, []string, error) {
	name, people, err := e.whom(target, now)
	if err != nil {
		return "", nil, err
	}
	word, err := e.Incident(ctx, number, incident.Call{By: by.Person, Channel: by.Channel, Target: name, People: people}, by.Op, now)
	return word, people, err
}

// whom says who a word means now: SCHEDULE[/ROLE], team:NAME, person:NAME, or a bare name of one of them in that order.
func (e *Engine) whom(word string, now time.Time) (target string, people []string, err error) {
	book := e.config().Book
	known := map[string]string{} // lower case → target
	note := func(name, target string) {
		known[strings.ToLower(target)] = target
		if _, taken := known[strings.ToLower(name)]; !taken {
			known[strings.ToLower(name)] = target
		}
	}
	for _, n := range slices.Sorted(maps.Keys(book.Rotations)) {
		note(n, n+"/primary")
		for _, role := range []string{"/secondary", "/manager"} {
			known[strings.ToLower(n+role)] = n + role
		}
	}
	for _, n := range slices.Sorted(maps.Keys(book.Teams)) {
		note(n, "team:"+n)
	}
	for _, n := range slices.Sorted(maps.Keys(book.People)) {
		note(n, "person:"+n)
	}
	target, ok := known[strings.ToLower(word)]
	if !ok {
		names := slices.Concat(slices.Sorted(maps.Keys(book.Rotations)), slices.Sorted(maps.Keys(book.Teams)), slices.Sorted(maps.Keys(book.People)))
		return "", nil, &Refusal{Message: fmt.Sprintf("there is no schedule, team or person %q", clip(word, 40)), Hint: "known: " + strings.Join(slices.Compact(names), ", ")}
	}
	if people = book.Resolve(target, now); len(people) == 0 {
		return "", nil, &Refusal{Message: fmt.Sprintf("%s is nobody now", target), Hint: "name a person, or another schedule"}
	}
	return target, people, nil
}

// Assign gives a role to a person, or takes it from them. "me" is whoever acts.
func (e *Engine) Assign(ctx context.Context, number int64, role incident.Role, name string, off bool, by page.Actor, now time.Time) (incident.Answer, error) {
	person, err := e.person(name, by)
	if err != nil {
		return "", err
	}
	return e.Incident(ctx, number, incident.Assign{By: by.Person, Channel: by.Channel, Role: role, Person: person, Off: off}, by.Op, now)
}

// person finds a configured person by name, in any case.
func (e *Engine) person(name string, by page.Actor) (string, error) {
	if strings.EqualFold(name, "me") {
		name = by.Person
	}
	people := e.config().Book.People
	for n := range people {
		if strings.EqualFold(n, name) {
			return n, nil
		}
	}
	return "", &Refusal{Message: fmt.Sprintf("there is no person %q", clip(name, 40)), Hint: "known: " + strings.Join(slices.Sorted(maps.Keys(people)), ", ")}
}

// Merge ends an incident in an older one, which takes over its pages.
func (e *Engine) Merge(ctx context.Context, number, into int64, by page.Actor, now time.Time) (incident.Answer, error) {
	if _, err := e.loadIncident(ctx, into); err != nil {
		return "", err
	}
	to, err := e.living(ctx, into)
	if err != nil {
		return "", err
	}
	from, err := e.loadIncident(ctx, number)
	if err != nil {
		return "", err
	}
	if err := unmixed(from, to); err != nil {
		return "", err
	}
	switch {
	case to.Number == number:
		return "", &Refusal{Message: fmt.Sprintf("%d and %d are one incident already", number, into)}
	case to.Number > number:
		return "", &Refusal{Message: fmt.Sprintf("incident %d is older than %d", number, to.Number),
			Hint: fmt.Sprintf("the newer one becomes part of the older one: merge %d into %d", to.Number, number)}
	}
	return e.Incident(ctx, number, incident.Merge{By: by.Person, Channel: by.Channel, Into: to.Number}, by.Op, now)
}

// Move gives a page of an incident to another one. To the page's own number it begins an incident of its own.
func (e *Engine) Move(ctx context.Context, number, pageNumber, to int64, by page.Actor, now time.Time) (incident.Answer, error) {
	in, err := e.loadIncident(ctx, number)
	if err != nil {
		return "", err
	}
	to = cmp.Or(to, pageNumber)
	if !slices.Contains(in.Pages, pageNumber) {
		return "", &Refusal{Message: fmt.Sprintf("page %d does not belong to incident %d", pageNumber, number), Hint: "pagerd incident show lists its pages"}
	}
	target, err := e.living(ctx, to)
	switch {
	case err != nil:
		return "", err
	case target.Version != 0 && unmixed(in, target) != nil:
		return "", unmixed(in, target)
	case target.Version == 0 && to != pageNumber:
		return "", &Refusal{Message: fmt.Sprintf("there is no incident %d", to), Hint: fmt.Sprintf("leave it out, and page %d becomes an incident of its own", pageNumber)}
	case target.Number == number:
		return "", &Refusal{Message: fmt.Sprintf("page %d belongs to incident %d already", pageNumber, number)}
	}
	over, err := e.lastOpen(ctx, in, pageNumber)
	if err != nil {
		return "", err
	}
	ev := incident.MoveOut{By: by.Person, Channel: by.Channel, Page: pageNumber, To: target.Number, Over: over}
	return e.Incident(ctx, number, ev, by.Op, now)
}
