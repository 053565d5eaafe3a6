package email

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/notify"
	"pagerd/notify/email/mailsink"
	"pagerd/notify/message"
)

func sink(t *testing.T) (*mailsink.Sink, *Sender) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := mailsink.New(l, mailsink.Options{})
	t.Cleanup(func() { _ = s.Close() })
	sender, err := New(Options{Address: l.Addr().String(), TLS: "none", From: "pager@example.com", Host: "pager.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	return s, sender
}

func mailOf(delivery string) notify.Notification {
	return message.Render(notify.Notification{Delivery: delivery, Kind: notify.KindPage, Thread: "page.1042", Link: "https://pager.example.com/r/x",
		Contact:  notify.Contact{Channel: notify.Email, Address: "ana@example.com", Person: "ana"},
		Subjects: []notify.Subject{{Page: 1042, Severity: alert.SEV1, Service: "api\r\nBcc: evil@example.com", Summary: "5xx rate 15%\r\n\r\nbody", Status: "triggered", Firing: 1}}})
}

func TestMailsOfOnePageAreOneThreadThatNothingAnswersByItself(t *testing.T) {
	s, sender := sink(t)
	for _, d := range []string{"1042-1", "1042-2"} {
		out := sender.Send(t.Context(), mailOf(d))
		if out.Certainty != notify.Sent || out.ProviderID != "delivery."+d+"@pager.example.com" {
			t.Fatalf("%+v", out)
		}
	}
	messages := s.Messages()
	if len(messages) != 2 {
		t.Fatalf("%d mails", len(messages))
	}
	for _, m := range messages {
		h := m.Header
		if h.Get("In-Reply-To") != "<page.1042@pager.example.com>" || h.Get("References") != "<page.1042@pager.example.com>" ||
			h.Get("Auto-Submitted") != "auto-generated" || h.Get("X-Auto-Response-Suppress") != "All" {
			t.Errorf("headers %v", h)
		}
		if h.Get("X-Mailer") != "" || h.Get("User-Agent") != "" || h.Get("Bcc") != "" || len(m.Recipients) != 1 {
			t.Errorf("headers %v to %v", h, m.Recipients)
		}
		if !strings.Contains(m.Text, "https://pager.example.com/r/x") || !strings.Contains(m.HTML, "https://pager.example.com/r/x") || m.Subject == "" {
			t.Errorf("text %q", m.Text)
		}
	}
	if messages[0].Subject != messages[1].Subject {
		t.Errorf("subjects %q and %q", messages[0].Subject, messages[1].Subject)
	}
}

func TestEveryAnswerOfTheServerIsToldAsSentNotSentOrMaybeSent(t *testing.T) {
	for _, c := range []struct {
		name      string
		set       mailsink.Switch
		certainty notify.Certainty
		permanent bool
	}{
		{"later", mailsink.Switch{Refuse: mailsink.TryLater}, notify.NotSent, false},
		{"no such user", mailsink.Switch{Refuse: mailsink.NoSuchUser}, notify.NotSent, true},
		{"full", mailsink.Switch{Refuse: mailsink.MailboxFull}, notify.NotSent, false},
		{"lost before the answer", mailsink.Switch{Drop: mailsink.DropBefore}, notify.MaybeSent, false},
		{"lost after it was taken", mailsink.Switch{Drop: mailsink.DropAfter}, notify.MaybeSent, false},
	} {
		s, sender := sink(t)
		s.Set("*", c.set)
		if out := sender.Send(t.Context(), mailOf("1042-1")); out.Certainty != c.certainty || out.Permanent != c.permanent {
			t.Errorf("%s: %+v", c.name, out)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	nobody, err := New(Options{Address: address, TLS: "none", From: "pager@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	if out := nobody.Send(t.Context(), mailOf("1042-1")); out.Certainty != notify.NotSent || out.Permanent {
		t.Errorf("nobody listening: %+v", out)
	}
}

func TestWithoutTLSNothingIsSentWhereTLSIsMandatory(t *testing.T) {
	s, plain := sink(t)
	strict, err := New(Options{Address: plain.o.Address, TLS: "mandatory", From: "pager@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	if out := strict.Send(t.Context(), mailOf("1042-1")); out.Certainty != notify.NotSent || !out.Alarm {
		t.Errorf("%+v", out)
	}
	if len(s.Messages()) > 0 {
		t.Error("a mail was sent in the clear")
	}
}

func TestALostClaimSendsNoMail(t *testing.T) {
	s, sender := sink(t)
	n := mailOf("1042-1")
	n.Alive = func() bool { return false }
	if out := sender.Send(t.Context(), n); out.Reason != notify.ReasonLeaseLost || len(s.Messages()) > 0 {
		t.Errorf("%+v", out)
	}
}

func links() Links { return Links{Keys: [][]byte{[]byte("new key"), []byte("old key")}} }

func TestLinksAreOursUnchangedAndNotExpired(t *testing.T) {
	now := time.Date(2026, 3, 28, 3, 0, 0, 0, time.UTC)
	link := Link{Delivery: "1042-1", Person: "ana", Pages: []int64{1042}, Rounds: []int{1}, Expires: now.Add(time.Hour).Unix()}
	token := links().Sign(link)
	got, err := links().Parse(token, now)
	if err != nil || got.Person != "ana" || got.Pages[0] != 1042 {
		t.Fatalf("%+v %v", got, err)
	}
	if _, err := links().Parse(Links{Keys: [][]byte{[]byte("old key")}}.Sign(link), now); err != nil {
		t.Errorf("a link of the old key: %v", err)
	}
	if _, err := links().Parse(token, now.Add(time.Hour)); !errors.Is(err, ErrExpired) {
		t.Errorf("after its time: %v", err)
	}
	for i := range token {
		changed := []byte(token)
		changed[i] ^= 1
		if _, err := links().Parse(string(changed), now); err == nil {
			t.Fatalf("a link with byte %d changed is taken", i)
		}
	}
	for _, foreign := range []string{"", ".", "a.b", Links{Keys: [][]byte{[]byte("other")}}.Sign(link), token + "x", strings.Repeat("a", 10_000)} {
		if _, err := links().Parse(foreign, now); !errors.Is(err, ErrForeign) {
			t.Errorf("%.20q: %v", foreign, err)
		}
	}
}

func FuzzLink(f *testing.F) {
	f.Add(links().Sign(Link{Person: "ana"}))
	f.Add("a.b")
	f.Fuzz(func(t *testing.T, token string) { _, _ = links().Parse(token, time.Time{}) })
}

// clicks is a page whose acts are counted.
type clicks struct {
	acts []notify.Verb
	err  error
}

func (c *clicks) handler(now time.Time) http.Handler {
	return Page(PageOptions{Links: links(), Now: func() time.Time { return now },
		Subjects: func(context.Context, Link) ([]notify.Subject, error) {
			return []notify.Subject{{Page: 1042, Severity: alert.SEV1, Service: "<script>", Summary: "5xx", Status: "triggered", Firing: 2}}, nil
		},
		Act: func(_ context.Context, _ Link, v notify.Verb) (string, error) {
			c.acts = append(c.acts, v)
			return "Acked #1042.", c.err
		}})
}

func TestOpeningTheLinkChangesNothingAndTheButtonActs(t *testing.T) {
	now := time.Date(2026, 3, 28, 3, 0, 0, 0, time.UTC)
	path := "/r/" + links().Sign(Link{Person: "ana", Pages: []int64{1042}, Expires: now.Add(time.Hour).Unix()})
	ask := func(c *clicks, method, path, body string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		if body != "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		c.handler(now).ServeHTTP(w, r)
		return w
	}
	c := &clicks{}
	for _, method := range []string{http.MethodGet, http.MethodHead} { // mail scanners follow links
		w := ask(c, method, path, "")
		if w.Code != http.StatusOK || len(c.acts) > 0 {
			t.Errorf("%s: %d, %v", method, w.Code, c.acts)
		}
		h := w.Header()
		if !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") || h.Get("Referrer-Policy") != "same-origin" || h.Get("Cache-Control") != "no-store" {
			t.Errorf("headers %v", h)
		}
		if strings.Contains(w.Body.String(), "<script>") {
			t.Error("foreign markup")
		}
	}
	ack := url.Values{"verb": {"ack"}}.Encode()
	if w := ask(c, http.MethodPost, path, ack, "Sec-Fetch-Site", "cross-site"); w.Code != http.StatusForbidden || len(c.acts) > 0 {
		t.Errorf("another site's form: %d", w.Code)
	}
	if w := ask(c, http.MethodPost, path, ack, "Sec-Fetch-Site", "same-origin"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Acked #1042.") || len(c.acts) != 1 {
		t.Errorf("the button: %d %v", w.Code, c.acts)
	}
	if w := ask(c, http.MethodPost, path, "verb=delete"); w.Code != http.StatusBadRequest || len(c.acts) != 1 {
		t.Errorf("another verb: %d", w.Code)
	}
	c.err = errors.New("disk full")
	if w := ask(c, http.MethodPost, path, ack); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "NOT RECORDED") {
		t.Errorf("not recorded: %d", w.Code)
	}
	old := "/r/" + links().Sign(Link{Person: "ana", Expires: now.Unix()})
	if w := ask(&clicks{}, http.MethodGet, old, ""); w.Code != http.StatusGone {
		t.Errorf("expired: %d", w.Code)
	}
	if w := ask(&clicks{}, http.MethodPost, "/r/a.b", ack); w.Code != http.StatusNotFound {
		t.Errorf("foreign: %d", w.Code)
	}
}
