package twiliosim

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

//go:embed page
var pageFiles embed.FS

var pageTemplate = template.Must(template.ParseFS(pageFiles, "page/page.html"))

const (
	// pressWait is how long a key on the page waits for the call to listen.
	pressWait = 5 * time.Second
	// streamPause gathers changes, so that a storm does not redraw the page more than a few times a second.
	streamPause = 100 * time.Millisecond
	// policy lets the page load its own style, script and data, and nothing else.
	policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

// Web is the page of telephones, the log (GET /log, JSON lines), the state (GET /state, JSON) and the switches (POST
// /control, see Control). Everything that the page's buttons do is a form that a program may post too: POST
// /phone/{number}/{act} with act reply (text, to), answer, ignore, decline, voicemail, hangup (call) or press (call,
// digits), answered in JSON to who sends "Accept: application/json". It expects to be served at the root of its listener
// and refuses posts from other origins. Paths that it does not know go to Options.Extra.
func (s *Sim) Web() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.showPage)
	mux.HandleFunc("GET /phones", s.showPhones)
	mux.HandleFunc("GET /events", s.streamChanges)
	mux.HandleFunc("GET /page.css", pageFile("page.css", "text/css; charset=utf-8"))
	mux.HandleFunc("GET /page.js", pageFile("page.js", "text/javascript; charset=utf-8"))
	mux.HandleFunc("GET /log", s.showLog)
	mux.HandleFunc("GET /state", s.showState)
	mux.HandleFunc("POST /control", s.control)
	mux.HandleFunc("POST /phone/{number}/{act}", s.personActs)
	mux.HandleFunc("POST /fault", s.injectByForm)
	mux.HandleFunc("POST /heal", s.healByForm)
	if s.opt.Extra != nil {
		mux.Handle("/", s.opt.Extra)
	}
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if r.Method == http.MethodPost {
			r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
		}
		mux.ServeHTTP(w, r)
	}))
}

func pageFile(name, contentType string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		data, err := pageFiles.ReadFile("page/" + name)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(data) // a browser that is gone is not told
	}
}

func (s *Sim) showPage(w http.ResponseWriter, r *http.Request) { s.render(w, "page", s.pageView(r)) }

func (s *Sim) showPhones(w http.ResponseWriter, r *http.Request) {
	s.render(w, "phones", s.pageView(r))
}

func (s *Sim) render(w http.ResponseWriter, name string, v pageView) {
	var text strings.Builder
	if err := pageTemplate.ExecuteTemplate(&text, name, v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, text.String()) // a browser that is gone is not told
}

// streamChanges tells the page that something changed; the page then fetches what it shows.
func (s *Sim) streamChanges(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	// A server without deadlines does not know the call, and needs it not.
	_ = control.SetWriteDeadline(time.Time{})
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	for {
		s.mu.Lock()
		version, changed := s.version, s.changed
		s.mu.Unlock()
		if _, err := fmt.Fprintf(w, "event: changed\ndata: %d\n\n", version); err != nil {
			return
		}
		if err := control.Flush(); err != nil {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
		if !s.sleep(ctx, streamPause) {
			return
		}
	}
}

func (s *Sim) showLog(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	encoder := json.NewEncoder(w)
	for _, e := range s.Log() {
		if encoder.Encode(e) != nil {
			return // the reader is gone
		}
	}
}

// State is everything that is kept, as GET /state shows it.
type State struct {
	Messages []Message  `json:"messages"`
	Calls    []Call     `json:"calls"`
	Faults   []Fault    `json:"faults"`
	Phones   []PhoneRow `json:"phones"`
}

// PhoneRow is a telephone in State.
type PhoneRow struct {
	Number    string    `json:"number"`
	Name      string    `json:"name,omitempty"`
	OptedOut  bool      `json:"opted_out,omitempty"`
	Behaviour Behaviour `json:"behaviour"`
}

func (s *Sim) showState(w http.ResponseWriter, _ *http.Request) {
	state := State{Messages: s.Messages(), Calls: s.Calls(), Faults: s.Faults(), Phones: []PhoneRow{}}
	s.mu.Lock()
	for _, h := range s.sortedPhones() {
		state.Phones = append(state.Phones, PhoneRow{Number: h.number, Name: s.opt.People[h.number], OptedOut: h.optedOut, Behaviour: h.behaviour})
	}
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, state)
}

// Control is the body of POST /control: every member that is present is carried out, in this order.
type Control struct {
	Heal      bool            `json:"heal,omitempty"`
	Remove    int             `json:"remove,omitempty"`
	Inject    *Fault          `json:"inject,omitempty"` // answered with {"fault": its number}
	Callbacks *CallbackFaults `json:"callbacks,omitempty"`
	Phone     string          `json:"phone,omitempty"` // whose Behaviour or OptOut is set
	Behaviour *Behaviour      `json:"behaviour,omitempty"`
	OptOut    *bool           `json:"opt_out,omitempty"`
	SMSURL    string          `json:"sms_url,omitempty"`
}

func (s *Sim) control(w http.ResponseWriter, r *http.Request) {
	var c Control
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		http.Error(w, "reading the control: "+err.Error(), http.StatusBadRequest)
		return
	}
	if (c.Behaviour != nil || c.OptOut != nil) && c.Phone == "" {
		http.Error(w, "behaviour and opt_out need a phone", http.StatusBadRequest)
		return
	}
	if c.Inject != nil && !c.Inject.Kind.known() {
		http.Error(w, fmt.Sprintf("unknown kind of fault %q", c.Inject.Kind), http.StatusBadRequest)
		return
	}
	answer := map[string]int{}
	if c.Heal {
		s.Heal()
	}
	if c.Remove != 0 {
		s.Remove(c.Remove)
	}
	if c.Inject != nil {
		answer["fault"] = s.Inject(*c.Inject)
	}
	if c.Callbacks != nil {
		s.SetCallbackFaults(*c.Callbacks)
	}
	if c.Behaviour != nil {
		s.Phone(c.Phone).Set(*c.Behaviour)
	}
	if c.OptOut != nil {
		s.Phone(c.Phone).OptOut(*c.OptOut)
	}
	if c.SMSURL != "" {
		s.SetSMSURL(c.SMSURL)
	}
	writeJSON(w, http.StatusOK, answer)
}

// personActs is a button of a telephone.
func (s *Sim) personActs(w http.ResponseWriter, r *http.Request) {
	phone := s.Phone(r.PathValue("number"))
	if !e164.MatchString(phone.number) {
		http.Error(w, "no telephone has this number", http.StatusNotFound)
		return
	}
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the form cannot be read", http.StatusBadRequest)
		return
	}
	var result any = struct{}{}
	var err error
	callSID := r.PostForm.Get("call")
	switch r.PathValue("act") {
	case "reply":
		if text := r.PostForm.Get("text"); text != "" {
			result, err = phone.ReplyTo(r.Context(), r.PostForm.Get("to"), text)
		}
	case "answer":
		err = phone.Answer(callSID)
	case "ignore":
		err = phone.Ignore(callSID)
	case "decline":
		err = phone.Decline(callSID)
	case "voicemail":
		err = phone.LetVoicemailAnswer(callSID)
	case "hangup":
		err = phone.HangUp(callSID)
	case "press":
		ctx, cancel := s.deadline(r.Context(), pressWait)
		defer cancel()
		err = phone.Press(ctx, callSID, r.PostForm.Get("digits"))
	case "network":
		err = phone.network(r.PostForm)
	default:
		http.Error(w, "no such button", http.StatusNotFound)
		return
	}
	s.acted(w, r, phone, result, err)
}

// deadline is a context that ends after d on the simulator's clock.
func (s *Sim) deadline(parent context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	s.goRun(func() {
		if s.sleep(ctx, d) {
			cancel()
		}
	})
	return ctx, cancel
}

// acted answers a button: JSON to a program, the page again to a browser. What came too late, such as answering a call
// that is over, is no error on the page: the page shows how things are.
func (s *Sim) acted(w http.ResponseWriter, r *http.Request, phone *Phone, result any, err error) {
	if r.Header.Get("Accept") == "application/json" {
		switch {
		case err == nil:
			writeJSON(w, http.StatusOK, result)
		case errors.Is(err, ErrNoCall):
			writeJSON(w, http.StatusNotFound, map[string]string{"error": err.Error()})
		default:
			writeJSON(w, http.StatusConflict, map[string]string{"error": err.Error()})
		}
		return
	}
	http.Redirect(w, r, "/#"+anchor(phone.number), http.StatusSeeOther)
}

// network sets the behaviour that the page's form offers.
func (p *Phone) network(form url.Values) error {
	b := Behaviour{Call: CallBehaviour(form.Get("calls"))}
	kind, value, _ := strings.Cut(form.Get("messages"), " ")
	code, err := strconv.Atoi(orDefault(value, "0"))
	if err != nil {
		return fmt.Errorf("reading the behaviour of a telephone: %w", err)
	}
	switch kind {
	case "undelivered":
		b.Undelivered = code
	case "failed":
		b.Failed = code
	case "refused":
		b.Refuse = code
	case "lost":
		b.Lost = true
	}
	p.Set(b)
	p.OptOut(form.Get("blocked") == "yes")
	return nil
}

// injectByForm is the page's form of faults.
func (s *Sim) injectByForm(w http.ResponseWriter, r *http.Request) {
	next, err := strconv.Atoi(orDefault(r.PostFormValue("next"), "0"))
	if err != nil {
		http.Error(w, "how many?", http.StatusBadRequest)
		return
	}
	for _, p := range presets() {
		if p.Name == r.PostFormValue("fault") {
			p.Fault.Next = max(next, 0)
			s.Inject(p.Fault)
		}
	}
	switch r.PostFormValue("fault") {
	case "duplicate":
		s.SetCallbackFaults(CallbackFaults{Duplicate: 1})
	case "reorder":
		s.SetCallbackFaults(CallbackFaults{Reorder: 1})
	case "lose":
		s.SetCallbackFaults(CallbackFaults{Lose: 1})
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (s *Sim) healByForm(w http.ResponseWriter, r *http.Request) {
	s.Heal()
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
