package report

import (
	"slices"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
)

// TestAMergedIncidentIsLedByNobody: it never is resolved, and its commander would lead it for ever.
func TestAMergedIncidentIsLedByNobody(t *testing.T) {
	at := time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC)
	p := Period{From: at.Add(-time.Hour), To: at.Add(24 * time.Hour)}
	in := incident.Incident{Number: 1043, Status: incident.Merged, MergedInto: 1042, Severity: alert.SEV2, DetectedAt: at, AcknowledgedAt: at, Commander: "ben"}
	if got := loads(nil, []Fact{Of(in, time.UTC)}, p, p.To); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

// TestEverybodyWhoLedIsSeenInTheLoad, not only who led last.
func TestEverybodyWhoLedIsSeenInTheLoad(t *testing.T) {
	at := time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC)
	p := Period{From: at.Add(-time.Hour), To: at.Add(24 * time.Hour)}
	f := Of(handedOver(at), time.UTC)
	want := []Load{{Person: "ana", Seconds: 3 * hour}, {Person: "ben", Seconds: 2 * hour}}
	if got := loads(nil, []Fact{f}, p, p.To); !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	f.Led = nil // kept by an older pagerd
	if got := loads(nil, []Fact{f}, p, p.To); !slices.Equal(got, []Load{{Person: "ana", Seconds: 5 * hour}}) {
		t.Errorf("%+v", got)
	}
}

// handedOver is a SEV-1 of five hours, led by ana, for two hours by ben, and by ana again.
func handedOver(at time.Time) incident.Incident {
	do := func(in incident.Incident, ev incident.Event, after time.Duration) incident.Incident {
		next, _ := incident.Next(in, ev, at.Add(after))
		return next
	}
	in := do(incident.Incident{Number: 1042}, incident.Promote{Page: 1042, Severity: alert.SEV1, Service: "checkout", Summary: "down", Triggered: at, By: "ana"}, 0)
	in = do(in, incident.Assign{By: "ana", Role: incident.RoleCommander, Person: "ben"}, time.Hour)
	in = do(in, incident.Assign{By: "ben", Role: incident.RoleCommander, Person: "ana"}, 3*time.Hour)
	return do(in, incident.Resolve{By: "ana"}, 5*time.Hour)
}
