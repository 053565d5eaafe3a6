package message

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"pagerd/gateway/alert"
	"pagerd/gateway/page"
	"pagerd/notify"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func subject(n int64, sev alert.Severity, service string) notify.Subject {
	return notify.Subject{Page: n, Severity: sev, Service: service, Summary: "5xx rate 15% on /checkout for 3 minutes", Status: "triggered", Firing: 1,
		Environment: "prod", Runbook: "https://runbooks.example.com/5xx", Since: time.Date(2026, 3, 28, 2, 0, 0, 0, time.UTC)}
}

func notification(kind notify.Kind, ch notify.Channel, subjects ...notify.Subject) notify.Notification {
	return notify.Notification{Delivery: "1042-1", Kind: kind, Contact: notify.Contact{Person: "ana", Channel: ch}, Subjects: subjects,
		Link: "https://pager.example.com/r/token", Text: "Page 1042: platform/primary is nobody who can be reached now."}
}

// TestWhatPeopleReadAndHear is one file to read as the person whose telephone rings.
func TestWhatPeopleReadAndHear(t *testing.T) {
	one := subject(1042, alert.SEV1, "api-gateway")
	three := []notify.Subject{subject(1042, alert.SEV2, "api-gateway"), subject(1043, alert.SEV2, "orders-db"), subject(1044, alert.SEV3, "search")}
	var many []notify.Subject
	for i := range int64(40) {
		many = append(many, subject(1042+i, alert.SEV2, fmt.Sprintf("service-%d", i)))
	}
	var b strings.Builder
	for _, kind := range []notify.Kind{notify.KindPage, notify.KindInform, notify.KindJoined, notify.KindAsk, notify.KindOver, notify.KindResolved, notify.KindAlarm} {
		for _, ch := range []notify.Channel{notify.SMS, notify.Voice, notify.Email} {
			for _, subjects := range [][]notify.Subject{{one}, three, many} {
				n := Render(notification(kind, ch, subjects...))
				fmt.Fprintf(&b, "== %s %s, %d pages\n", kind, ch, len(subjects))
				if n.Title != "" {
					fmt.Fprintf(&b, "subject: %s\n", n.Title)
				}
				text := n.Text
				if lines := strings.Split(text, "\n"); len(lines) > 24 {
					text = strings.Join(lines[:24], "\n") + "\n(and so on)"
				}
				b.WriteString(text + "\n")
			}
		}
	}
	b.WriteString("== answers\n")
	for _, code := range []page.AnswerCode{page.AnswerAcked, page.AnswerComing, page.AnswerAlreadyAcked, page.AnswerConfirmed, page.AnswerExtended, page.AnswerOldRound, page.AnswerResolved,
		page.AnswerAlreadyResolved, page.AnswerEscalated, page.AnswerNobodyLeft, page.AnswerReopened, page.AnswerNoted, page.AnswerSeverity, page.AnswerHeld, page.AnswerHandedOver} {
		a := page.Answer{Code: code, Page: 1042, By: "ben", At: time.Date(2026, 3, 28, 2, 4, 0, 0, time.UTC), Next: "carla", Severity: alert.SEV2, Incident: 1042}
		fmt.Fprintf(&b, "%s: %s\n   spoken: %s\n", code, Answers([]page.Answer{a}, time.UTC), strings.Join(SpokenAnswers([]page.Answer{a}, time.UTC), " "))
		other := a
		other.Page = 1043
		fmt.Fprintf(&b, "   two: %s\n", Answers([]page.Answer{a, other}, time.UTC))
	}
	fmt.Fprintf(&b, "== others\n%s\n%s\n%s\n%s\n%s\n%s\n%s\n", Unknown(), NothingOpen(), Choose(three, notify.Reply{Verb: notify.VerbAck}), Choose(many, notify.Reply{Verb: notify.VerbResolve}),
		Status(three[:2], time.UTC), Mitigated(nil), Mitigated([]int64{1042}))
	b.WriteString("== mail, HTML\n" + HTML(notification(notify.KindPage, notify.Email, one)))
	golden(t, "testdata/messages.golden", b.String())
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the texts changed; look at them with -update and git diff. Now:\n%s", got)
	}
}

// TestEverySMSIsOnePlainSegment: whatever a source writes, the message keeps its number and its verbs, fits one segment and
// holds nothing that hides, turns or instructs.
func TestEverySMSIsOnePlainSegment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]notify.Kind{notify.KindPage, notify.KindInform, notify.KindJoined, notify.KindAsk, notify.KindOver, notify.KindResolved, notify.KindAlarm}).Draw(t, "kind")
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"Reply 1 to win https://evil.example", "\u202eesrever", "a\nb\tc", strings.Repeat("ü", 500),
			strings.Repeat("漢", 300), "\x00\x07\x1b[31m", "“quotes” – dash…", "😀😀😀", "Ręply 4 to win", "ht\u200btps://evil.example/x", "htţps://evil.example", "Re😀ply 4", "Press 9 now", "text STOP", "𝕏𝕏𝕏𝕏𝕏𝕏𝕏𝕏𝕏𝕏𝕏𝕏𝕏𝕏𝕏𝕏𝕏𝕏𝕏𝕏𝕏𝕏", "Ошибка сервера", strings.Repeat("e\u0301", 90)}))
		var subjects []notify.Subject
		for i := range rapid.IntRange(1, 30).Draw(t, "pages") {
			s := subject(1042+int64(i), alert.Severity(rapid.IntRange(1, 4).Draw(t, "severity")), text.Draw(t, "service"))
			s.Summary, s.Environment, s.Firing = text.Draw(t, "summary"), text.Draw(t, "environment"), rapid.IntRange(0, 5000).Draw(t, "firing")
			subjects = append(subjects, s)
		}
		n := notification(kind, notify.SMS, subjects...)
		n.Text = text.Draw(t, "alarm")
		n.Drill = rapid.Bool().Draw(t, "drill")
		got := Render(n).Text
		if strings.HasPrefix(got, "DRILL ") != n.Drill {
			t.Fatalf("a drill: %v, and it says %q", n.Drill, got)
		}
		if segments, _ := notify.Segments(got); segments != 1 {
			t.Fatalf("%d segments: %q", segments, got)
		}
		for _, c := range got {
			if unicode.IsControl(c) || unicode.Is(unicode.Cf, c) {
				t.Fatalf("%q holds %U", got, c)
			}
		}
		if kind == notify.KindAlarm {
			return
		}
		if !strings.Contains(got, "1042") {
			t.Fatalf("%q does not name the page", got)
		}
		// What we say is whole, and nothing in the source's words says it too.
		ours := map[notify.Kind]string{notify.KindPage: `\bReply (4 ack|4 ack, 6 resolve, 8 escalate)$`, notify.KindInform: `Reply 4( to confirm)?$`, notify.KindAsk: `Reply 4( to keep it, 6 if resolved(\. No answer: it rings again in 5 min)?| or 6)$`,
			notify.KindOver: `Reply 6 1042\b`, notify.KindJoined: `fires again|changed`, notify.KindResolved: `^(DRILL over: |RESOLVED )`}[kind]
		if len(subjects) > 1 {
			ours = map[notify.Kind]string{notify.KindJoined: `changed`, notify.KindResolved: `^(DRILL )?RESOLVED `, notify.KindOver: `Reply all 6, or e\.g\. 6 1042$`, notify.KindInform: `Reply all 4 to confirm, or e\.g\. 4 1042$`}[kind]
			if ours == "" {
				ours = `Reply all 4, or e\.g\. 4 1042$`
			}
		}
		if !regexp.MustCompile(ours).MatchString(got) {
			t.Fatalf("%q does not end with what to reply", got)
		}
		if strings.Count(strings.ToLower(got), "reply") > 1 || strings.Contains(got, "Press") || strings.Contains(got, "STOP") {
			t.Fatalf("%q holds a foreign instruction", got)
		}
		if strings.Contains(got, "://") {
			t.Fatalf("%q has a link to tap on", got)
		}
	})
}

func TestForeignTextStaysReadableAndHarmless(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"RPC call latency high, failed to send email", "RPC call latency high, failed to send email"},
		{"no reply from 10.0.0.7:5432 for 30 s", "no reply from 10.0.0.7:5432 for 30 s"},
		{"press releases are late", "press releases are late"},
		{"failed to send 500 messages in 5 min", "failed to send 500 messages in 5 min"},
		{"text index rebuild stopped", "text index rebuild stopped"},
		{"HTTP 5xx > 15% on db1.prod.example.com", "HTTP 5xx > 15% on db1.prod.example.com"},
		{"Reply 1 to reset your password", "... to reset your password"},
		{"reply with \"YES\" now", "... now"},
		{"Please press the number 9!", "Please ...!"},
		{"Text STOP to stop", "... to stop"},
		{"send 4 to win", "... win"},
		{"call us at +1 900 555 0100 now", "... now"},
		{"Ręply 4", "..."},
		{"Re😀ply 4", "..."},
		{"Re\u200bply 4", "..."},
		{"see https://evil.example/x?y=1 now", "see (link) now"},
		{"ht\u200btps://evil.example/x", "(link)"},
		{"htţps://evil.example", "(link)"},
		{"postgres://user:secret@db/x failed", "(link) failed"},
		{"www.evil.example", "(link)"},
		{"tel:+19005550100", "(link)"},
		{"evil.example/reset", "evil. example/reset"},
		{"line\r\nbreak\ttab\u2028sep\u00a0nbsp", "line break tab sep nbsp"},
		{"\u202edesrever\u2066 \u3164x", "desrever x"},
		{"“quoted” – it’s 5 °C ± 2 ≈ 3µs…", "\"quoted\" - it's 5 degC +- 2 ~ 3us..."},
		{"Größe Ångström façade Łódź naïve Șoseaua ığdır", "Größe Ångström facade Lodz naive Soseaua igdir"},
		{"cafe\u0301 Việt Nam", "cafe Viet Nam"},
		{"Σφάλμα μνήμης", "ΣΦAΛMA MNHMHΣ"},
		{"🔥 disk 95 % ☃", "disk 95 %"},
		{"ＡＰＩ error", "API error"},
		{"Ошибка 500 🔥", "Ошибка 500"},
		{"決済サービス。", "決済サービス。"},
	} {
		got := brief(c.in)
		if got != c.want {
			t.Errorf("%q is written %q, want %q", c.in, got, c.want)
		}
		if again := brief(got); again != got {
			t.Errorf("%q becomes %q when it is cleaned again", got, again)
		}
	}
}

// TestEveryLetterOfTheTableIsWrittenInGSM7 keeps the tables aligned.
func TestEveryLetterOfTheTableIsWrittenInGSM7(t *testing.T) {
	if from, to := len([]rune(greekFrom)), len([]rune(greekTo)); from != to {
		t.Fatalf("%d Greek letters, %d readings", from, to)
	}
	for _, group := range strings.Fields(latin) {
		base, variants, _ := strings.Cut(group, ":")
		for _, c := range variants {
			if r, ok := plain(c, false); !ok || r != base && r != string(c) {
				t.Errorf("%q is written %q, want %q", c, r, base)
			}
		}
	}
	for _, c := range greekFrom + greekTo {
		if r, ok := plain(c, true); !ok || r == "" {
			t.Errorf("%q has no reading", c)
		} else if _, gsm7 := notify.GSM(r); !gsm7 {
			t.Errorf("%q is written %q, which is not GSM-7", c, r)
		}
	}
}

// TestNamesInOtherScriptsDoNotCutWhatWeSay: 70 characters must hold the service, the number and what to reply.
func TestNamesInOtherScriptsDoNotCutWhatWeSay(t *testing.T) {
	s := subject(1042, alert.SEV1, "決済サービス決済サービス決済サービス決済サービス")
	s.Summary = "エラー率が15%を超えています。至急確認してください"
	for kind, want := range map[notify.Kind]string{
		notify.KindPage:   "SEV1 決済サービス決済サービス決済サービス決済: エラー率が15%を超えていま... (prod) #1042. Reply 4 ack",
		notify.KindInform: "SEV1 決済サービス決済サービス決済サービス決済: エラー率が15%を超えてい... (prod) #1042. FYI. Reply 4",
		notify.KindAsk:    "Still on #1042 SEV1 決済サービス決済サービス決済サービス決済? エラー率が15%を超えて... Reply 4 or 6",
		notify.KindOver:   "SEV1 決済サービス決済サービス決済サービス決済 #1042 over. Incident? エラー率が1... Reply 6 1042",
	} {
		got := Render(notification(kind, notify.SMS, s)).Text
		if got != want {
			t.Errorf("%s: %q, want %q", kind, got, want)
		}
		if units := len([]rune(got)); units != 70 {
			t.Errorf("%s: %d characters of 70 are used", kind, units)
		}
	}
}

func TestEveryAnswerIsOneSegment(t *testing.T) {
	long := strings.Repeat("Ω漢字😀name ", 40)
	var many []page.Answer
	var subjects []notify.Subject
	for i := range int64(50) {
		s := subject(1042+i, alert.SEV1, long)
		s.Status, s.Acknowledger = "acknowledged", long
		subjects = append(subjects, s)
		many = append(many, page.Answer{Page: 1042 + i, Code: []page.AnswerCode{page.AnswerAcked, page.AnswerHeld}[i%2], By: long})
	}
	texts := []string{Unknown(), NothingOpen(), Refused(long, "try again"), Refused("there is no page 1099", long), Choose(subjects, notify.Reply{Verb: notify.VerbAck}), Choose(subjects[:1], notify.Reply{Verb: notify.VerbStatus}),
		Choose(nil, notify.Reply{Verb: notify.VerbAck}), Status(subjects, time.UTC), Status(nil, time.UTC), Mitigated([]int64{1042, 1043}), Answers(many, time.UTC), Answers(nil, time.UTC)}
	for _, code := range []page.AnswerCode{page.AnswerAlreadyAcked, page.AnswerAlreadyResolved, page.AnswerEscalated, page.AnswerNone} {
		texts = append(texts, Answers([]page.Answer{{Page: 1042, Code: code, By: long, Next: long}}, time.UTC))
	}
	for _, text := range texts {
		if n, _ := notify.Segments(text); n != 1 || text == "" {
			t.Errorf("%d segments: %q", n, text)
		}
	}
}

// TestTimesAreTheReadersOwn: the acknowledgement at 02:04 UTC was at 03:04 in Madrid.
func TestTimesAreTheReadersOwn(t *testing.T) {
	madrid := time.FixedZone("CET", 3600)
	a := []page.Answer{{Page: 1042, Code: page.AnswerAlreadyAcked, By: "ana", At: time.Date(2026, 3, 28, 2, 4, 0, 0, time.UTC)}}
	if got := Answers(a, madrid); !strings.Contains(got, "03:04") {
		t.Errorf("read: %q", got)
	}
	if got := strings.Join(SpokenAnswers(a, madrid), " "); !strings.Contains(got, "03:04") {
		t.Errorf("heard: %q", got)
	}
}

// TestACallOffersOnlyDigitsThatDoSomething: what is not answerable has no menu.
func TestACallOffersOnlyDigitsThatDoSomething(t *testing.T) {
	for _, kind := range []notify.Kind{notify.KindPage, notify.KindInform, notify.KindJoined, notify.KindAsk, notify.KindOver, notify.KindResolved, notify.KindAlarm} {
		text := strings.Join(Spoken(notification(kind, notify.Voice, subject(1042, alert.SEV1, "api-gateway"))), " ")
		if offers := strings.Contains(text, "Press "); offers != kind.Answerable() {
			t.Errorf("%s: offers digits %v in %q", kind, offers, text)
		}
	}
}

func TestTheRunbookIsReadAloudInSmallPortions(t *testing.T) {
	s := subject(1042, alert.SEV1, "api-gateway")
	s.RunbookLines = []string{"# Check the dashboard", "Roll back", "3", "4", "5", "not read"}
	text := strings.Join(SpokenRunbook(notification(notify.KindPage, notify.Voice, s)), "\n")
	if !strings.Contains(text, "Roll back") || strings.Contains(text, "not read") || !strings.Contains(text, "Press 4") {
		t.Errorf("heard: %q", text)
	}
	for runbook, want := range map[string]string{"": "There is no runbook", "https://runbooks.example.com/5xx": "Page 1 0 4 2"} {
		s.Runbook, s.RunbookLines = runbook, nil
		if text := strings.Join(SpokenRunbook(notification(notify.KindPage, notify.Voice, s)), "\n"); !strings.Contains(strings.ToLower(text), strings.ToLower(want)) {
			t.Errorf("runbook %q: heard %q", runbook, text)
		}
	}
}

func TestWhoPicksUpTooLateHearsHowThingsStand(t *testing.T) {
	s := subject(1042, alert.SEV1, "api-gateway")
	s.Status, s.Acknowledger = "acknowledged", "ben"
	if text := strings.Join(SpokenStatus([]notify.Subject{s}, time.UTC), " "); !strings.Contains(text, "Page 1 0 4 2, api gateway, is acknowledged by ben") || strings.Contains(text, "Press") {
		t.Errorf("heard: %q", text)
	}
	if text := strings.Join(SpokenUnknown(), " "); !strings.Contains(text, "Press 4") {
		t.Errorf("heard: %q", text)
	}
}

func TestHostileTextIsDataInMail(t *testing.T) {
	s := subject(1042, alert.SEV1, `<img src=x onerror=alert(1)>`)
	s.Summary, s.Runbook = "</p><script>alert(1)</script>\r\nBcc: x@example.com", "javascript:alert(1)"
	n := Render(notification(notify.KindPage, notify.Email, s))
	if strings.ContainsAny(n.Title, "\r\n") {
		t.Errorf("the subject has a line break: %q", n.Title)
	}
	if html := HTML(n); strings.Contains(html, "<script") || strings.Contains(html, "<img") || strings.Contains(html, `href="javascript`) {
		t.Errorf("foreign markup in %s", html)
	}
}
