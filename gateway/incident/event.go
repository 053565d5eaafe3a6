package incident

import (
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/timeline"
)

// Event is something that happens to an incident. The set is closed. Every event is legal in every status: what comes too
// late is answered, not refused. By is a person's name, or "api:TOKEN" where no person is known.
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
	Declared  bool      // a person began it, without an alert
	Targets   Targets   // of the severity
	Opens     time.Time // when working hours begin next, for targets that wait for them; zero or not after now = they run
	WarRoom   string    // where people meet, if the incident begins now

	CustomerData, Security bool // known from the beginning
	Drill                  bool // the page is a drill
}

// PageOver says that a page of the incident resolved; Last when no other page of it is open.
type PageOver struct {
	Page int64
	Last bool
	// May end the incident without a person: SEV-3 and SEV-4, and any drill.
	May bool
	// Unacknowledged: nobody had taken the page, which was attached to the incident of its group. It belongs to it from now on.
	Unacknowledged bool
	// Merged: the page is of an incident that was merged into this one and is about to be absorbed.
	Merged    bool
	Severity  alert.Severity
	Triggered time.Time
	Targets   Targets // of Severity
}

// Due says that the clock reached the incident's due instant. Opens is when working hours begin next; zero or not after now
// = they run.
type Due struct{ Opens time.Time }

// Mitigate is a person saying that users are well again.
type Mitigate struct{ By, Channel string }

// Resolve is a person closing the incident.
type Resolve struct{ By, Channel string }

// Confirm is a person saying that a candidate was an incident; they lead it.
type Confirm struct{ By, Channel string }

// Dismiss is a person saying that a candidate was no incident; Reason is required.
type Dismiss struct{ By, Channel, Reason string }

// Raised says that a page of the incident was raised or lowered.
type Raised struct {
	To      alert.Severity
	By      string
	Targets Targets // of To
}

// SetSeverity is a person saying how bad it is. Saying the same as before confirms it, which ends the triage.
type SetSeverity struct {
	By, Channel string
	To          alert.Severity
	Targets     Targets // of To
	Pages       []int64 // pages that follow, by errands: it is a page's policy that rings
}

// SetPhase is a person saying how far the work is.
type SetPhase struct {
	By, Channel string
	To          Phase
}

// Learned says that the incident's postmortem was published, with the root cause that it found.
type Learned struct {
	By, Channel string
	RootCause   string // kept if none was said before
}

// Describe is a person saying what is known. Nil and empty fields say nothing.
type Describe struct {
	By, Channel  string
	ImpactAt     time.Time
	RootCause    string
	Contributing string // one more contributing factor
	CustomerData *bool
	Security     *bool
	Summary      string
}

// Note is something written into the timeline. It ends no triage: it says that somebody is on it.
type Note struct {
	By, Channel string
	Text        string
	At          time.Time // when it happened, if not now
}

// Assign gives a role to somebody, or takes it from them with Off.
type Assign struct {
	By, Channel string
	Role        Role
	Person      string
	Off         bool
}

// Call asks for these people: By wants them in the incident. Each is rung by a page of their own.
type Call struct {
	By, Channel string
	Target      string // the name through which they were found
	People      []string
}

// Rung says that Page rings somebody who was called.
type Rung struct {
	Errand Errand
	Page   int64
}

// Answered says that a page which rang somebody who was called is over. By is who ended it: the person themselves confirms,
// anybody else calls it off.
type Answered struct {
	Person string
	Page   int64
	By     string
}

// Merge ends the incident in an older one.
type Merge struct {
	By, Channel string
	Into        int64
}

// Absorb takes over an incident that was merged into this one. Doing it twice changes nothing.
type Absorb struct {
	From    Incident
	Targets Targets // of From's severity
	Over    bool    // no page of the two is open
}

// MoveOut takes a page out of the incident: it belongs to the incident To from now on. Over says that no page that stays is
// open.
type MoveOut struct {
	By, Channel string
	Page, To    int64
	Over        bool
}

// MoveIn is the other half of MoveOut. On the zero Incident it begins one. Open says that the page is not resolved.
type MoveIn struct {
	Promote
	From int64
	Open bool
}

// ErrandDone says that an errand was done.
type ErrandDone struct{ Errand Errand }

// Upgrade gives an incident that an older program stored what it lacks, so that its timers run. Its targets count from now.
type Upgrade struct{ Targets Targets }

func (Promote) event()     {}
func (PageOver) event()    {}
func (Due) event()         {}
func (Mitigate) event()    {}
func (Resolve) event()     {}
func (Confirm) event()     {}
func (Dismiss) event()     {}
func (Raised) event()      {}
func (SetSeverity) event() {}
func (SetPhase) event()    {}
func (Learned) event()     {}
func (Describe) event()    {}
func (Note) event()        {}
func (Assign) event()      {}
func (Call) event()        {}
func (Rung) event()        {}
func (Upgrade) event()     {}
func (Answered) event()    {}
func (Merge) event()       {}
func (Absorb) event()      {}
func (MoveOut) event()     {}
func (MoveIn) event()      {}
func (ErrandDone) event()  {}

// Effects are what a transition asks for.
type Effects struct {
	Changed      bool
	Entry        timeline.Entry // empty What = none
	AskCommander bool           // the pages are over: ask whether the incident is
	Remind       Reminder       // one message to a person; empty What = none
	Answer       Answer
}

// Answer is what an act came to, from a closed list.
type Answer string

// The answers.
const (
	AnswerNone              Answer = ""
	AnswerDeclared          Answer = "declared"
	AnswerMitigated         Answer = "mitigated"
	AnswerAlreadyMitigated  Answer = "already_mitigated"
	AnswerResolved          Answer = "resolved"
	AnswerAlreadyResolved   Answer = "already_resolved" // closed, dismissed or merged: too late for what was asked
	AnswerConfirmed         Answer = "confirmed"
	AnswerDismissed         Answer = "dismissed"
	AnswerRefused           Answer = "refused" // it cannot be done to an incident in this status
	AnswerSeverity          Answer = "severity_changed"
	AnswerSeverityConfirmed Answer = "severity_confirmed"
	AnswerPhase             Answer = "phase_changed"
	AnswerLearned           Answer = "learned"
	AnswerDescribed         Answer = "described"
	AnswerNoted             Answer = "noted"
	AnswerAssigned          Answer = "assigned"
	AnswerReleased          Answer = "released"
	AnswerUnchanged         Answer = "unchanged"
	AnswerCalled            Answer = "called"
	AnswerMerged            Answer = "merged"
	AnswerMoved             Answer = "moved"
	AnswerRepeated          Answer = "repeated" // done before under the same operation id
)

// Reminder is one message that the incident sends by itself. It is for reading, never a call.
type Reminder struct {
	What   ReminderKind
	To     string        // a person; empty = the commander, or whoever is on call where nobody leads
	Target Target        // which was missed
	Limit  time.Duration // and its time
	For    time.Duration // how long it has lasted: since detection, since anybody did something, since the commander took over
	By     string        // of a hand-over: who gave it
}

// ReminderKind says what a reminder is about.
type ReminderKind string

// The reminders.
const (
	RemindMissed    ReminderKind = "target_missed"
	RemindQuiet     ReminderKind = "quiet"
	RemindRelief    ReminderKind = "relief"
	RemindCandidate ReminderKind = "candidate"
	RemindCommand   ReminderKind = "command" // somebody else gave you the command
	RemindOver      ReminderKind = "over"    // no page of it is open any more, because of what was done to the incident
)
