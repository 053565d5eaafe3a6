package twiliosim

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// menu is a page read aloud twice with its answers, as a pager speaks.
const menu = `<Response><Gather input="dtmf" numDigits="1" timeout="8" actionOnEmptyResult="true" action="/digit?d=1">
<Say>SEV 1. API Gateway.</Say><Pause length="1"/><Say>Press 4 to acknowledge.</Say></Gather></Response>`

func menuWorld(t *testing.T, opt Options, test func(w *world)) {
	t.Helper()
	inWorld(t, opt, func(w *world) {
		w.app.answer["/voice"] = twiml(menu)
		w.app.answer["/digit"] = func(rw http.ResponseWriter, r *http.Request) {
			if d := r.Form.Get("Digits"); d != "" {
				twiml("<Response><Say>You pressed "+d+".</Say><Hangup/></Response>")(rw, r)
				return
			}
			twiml("<Response><Say>Nothing pressed.</Say></Response>")(rw, r)
		}
		test(w)
	})
}

func TestAPersonAnswersHearsThePageAndPressesFour(t *testing.T) {
	menuWorld(t, Options{Pace: Pace{Dial: time.Second, Ring: time.Second, Character: 50 * time.Millisecond}}, func(w *world) {
		sid := w.call()
		c := w.ringing()
		if c.SID != sid || !c.Ringing() {
			w.Errorf("rings: %+v", c)
		}
		w.must(w.sim.Phone(ana).Answer(sid))
		w.must(w.sim.Phone(ana).Press(w.ctx, sid, "4"))
		c = w.ended(sid)
		if c.Status != callCompleted || c.Digits != "4" || !c.Heard("You pressed 4.") || c.Heard("Press 4 to acknowledge.") {
			w.Errorf("the digit did not cut the speaking short: %+v", c)
		}
		if have := w.app.states("/callstatus", "CallStatus"); have != "initiated ringing in-progress completed" {
			w.Errorf("callbacks: %s", have)
		}
		if have := w.app.states("/callstatus", "SequenceNumber"); have != "0 1 2 3" {
			w.Errorf("numbers: %s", have)
		}
		for _, p := range append(w.app.at("/callstatus"), w.app.at("/voice")[0], w.app.at("/digit")[0]) {
			if p.form.Get("CallSid") != sid || p.form.Get("To") != ana || p.form.Get("AccountSid") != DefaultAccountSID ||
				p.signature != Sign(DefaultAuthToken, p.rawURL, p.form) {
				w.Errorf("%s: %v", p.path, p.form)
			}
		}
		last := w.app.at("/callstatus")[3].form
		if _, err := time.Parse(time.RFC1123Z, last.Get("Timestamp")); err != nil || last.Get("CallbackSource") != "call-progress-events" || last.Get("CallDuration") == "" {
			w.Errorf("last callback: %v", last)
		}
		digit := w.app.at("/digit")[0].form
		if digit.Get("Digits") != "4" || digit.Get("msg") != "Gather End" || digit.Get("CallStatus") != callInProgress || digit.Get("AnsweredBy") != "" {
			w.Errorf("digit: %v", digit)
		}
	})
}

func TestASilentPersonIsAskedToTheEndOfTheTimeout(t *testing.T) {
	menuWorld(t, Options{}, func(w *world) {
		sid := w.call()
		w.ringing()
		start := time.Now()
		w.must(w.sim.Phone(ana).Answer(sid))
		c := w.ended(sid)
		if !c.Heard("Press 4 to acknowledge. Nothing pressed.") || c.EndedAt.Sub(start) != 9*time.Second {
			w.Errorf("after %v: %+v", c.EndedAt.Sub(start), c)
		}
	})
}

func TestHowACallEnds(t *testing.T) {
	for _, c := range []struct {
		name      string
		behaviour CallBehaviour
		person    func(p *Phone, sid string) error
		status    string
		events    string
		after     time.Duration
	}{
		{"nobody answers", RingsUntilAnswered, nil, callNoAnswer, "initiated ringing no-answer", 25 * time.Second},
		{"ignored", RingsUntilAnswered, (*Phone).Ignore, callNoAnswer, "initiated ringing no-answer", 25 * time.Second},
		{"declined", RingsUntilAnswered, (*Phone).Decline, callBusy, "initiated ringing busy", 0},
		{"busy", AlwaysBusy, nil, callBusy, "initiated busy", 0},
		{"never answers", NeverAnswers, (*Phone).Answer, callNoAnswer, "initiated ringing no-answer", 25 * time.Second},
		{"switched off", SwitchedOff, nil, callFailed, "initiated failed", 0},
		{"voicemail", VoicemailAnswers, nil, callCompleted, "initiated ringing in-progress completed", 9 * time.Second},
		{"voicemail by hand", RingsUntilAnswered, (*Phone).LetVoicemailAnswer, callCompleted, "initiated ringing in-progress completed", 9 * time.Second},
		{"picks up", PicksUp, nil, callCompleted, "initiated ringing in-progress completed", 9 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			menuWorld(t, Options{}, func(w *world) {
				w.sim.Phone(ana).Set(Behaviour{Call: c.behaviour})
				start := time.Now()
				sid := w.call()
				if c.person != nil {
					w.ringing()
					err := c.person(w.sim.Phone(ana), sid)
					if c.behaviour == NeverAnswers {
						if !errors.Is(err, ErrNotRinging) {
							w.Errorf("have %v", err)
						}
					} else {
						w.must(err)
					}
				}
				call := w.ended(sid)
				if call.Status != c.status || call.EndedAt.Sub(start) != c.after {
					w.Errorf("have %s after %v", call.Status, call.EndedAt.Sub(start))
				}
				if have := w.app.states("/callstatus", "CallStatus"); have != c.events {
					w.Errorf("callbacks: %s, want %s", have, c.events)
				}
				if _, v := w.do("GET", "Calls/"+sid+".json", nil); v["status"] != c.status {
					w.Errorf("API says %v", v["status"])
				}
			})
		})
	}
}

func TestOnlyTheEventsAskedForAreTold(t *testing.T) {
	menuWorld(t, Options{}, func(w *world) {
		w.sim.Phone(ana).Set(Behaviour{Call: AlwaysBusy})
		form := params("To", ana, "From", our, "Url", app+"/voice", "StatusCallback", app+"/callstatus")
		w.do("POST", "Calls.json", form)
		form.Add("StatusCallbackEvent", "ringing")
		w.do("POST", "Calls.json", form)
		pass(time.Second)
		if have := w.app.states("/callstatus", "CallStatus"); have != "busy" {
			w.Errorf("callbacks: %s", have)
		}
	})
}

func TestMachineDetectionSaysWhatAnswered(t *testing.T) {
	for _, c := range []struct {
		name, detection string
		behaviour       Behaviour
		want            string
	}{
		{"not asked", "", Behaviour{Call: VoicemailAnswers}, ""},
		{"machine", "Enable", Behaviour{Call: VoicemailAnswers}, "machine_start"},
		{"machine with beep", "DetectMessageEnd", Behaviour{Call: VoicemailAnswers}, "machine_end_beep"},
		{"human", "Enable", Behaviour{Call: PicksUp}, "human"},
		{"mistaken", "Enable", Behaviour{Call: VoicemailAnswers, AnsweredBy: "human"}, "human"},
	} {
		t.Run(c.name, func(t *testing.T) {
			menuWorld(t, Options{Pace: Pace{Detect: 4 * time.Second}}, func(w *world) {
				w.sim.Phone(ana).Set(c.behaviour)
				var more []string
				if c.detection != "" {
					more = []string{"MachineDetection", c.detection}
				}
				call := w.ended(w.call(more...))
				if have := w.app.at("/voice")[0].form.Get("AnsweredBy"); have != c.want || call.AnsweredBy != c.want {
					w.Errorf("have %q and %q, want %q", have, call.AnsweredBy, c.want)
				}
				if call.Machine != (c.behaviour.Call == VoicemailAnswers) {
					w.Errorf("machine: %v", call.Machine)
				}
			})
		})
	}
}

func TestAsynchronousMachineDetectionCallsBack(t *testing.T) {
	menuWorld(t, Options{Pace: Pace{Detect: 4 * time.Second}}, func(w *world) {
		w.sim.Phone(ana).Set(Behaviour{Call: VoicemailAnswers})
		sid := w.call("MachineDetection", "Enable", "AsyncAmd", "true", "AsyncAmdStatusCallback", app+"/amd")
		w.ended(sid)
		if w.app.at("/voice")[0].form.Has("AnsweredBy") {
			w.Error("the document was fetched with a verdict")
		}
		if have := w.app.states("/amd", "AnsweredBy"); have != "machine_start" {
			w.Errorf("have %q", have)
		}
	})
}

func TestTheAPIEndsAndRedirectsCalls(t *testing.T) {
	menuWorld(t, Options{}, func(w *world) {
		w.app.answer["/other"] = twiml("<Response><Say>Bo has it.</Say></Response>")
		update := func(sid string, more ...string) (int, any) {
			status, v := w.do("POST", "Calls/"+sid+".json", params(more...))
			return status, v["code"]
		}
		ringing := w.call()
		w.ringing()
		if status, code := update(ringing, "Twiml", "<Response/>"); status != 400 || code != 21220.0 {
			w.Errorf("redirect of a ringing call: %d %v", status, code)
		}
		update(ringing, "Status", "canceled")
		if c := w.ended(ringing); c.Status != callCanceled {
			w.Errorf("have %s", c.Status)
		}
		live := w.call()
		w.ringing()
		w.must(w.sim.Phone(ana).Answer(live))
		synctest.Wait()
		if status, code := update(live, "Url", app+"/other"); status != 200 {
			w.Errorf("redirect of a live call: %d %v", status, code)
		}
		if c := w.ended(live); !c.Heard("Bo has it.") || c.Heard("Nothing pressed.") {
			w.Errorf("have %v", c.Spoken)
		}
		live = w.call()
		w.ringing()
		w.must(w.sim.Phone(ana).Answer(live))
		synctest.Wait()
		update(live, "Status", "completed")
		if c := w.ended(live); c.Status != callCompleted || c.Heard("Nothing pressed.") {
			w.Errorf("have %+v", c)
		}
		if status, code := update(live, "Status", "completed"); status != 400 || code != 21220.0 {
			w.Errorf("an ended call: %d %v", status, code)
		}
	})
}

func TestADigitPressedJustBeforeHangingUpStillCounts(t *testing.T) {
	menuWorld(t, Options{}, func(w *world) {
		release := make(chan struct{})
		w.app.answer["/digit"] = func(rw http.ResponseWriter, _ *http.Request) { <-release }
		sid := w.call()
		w.ringing()
		phone := w.sim.Phone(ana)
		w.must(phone.Answer(sid))
		w.must(phone.Press(w.ctx, sid, "4"))
		w.must(phone.HangUp(sid))
		c := w.ended(sid)
		close(release)
		if c.Digits != "4" || len(w.app.at("/digit")) != 1 || c.Heard("apolog") {
			w.Errorf("have %+v", c)
		}
	})
}

func TestDigitsThatNobodyListensToAreLost(t *testing.T) {
	inWorld(t, Options{Pace: Pace{Character: time.Second}}, func(w *world) {
		w.app.answer["/voice"] = twiml(`<Response><Say>Wait.</Say><Gather numDigits="2" timeout="3" action="/digit"><Say>Go.</Say></Gather><Say>Bye</Say></Response>`)
		w.app.answer["/digit"] = twiml(`<Response/>`)
		sid := w.call()
		w.ringing()
		phone := w.sim.Phone(ana)
		w.must(phone.Answer(sid))
		synctest.Wait()
		w.must(phone.PressAtOnce(sid, "9"))
		w.must(phone.Press(w.ctx, sid, "12"))
		if c := w.ended(sid); c.Digits != "12" || w.app.states("/digit", "Digits") != "12" {
			w.Errorf("have %q and %q", c.Digits, w.app.states("/digit", "Digits"))
		}
		if err := phone.Press(w.ctx, sid, "1"); !errors.Is(err, ErrNotLive) {
			w.Errorf("have %v", err)
		}
		if err := phone.Press(w.ctx, sid, "x"); err == nil {
			w.Error("x is no key")
		}
		if err := w.sim.Phone("+4917012345678").Answer(sid); !errors.Is(err, ErrNoCall) {
			w.Errorf("have %v", err)
		}
	})
}

func TestWhatADocumentDoes(t *testing.T) {
	for _, c := range []struct {
		name, document string
		spoken         string // joined by |
		problem        string // begins an entry of Errors
		lasts          time.Duration
	}{
		{"says it twice", `<Response><Say loop="2">Hello  &amp;
 <say-as interpret-as="digits">42</say-as></Say></Response>`, "Hello & 42|Hello & 42", "", 0},
		{"pauses", `<Response><Pause length="3"/><Pause/><Say>Hi</Say></Response>`, "Hi", "", 4 * time.Second},
		{"hangs up", `<Response><Hangup/><Say>Hi</Say></Response>`, "", "", 0},
		{"rejects", `<Response><Reject reason="busy"/><Say>Hi</Say></Response>`, "", "", 0},
		{"redirects", `<Response><Redirect>/second?a=1&amp;b=2</Redirect><Say>Hi</Say></Response>`, "second", "", 0},
		{"gathers nothing and goes on", `<Response><Gather action="/second" timeout="2"><Say>Press</Say></Gather><Say>Hi</Say></Response>`, "Press|Hi", "", 2 * time.Second},
		{"tells that nothing was gathered", `<Response><Gather action="/second" timeout="2" actionOnEmptyResult="true"/><Say>Hi</Say></Response>`, "second", "", 2 * time.Second},
		{"dials", `<Response><Dial>+1900</Dial></Response>`, apology, "12200 unknown verb <Dial>", 0},
		{"says markup it must not", `<Response><Say>Hi<Play>x</Play></Say></Response>`, apology, "12200 unknown noun <Play>", 0},
		{"listens to speech", `<Response><Gather input="speech" action="/second"/></Response>`, apology, "12200 input", 0},
		{"misspells an attribute", `<Response><Gather numDigit="1" timeout="1" action="/second"/></Response>`, "", "12200 unknown attribute numDigit", time.Second},
		{"is broken", `<Response><Say>Hi</Response>`, apology, "12100", 0},
		{"is empty", ``, apology, "12100", 0},
		{"is something else", `<html/>`, apology, "12100", 0},
		{"goes round in circles", `<Response><Redirect/></Response>`, apology, "12300 more than 100 documents", 0},
		{"talks for ever", `<Response><Say loop="0">la</Say></Response>`, "", "12300 more than 1000 verbs", 0},
		{"does nothing", `<Response/>`, "", "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, Options{}, func(w *world) {
				w.app.answer["/voice"] = twiml(c.document)
				w.app.answer["/second"] = twiml("<Response><Say>second</Say></Response>")
				w.sim.Phone(ana).Set(Behaviour{Call: PicksUp})
				start := time.Now()
				call := w.ended(w.call())
				if have := strings.Join(call.Spoken, "|"); have != c.spoken && c.name != "talks for ever" {
					w.Errorf("spoken %q, want %q", have, c.spoken)
				}
				problems := strings.Join(call.Errors, "|")
				if !strings.HasPrefix(problems, c.problem) || c.problem == "" && problems != "" {
					w.Errorf("errors %q, want %q", problems, c.problem)
				}
				if have := call.EndedAt.Sub(start); have != c.lasts || call.Status != callCompleted {
					w.Errorf("%s after %v, want %v", call.Status, have, c.lasts)
				}
			})
		})
	}
}

func TestInlineDocumentsAndFallbacks(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.sim.Phone(ana).Set(Behaviour{Call: PicksUp})
		w.app.answer["/fallback"] = twiml("<Response><Say>fallback</Say></Response>")
		w.app.answer["/voice"] = func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(503) }
		c := w.ended(w.call("FallbackUrl", app+"/fallback"))
		if !c.Heard("fallback") || len(c.Errors) != 1 || w.app.states("/fallback", "ErrorCode") != "11200" {
			w.Errorf("have %+v", c)
		}
		_, v := w.do("POST", "Calls.json", params("To", ana, "From", our, "Twiml", "<Response><Say>inline</Say></Response>"))
		if c := w.ended(v["sid"].(string)); !c.Heard("inline") {
			w.Errorf("have %+v", c)
		}
		w.app.answer["/voice"] = func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "plain words") }
		if c := w.ended(w.call()); !c.Heard("plain words") {
			w.Errorf("have %+v", c)
		}
		w.app.answer["/voice"] = func(rw http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		start := time.Now()
		if c := w.ended(w.call()); !c.Heard(apology) || c.EndedAt.Sub(start) != webhookTimeout {
			w.Errorf("have %+v", c)
		}
	})
}

func TestCallsLeaveTheQueueAtTheAccountsRate(t *testing.T) {
	menuWorld(t, Options{CallsPerSecond: 1}, func(w *world) {
		start := time.Now()
		for i := range 5 {
			w.do("POST", "Calls.json", params("To", fmt.Sprintf("+49151123456%02d", i), "From", our, "Url", app+"/voice"))
		}
		pass(time.Minute)
		for i, c := range w.sim.Calls() {
			if have := c.RingingAt.Sub(start); have != time.Duration(i)*time.Second {
				w.Errorf("call %d rings after %v", i, have)
			}
		}
	})
}

func TestACallEndsAtItsTimeLimit(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.app.answer["/voice"] = twiml(`<Response><Pause length="600"/></Response>`)
		w.sim.Phone(ana).Set(Behaviour{Call: PicksUp})
		start := time.Now()
		if c := w.ended(w.call("TimeLimit", "30")); c.EndedAt.Sub(start) != 30*time.Second {
			w.Errorf("ended after %v", c.EndedAt.Sub(start))
		}
	})
}

func FuzzParseTwiML(f *testing.F) {
	f.Add([]byte(menu))
	f.Add([]byte(`<Response><Message>Acknowledged &amp; thanks</Message></Response>`))
	f.Add([]byte(`<?xml version="1.0" encoding="UTF-8"?><Response/>`))
	f.Add([]byte(`<Response></Response></Response>`))
	f.Fuzz(func(t *testing.T, document []byte) {
		root, err := parseTwiML(document)
		if (err == nil) != (root != nil) || err == nil && root.name != "Response" {
			t.Errorf("%v %v", root, err)
		}
	})
}
