package twiliosim

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAMessageIsQueuedThenSentThenDeliveredAndSaysSo(t *testing.T) {
	inWorld(t, Options{Pace: Pace{Sent: time.Second, Delivered: 2 * time.Second}}, func(w *world) {
		start := time.Now()
		status, v := w.do("POST", "Messages.json", params("To", ana, "From", our, "Body", "SEV1 api", "StatusCallback", app+"/status?d=7"))
		if status != http.StatusCreated || v["status"] != "queued" || v["date_sent"] != nil || v["num_segments"] != "1" {
			w.Errorf("answer %d %v", status, v)
		}
		if created, err := time.Parse(time.RFC1123Z, v["date_created"].(string)); err != nil || !created.Equal(start) {
			w.Errorf("date_created %v: %v", v["date_created"], err)
		}
		m, err := w.sim.Phone(ana).WaitSMS(w.ctx, nil)
		w.must(err)
		if m.Body != "SEV1 api" || m.DeliveredAt.Sub(start) != 3*time.Second || m.SID != v["sid"] {
			w.Errorf("have %+v", m)
		}
		synctest.Wait()
		if have := w.app.states("/status", "MessageStatus"); have != "sent delivered" {
			w.Errorf("callbacks: %s", have)
		}
		for _, p := range w.app.at("/status") {
			for key, want := range map[string]string{"MessageSid": m.SID, "SmsSid": m.SID, "To": ana, "From": our, "AccountSid": DefaultAccountSID} {
				if p.form.Get(key) != want {
					w.Errorf("%s: have %q, want %q", key, p.form.Get(key), want)
				}
			}
			if p.signature != Sign(DefaultAuthToken, app+"/status?d=7", p.form) || p.token == "" {
				w.Errorf("signature %q of %s", p.signature, p.rawURL)
			}
		}
	})
}

func TestAWaitReturnsEachMessageOnceAndLeavesTheOthers(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		phone := w.sim.Phone(ana)
		w.text("first")
		w.text("second")
		w.text("third")
		for _, c := range []struct {
			match func(Message) bool
			want  string
		}{
			{func(m Message) bool { return m.Body == "second" }, "second"},
			{nil, "first"},
			{nil, "third"},
		} {
			if m, err := phone.WaitSMS(w.ctx, c.match); err != nil || m.Body != c.want {
				w.Errorf("have %q %v, want %q", m.Body, err, c.want)
			}
		}
		ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
		defer cancel()
		if _, err := phone.WaitSMS(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
			w.Errorf("have %v", err)
		}
	})
}

func TestHowANetworkFailsAMessage(t *testing.T) {
	for _, c := range []struct {
		name      string
		behaviour Behaviour
		states    string
		code      string
	}{
		{"handset off", Behaviour{Undelivered: 30003}, "sent undelivered", "30003"},
		{"queue overflow", Behaviour{Failed: 30001}, "failed", "30001"},
		{"no receipt", Behaviour{Lost: true}, "sent", ""},
		{"too long in the queue", Behaviour{QueueFor: 2 * time.Hour}, "failed", "30036"},
		{"late in the network", Behaviour{LateBy: 2 * time.Hour}, "sent delivered", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, Options{}, func(w *world) {
				w.sim.Phone(ana).Set(c.behaviour)
				sid := w.text("hello", "ValidityPeriod", "300")
				pass(3 * time.Hour)
				if have := w.app.states("/status", "MessageStatus"); have != c.states {
					w.Errorf("callbacks: %q, want %q", have, c.states)
				}
				last := w.app.at("/status")[len(w.app.at("/status"))-1]
				if have := last.form.Get("ErrorCode"); have != c.code {
					w.Errorf("error code %q, want %q", have, c.code)
				}
				if _, v := w.do("GET", "Messages/"+sid+".json", nil); v["status"] != last.form.Get("MessageStatus") {
					w.Errorf("API says %v", v["status"])
				}
				if delivered := strings.HasSuffix(c.states, "delivered") && c.code == ""; (len(w.sim.Phone(ana).Inbox()) == 1) != delivered {
					w.Errorf("inbox: %v", w.sim.Phone(ana).Inbox())
				}
			})
		})
	}
}

func TestARepliedTextIsPostedSignedAndItsAnswerArrives(t *testing.T) {
	inWorld(t, Options{MessagingServiceSID: "MG00000000000000000000000000000001"}, func(w *world) {
		w.app.answer["/sms"] = twiml(`<?xml version="1.0"?><Response><Message>Acknowledged #1042
 &amp; thanks</Message><Message><Body>second</Body></Message></Response>`)
		phone := w.sim.Phone(ana)
		w.text("SEV1")
		_, err := phone.WaitSMS(w.ctx, nil)
		w.must(err)
		answer, err := phone.Reply(w.ctx, " 4 ")
		w.must(err)
		if answer.Status != 200 || answer.Text() != "Acknowledged #1042\n & thanks\nsecond" || len(answer.Errors) != 0 {
			w.Errorf("have %+v", answer)
		}
		p := w.app.at("/sms")[0]
		if p.form.Get("Body") != " 4 " || p.form.Get("From") != ana || p.form.Get("To") != our || p.form.Get("OptOutType") != "" ||
			p.form.Get("MessageSid") != answer.SID || p.form.Get("NumMedia") != "0" || p.form.Get("MessagingServiceSid") == "" {
			w.Errorf("posted %v", p.form)
		}
		if p.signature != Sign(DefaultAuthToken, app+"/sms", p.form) {
			w.Error("the signature is wrong")
		}
		if m, err := phone.WaitSMS(w.ctx, nil); err != nil || m.Direction != outboundReply || m.From != our {
			w.Errorf("have %+v %v", m, err)
		}
	})
}

func TestWhatIsNoAnswerIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		text   string
		errors int
	}{
		"nothing":         {nil, "", 0},
		"plain text":      {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }, "ok", 0},
		"no content type": {func(w http.ResponseWriter, _ *http.Request) { w.Header()["Content-Type"] = nil }, "", 1},
		"error":           {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, "", 1},
		"no TwiML":        {twiml("<Hello/>"), "", 1},
		"broken":          {twiml("<Response><Message>x"), "", 1},
		"other verb":      {twiml("<Response><Dial>1</Dial></Response>"), "", 1},
		"empty response":  {twiml("<Response/>"), "", 0},
		"cut":             {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, Options{}, func(w *world) {
				w.app.answer["/sms"] = c.answer
				answer, err := w.sim.Phone(ana).Reply(w.ctx, "4")
				w.must(err)
				if answer.Text() != c.text || len(answer.Errors) != c.errors {
					w.Errorf("have %+v", answer)
				}
			})
		})
	}
}

func TestOptOutWordsBlockTheNumberUntilOptIn(t *testing.T) {
	for _, word := range []string{"STOP", "end", " Quit ", "CANCEL", "unsubscribe", "STOPALL", "REVOKE", "OPTOUT"} {
		inWorld(t, Options{}, func(w *world) {
			phone := w.sim.Phone(ana)
			w.app.answer["/sms"] = twiml("<Response><Message>you said stop</Message></Response>")
			answer, err := phone.Reply(w.ctx, word)
			w.must(err)
			if answer.OptOutType != "STOP" || w.app.at("/sms")[0].form.Get("OptOutType") != "STOP" || !phone.OptedOut() {
				w.Errorf("%s: %+v", word, answer)
			}
			if len(answer.Messages) != 0 || len(answer.Errors) != 1 {
				w.Errorf("%s: answered although blocked: %+v", word, answer)
			}
			if m, err := phone.WaitSMS(w.ctx, nil); err != nil || !m.Keyword {
				w.Errorf("%s: Twilio's own answer: %+v %v", word, m, err)
			}
			if status, v := w.do("POST", "Messages.json", params("To", ana, "From", our, "Body", "x")); status != 400 || v["code"] != 21610.0 {
				w.Errorf("%s: sent in spite of it: %d %v", word, status, v)
			}
			if w.call() == "" {
				w.Errorf("%s: calls are not blocked by it", word)
			}
			answer, err = phone.Reply(w.ctx, "yes")
			w.must(err)
			if answer.OptOutType != "START" || phone.OptedOut() {
				w.Errorf("%s: %+v", word, answer)
			}
			w.text("again")
		})
	}
}

func TestWordsInsideASentenceAreNoKeywords(t *testing.T) {
	for _, text := range []string{"please stop", "stop.", "4", "ende", "all", ""} {
		if kind := keyword(text); kind != "" {
			t.Errorf("%q is %s", text, kind)
		}
	}
	for text, want := range map[string]string{"HELP": "HELP", "info": "HELP", "unstop": "START", "Start": "START"} {
		if kind := keyword(text); kind != want {
			t.Errorf("%q is %q", text, kind)
		}
	}
}

func TestOnlyTheNewestAreKept(t *testing.T) {
	inWorld(t, Options{MaxMessages: 10, MaxCalls: 3, MaxLog: 20, People: map[string]string{our: "Bo"}}, func(w *world) {
		for range 25 {
			w.text("x")
			w.call()
		}
		w.do("POST", "Messages.json", params("To", "+4917012345678", "From", our, "Body", "last"))
		pass(time.Minute)
		for range 10 {
			w.text("y")
		}
		synctest.Wait()
		if m, c, l := len(w.sim.Messages()), len(w.sim.Calls()), len(w.sim.Log()); m != 10 || c != 3 || l != 20 {
			w.Errorf("kept %d messages, %d calls, %d lines", m, c, l)
		}
		if m := len(w.sim.Phone(ana).Messages()); m != 10 {
			w.Errorf("the telephone keeps %d", m)
		}
		w.sim.mu.Lock()
		defer w.sim.mu.Unlock()
		if len(w.sim.phones) != 2 || len(w.sim.bySID) != 10 || len(w.sim.callSID) != 3 {
			w.Errorf("%d telephones, %d messages and %d calls indexed", len(w.sim.phones), len(w.sim.bySID), len(w.sim.callSID))
		}
	})
}

func TestCloseReleasesEverybody(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		hanging := make(chan struct{})
		w.app.answer["/voice"] = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done(); close(hanging) }
		sid := w.call()
		w.ringing()
		w.must(w.sim.Phone(ana).Answer(sid))
		w.call()
		result := make(chan error)
		go func() {
			_, err := w.sim.Phone(ana).WaitSMS(context.Background(), nil)
			result <- err
		}()
		synctest.Wait()
		w.sim.Close()
		<-hanging
		if err := <-result; !errors.Is(err, ErrClosed) {
			w.Errorf("have %v", err)
		}
		if _, err := w.sim.Phone(ana).Reply(context.Background(), "4"); !errors.Is(err, ErrClosed) {
			w.Errorf("have %v", err)
		}
	})
}
