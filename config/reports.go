package config

import (
	"cmp"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/report"
	"pagerd/notify"
	"pagerd/schedule"
)

// Reports is which reviews and digests are mailed to whom, on the day after their period ended.
type Reports struct {
	At      schedule.Clock // of the reports' zone; default 09:00
	Readers map[report.Kind][]notify.Contact
	Goals   map[alert.Severity]report.Goals // of the team's own; see GoalsOf
	TimeOff report.TimeOff                  // what people are owed after a major incident
}

// GoalsOf are what a severity's times are held against: the preset where the team has none of its own.
func (r Reports) GoalsOf(s alert.Severity) report.Goals {
	if g, ok := r.Goals[s]; ok {
		return g
	}
	return report.GoalsOf(s)
}

func (r *reader) reports(a at, c *Config) Reports {
	f := a.mapping("at", "daily", "weekly", "monthly", "quarterly", "time_off", "goals")
	out := Reports{At: f["at"].clock(schedule.Clock{Hour: 9}), Readers: map[report.Kind][]notify.Contact{}, TimeOff: timeOff(f["time_off"]), Goals: goals(f["goals"])}
	for _, kind := range report.Kinds() {
		if readers := r.readers(f[string(kind)], c); len(readers) > 0 {
			out.Readers[kind] = readers
		}
	}
	return out
}

// timeOff reads {severity: SEV-1, owed: 4h, led: 4h}, or none.
func timeOff(a at) report.TimeOff {
	preset := report.DefaultTimeOff()
	switch {
	case a.missing():
		return preset
	case a.node.Value == "none":
		return report.TimeOff{}
	}
	f := a.mapping("severity", "owed", "led")
	return report.TimeOff{Severity: cmp.Or(f["severity"].severity(), preset.Severity),
		Seconds: seconds(f["owed"], preset.Seconds), Led: seconds(f["led"], preset.Led)}
}

// goals reads {SEV-1: {detect: 5m, acknowledge: 5m, investigate: 30m, resolve: 1h}}, each a time or none.
func goals(a at) map[alert.Severity]report.Goals {
	out := map[alert.Severity]report.Goals{}
	keys, values := a.entries()
	for i, key := range keys {
		s, err := alert.ParseSeverity(key)
		if err != nil {
			values[i].fail("", "found the key %q, allowed: SEV-1, SEV-2, SEV-3, SEV-4", key)
			continue
		}
		f, preset := values[i].mapping("detect", "acknowledge", "investigate", "resolve"), report.GoalsOf(s)
		out[s] = report.Goals{Detect: goal(f["detect"], preset.Detect), Acknowledge: goal(f["acknowledge"], preset.Acknowledge),
			Investigate: goal(f["investigate"], preset.Investigate), Resolve: goal(f["resolve"], preset.Resolve)}
	}
	return out
}

// goal reads seconds, or 0 for the word "none".
func goal(a at, preset int64) int64 {
	if !a.missing() && a.node.Value == "none" {
		return 0
	}
	return seconds(a, preset)
}

// seconds reads a duration of at least a minute as whole seconds.
func seconds(a at, preset int64) int64 {
	return int64(a.duration(time.Duration(preset)*time.Second, time.Minute) / time.Second)
}
