package twiliosim

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

const (
	maxTwiML       = 4000             // characters, Twilio's documented limit of the Twiml parameter
	defaultTimeout = 60 * time.Second // Twilio's documented default of Timeout
	maxTimeout     = 600              // seconds, Twilio's documented limit of Timeout
	defaultLimit   = 4 * time.Hour    // Twilio's documented default of TimeLimit
)

// call is a Call under Sim.mu, with what its goroutine needs.
type call struct {
	Call
	taken    bool // returned by a WaitCall
	picked   bool // somebody or something has picked up or declined
	order    callOrder
	lane     lane
	sequence int           // of status callbacks
	updated  time.Time     //
	queued   time.Duration // waited for CallsPerSecond
	inbox    []event
	kick     chan struct{} // capacity 1: something is in the inbox
	// interrupt is closed when something ends the wait for a document.
	interrupt chan struct{}
}

// callOrder is what the request asked for.
type callOrder struct {
	document       webhook // Url and Method; empty url with twiml
	twiml          string
	fallback       webhook
	statusCallback webhook
	events         []string
	timeout        time.Duration
	limit          time.Duration
	detection      string // "", Enable, DetectMessageEnd
	async          bool
	asyncCallback  webhook
}

func (c *call) view() Call {
	v := c.Call
	v.Spoken, v.Errors = slices.Clone(c.Spoken), slices.Clone(c.Errors)
	return v
}

// createCall is POST Calls.json.
func (s *Sim) createCall(req *request) (effect, *apiError) {
	order, refused := checkCall(s.api.createCall, req.form)
	if refused != nil {
		return effect{}, refused
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	to, from := req.form.Get("To"), req.form.Get("From")
	if refused := s.refusedNumber(to); refused != nil {
		return effect{}, refused
	}
	if !e164.MatchString(from) {
		return effect{}, refuse(codeInvalidFrom, "The 'From' number %s is not a valid phone number", from)
	}
	if !s.owns(from) {
		return effect{}, refuse(codeCallerNotOwned, "The source phone number provided, %s, is not yet verified for your account. You may only make calls from phone numbers that you've verified or purchased from Twilio.", from)
	}
	h := s.handset(to)
	c := &call{
		Call:  Call{SID: s.sid("CA"), From: from, To: to, Status: callQueued, At: req.at, URL: order.document.url},
		order: order, updated: req.at, kick: make(chan struct{}, 1),
	}
	c.queued = s.queueTime(req.at)
	s.calls = append(s.calls, c)
	s.callSID[c.SID] = c
	h.calls = append(h.calls, c)
	for len(s.calls) > s.opt.MaxCalls {
		s.dropOldestCall()
	}
	req.entry.SID = c.SID
	s.touch()
	done := effect{status: http.StatusCreated, body: s.callJSON(c)}
	behaviour := h.behaviour
	s.goRunLocked(func() { s.place(c, behaviour) })
	return done, nil
}

// queueTime is how long a call waits for CallsPerSecond. The caller holds mu.
func (s *Sim) queueTime(now time.Time) time.Duration {
	if s.opt.CallsPerSecond <= 0 {
		return 0
	}
	if s.nextDial.Before(now) {
		s.nextDial = now
	}
	wait := s.nextDial.Sub(now)
	s.nextDial = s.nextDial.Add(time.Duration(float64(time.Second) / s.opt.CallsPerSecond))
	return wait
}

func (s *Sim) dropOldestCall() {
	old := s.calls[0]
	s.calls[0] = nil
	s.calls = s.calls[1:]
	delete(s.callSID, old.SID)
	h := s.phones[old.To]
	h.calls[0] = nil
	h.calls = h.calls[1:]
	s.forget(h)
}

func checkCall(declared map[string]field, form url.Values) (callOrder, *apiError) {
	switch {
	case form.Get("To") == "":
		return callOrder{}, refuse(codeNoCallTo, "No 'To' number is specified")
	case form.Get("From") == "":
		return callOrder{}, refuse(codeNoCallFrom, "No 'From' number is specified")
	}
	if refused := check(declared, form); refused != nil {
		return callOrder{}, refused
	}
	order := callOrder{
		twiml:     form.Get("Twiml"),
		document:  webhook{url: form.Get("Url"), method: form.Get("Method")},
		fallback:  webhook{url: form.Get("FallbackUrl"), method: form.Get("FallbackMethod")},
		events:    form["StatusCallbackEvent"],
		timeout:   seconds(form, "Timeout", defaultTimeout),
		limit:     seconds(form, "TimeLimit", defaultLimit),
		detection: form.Get("MachineDetection"),
		async:     form.Get("AsyncAmd") == "true",

		statusCallback: webhook{url: form.Get("StatusCallback"), method: form.Get("StatusCallbackMethod")},
		asyncCallback:  webhook{url: form.Get("AsyncAmdStatusCallback"), method: form.Get("AsyncAmdStatusCallbackMethod")},
	}
	if len(order.events) == 0 {
		order.events = []string{"completed"} // Twilio's documented default
	}
	switch {
	case order.document.url == "" && order.twiml == "":
		return callOrder{}, refuse(codeInvalidURL, "Url parameter is required.")
	case order.document.url != "" && !isURL(order.document.url):
		return callOrder{}, refuse(codeInvalidURL, "Url is not a valid URL: %s", order.document.url)
	case utf8.RuneCountInString(order.twiml) > maxTwiML:
		return callOrder{}, refuse(codeInvalidParameter, "Twiml is longer than %d characters", maxTwiML)
	case order.statusCallback.url != "" && !isURL(order.statusCallback.url):
		return callOrder{}, refuse(codeBadCallback, "The 'StatusCallback' URL %s is not a valid URL.", order.statusCallback.url)
	case order.timeout < time.Second || order.timeout > maxTimeout*time.Second:
		return callOrder{}, refuse(codeInvalidParameter, "Timeout is not between 1 and %d", maxTimeout)
	case order.limit < time.Second:
		return callOrder{}, refuse(codeInvalidParameter, "TimeLimit is not positive")
	}
	return order, nil
}

func seconds(form url.Values, name string, def time.Duration) time.Duration {
	if form.Get(name) == "" {
		return def
	}
	n, _ := strconv.Atoi(form.Get(name)) // checked to be an integer
	return time.Duration(n) * time.Second
}

// updateCall is POST Calls/{sid}.json: end the call, or give it another document.
func (s *Sim) updateCall(req *request) (effect, *apiError) {
	if refused := check(s.api.updateCall, req.form); refused != nil {
		return effect{}, refused
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.callSID[req.sid]
	if c == nil {
		return effect{}, notFound("/" + apiVersion + "/Accounts/" + s.opt.AccountSID + "/Calls/" + req.sid + ".json")
	}
	req.entry.To, req.entry.From = c.To, c.From
	status, document, twiml := req.form.Get("Status"), req.form.Get("Url"), req.form.Get("Twiml")
	switch {
	case c.Ended(), document+twiml != "" && !c.Live(), status == callCanceled && c.Live():
		return effect{}, refuse(codeBadCallState, "Call is not in-progress. Cannot redirect.")
	case document != "" && !isURL(document):
		return effect{}, refuse(codeInvalidURL, "Url is not a valid URL: %s", document)
	case status != "":
		s.tell(c, event{kind: evEnd})
	case document+twiml != "":
		s.tell(c, event{kind: evReplace, document: webhook{url: document, method: req.form.Get("Method")}, twiml: twiml})
	}
	return effect{status: http.StatusOK, body: s.callJSON(c)}, nil
}

// fetchCall is GET Calls/{sid}.json.
func (s *Sim) fetchCall(req *request) (effect, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.callSID[req.sid]
	if c == nil {
		return effect{}, notFound("/" + apiVersion + "/Accounts/" + s.opt.AccountSID + "/Calls/" + req.sid + ".json")
	}
	return effect{status: http.StatusOK, body: s.callJSON(c)}, nil
}

// listCalls is GET Calls.json, newest first.
func (s *Sim) listCalls(req *request) (effect, *apiError) {
	if refused := check(s.api.listCalls, req.query); refused != nil {
		return effect{}, refused
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, items := req.query, []any{}
	for _, c := range slices.Backward(s.calls) {
		if matches(q.Get("To"), c.To) && matches(q.Get("From"), c.From) && matches(q.Get("Status"), c.Status) &&
			q.Get("ParentCallSid") == "" && within(q, "StartTime", c.AnsweredAt) && within(q, "EndTime", c.EndedAt) {
			items = append(items, s.callJSON(c))
		}
	}
	return s.listing("calls", "Calls", q, items), nil
}

// callJSON is a call as the API shows it. The caller holds mu.
func (s *Sim) callJSON(c *call) map[string]any {
	uri := "/" + apiVersion + "/Accounts/" + s.opt.AccountSID + "/Calls/" + c.SID
	var answeredBy, duration any
	if c.AnsweredBy != "" {
		answeredBy = c.AnsweredBy
	}
	if c.Ended() {
		duration = itoa(c.duration())
	}
	return map[string]any{
		"sid": c.SID, "account_sid": s.opt.AccountSID, "api_version": apiVersion, "parent_call_sid": nil,
		"to": c.To, "to_formatted": c.To, "from": c.From, "from_formatted": c.From, "phone_number_sid": nil,
		"status": c.Status, "direction": outboundAPI, "answered_by": answeredBy, "duration": duration,
		"date_created": date(c.At), "date_updated": date(c.updated), "start_time": date(c.AnsweredAt), "end_time": date(c.EndedAt),
		"price": nil, "price_unit": "USD", "forwarded_from": nil, "group_sid": nil, "caller_name": nil, "trunk_sid": nil,
		"queue_time": strconv.FormatInt(c.queued.Milliseconds(), 10), "uri": uri + ".json",
		"subresource_uris": map[string]string{"notifications": uri + "/Notifications.json", "recordings": uri + "/Recordings.json"},
	}
}

// duration is the length of the conversation in seconds, begun ones counted whole.
func (c *call) duration() int {
	if c.AnsweredAt.IsZero() || c.EndedAt.IsZero() {
		return 0
	}
	return int((c.EndedAt.Sub(c.AnsweredAt) + time.Second - 1) / time.Second)
}
