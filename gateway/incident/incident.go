// Package incident is what an acknowledged page is promoted into: who leads it, and the times that matter.
//
// It promises that [Next] is the only way to change an incident, pure like the page's.
package incident

import (
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/timeline"
)

// Format is the version of the stored form.
const Format = 1

// Status is where an incident is in its life.
type Status string

// The statuses. A candidate came from a SEV-1/2 page that resolved unacknowledged; only a person dismisses it.
const (
	Candidate Status = "candidate"
	Open      Status = "open"
	Mitigated Status = "mitigated"
	Resolved  Status = "resolved"
	Dismissed Status = "dismissed"
)

// Incident is a value; all instants are UTC.
type Incident struct {
	Format    int            `json:"format"`
	Number    int64          `json:"number"` // the lowest number of the pages acknowledged in the act that began it
	Version   int64          `json:"version"`
	Head      string         `json:"head,omitempty"`    // hash of the newest timeline entry; set by the engine
	Entries   int64          `json:"entries,omitempty"` // number of its timeline entries; set by the engine
	Status    Status         `json:"status"`
	Severity  alert.Severity `json:"severity"`
	Service   string         `json:"service"`
	Summary   string         `json:"summary"`
	Pages     []int64        `json:"pages"`
	Commander string         `json:"commander,omitempty"` // the acknowledger until handed over

	DetectedAt     time.Time `json:"detected_at"`              // the first page was triggered
	AcknowledgedAt time.Time `json:"acknowledged_at,omitzero"` // promotion
	MitigatedAt    time.Time `json:"mitigated_at,omitzero"`
	ResolvedAt     time.Time `json:"resolved_at,omitzero"`
	PagesOver      bool      `json:"pages_over,omitempty"` // every page resolved; the commander was asked
	Dismissal      string    `json:"dismissal,omitempty"`  // why a person dismissed a candidate
	Due            time.Time `json:"due,omitzero"`
	Log            Log       `json:"log,omitzero"` // set by the engine
}

// Log is what the structured log of events was told of an incident, and what it is owed. What is owed is stored in the same
// commit as its cause, and paid after it.
type Log struct {
	Owed    string    `json:"owed,omitempty"`    // type of the event that is to be written; empty = nothing
	Version int64     `json:"version,omitempty"` // of the incident in the commit since which it is owed: who made that commit writes it
	Since   time.Time `json:"since,omitzero"`    // instant of that commit: when it is long past, whoever sees it writes it
	Told    string    `json:"told,omitempty"`    // digest of what was written last
}

// Event is something that happens to an incident. The set is closed.
type Event interface{ event() }

// Promote begins the incident (on the zero Incident) or adds a page to it.
type Promote struct {
	Page      int64
	Severity  alert.Severity
	Service   string
	Summary   string
	Triggered time.Time
	By        string // becomes commander if there is none
	Candidate bool
}

// PageOver says that a page of the incident resolved; Last when no other page of it is open.
type PageOver struct {
	Page int64
	Last bool
	// May end the incident without a person: SEV-3 and SEV-4.
	May bool
}

// Mitigate is a person saying that users are well again.
type Mitigate struct{ By, Channel string }

// Resolve is a person closing the incident.
type Resolve struct{ By, Channel string }

// Dismiss is a person saying that a candidate was no incident; Reason is required.
type Dismiss struct{ By, Channel, Reason string }

// Raised says that a page of the incident was raised or lowered.
type Raised struct {
	To alert.Severity
	By string
}

func (Promote) event()  {}
func (PageOver) event() {}
func (Mitigate) event() {}
func (Resolve) event()  {}
func (Dismiss) event()  {}
func (Raised) event()   {}

// Effects are what a transition asks for.
type Effects struct {
	Changed      bool
	Entry        timeline.Entry
	AskCommander bool   // the pages are over: ask whether the incident is
	Answer       string // word: "mitigated", "already_mitigated", "resolved", "already_resolved", "dismissed", "refused"
}
