package twiliosim

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// event is what happens to a call from outside its goroutine.
type event struct {
	kind     eventKind
	digit    string
	document webhook
	twiml    string
}

type eventKind int

const (
	evNone      eventKind = iota // time is over
	evAnswer                     // a person picks up
	evVoicemail                  // a machine picks up
	evDecline                    // a person refuses
	evHangUp                     // a person hangs up
	evEnd                        // the API ends the call
	evReplace                    // the API gives another document
	evDigit                      // a digit is pressed
	evClosed                     // the simulator ends
)

// interrupts reports whether the event ends the wait for a document.
func (e event) interrupts() bool { return e.kind == evHangUp || e.kind == evEnd || e.kind == evReplace }

type action int

const (
	actAnswer action = iota
	actVoicemail
	actIgnore
	actDecline
	actHangUp
)

// tell puts an event into a call's inbox. The caller holds mu.
func (s *Sim) tell(c *call, e event) {
	c.inbox = append(c.inbox, e)
	if c.interrupt != nil && e.interrupts() {
		close(c.interrupt)
		c.interrupt = nil
	}
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

// next waits for the call's next event, at most until the instant; an instant that has passed only looks. A digit that
// comes while digits is false is lost; one that is pressed while the call listens is never lost.
func (s *Sim) next(c *call, until time.Time, digits bool) event {
	wait := until.Sub(s.clock.Now())
	if wait <= 0 {
		e, _ := s.take(c, digits, false)
		return e
	}
	over, stop := s.clock.Timer(wait)
	defer stop()
	for {
		if e, ok := s.take(c, digits, digits); ok {
			return e
		}
		select {
		case <-c.kick:
		case <-over:
			e, _ := s.take(c, digits, false)
			return e
		case <-s.ctx.Done():
			return event{kind: evClosed}
		}
	}
}

// take takes the next event out of the inbox. If there is none, the call listens for digits from now on, or not.
func (s *Sim) take(c *call, digits, listen bool) (event, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(c.inbox) > 0 {
		e := c.inbox[0]
		c.inbox = c.inbox[1:]
		if e.kind == evDigit && !digits {
			continue
		}
		s.listen(c, false)
		return e, true
	}
	s.listen(c, listen)
	return event{}, false
}

// listen says whether the call takes digits. The caller holds mu.
func (s *Sim) listen(c *call, on bool) {
	if c.Listening != on {
		c.Listening = on
		s.touch()
	}
}

// act is a person doing something with a call.
func (s *Sim) act(number, sid string, a action) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.callOf(number, sid)
	switch {
	case c == nil:
		return ErrNoCall
	case a == actHangUp && !c.Live():
		return ErrNotLive
	case a != actHangUp && (!c.Ringing() || c.picked):
		return ErrNotRinging
	}
	switch a {
	case actAnswer:
		c.picked = true
		s.tell(c, event{kind: evAnswer})
	case actVoicemail:
		c.picked = true
		s.tell(c, event{kind: evVoicemail})
	case actDecline:
		c.picked = true
		s.tell(c, event{kind: evDecline})
	case actIgnore:
		c.Ignored = true
	case actHangUp:
		s.tell(c, event{kind: evHangUp})
	}
	s.touch()
	return nil
}

// press presses digits one by one, each when the call listens.
func (s *Sim) press(ctx context.Context, number, sid, digits string) error {
	if err := checkDigits(digits); err != nil {
		return err
	}
	for _, digit := range digits {
		var refused error
		err := s.wait(ctx, func() bool {
			c := s.callOf(number, sid)
			switch {
			case c == nil:
				refused = ErrNoCall
			case c.Ended():
				refused = ErrNotLive
			case c.Listening:
				s.listen(c, false)
				s.tell(c, event{kind: evDigit, digit: string(digit)})
			default:
				return false
			}
			return true
		})
		if err == nil {
			err = refused
		}
		if err != nil {
			return fmt.Errorf("pressing %q: %w", digit, err)
		}
	}
	return nil
}

func (s *Sim) pressAtOnce(number, sid, digits string) error {
	if err := checkDigits(digits); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.callOf(number, sid)
	switch {
	case c == nil:
		return ErrNoCall
	case !c.Live():
		return ErrNotLive
	}
	for _, digit := range digits {
		s.tell(c, event{kind: evDigit, digit: string(digit)})
	}
	return nil
}

func checkDigits(digits string) error {
	if digits == "" || strings.Trim(digits, "0123456789*#") != "" {
		return fmt.Errorf("twiliosim: %q are no keys of a telephone", digits)
	}
	return nil
}

// place is the life of a call, in its own goroutine.
func (s *Sim) place(c *call, b Behaviour) {
	dialed := c.At.Add(c.queued + s.opt.Pace.Dial)
	if !s.idle(c, dialed) {
		return
	}
	s.callEvent(c, "initiated", "initiated")
	if !s.idle(c, s.clock.Now().Add(s.opt.Pace.Ring)) {
		return
	}
	switch b.Call {
	case SwitchedOff:
		s.end(c, callFailed)
		return
	case AlwaysBusy:
		s.end(c, callBusy)
		return
	}
	s.ring(c)
	e := event{}
	switch b.Call {
	case VoicemailAnswers:
		e.kind = evVoicemail
	case PicksUp:
		e.kind = evAnswer
	case NeverAnswers:
		s.mute(c)
		fallthrough
	default:
		e = s.next(c, s.clock.Now().Add(c.order.timeout), false)
	}
	switch e.kind {
	case evAnswer, evVoicemail:
		s.converse(c, b, e.kind == evVoicemail)
		s.end(c, callCompleted)
	case evNone:
		s.end(c, callNoAnswer)
	case evDecline:
		s.end(c, callBusy)
	case evEnd:
		s.end(c, callCanceled)
	}
}

// idle waits before the telephone rings; it reports false when the call is over.
func (s *Sim) idle(c *call, until time.Time) bool {
	for s.clock.Now().Before(until) {
		switch s.next(c, until, false).kind {
		case evEnd:
			s.end(c, callCanceled)
			return false
		case evClosed:
			return false
		}
	}
	return true
}

func (s *Sim) ring(c *call) {
	s.mu.Lock()
	now := s.clock.Now()
	c.Status, c.RingingAt, c.updated = callRinging, now, now
	s.record(Entry{At: now, Kind: LogRing, SID: c.SID, To: c.To, From: c.From, Accepted: true})
	s.touch()
	s.mu.Unlock()
	s.callEvent(c, "ringing", callRinging)
}

// mute makes a ringing call one that nobody can pick up any more.
func (s *Sim) mute(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.picked, c.Ignored = true, true
	s.touch()
}

// end closes a call.
func (s *Sim) end(c *call, status string) {
	s.mu.Lock()
	now := s.clock.Now()
	c.Status, c.EndedAt, c.updated, c.inbox, c.Listening = status, now, now, nil, false
	s.record(Entry{At: now, Kind: LogEnded, SID: c.SID, To: c.To, From: c.From, State: status, Accepted: true})
	s.touch()
	s.mu.Unlock()
	s.callEvent(c, "completed", status)
}

// callEvent posts the status callback of an event, if the call asked for it.
func (s *Sim) callEvent(c *call, name, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(c.order.events, name) {
		return
	}
	form := s.callForm(c)
	form.Set("CallStatus", status)
	form.Set("CallbackSource", "call-progress-events")
	form.Set("SequenceNumber", itoa(c.sequence))
	form.Set("Timestamp", s.clock.Now().UTC().Format(time.RFC1123Z))
	c.sequence++
	if name == "completed" {
		form.Set("CallDuration", itoa(c.duration()))
		form.Set("Duration", itoa((c.duration()+59)/60))
		form.Set("SipResponseCode", sipCode(status))
	}
	hook := c.order.statusCallback
	hook.form = form
	s.enqueue(&c.lane, pendingCallback{webhook: hook, sid: c.SID, to: c.To, state: status})
}

// callForm are the parameters that every request about a call carries. The caller holds mu.
func (s *Sim) callForm(c *call) url.Values {
	form := url.Values{
		"CallSid": {c.SID}, "AccountSid": {s.opt.AccountSID}, "From": {c.From}, "To": {c.To}, "Caller": {c.From}, "Called": {c.To},
		"CallStatus": {c.Status}, "ApiVersion": {apiVersion}, "Direction": {outboundAPI},
	}
	if c.AnsweredBy != "" {
		form.Set("AnsweredBy", c.AnsweredBy)
	}
	return form
}

// sipCode is the SIP response that fits how a call ended.
func sipCode(status string) string {
	switch status {
	case callBusy:
		return "486"
	case callNoAnswer, callCanceled:
		return "487"
	case callFailed:
		return "480"
	}
	return itoa(http.StatusOK)
}
