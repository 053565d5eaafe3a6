package practice

import (
	"strings"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/update"
)

func facts(s update.State) Facts {
	since := time.Date(2026, 3, 10, 14, 0, 0, 0, time.UTC)
	return Facts{Number: 1042, Severity: alert.SEV1, Service: "checkout-internal", Component: "Checkout", Summary: "secret\nBcc: x@example.com", Commander: "ana",
		State: s, Text: "Payments by card fail.", Since: since, Next: since.Add(time.Hour), Now: since.Add(30 * time.Minute)}
}

func TestEveryDocumentIsThere(t *testing.T) {
	for _, n := range Names() {
		if text, ok := Document(n); !ok || !strings.HasPrefix(text, "# ") {
			t.Errorf("%s: %t", n, ok)
		}
	}
	if _, ok := Document("../templates/customers"); ok {
		t.Error("a document may be anything")
	}
}

func TestEachStateIsToldToEachAudience(t *testing.T) {
	for _, s := range update.States() {
		for _, a := range []update.Audience{update.Stakeholders, update.Customers} {
			subject, body, err := Render(a, facts(s))
			if err != nil || subject == "" || strings.Contains(subject, "\n") || strings.Count(body, "Payments by card fail.") != 1 || strings.Contains(body, "\n\n\n") {
				t.Errorf("%s %s: %v\n%s\n\n%s", a, s, err, subject, body)
			}
			if !strings.Contains(body, "15:00 UTC on 10 March") {
				t.Errorf("%s %s does not say when more is told:\n%s", a, s, body)
			}
		}
	}
	if _, _, err := Render(update.Customers, facts("over")); err == nil {
		t.Error("any word is a state")
	}
	if _, _, err := Render("everybody", facts(update.Resolved)); err == nil {
		t.Error("any word is an audience")
	}
}

func TestCustomersReadNothingPrivate(t *testing.T) {
	for _, s := range update.States() {
		subject, body, _ := Render(update.Customers, facts(s))
		for _, private := range []string{"secret", "ana", "1042", "SEV", "internal", "Bcc"} {
			if strings.Contains(subject+body, private) {
				t.Errorf("%s: %q is told:\n%s\n%s", s, private, subject, body)
			}
		}
	}
}

func TestAMessageReadsWell(t *testing.T) {
	f := facts(update.Resolved)
	f.Until, f.Next = f.Since.Add(95*time.Minute), time.Time{}
	_, body, _ := Render(update.Customers, f)
	if want := "Checkout works as usual again. It was disturbed for 1 h 35 min. We are sorry for that.\n\nPayments by card fail.\n"; body != want {
		t.Errorf("%q", body)
	}
	subject, body, _ := Render(update.Stakeholders, facts(update.Identified))
	if want := "SEV-1 incident 1042: secret Bcc: x@example.com\nState: identified. It has lasted 30 min.\nLed by ana.\n\nPayments by card fail.\n\nThe next word comes at 15:00 UTC on 10 March.\n"; body != want || subject != "[SEV-1] checkout-internal: identified (incident 1042)" {
		t.Errorf("%q\n%q", subject, body)
	}
}
