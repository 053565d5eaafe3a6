package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/postmortem"
	"pagerd/gateway/report"
	"pagerd/gateway/store"
)

// firstYear is the first one in which facts can have been kept: there was no pagerd before.
const firstYear = 2026

// factsBatch is how many pages or incidents are read at a time.
const factsBatch = 500

// Facts gathers what reports are made of: from the store what it holds, and what was kept of incidents that are gone from
// it. What is damaged is left out. now is UTC.
func (e *Engine) Facts(ctx context.Context, now time.Time) (report.Facts, error) {
	zone := e.reportZone()
	out := report.Facts{Format: report.Format, Zone: zone.String(), Incidents: []report.Fact{}, Pages: []report.PageFact{}, TimeOff: e.config().Reports.TimeOff}
	known := map[int64]bool{}
	err := batches(ctx, e.store.Incidents, func(in incident.Incident) int64 {
		out.Incidents = append(out.Incidents, e.fact(in))
		known[in.Number] = true
		return in.Number
	})
	if err != nil {
		return out, fmt.Errorf("read incidents for a report: %w", err)
	}
	for year := firstYear; year <= now.Year(); year++ {
		entries, err := e.store.Timeline(ctx, report.KeptIn(year))
		if err != nil {
			return out, fmt.Errorf("read the facts of %d: %w", year, err)
		}
		kept, err := report.Kept(entries)
		if err != nil {
			return out, err
		}
		for _, f := range kept {
			if !known[f.Number] {
				out.Incidents = append(out.Incidents, f)
			}
		}
	}
	var drills []int64 // that are over
	err = batches(ctx, e.store.Pages, func(p page.Page) int64 {
		out.Pages = append(out.Pages, report.OfPage(p, zone, e.zoneOf))
		if p.Drill && !p.Open() {
			drills = append(drills, p.Number)
		}
		return p.Number
	})
	if err != nil {
		return out, fmt.Errorf("read pages for a report: %w", err)
	}
	slices.SortFunc(out.Incidents, func(a, b report.Fact) int { return cmp.Compare(a.Number, b.Number) })
	slices.SortFunc(out.Pages, func(a, b report.PageFact) int { return cmp.Compare(a.Number, b.Number) })
	out.OnCall = e.onCall(now, zone)
	for _, n := range drills { // keeps the score of one that nobody asked for yet
		if _, err := e.ScoreDrill(ctx, n, now); err != nil {
			return out, err
		}
	}
	return out, e.learnedFacts(ctx, &out)
}

// fact is an incident as the figures see it, held against the goals of the configuration.
func (e *Engine) fact(in incident.Incident) report.Fact {
	f := report.Of(in, e.reportZone())
	f.Goals = e.config().Reports.GoalsOf(in.Severity)
	return f
}

// zoneOf is where a person's nights are.
func (e *Engine) zoneOf(person string) *time.Location {
	if p, ok := e.config().Book.People[person]; ok && p.Zone != nil {
		return p.Zone
	}
	return e.reportZone()
}

// onCall is who is on call on the day of the zone that holds now, by rotation and time.
func (e *Engine) onCall(now time.Time, zone *time.Location) []report.Duty {
	today := report.Last(report.Daily, now, zone).After(zone)
	book := e.config().Book
	var out []report.Duty
	for _, name := range slices.Sorted(maps.Keys(book.Rotations)) {
		for _, s := range book.Shifts(name, today.From, today.To) {
			out = append(out, report.Duty{Rotation: name, Person: s.Person, From: s.Start, Until: s.End})
		}
	}
	return out
}

// batches reads a list to its end; each returns the number of what it got.
func batches[T any](ctx context.Context, list func(context.Context, store.Filter) ([]T, error), each func(T) int64) error {
	for f := (store.Filter{Limit: factsBatch}); ; {
		some, err := list(ctx, f)
		if err != nil && !errors.Is(err, store.ErrDamaged) {
			return err
		}
		if len(some) == 0 {
			return nil
		}
		for _, v := range some {
			f.Before = each(v)
		}
	}
}

// learnedFacts adds what was written, decided and practised, oldest first.
func (e *Engine) learnedFacts(ctx context.Context, out *report.Facts) error {
	pms, err := records[postmortem.Postmortem](ctx, e, store.Postmortem, store.Filter{Limit: maxLibrary})
	if err != nil {
		return err
	}
	for _, p := range slices.Backward(pms) {
		f := report.PostmortemFact{Incident: p.Incident, Severity: p.Severity, Service: p.Service, Summary: p.Summary,
			Cause: p.Cause, Owner: p.Owner, Deadline: p.Deadline, PublishedAt: p.PublishedAt, Owed: p.Required && p.Open()}
		if p.State == postmortem.Published {
			f.Lessons = postmortem.Lessons(p.Text)
		}
		out.Postmortems = append(out.Postmortems, f)
	}
	actions, err := records[postmortem.Action](ctx, e, store.Action, store.Filter{Limit: maxLibrary})
	if err != nil {
		return err
	}
	for _, a := range slices.Backward(actions) {
		out.Actions = append(out.Actions, report.ActionFact{Number: a.Number, Incident: a.Incident, Service: a.Service, Title: a.Title, Owner: a.Owner,
			Priority: string(a.Priority), Due: a.Due.String(), State: string(a.State), EndedAt: a.EndedAt})
	}
	drills, err := records[DrillScore](ctx, e, store.Drill, store.Filter{Limit: maxLibrary})
	if err != nil {
		return err
	}
	for _, d := range slices.Backward(drills) {
		f := report.DrillFact{Number: d.Number, Severity: d.Severity, Service: d.Service, BeganAt: d.BeganAt, AckedBy: d.AckedBy, Passed: d.Acceptable,
			People: len(d.People), Unreached: d.Unreached}
		if !d.AckedAt.IsZero() {
			f.Seconds = int64(d.AckedAt.Sub(d.BeganAt) / time.Second)
		}
		out.Drills = append(out.Drills, f)
	}
	return nil
}
