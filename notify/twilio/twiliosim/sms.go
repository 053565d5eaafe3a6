package twiliosim

import (
	"net/http"
	"net/url"
	"strconv"
	"time"
	"unicode/utf8"
)

const (
	maxBody     = 1600  // characters, Twilio's documented limit of a concatenated message
	maxValidity = 36000 // seconds, Twilio's documented limit of ValidityPeriod
)

// createMessage is POST Messages.json.
func (s *Sim) createMessage(req *request) (effect, *apiError) {
	if refused := checkMessage(s.api.createMessage, req.form); refused != nil {
		return effect{}, refused
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	form := req.form
	to, from, service := form.Get("To"), form.Get("From"), form.Get("MessagingServiceSid")
	if refused := s.refusedNumber(to); refused != nil {
		return effect{}, refused
	}
	if from == "" {
		from = s.ownNumber()
	} else if !s.owns(from) {
		return effect{}, refuse(codeFromNotOwned, "The 'From' phone number provided (%s) is not a valid message-capable Twilio phone number for this destination/account", from)
	}
	h := s.handset(to)
	if h.optedOut {
		return effect{}, refuse(codeOptedOut, "Attempt to send to unsubscribed recipient")
	}
	seconds, _ := strconv.Atoi(form.Get("ValidityPeriod")) // checked; empty is none
	m := s.addMessage(Message{
		Direction: outboundAPI, From: from, To: to, Body: form.Get("Body"), Status: smsQueued, At: req.at,
		Validity: time.Duration(seconds) * time.Second, StatusCallback: form.Get("StatusCallback"),
	}, h, service)
	req.entry.SID = m.SID
	done := effect{status: http.StatusCreated, body: s.messageJSON(m)}
	first := s.firstCallback(m)
	if s.callback.Early {
		done.early = first
	}
	behaviour := h.behaviour
	s.goRunLocked(func() { s.carry(m, behaviour, first) })
	return done, nil
}

func checkMessage(declared map[string]field, form url.Values) *apiError {
	if form.Get("To") == "" {
		return refuse(codeNoTo, "A 'To' phone number is required.")
	}
	if refused := check(declared, form); refused != nil {
		return refused
	}
	switch {
	case form.Get("From") == "" && form.Get("MessagingServiceSid") == "":
		return refuse(codeNoFrom, "A 'From' phone number is required.")
	case form.Get("Body") == "" && form.Get("MediaUrl") == "" && form.Get("ContentSid") == "":
		return refuse(codeNoBody, "Message body is required.")
	case utf8.RuneCountInString(form.Get("Body")) > maxBody:
		return refuse(codeBodyTooLong, "The concatenated message body exceeds the 1600 character limit")
	case form.Get("StatusCallback") != "" && !isURL(form.Get("StatusCallback")):
		return refuse(codeBadCallback, "The 'StatusCallback' URL %s is not a valid URL.", form.Get("StatusCallback"))
	}
	if period := form.Get("ValidityPeriod"); period != "" {
		// check has made sure that it is an integer.
		if seconds, _ := strconv.Atoi(period); seconds < 1 || seconds > maxValidity {
			return refuse(codeBadValidity, "The validity period %s is not between 1 and %d", period, maxValidity)
		}
	}
	return nil
}

// addMessage stores a message and drops the oldest beyond the limit. The caller holds mu.
func (s *Sim) addMessage(v Message, h *handset, service string) *message {
	v.SID = s.sid("SM")
	v.Segments = segments(v.Body)
	m := &message{Message: v, service: service, updated: v.At}
	s.messages = append(s.messages, m)
	s.bySID[m.SID] = m
	h.messages = append(h.messages, m)
	for len(s.messages) > s.opt.MaxMessages {
		old := s.messages[0]
		s.messages[0] = nil
		s.messages = s.messages[1:]
		delete(s.bySID, old.SID)
		owner := s.phones[old.owner()]
		owner.messages[0] = nil
		owner.messages = owner.messages[1:]
		s.forget(owner)
	}
	s.touch()
	return m
}

// owner is the number of the telephone that shows the message.
func (m *message) owner() string {
	if m.Direction == inbound {
		return m.From
	}
	return m.To
}

// forget drops a telephone of which nothing is left to know. The caller holds mu.
func (s *Sim) forget(h *handset) {
	_, named := s.opt.People[h.number]
	if !named && !h.optedOut && h.behaviour == (Behaviour{}) && len(h.messages) == 0 && len(h.calls) == 0 {
		delete(s.phones, h.number)
	}
}

// firstCallback is a channel that is closed when the message's first status callback was answered.
// Without a callback it is nil.
func (s *Sim) firstCallback(m *message) chan struct{} {
	if m.StatusCallback == "" {
		return nil
	}
	return make(chan struct{})
}

// carry takes a message from the queue to the handset.
func (s *Sim) carry(m *message, b Behaviour, first chan struct{}) {
	queued := s.opt.Pace.Sent + b.QueueFor
	if m.Validity > 0 && queued > m.Validity {
		if s.sleep(s.ctx, m.Validity) {
			s.progress(m, smsFailed, codeValidityExpired, first)
		}
		return
	}
	if !s.sleep(s.ctx, queued) {
		return
	}
	if b.Failed != 0 {
		s.progress(m, smsFailed, b.Failed, first)
		return
	}
	s.progress(m, smsSent, 0, first)
	if b.Lost || !s.sleep(s.ctx, s.opt.Pace.Delivered+b.LateBy) {
		return
	}
	if b.Undelivered != 0 {
		s.progress(m, smsUndelivered, b.Undelivered, nil)
		return
	}
	s.progress(m, smsDelivered, 0, nil)
}

// progress gives a message its next status and tells it.
func (s *Sim) progress(m *message, status string, code int, first chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	m.Status, m.ErrorCode, m.updated = status, code, now
	switch status {
	case smsSent:
		m.SentAt = now
	case smsDelivered:
		m.DeliveredAt = now
		s.record(Entry{At: now, Kind: LogArrived, SID: m.SID, To: m.To, From: m.From, Body: m.Body, Accepted: true})
	}
	s.messageCallback(m, first)
	s.touch()
}

// fetchMessage is GET Messages/{sid}.json.
func (s *Sim) fetchMessage(req *request) (effect, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.bySID[req.sid]
	if m == nil {
		return effect{}, notFound("/" + apiVersion + "/Accounts/" + s.opt.AccountSID + "/Messages/" + req.sid + ".json")
	}
	return effect{status: http.StatusOK, body: s.messageJSON(m)}, nil
}

// listMessages is GET Messages.json, newest first. A message that is still queued has no DateSent and is found only
// without a filter by it.
func (s *Sim) listMessages(req *request) (effect, *apiError) {
	if refused := check(s.api.listMessages, req.query); refused != nil {
		return effect{}, refused
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.messages
	if to := req.query.Get("To"); to != "" {
		kept = nil
		if h := s.phones[to]; h != nil {
			kept = h.messages
		}
	}
	items := []any{}
	for i := len(kept) - 1; i >= 0; i-- {
		m := kept[i]
		if matches(req.query.Get("To"), m.To) && matches(req.query.Get("From"), m.From) && within(req.query, "DateSent", m.SentAt) {
			items = append(items, s.messageJSON(m))
		}
	}
	return s.listing("messages", "Messages", req.query, items), nil
}

func matches(filter, value string) bool { return filter == "" || filter == value }

// within checks an instant against the filters name, name< and name>, which Twilio spells "DateSent>=" on the wire: a
// day for the first, bounds that belong to the range for the others.
func within(query url.Values, name string, t time.Time) bool {
	for _, key := range []string{name, name + "<", name + ">"} {
		value := query.Get(key)
		if value == "" {
			continue
		}
		if t.IsZero() {
			return false
		}
		bound, _ := parseDate(value) // checked before
		switch key {
		case name:
			if t.UTC().Format(time.DateOnly) != bound.UTC().Format(time.DateOnly) {
				return false
			}
		case name + "<":
			if len(value) == len(time.DateOnly) {
				bound = bound.Add(24*time.Hour - 1) // the whole day
			}
			if t.After(bound) {
				return false
			}
		default:
			// Twilio keeps whole seconds.
			if t.Truncate(time.Second).Before(bound.Truncate(time.Second)) {
				return false
			}
		}
	}
	return true
}

// messageJSON is a message as the API shows it. The caller holds mu.
func (s *Sim) messageJSON(m *message) map[string]any {
	uri := "/" + apiVersion + "/Accounts/" + s.opt.AccountSID + "/Messages/" + m.SID
	var code, service, words any
	if m.ErrorCode != 0 {
		code, words = m.ErrorCode, sentence(m.ErrorCode)
	}
	if m.service != "" {
		service = m.service
	}
	sent := m.SentAt
	if m.Direction == inbound {
		sent = m.At
	}
	return map[string]any{
		"sid": m.SID, "account_sid": s.opt.AccountSID, "api_version": apiVersion, "messaging_service_sid": service,
		"to": m.To, "from": m.From, "body": m.Body, "status": m.Status, "direction": m.Direction,
		"num_segments": itoa(m.Segments), "num_media": "0", "error_code": code, "error_message": words,
		"date_created": date(m.At), "date_updated": date(m.updated), "date_sent": date(sent),
		"price": nil, "price_unit": "USD", "uri": uri + ".json",
		"subresource_uris": map[string]string{"media": uri + "/Media.json", "feedback": uri + "/Feedback.json"},
	}
}
