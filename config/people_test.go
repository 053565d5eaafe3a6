package config

import (
	"testing"
	"time"
)

func TestWhoTakesAWeekIsRemindedADayBefore(t *testing.T) {
	for rotation, want := range map[string]time.Duration{
		"":                            24 * time.Hour,
		", remind: 2d":                48 * time.Hour,
		", remind: none":              0,
		", unit: daily":               0, // whoever changes every day knows
		", unit: daily, remind: 12h":  12 * time.Hour,
		", unit: hourly, remind: 90m": 90 * time.Minute,
	} {
		text := `
sources: [{name: prod, token: x}]
people: [{name: ana, sms: "+34600000001"}]
schedules: [{name: platform, people: [ana]` + rotation + `}]
routes: {schedule: platform}
`
		c, err := Parse("pagerd.yaml", []byte(text), func(string) (string, bool) { return "", false })
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Book.Rotations["platform"].Remind; got != want {
			t.Errorf("%q: %s, want %s", rotation, got, want)
		}
	}
}
