package twiliosim

import (
	"context"
	"encoding/json"
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// browse makes a request of the page as a browser would.
func (w *world) browse(method, path string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	w.Helper()
	r := httptest.NewRequestWithContext(w.ctx, method, "http://localhost"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	w.sim.Web().ServeHTTP(rec, r)
	return rec
}

func (w *world) shows(path string, texts ...string) string {
	w.Helper()
	rec := w.browse("GET", path, nil)
	if rec.Code != 200 {
		w.Fatalf("%s: %d %s", path, rec.Code, rec.Body)
	}
	for _, text := range texts {
		if !strings.Contains(rec.Body.String(), text) {
			w.Errorf("%s does not show %q:\n%s", path, text, rec.Body)
		}
	}
	return rec.Body.String()
}

func TestThePageShowsPeopleMessagesAndActions(t *testing.T) {
	menuWorld(t, Options{
		Title: "Demo phones", People: map[string]string{ana: "Ana", our: "Émile"},
		Actions: []Action{{Title: "Fire SEV-1", Detail: "everybody", Path: "/fire/1"}},
		Links:   []Link{{Title: "pagerd", Href: "/pagerd"}},
		Panel:   func() template.HTML { return "<b id=x>panel</b>" },
	}, func(w *world) {
		w.shows("/", "Demo phones", "Ana", "Émile", ">É<", "all quiet", `action="/fire/1"`, "everybody", `href="/pagerd"`, "<b id=x>panel</b>", "The provider works.")
		w.text("SEV1 api: <script>alert(1)</script> #1042")
		synctest.Wait()
		page := w.shows("/", `<span class="sev s1">SEV-1</span>`, "api: &lt;script&gt;alert(1)&lt;/script&gt; #1042")
		if strings.Contains(page, "<script>alert") {
			w.Error("a message is markup")
		}
		if header := w.browse("GET", "/", nil).Header().Get("Content-Security-Policy"); !strings.HasPrefix(header, "default-src 'none'") || strings.Contains(header, "unsafe") {
			w.Errorf("policy %q", header)
		}
		w.shows("/page.css", "prefers-color-scheme: dark")
		w.shows("/page.js", "EventSource")
	})
}

func TestACallIsAnsweredAndADigitPressedOnThePage(t *testing.T) {
	menuWorld(t, Options{}, func(w *world) {
		sid := w.call()
		synctest.Wait()
		w.shows("/phones", "Incoming call", "Answer", sid)
		button := func(act string, form url.Values) {
			w.Helper()
			rec := w.browse("POST", "/phone/"+ana+"/"+act, form)
			if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/#p4915112345678" {
				w.Errorf("%s: %d %s", act, rec.Code, rec.Header())
			}
			synctest.Wait()
		}
		button("answer", params("call", sid))
		w.shows("/phones", "On the line", "SEV 1. API Gateway.", `value="4"`)
		button("press", params("call", sid, "digits", "4"))
		w.shows("/phones", "pressed 4")
		if c := w.ended(sid); c.Digits != "4" {
			w.Errorf("have %+v", c)
		}
		button("hangup", params("call", sid)) // too late: the page just shows how things are
		if rec := w.browse("POST", "/phone/"+ana+"/hangup", params("call", sid), "Accept", "application/json"); rec.Code != http.StatusConflict {
			w.Errorf("a program is told: %d", rec.Code)
		}
		if rec := w.browse("POST", "/phone/"+ana+"/hangup", params("call", "CA0"), "Accept", "application/json"); rec.Code != http.StatusNotFound {
			w.Errorf("a program is told: %d", rec.Code)
		}
	})
}

func TestAKeyThatNobodyListensToIsGivenUp(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.app.answer["/voice"] = twiml(`<Response><Pause length="60"/></Response>`)
		w.sim.Phone(ana).Set(Behaviour{Call: PicksUp})
		sid := w.call()
		synctest.Wait()
		start := time.Now()
		rec := w.browse("POST", "/phone/"+ana+"/press", params("call", sid, "digits", "4"), "Accept", "application/json")
		if rec.Code != http.StatusConflict || time.Since(start) != pressWait {
			w.Errorf("%d after %v", rec.Code, time.Since(start))
		}
	})
}

func TestAReplyIsWrittenOnThePage(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.app.answer["/sms"] = twiml("<Response><Message>Acknowledged</Message></Response>")
		rec := w.browse("POST", "/phone/"+ana+"/reply", params("text", "4"), "Accept", "application/json")
		var answer Answer
		if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil || answer.Text() != "Acknowledged" {
			w.Errorf("have %s %v", rec.Body, err)
		}
		w.shows("/", "Acknowledged", `class="mine"`)
		for path, code := range map[string]int{"/phone/x/reply": 404, "/phone/" + ana + "/dance": 404} {
			if rec := w.browse("POST", path, params("text", "4")); rec.Code != code {
				w.Errorf("%s: %d", path, rec.Code)
			}
		}
	})
}

func TestOtherOriginsCannotPressButtons(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		for _, path := range []string{"/phone/" + ana + "/reply", "/control", "/heal", "/fault"} {
			if rec := w.browse("POST", path, params("text", "4"), "Sec-Fetch-Site", "cross-site"); rec.Code != http.StatusForbidden {
				w.Errorf("%s: %d", path, rec.Code)
			}
		}
	})
}

func TestTheProviderIsBrokenAndRepairedOnThePage(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		for _, p := range presets() {
			w.browse("POST", "/fault", params("fault", p.Name, "next", "1"))
		}
		for _, name := range []string{"duplicate", "reorder", "lose"} {
			w.browse("POST", "/fault", params("fault", name))
		}
		w.shows("/", "The provider is broken", "500, the next 1", "429, the next 1", "callbacks lost")
		if have := len(w.sim.Faults()); have != len(presets()) {
			w.Errorf("%d faults", have)
		}
		w.browse("POST", "/heal", nil)
		w.shows("/", "The provider works.")
	})
}

func TestATelephonesNetworkIsSetOnThePage(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		phone := w.sim.Phone(ana)
		for messages, want := range map[string]Behaviour{
			"undelivered 30003": {Call: AlwaysBusy, Undelivered: 30003},
			"failed 30001":      {Call: AlwaysBusy, Failed: 30001},
			"refused 21614":     {Call: AlwaysBusy, Refuse: 21614},
			"lost":              {Call: AlwaysBusy, Lost: true},
			"":                  {Call: AlwaysBusy},
		} {
			w.browse("POST", "/phone/"+ana+"/network", params("calls", "busy", "messages", messages, "blocked", "yes"))
			if phone.Behaviour() != want || !phone.OptedOut() {
				w.Errorf("%s: %+v", messages, phone.Behaviour())
			}
			w.shows("/", "texted STOP, busy", `value="`+messages+`" selected`)
		}
	})
}

func TestTheControlDoesWhatItIsTold(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		control := func(body string) *httptest.ResponseRecorder {
			r := httptest.NewRequestWithContext(w.ctx, "POST", "http://localhost/control", strings.NewReader(body))
			rec := httptest.NewRecorder()
			w.sim.Web().ServeHTTP(rec, r)
			return rec
		}
		rec := control(`{"inject":{"kind":"status","status":429,"retry_after_ns":60000000000,"every":2},"callbacks":{"duplicate":0.5},
			"phone":"` + ana + `","behaviour":{"call":"voicemail","undelivered":30003},"opt_out":true,"sms_url":"http://x/sms"}`)
		if rec.Code != 200 || strings.TrimSpace(rec.Body.String()) != `{"fault":1}` {
			w.Errorf("have %d %s", rec.Code, rec.Body)
		}
		if f := w.sim.Faults(); len(f) != 1 || f[0].RetryAfter != time.Minute || f[0].Every != 2 {
			w.Errorf("have %+v", f)
		}
		if p := w.sim.Phone(ana); p.Behaviour() != (Behaviour{Call: VoicemailAnswers, Undelivered: 30003}) || !p.OptedOut() {
			w.Errorf("have %+v", p.Behaviour())
		}
		control(`{"remove":1}`)
		control(`{"heal":true}`)
		if len(w.sim.Faults()) != 0 {
			w.Error("not healed")
		}
		for _, bad := range []string{`{"injekt":{}}`, `{"inject":{"kind":"explode"}}`, `{"behaviour":{}}`, `[`} {
			if rec := control(bad); rec.Code != http.StatusBadRequest {
				w.Errorf("%s: %d", bad, rec.Code)
			}
		}
	})
}

func TestTheLogAndTheStateAreReadable(t *testing.T) {
	inWorld(t, Options{People: map[string]string{ana: "Ana"}}, func(w *world) {
		w.text("hello")
		synctest.Wait()
		lines := strings.Split(strings.TrimSpace(w.shows("/log", `"kind":"sms"`, `"kind":"arrived"`, `"state":"delivered"`)), "\n")
		if len(lines) != len(w.sim.Log()) {
			w.Errorf("%d lines", len(lines))
		}
		var state State
		if err := json.Unmarshal([]byte(w.shows("/state")), &state); err != nil || len(state.Messages) != 1 || state.Phones[0].Name != "Ana" {
			w.Errorf("have %+v %v", state, err)
		}
	})
}

func TestOtherPathsAreTheOwners(t *testing.T) {
	fired := false
	extra := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { fired = r.URL.Path == "/fire/1" })
	inWorld(t, Options{Extra: extra}, func(w *world) {
		if w.browse("POST", "/fire/1", nil); !fired {
			w.Error("the owner's handler was not asked")
		}
	})
	inWorld(t, Options{}, func(w *world) {
		if rec := w.browse("GET", "/nowhere", nil); rec.Code != 404 {
			w.Errorf("have %d", rec.Code)
		}
	})
}

func TestChangesAreStreamedUntilTheReaderOrTheSimulatorEnds(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		ctx, cancel := context.WithCancel(w.ctx)
		first, second := httptest.NewRecorder(), httptest.NewRecorder()
		ended := make(chan struct{}, 2)
		stream := func(ctx context.Context, rec *httptest.ResponseRecorder) {
			w.sim.Web().ServeHTTP(rec, httptest.NewRequestWithContext(ctx, "GET", "http://localhost/events", nil))
			ended <- struct{}{}
		}
		go stream(ctx, first)
		go stream(w.ctx, second)
		pass(time.Minute)
		w.text("hello")
		pass(time.Minute)
		cancel()
		<-ended
		w.sim.Close()
		<-ended
		for _, rec := range []*httptest.ResponseRecorder{first, second} {
			if have := strings.Count(rec.Body.String(), "event: changed\n"); have != 2 {
				w.Errorf("%d events: %q", have, rec.Body)
			}
		}
	})
}

func TestManyTelephonesAreCutToAPage(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		for i := range 60 {
			w.do("POST", "Messages.json", params("To", "+49151123456"+itoa(10+i), "From", our, "Body", "hello"))
		}
		synctest.Wait()
		w.shows("/", "and 12 more telephones")
	})
}
