package tracker

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pagerd/notify"
)

const secret = "0123456789abcdef"

func sender(url string) *Sender {
	return New(func() Endpoint { return Endpoint{URL: url, Token: "token", Secret: secret} }, func() time.Time { return time.Unix(1774666800, 0) })
}

func item() notify.Notification {
	return notify.Notification{Title: "pagerd-action-1003-2", Text: `{"event":"action_item.changed"}`}
}

// TestTheReceiverCanProveThatItIsOurs does what the README tells a receiver to do, with a program of its own.
func TestTheReceiverCanProveThatItIsOurs(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		stamp, sig, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("X-Pagerd-Signature"), "t="), ",v1=")
		h := hmac.New(sha256.New, []byte(secret))
		fmt.Fprintf(h, "%s.%s", stamp, body)
		if hex.EncodeToString(h.Sum(nil)) != sig || stamp != "1774666800" || r.Method != http.MethodPost ||
			r.Header.Get("Idempotency-Key") != "pagerd-action-1003-2" || r.Header.Get("Authorization") != "Bearer token" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %v", r.Method, r.Header)
		}
		w.Header().Set("Location", "https://tracker.example.com/OPS-7")
		w.WriteHeader(http.StatusCreated)
	}))
	defer server.Close()
	out := sender(server.URL).Send(t.Context(), item())
	if out.Certainty != notify.Sent || out.ProviderID != "https://tracker.example.com/OPS-7" {
		t.Errorf("%+v", out)
	}
}

func TestEveryAnswerOfTheTrackerIsToldAsSentNotSentOrMaybeSent(t *testing.T) {
	plain := func(status int, headers map[string]string, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			for k, v := range headers {
				w.Header().Set(k, v)
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		want   notify.Outcome
	}{
		"json with an address":  {plain(201, nil, `{"id": 7, "html_url": "https://x/7"}`), notify.Outcome{Certainty: notify.Sent, ProviderID: "https://x/7"}},
		"json with a number":    {plain(200, nil, `{"id": 7}`), notify.Outcome{Certainty: notify.Sent, ProviderID: "7"}},
		"json with a key":       {plain(200, nil, `{"key": "OPS-7", "id": "10001"}`), notify.Outcome{Certainty: notify.Sent, ProviderID: "OPS-7"}},
		"no json":               {plain(204, nil, ""), notify.Outcome{Certainty: notify.Sent}},
		"rubbish":               {plain(200, nil, `[{"id": 7}]`), notify.Outcome{Certainty: notify.Sent}},
		"endless":               {plain(200, nil, strings.Repeat("x", 1<<20)), notify.Outcome{Certainty: notify.Sent}},
		"known already":         {plain(409, nil, ""), notify.Outcome{Certainty: notify.Sent}},
		"too many":              {plain(429, map[string]string{"Retry-After": "30"}, ""), notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonRateLimited, After: 30 * time.Second}},
		"too many, for ever":    {plain(429, map[string]string{"Retry-After": "99999999"}, ""), notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonRateLimited, After: time.Hour}},
		"broken":                {plain(503, nil, ""), notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonProviderError}},
		"a redirect":            {plain(302, map[string]string{"Location": "/elsewhere"}, ""), notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonRejected, Permanent: true, Alarm: true}},
		"no such hook":          {plain(404, nil, ""), notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonRejected, Permanent: true, Alarm: true}},
		"a token that is wrong": {plain(401, nil, ""), notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonBadCredentials, Permanent: true, Alarm: true}},
	} {
		t.Run(name, func(t *testing.T) {
			requests := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { requests++; c.handle(w, r) }))
			defer server.Close()
			got := sender(server.URL).Send(t.Context(), item())
			got.Detail = ""
			if got != c.want || requests != 1 {
				t.Errorf("%+v after %d requests, want %+v", got, requests, c.want)
			}
		})
	}
}

func TestALostConnectionSaysWhetherItMayHaveArrived(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + l.Addr().String()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				_, _ = io.Copy(io.Discard, r.Body)
			}
			_ = conn.Close() // it read everything, and died
		}
	}()
	if out := sender(url).Send(t.Context(), item()); out.Certainty != notify.MaybeSent {
		t.Errorf("cut off after the body: %+v", out)
	}
	_ = l.Close()
	if out := sender(url).Send(t.Context(), item()); out.Certainty != notify.NotSent || out.Reason != notify.ReasonUnreachable {
		t.Errorf("nobody there: %+v", out)
	}
	stuck := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer stuck.Close()
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan struct{})
	n := item()
	n.Alive = func() bool { close(asked); return true }
	go func() { <-asked; cancel() }()
	if out := sender(stuck.URL).Send(ctx, n); out.Certainty == notify.Sent || out.Reason != notify.ReasonTimeout {
		t.Errorf("the attempt's time was over: %+v", out)
	}
	n.Alive = func() bool { return false }
	if out := sender(stuck.URL).Send(t.Context(), n); out.Certainty != notify.NotSent || out.Reason != notify.ReasonLeaseLost {
		t.Errorf("the lease was lost: %+v", out)
	}
}
