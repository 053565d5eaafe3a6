package twilio

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"pagerd/notify"
	"pagerd/notify/twilio/twiliosim"
)

func TestSignaturesAreTwiliosOwn(t *testing.T) {
	var fixture struct {
		Vectors []struct {
			Name, URL, Signature string
			Token                string `json:"auth_token"`
			Body                 string `json:"raw_body"`
			Kind                 string `json:"content_type"`
		}
	}
	b, err := os.ReadFile("testdata/signature-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &fixture); err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, v := range fixture.Vectors {
		form, err := url.ParseQuery(v.Body)
		if err != nil || strings.Contains(v.Kind, "json") || strings.Contains(v.URL, "bodySHA256") {
			continue // JSON bodies are not taken at these doors
		}
		repeated := false
		for _, values := range form {
			repeated = repeated || len(values) > 1
		}
		if repeated {
			continue // refused before the signature is looked at
		}
		checked++
		if !genuine([]string{"other", v.Token}, v.URL, form, v.Signature) {
			t.Errorf("%s: Twilio's signature is refused", v.Name)
		}
		if genuine([]string{"other"}, v.URL, form, v.Signature) {
			t.Errorf("%s: another account's token fits", v.Name)
		}
		form.Set("Digits", "9x")
		if genuine([]string{v.Token}, v.URL, form, v.Signature) {
			t.Errorf("%s: a changed form fits", v.Name)
		}
	}
	if checked < 8 {
		t.Errorf("only %d vectors were checked", checked)
	}
}

// server answers every request the same way.
func server(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := New(Options{AccountSID: twiliosim.DefaultAccountSID, AuthToken: twiliosim.DefaultAuthToken, From: twiliosim.DefaultNumber, BaseURL: s.URL,
		PublicURL: "https://pager.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func sms(text string) notify.Notification {
	return notify.Notification{Delivery: "1001-1", Contact: notify.Contact{Channel: notify.SMS, Address: "+34600000001"}, Text: text, Validity: 5 * time.Minute}
}

func TestEveryAnswerIsToldAsSentNotSentOrMaybeSent(t *testing.T) {
	answer := func(status int, body string, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	for _, c := range []struct {
		name      string
		h         http.HandlerFunc
		certainty notify.Certainty
		reason    notify.Reason
		permanent bool
		alarm     bool
		after     time.Duration
	}{
		{"accepted", answer(201, `{"sid":"SM1","status":"queued"}`), notify.Sent, "", false, false, 0},
		{"accepted with nonsense", answer(201, `<html>`), notify.MaybeSent, notify.ReasonProviderError, false, false, 0},
		{"accepted without a SID", answer(201, `{}`), notify.MaybeSent, notify.ReasonProviderError, false, false, 0},
		{"bad number", answer(400, `{"code":21211,"message":"m","status":400}`), notify.NotSent, notify.ReasonBadNumber, true, false, 0},
		{"opted out", answer(400, `{"code":21610,"status":400}`), notify.NotSent, notify.ReasonOptedOut, true, true, 0},
		{"refused for something unknown", answer(400, `{"code":99999,"status":400}`), notify.NotSent, notify.ReasonRejected, true, false, 0},
		{"wrong token", answer(401, `{"code":20003,"status":401}`), notify.NotSent, notify.ReasonBadCredentials, false, true, 0},
		{"a proxy's 403", answer(403, `<html>no</html>`), notify.NotSent, notify.ReasonBadCredentials, false, true, 0},
		{"too fast", answer(429, `{"code":20429,"status":429}`, "Retry-After", "7"), notify.NotSent, notify.ReasonRateLimited, false, false, 7 * time.Second},
		{"too fast for an hour", answer(429, `{}`, "Retry-After", "3600"), notify.NotSent, notify.ReasonRateLimited, false, false, time.Minute},
		{"server error", answer(500, `<html>oops</html>`), notify.MaybeSent, notify.ReasonProviderError, false, false, 0},
		{"a redirect", answer(302, ``, "Location", "https://evil.example/"), notify.NotSent, notify.ReasonProviderError, false, true, 0},
		{"not Twilio's 404", answer(404, `<html>`), notify.NotSent, notify.ReasonProviderError, false, true, 0},
		{"request timeout", answer(408, ``), notify.NotSent, notify.ReasonProviderError, false, false, 0},
		{"a proxy wants a login", answer(407, ``), notify.NotSent, notify.ReasonBadCredentials, false, true, 0},
		{"country not enabled", answer(400, `{"code":21408,"status":400}`), notify.NotSent, notify.ReasonBadNumber, true, true, 0},
		{"public_url unusable", answer(400, `{"code":21205,"status":400}`), notify.NotSent, notify.ReasonBadCredentials, false, true, 0},
		{"account suspended", answer(403, `{"code":20005,"status":403}`), notify.NotSent, notify.ReasonBadCredentials, false, true, 0},
		{"queue full", answer(400, `{"code":21611,"status":400}`), notify.NotSent, notify.ReasonRateLimited, false, false, 0},
		{"an answer without end", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(201)
			for line := strings.Repeat(" ", 1<<16); ; {
				if _, err := io.WriteString(w, line); err != nil {
					return
				}
			}
		}, notify.MaybeSent, notify.ReasonProviderError, false, false, 0},
		{"lost in the answer", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Length", "100")
			w.WriteHeader(201)
			_, _ = io.WriteString(w, `{"sid":`)
		}, notify.MaybeSent, notify.ReasonProviderError, false, false, 0},
		{"connection lost after the request", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			panic(http.ErrAbortHandler)
		}, notify.MaybeSent, notify.ReasonUnreachable, false, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := server(t, c.h).SMS().Send(t.Context(), sms("hello"))
			if out.Certainty != c.certainty || out.Reason != c.reason || out.Permanent != c.permanent || out.Alarm != c.alarm || out.After != c.after {
				t.Errorf("got %+v", out)
			}
			if strings.Contains(out.Detail, "34600000001") || strings.Contains(out.Detail, "hello") {
				t.Errorf("the detail tells number or text: %q", out.Detail)
			}
		})
	}
}

func TestNobodyListeningIsCertainlyNotSent(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	c, err := New(Options{AccountSID: "AC1", AuthToken: "t", BaseURL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	if out := c.SMS().Send(t.Context(), sms("hello")); out.Certainty != notify.NotSent || out.Reason != notify.ReasonUnreachable || out.Permanent {
		t.Errorf("got %+v", out)
	}
}

func TestAnAttemptEndsByItsDeadlineAndMayHaveBeenSent(t *testing.T) {
	read := make(chan struct{})
	release := make(chan struct{})
	c := server(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(read)
		<-release
	})
	defer close(release)
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() { <-read; cancel(context.DeadlineExceeded) }()
	if out := c.SMS().Send(ctx, sms("hello")); out.Certainty != notify.MaybeSent {
		t.Errorf("got %+v", out)
	}
}

func TestALostClaimSendsNothing(t *testing.T) {
	for name, lives := range map[string]int{"lost before the request": 0, "lost while the connection opened": 1} {
		whole := make(chan bool, 1)
		c := server(t, func(_ http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(r.Body)
			whole <- err == nil
		})
		n := sms("hello")
		n.Alive = func() bool { lives--; return lives >= 0 }
		if out := c.SMS().Send(t.Context(), n); out.Certainty != notify.NotSent || out.Reason != notify.ReasonLeaseLost {
			t.Errorf("%s: %+v", name, out)
		}
		select {
		case sent := <-whole:
			if sent {
				t.Errorf("%s: the provider has the whole request", name)
			}
		default:
		}
	}
}

func TestTheEnvironmentDoesNotMoveRequests(t *testing.T) {
	t.Setenv("TWILIO_EDGE", "sydney")
	t.Setenv("TWILIO_REGION", "au1")
	c := server(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(201)
		_, _ = io.WriteString(w, `{"sid":"SM1"}`)
	})
	if out := c.SMS().Send(t.Context(), sms("hello")); out.Certainty != notify.Sent {
		t.Errorf("got %+v", out)
	}
}

// simulated is a client of a simulated Twilio.
func simulated(t *testing.T, o twiliosim.Options) (*twiliosim.Sim, *Client) {
	t.Helper()
	sim := twiliosim.New(o)
	s := httptest.NewServer(sim.Handler())
	t.Cleanup(func() { sim.Close(); s.Close() })
	c, err := New(Options{AccountSID: sim.AccountSID(), AuthToken: sim.AuthToken(), From: twiliosim.DefaultNumber, BaseURL: s.URL, PublicURL: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	return sim, c
}

func TestAMessageThatWasAcceptedWithoutAnAnswerIsFoundAgain(t *testing.T) {
	sim, c := simulated(t, twiliosim.Options{})
	sim.Inject(twiliosim.Fault{Kind: twiliosim.FailDrop, Only: "sms", Next: 1})
	began := time.Now()
	if out := c.SMS().Send(t.Context(), sms("SEV1 #1001")); out.Certainty != notify.MaybeSent {
		t.Fatalf("got %+v", out)
	}
	id, found, err := c.SMS().Reconcile(t.Context(), sms("SEV1 #1001"), began)
	if err != nil || !found || id != sim.Messages()[0].SID {
		t.Errorf("found %v %q, %v", found, id, err)
	}
	if _, found, err := c.SMS().Reconcile(t.Context(), sms("SEV1 #1002"), began); found || err != nil {
		t.Errorf("another text was found: %v", err)
	}
	if _, found, _ := c.SMS().Reconcile(t.Context(), sms("SEV1 #1001"), began.Add(time.Hour)); found {
		t.Error("a message from before was found")
	}
}

func TestAProbeKnowsGoodCredentialsFromBad(t *testing.T) {
	sim, c := simulated(t, twiliosim.Options{})
	if out := c.Probe(t.Context()); out.Certainty != notify.Sent {
		t.Errorf("good credentials: %+v", out)
	}
	sim.Inject(twiliosim.Fault{Kind: twiliosim.FailStatus, Status: http.StatusUnauthorized})
	if out := c.Probe(t.Context()); out.Certainty != notify.NotSent || !out.Alarm || out.Reason != notify.ReasonBadCredentials {
		t.Errorf("bad credentials: %+v", out)
	}
}
