package twiliosim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxVerbs and maxDocuments end a call whose documents go round in circles.
const (
	maxVerbs     = 1000
	maxDocuments = 100
)

// apology is what Twilio says when a call's document cannot be had or understood.
const apology = "We are sorry, an application error has occurred. Goodbye."

// errInterrupted ends the wait for a document that nobody is on the line to hear.
var errInterrupted = errors.New("interrupted")

// conversation is a call from answering to hanging up. It runs in the call's goroutine.
type conversation struct {
	sim       *Sim
	call      *call
	ctx       context.Context // ends with the simulator
	until     time.Time       // TimeLimit
	base      webhook         // where the running document came from
	verbs     int
	documents int
}

// step is how to go on after a verb.
type step struct {
	over bool
	next *fetch // another document instead of the next verb
}

// fetch is a document to be had.
type fetch struct {
	webhook
	twiml    string
	fallback bool // the call's own document: FallbackUrl may stand in
}

// converse plays a call that was answered.
func (s *Sim) converse(c *call, b Behaviour, machine bool) {
	s.mu.Lock()
	now := s.clock.Now()
	c.Status, c.AnsweredAt, c.updated, c.Machine = callInProgress, now, now, machine
	s.record(Entry{At: now, Kind: LogAnswered, SID: c.SID, To: c.To, From: c.From, Accepted: true})
	s.touch()
	s.mu.Unlock()
	s.callEvent(c, "answered", callInProgress)

	v := &conversation{sim: s, call: c, ctx: s.ctx, until: now.Add(c.order.limit)}
	if c.order.detection != "" {
		verdict := verdictOf(c.order.detection, b, machine)
		if c.order.async {
			s.goRun(func() { s.tellVerdict(c, verdict) })
		} else {
			if v.pass(s.clock.Now().Add(s.opt.Pace.Detect)).over {
				return
			}
			s.mu.Lock()
			c.AnsweredBy = verdict
			s.touch()
			s.mu.Unlock()
		}
	}
	next := &fetch{webhook: c.order.document, twiml: c.order.twiml, fallback: true}
	for next != nil {
		next = v.play(*next)
	}
}

func verdictOf(detection string, b Behaviour, machine bool) string {
	switch {
	case b.AnsweredBy != "":
		return b.AnsweredBy
	case !machine:
		return "human"
	case detection == "DetectMessageEnd":
		return "machine_end_beep"
	}
	return "machine_start"
}

// tellVerdict posts what asynchronous machine detection found.
func (s *Sim) tellVerdict(c *call, verdict string) {
	if !s.sleep(s.ctx, s.opt.Pace.Detect) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c.AnsweredBy = verdict
	hook := c.order.asyncCallback
	hook.form = url.Values{
		"CallSid": {c.SID}, "AccountSid": {s.opt.AccountSID}, "AnsweredBy": {verdict},
		"MachineDetectionDuration": {strconv.FormatInt(s.opt.Pace.Detect.Milliseconds(), 10)},
	}
	s.enqueue(&lane{}, pendingCallback{webhook: hook, sid: c.SID, to: c.To, state: verdict})
	s.touch()
}

// play fetches and runs one document; it returns the next one, nil when the call is over.
func (v *conversation) play(f fetch) *fetch {
	if v.documents++; v.documents > maxDocuments {
		v.fail(fmt.Errorf("12300 more than %d documents in one call", maxDocuments))
		return nil
	}
	root, err := v.document(f)
	if s := v.pass(v.sim.clock.Now()); s.over || s.next != nil {
		return s.next
	}
	if err != nil {
		v.fail(err)
		return nil
	}
	for _, verb := range root.children {
		s, err := v.perform(verb)
		if err != nil {
			v.fail(err)
			return nil
		}
		if s.over || s.next != nil {
			return s.next
		}
	}
	return nil
}

// document fetches TwiML, from FallbackUrl if the call's own URL fails.
func (v *conversation) document(f fetch) (*node, error) {
	if f.twiml != "" {
		v.base = webhook{}
		return parseTwiML([]byte(f.twiml))
	}
	root, err := v.get(f.webhook)
	if err == nil || err == errInterrupted || !f.fallback || v.call.order.fallback.url == "" {
		return root, err
	}
	v.note(err)
	second := v.call.order.fallback
	code, _, _ := strings.Cut(err.Error(), " ")
	second.form = url.Values{"ErrorCode": {code}, "ErrorUrl": {f.url}}
	return v.get(second)
}

func (v *conversation) get(w webhook) (*node, error) {
	s, c := v.sim, v.call
	s.mu.Lock()
	form := s.callForm(c)
	c.URL = w.url
	s.mu.Unlock()
	maps.Copy(form, w.form)
	w.form, w.token = form, s.token()
	answer, err := v.request(w)
	if err != nil {
		return nil, err
	}
	v.base = w
	if answer.status == http.StatusNoContent {
		return &node{name: "Response"}, nil
	}
	kind, _, err := mime.ParseMediaType(answer.contentType)
	switch {
	case err == nil && kind == "text/plain":
		return &node{name: "Response", children: []*node{{name: "Say", text: string(answer.body)}}}, nil
	case err != nil || !isXML(kind):
		return nil, fmt.Errorf("12300 invalid Content-Type %q", answer.contentType)
	}
	return parseTwiML(answer.body)
}

// request makes a request and waits for its answer or until somebody hangs up: then the request goes on, unheard.
func (v *conversation) request(w webhook) (webhookAnswer, error) {
	s, c := v.sim, v.call
	var answer webhookAnswer
	var failed error
	answered, interrupted := make(chan struct{}), make(chan struct{})
	s.mu.Lock()
	if slices.ContainsFunc(c.inbox, event.interrupts) {
		close(interrupted)
	} else {
		c.interrupt = interrupted
	}
	at := s.clock.Now()
	s.goRunLocked(func() {
		defer close(answered)
		answer, failed = s.send(s.ctx, w)
		if failed == nil && !answer.ok() {
			failed = fmt.Errorf("11200 HTTP retrieval failure: status %d", answer.status)
		}
		e := Entry{At: at, Kind: LogFetch, SID: c.SID, To: c.To, Body: w.form.Get("Digits"), Accepted: failed == nil, Status: answer.status}
		if failed != nil {
			e.Detail = failed.Error()
		}
		s.mu.Lock()
		s.record(e)
		s.mu.Unlock()
	})
	s.mu.Unlock()
	select {
	case <-answered:
	case <-interrupted:
		return webhookAnswer{}, errInterrupted
	case <-s.ctx.Done():
		return webhookAnswer{}, errInterrupted
	}
	s.mu.Lock()
	c.interrupt = nil
	s.mu.Unlock()
	return answer, failed
}

// perform runs one verb of a Response.
func (v *conversation) perform(verb *node) (step, error) {
	if v.verbs++; v.verbs > maxVerbs {
		return step{}, fmt.Errorf("12300 more than %d verbs in one call", maxVerbs)
	}
	v.checkAttributes(verb)
	// Whoever hung up hears no more, and digits pressed before a Gather are lost.
	if s := v.pass(v.sim.clock.Now()); s.over || s.next != nil {
		return s, nil
	}
	switch verb.name {
	case "Say":
		return v.say(verb, nil)
	case "Pause":
		length, err := secondsOf(verb, "length", 1)
		if err != nil {
			return step{}, err
		}
		return v.pass(v.sim.clock.Now().Add(length)), nil
	case "Gather":
		return v.gather(verb)
	case "Redirect":
		target, err := v.resolve(strings.TrimSpace(verb.text))
		if err != nil {
			return step{}, err
		}
		return step{next: &fetch{webhook: webhook{url: target, method: verb.attr("method", "POST")}}}, nil
	case "Hangup", "Reject":
		return step{over: true}, nil
	}
	return step{}, fmt.Errorf("12200 unknown verb <%s>", verb.name)
}

// checkAttributes notes attributes that the verb does not have; Twilio warns and goes on.
func (v *conversation) checkAttributes(verb *node) {
	known := knownAttributes(verb.name)
	for _, name := range slices.Sorted(maps.Keys(verb.attrs)) {
		if !slices.Contains(known, name) {
			v.note(fmt.Errorf("12200 unknown attribute %s of <%s>", name, verb.name))
		}
	}
}

// say speaks. heard takes the digits pressed meanwhile; without it they are lost.
func (v *conversation) say(verb *node, heard func(string) bool) (step, error) {
	for _, markup := range verb.children {
		switch markup.name {
		case "break", "emphasis", "p", "phoneme", "prosody", "s", "say-as", "sub", "w":
		default:
			return step{}, fmt.Errorf("12200 unknown noun <%s> in <Say>", markup.name)
		}
	}
	times, err := strconv.Atoi(verb.attr("loop", "1"))
	if err != nil || times < 0 {
		return step{}, fmt.Errorf("12200 loop=%q of <Say>", verb.attrs["loop"])
	}
	if times == 0 {
		times = maxVerbs // Twilio: for ever, until the call ends
	}
	text := verb.spoken()
	if text == "" {
		return step{}, nil
	}
	for range times {
		if v.verbs++; v.verbs > maxVerbs {
			return step{}, fmt.Errorf("12300 more than %d verbs in one call", maxVerbs)
		}
		v.speak(text)
		length := time.Duration(utf8.RuneCountInString(text)) * v.sim.opt.Pace.Character
		s, stop := v.during(v.sim.clock.Now().Add(length), heard)
		if s.over || s.next != nil || stop {
			return s, nil
		}
	}
	return step{}, nil
}

func (v *conversation) speak(text string) {
	s, c := v.sim, v.call
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Spoken = append(c.Spoken, text)
	s.record(Entry{Kind: LogSpoken, SID: c.SID, To: c.To, Body: text, Accepted: true})
	s.touch()
}

// pass lets time pass; digits are lost.
func (v *conversation) pass(until time.Time) step {
	s, _ := v.during(until, nil)
	return s
}

// during lets time pass until the instant. heard takes the digits, and stops the time when it returns true.
func (v *conversation) during(until time.Time, heard func(string) bool) (s step, stopped bool) {
	if until.After(v.until) {
		until = v.until
	}
	for {
		if v.ctx.Err() != nil {
			return step{over: true}, false
		}
		e := v.sim.next(v.call, until, heard != nil)
		switch e.kind {
		case evDigit:
			if heard(e.digit) {
				return step{}, true
			}
		case evNone:
			return step{over: !v.sim.clock.Now().Before(v.until)}, false
		case evHangUp, evEnd, evClosed:
			return step{over: true}, false
		case evReplace:
			return step{next: &fetch{webhook: e.document, twiml: e.twiml}}, false
		}
	}
}

// resolve makes a URL of a document absolute; an empty one is the running document's own.
func (v *conversation) resolve(ref string) (string, error) {
	if v.base.url == "" {
		if !isURL(ref) {
			return "", fmt.Errorf("11100 invalid URL %q", ref)
		}
		return ref, nil
	}
	if ref == "" {
		return v.base.url, nil
	}
	base, err := url.Parse(v.base.url)
	if err != nil {
		return "", fmt.Errorf("11100 invalid URL %q", v.base.url)
	}
	target, err := base.Parse(ref)
	if err != nil {
		return "", fmt.Errorf("11100 invalid URL %q", ref)
	}
	return target.String(), nil
}

func secondsOf(verb *node, name string, def int) (time.Duration, error) {
	n, err := strconv.Atoi(verb.attr(name, itoa(def)))
	if err != nil || n < 0 {
		return 0, fmt.Errorf("12200 %s=%q of <%s>", name, verb.attrs[name], verb.name)
	}
	return time.Duration(n) * time.Second, nil
}

// note lists an error as Twilio's debugger would.
func (v *conversation) note(err error) {
	v.sim.mu.Lock()
	defer v.sim.mu.Unlock()
	v.call.Errors = append(v.call.Errors, err.Error())
	v.sim.touch()
}

// fail says that there was an application error; hanging up follows.
func (v *conversation) fail(err error) {
	if v.ctx.Err() != nil {
		return
	}
	v.note(err)
	v.speak(apology)
}
