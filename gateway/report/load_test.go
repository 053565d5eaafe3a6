package report

import (
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
