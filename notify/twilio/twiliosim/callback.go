package twiliosim

import (
	"net/http"
	"net/url"
	"time"
)

// holdAtMost is how long Reorder holds a callback back when no other follows.
const holdAtMost = 5 * time.Second

// lane delivers the callbacks of one message or call one after the other.
type lane struct {
	queue []pendingCallback
	busy  bool
}

// pendingCallback is a status callback to be posted.
type pendingCallback struct {
	webhook
	sid, to, state string
	due            time.Time
	times          int
	then           []pendingCallback // held back until this one was posted
	posted         chan<- struct{}   // closed when it was answered, or nil
	id             uint64            // of one that is held back
}

// enqueue hands a callback to its lane, playing the callback faults. The caller holds mu.
func (s *Sim) enqueue(l *lane, cb pendingCallback) {
	if cb.url == "" {
		closeIf(cb.posted)
		return
	}
	faults := s.callback
	cb.token = s.sid("")
	cb.due = s.clock.Now().Add(faults.Delay)
	cb.times = 1
	if s.chance(faults.Lose) {
		s.record(Entry{Kind: LogCallback, SID: cb.sid, To: cb.to, State: cb.state, Fault: "lose", Detail: "never posted"})
		closeIf(cb.posted)
		return
	}
	if s.chance(faults.Duplicate) {
		cb.times = 2
	}
	if s.chance(faults.Reorder) {
		s.serial++
		cb.id = s.serial
		closeIf(cb.posted)
		cb.posted = nil
		s.held = append(s.held, cb)
		s.goRunLocked(func() { s.releaseLater(cb.id) })
		return
	}
	cb.then, s.held = s.held, nil
	s.deliver(l, cb)
}

// deliver queues a callback and starts the lane if it is idle. The caller holds mu.
func (s *Sim) deliver(l *lane, cb pendingCallback) {
	l.queue = append(l.queue, cb)
	if !l.busy {
		l.busy = true
		s.goRunLocked(func() { s.drain(l) })
	}
}

func (s *Sim) drain(l *lane) {
	for {
		s.mu.Lock()
		if len(l.queue) == 0 || s.closed {
			l.busy = false
			s.mu.Unlock()
			return
		}
		cb := l.queue[0]
		l.queue = l.queue[1:]
		s.mu.Unlock()
		s.postCallback(cb)
		for _, late := range cb.then {
			s.postCallback(late)
		}
	}
}

func (s *Sim) postCallback(cb pendingCallback) {
	defer closeIf(cb.posted)
	if !s.sleep(s.ctx, cb.due.Sub(s.clock.Now())) {
		return
	}
	for range cb.times {
		at := s.clock.Now()
		answer, err := s.send(s.ctx, cb.webhook)
		e := Entry{At: at, Kind: LogCallback, SID: cb.sid, To: cb.to, State: cb.state, Accepted: err == nil && answer.ok(), Status: answer.status}
		if err != nil {
			e.Detail = err.Error()
		}
		s.mu.Lock()
		s.record(e)
		s.mu.Unlock()
	}
}

// releaseLater posts a held callback that nothing followed.
func (s *Sim) releaseLater(id uint64) {
	if !s.sleep(s.ctx, holdAtMost) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, cb := range s.held {
		if cb.id == id {
			s.held = append(s.held[:i:i], s.held[i+1:]...)
			s.deliver(&lane{}, cb)
			return
		}
	}
}

// releaseHeld posts everything that Reorder holds back. The caller holds mu.
func (s *Sim) releaseHeld() {
	for _, cb := range s.held {
		s.deliver(&lane{}, cb)
	}
	s.held = nil
}

func closeIf(c chan<- struct{}) {
	if c != nil {
		close(c)
	}
}

// messageCallback tells a message's status. The caller holds mu.
func (s *Sim) messageCallback(m *message, posted chan<- struct{}) {
	form := url.Values{
		"MessageSid": {m.SID}, "SmsSid": {m.SID}, "MessageStatus": {m.Status}, "SmsStatus": {m.Status},
		"To": {m.To}, "From": {m.From}, "AccountSid": {s.opt.AccountSID}, "ApiVersion": {apiVersion},
	}
	if m.service != "" {
		form.Set("MessagingServiceSid", m.service)
	}
	if m.ErrorCode != 0 {
		form.Set("ErrorCode", itoa(m.ErrorCode))
	}
	if m.Status == smsDelivered || m.Status == smsUndelivered {
		form.Set("RawDlrDoneDate", s.clock.Now().UTC().Format("0601021504"))
	}
	s.enqueue(&m.lane, pendingCallback{
		webhook: webhook{url: m.StatusCallback, method: http.MethodPost, form: form},
		sid:     m.SID, to: m.To, state: m.Status, posted: posted,
	})
}
