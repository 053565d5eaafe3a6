package page

import (
	"fmt"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/timeline"
	"pagerd/notify"
	"pagerd/schedule"
)

// Effects are what a transition asks for. They are stored in the same commit as the page; only then is anything sent.
type Effects struct {
	Changed  bool           // false: nothing to store
	Fresh    Reason         // not empty: a new page must be created by the same event; this page stays as it is. The new page's Previous is this page's number
	Sends    []Send         // one delivery each
	Entry    timeline.Entry // What, Reason, Text, Actor, Facts; empty What = no entry
	Answer   Answer         // what to tell whoever acted
	Incident IncidentChange // what becomes of the incident in the same commit
	Alarms   []Alarm        // what the operators must hear: gaps, unreachable people
}

// Send asks for one notification to one contact method.
type Send struct {
	ID       string         `json:"id"` // see SendID
	Page     int64          `json:"page"`
	Round    int            `json:"round"`
	Kind     notify.Kind    `json:"kind"`
	Mode     schedule.Mode  `json:"mode,omitempty"`
	Person   string         `json:"person"`
	Contact  string         `json:"contact"`
	Channel  notify.Channel `json:"channel"`
	Severity alert.Severity `json:"severity"`
	At       time.Time      `json:"at"`    // the instant at which it was due
	Again    bool           `json:"again"` // this contact was rung for this page before
	Drill    bool           `json:"drill,omitempty"`
}

// SendID gives the id of a page's n-th send: "1042-3". It is the delivery's id everywhere.
func SendID(number int64, n int) string { return fmt.Sprintf("%d-%d", number, n) }

// Answer is what an act came to, for the sentence that the person gets.
type Answer struct {
	Code     AnswerCode
	Page     int64
	By       string    // who acknowledged or resolved (before)
	At       time.Time // when
	Next     string    // "8 escalate" rang whom: names, comma separated
	Severity alert.Severity
	Service  string
	Incident int64
	Drill    bool // what is practised and what is real are never one incident
}

// AnswerCode is the closed list of what an act can come to.
type AnswerCode string

// The answers.
const (
	AnswerNone            AnswerCode = ""
	AnswerAcked           AnswerCode = "acknowledged"
	AnswerAlreadyAcked    AnswerCode = "already_acknowledged"
	AnswerConfirmed       AnswerCode = "confirmed" // an inform target knows; nobody has taken the page by this
	AnswerExtended        AnswerCode = "extended"
	AnswerOldRound        AnswerCode = "old_round" // the page has rung anew since the message that was answered
	AnswerResolved        AnswerCode = "resolved"
	AnswerAlreadyResolved AnswerCode = "already_resolved"
	AnswerEscalated       AnswerCode = "escalated"
	AnswerNobodyLeft      AnswerCode = "nobody_left" // escalated, and the next step rang nobody: the last resort was told
	AnswerReopened        AnswerCode = "unacknowledged"
	AnswerNoted           AnswerCode = "noted"
	AnswerSeverity        AnswerCode = "severity_changed"
	AnswerHeld            AnswerCode = "held" // silenced at present
	AnswerHandedOver      AnswerCode = "handed_over"
	AnswerComing          AnswerCode = "coming" // who was called into an incident knows
)

// Alarm is something that the operators must hear of beyond the page itself.
type Alarm struct {
	Reason Reason
	Text   string
}

// IncidentChange is what becomes of the page's incident in the same commit.
type IncidentChange string

// The closed list of incident changes.
const (
	IncidentNone      IncidentChange = ""
	IncidentPromote   IncidentChange = "promote"   // acknowledged: the incident begins, or the page joins an open one
	IncidentCandidate IncidentChange = "candidate" // SEV-1/2 resolved without an acknowledgement
	IncidentAsk       IncidentChange = "ask"       // the page resolved: the commander is asked whether the incident is over
	IncidentSeverity  IncidentChange = "severity"  // the page was raised or lowered
	IncidentResolve   IncidentChange = "resolve"   // the page resolved and its incident may end with it (SEV-3/4)
	IncidentMove      IncidentChange = "move"      // the page belongs to another incident
	IncidentAnswered  IncidentChange = "answered"  // the page rang somebody into the incident, and is over
)
