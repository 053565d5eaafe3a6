package twiliosim

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// What the person's methods may refuse.
var (
	ErrClosed     = errors.New("twiliosim: closed")
	ErrNoCall     = errors.New("twiliosim: no such call on this telephone")
	ErrNotRinging = errors.New("twiliosim: the call does not ring")
	ErrNotLive    = errors.New("twiliosim: the call is not in progress")
	ErrNoSMSURL   = errors.New("twiliosim: no URL for inbound messages is configured")
)

// Message is one SMS as it stands now. Direction is "outbound-api" for a message that came in over the API,
// "outbound-reply" for one that TwiML or Twilio itself answered, "inbound" for one that the telephone's owner wrote.
type Message struct {
	SID            string        `json:"sid"`
	Direction      string        `json:"direction"`
	From           string        `json:"from"`
	To             string        `json:"to"`
	Body           string        `json:"body"`
	Status         string        `json:"status"` // Twilio's word: queued, sent, delivered, undelivered, failed; inbound: received
	ErrorCode      int           `json:"error_code,omitempty"`
	Segments       int           `json:"segments"`
	At             time.Time     `json:"at"`                    // arrival of the request
	SentAt         time.Time     `json:"sent_at,omitzero"`      // handed to the network
	DeliveredAt    time.Time     `json:"delivered_at,omitzero"` // on the handset; zero unless it got there
	Validity       time.Duration `json:"validity_ns,omitempty"` // ValidityPeriod asked for; 0: none
	StatusCallback string        `json:"status_callback,omitempty"`
	Keyword        bool          `json:"keyword,omitempty"` // Twilio's own answer to STOP, START or HELP
}

// Delivered reports whether the message reached the handset.
func (m Message) Delivered() bool { return m.Direction != inbound && !m.DeliveredAt.IsZero() }

// Call is one telephone call as it stands now.
type Call struct {
	SID        string    `json:"sid"`
	From       string    `json:"from"`
	To         string    `json:"to"`
	Status     string    `json:"status"` // Twilio's word: queued, ringing, in-progress, completed, busy, no-answer, failed, canceled
	At         time.Time `json:"at"`     // arrival of the request
	RingingAt  time.Time `json:"ringing_at,omitzero"`
	AnsweredAt time.Time `json:"answered_at,omitzero"`
	EndedAt    time.Time `json:"ended_at,omitzero"`
	AnsweredBy string    `json:"answered_by,omitempty"` // machine detection's verdict; empty when it was not asked for
	Machine    bool      `json:"machine,omitempty"`     // a voicemail really answered, whatever the verdict
	Spoken     []string  `json:"spoken,omitempty"`      // what was said to whoever answered, one entry for each Say
	Digits     string    `json:"digits,omitempty"`      // every digit that was pressed and heard
	Listening  bool      `json:"listening,omitempty"`   // a Gather takes digits now
	Ignored    bool      `json:"ignored,omitempty"`     // it rings, and its owner decided not to pick up
	Errors     []string  `json:"errors,omitempty"`      // what Twilio's debugger would list: "12200 unknown verb <Dial>"
	URL        string    `json:"url,omitempty"`         // where its TwiML came from last
}

// Ringing reports whether the telephone rings and may be answered.
func (c Call) Ringing() bool { return c.Status == callRinging }

// Live reports whether somebody, or a machine, is on the line.
func (c Call) Live() bool { return c.Status == callInProgress }

// Ended reports whether the call is over.
func (c Call) Ended() bool {
	switch c.Status {
	case callCompleted, callBusy, callNoAnswer, callFailed, callCanceled:
		return true
	}
	return false
}

// Heard reports whether text occurs in what was said so far.
func (c Call) Heard(text string) bool { return strings.Contains(strings.Join(c.Spoken, " "), text) }

// Answer is what became of an inbound message: the webhook's answer, and the messages that it sent back.
type Answer struct {
	SID         string    `json:"sid"`                    // of the inbound message
	Status      int       `json:"status"`                 // HTTP status of the webhook
	Body        string    `json:"body,omitempty"`         // of the webhook's answer, at most 64 KiB
	Messages    []Message `json:"messages,omitempty"`     // what <Message> sent to the telephone
	OptOutType  string    `json:"opt_out_type,omitempty"` // STOP, START or HELP when the text was such a word
	Errors      []string  `json:"errors,omitempty"`       // what Twilio's debugger would list: "11200 HTTP retrieval failure"
	WebhookCall bool      `json:"-"`                      // false only if no webhook is configured
}

// Text is the bodies of the messages that were answered, joined by newlines; empty when nothing was.
func (a Answer) Text() string {
	bodies := make([]string, len(a.Messages))
	for i, m := range a.Messages {
		bodies[i] = m.Body
	}
	return strings.Join(bodies, "\n")
}

// Phone is a telephone with its owner: what arrives there, and what the owner does.
type Phone struct {
	sim    *Sim
	number string
}

// Number is the telephone's E.164 number.
func (p *Phone) Number() string { return p.number }

// Messages are the messages of this telephone still kept, oldest first, both directions, whatever their status.
func (p *Phone) Messages() []Message {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	return messageViews(p.sim.handset(p.number).messages)
}

// Inbox are the messages that reached the handset, oldest first.
func (p *Phone) Inbox() []Message {
	var inbox []Message
	for _, m := range p.Messages() {
		if m.Delivered() {
			inbox = append(inbox, m)
		}
	}
	return inbox
}

// Calls are the calls to this telephone still kept, oldest first.
func (p *Phone) Calls() []Call {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	return callViews(p.sim.handset(p.number).calls)
}

// WaitSMS returns the oldest message on the handset that matches and that no earlier WaitSMS returned; it waits for one
// to be delivered. A nil match takes any. Messages that do not match stay for a later wait. Twilio's own answers to
// STOP, START and HELP and replies by TwiML are included. It returns ctx's error or ErrClosed.
func (p *Phone) WaitSMS(ctx context.Context, match func(Message) bool) (Message, error) {
	var found Message
	err := p.sim.wait(ctx, func() bool {
		for _, m := range p.sim.handset(p.number).messages {
			if m.taken || !m.Delivered() || match != nil && !match(m.Message) {
				continue
			}
			m.taken, found = true, m.Message
			return true
		}
		return false
	})
	if err != nil {
		return Message{}, fmt.Errorf("waiting for an SMS: %w", err)
	}
	return found, nil
}

// WaitCall returns the oldest ringing call that no earlier WaitCall returned; it waits for one.
// It returns ctx's error or ErrClosed.
func (p *Phone) WaitCall(ctx context.Context) (Call, error) {
	var found Call
	err := p.sim.wait(ctx, func() bool {
		for _, c := range p.sim.handset(p.number).calls {
			if c.taken || !c.Ringing() {
				continue
			}
			c.taken, found = true, c.view()
			return true
		}
		return false
	})
	if err != nil {
		return Call{}, fmt.Errorf("waiting for a call: %w", err)
	}
	return found, nil
}

// WaitCallUntil waits until the call satisfies the condition and returns it as it then stands, for example
// func(c Call) bool { return c.Heard("acknowledged") } or Call.Ended.
// It returns ErrNoCall, ctx's error or ErrClosed.
func (p *Phone) WaitCallUntil(ctx context.Context, callSID string, condition func(Call) bool) (Call, error) {
	var found Call
	var missing bool
	err := p.sim.wait(ctx, func() bool {
		c := p.sim.callOf(p.number, callSID)
		if c == nil {
			missing = true
			return true
		}
		found = c.view()
		return condition(found)
	})
	if missing {
		err = ErrNoCall
	}
	if err != nil {
		return found, fmt.Errorf("waiting for call %s: %w", callSID, err)
	}
	return found, nil
}

// Reply writes text to the number of the message that reached this telephone last (else the account's first number) and
// returns what the webhook answered. Words such as STOP act as at Twilio. A webhook that answers with an error status or
// cannot be reached is not an error here: see Answer.Status and Answer.Errors. The errors are ErrNoSMSURL, ErrClosed
// and ctx's.
func (p *Phone) Reply(ctx context.Context, text string) (Answer, error) {
	return p.ReplyTo(ctx, "", text)
}

// ReplyTo is Reply to a chosen number of the account.
func (p *Phone) ReplyTo(ctx context.Context, to, text string) (Answer, error) {
	return p.sim.inbound(ctx, p.number, to, text)
}

// Answer picks up a ringing call. It returns ErrNoCall or ErrNotRinging.
func (p *Phone) Answer(callSID string) error { return p.sim.act(p.number, callSID, actAnswer) }

// LetVoicemailAnswer lets a machine pick up a ringing call: it hears everything and presses nothing.
// It returns ErrNoCall or ErrNotRinging.
func (p *Phone) LetVoicemailAnswer(callSID string) error {
	return p.sim.act(p.number, callSID, actVoicemail)
}

// Ignore mutes a ringing call: it goes on ringing unheard until its timeout makes it no-answer.
// It returns ErrNoCall or ErrNotRinging.
func (p *Phone) Ignore(callSID string) error { return p.sim.act(p.number, callSID, actIgnore) }

// Decline refuses a ringing call, which makes it busy. It returns ErrNoCall or ErrNotRinging.
func (p *Phone) Decline(callSID string) error { return p.sim.act(p.number, callSID, actDecline) }

// HangUp ends a live call. It returns ErrNoCall or ErrNotLive.
func (p *Phone) HangUp(callSID string) error { return p.sim.act(p.number, callSID, actHangUp) }

// Press waits until the call listens for digits and presses one: "0" to "9", "*", "#"; several are pressed one after the
// other, each when the call listens. It returns ErrNoCall, ErrNotLive when the call ends first, ctx's error or ErrClosed.
func (p *Phone) Press(ctx context.Context, callSID, digits string) error {
	return p.sim.press(ctx, p.number, callSID, digits)
}

// PressAtOnce presses digits whether or not the call listens, as an impatient person does: what no Gather hears is lost.
// It returns ErrNoCall or ErrNotLive.
func (p *Phone) PressAtOnce(callSID, digits string) error {
	return p.sim.pressAtOnce(p.number, callSID, digits)
}

// Set makes the telephone behave so from now on; the zero Behaviour makes it ordinary again.
func (p *Phone) Set(b Behaviour) { p.sim.setBehaviour(p.number, b) }

// Behaviour is what Set has set.
func (p *Phone) Behaviour() Behaviour {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	return p.sim.handset(p.number).behaviour
}

// OptOut blocks the number as if its owner had texted STOP, or lifts the block.
func (p *Phone) OptOut(blocked bool) { p.sim.setOptedOut(p.number, blocked) }

// OptedOut reports whether messages to this number are refused with 21610.
func (p *Phone) OptedOut() bool {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	return p.sim.handset(p.number).optedOut
}
