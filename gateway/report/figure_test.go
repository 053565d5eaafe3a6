package report

import (
	"slices"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
)

func at(hour, min int) time.Time { return time.Date(2026, 3, 4, hour, min, 0, 0, time.UTC) }

// resolved is an incident that took its usual course.
func resolved(n int64, detected time.Time) Fact {
	return Fact{Number: n, Severity: alert.SEV2, Service: "api", Month: "2026-03", Status: incident.Resolved, DetectedAt: detected,
		AckedAt: detected.Add(2 * time.Minute), TriagedAt: detected.Add(10 * time.Minute), ResolvedAt: detected.Add(time.Hour),
		ImpactAt: detected.Add(-time.Minute), Goals: GoalsOf(alert.SEV2)}
}

func TestEachFigureMeasuresWhatItsDefinitionSays(t *testing.T) {
	g := Compute([]Fact{resolved(1, at(1, 0)), resolved(2, at(4, 0))}).All
	for name, c := range map[string]struct {
		got  Figure
		want Figure
	}{
		"MTTD": {g.Detect, Figure{2, 60, 60, 60, 2, 2}},
		"MTTA": {g.Acknowledge, Figure{2, 120, 120, 120, 2, 2}},
		"MTTI": {g.Investigate, Figure{2, 600, 600, 600, 0, 0}},
		"MTTR": {g.Resolve, Figure{2, 3600, 3600, 3600, 2, 2}},
		"MTBF": {g.Between, Figure{1, 10800, 10800, 10800, 0, 0}},
	} {
		if c.got != c.want {
			t.Errorf("%s is %+v, want %+v", name, c.got, c.want)
		}
	}
}

func TestStatisticsAreNearestRanksAndTheMeanIsRounded(t *testing.T) {
	for _, c := range []struct {
		times []int64
		want  Figure
	}{
		{nil, Figure{}},
		{[]int64{7}, Figure{N: 1, Mean: 7, P50: 7, P90: 7}},
		{[]int64{1, 2}, Figure{N: 2, Mean: 2, P50: 1, P90: 2}},
		{[]int64{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, Figure{N: 10, Mean: 6, P50: 5, P90: 9}},
		{[]int64{11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, Figure{N: 11, Mean: 6, P50: 6, P90: 10}},
	} {
		var times []sample
		for _, s := range c.times {
			times = append(times, sample{seconds: s})
		}
		if got := figure(times); got != c.want {
			t.Errorf("%v: %+v, want %+v", c.times, got, c.want)
		}
	}
	if f := figure([]sample{{300, 300}, {301, 300}, {5, 0}}); f.Within != 1 || f.Targeted != 2 {
		t.Errorf("within %d of %d", f.Within, f.Targeted)
	}
}

// TestEveryRuleIsKept owns the list of what counts: each rule with an incident that it is about.
func TestEveryRuleIsKept(t *testing.T) {
	change := func(f func(*Fact)) Fact {
		in := resolved(1, at(1, 0))
		f(&in)
		return in
	}
	cases := map[string]struct {
		fact                    Fact
		count, open             int
		acks, resolves, detects int
		mttr                    int64
	}{
		"drill":     {change(func(f *Fact) { f.Drill = true }), 0, 0, 0, 0, 0, 0},
		"merged":    {change(func(f *Fact) { f.Merged = 7 }), 0, 0, 0, 0, 0, 0},
		"dismissed": {change(func(f *Fact) { f.Status, f.ResolvedAt = incident.Dismissed, time.Time{} }), 0, 0, 0, 0, 0, 0},
		"candidate": {change(func(f *Fact) {
			f.Status, f.ResolvedAt, f.AckedAt = incident.Candidate, time.Time{}, time.Time{}
		}), 1, 1, 0, 0, 1, 0},
		"unacknowledged": {change(func(f *Fact) { f.AckedAt = time.Time{} }), 1, 0, 0, 1, 1, 3600},
		"reopened":       {change(func(f *Fact) { f.Reopened, f.ResolvedAt = 1, at(5, 0) }), 1, 0, 1, 1, 1, 4 * 3600},
		"open":           {change(func(f *Fact) { f.Status, f.Reopened, f.ResolvedAt = incident.Open, 1, time.Time{} }), 1, 1, 1, 0, 1, 0},
		"lacking":        {change(func(f *Fact) { f.ImpactAt = time.Time{} }), 1, 0, 1, 1, 0, 3600},
		"inverse":        {change(func(f *Fact) { f.ResolvedAt = at(0, 30) }), 1, 0, 1, 1, 1, 0},
	}
	for _, rule := range Rules() {
		c, ok := cases[rule.Word]
		if !ok {
			t.Errorf("rule %s has no case", rule.Word)
			continue
		}
		delete(cases, rule.Word)
		g := Compute([]Fact{c.fact}).All
		if g.Count != c.count || g.Open != c.open || g.Acknowledge.N != c.acks || g.Resolve.N != c.resolves || g.Detect.N != c.detects || g.Resolve.Mean != c.mttr {
			t.Errorf("%s: %+v", rule.Word, g)
		}
		if (c.count == 1) != rule.Counts || rule.Text == "" {
			t.Errorf("%s: counted %d, the rule says %v", rule.Word, c.count, rule.Counts)
		}
	}
	if len(cases) > 0 {
		t.Errorf("cases without a rule: %v", cases)
	}
}

func TestTimeBetweenFailuresReachesBackIntoTheMonthBefore(t *testing.T) {
	early := resolved(1, time.Date(2026, 2, 28, 1, 0, 0, 0, time.UTC))
	early.Month = "2026-02"
	other := resolved(2, at(0, 0))
	other.Service = "db"
	f := Compute([]Fact{resolved(3, at(1, 0)), other, early})
	if got := f.ByMonth[1].Between; got.N != 2 || got.P50 != 3600 || got.P90 != 4*24*3600-3600 {
		t.Errorf("March: %+v", got)
	}
	if got := f.ByService[0]; got.Name != "api" || got.Between.Mean != 4*24*3600 {
		t.Errorf("service api: %+v", got)
	}
}

func TestLoadCountsNightsOnceAndHoursOnce(t *testing.T) {
	zone := madrid(t)
	p := PeriodOf(Weekly, day(2026, 3, 4), zone)
	ring := func(n int64, at time.Time) PageFact {
		return PageFact{Number: n, TriggeredAt: at, Rung: []Rung{rung("ana", at.In(zone))}}
	}
	friday := time.Date(2026, 3, 6, 22, 30, 0, 0, time.UTC) // 23:30 in Madrid
	pages := []PageFact{ring(1, at(12, 0)), ring(2, friday), ring(3, friday.Add(3*time.Hour)), ring(4, friday.Add(-30*24*time.Hour))}
	drill := ring(5, friday)
	drill.Drill = true
	a, b := resolved(1, at(1, 0)), resolved(2, at(1, 30))
	a.Commander, b.Commander = "ana", "ana"
	got := loads(append(pages, drill), []Fact{a, b}, p, at(23, 0))
	if want := []Load{{"ana", 3, 1, 1, 88 * 60}}; !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	pages[0].Noise, pages[1].AckedAt = 2, friday.Add(time.Minute)
	if got, want := quality(pages, p), (Quality{Pages: 3, Acted: 1, Noise: 1, Night: 2, Nights: 7}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestPeriodsFollowTheCalendarOfTheZone(t *testing.T) {
	zone := madrid(t)
	for _, c := range []struct {
		kind           Kind
		day            string
		name, from, to string
	}{
		{Monthly, "2026-03-29", "March 2026", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"},
		{Weekly, "2026-03-29", "Week of 23 March 2026", "2026-03-22T23:00:00Z", "2026-03-29T22:00:00Z"},
		{Daily, "2026-03-29", "Sunday 29 March 2026", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},
	} {
		p := PeriodOf(c.kind, day(2026, 3, 29), zone)
		if p.Name != c.name || p.From.Format(time.RFC3339) != c.from || p.To.Format(time.RFC3339) != c.to {
			t.Errorf("%s: %+v", c.kind, p)
		}
		if next := p.After(zone); !next.From.Equal(p.To) || next.Before(zone) != p {
			t.Errorf("%s: after it comes %+v", c.kind, next)
		}
		if last := Last(c.kind, p.To, zone); last != p {
			t.Errorf("%s: the last one at its end is %+v", c.kind, last)
		}
	}
}

func TestCausesAreOneWhateverTheirCaseAndRepeatsAreFound(t *testing.T) {
	p := PeriodOf(Daily, day(2026, 3, 4), time.UTC)
	var facts []Fact
	for i, cause := range []string{"Disk full", "disk  FULL", "Bad deploy", "", "Expired certificate"} {
		f := resolved(int64(10+i), at(i, 0))
		f.RootCause = cause
		facts = append(facts, f)
	}
	old := resolved(1, at(0, 0).Add(-90*24*time.Hour))
	old.RootCause = "bad deploy"
	r := New(p, Facts{Incidents: append(facts, old)}, at(23, 0), time.UTC)
	if len(r.Causes) != 3 || r.Causes[0].Name != "disk FULL" || len(r.Causes[0].Incidents) != 2 || r.Causeless != 1 {
		t.Errorf("%+v, %d without", r.Causes, r.Causeless)
	}
	if len(r.Repeats) != 2 || r.Repeats[1].Name != "Bad deploy" || !slices.Equal(r.Repeats[1].Earlier, []int64{1}) {
		t.Errorf("repeats: %+v", r.Repeats)
	}
}
