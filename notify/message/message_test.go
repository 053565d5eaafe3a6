package message

import (
	"flag"
	"fmt"
	"os"
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
	for _, code := range []page.AnswerCode{page.AnswerAcked, page.AnswerAlreadyAcked, page.AnswerConfirmed, page.AnswerExtended, page.AnswerOldRound, page.AnswerResolved,
		page.AnswerAlreadyResolved, page.AnswerEscalated, page.AnswerNobodyLeft, page.AnswerReopened, page.AnswerNoted, page.AnswerSeverity, page.AnswerHeld, page.AnswerHandedOver} {
		a := page.Answer{Code: code, Page: 1042, By: "ben", At: time.Date(2026, 3, 28, 2, 4, 0, 0, time.UTC), Next: "carla", Severity: alert.SEV2, Incident: 1042}
		fmt.Fprintf(&b, "%s: %s\n   spoken: %s\n", code, Answers([]page.Answer{a}, time.UTC), strings.Join(SpokenAnswers([]page.Answer{a}, time.UTC), " "))
		other := a
		other.Page = 1043
		fmt.Fprintf(&b, "   two: %s\n", Answers([]page.Answer{a, other}, time.UTC))
	}
	fmt.Fprintf(&b, "== others\n%s\n%s\n%s\n%s\n%s\n%s\n%s\n", Unknown(), NothingOpen(), Choose(three, notify.VerbAck), Choose(many, notify.VerbResolve),
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
			strings.Repeat("漢", 300), "\x00\x07\x1b[31m", "“quotes” – dash…", "😀😀😀"}))
		var subjects []notify.Subject
		for i := range rapid.IntRange(1, 30).Draw(t, "pages") {
			s := subject(1042+int64(i), alert.Severity(rapid.IntRange(1, 4).Draw(t, "severity")), text.Draw(t, "service"))
			s.Summary, s.Environment, s.Firing = text.Draw(t, "summary"), text.Draw(t, "environment"), rapid.IntRange(0, 5000).Draw(t, "firing")
			subjects = append(subjects, s)
		}
		n := notification(kind, notify.SMS, subjects...)
		n.Text = text.Draw(t, "alarm")
		got := Render(n).Text
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
		if kind == notify.KindPage && !strings.Contains(got, "eply") {
			t.Fatalf("%q does not say what to reply", got)
		}
		if strings.Contains(got, "://") {
			t.Fatalf("%q has a link to tap on", got)
		}
	})
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
