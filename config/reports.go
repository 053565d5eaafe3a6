package config

import (
	"pagerd/gateway/report"
	"pagerd/notify"
	"pagerd/schedule"
)

// Reports is which reviews and digests are mailed to whom, on the day after their period ended.
type Reports struct {
	At      schedule.Clock // of the reports' zone; default 09:00
	Readers map[report.Kind][]notify.Contact
}

func (r *reader) reports(a at, c *Config) Reports {
	f := a.mapping("at", "daily", "weekly", "monthly", "quarterly")
	out := Reports{At: f["at"].clock(schedule.Clock{Hour: 9}), Readers: map[report.Kind][]notify.Contact{}}
	for _, kind := range report.Kinds() {
		if readers := r.readers(f[string(kind)], c); len(readers) > 0 {
			out.Readers[kind] = readers
		}
	}
	return out
}
