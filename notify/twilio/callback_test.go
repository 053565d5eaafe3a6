package twilio

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"pagerd/notify"
	"pagerd/notify/twilio/twiliosim"
)

const publicURL = "https://pager.example.com"

// recorder takes what callbacks say.
type recorder struct {
	texts    []Text
	digits   []string
	progress []notify.Progress
	err      error
}

func (r *recorder) handler() http.Handler {
	return Callbacks(CallbackOptions{Tokens: func() []string { return []string{"now", "before"} }, PublicURL: func() string { return publicURL },
		Language: func() string { return "en-GB" },
		Reply: func(_ context.Context, t Text) (string, error) {
			r.texts = append(r.texts, t)
			if t.Body == "quiet" {
				return "", r.err
			}
			return "Acked #1042 <&>", r.err
		},
		Script: func(context.Context, string) (Script, error) {
			return Script{Paragraphs: []string{`</Say><Dial>+1900</Dial>`, "two"}, Digits: true}, r.err
		},
		Digit: func(_ context.Context, delivery, call, digit string) (Script, error) {
			r.digits = append(r.digits, delivery+" "+call+" "+digit)
			return Script{Paragraphs: []string{"Done."}}, r.err
		},
		Progress: func(_ context.Context, p notify.Progress) error { r.progress = append(r.progress, p); return r.err }})
}

// post sends a form as Twilio does, signed for an address.
func (r *recorder) post(path, signedFor, token string, form url.Values, raw string) *httptest.ResponseRecorder {
	if raw == "" {
		raw = form.Encode()
	}
	req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(raw))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	req.Header.Set("X-Twilio-Signature", twiliosim.Sign(token, signedFor, form))
	req.Header.Set("X-Forwarded-Host", "evil.example")
	req.Host = "internal:8080"
	w := httptest.NewRecorder()
	r.handler().ServeHTTP(w, req)
	return w
}

func TestOnlyTwiliosSignatureOverThePublicAddressActs(t *testing.T) {
	form := url.Values{"From": {"+34600000001"}, "Body": {"4"}, "MessageSid": {"SM1"}}
	for _, c := range []struct {
		name, path, signedFor, token string
		status                       int
	}{
		{"current token", "/twilio/sms", publicURL + "/twilio/sms", "now", 200},
		{"the token before, in a rotation", "/twilio/sms", publicURL + "/twilio/sms", "before", 200},
		{"signed with the port", "/twilio/sms", "https://pager.example.com:443/twilio/sms", "now", 200},
		{"with a query as it was sent", "/twilio/sms?b=2&a=%20x+y", publicURL + "/twilio/sms?b=2&a=%20x+y", "now", 200},
		{"another account's token", "/twilio/sms", publicURL + "/twilio/sms", "other", 403},
		{"an empty token", "/twilio/sms", publicURL + "/twilio/sms", "", 403},
		{"the host that the request names", "/twilio/sms", "https://internal:8080/twilio/sms", "now", 403},
		{"a forwarded host", "/twilio/sms", "https://evil.example/twilio/sms", "now", 403},
		{"plain http", "/twilio/sms", "http://pager.example.com/twilio/sms", "now", 403},
		{"another path's signature", "/twilio/sms", publicURL + "/twilio/voice/1", "now", 403},
		{"another query's signature", "/twilio/sms?a=1", publicURL + "/twilio/sms?a=2", "now", 403},
	} {
		r := &recorder{}
		if w := r.post(c.path, c.signedFor, c.token, form, ""); w.Code != c.status {
			t.Errorf("%s: answered %d, want %d", c.name, w.Code, c.status)
		}
		if acted := len(r.texts) > 0; acted != (c.status == 200) {
			t.Errorf("%s: acted %v", c.name, acted)
		}
	}
}

func TestRepeatedKeysAndLargeFormsAreRefused(t *testing.T) {
	r := &recorder{}
	form := url.Values{"Digits": {"4"}}
	if w := r.post("/twilio/voice/1042-1/digit", publicURL+"/twilio/voice/1042-1/digit", "now", form, "Digits=4&Digits=6"); w.Code != http.StatusBadRequest {
		t.Errorf("a repeated key was answered %d", w.Code)
	}
	big := url.Values{"Body": {strings.Repeat("x", maxForm)}}
	if w := r.post("/twilio/sms", publicURL+"/twilio/sms", "now", big, ""); w.Code != http.StatusBadRequest {
		t.Errorf("a large form was answered %d", w.Code)
	}
	if len(r.digits)+len(r.texts) > 0 {
		t.Error("a refused form acted")
	}
}

func TestWhatCouldNotBeRecordedIsTold(t *testing.T) {
	r := &recorder{err: errors.New("disk full")}
	w := r.post("/twilio/sms", publicURL+"/twilio/sms", "now", url.Values{"From": {"+34600000001"}, "Body": {"4"}}, "")
	if !strings.Contains(w.Body.String(), "NOT RECORDED") {
		t.Errorf("the person reads %q", w.Body.String())
	}
	w = r.post("/twilio/voice/1-1/digit", publicURL+"/twilio/voice/1-1/digit", "now", url.Values{"Digits": {"4"}}, "")
	if !strings.Contains(w.Body.String(), "Nothing was recorded") || !strings.Contains(w.Body.String(), "<Gather") {
		t.Errorf("the person hears %q", w.Body.String())
	}
	w = r.post("/twilio/status/1-1", publicURL+"/twilio/status/1-1", "now", url.Values{"MessageStatus": {"delivered"}}, "")
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("Twilio is answered %d", w.Code)
	}
}

func TestNoAnswerIsNoContent(t *testing.T) {
	r := &recorder{}
	if w := r.post("/twilio/sms", publicURL+"/twilio/sms", "now", url.Values{"Body": {"quiet"}}, ""); w.Code != http.StatusNoContent || w.Body.Len() != 0 {
		t.Errorf("answered %d %q", w.Code, w.Body)
	}
}

// TestForeignTextNeverBecomesAVerb: a summary that closes our Say and dials a premium number is read aloud as text.
func TestForeignTextNeverBecomesAVerb(t *testing.T) {
	r := &recorder{}
	w := r.post("/twilio/voice/1042-1", publicURL+"/twilio/voice/1042-1", "now", url.Values{"CallSid": {"CA1"}}, "")
	allowed := map[string]bool{"Response": true, "Gather": true, "Say": true, "Pause": true, "Hangup": true}
	d := xml.NewDecoder(w.Body)
	said := 0
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := tok.(xml.StartElement); ok {
			if !allowed[e.Name.Local] {
				t.Errorf("the call has the verb %s", e.Name.Local)
			}
			if e.Name.Local == "Say" {
				said++
			}
		}
	}
	if said < 4 {
		t.Errorf("the text is said %d times, want every paragraph twice", said)
	}
}

func TestStatusesBecomeProgress(t *testing.T) {
	for _, c := range []struct {
		form   url.Values
		failed bool
		final  bool
		reason notify.Reason
	}{
		{url.Values{"MessageStatus": {"sent"}, "MessageSid": {"SM1"}}, false, false, ""},
		{url.Values{"MessageStatus": {"delivered"}}, false, true, ""},
		{url.Values{"MessageStatus": {"undelivered"}, "ErrorCode": {"30003"}}, true, true, notify.ReasonUndelivered},
		{url.Values{"MessageStatus": {"undelivered"}, "ErrorCode": {"30006"}}, true, true, notify.ReasonBadNumber},
		{url.Values{"CallStatus": {"ringing"}}, false, false, ""},
		{url.Values{"CallStatus": {"busy"}}, true, true, notify.ReasonBusy},
		{url.Values{"CallStatus": {"no-answer"}}, true, true, notify.ReasonNoAnswer},
		{url.Values{"CallStatus": {"completed"}}, true, true, notify.ReasonHungUp},
		{url.Values{"CallStatus": {"completed"}, "AnsweredBy": {"machine_end_beep"}}, true, true, notify.ReasonVoicemail},
	} {
		r := &recorder{}
		w := r.post("/twilio/status/1042-7", publicURL+"/twilio/status/1042-7", "now", c.form, "")
		if w.Code != http.StatusNoContent || len(r.progress) != 1 {
			t.Errorf("%v: answered %d", c.form, w.Code)
			continue
		}
		p := r.progress[0]
		if p.Delivery != "1042-7" || p.Failed != c.failed || p.Final != c.final || p.Reason != c.reason || p.Rank == 0 {
			t.Errorf("%v: %+v", c.form, p)
		}
	}
}

func FuzzForm(f *testing.F) {
	f.Add("MessageStatus=delivered&MessageSid=SM1")
	f.Add("a=1&a=2")
	f.Add("%zz=%00")
	f.Fuzz(func(t *testing.T, raw string) {
		req := httptest.NewRequest(http.MethodPost, "/twilio/sms", strings.NewReader(raw))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		form, err := readForm(httptest.NewRecorder(), req)
		if err != nil {
			return
		}
		_, _ = progress(form)
	})
}
