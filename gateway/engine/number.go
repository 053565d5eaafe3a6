package engine

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"pagerd/gateway/report"
	"pagerd/gateway/shift"
	"pagerd/schedule"
)

// What is told by mail or once, and is no page, has numbers far above those that people reply with: made from what it is, so
// that it is the same whoever of several replicas tells it, and uses up no page's number. Subscribers have those from 1<<51 on.
const (
	shiftNumbers  = 1 << 48
	reportNumbers = 1 << 49
	updateNumbers = 1 << 50
)

// updateNumber is the number of the mailing of an update: that of its incident, and the version that recorded it.
func updateNumber(incident, version int64) int64 {
	return updateNumbers | incident<<16 | version&0xffff
}

// reportNumber is the number of the mailing of a review or digest: its kind, and the first day of its period.
func reportNumber(p report.Period) int64 {
	d, err := schedule.ParseDate(p.Day)
	if err != nil { // made by report.PeriodOf
		panic("engine: period without a day: " + p.Day)
	}
	return reportNumbers | calendarNumber(p.Kind)<<32 | int64(d.Year)<<16 | int64(d.Month)<<8 | int64(d.Day)
}

// shiftNumber is the number of a reminder of a shift.
func shiftNumber(r shift.Reminder) int64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "pagerd shift\x00%s\x00%s\x00%s\x00%d", r.What, r.Rotation, r.Person, r.Start.Unix()))
	return shiftNumbers | int64(binary.BigEndian.Uint64(sum[:8])>>16)
}
