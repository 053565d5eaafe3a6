// Package postmortem is what is learned from an incident: the document with its deadline, the action items that follow from
// it, and the library of what was learned before.
//
// It promises that [Next] and [NextAction] are the only ways to change a postmortem and an action item, pure like the
// incident's machine; that a required postmortem is asked for until it is published or waived with a reason; that a draft
// holds each fact of the timeline once, and no section without a question where pagerd does not know the answer; and that
// what came from outside stands in it as quoted text, never as Markdown.
package postmortem

import (
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/gateway/timeline"
)

// Format is the version of the stored form.
const Format = 1

// State is where a postmortem is in its life.
type State string

// The states. What was published can be corrected and stays published.
const (
	Draft     State = "draft"
	InReview  State = "in_review"
	Published State = "published"
	Waived    State = "waived"
)

// Why says why there is a postmortem.
type Why string

// The reasons.
const (
	WhySeverity     Why = "severity"
	WhyCustomerData Why = "customer_data"
	WhySecurity     Why = "security"
	WhyAsked        Why = "asked" // somebody wanted one: nobody is nagged for it
)

// Rule is what a severity asks for.
type Rule struct {
	Required bool
	Within   time.Duration // from the incident's end to publication; 0 = no deadline
}

// DefaultRule is the practice's: within 48 h for SEV-1, a week for SEV-2, and as one likes below.
func DefaultRule(s alert.Severity) Rule {
	switch s {
	case alert.SEV1:
		return Rule{Required: true, Within: 48 * time.Hour}
	case alert.SEV2:
		return Rule{Required: true, Within: 7 * 24 * time.Hour}
	}
	return Rule{}
}

// Needs says whether an incident asks for a postmortem by itself, why, and by which rule. Customers' data and security ask
// as SEV-1 does, whatever the severity.
func Needs(in incident.Incident, rule func(alert.Severity) Rule) (Why, Rule, bool) {
	of, grave := rule(in.Severity), rule(alert.SEV1)
	if (in.CustomerData || in.Security) && grave.Within > 0 && (!of.Required || of.Within == 0 || grave.Within < of.Within) {
		of.Within = grave.Within
	}
	switch {
	case in.CustomerData:
		of.Required = true
		return WhyCustomerData, of, true
	case in.Security:
		of.Required = true
		return WhySecurity, of, true
	}
	return WhySeverity, of, of.Required
}

// Postmortem is a value; all instants are UTC. Its version is the record's.
type Postmortem struct {
	Format   int            `json:"format"`
	Incident int64          `json:"incident"`
	State    State          `json:"state"`
	Severity alert.Severity `json:"severity"`
	Service  string         `json:"service"`
	Summary  string         `json:"summary"` // foreign text
	Cause    string         `json:"root_cause,omitempty"`
	Tags     []string       `json:"tags,omitempty"`
	Required bool           `json:"required"`
	Why      Why            `json:"why"`
	Owner    string         `json:"owner,omitempty"` // the commander until somebody else takes it

	OverAt      time.Time `json:"over_at"`           // the incident ended
	Deadline    time.Time `json:"deadline,omitzero"` // to be published until then
	PublishedAt time.Time `json:"published_at,omitzero"`
	PublishedBy string    `json:"published_by,omitempty"`
	Waiver      string    `json:"waiver,omitempty"` // why there is none

	Text     string    `json:"text"`     // Markdown
	Revision int       `json:"revision"` // edits by people; 0 = the text is the draft that pagerd made
	EditedBy string    `json:"edited_by,omitempty"`
	EditedAt time.Time `json:"edited_at,omitzero"`

	MeetAt    time.Time `json:"meet_at,omitzero"` // the review meeting
	Attendees []string  `json:"attendees,omitempty"`

	Overdue int       `json:"overdue,omitempty"` // times that it was asked for after the deadline
	NagDue  time.Time `json:"nag_due,omitzero"`  // when it is asked for next
	Sends   int       `json:"sends,omitempty"`   // messages so far; set by the engine
}

// Open reports whether it still has to be published.
func (p Postmortem) Open() bool { return p.State == Draft || p.State == InReview }

// Event is something that happens to a postmortem. The set is closed. By is a person's name, or "api:TOKEN".
type Event interface{ event() }

// Begin says that the incident is over, or over again. Text is the draft.
type Begin struct {
	Incident incident.Incident
	Why      Why
	Rule     Rule
	Text     string
	By       string // who asked for one; empty = it is required
}

// Edit replaces the text. Base is the revision that it was made from.
type Edit struct {
	By   string
	Base int
	Text string
}

// Submit gives it to others to read.
type Submit struct{ By string }

// Meet sets the review meeting.
type Meet struct {
	By        string
	At        time.Time
	Attendees []string
}

// Publish ends the work on it. Text is the present one with the numbers of its action items; see [WithNumbers].
type Publish struct{ By, Text string }

// Waive says why there will be none.
type Waive struct{ By, Reason string }

// Assign gives it to another owner.
type Assign struct{ By, To string }

// Due says that the clock reached NagDue. Opens is when working hours begin next; zero or not after now = they run.
type Due struct{ Opens time.Time }

func (Begin) event()   {}
func (Edit) event()    {}
func (Submit) event()  {}
func (Meet) event()    {}
func (Publish) event() {}
func (Waive) event()   {}
func (Assign) event()  {}
func (Due) event()     {}

// Effects are what a transition asks for.
type Effects struct {
	Changed  bool
	Entry    timeline.Entry // empty What = none
	Nag      Nag            // empty = none
	Answer   Answer
	Problems []string // why it cannot be published
}

// Nag is who is asked for it.
type Nag string

// The nags. The manager hears of it when the owner was asked in vain.
const (
	NagNone    Nag = ""
	NagOwner   Nag = "owner"
	NagManager Nag = "manager" // and the owner
)

// Answer is what an act came to, from a closed list.
type Answer string

// The answers.
const (
	AnswerBegun      Answer = "begun"
	AnswerEdited     Answer = "edited"
	AnswerStale      Answer = "stale" // somebody else edited it meanwhile: nothing was changed
	AnswerSubmitted  Answer = "in_review"
	AnswerMeeting    Answer = "meeting"
	AnswerPublished  Answer = "published"
	AnswerIncomplete Answer = "incomplete"
	AnswerWaived     Answer = "waived"
	AnswerAssigned   Answer = "assigned"
	AnswerUnchanged  Answer = "unchanged"
	AnswerRefused    Answer = "refused"  // it cannot be done to one in this state
	AnswerRepeated   Answer = "repeated" // done before under the same operation id
)
