package notify

// Verb is what a responder asks for.
type Verb string

// The closed list of verbs. The carriers' words (STOP, END, QUIT, CANCEL, YES, START, HELP …) are never among them.
const (
	VerbAck       Verb = "ack"
	VerbResolve   Verb = "resolve"
	VerbEscalate  Verb = "escalate"
	VerbStatus    Verb = "status"
	VerbNoise     Verb = "noise"
	VerbMitigated Verb = "mitigated"
	VerbRunbook   Verb = "runbook" // voice only: 0
	VerbRepeat    Verb = "repeat"  // voice only: 9
	VerbNone      Verb = ""        // not understood
	VerbCarrier   Verb = "carrier" // a word that belongs to the carrier: no answer at all
)

// Reply is what a responder's text or digit means.
type Reply struct {
	Verb  Verb
	Pages []int64 // numbers that were written; empty = a bare reply
	All   bool    // "all": exactly the set that the latest message named
}
