package config

import (
	"cmp"
	"time"

	"pagerd/gateway/report"
	"pagerd/notify"
	"pagerd/schedule"
)

// Reports is which reviews and digests are mailed to whom, on the day after their period ended.
type Reports struct {
	At      schedule.Clock // of the reports' zone; default 09:00
	Readers map[report.Kind][]notify.Contact
	TimeOff report.TimeOff // what people are owed after a major incident
}

func (r *reader) reports(a at, c *Config) Reports {
	f := a.mapping("at", "daily", "weekly", "monthly", "quarterly", "time_off")
	out := Reports{At: f["at"].clock(schedule.Clock{Hour: 9}), Readers: map[report.Kind][]notify.Contact{}, TimeOff: timeOff(f["time_off"])}
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

// seconds reads a duration of at least a minute as whole seconds.
func seconds(a at, preset int64) int64 {
	return int64(a.duration(time.Duration(preset)*time.Second, time.Minute) / time.Second)
}
