package twiliosim

import "time"

// Fault is a way in which the REST API misbehaves, and for which requests. The first fault that applies wins.
type Fault struct {
	Kind FaultKind `json:"kind"`

	// Which requests: those of Only, to To, and of these the next Next, or every Every-th, or with Probability (0 to 1).
	// None of the three: all of them, until Heal.
	Only        string  `json:"only,omitempty"` // "sms", "call" (create), "read" (GET); empty: all of them
	To          string  `json:"to,omitempty"`
	Next        int     `json:"next,omitempty"`
	Every       int     `json:"every,omitempty"`
	Probability float64 `json:"probability,omitempty"`

	Status     int           `json:"status,omitempty"`         // FailStatus: HTTP status; default 500. 5xx answers are HTML, others Twilio's JSON
	Code       int           `json:"code,omitempty"`           // FailStatus: Twilio's error code; default one that fits the status
	RetryAfter time.Duration `json:"retry_after_ns,omitempty"` // FailStatus: Retry-After header in whole seconds
	Delay      time.Duration `json:"delay_ns,omitempty"`       // FailDelay: how long; FailHang: at most this long, 0: until the client gives up
	Accept     bool          `json:"accept,omitempty"`         // FailStatus, FailHang: the request takes effect all the same
}

// FaultKind is a kind of misbehaviour.
type FaultKind string

// The closed list of kinds.
const (
	FailStatus  FaultKind = "status"  // answers with an error status; the request has no effect unless Accept
	FailDrop    FaultKind = "drop"    // accepts the request, then cuts the connection: the answer is lost
	FailRefuse  FaultKind = "refuse"  // cuts the connection without accepting
	FailHang    FaultKind = "hang"    // says nothing
	FailDelay   FaultKind = "delay"   // answers properly, but late
	FailGarbage FaultKind = "garbage" // accepts the request and answers 201 with a body that is no JSON
)

// Inject adds a fault and returns its number for Remove.
func (s *Sim) Inject(f Fault) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastID++
	s.faults = append(s.faults, &activeFault{Fault: f, id: s.lastID})
	s.touch()
	return s.lastID
}

// Remove takes one fault away; a number that is gone already is no error.
func (s *Sim) Remove(id int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if f.id == id {
			s.faults = append(s.faults[:i], s.faults[i+1:]...)
			break
		}
	}
	s.touch()
}

// Heal takes away all faults of the API and of the callbacks. Telephones keep their behaviour. Requests that hang
// because of a fault are released only by their client or Close.
func (s *Sim) Heal() {
	s.SetCallbackFaults(CallbackFaults{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
	s.touch()
}

// Faults are the faults in force, oldest first. Next counts down.
func (s *Sim) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	faults := make([]Fault, len(s.faults))
	for i, f := range s.faults {
		faults[i] = f.Fault
	}
	return faults
}

// CallbackFaults are ways in which status callbacks misbehave; each is a probability from 0 to 1. Inbound messages and
// TwiML fetches are not touched, but for DuplicateInbound.
type CallbackFaults struct {
	Duplicate        float64       `json:"duplicate,omitempty"`         // posted twice, with the same idempotency token
	Reorder          float64       `json:"reorder,omitempty"`           // posted after the next callback (of whatever message or call) instead of before it
	Lose             float64       `json:"lose,omitempty"`              // never posted
	Delay            time.Duration `json:"delay_ns,omitempty"`          // each is posted this much later
	Early            bool          `json:"early,omitempty"`             // an SMS's first callback is answered before the REST reply is written
	DuplicateInbound float64       `json:"duplicate_inbound,omitempty"` // an inbound message is posted twice with the same MessageSid; the second answer is discarded
}

// SetCallbackFaults replaces the faults of the callbacks. What Reorder held back is released when it is set to 0.
func (s *Sim) SetCallbackFaults(f CallbackFaults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.callback = f
	if f.Reorder == 0 {
		s.releaseHeld()
	}
	s.touch()
}

// Behaviour is how one telephone and the network behind it behave. The zero value is an ordinary telephone: messages
// arrive, calls ring until somebody picks up or the call's Timeout is over.
type Behaviour struct {
	Call       CallBehaviour `json:"call,omitempty"`
	AnsweredBy string        `json:"answered_by,omitempty"` // machine detection's verdict instead of the true one

	Refuse      int           `json:"refuse,omitempty"`       // the API refuses messages and calls to it with 400 and this code: 21211, 21408, 21614 …
	Undelivered int           `json:"undelivered,omitempty"`  // messages are sent, then undelivered with this code: 30003, 30005, 30006 …
	Failed      int           `json:"failed,omitempty"`       // messages go from queued to failed with this code: 30001, 30034 …
	Lost        bool          `json:"lost,omitempty"`         // messages stay at sent for ever: no receipt comes, nothing arrives
	QueueFor    time.Duration `json:"queue_for_ns,omitempty"` // messages wait this long at Twilio; past their ValidityPeriod they fail with 30036
	LateBy      time.Duration `json:"late_by_ns,omitempty"`   // messages wait this long in the network, where ValidityPeriod does not count
}

// CallBehaviour is what happens when a telephone is called.
type CallBehaviour string

// The closed list of behaviours.
const (
	RingsUntilAnswered CallBehaviour = ""          // rings until somebody answers, at most the call's Timeout
	AlwaysBusy         CallBehaviour = "busy"      // busy
	NeverAnswers       CallBehaviour = "no-answer" // rings until the call's Timeout
	SwitchedOff        CallBehaviour = "failed"    // failed without ringing
	VoicemailAnswers   CallBehaviour = "voicemail" // a machine picks up at once and presses nothing
	PicksUp            CallBehaviour = "answer"    // a person picks up at once
)
