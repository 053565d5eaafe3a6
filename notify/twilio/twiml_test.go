package twilio

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"pagerd/notify"
)

func TestACallReadsTwiceAndListensAllTheWhile(t *testing.T) {
	got := voice(Script{Paragraphs: []string{`Severity 1. <api> & "x"`, "Press 4."}, Digits: true}, "en-GB", "https://pager.example.com/twilio/voice/1042-1/digit")
	want := `<?xml version="1.0" encoding="UTF-8"?><Response>` +
		`<Gather input="dtmf" numDigits="1" timeout="8" actionOnEmptyResult="false" method="POST" action="https://pager.example.com/twilio/voice/1042-1/digit">` +
		`<Say language="en-GB">Severity 1. &lt;api&gt; &amp; &#34;x&#34;</Say><Pause length="1"/><Say language="en-GB">Press 4.</Say><Pause length="2"/>` +
		`<Say language="en-GB">Severity 1. &lt;api&gt; &amp; &#34;x&#34;</Say><Pause length="1"/><Say language="en-GB">Press 4.</Say></Gather>` +
		`<Say language="en-GB">No digit was pressed. Goodbye.</Say><Hangup/></Response>`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got = voice(Script{Paragraphs: []string{"Done."}}, "en-GB", "x")
	if want := `<?xml version="1.0" encoding="UTF-8"?><Response><Say language="en-GB">Done.</Say><Hangup/></Response>`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := reply("\x00\x1b</Message><Message to=\"+1900\">"); strings.Count(got, "<Message") != 1 || strings.Contains(got, "\x1b") {
		t.Errorf("got %s", got)
	}
}

func TestEveryFailureOfTwilioHasItsReason(t *testing.T) {
	sms := func(status, code string) url.Values {
		return url.Values{"MessageSid": {"SM1"}, "MessageStatus": {status}, "ErrorCode": {code}}
	}
	call := func(status string, more ...string) url.Values {
		v := url.Values{"CallSid": {"CA1"}, "CallStatus": {status}}
		for i := 0; i+1 < len(more); i += 2 {
			v.Set(more[i], more[i+1])
		}
		return v
	}
	for _, c := range []struct {
		form   url.Values
		reason notify.Reason
	}{
		{sms("undelivered", "30003"), notify.ReasonUndelivered},
		{sms("undelivered", "30004"), notify.ReasonBadNumber},
		{sms("undelivered", "30005"), notify.ReasonBadNumber},
		{sms("undelivered", "30006"), notify.ReasonBadNumber},
		{sms("undelivered", "30007"), notify.ReasonUndelivered},
		{sms("failed", "30008"), notify.ReasonUndelivered},
		{sms("failed", "30001"), notify.ReasonUndelivered},
		{sms("failed", "30002"), notify.ReasonBadCredentials},
		{sms("failed", "30034"), notify.ReasonBadCredentials},
		{sms("failed", "21610"), notify.ReasonOptedOut},
		{sms("failed", ""), notify.ReasonUndelivered},
		{sms("canceled", "no number"), notify.ReasonUndelivered},
		{call("busy"), notify.ReasonBusy},
		{call("no-answer"), notify.ReasonNoAnswer},
		{call("canceled"), notify.ReasonUndelivered},
		{call("failed", "SipResponseCode", "503"), notify.ReasonUndelivered},
		{call("failed", "SipResponseCode", "404"), notify.ReasonBadNumber},
		{call("completed", "AnsweredBy", "human"), notify.ReasonHungUp},
		{call("completed", "AnsweredBy", "machine_start"), notify.ReasonVoicemail},
		{call("completed", "AnsweredBy", "machine_end_beep"), notify.ReasonVoicemail},
		{call("completed", "AnsweredBy", "fax"), notify.ReasonVoicemail},
		{call("completed", "AnsweredBy", "unknown"), notify.ReasonHungUp},
		{call("completed"), notify.ReasonHungUp},
	} {
		p, ok := progress(c.form)
		if !ok || !p.Final || !p.Failed || p.Reason != c.reason {
			t.Errorf("%v: %+v, want %s", c.form, p, c.reason)
		}
	}
}

// TestAnOldCallbackNeverOutranksANewOne: the states in their order, as Twilio documents it; callbacks arrive in any.
func TestAnOldCallbackNeverOutranksANewOne(t *testing.T) {
	for key, order := range map[string][]string{
		"MessageStatus": {"queued", "sending", "sent", "delivered"},
		"CallStatus":    {"queued", "initiated", "ringing", "in-progress", "completed"},
	} {
		last := 0
		for i, s := range order {
			p, ok := progress(url.Values{key: {s}})
			if !ok || p.Rank <= last || p.Final != (i == len(order)-1) {
				t.Errorf("%s %s: %+v after rank %d", key, s, p, last)
			}
			last = p.Rank
		}
	}
	for _, form := range []url.Values{{"MessageStatus": {"teleported"}}, {"CallStatus": {"teleported"}}, {}} {
		if p, ok := progress(form); ok {
			t.Errorf("%v is %+v", form, p)
		}
	}
}

func TestOddCallbacksAreAnsweredAndChangeNothing(t *testing.T) {
	r := &recorder{}
	if w := r.post("/twilio/status/1-1", publicURL+"/twilio/status/1-1", "now", url.Values{"MessageStatus": {"teleported"}}, ""); w.Code != http.StatusNoContent {
		t.Errorf("an unknown status is answered %d", w.Code)
	}
	if len(r.progress) > 0 {
		t.Error("an unknown status changed something")
	}
	if w := r.post("/twilio/sms/", publicURL+"/twilio/sms/", "now", url.Values{"From": {"whatsapp:+34600000001"}, "Body": {"4"}, "OptOutType": {"STOP"}}, ""); w.Code != http.StatusOK {
		t.Errorf("with a slash at the end: %d", w.Code)
	}
	if len(r.texts) != 1 || r.texts[0].From != "+34600000001" || r.texts[0].OptOut != "STOP" {
		t.Errorf("%+v", r.texts)
	}
}
