package notify

import (
	"encoding/json"
	"os"
	"reflect"
	"testing"
	"unicode/utf8"

	"pagerd/gateway/alert"
)

func TestRepliesMeanWhatAHalfAsleepPersonWrote(t *testing.T) {
	for _, c := range []struct {
		text string
		want Reply
	}{
		{"4", Reply{Verb: VerbAck}},
		{" 4 . ", Reply{Verb: VerbAck}},
		{"A", Reply{Verb: VerbAck}},
		{"ACK.", Reply{Verb: VerbAck}},
		{"ack please", Reply{Verb: VerbAck}},
		{"Ａck", Reply{Verb: VerbAck}},
		{"４", Reply{Verb: VerbAck}},
		{"4️⃣", Reply{Verb: VerbAck}},
		{"👍 4", Reply{Verb: VerbAck}},
		{"ack 1042", Reply{Verb: VerbAck, Pages: []int64{1042}}},
		{"1042 4", Reply{Verb: VerbAck, Pages: []int64{1042}}},
		{"4 1042", Reply{Verb: VerbAck, Pages: []int64{1042}}},
		{"1042a", Reply{Verb: VerbAck, Pages: []int64{1042}}},
		{"1042r", Reply{Verb: VerbResolve, Pages: []int64{1042}}},
		{"#1042 ack", Reply{Verb: VerbAck, Pages: []int64{1042}}},
		{"ack 1042, 1043 and 1044", Reply{}},
		{"ack 1042, 1043", Reply{Verb: VerbAck, Pages: []int64{1042, 1043}}},
		{"all 4", Reply{Verb: VerbAck, All: true}},
		{"4 all", Reply{Verb: VerbAck, All: true}},
		{"6", Reply{Verb: VerbResolve}},
		{"close", Reply{Verb: VerbResolve}},
		{"Resolved!", Reply{Verb: VerbResolve}},
		{"8", Reply{Verb: VerbEscalate}},
		{"e 1042", Reply{Verb: VerbEscalate, Pages: []int64{1042}}},
		{"?", Reply{Verb: VerbStatus}},
		{"who?", Reply{Verb: VerbStatus}},
		{"status", Reply{Verb: VerbStatus}},
		{"? 1042", Reply{Verb: VerbStatus, Pages: []int64{1042}}},
		{"1042?", Reply{Verb: VerbStatus, Pages: []int64{1042}}},
		{"？", Reply{Verb: VerbStatus}},
		{"all?", Reply{Verb: VerbStatus, All: true}},
		{"ack1042", Reply{Verb: VerbAck, Pages: []int64{1042}}},
		{"1042ack", Reply{Verb: VerbAck, Pages: []int64{1042}}},
		{"a1042", Reply{Verb: VerbAck, Pages: []int64{1042}}},
		{"#1042: 4 #1043: 4", Reply{Verb: VerbAck, Pages: []int64{1042, 1043}}},
		{"1042 1042 4", Reply{Verb: VerbAck, Pages: []int64{1042}}},
		{"4\n", Reply{Verb: VerbAck}},
		{"\u200b4\u200b", Reply{Verb: VerbAck}},
		{"\"4\"", Reply{Verb: VerbAck}},
		{"page 1042 ack thanks", Reply{Verb: VerbAck, Pages: []int64{1042}}},
		{"noise 1042", Reply{Verb: VerbNoise, Pages: []int64{1042}}},
		{"mitigated", Reply{Verb: VerbMitigated}},

		{"", Reply{}},
		{"1042", Reply{}},
		{"5", Reply{}},
		{"44", Reply{}},
		{"4 6", Reply{}},
		{"ack resolve", Reply{}},
		{"all", Reply{}},
		{"👍", Reply{}},
		{"yes 4 am here", Reply{}},
		{"I'm driving and will call you back at 4", Reply{}},
		{"Auto-reply: out of office until Monday 4", Reply{}},
		{"4 1042x", Reply{}},
		{"04", Reply{}},
		{"ack 999", Reply{}},
		{"sev 4", Reply{Verb: VerbSeverity, Severity: alert.SEV4}},
		{"SEV-4 1042", Reply{Verb: VerbSeverity, Severity: alert.SEV4, Pages: []int64{1042}}},
		{"sev2", Reply{Verb: VerbSeverity, Severity: alert.SEV2}},
		{"1042 Sev 1 please", Reply{Verb: VerbSeverity, Severity: alert.SEV1, Pages: []int64{1042}}},
		{"sev 5", Reply{}},
		{"sev", Reply{}},
		{"sev 4 4", Reply{}},
		{"sev 1 or 2", Reply{}},
		{"sev 1 sev 2", Reply{}},
		{"sev 2 1042 1043", Reply{}},
		{"sev 2?", Reply{}},
		{"is it sev 1", Reply{}},
		{"SEV1 api-gateway #1042", Reply{}},

		{"note rolling back", Reply{Verb: VerbNote, Text: "rolling back"}},
		{"Note 1042 Rolling back: 4 of 6 done", Reply{Verb: VerbNote, Pages: []int64{1042}, Text: "Rolling back: 4 of 6 done"}},
		{"NOTE: #1042, ack from the vendor", Reply{Verb: VerbNote, Pages: []int64{1042}, Text: "ack from the vendor"}},
		{"note 1042\nresolve", Reply{Verb: VerbNote, Pages: []int64{1042}, Text: "resolve"}},
		{" note stop", Reply{Verb: VerbNote, Text: "stop"}},
		{"note 4", Reply{Verb: VerbNote, Text: "4"}},
		{"note", Reply{}},
		{"note 1042", Reply{}},
		{"noted", Reply{}},
		{"noted 4", Reply{}},

		{"ic me", Reply{Verb: VerbCommand, Name: "me"}},
		{"IC Ben 1042", Reply{Verb: VerbCommand, Name: "Ben", Pages: []int64{1042}}},
		{"ic #1042 ana-maria.", Reply{Verb: VerbCommand, Name: "ana-maria", Pages: []int64{1042}}},
		{"ic", Reply{}},
		{"ic 1042", Reply{}},
		{"ic me please now", Reply{}},
		{"ic 4", Reply{}},

		{"page db to 1042", Reply{Verb: VerbCall, Name: "db", Pages: []int64{1042}}},
		{"Page team:Data to #1042.", Reply{Verb: VerbCall, Name: "team:Data", Pages: []int64{1042}}},
		{"page db/secondary TO 1042", Reply{Verb: VerbCall, Name: "db/secondary", Pages: []int64{1042}}},
		{"page db", Reply{}},
		{"page db to", Reply{}},
		{"page 1043 to 1042", Reply{}},
		{"page db to me", Reply{}},
		{"page the db to 1042", Reply{}},
		{"ack 1042-1044", Reply{}},
		{"4 1042 – 1044", Reply{}},
		{"ack 1042..1044", Reply{}},
		{"４ １０４２－１０４４", Reply{}},
		{"all 4 1042", Reply{}},
		{"a1042r", Reply{}},
		{"ack ١٠٤٢", Reply{}},
		{"1042 ack 1043 resolve", Reply{}},
		{"ok?", Reply{}},
		{"what is this?", Reply{}},
		{"8/4", Reply{}},
		{"4:30", Reply{}},
		{"+34 600 000 001", Reply{}},
		{"ack 99999999999999999999", Reply{}},
		{"Liked “SEV1 api-gateway: 5xx #1042. Reply 4 ack, 6 resolve, 8 escalate”", Reply{}},
		{"👍 to “SEV1 api-gateway #1042. Reply 4 ack”", Reply{}},
		{"Sent from my iPhone 4", Reply{}},
		{"STOP 1042", Reply{}},
		{"a s", Reply{}},

		{"STOP", Reply{Verb: VerbCarrier}},
		{"end", Reply{Verb: VerbCarrier}},
		{"Quit!", Reply{Verb: VerbCarrier}},
		{"cancel", Reply{Verb: VerbCarrier}},
		{"YES", Reply{Verb: VerbCarrier}},
		{"help", Reply{Verb: VerbCarrier}},
		{"unstop", Reply{Verb: VerbCarrier}},
	} {
		if got := ParseReply(c.text); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q means %+v, want %+v", c.text, got, c.want)
		}
	}
}

func TestOnlyTheAnnouncedDigitsMeanSomething(t *testing.T) {
	want := map[string]Verb{"4": VerbAck, "6": VerbResolve, "8": VerbEscalate, "0": VerbRunbook, "9": VerbRepeat}
	for _, d := range []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "#", "", "44", "4#"} {
		if got := ParseDigit(d).Verb; got != want[d] {
			t.Errorf("digit %q means %q, want %q", d, got, want[d])
		}
	}
}

func FuzzParseReply(f *testing.F) {
	for _, s := range []string{"4", "ack 1042", "all 6", "1042a", "STOP", "４️⃣ Ａck", "\xff4", "99999999999999999999 4", "note 1042 x", "sev 2 1042", "ic me", "page db to 1042", "note\xff 4", "NOTE:\u00a0x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := ParseReply(text)
		for _, n := range r.Pages {
			if n < firstPage {
				t.Errorf("%q names page %d", text, n)
			}
		}
		if r.Verb.Leads() != (r.Text != "" || r.Severity != 0 || r.Name != "") || r.Verb == VerbCall && len(r.Pages) != 1 {
			t.Errorf("%q is %+v", text, r)
		}
		if !utf8.ValidString(r.Text) || !utf8.ValidString(r.Name) || r.Severity != 0 && !r.Severity.Valid() {
			t.Errorf("%q is %+v", text, r)
		}
		if r.Verb == VerbNone && (len(r.Pages) > 0 || r.All) {
			t.Errorf("%q is not understood and yet %+v", text, r)
		}
	})
}

func TestSegmentsAreTwiliosOwn(t *testing.T) {
	var fixture struct {
		Cases []struct {
			Name, Body, Encoding string
			Segments             int
		}
	}
	b, err := os.ReadFile("testdata/sms-segments.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &fixture); err != nil {
		t.Fatal(err)
	}
	for _, c := range fixture.Cases {
		n, ucs2 := Segments(c.Body)
		if n != c.Segments || ucs2 != (c.Encoding == "UCS-2") {
			t.Errorf("%s: %d segments, UCS-2 %v; want %d, %s", c.Name, n, ucs2, c.Segments, c.Encoding)
		}
	}
	if len(fixture.Cases) < 10 {
		t.Errorf("only %d cases", len(fixture.Cases))
	}
}

func TestMaskShowsTheLastFourDigitsOnly(t *testing.T) {
	for in, want := range map[string]string{"+34600123456": "…3456", "123": "…", "": "…", "ana@example.com": "a…@example.com", "@x": "…@x"} {
		if got := Mask(in); got != want {
			t.Errorf("Mask(%q) is %q, want %q", in, got, want)
		}
	}
}
