package report

import (
	"time"

	"pagerd/gateway/alert"
)

// trendMonths is how far back the trend of a review looks.
const trendMonths = 12

// Review is a monthly review or a digest: everything that Markdown, HTML and JSON show.
type Review struct {
	Period     Period       `json:"period"`
	Zone       string       `json:"zone"`
	At         time.Time    `json:"at"` // the facts are those of then
	All        Group        `json:"all"`
	Before     Group        `json:"before"` // the period before
	BySeverity []Group      `json:"by_severity"`
	ByService  []Group      `json:"by_service"`
	Trend      []Month      `json:"trend"` // the last twelve months, oldest first
	Causes     []Cause      `json:"top_causes"`
	Causeless  int          `json:"without_root_cause"`
	Repeats    []Cause      `json:"repeats"`
	Load       []Load       `json:"load,omitempty"`
	TimeOff    []Owed       `json:"time_off,omitempty"` // for the incidents of the period
	Quality    Quality      `json:"alert_quality"`
	Open       []Fact       `json:"open,omitempty"`    // not over at At, whenever they began; those that count
	OnCall     []Duty       `json:"on_call,omitempty"` // of a daily digest: on the day after
	Learned    Learned      `json:"learned"`
	Questions  []string     `json:"questions,omitempty"` // for people; of a quarterly review
	Left       []LeftOut    `json:"left_out"`            // of the period
	Incidents  []Fact       `json:"incidents"`           // of the period, those that count, in the order of detection
	Rules      []Rule       `json:"rules"`
	Meanings   []Definition `json:"definitions"`
}

// Month is a month of the trend.
type Month struct {
	Group
	Severities [4]int `json:"severities"` // incidents of SEV-1 … SEV-4
}

// LeftOut is how many incidents a rule left out.
type LeftOut struct {
	Rule  string `json:"rule"`
	Count int    `json:"count"`
}

// Figures are the five figures by severity, service and month over everything that is known.
type Figures struct {
	All        Group   `json:"all"`
	BySeverity []Group `json:"by_severity"`
	ByService  []Group `json:"by_service"`
	ByMonth    []Group `json:"by_month"`
}

// Compute returns the figures of all facts.
func Compute(incidents []Fact) Figures {
	kept, _ := counted(incidents)
	h := newHistory(kept)
	return Figures{All: group("all", kept, h.any), BySeverity: groups(kept, severityKey, h.bySeverity),
		ByService: groups(kept, serviceKey, h.service), ByMonth: groups(kept, monthKey, h.any)}
}

// New makes the review of a period as the facts are at now.
func New(p Period, f Facts, now time.Time, zone *time.Location) Review {
	kept, _ := counted(f.Incidents)
	h := newHistory(kept)
	within := during(kept, p)
	before := p.Before(zone)
	r := Review{Period: p, Zone: zone.String(), At: now.UTC(), All: group(p.Name, within, h.any), Before: group(before.Name, during(kept, before), h.any),
		BySeverity: groups(within, severityKey, h.bySeverity), ByService: groups(within, serviceKey, h.service), Trend: trend(h, p, zone),
		Load: loads(f.Pages, kept, p, now), Quality: quality(f.Pages, p), Left: leftOut(f.Incidents, p), Incidents: within,
		Rules: Rules(), Meanings: Definitions()}
	if f.TimeOff.Severity.Valid() {
		r.TimeOff, r.Meanings = f.TimeOff.owed(within, f.Pages, now), append(r.Meanings, f.TimeOff.definition())
	}
	r.Open, r.Learned = open(kept), learned(f, p, now, zone)
	switch p.Kind {
	case Daily:
		r.OnCall = dutiesAfter(f.OnCall, p, zone)
	case Quarterly:
		r.Questions = Questions()
	}
	all, without := causes(kept, p)
	r.Causes, r.Causeless, r.Repeats = all[:min(len(all), topCauses)], without, repeats(all)
	return r
}

func during(facts []Fact, p Period) []Fact {
	out := []Fact{}
	for _, f := range facts {
		if p.Holds(f.DetectedAt) {
			out = append(out, f)
		}
	}
	return out
}

func leftOut(facts []Fact, p Period) []LeftOut {
	_, left := counted(during(facts, p))
	out := []LeftOut{}
	for _, rule := range Rules() {
		if n := left[rule.Word]; n > 0 {
			out = append(out, LeftOut{rule.Word, n})
		}
	}
	return out
}

// trend returns the twelve months that end with the one in which the period ends. A month without incidents is there too.
func trend(h history, p Period, zone *time.Location) []Month {
	m := Last(Monthly, p.To, zone)
	if p.Kind != Monthly && p.Kind != Quarterly {
		m = m.After(zone)
	}
	out := make([]Month, trendMonths)
	for i := trendMonths - 1; i >= 0; i-- {
		facts := during(h.facts, m)
		out[i].Group = group(m.Day[:len("2006-01")], facts, h.any)
		for _, f := range facts {
			if f.Severity.Valid() {
				out[i].Severities[f.Severity-alert.SEV1]++
			}
		}
		m = m.Before(zone)
	}
	return out
}
