package report

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"pagerd/gateway/incident"
	"pagerd/gateway/timeline"
)

// The types of the structured events: exactly one "incident" for each incident, at its first resolution; what changes
// afterwards is an update. Drills have words of their own, so that no query has to leave them out.
const (
	EventIncident = "incident"
	EventUpdate   = "incident_update"
	EventDrill    = "drill"
)

// unknown is the root cause of an incident that has none yet: a query by cause shows it.
const unknown = "unknown"

// Event is what the structured log is told. Times are seconds since 1970, durations seconds; 0 = not known (yet).
type Event struct {
	Type             string `json:"eventType"`
	ID               string `json:"eventId"` // the same when a crash makes it be written twice
	Incident         int64  `json:"incident"`
	Severity         string `json:"severity"`
	Service          string `json:"service"`
	Status           string `json:"status"`
	RootCause        string `json:"rootCause"`
	Commander        string `json:"commander"`
	Duration         int64  `json:"duration"`
	ImpactTime       int64  `json:"impactTime"`
	DetectionTime    int64  `json:"detectionTime"`
	AcknowledgedTime int64  `json:"acknowledgedTime"`
	TriageTime       int64  `json:"triageTime"`
	MitigationTime   int64  `json:"mitigationTime"`
	ResolutionTime   int64  `json:"resolutionTime"`
	Reopened         int    `json:"reopened"`
	Merged           int64  `json:"mergedInto"`
	CustomerData     bool   `json:"customerData"`
	Security         bool   `json:"security"`
}

// EventOf makes the event of a type from facts.
func EventOf(kind string, f Fact) Event {
	e := Event{Type: kind, Incident: f.Number, Severity: f.Severity.String(), Service: f.Service, Status: string(f.Status), RootCause: clip(f.RootCause),
		Commander: f.Commander, ImpactTime: epoch(f.ImpactAt), DetectionTime: epoch(f.DetectedAt), AcknowledgedTime: epoch(f.AckedAt),
		TriageTime: epoch(f.TriagedAt), MitigationTime: epoch(f.MitigatedAt), ResolutionTime: epoch(f.ResolvedAt), Reopened: f.Reopened,
		Merged: f.Merged, CustomerData: f.CustomerData, Security: f.Security}
	e.Duration, _ = between(f.DetectedAt, f.ResolvedAt)
	if e.RootCause == "" {
		e.RootCause = unknown
	}
	e.ID = fmt.Sprintf("%d-%s", f.Number, e.digest())
	return e
}

// maxCause is how much of a root cause the log holds, in runes: a line, not a postmortem.
const maxCause = 200

func clip(s string) string {
	if r := []rune(s); len(r) > maxCause {
		return string(r[:maxCause])
	}
	return s
}

func epoch(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// digest tells two contents apart, whatever the type of the event.
func (e Event) digest() string {
	e.Type, e.ID = "", ""
	return sum(e)
}

func sum(v any) string {
	b, err := json.Marshal(v)
	if err != nil { // an Event holds only strings and numbers
		panic(fmt.Sprintf("report: encode event: %v", err))
	}
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:8])
}

// Owe returns what the log is owed once the incident is stored as it is, with its version, at now.
func Owe(in incident.Incident, zone *time.Location, now time.Time) incident.Log {
	l, f := in.Log, Of(in, zone)
	switch {
	case l.Owed != "":
		return l
	case l.Told != "" && f.Drill: // said once; its updates must not look like an incident's
	case l.Told != "":
		if e := EventOf(EventUpdate, f); e.digest() != l.Told {
			l.Owed = EventUpdate
		}
	case in.Status == incident.Resolved && f.Drill:
		l.Owed = EventDrill
	case in.Status == incident.Resolved && f.Merged == 0:
		l.Owed = EventIncident
	}
	if l.Owed != "" {
		l.Version, l.Since = in.Version, now
	}
	return l
}

// Pay returns the event that is owed. Nothing is payable while an incident whose first event is owed is open again: the
// event is written when it is resolved.
func Pay(in incident.Incident, zone *time.Location) (Event, bool) {
	if in.Log.Owed == "" || in.Log.Owed != EventUpdate && in.Status != incident.Resolved {
		return Event{}, false
	}
	return EventOf(in.Log.Owed, Of(in, zone)), true
}

// Paid returns the incident's log after an event was written. What changed in the meantime is owed as an update.
func Paid(in incident.Incident, e Event, zone *time.Location, now time.Time) incident.Log {
	in.Log = incident.Log{Told: e.digest()}
	return Owe(in, zone, now)
}

// The facts of an incident that was told to the log are kept for ever, in a timeline that no retention touches: one for
// each year.
const keptWhat = "facts"

// KeptIn names the timeline of a year's facts.
func KeptIn(year int) string { return fmt.Sprintf("facts/%d", year) }

// perNumber is how many versions of one incident fit between its entry numbers and the next incident's.
const perNumber = 1_000_000

// Keep makes the entry that keeps the facts of an incident as it is stored in this version.
func Keep(f Fact, version int64, now time.Time) (timeline.Entry, error) {
	b, err := json.Marshal(f)
	if err != nil {
		return timeline.Entry{}, fmt.Errorf("encode the facts of incident %d: %w", f.Number, err)
	}
	return timeline.Seal(timeline.Entry{Object: KeptIn(f.DetectedAt.Year()), Seq: f.Number*perNumber + version, At: now, Actor: "pagerd", What: keptWhat,
		Text: fmt.Sprintf("Facts of incident %d.", f.Number), Facts: map[string]string{"fact": string(b)}}, ""), nil
}

// Kept reads facts back from a year's entries; the newest of each incident holds.
func Kept(entries []timeline.Entry) ([]Fact, error) {
	var out []Fact
	for _, e := range entries {
		var f Fact
		if err := json.Unmarshal([]byte(e.Facts["fact"]), &f); err != nil {
			return nil, fmt.Errorf("entry %d of %s: %w", e.Seq, e.Object, err)
		}
		if n := len(out); n > 0 && out[n-1].Number == f.Number {
			out = out[:n-1]
		}
		out = append(out, f)
	}
	return out, nil
}
