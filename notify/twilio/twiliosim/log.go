package twiliosim

import (
	"encoding/json"
	"fmt"
	"time"
)

// Entry is one line of the log: a request that arrived, or a webhook that was posted.
type Entry struct {
	At       time.Time `json:"at"`               // instant of arrival, or of posting
	Kind     string    `json:"kind"`             // see the Kind constants
	SID      string    `json:"sid,omitempty"`    // of the message or call
	To       string    `json:"to,omitempty"`     //
	From     string    `json:"from,omitempty"`   //
	Body     string    `json:"body,omitempty"`   // text of a message; spoken text; digits
	State    string    `json:"state,omitempty"`  // callback: the status it tells
	Accepted bool      `json:"accepted"`         // a request took effect; a webhook was answered with 2xx
	Status   int       `json:"status,omitempty"` // HTTP status that was answered; 0: none was
	Code     int       `json:"code,omitempty"`   // Twilio's error code
	Fault    FaultKind `json:"fault,omitempty"`  // the fault that was played
	Detail   string    `json:"detail,omitempty"` // what was answered, in words
}

// Kinds of log entries.
const (
	LogSMS      = "sms"      // POST Messages.json arrived
	LogCall     = "call"     // POST Calls.json arrived
	LogRead     = "read"     // a GET arrived
	LogUpdate   = "update"   // POST Calls/{sid}.json arrived
	LogArrived  = "arrived"  // a message reached its handset
	LogRing     = "ring"     // a telephone began to ring
	LogAnswered = "answered" // a call was answered
	LogSpoken   = "spoken"   // a text was said on a call
	LogDigit    = "digit"    // a digit was pressed and heard
	LogEnded    = "ended"    // a call ended
	LogInbound  = "inbound"  // an inbound message was posted to the webhook
	LogCallback = "callback" // a status callback was posted
	LogFetch    = "fetch"    // TwiML was fetched
)

// Log is the log as far as it is kept, oldest first.
func (s *Sim) Log() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Entry(nil), s.log[max(0, len(s.log)-s.opt.MaxLog):]...)
}

// LogErr is the error that made the log stop writing to Options.Log, if there was one.
func (s *Sim) LogErr() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logErr
}

// record appends to the log. An entry without an instant is of now. The caller holds mu.
func (s *Sim) record(e Entry) {
	if e.At.IsZero() {
		e.At = s.clock.Now()
	}
	s.log = append(s.log, e)
	if len(s.log) > s.opt.MaxLog+s.opt.MaxLog/8 {
		s.log = append([]Entry(nil), s.log[len(s.log)-s.opt.MaxLog:]...)
	}
	if s.opt.Log == nil || s.logErr != nil {
		return
	}
	if err := json.NewEncoder(s.opt.Log).Encode(e); err != nil {
		s.logErr = fmt.Errorf("writing the log: %w", err)
	}
}
