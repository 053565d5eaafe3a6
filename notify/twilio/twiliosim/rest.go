package twiliosim

import (
	"crypto/subtle"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxRequest bounds the form of an API request: far above the largest legal one.
const maxRequest = 64 << 10

// errorPage is what a load balancer answers instead of the API.
const errorPage = "<html><head><title>%d</title></head><body><center><h1>%d %s</h1></center></body></html>\n"

// request is one API request on its way through the simulator.
type request struct {
	at    time.Time
	kind  string // of the log
	sid   string // in the path
	form  url.Values
	query url.Values
	entry Entry
}

// effect is what a request came to.
type effect struct {
	status int
	body   any
	early  <-chan struct{} // wait for this before answering
}

// Handler is the REST API: /2010-04-01/Accounts/{sid}/Messages.json, Messages/{sid}.json, Calls.json, Calls/{sid}.json.
func (s *Sim) Handler() http.Handler {
	mux := http.NewServeMux()
	const account = "/2010-04-01/Accounts/{account}/"
	mux.HandleFunc("POST "+account+"Messages.json", s.operation(LogSMS, s.createMessage))
	mux.HandleFunc("GET "+account+"Messages.json", s.operation(LogRead, s.listMessages))
	mux.HandleFunc("GET "+account+"Messages/{sid}", s.operation(LogRead, s.fetchMessage))
	mux.HandleFunc("POST "+account+"Calls.json", s.operation(LogCall, s.createCall))
	mux.HandleFunc("GET "+account+"Calls.json", s.operation(LogRead, s.listCalls))
	mux.HandleFunc("GET "+account+"Calls/{sid}", s.operation(LogRead, s.fetchCall))
	mux.HandleFunc("POST "+account+"Calls/{sid}", s.operation(LogUpdate, s.updateCall))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		e := notFound(r.URL.Path)
		writeJSON(w, e.Status, e)
	})
	return mux
}

// operation wraps one operation of the API: log, authentication, form, faults.
func (s *Sim) operation(kind string, run func(*request) (effect, *apiError)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		req := &request{at: s.clock.Now(), kind: kind, query: r.URL.Query()}
		req.sid = strings.TrimSuffix(r.PathValue("sid"), ".json")
		var refused *apiError
		if req.form, refused = readForm(w, r); req.form == nil {
			req.form = url.Values{}
		}
		req.entry = Entry{At: req.at, Kind: kind, SID: req.sid, To: req.form.Get("To"), From: req.form.Get("From"), Body: req.form.Get("Body")}
		if kind == LogRead {
			req.entry.To = req.query.Get("To")
		}
		if refused == nil {
			refused = s.authenticate(r)
		}
		fault := s.fault(kind, req.entry.To)
		var done effect
		if refused == nil && fault.takesEffect() {
			done, refused = run(req)
		}
		s.answer(w, r, req, fault, done, refused)
	}
}

// answer writes what the operation came to, or what the fault makes of it, and logs it before it does.
func (s *Sim) answer(w http.ResponseWriter, r *http.Request, req *request, fault Fault, done effect, refused *apiError) {
	e := req.entry
	e.Fault = fault.Kind
	e.Accepted = refused == nil && done.status != 0
	switch fault.Kind {
	case FailStatus:
		e.Status, e.Code = fault.status(), fault.code()
	case FailDrop, FailRefuse, FailHang:
		e.Detail = "no answer"
	case FailGarbage:
		e.Status, e.Detail = http.StatusCreated, "garbage"
	default:
		e.Status = done.status
		if refused != nil {
			e.Status, e.Code, e.Detail = refused.Status, refused.Code, refused.Message
		}
	}
	s.mu.Lock()
	s.record(e)
	s.mu.Unlock()

	switch fault.Kind {
	case FailStatus:
		fault.write(w)
		return
	case FailDrop, FailRefuse:
		panic(http.ErrAbortHandler)
	case FailHang:
		s.hang(r, fault.Delay)
		panic(http.ErrAbortHandler)
	case FailDelay:
		s.hang(r, fault.Delay)
	case FailGarbage:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, "{\"sid\": \x00\xff<<garbage>>") // a client that is gone is not told
		return
	}
	if refused != nil {
		writeJSON(w, refused.Status, refused)
		return
	}
	if done.early != nil {
		select {
		case <-done.early:
		case <-r.Context().Done():
		case <-s.ctx.Done():
		}
	}
	writeJSON(w, done.status, done.body)
}

// hang waits for d, or without one until the client or the simulator ends.
func (s *Sim) hang(r *http.Request, d time.Duration) {
	var over <-chan time.Time
	if d > 0 {
		c, stop := s.clock.Timer(d)
		defer stop()
		over = c
	}
	select {
	case <-over:
	case <-r.Context().Done():
	case <-s.ctx.Done():
	}
}

func readForm(w http.ResponseWriter, r *http.Request) (url.Values, *apiError) {
	if r.Method != http.MethodPost {
		return nil, nil
	}
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "application/x-www-form-urlencoded") {
		return nil, newAPIError(http.StatusUnsupportedMediaType, codeInvalidParameter, "Content-Type must be application/x-www-form-urlencoded")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		return nil, newAPIError(http.StatusRequestEntityTooLarge, codeInvalidParameter, "The request is too large")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, refuse(codeInvalidParameter, "The form cannot be parsed")
	}
	return form, nil
}

func (s *Sim) authenticate(r *http.Request) *apiError {
	denied := newAPIError(http.StatusUnauthorized, codeAuthenticate, "Authenticate")
	user, password, ok := r.BasicAuth()
	secret, known := s.opt.APIKeys[user]
	if user == s.opt.AccountSID {
		secret, known = s.opt.AuthToken, true
	}
	if !ok || !known || subtle.ConstantTimeCompare([]byte(password), []byte(secret)) != 1 {
		return denied
	}
	if r.PathValue("account") != s.opt.AccountSID {
		return denied
	}
	if sid := r.PathValue("sid"); sid != "" && !strings.HasSuffix(sid, ".json") {
		return notFound(r.URL.Path)
	}
	return nil
}

func notFound(path string) *apiError {
	return newAPIError(http.StatusNotFound, codeNotFound, "The requested resource "+path+" was not found")
}

// refusedNumber checks the receiver of a message or call. The caller holds mu.
func (s *Sim) refusedNumber(to string) *apiError {
	if !e164.MatchString(to) {
		return refuse(codeInvalidTo, "The 'To' number %s is not a valid phone number.", to)
	}
	if code := s.handset(to).behaviour.Refuse; code != 0 {
		return refuse(code, "%s: %s", sentence(code), to)
	}
	return nil
}

// owns reports whether the account may send from this number.
func (s *Sim) owns(number string) bool {
	if len(s.opt.Numbers) == 0 {
		return e164.MatchString(number)
	}
	for _, own := range s.opt.Numbers {
		if own == number {
			return true
		}
	}
	return false
}

// ownNumber is the account's default sender.
func (s *Sim) ownNumber() string {
	if len(s.opt.Numbers) == 0 {
		return DefaultNumber
	}
	return s.opt.Numbers[0]
}

// date is an instant in the API's format, RFC 2822, and null for none.
func date(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := t.UTC().Format(time.RFC1123Z)
	return &text
}

// page cuts the part that Page and PageSize ask for out of n items, 50 at a time by default as at Twilio.
func page(query url.Values, n int) (number, size, from, to int) {
	number, _ = strconv.Atoi(query.Get("Page")) // checked to be an integer; empty is 0
	size, _ = strconv.Atoi(query.Get("PageSize"))
	if size <= 0 {
		size = 50
	}
	size, number = min(size, 1000), max(number, 0)
	from = min(number*size, n)
	return number, size, from, min(from+size, n)
}

// listing is the paged answer of a list.
func (s *Sim) listing(kind, resource string, query url.Values, items []any) effect {
	number, size, from, to := page(query, len(items))
	path := "/" + apiVersion + "/Accounts/" + s.opt.AccountSID + "/" + resource + ".json"
	link := func(page int) string {
		q := url.Values{}
		for k, v := range query {
			q[k] = v
		}
		q.Set("Page", itoa(page))
		q.Set("PageSize", itoa(size))
		return path + "?" + q.Encode()
	}
	var next, previous *string
	if to < len(items) {
		l := link(number + 1)
		next = &l
	}
	if number > 0 {
		l := link(number - 1)
		previous = &l
	}
	return effect{status: http.StatusOK, body: map[string]any{
		kind: items[from:to], "page": number, "page_size": size, "start": from, "end": max(from, to-1),
		"uri": link(number), "first_page_uri": link(0), "next_page_uri": next, "previous_page_uri": previous,
	}}
}
