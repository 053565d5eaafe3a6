package page

import (
	"time"

	"pagerd/gateway/alert"
	"pagerd/notify"
	"pagerd/schedule"
)

// Event is something that happens to a page. The set is closed. Every event is legal in every status: what comes too
// late is answered, not refused.
type Event interface{ event() }

// Signals says what arriving signals did to the alerts of the page's group. On the zero Page it creates the page.
type Signals struct {
	Opened        int            // new episodes of identities that were not firing
	Refreshed     int            // running episodes that were heard of again
	Ended         int            // episodes that ended
	NewIDs        int            // identities that never belonged to the page
	Firing        int            // alerts of the page firing after this
	Worst         alert.Severity // worst severity among the alerts that opened and are not silenced; 0 = none
	Silence       *Silence       // set when every alert firing after this is silenced; Until is the latest end among them
	Sender        string         // sender group of the body
	Hidden        int            // alerts that the sender left out of the body
	Names         []string       // the first 20 identities, for the timeline
	Subject       Subject        // what a page created or raised by this event is about
	Group, Source string         // for creation
}

// Silence is what swallows alerts.
type Silence struct {
	Name  string
	Until time.Time
}

// Subject is the routing decision's content for a page.
type Subject struct {
	Severity    alert.Severity
	Service     string
	Summary     string
	Environment string
	Runbook     string
	Why         string
	Policy      schedule.Policy
	Targets     Targets
}

// Due says that the clock reached the page's due instant.
type Due struct{}

// Actor is who acts, and how.
type Actor struct {
	Person  string // name, or "api:TOKEN" / "cli" where no person is known
	Channel string // sms, voice, email, web, api, cli, pagerd
	Raw     string // what was written or pressed, cut to 160 runes; evidence, kept in the timeline
	Round   int    // the round that the answered message belonged to; 0 = the present one
	Op      string // id of the act, e.g. a MessageSid
}

// Acknowledge is a person taking the page, confirming that they know (inform), or extending (when asked).
type Acknowledge struct {
	By Actor
	// Incident is the number of the incident that other pages acknowledged in the same act went into; 0 = this page's own.
	Incident int64
}

// Unacknowledge gives the page back: a new round starts.
type Unacknowledge struct{ By Actor }

// Resolve is a person saying that it is over.
type Resolve struct{ By Actor }

// Escalate is a person asking for the next step now.
type Escalate struct{ By Actor }

// Extend is a person showing that they are still on it, by what they do to the incident. It answers what the acknowledger was
// asked, and changes nothing else.
type Extend struct{ By Actor }

// Note is a person writing something into the timeline; it extends an acknowledgement that was asked about.
type Note struct {
	By   Actor
	Text string
}

// Noise is a person's verdict that the page was not worth ringing for. It changes nothing else.
type Noise struct{ By Actor }

// SetSeverity is a person raising or lowering the severity. Subject holds the new severity's policy and targets.
type SetSeverity struct {
	By      Actor
	To      alert.Severity
	Policy  schedule.Policy
	Targets Targets
}

// HandOver moves the running ladders of one person to another, e.g. at a shift change.
type HandOver struct {
	By   Actor
	From string
	To   schedule.Responder
}

// DeliveryFailed says that a send definitely failed: the ladder's next rung is due now.
type DeliveryFailed struct {
	Delivery string
	Person   string
	Contact  string
	Round    int
	Reason   notify.Reason
}

// Silenced says that a silence began, was edited or ended: Silence is nil when not every firing alert is silenced now.
type Silenced struct{ Silence *Silence }

func (Signals) event()        {}
func (Due) event()            {}
func (Acknowledge) event()    {}
func (Unacknowledge) event()  {}
func (Resolve) event()        {}
func (Escalate) event()       {}
func (Extend) event()         {}
func (Note) event()           {}
func (Noise) event()          {}
func (SetSeverity) event()    {}
func (HandOver) event()       {}
func (DeliveryFailed) event() {}
func (Silenced) event()       {}

// Facts were looked up by the caller at now. The machine has no callbacks, so a journal of events and facts replays exactly.
type Facts struct {
	// Roster maps each target name of the page's policy (and of Subject.Policy) to the people it resolves to now, with
	// their ladders for the page's severity. A missing or empty entry is a gap.
	Roster map[string][]schedule.Responder
	// Opens is when working hours begin next, for policies that wait for them; zero or not after now = now is inside them.
	Opens time.Time
	// Silence is the silence that holds every firing alert now, looked up when a held page is due; nil = none.
	Silence *Silence
	// IncidentSeverity and the like are not here: an incident has its own machine.
}
