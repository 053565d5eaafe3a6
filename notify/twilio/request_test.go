package twilio

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pagerd/notify"
)

// property is a field of a request in Twilio's own description of its API.
type property struct {
	Type             string
	Enum             []string
	Minimum, Maximum *float64
}

// described reads which fields Twilio's description of its API knows for a request.
func described(t *testing.T, resource string) map[string]property {
	t.Helper()
	b, err := os.ReadFile("twiliosim/testdata/openapi-messages-calls.json")
	if err != nil {
		t.Fatal(err)
	}
	var spec struct {
		Paths map[string]struct {
			Post struct {
				RequestBody struct {
					Content map[string]struct {
						Schema struct{ Properties map[string]property }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(b, &spec); err != nil {
		t.Fatal(err)
	}
	p := spec.Paths["/2010-04-01/Accounts/{AccountSid}/"+resource].Post.RequestBody.Content["application/x-www-form-urlencoded"].Schema.Properties
	if len(p) < 10 {
		t.Fatalf("%s has %d properties", resource, len(p))
	}
	return p
}

// TestRequestsHoldWhatTwilioDocuments: every field exists in Twilio's own description, and says what a page needs.
func TestRequestsHoldWhatTwilioDocuments(t *testing.T) {
	type asked struct {
		path, user, password string
		form                 url.Values
	}
	var got asked
	c := server(t, func(w http.ResponseWriter, r *http.Request) {
		got.path = r.URL.RequestURI()
		got.user, got.password, _ = r.BasicAuth()
		_ = r.ParseForm()
		got.form = r.PostForm
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"sid":"XX1"}`)
	})
	n := sms("SEV1 ü & 100%")
	n.Delivery = "1001-1"
	for resource, want := range map[string]struct {
		send func() notify.Outcome
		form url.Values
	}{
		"Messages.json": {func() notify.Outcome { return c.SMS().Send(t.Context(), n) }, url.Values{"To": {"+34600000001"}, "From": {c.o.From}, "Body": {"SEV1 ü & 100%"},
			"StatusCallback": {"https://pager.example.com/twilio/status/1001-1"}, "ValidityPeriod": {"300"}}},
		"Calls.json": {func() notify.Outcome { return c.Voice().Send(t.Context(), n) }, url.Values{"To": {"+34600000001"}, "From": {c.o.From},
			"Url": {"https://pager.example.com/twilio/voice/1001-1"}, "Method": {"POST"}, "StatusCallback": {"https://pager.example.com/twilio/status/1001-1"},
			"StatusCallbackEvent": {"initiated", "ringing", "answered", "completed"}, "Timeout": {"25"}, "TimeLimit": {"180"}}},
	} {
		if out := want.send(); out.Certainty != notify.Sent || out.ProviderID != "XX1" {
			t.Errorf("%s: %+v", resource, out)
		}
		if got.path != "/2010-04-01/Accounts/"+c.o.AccountSID+"/"+resource || got.user != c.o.AccountSID || got.password != c.o.AuthToken {
			t.Errorf("%s: asked %s as %s", resource, got.path, got.user)
		}
		known := described(t, resource)
		for key, values := range got.form {
			p, ok := known[key]
			if !ok {
				t.Errorf("%s: Twilio knows no field %s", resource, key)
			}
			if len(p.Enum) > 0 && !slices.Contains(p.Enum, values[0]) {
				t.Errorf("%s: %s is %q, not one of %q", resource, key, values[0], p.Enum)
			}
			if len(values) > 1 && p.Type != "array" {
				t.Errorf("%s: %s is there %d times", resource, key, len(values))
			}
			if !slices.Equal(values, want.form[key]) {
				t.Errorf("%s: %s is %q, want %q", resource, key, values, want.form[key])
			}
		}
		if len(got.form) != len(want.form) {
			t.Errorf("%s: fields %v, want %v", resource, got.form, want.form)
		}
	}
}

func TestAStaleMessageIsDroppedByTwilioWithinWhatItAllows(t *testing.T) {
	var seconds string
	c := server(t, func(w http.ResponseWriter, r *http.Request) {
		seconds = r.PostFormValue("ValidityPeriod")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"sid":"SM1"}`)
	})
	for validity, want := range map[time.Duration]string{0: "", time.Millisecond: "1", 90 * time.Second: "90", 240 * time.Hour: "36000"} {
		n := sms("hello")
		n.Validity = validity
		c.SMS().Send(t.Context(), n)
		if seconds != want {
			t.Errorf("validity %v is sent as %q, want %q", validity, seconds, want)
		}
	}
}

// deaf is a connection that takes nothing any more once it is told to: what a kept connection is that the other side closed.
type deaf struct {
	net.Conn
	closed *atomic.Bool
}

func (d deaf) Write(p []byte) (int, error) {
	if d.closed.Load() {
		return 0, errors.New("broken pipe")
	}
	return d.Conn.Write(p)
}

// TestAKeptConnectionThatWasClosedMeanwhileCostsNothing: nothing was written, so that a new connection is tried at once and
// nothing is left in doubt.
func TestAKeptConnectionThatWasClosedMeanwhileCostsNothing(t *testing.T) {
	asked := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"sid":"SM1"}`)
	}))
	t.Cleanup(s.Close)
	var first atomic.Bool
	dialled := 0
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		if dialled++; dialled == 1 && err == nil {
			return deaf{conn, &first}, nil
		}
		return conn, err
	}}
	t.Cleanup(transport.CloseIdleConnections)
	c, err := New(Options{AccountSID: "AC1", AuthToken: "t", From: "+15005550006", BaseURL: s.URL, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	if out := c.SMS().Send(t.Context(), sms("one")); out.Certainty != notify.Sent {
		t.Fatalf("%+v", out)
	}
	first.Store(true)
	if out := c.SMS().Send(t.Context(), sms("two")); out.Certainty != notify.Sent {
		t.Errorf("%+v", out)
	}
	if asked != 2 || dialled != 2 {
		t.Errorf("%d requests over %d connections, want 2 over 2", asked, dialled)
	}
}

// TestWhatWasToldAsNotSentCannotLeaveAfterwards: the connection's goroutine may ask for the body when the attempt is over.
func TestWhatWasToldAsNotSentCannotLeaveAfterwards(t *testing.T) {
	a := &attempt{}
	b := &body{Reader: strings.NewReader("To=x"), a: a}
	if a.wrote() {
		t.Fatal("nothing was asked for yet")
	}
	if n, err := b.Read(make([]byte, 16)); n != 0 || err == nil {
		t.Errorf("%d bytes left after the attempt was over", n)
	}
	a = &attempt{}
	b = &body{Reader: strings.NewReader("To=x"), a: a}
	if n, err := b.Read(make([]byte, 16)); n != 4 || err != nil {
		t.Fatalf("%d %v", n, err)
	}
	if !a.wrote() {
		t.Error("what left is told as not sent")
	}
}

func TestAMessageThatFailedIsNotTakenForTheOneThatWasSent(t *testing.T) {
	at := time.Date(2026, 3, 28, 3, 0, 5, 0, time.UTC)
	for status, want := range map[string]bool{"queued": true, "sent": true, "delivered": true, "failed": false, "undelivered": false, "canceled": false} {
		c := server(t, func(w http.ResponseWriter, _ *http.Request) {
			_ = json.NewEncoder(w).Encode(map[string]any{"messages": []any{map[string]any{"sid": "SM1", "status": status,
				"body": "Sent from your Twilio trial account - hello", "date_created": at.Format(time.RFC1123Z)}}})
		})
		if _, found, err := c.SMS().Reconcile(t.Context(), sms("hello"), at); err != nil || found != want {
			t.Errorf("%s: found %v, %v", status, found, err)
		}
	}
	c := server(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	if _, found, err := c.SMS().Reconcile(t.Context(), sms("hello"), at); err == nil || found {
		t.Errorf("an unanswered question: found %v, %v", found, err)
	}
}

func TestAnAddressThatIsNoneIsRefusedAtStart(t *testing.T) {
	for _, base := range []string{"twilio.example", "://", "http://"} {
		if _, err := New(Options{BaseURL: base}); err == nil {
			t.Errorf("%q is taken", base)
		}
	}
}
