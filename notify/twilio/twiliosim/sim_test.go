package twiliosim

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const (
	ana = "+4915112345678"
	our = "+15005550006"
	app = "https://pager.example.com"
)

// application is the program that the simulated Twilio talks to: it keeps what was posted and answers as told.
type application struct {
	mu     sync.Mutex
	posted []posted
	answer map[string]http.HandlerFunc // by path; nothing: 204
}

type posted struct {
	path      string
	form      url.Values
	signature string
	token     string
	rawURL    string
}

func (a *application) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	a.mu.Lock()
	a.posted = append(a.posted, posted{
		path: r.URL.Path, form: form, signature: r.Header.Get("X-Twilio-Signature"),
		token: r.Header.Get("I-Twilio-Idempotency-Token"), rawURL: app + r.URL.RequestURI(),
	})
	answer := a.answer[r.URL.Path]
	a.mu.Unlock()
	if answer == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	r.Form = form
	answer(w, r)
}

func (a *application) at(path string) []posted {
	a.mu.Lock()
	defer a.mu.Unlock()
	var found []posted
	for _, p := range a.posted {
		if p.path == path {
			found = append(found, p)
		}
	}
	return found
}

// states are the values of a field over the posts to a path.
func (a *application) states(path, field string) string {
	var states []string
	for _, p := range a.at(path) {
		states = append(states, p.form.Get(field))
	}
	return strings.Join(states, " ")
}

func twiml(document string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		_, _ = io.WriteString(w, document)
	}
}

// world is a simulator, an application and a client of the API in virtual time.
type world struct {
	*testing.T
	sim *Sim
	app *application
	api *http.Client
	ctx context.Context
}

func inWorld(t *testing.T, opt Options, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a := &application{answer: map[string]http.HandlerFunc{}}
		opt.Client = &http.Client{Transport: InProcess(a), Timeout: webhookTimeout}
		if opt.SMSURL == "" {
			opt.SMSURL = app + "/sms"
		}
		sim := New(opt)
		defer sim.Close()
		test(&world{T: t, sim: sim, app: a, api: &http.Client{Transport: InProcess(sim.Handler())}, ctx: t.Context()})
	})
}

// do makes an API request and returns status and JSON.
func (w *world) do(method, resource string, form url.Values) (int, map[string]any) {
	w.Helper()
	res := w.raw(method, resource, form)
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(body, &v); err != nil {
		w.Fatalf("%s %s answered %d %q", method, resource, res.StatusCode, body)
	}
	return res.StatusCode, v
}

func (w *world) request(method, resource string, form url.Values) *http.Request {
	w.Helper()
	r, err := http.NewRequestWithContext(w.ctx, method, "https://api.twilio.com/2010-04-01/Accounts/"+DefaultAccountSID+"/"+resource, strings.NewReader(form.Encode()))
	if err != nil {
		w.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.SetBasicAuth(DefaultAccountSID, DefaultAuthToken)
	return r
}

func (w *world) raw(method, resource string, form url.Values) *http.Response {
	w.Helper()
	res, err := w.api.Do(w.request(method, resource, form))
	if err != nil {
		w.Fatal(err)
	}
	return res
}

// text sends an SMS and returns its SID.
func (w *world) text(body string, more ...string) string {
	w.Helper()
	status, v := w.do("POST", "Messages.json", params(append([]string{"To", ana, "From", our, "Body", body, "StatusCallback", app + "/status"}, more...)...))
	if status != http.StatusCreated {
		w.Fatalf("SMS refused: %v", v)
	}
	return v["sid"].(string)
}

// call places a call and returns its SID.
func (w *world) call(more ...string) string {
	w.Helper()
	status, v := w.do("POST", "Calls.json", params(append([]string{
		"To", ana, "From", our, "Url", app + "/voice?d=1", "StatusCallback", app + "/callstatus", "Timeout", "25",
		"StatusCallbackEvent", "initiated", "StatusCallbackEvent", "ringing", "StatusCallbackEvent", "answered", "StatusCallbackEvent", "completed",
	}, more...)...))
	if status != http.StatusCreated {
		w.Fatalf("call refused: %v", v)
	}
	return v["sid"].(string)
}

func (w *world) ringing() Call {
	w.Helper()
	c, err := w.sim.Phone(ana).WaitCall(w.ctx)
	if err != nil {
		w.Fatal(err)
	}
	return c
}

func (w *world) ended(sid string) Call {
	w.Helper()
	c, err := w.sim.Phone(ana).WaitCallUntil(w.ctx, sid, Call.Ended)
	if err != nil {
		w.Fatal(err)
	}
	synctest.Wait()
	return c
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func params(pairs ...string) url.Values {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return form
}

// pass lets virtual time pass, until everything that happens in it has happened.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}
