package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/schedule"
)

func madrid(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func day(y int, m time.Month, d int) schedule.Date { return schedule.Date{Year: y, Month: m, Day: d} }

// year makes n incidents of 2025 as they happen: most are answered and resolved, some are drills, merged, dismissed, still
// candidates, reopened, never acknowledged or still open.
func year(t testing.TB, n int) Facts {
	t.Helper()
	zone := madrid(t)
	dice := rand.New(rand.NewPCG(4, 2025))
	services := []string{"api-gateway", "checkout", "dynamodb", "lambda", "s3", "cloudfront", "ecs"}
	people := []string{"ana", "ben", "carla", "dora", "eli"}
	causes := []string{"Connection pool exhausted", "connection  pool exhausted", "Expired certificate", "Bad deploy", "Disk full", "Quota reached", "", ""}
	out := Facts{Format: Format, Zone: zone.String()}
	at := time.Date(2025, 1, 1, 0, 30, 0, 0, time.UTC)
	step := int(365 * 24 * time.Hour / time.Second / time.Duration(n))
	seconds := func(most int) time.Duration { return time.Duration(dice.IntN(most)) * time.Second }
	for i := range n {
		in := incident.Incident{Number: int64(1001 + i), Severity: alert.Severity(1 + dice.IntN(4)), Service: services[dice.IntN(len(services))],
			Summary: "error rate 15%", Status: incident.Resolved, DetectedAt: at, Commander: people[dice.IntN(len(people))]}
		in.Pages = []int64{in.Number}
		at = at.Add(time.Duration(step/2)*time.Second + seconds(step))
		in.AcknowledgedAt = in.DetectedAt.Add(seconds(600) + 700*time.Millisecond)
		in.MitigatedAt = in.AcknowledgedAt.Add(seconds(7200))
		in.ResolvedAt = in.MitigatedAt.Add(seconds(3600))
		f := Of(in, zone)
		f.RootCause = causes[dice.IntN(len(causes))]
		f.ImpactAt = f.DetectedAt.Add(-seconds(600) + 30*time.Second)
		f.TriagedAt = f.AckedAt.Add(seconds(1800))
		switch dice.IntN(20) {
		case 0:
			f.Drill = true
		case 1:
			f.Merged = f.Number - 1
		case 2:
			f.Status, f.ResolvedAt, f.AckedAt, f.TriagedAt, f.Commander = incident.Dismissed, time.Time{}, time.Time{}, time.Time{}, ""
		case 3:
			f.Status, f.ResolvedAt, f.AckedAt, f.TriagedAt, f.Commander = incident.Candidate, time.Time{}, time.Time{}, time.Time{}, ""
		case 4:
			f.Reopened, f.ResolvedAt = 1, f.ResolvedAt.Add(seconds(86400))
		case 5:
			f.Reopened, f.Status, f.ResolvedAt = 1, incident.Open, time.Time{}
		case 6:
			f.AckedAt = time.Time{}
		case 7:
			f.ImpactAt, f.TriagedAt = time.Time{}, time.Time{}
		}
		out.Incidents = append(out.Incidents, f)
		p := PageFact{Number: f.Number, Severity: f.Severity, Service: f.Service, Month: f.Month, TriggeredAt: f.DetectedAt, AckedAt: f.AckedAt,
			ResolvedAt: f.ResolvedAt, Acker: f.Commander, Incident: f.Number, Drill: f.Drill}
		if dice.IntN(10) == 0 {
			p.Noise = 1
		}
		for _, person := range people[:1+dice.IntN(3)] {
			p.Rung = append(p.Rung, rung(person, f.DetectedAt.In(zone)))
		}
		out.Pages = append(out.Pages, p)
	}
	return out
}

// rows writes figures as figures.sql does.
func rows(f Figures) []string {
	var out []string
	add := func(kind string, groups ...Group) {
		for _, g := range groups {
			for _, c := range []struct {
				name string
				Figure
			}{{"MTBF", g.Between}, {"MTTA", g.Acknowledge}, {"MTTD", g.Detect}, {"MTTI", g.Investigate}, {"MTTR", g.Resolve}} {
				if c.N > 0 {
					out = append(out, fmt.Sprintf("%s|%s|%d|%d|%s|%d|%d|%d|%d|%d|%d", kind, g.Name, g.Count, g.Open, c.name, c.N, c.Mean, c.P50, c.P90, c.Within, c.Targeted))
				}
			}
		}
	}
	add("all", f.All)
	add("month", f.ByMonth...)
	add("service", f.ByService...)
	add("severity", f.BySeverity...)
	return out
}

// BenchmarkYear reports a year of 2,000 incidents: every figure, and the review of December in all three forms.
func BenchmarkYear(b *testing.B) {
	facts, zone := year(b, 2000), madrid(b)
	now := time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC)
	for b.Loop() {
		Compute(facts.Incidents)
		r := New(PeriodOf(Monthly, day(2025, 12, 1), zone), facts, now, zone)
		if err := errors.Join(Markdown(io.Discard, r, zone), HTML(io.Discard, r, zone, Links{}), json.NewEncoder(io.Discard).Encode(r)); err != nil {
			b.Fatal(err)
		}
	}
}
