package twilio

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"go.uber.org/zap"

	"pagerd/notify"
)

// maxForm bounds a callback's body: Twilio's largest has a message of 1,600 characters.
const maxForm = 64 << 10

// Text is an SMS that a telephone sent.
type Text struct {
	From   string // E.164
	Body   string
	ID     string // MessageSid
	OptOut string // STOP, HELP or START when Twilio acted on such a word
}

// CallbackOptions are what the callbacks' handler needs. The funcs answer errors for what could not be recorded: the person
// is told so, and Twilio's status callbacks get 503.
type CallbackOptions struct {
	Tokens    func() []string // auth tokens: the current one and, during a rotation, the one before
	PublicURL func() string   // what Twilio was told, without a slash at its end
	Language  func() string
	Reply     func(ctx context.Context, t Text) (answer string, err error)
	Script    func(ctx context.Context, delivery string) (Script, error)
	Digit     func(ctx context.Context, delivery, call, digit string) (Script, error)
	Progress  func(ctx context.Context, p notify.Progress) error
	Log       *zap.Logger
}

type callbacks struct{ CallbackOptions }

// Callbacks serves POST /twilio/sms, /twilio/voice/{delivery}, /twilio/voice/{delivery}/digit and /twilio/status/{delivery}.
func Callbacks(o CallbackOptions) http.Handler {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	c := callbacks{o}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /twilio/sms", c.signed(c.sms))
	mux.HandleFunc("POST /twilio/sms/{$}", c.signed(c.sms)) // as somebody may type it into Twilio's console
	mux.HandleFunc("POST /twilio/voice/{delivery}", c.signed(c.voice))
	mux.HandleFunc("POST /twilio/voice/{delivery}/digit", c.signed(c.digit))
	mux.HandleFunc("POST /twilio/status/{delivery}", c.signed(c.status))
	return mux
}

// signed reads the form and lets a request through only with Twilio's signature over the public address. Host and
// X-Forwarded-* are not asked: whoever sends them may lie.
func (c callbacks) signed(next func(http.ResponseWriter, *http.Request, url.Values)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		form, err := readForm(w, r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if !genuine(c.Tokens(), c.PublicURL()+r.RequestURI, form, r.Header.Get("X-Twilio-Signature")) {
			c.Log.Warn("callback refused", zap.String("reason", "signature"), zap.String("path", r.URL.Path))
			http.Error(w, "the signature does not fit: check public_url and auth_token", http.StatusForbidden)
			return
		}
		next(w, r, form)
	}
}

// readForm parses a form and refuses repeated keys: which of two values is signed, libraries disagree about.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "application/x-www-form-urlencoded" {
		return nil, errors.New("not a form")
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		return nil, errors.New("the form is too large or did not arrive")
	}
	form, err := url.ParseQuery(string(text))
	if err != nil {
		return nil, errors.New("the form is malformed")
	}
	for _, values := range form {
		if len(values) > 1 {
			return nil, errors.New("a key is there twice")
		}
	}
	return form, nil
}

func xmlAnswer(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_, _ = io.WriteString(w, text)
}

func (c callbacks) sms(w http.ResponseWriter, r *http.Request, form url.Values) {
	from := form.Get("From")
	for _, prefix := range []string{"rcs:", "whatsapp:"} {
		from = strings.TrimPrefix(from, prefix)
	}
	answer, err := c.Reply(r.Context(), Text{From: from, Body: form.Get("Body"), ID: form.Get("MessageSid"), OptOut: form.Get("OptOutType")})
	if err != nil {
		c.Log.Error("reply not recorded", zap.String("from", notify.Mask(from)), zap.Error(err))
		answer = "NOT RECORDED: the pager has a problem. Try again in a moment, or call a colleague."
	}
	if answer == "" {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	xmlAnswer(w, reply(answer))
}

func (c callbacks) voice(w http.ResponseWriter, r *http.Request, _ url.Values) {
	delivery := r.PathValue("delivery")
	s, err := c.Script(r.Context(), delivery)
	c.say(w, delivery, s, err)
}

func (c callbacks) digit(w http.ResponseWriter, r *http.Request, form url.Values) {
	delivery := r.PathValue("delivery")
	s, err := c.Digit(r.Context(), delivery, form.Get("CallSid"), form.Get("Digits"))
	c.say(w, delivery, s, err)
}

func (c callbacks) say(w http.ResponseWriter, delivery string, s Script, err error) {
	if err != nil {
		c.Log.Error("call without a script", zap.String("delivery", delivery), zap.Error(err))
		s = Script{Paragraphs: []string{"The pager has a problem. Nothing was recorded. Press any digit to try again, or look at the status page."}, Digits: true}
	}
	xmlAnswer(w, voice(s, c.Language(), c.PublicURL()+"/twilio/voice/"+url.PathEscape(delivery)+"/digit"))
}

func (c callbacks) status(w http.ResponseWriter, r *http.Request, form url.Values) {
	p, known := progress(form)
	if !known {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	p.Delivery = r.PathValue("delivery")
	if err := c.Progress(r.Context(), p); err != nil {
		c.Log.Error("status not recorded", zap.String("delivery", p.Delivery), zap.Error(err))
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// progress reads a status callback of a message or a call. Ranks order the states: callbacks come late and out of order.
func progress(form url.Values) (notify.Progress, bool) {
	if s := form.Get("MessageStatus"); s != "" {
		return messageProgress(s, form)
	}
	if s := form.Get("CallStatus"); s != "" {
		return callProgress(s, form)
	}
	return notify.Progress{}, false
}

func messageProgress(s string, form url.Values) (notify.Progress, bool) {
	p := notify.Progress{ProviderID: form.Get("MessageSid"), State: s, Code: form.Get("ErrorCode")}
	switch s {
	case "accepted", "scheduled", "queued":
		p.Rank = 1
	case "sending":
		p.Rank = 2
	case "sent":
		p.Rank = 3 // the carrier has it; whether the telephone gets it is not known yet
	case "delivered", "read", "partially_delivered":
		p.Rank, p.Final = 9, true
	case "undelivered", "failed", "canceled":
		p.Rank, p.Final, p.Failed, p.Reason = 9, true, true, notify.ReasonUndelivered
		if code, err := strconv.Atoi(p.Code); err == nil {
			if reason, _, _ := meaning(code, 0); reason == notify.ReasonBadNumber || reason == notify.ReasonOptedOut || reason == notify.ReasonBadCredentials {
				p.Reason = reason
			}
		}
	default:
		return p, false
	}
	return p, true
}

func callProgress(s string, form url.Values) (notify.Progress, bool) {
	p := notify.Progress{ProviderID: form.Get("CallSid"), State: s, Code: form.Get("SipResponseCode")}
	switch s {
	case "queued":
		p.Rank = 1
	case "initiated":
		p.Rank = 2
	case "ringing":
		p.Rank = 3
	case "in-progress", "answered":
		p.Rank = 4
	case "completed":
		// Somebody or something answered; whether a digit was pressed the engine knows. Without one it rang in vain.
		p.Rank, p.Final, p.Failed, p.Reason = 9, true, true, notify.ReasonHungUp
		if strings.HasPrefix(form.Get("AnsweredBy"), "machine") || form.Get("AnsweredBy") == "fax" {
			p.Reason = notify.ReasonVoicemail
		}
	case "busy":
		p.Rank, p.Final, p.Failed, p.Reason = 9, true, true, notify.ReasonBusy
	case "no-answer":
		p.Rank, p.Final, p.Failed, p.Reason = 9, true, true, notify.ReasonNoAnswer
	case "failed", "canceled":
		p.Rank, p.Final, p.Failed, p.Reason = 9, true, true, notify.ReasonUndelivered
		switch p.Code {
		case "404", "410", "484", "604": // SIP: not found, gone, incomplete, exists nowhere (RFC 3261, section 21)
			p.Reason = notify.ReasonBadNumber
		}
	default:
		return p, false
	}
	return p, true
}
