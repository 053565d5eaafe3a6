package page

import "time"

// Reason is why something happened, from a closed list: the same words in the log, the metric, the timeline and the screen.
type Reason string

// The closed list of reasons.
const (
	ReasonFiring      Reason = "firing"       // alerts fire that nobody was paged for
	ReasonSilenced    Reason = "silenced"     // a silence covers every firing alert
	ReasonHoldEnded   Reason = "hold_ended"   // the silence ended and alerts still fire
	ReasonTimeout     Reason = "timeout"      // nobody acknowledged in time
	ReasonGap         Reason = "gap"          // a target resolved to nobody
	ReasonUnreachable Reason = "unreachable"  // every contact method of a person definitely failed
	ReasonExhausted   Reason = "exhausted"    // the last repeat of the policy is over
	ReasonOfficeHours Reason = "office_hours" // waits for working hours
	ReasonAskedFor    Reason = "asked_for"    // a person asked for it
	ReasonExpired     Reason = "ack_expired"  // acknowledged, not resolved in time, and no answer to the question
	ReasonUnacked     Reason = "unacknowledged"
	ReasonRaised      Reason = "raised"       // the severity rose
	ReasonLowered     Reason = "lowered"      // a person lowered the severity
	ReasonRefired     Reason = "refired"      // fires again soon after its resolve
	ReasonJoined      Reason = "joined"       // more alerts of the same group
	ReasonSource      Reason = "source"       // the source says that it is over
	ReasonPerson      Reason = "person"       // a person says so
	ReasonFlapping    Reason = "flapping"     // three reopenings in half an hour: the resolve waits for quiet
	ReasonQuiet       Reason = "quiet"        // flapping ended
	ReasonHidden      Reason = "hidden"       // the sender left alerts out: nothing says that they are over
	ReasonStale       Reason = "stale"        // nothing was heard for the source's stale_after
	ReasonStillFiring Reason = "still_firing" // a person resolved it, and it still fires after the target
	ReasonQuietOver   Reason = "fires_later"  // fires again, too late to be the same page
	ReasonNewAlert    Reason = "new_alert"    // a new episode after a person's resolve
	ReasonOldRound    Reason = "old_round"    // belongs to an earlier round
	ReasonAcked       Reason = "acknowledged"
	ReasonConfirmed   Reason = "confirmed"
	ReasonResolved    Reason = "resolved"
	ReasonReopened    Reason = "reopened"
	ReasonHandedOver  Reason = "handed_over"
	ReasonAnswered    Reason = "answered"   // the question was answered meanwhile
	ReasonDrillOver   Reason = "drill_over" // a drill ends by itself
	ReasonUnknownKind Reason = "unknown_kind"
)

// The machine's own times. What a configuration may change is in Targets and Policy.
const (
	lateLimit     = 5 * time.Second  // a timer that fires later than this starts counting anew: an outage must not fire everything at once
	justRung      = 5 * time.Second  // steps that are nobody follow each other at once: whoever stands in for all of them is rung once
	emptyPassWait = time.Minute      // a pass that rang nobody is not repeated sooner
	defaultAgain  = 15 * time.Minute // after the last repeat
	officeAgain   = 16 * time.Hour   // for policies of working hours: past this evening, so that the next opening is tomorrow's
	refireWindow  = 10 * time.Minute // fires again within it: the same page
	flapWindow    = 30 * time.Minute // so many reopenings …
	flapCount     = 3                // … within it are flapping
	flapQuiet     = 10 * time.Minute // a flapping page's resolve waits for so much quiet
	joinQuiet     = 15 * time.Minute // the acknowledger hears of joiners at most this often
	askPatience   = 5 * time.Minute  // silence after the question for so long starts a new round
	sev1AckTTL    = 30 * time.Minute // SEV-1: the acknowledger is asked after this, whatever the mitigate target
	defaultAckTTL = 24 * time.Hour   // no target at all
	drillLasts    = 2 * time.Hour    // practice that nobody ends: two passes of a policy and a hand-over fit, a forgotten drill does not ring into the night
	defaultStale  = 24 * time.Hour   // a source without stale_after
)

// Limits that keep the stored value small whatever a storm brings.
const (
	maxSummary = 200 // runes
	maxTold    = 60
	maxSenders = 20
	maxNoise   = 20

	otherSenders = "others" // the shared count of the senders beyond maxSenders
)
