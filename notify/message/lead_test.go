package message

import (
	"strings"
	"testing"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/notify"
)

func TestEveryTextAboutAnIncidentGetsOneShortTruthfulAnswer(t *testing.T) {
	long := strings.Repeat("somebody ", 30)
	for _, c := range []struct {
		led  Led
		want string
	}{
		{Led{1042, notify.VerbNote, incident.AnswerNoted, 0, nil, "ana"}, "Noted on incident 1042"},
		{Led{1042, notify.VerbNote, incident.AnswerRefused, 0, nil, "ana"}, "Incident 1042 is over: nothing changed"},
		{Led{1042, notify.VerbSeverity, incident.AnswerSeverity, alert.SEV2, nil, "ana"}, "Incident 1042 is SEV-2 now"},
		{Led{1042, notify.VerbSeverity, incident.AnswerSeverityConfirmed, alert.SEV2, nil, "ana"}, "Incident 1042 stays SEV-2 and is triaged"},
		{Led{1042, notify.VerbSeverity, incident.AnswerUnchanged, alert.SEV2, nil, "ana"}, "Incident 1042 is SEV-2 already"},
		{Led{1042, notify.VerbCommand, incident.AnswerAssigned, 0, []string{"ana"}, "ana"}, "You lead incident 1042 now. Reply note 1042 TEXT to write into it"},
		{Led{1042, notify.VerbCommand, incident.AnswerAssigned, 0, []string{"ben"}, "ana"}, "ben leads incident 1042 now and is told"},
		{Led{1042, notify.VerbCommand, incident.AnswerUnchanged, 0, []string{"ben"}, "ana"}, "ben leads incident 1042 already"},
		{Led{1042, notify.VerbCall, incident.AnswerCalled, 0, []string{"ben", "eva"}, "ana"}, "Ringing ben, eva for incident 1042 until they confirm"},
		{Led{1042, notify.VerbCall, incident.AnswerUnchanged, 0, []string{"ben"}, "ana"}, "ben: rung for incident 1042 already"},
		{Led{1042, notify.VerbCall, incident.AnswerRepeated, 0, []string{"ben"}, "ana"}, "Done already: nothing changed"},
		{Led{1042, notify.VerbMitigated, incident.AnswerAlreadyResolved, 0, nil, "ana"}, "Incident 1042 is over: nothing changed"},
	} {
		if got := Leads([]Led{c.led}); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	if got := WithRoom("Acked #1042", "https://meet.example.com/1042"); got != "Acked #1042. Meet: https://meet.example.com/1042" {
		t.Errorf("%q", got)
	}
	if got := WithRoom("Acked #1042", "https://meet.example.com/"+long); got != "Acked #1042" {
		t.Errorf("%q", got)
	}
	for text, want := range map[string]string{"Note": "Reply note 1042 and the text", "sev 7": "Reply sev 2 1042", "SEV9": "Reply 4 ack", "ic": "Reply ic me 1042", "page db": "Reply page NAME to 1042",
		"what": "Reply 4 ack", "": "Reply 4 ack", "sev1 2": "Reply sev 2 1042"} {
		if got := UnknownLike(text); !strings.Contains(got, want) || !one(got) {
			t.Errorf("%q is answered %q", text, got)
		}
	}
	for _, text := range []string{Leads([]Led{{1042, notify.VerbCall, incident.AnswerCalled, 0, []string{long, "日本"}, "ana"}}), Leads(nil),
		Choose([]notify.Subject{{Page: 1042, Severity: alert.SEV1, Service: long}}, notify.Reply{Verb: notify.VerbNote})} {
		if !one(text) {
			t.Errorf("%q is not one segment", text)
		}
	}
}
