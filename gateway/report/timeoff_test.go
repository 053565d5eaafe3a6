package report

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
)

// major is an incident that begins at 10:00 of 4 March 2026, with one page, and lasts some hours under one commander.
func major(number int64, s alert.Severity, hours int) Fact {
	return Fact{Number: number, Severity: s, Status: incident.Resolved, DetectedAt: at(10, 0), AckedAt: at(10, 0), ResolvedAt: at(10+hours, 0),
		Commander: "ana", Led: []Led{{Person: "ana", From: at(10, 0)}}, Pages: []int64{number}}
}

func rang(page int64, night bool, people ...string) PageFact {
	p := PageFact{Number: page, TriggeredAt: at(10, 0)}
	for _, person := range people {
		r := Rung{Person: person}
		if night {
			r.Night = "2026-03-03"
		}
		p.Rung = append(p.Rung, r)
	}
	return p
}

func TestWhoIsOwedTimeOff(t *testing.T) {
	shared := Of(handedOver(at(10, 0)), time.UTC)
	drill, merged, dismissed, open := major(1042, alert.SEV1, 6), major(1042, alert.SEV1, 6), major(1042, alert.SEV1, 6), major(1042, alert.SEV1, 1)
	drill.Drill, merged.Merged, dismissed.Status, open.ResolvedAt = true, 1001, incident.Dismissed, time.Time{}
	practice := rang(1042, true, "ben")
	practice.Drill = true
	wide := TimeOff{Severity: alert.SEV2, Seconds: 8 * hour, Led: 2 * hour}
	for _, c := range []struct {
		what  string
		rule  TimeOff
		facts Facts
		want  []Owed
	}{
		{"rung at night", DefaultTimeOff(), Facts{Incidents: []Fact{major(1042, alert.SEV1, 1)}, Pages: []PageFact{rang(1042, true, "ben", "carla")}},
			[]Owed{{"ben", 4 * hour, []Burden{{Incident: 1042, Night: true}}}, {"carla", 4 * hour, []Burden{{Incident: 1042, Night: true}}}}},
		{"rung by day, and led for four hours", DefaultTimeOff(), Facts{Incidents: []Fact{major(1042, alert.SEV1, 4)}, Pages: []PageFact{rang(1042, false, "ben")}}, nil},
		{"led for five hours", DefaultTimeOff(), Facts{Incidents: []Fact{major(1042, alert.SEV1, 5)}}, []Owed{{"ana", 4 * hour, []Burden{{Incident: 1042, Led: 5 * hour}}}}},
		{"led, handed over and led again", TimeOff{Severity: alert.SEV1, Seconds: hour, Led: 150 * minute}, Facts{Incidents: []Fact{shared}},
			[]Owed{{"ana", hour, []Burden{{Incident: 1042, Led: 3 * hour}}}}},
		{"both, in two incidents", DefaultTimeOff(), Facts{Incidents: []Fact{major(1042, alert.SEV1, 5), major(1043, alert.SEV1, 1)},
			Pages: []PageFact{rang(1042, true, "ana"), rang(1043, true, "ana")}},
			[]Owed{{"ana", 8 * hour, []Burden{{Incident: 1042, Night: true, Led: 5 * hour}, {Incident: 1043, Night: true, Led: hour}}}}},
		{"it goes on", DefaultTimeOff(), Facts{Incidents: []Fact{open}}, []Owed{{"ana", 4 * hour, []Burden{{Incident: 1042, Led: 13 * hour}}}}},
		{"SEV-2", DefaultTimeOff(), Facts{Incidents: []Fact{major(1042, alert.SEV2, 6)}, Pages: []PageFact{rang(1042, true, "ben")}}, nil},
		{"SEV-2 where the team says so", wide, Facts{Incidents: []Fact{major(1042, alert.SEV2, 6)}}, []Owed{{"ana", 8 * hour, []Burden{{Incident: 1042, Led: 6 * hour}}}}},
		{"a drill", DefaultTimeOff(), Facts{Incidents: []Fact{drill}, Pages: []PageFact{practice}}, nil},
		{"a drill's page in a real incident", DefaultTimeOff(), Facts{Incidents: []Fact{major(1042, alert.SEV1, 1)}, Pages: []PageFact{practice}}, nil},
		{"merged into another one", DefaultTimeOff(), Facts{Incidents: []Fact{merged}}, nil},
		{"dismissed", DefaultTimeOff(), Facts{Incidents: []Fact{dismissed}}, nil},
		{"the team owes none", TimeOff{}, Facts{Incidents: []Fact{major(1042, alert.SEV1, 6)}}, nil},
	} {
		c.facts.TimeOff = c.rule
		got := New(PeriodOf(Monthly, day(2026, 3, 4), time.UTC), c.facts, at(23, 0), time.UTC).TimeOff
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.what, got, c.want)
		}
	}
}

func TestTheMonthlyReviewSaysWhatIsOwedByWhichRule(t *testing.T) {
	facts := Facts{Incidents: []Fact{major(1042, alert.SEV1, 5)}, Pages: []PageFact{rang(1042, true, "ana", "b<b>en")}, TimeOff: DefaultTimeOff()}
	r := New(PeriodOf(Monthly, day(2026, 3, 4), time.UTC), facts, at(23, 0), time.UTC)
	var md, html bytes.Buffer
	if err := Markdown(&md, r, time.UTC); err != nil {
		t.Fatal(err)
	}
	if err := HTML(&html, r, time.UTC, Links{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"## Time off owed\n\n- ana: 4 h 00 min for #1042 \\(rung at night, led it for 5 h 00 min\\)\n- b\\<b\\>en: 4 h 00 min for #1042 \\(rung at night\\)\n",
		"After an incident of SEV-1, 4 h 00 min for each person", "set reports.time"} {
		if !strings.Contains(md.String(), want) {
			t.Errorf("%q is missing in\n%s", want, md.String())
		}
	}
	for _, want := range []string{"<h2>Time off owed</h2>", "b&lt;b&gt;en: 4 h 00 min", "set reports.time_off"} {
		if !strings.Contains(html.String(), want) {
			t.Errorf("%q is missing in the page", want)
		}
	}
	facts.TimeOff.Preset, facts.TimeOff.Severity = false, alert.SEV2
	for _, d := range New(r.Period, facts, at(23, 0), time.UTC).Meanings {
		if d.Word == "time off" && (!strings.Contains(d.Text, "SEV-2 or worse") || strings.Contains(d.Text, "preset")) {
			t.Errorf("%s", d.Text)
		}
	}
}
