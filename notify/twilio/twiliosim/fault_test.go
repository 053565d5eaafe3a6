package twiliosim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func (w *world) sms() (*http.Response, string, error) {
	res, err := w.api.Do(w.request("POST", "Messages.json", params("To", ana, "From", our, "Body", "x", "StatusCallback", app+"/status")))
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	return res, string(body), err
}

func TestFaultsOfTheAPI(t *testing.T) {
	for _, c := range []struct {
		name     string
		fault    Fault
		status   int // 0: no answer
		body     string
		accepted bool
		after    time.Duration
	}{
		{"500 from a load balancer", Fault{Kind: FailStatus}, 500, "<html>", false, 0},
		{"500 but sent", Fault{Kind: FailStatus, Accept: true}, 500, "<html>", true, 0},
		{"503 from the API", Fault{Kind: FailStatus, Status: 503, Code: 20503}, 503, `"code":20503`, false, 0},
		{"too many requests", Fault{Kind: FailStatus, Status: 429, RetryAfter: time.Minute}, 429, `"code":20429`, false, 0},
		{"not let in", Fault{Kind: FailStatus, Status: 401}, 401, `"code":20003`, false, 0},
		{"accepted, answer lost", Fault{Kind: FailDrop}, 0, "", true, 0},
		{"cut", Fault{Kind: FailRefuse}, 0, "", false, 0},
		{"hangs", Fault{Kind: FailHang}, 0, "", false, 10 * time.Second},
		{"hangs for a while", Fault{Kind: FailHang, Delay: 3 * time.Second}, 0, "", false, 3 * time.Second},
		{"late", Fault{Kind: FailDelay, Delay: 3 * time.Second}, 201, `"status":"queued"`, true, 3 * time.Second},
		{"garbage", Fault{Kind: FailGarbage}, 201, "garbage", true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, Options{}, func(w *world) {
				w.api.Timeout = 10 * time.Second
				w.sim.Inject(c.fault)
				start := time.Now()
				res, body, err := w.sms()
				if (err != nil) != (c.status == 0) {
					w.Fatalf("have %v", err)
				}
				if err == nil && (res.StatusCode != c.status || !strings.Contains(body, c.body)) {
					w.Errorf("have %d %s", res.StatusCode, body)
				}
				if c.fault.RetryAfter > 0 && res.Header.Get("Retry-After") != "60" {
					w.Errorf("Retry-After: %q", res.Header.Get("Retry-After"))
				}
				if time.Since(start) != c.after {
					w.Errorf("after %v", time.Since(start))
				}
				synctest.Wait()
				if have := len(w.sim.Phone(ana).Inbox()) == 1; have != c.accepted {
					w.Errorf("arrived: %v", have)
				}
				log := w.sim.Log() // the message may have arrived before its request was answered, at the same instant
				i := slices.IndexFunc(log, func(e Entry) bool { return e.Kind != LogArrived })
				if e := log[i]; e.Accepted != c.accepted || e.Status != c.status || e.Fault != c.fault.Kind || !e.At.Equal(start) {
					w.Errorf("log: %+v", e)
				}
				w.sim.Heal()
				if res, _, err := w.sms(); err != nil || res.StatusCode != 201 {
					w.Errorf("after healing: %v", err)
				}
			})
		})
	}
}

func TestWhichRequestsAFaultMeets(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault Fault
		want  string // of eight messages: x failed, . went through
	}{
		{"the next two", Fault{Next: 2}, "xx......"},
		{"every third", Fault{Every: 3}, "..x..x.."},
		{"always", Fault{}, "xxxxxxxx"},
		{"never", Fault{Probability: 1e-12}, "........"},
		{"with certainty", Fault{Probability: 1}, "xxxxxxxx"},
		{"calls only", Fault{Only: LogCall}, "........"},
		{"another number", Fault{To: our}, "........"},
		{"this number", Fault{To: ana, Next: 1}, "x......."},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, Options{}, func(w *world) {
				c.fault.Kind = FailStatus
				w.sim.Inject(c.fault)
				if have := w.eight(); have != c.want {
					w.Errorf("have %s, want %s", have, c.want)
				}
			})
		})
	}
}

// eight sends eight messages: x failed, . went through.
func (w *world) eight() string {
	w.Helper()
	var have string
	for range 8 {
		res, _, err := w.sms()
		w.must(err)
		have += map[bool]string{true: ".", false: "x"}[res.StatusCode == 201]
	}
	return have
}

func TestTheSameSeedGivesTheSameFaults(t *testing.T) {
	play := func(seed uint64) (have string) {
		inWorld(t, Options{Seed: seed}, func(w *world) {
			w.sim.Inject(Fault{Kind: FailStatus, Probability: 0.5})
			have = w.eight() + w.eight()
		})
		return have
	}
	if a, b := play(7), play(7); a != b || !strings.Contains(a, "x") || !strings.Contains(a, ".") {
		t.Errorf("have %s and %s", a, b)
	}
	if a, b := play(7), play(8); a == b {
		t.Errorf("two seeds give %s", a)
	}
}

func TestFaultsAreRemovedByNumber(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		first := w.sim.Inject(Fault{Kind: FailStatus, Status: 500})
		w.sim.Inject(Fault{Kind: FailStatus, Status: 503})
		if res, _, _ := w.sms(); res.StatusCode != 500 {
			w.Errorf("have %d", res.StatusCode)
		}
		w.sim.Remove(first)
		w.sim.Remove(first)
		if res, _, _ := w.sms(); res.StatusCode != 503 || len(w.sim.Faults()) != 1 {
			w.Errorf("have %d, %v", res.StatusCode, w.sim.Faults())
		}
	})
}

func TestFaultsOfTheCallbacks(t *testing.T) {
	for _, c := range []struct {
		name   string
		faults CallbackFaults
		want   string
		after  time.Duration // before anything comes
	}{
		{"twice", CallbackFaults{Duplicate: 1}, "sent sent delivered delivered", 0},
		{"lost", CallbackFaults{Lose: 1}, "", 0},
		{"late", CallbackFaults{Delay: time.Minute}, "sent delivered", time.Minute},
		{"held back with nothing after it", CallbackFaults{Reorder: 1}, "sent delivered", holdAtMost},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, Options{Pace: Pace{Delivered: time.Second}}, func(w *world) {
				w.sim.SetCallbackFaults(c.faults)
				w.text("x")
				if c.after > 0 {
					pass(c.after - time.Second/2)
					if have := len(w.app.at("/status")); have != 0 {
						w.Errorf("%d came early", have)
					}
				}
				pass(2 * time.Minute)
				if have := w.app.states("/status", "MessageStatus"); have != c.want {
					w.Errorf("have %q, want %q", have, c.want)
				}
				if posts := w.app.at("/status"); c.faults.Duplicate > 0 && (posts[0].token != posts[1].token || posts[1].token == posts[2].token) {
					w.Error("a duplicate has the token of the first, another callback has not")
				}
			})
		})
	}
}

func TestAHeldCallbackComesAfterTheNext(t *testing.T) {
	inWorld(t, Options{Pace: Pace{Delivered: time.Second}}, func(w *world) {
		w.sim.SetCallbackFaults(CallbackFaults{Reorder: 1})
		w.text("x")
		synctest.Wait()
		w.sim.mu.Lock()
		w.sim.callback.Reorder = 0 // without the release that SetCallbackFaults does
		w.sim.mu.Unlock()
		pass(time.Minute)
		if have := w.app.states("/status", "MessageStatus"); have != "delivered sent" {
			w.Errorf("have %q", have)
		}
	})
}

func TestSettingTheFaultsReleasesWhatWasHeld(t *testing.T) {
	inWorld(t, Options{Pace: Pace{Delivered: time.Hour}}, func(w *world) {
		w.sim.SetCallbackFaults(CallbackFaults{Reorder: 1})
		w.text("x")
		synctest.Wait()
		w.sim.Heal()
		synctest.Wait()
		if have := w.app.states("/status", "MessageStatus"); have != "sent" {
			w.Errorf("have %q", have)
		}
	})
}

func TestAnEarlyCallbackComesBeforeTheAnswer(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.sim.SetCallbackFaults(CallbackFaults{Early: true})
		release := make(chan struct{})
		w.app.answer["/status"] = func(http.ResponseWriter, *http.Request) { <-release }
		answered := make(chan struct{})
		go func() {
			_, _, _ = w.sms()
			close(answered)
		}()
		synctest.Wait()
		select {
		case <-answered:
			w.Error("the answer came first")
		default:
		}
		close(release)
		<-answered
		if len(w.app.at("/status")) == 0 {
			w.Error("no callback")
		}
	})
}

func TestAnInboundMessageMayBePostedTwice(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.sim.SetCallbackFaults(CallbackFaults{DuplicateInbound: 1})
		w.app.answer["/sms"] = twiml("<Response><Message>ok</Message></Response>")
		answer, err := w.sim.Phone(ana).Reply(w.ctx, "4")
		w.must(err)
		posts := w.app.at("/sms")
		if len(posts) != 2 || posts[0].form.Get("MessageSid") != posts[1].form.Get("MessageSid") || posts[0].token != posts[1].token || len(answer.Messages) != 1 {
			w.Errorf("have %v, %+v", posts, answer)
		}
	})
}

func TestAReplyNeedsAURL(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.sim.SetSMSURL("")
		if _, err := w.sim.Phone(ana).Reply(w.ctx, "4"); !errors.Is(err, ErrNoSMSURL) {
			w.Errorf("have %v", err)
		}
		w.sim.SetSMSURL("mailto:x")
		if answer, err := w.sim.Phone(ana).Reply(w.ctx, "4"); err != nil || len(answer.Errors) != 1 {
			w.Errorf("have %+v %v", answer, err)
		}
		ctx, cancel := context.WithCancel(w.ctx)
		cancel()
		w.sim.SetSMSURL(app + "/sms")
		if _, err := w.sim.Phone(ana).Reply(ctx, "4"); !errors.Is(err, context.Canceled) {
			w.Errorf("have %v", err)
		}
	})
}

func TestARefusedNumberIsRefusedWithItsCode(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.sim.Phone(ana).Set(Behaviour{Refuse: 21614})
		if status, v := w.do("POST", "Messages.json", params("To", ana, "From", our, "Body", "x")); status != 400 || v["code"] != 21614.0 {
			w.Errorf("have %d %v", status, v)
		}
	})
}

func TestTheLogIsWrittenLineByLine(t *testing.T) {
	var lines bytes.Buffer
	inWorld(t, Options{Log: &lines}, func(w *world) {
		w.sim.Inject(Fault{Kind: FailDrop, Next: 1})
		_, _, _ = w.sms()
		w.text("hello")
		synctest.Wait()
		var kept []Entry
		for line := range strings.Lines(lines.String()) {
			var e Entry
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				w.Fatalf("%s: %v", line, err)
			}
			kept = append(kept, e)
		}
		same := func(a, b Entry) bool {
			at := a.At.Equal(b.At)
			a.At, b.At = time.Time{}, time.Time{}
			return at && a == b
		}
		if !slices.EqualFunc(kept, w.sim.Log(), same) || w.sim.LogErr() != nil {
			w.Errorf("written %v\nkept %v", kept, w.sim.Log())
		}
		if e := kept[0]; e.Kind != LogSMS || e.To != ana || e.Body != "x" || !e.Accepted || e.SID == "" || e.Detail != "no answer" {
			w.Errorf("have %+v", e)
		}
	})
}

func TestPostIsSigned(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		status, _, err := w.sim.Post(w.ctx, app+"/status?x=1#rc=2", params("MessageSid", "SM0", "MessageStatus", "delivered"))
		if p := w.app.at("/status"); err != nil || status != 204 || p[0].signature != Sign(DefaultAuthToken, app+"/status?x=1", p[0].form) {
			w.Errorf("have %d %v %v", status, err, p)
		}
	})
}
