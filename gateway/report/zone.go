package report

import (
	"time"

	"pagerd/schedule"
)

// ZoneOf is the zone whose midnights end days and months: that of the rotations when they share one, else UTC.
func ZoneOf(b *schedule.Book) *time.Location {
	var zone *time.Location
	for _, r := range b.Rotations {
		if zone != nil && r.Zone.String() != zone.String() {
			return time.UTC
		}
		zone = r.Zone
	}
	if zone == nil {
		return time.UTC
	}
	return zone
}
