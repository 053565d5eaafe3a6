package report

import (
	"slices"
	"time"

	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/schedule"
)

// Night is from 22:00 to 06:00 by the wall clock of whoever is rung: it holds the seven hours with midnight to five that
// the ILO's Night Work Convention (C171, article 1) asks for.
const (
	nightBegins = 22
	nightEnds   = 6
)

// Of takes the facts of an incident, with the preset goals. zone is where the reports' months begin.
func Of(in incident.Incident, zone *time.Location) Fact {
	return Fact{
		Number: in.Number, Severity: in.Severity, Service: in.Service, Summary: in.Summary, Month: month(in.DetectedAt, zone), Status: in.Status,
		DetectedAt: whole(in.DetectedAt), AckedAt: whole(in.AcknowledgedAt), MitigatedAt: whole(in.MitigatedAt), ResolvedAt: whole(in.ResolvedAt),
		Commander: in.Commander, Goals: GoalsOf(in.Severity), Pages: slices.Clone(in.Pages), ImpactAt: whole(in.ImpactAt),
		TriagedAt: whole(in.TriagedAt()), RootCause: in.RootCause, Merged: in.MergedInto, Reopened: in.Reopened,
		CustomerData: in.CustomerData, Security: in.Security, Drill: in.Drill, Led: led(in),
	}
}

// led is who had the command of an incident from when to when.
func led(in incident.Incident) []Led {
	var out []Led
	for _, a := range in.Roles {
		if a.Role == incident.RoleCommander {
			out = append(out, Led{Person: a.Person, From: whole(a.From), Until: whole(a.Until)})
		}
	}
	return out
}

// OfPage takes the facts of a page. zoneOf is where a person's nights are.
func OfPage(p page.Page, zone *time.Location, zoneOf func(person string) *time.Location) PageFact {
	f := PageFact{Number: p.Number, Severity: p.Severity, Service: p.Service, Month: month(p.TriggeredAt, zone), TriggeredAt: whole(p.TriggeredAt),
		AckedAt: whole(p.AckedAt), ResolvedAt: whole(p.ResolvedAt), Acker: p.Acker, Incident: p.Incident, Noise: len(p.Noise), Drill: p.Drill}
	for _, t := range p.Told {
		f.Rung = append(f.Rung, rung(t.Person, p.TriggeredAt.In(zoneOf(t.Person))))
	}
	return f
}

func rung(person string, local time.Time) Rung {
	r := Rung{Person: person, Weekend: local.Weekday() == time.Saturday || local.Weekday() == time.Sunday}
	switch h := local.Hour(); {
	case h >= nightBegins:
		r.Night = local.Format(time.DateOnly)
	case h < nightEnds:
		y, m, d := local.Date()
		r.Night = schedule.Date{Year: y, Month: m, Day: d}.Add(-1).String()
	}
	return r
}

// whole cuts an instant to the second, so that every tool computes the same from it.
func whole(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Second)
}

func month(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(zone).Format("2006-01")
}
