// Package page is the heart: the life of a page as a pure state machine.
//
// [Next] is the only way to change a page. It promises that the same page, event, facts and instant always give the same
// result; that nothing is due early; that within a round an acknowledged page rings nobody; and that a page which is not
// resolved always has a due instant. Timers are fields, sends are data: the caller stores first and acts afterwards.
package page

import (
	"time"

	"pagerd/gateway/alert"
	"pagerd/schedule"
)

// Format is the version of the stored form of a Page.
const Format = 1

// Status is where a page is in its life.
type Status string

// The statuses. Held pages are silenced: stored like any other, ringing nobody until the silence ends.
const (
	Held         Status = "held"
	Triggered    Status = "triggered"
	Acknowledged Status = "acknowledged"
	Resolved     Status = "resolved"
)

// Page is what asks a human for attention: the firing alerts of one group. It is a value: Next
// copies what it changes. Policy and the rungs of a ladder are never changed in place and may be shared. All instants are UTC.
type Page struct {
	Format   int    `json:"format"`
	Number   int64  `json:"number"`            // what people reply with; from 1001
	Version  int64  `json:"version"`           // raised by one in every commit; set by the engine
	Head     string `json:"head,omitempty"`    // hash of the newest timeline entry; set by the engine
	Entries  int64  `json:"entries,omitempty"` // number of its timeline entries; set by the engine
	Group    string `json:"group"`             // our route's group key within the source
	Source   string `json:"source"`
	Previous int64  `json:"previous,omitempty"` // the page that this one continues (still firing, quiet for too long)

	Status      Status          `json:"status"`
	Round       int             `json:"round"` // 1, 2, …: expiry, un-acknowledge, raise, reopening and the end of a hold start a new one
	Severity    alert.Severity  `json:"severity"`
	Service     string          `json:"service"`
	Summary     string          `json:"summary"` // foreign text, cut to 200 runes, not sanitised
	Environment string          `json:"environment,omitempty"`
	Runbook     string          `json:"runbook,omitempty"`
	Why         string          `json:"why,omitempty"`    // the routing decision's reason, for explain
	Before      string          `json:"before,omitempty"` // what was learned when it happened before, and what is overdue of it; set by the engine
	Policy      schedule.Policy `json:"policy"`           // snapshot of the severity's policy at trigger or raise
	Targets     Targets         `json:"targets"`

	Firing  int            `json:"firing"`           // alerts firing now
	Total   int            `json:"total"`            // identities that ever belonged to this page
	Hidden  map[string]int `json:"hidden,omitempty"` // sender group → alerts left out of its newest body
	HeardAt time.Time      `json:"heard_at"`         // newest signal of any of its alerts

	TriggeredAt time.Time `json:"triggered_at"`
	RoundAt     time.Time `json:"round_at"` // start of the round
	AckedAt     time.Time `json:"acked_at,omitzero"`
	ResolvedAt  time.Time `json:"resolved_at,omitzero"`
	ResolvedBy  string    `json:"resolved_by,omitempty"` // a person, or "source"
	Acker       string    `json:"acker,omitempty"`       // who acknowledged the present round
	AckChannel  string    `json:"ack_channel,omitempty"`
	Incident    int64     `json:"incident,omitempty"`
	Drill       bool      `json:"drill,omitempty"` // a drill: it rings as any other, says so, and counts nowhere
	Calls       string    `json:"calls,omitempty"` // the person whom the page rings into its incident; see ByHand

	Step    int       `json:"step"`           // index of the step that is due next in this pass
	Pass    int       `json:"pass"`           // 0 = first pass, 1 = first repeat, …
	Rang    bool      `json:"rang,omitempty"` // somebody was rung in this pass
	StepDue time.Time `json:"step_due,omitzero"`
	Ladders []Ladder  `json:"ladders,omitempty"` // of this round; inform ladders outlive an acknowledgement
	Told    []Told    `json:"told,omitempty"`    // everybody who was rung, in any round

	HoldUntil time.Time   `json:"hold_until,omitzero"`
	HeldBy    string      `json:"held_by,omitempty"`   // name of the silence
	ExpiryDue time.Time   `json:"expiry_due,omitzero"` // acknowledged: the acknowledger is asked then
	AskedWhy  Reason      `json:"asked_why,omitempty"`
	AskedAt   time.Time   `json:"asked_at,omitzero"`  // asked and not answered yet
	StaleDue  time.Time   `json:"stale_due,omitzero"` // no refresh until then: ask
	JoinedAt  time.Time   `json:"joined_at,omitzero"` // the acknowledger was last told of joiners
	Reopened  []time.Time `json:"reopened,omitempty"` // instants of reopenings in the last 30 min, for flapping
	QuietDue  time.Time   `json:"quiet_due,omitzero"` // flapping: the source's resolve counts only then
	Noise     []string    `json:"noise,omitempty"`    // people whose verdict was "noise"

	Sends int       `json:"sends"`        // counter of sends ever emitted; gives delivery ids
	Due   time.Time `json:"due,omitzero"` // the earliest of all timers; zero only when resolved
}

// Open reports whether the page is not resolved.
func (p Page) Open() bool { return p.Status != Resolved && p.Status != "" }

// HiddenTotal is how many alerts the senders left out.
func (p Page) HiddenTotal() int {
	n := 0
	for _, h := range p.Hidden {
		n += h
	}
	return n
}

// Targets are the severity's targets, snapshotted with the policy. Zero = no target.
type Targets struct {
	Detect        time.Duration `json:"detect,omitempty"`
	Triage        time.Duration `json:"triage,omitempty"`
	Mitigate      time.Duration `json:"mitigate,omitempty"`
	AckTTL        time.Duration `json:"ack_ttl,omitempty"`        // acknowledgement expiry; zero = Mitigate
	Stale         time.Duration `json:"stale,omitempty"`          // the source's stale_after
	GroupInterval time.Duration `json:"group_interval,omitempty"` // the sender's group interval, for truncated groups
	Promote       bool          `json:"promote,omitempty"`        // acknowledgement makes an incident
}

// Ladder is a person being rung through their contact methods.
type Ladder struct {
	Person  string          `json:"person"`
	Mode    schedule.Mode   `json:"mode"`
	Target  string          `json:"target"` // the name through which the person was found
	Rungs   []schedule.Rung `json:"rungs"`
	Started time.Time       `json:"started"`
	Rung    int             `json:"rung"`             // index of the rung that is due next
	Due     time.Time       `json:"due,omitzero"`     // zero: all rungs are done
	Inform  bool            `json:"inform,omitempty"` // an answer ladder of somebody who is an inform target too: it outlives another's acknowledgement
	Done    bool            `json:"done,omitempty"`   // confirmed (inform) or no longer needed
	Failed  []string        `json:"failed,omitempty"` // contacts that definitely failed in this round
}

// Told is somebody who was rung, by which contact methods.
type Told struct {
	Person   string        `json:"person"`
	Contacts []string      `json:"contacts"`           // ids of the contact methods that rang
	Text     schedule.Rung `json:"text,omitzero"`      // the method for what must be read and not heard; zero if there is none
	Resolved int           `json:"resolved,omitempty"` // round whose resolve they were told of
}
