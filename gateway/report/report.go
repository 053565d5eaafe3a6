// Package report turns what happened into figures: facts in, figures out. It computes MTTD, MTTA, MTTI, MTTR and MTBF, the
// load of responders and the quality of alerts, and shows them as monthly reviews and digests in Markdown, HTML and JSON.
//
// It promises that every figure follows from the exported facts alone, in whole seconds and whole numbers, so that anybody
// can compute it again with other tools and get the same; that what is counted and what is not is one list, [Rules],
// which every report shows; and that it uses no clock.
package report

import (
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
)

// Format is the version of the exported and of the kept form of facts.
const Format = 1

// Fact is one incident as the figures see it: a flat value that is kept for ever. Instants are UTC in whole seconds, zero
// where the thing did not happen (yet).
type Fact struct {
	Number       int64           `json:"number"`
	Severity     alert.Severity  `json:"severity"` // the last one
	Service      string          `json:"service"`
	Summary      string          `json:"summary,omitempty"` // foreign text
	Month        string          `json:"month"`             // of detection in the zone of the reports: "2026-03"
	Status       incident.Status `json:"status"`
	ImpactAt     time.Time       `json:"impact_at,omitzero"` // users began to suffer
	DetectedAt   time.Time       `json:"detected_at,omitzero"`
	AckedAt      time.Time       `json:"acknowledged_at,omitzero"`
	TriagedAt    time.Time       `json:"triaged_at,omitzero"`
	MitigatedAt  time.Time       `json:"mitigated_at,omitzero"`
	ResolvedAt   time.Time       `json:"resolved_at,omitzero"` // the last time; zero while it is open (again)
	Commander    string          `json:"commander,omitempty"`  // the last one
	Led          []Led           `json:"led,omitempty"`        // who had the command from when to when, in order
	RootCause    string          `json:"root_cause,omitempty"`
	Drill        bool            `json:"drill,omitempty"`
	Merged       int64           `json:"merged,omitempty"`   // number of the incident that it became part of
	Reopened     int             `json:"reopened,omitempty"` // how often
	CustomerData bool            `json:"customer_data,omitempty"`
	Security     bool            `json:"security,omitempty"`
	Goals        Goals           `json:"goals"` // of its severity when the fact was taken
	Pages        []int64         `json:"pages,omitempty"`
}

// Led is a time for which somebody had the command of an incident.
type Led struct {
	Person string    `json:"person"`
	From   time.Time `json:"from"`
	Until  time.Time `json:"until,omitzero"` // when somebody else took over; zero = nobody did
}

// Goals are what a severity's times are held against, in seconds; 0 = no goal.
type Goals struct {
	Detect      int64 `json:"detect,omitempty"`
	Acknowledge int64 `json:"acknowledge,omitempty"`
	Investigate int64 `json:"investigate,omitempty"`
	Resolve     int64 `json:"resolve,omitempty"`
}

// Minutes and hours in seconds.
const (
	minute = 60
	hour   = 60 * minute
)

// GoalsOf are the preset goals, which are the practice's: MTTD and MTTA under 5 minutes for whoever rings a telephone, MTTI under 30 minutes for
// SEV-1, MTTR under 1 hour for SEV-1 and under 4 hours for SEV-2; SEV-3 has the day that its mitigation target gives it.
func GoalsOf(s alert.Severity) Goals {
	switch s {
	case alert.SEV1:
		return Goals{Detect: 5 * minute, Acknowledge: 5 * minute, Investigate: 30 * minute, Resolve: hour}
	case alert.SEV2:
		return Goals{Detect: 5 * minute, Acknowledge: 5 * minute, Resolve: 4 * hour}
	case alert.SEV3:
		return Goals{Detect: 5 * minute, Acknowledge: 5 * minute, Resolve: 24 * hour}
	}
	return Goals{}
}

// PageFact is one page as load and alert quality see it. Pages are kept 400 days.
type PageFact struct {
	Number      int64          `json:"number"`
	Severity    alert.Severity `json:"severity"`
	Service     string         `json:"service"`
	Month       string         `json:"month"` // of the trigger, as with incidents
	TriggeredAt time.Time      `json:"triggered_at"`
	AckedAt     time.Time      `json:"acknowledged_at,omitzero"` // newest acknowledgement
	ResolvedAt  time.Time      `json:"resolved_at,omitzero"`
	Acker       string         `json:"acker,omitempty"`
	Incident    int64          `json:"incident,omitempty"`
	Drill       bool           `json:"drill,omitempty"`
	Noise       int            `json:"noise,omitempty"` // people whose verdict was "noise"
	Rung        []Rung         `json:"rung,omitempty"`  // everybody who was rung, once each
}

// Rung is somebody who was rung for a page, judged by their own wall clock at the instant of the trigger.
type Rung struct {
	Person  string `json:"person"`
	Night   string `json:"night,omitempty"`   // date on which the night began, when it was night
	Weekend bool   `json:"weekend,omitempty"` // Saturday or Sunday
}

// Facts are everything that reports are made of.
type Facts struct {
	Format    int        `json:"format"`
	Zone      string     `json:"zone"` // IANA name: whose midnight ends a day and a month
	Incidents []Fact     `json:"incidents"`
	Pages     []PageFact `json:"pages"`
	TimeOff   TimeOff    `json:"time_off,omitzero"` // the rule of the configuration
	OnCall    []Duty     `json:"on_call,omitempty"` // on the day of the facts, by rotation and time
	// What was learned and practised; missing in what an older pagerd exported.
	Actions     []ActionFact     `json:"actions,omitempty"`
	Postmortems []PostmortemFact `json:"postmortems,omitempty"`
	Drills      []DrillFact      `json:"drills,omitempty"`
}
