package twiliosim

import "time"

// Statuses of messages and calls, and directions, in Twilio's words.
const (
	smsQueued      = "queued"
	smsSent        = "sent"
	smsDelivered   = "delivered"
	smsUndelivered = "undelivered"
	smsFailed      = "failed"
	smsReceived    = "received"

	callQueued     = "queued"
	callRinging    = "ringing"
	callInProgress = "in-progress"
	callCompleted  = "completed"
	callBusy       = "busy"
	callNoAnswer   = "no-answer"
	callFailed     = "failed"
	callCanceled   = "canceled"

	inbound       = "inbound"
	outboundAPI   = "outbound-api"
	outboundReply = "outbound-reply"
)

// handset is what the Sim keeps of a telephone. All of it is guarded by Sim.mu.
type handset struct {
	number    string
	messages  []*message // oldest first
	calls     []*call    // oldest first
	behaviour Behaviour
	optedOut  bool
}

// message is a Message under Sim.mu.
type message struct {
	Message
	taken   bool   // returned by a WaitSMS
	service string // MessagingServiceSid asked for
	updated time.Time
	lane    lane
}

func messageViews(kept []*message) []Message {
	views := make([]Message, len(kept))
	for i, m := range kept {
		views[i] = m.Message
	}
	return views
}

func callViews(kept []*call) []Call {
	views := make([]Call, len(kept))
	for i, c := range kept {
		views[i] = c.view()
	}
	return views
}

// handset finds or makes a telephone. The caller holds mu.
func (s *Sim) handset(number string) *handset {
	h := s.phones[number]
	if h == nil {
		h = &handset{number: number}
		s.phones[number] = h
	}
	return h
}

// callOf finds a call to a telephone. The caller holds mu.
func (s *Sim) callOf(number, sid string) *call {
	c := s.callSID[sid]
	if c == nil || c.To != number {
		return nil
	}
	return c
}

func (s *Sim) setBehaviour(number string, b Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handset(number).behaviour = b
	s.touch()
}

func (s *Sim) setOptedOut(number string, blocked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handset(number).optedOut = blocked
	s.touch()
}
