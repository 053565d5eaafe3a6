package config

import (
	"testing"

	"pagerd/gateway/alert"
	"pagerd/gateway/report"
)

func TestTimeOffIsThePresetUnlessTheTeamSaysOtherwise(t *testing.T) {
	const company = `
sources: [{name: prod, token: x}]
people: [{name: ana, sms: "+34600000001"}]
schedules: [{name: platform, people: [ana]}]
routes: {schedule: platform}
`
	for text, want := range map[string]report.TimeOff{
		"":                          report.DefaultTimeOff(),
		"reports: {time_off: none}": {},
		"reports: {time_off: {}}":   {Severity: alert.SEV1, Seconds: 4 * 3600, Led: 4 * 3600},
		"reports: {time_off: {severity: SEV-2, owed: 1d, led: 90m}}": {Severity: alert.SEV2, Seconds: 24 * 3600, Led: 90 * 60},
	} {
		c, err := Parse("pagerd.yaml", []byte(company+text), func(string) (string, bool) { return "", false })
		if err != nil {
			t.Fatal(err)
		}
		if c.Reports.TimeOff != want {
			t.Errorf("%s: %+v, want %+v", text, c.Reports.TimeOff, want)
		}
	}
}

func TestGoalsAreThePresetUnlessTheTeamSaysOtherwise(t *testing.T) {
	const text = `
sources: [{name: prod, token: x}]
people: [{name: ana, sms: "+34600000001"}]
schedules: [{name: platform, people: [ana]}]
routes: {schedule: platform}
reports: {goals: {SEV-1: {acknowledge: 2m, investigate: none}, SEV-4: {resolve: 7d}}}
`
	c, err := Parse("pagerd.yaml", []byte(text), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	for s, want := range map[alert.Severity]report.Goals{
		alert.SEV1: {Detect: 300, Acknowledge: 120, Resolve: 3600},
		alert.SEV2: report.GoalsOf(alert.SEV2),
		alert.SEV4: {Resolve: 7 * 24 * 3600},
	} {
		if got := c.Reports.GoalsOf(s); got != want {
			t.Errorf("%s: %+v, want %+v", s, got, want)
		}
	}
}
