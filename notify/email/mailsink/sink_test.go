package mailsink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wneessen/go-mail"
)

const (
	ana = "ana@example.com"
	bo  = "bo@example.com"
)

// start serves a sink on loopback and returns it with a client of it.
func start(t *testing.T, opt Options, more ...mail.Option) (*Sink, *mail.Client) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	sink := New(l, opt)
	t.Cleanup(func() {
		if err := sink.Close(); err != nil {
			t.Error(err)
		}
	})
	client, err := mail.NewClient("127.0.0.1", append([]mail.Option{
		mail.WithPort(l.Addr().(*net.TCPAddr).Port), mail.WithTLSPolicy(mail.NoTLS), mail.WithHELO("pager.example.com"),
	}, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	return sink, client
}

// page is a mail as a pager sends it.
func page(t *testing.T, subject, text string, to ...string) *mail.Msg {
	t.Helper()
	m := mail.NewMsg()
	if err := errors.Join(m.From("Pager <pager@example.com>"), m.To(to...)); err != nil {
		t.Fatal(err)
	}
	m.Subject(subject)
	m.SetMessageIDWithValue("page.1042@pager.example.com")
	m.SetBodyString(mail.TypeTextPlain, text)
	m.AddAlternativeString(mail.TypeTextHTML, "<p>"+text+"</p>")
	return m
}

func send(t *testing.T, client *mail.Client, m *mail.Msg) error {
	t.Helper()
	return client.DialAndSendWithContext(t.Context(), m)
}

func TestAMailIsKeptWithItsPartsDecoded(t *testing.T) {
	sink, client := start(t, Options{})
	text := "Überlastet – 5xx 15 %. Open https://pager.example.com/r/7F3K?x=1, or (https://runbooks.example.com/api).\nReply not needed."
	if err := send(t, client, page(t, "[SEV-1] API Gateway – überlastet", text, ana, bo)); err != nil {
		t.Fatal(err)
	}
	m, err := sink.Wait(t.Context(), To("Ana@Example.com"))
	if err != nil {
		t.Fatal(err)
	}
	if m.Subject != "[SEV-1] API Gateway – überlastet" || m.Text != text || !strings.Contains(m.HTML, "<p>Überlastet") || m.ParseError != "" {
		t.Errorf("have %+v", m)
	}
	if m.Sender != "pager@example.com" || !slices.Equal(m.Recipients, []string{ana, bo}) || m.Header.Get("Message-Id") != "<page.1042@pager.example.com>" {
		t.Errorf("have %+v", m)
	}
	if want := []string{"https://pager.example.com/r/7F3K?x=1", "https://runbooks.example.com/api"}; !slices.Equal(m.Links(), want) {
		t.Errorf("links %v", m.Links())
	}
	if got, ok := sink.Message(m.ID); !ok || got.Subject != m.Subject {
		t.Error("not found by its number")
	}
}

func TestAMailIsWaitedForOnce(t *testing.T) {
	sink, client := start(t, Options{})
	for _, subject := range []string{"first", "second"} {
		if err := send(t, client, page(t, subject, "x", ana)); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"second", "first"} {
		if m, err := sink.Wait(t.Context(), func(m Message) bool { return want == "first" || m.Subject == want }); err != nil || m.Subject != want {
			t.Errorf("have %q %v", m.Subject, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sink.Wait(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("have %v", err)
	}
}

func TestWhoWaitsIsReleasedByAMailAndByClosing(t *testing.T) {
	sink, client := start(t, Options{})
	results := make(chan error)
	wait := func() {
		_, err := sink.Wait(context.Background(), nil)
		results <- err
	}
	go wait()
	if err := send(t, client, page(t, "x", "x", ana)); err != nil {
		t.Fatal(err)
	}
	if err := <-results; err != nil {
		t.Error(err)
	}
	go wait()
	if err := sink.Close(); err != nil {
		t.Error(err)
	}
	if err := <-results; !errors.Is(err, ErrClosed) {
		t.Errorf("have %v", err)
	}
}

func TestRecipientsAreRefusedAsRealServersDo(t *testing.T) {
	for _, c := range []struct {
		refusal   Refusal
		code      int
		enhanced  string
		temporary bool
	}{
		{TryLater, 451, "4.7.1", true},
		{MailboxFull, 452, "4.2.2", true},
		{NoSuchUser, 550, "5.1.1", false},
		{PolicyReject, 554, "5.7.1", false},
	} {
		t.Run(string(c.refusal), func(t *testing.T) {
			sink, client := start(t, Options{})
			sink.Set("ANA@example.com", Switch{Refuse: c.refusal})
			err := send(t, client, page(t, "x", "x", ana))
			var refused *mail.SendError
			if !errors.As(err, &refused) || refused.ErrorCode() != c.code || refused.EnhancedStatusCode() != c.enhanced || refused.IsTemp() != c.temporary {
				t.Errorf("have %v", err)
			}
			if err := send(t, client, page(t, "x", "x", bo)); err != nil {
				t.Errorf("another recipient: %v", err)
			}
			sink.Set(ana, Switch{})
			if err := send(t, client, page(t, "x", "x", ana)); err != nil {
				t.Errorf("after clearing: %v", err)
			}
			sink.Set("*", Switch{Refuse: c.refusal})
			if err := send(t, client, page(t, "x", "x", bo)); err == nil {
				t.Error("everybody is not refused")
			}
			if have := len(sink.Messages()); have != 2 {
				t.Errorf("%d kept", have)
			}
		})
	}
}

func TestTheConnectionIsCutBeforeOrAfterKeeping(t *testing.T) {
	for drop, kept := range map[Drop]int{DropBefore: 0, DropAfter: 1} {
		t.Run(string(drop), func(t *testing.T) {
			sink, client := start(t, Options{})
			sink.Set(ana, Switch{Drop: drop})
			if err := send(t, client, page(t, "x", "x", ana)); err == nil {
				t.Error("the client was answered")
			}
			if have := len(sink.Messages()); have != kept {
				t.Errorf("%d kept, want %d", have, kept)
			}
		})
	}
}

func TestASlowServerKeepsNothingUntilItAnswers(t *testing.T) {
	sink, client := start(t, Options{})
	sink.Set(ana, Switch{Delay: time.Hour})
	failed := make(chan error)
	go func() { failed <- client.DialAndSendWithContext(context.Background(), page(t, "x", "x", ana)) }()
	// The conversation hangs in DATA for an hour, or has not got there yet: closing ends it either way.
	if err := sink.Close(); err != nil {
		t.Error(err)
	}
	if err := <-failed; err == nil || len(sink.Messages()) != 0 {
		t.Errorf("have %v, %d kept", err, len(sink.Messages()))
	}
}

func TestADelayedMailIsKept(t *testing.T) {
	sink, client := start(t, Options{})
	sink.Set(ana, Switch{Delay: time.Millisecond})
	if err := send(t, client, page(t, "x", "x", ana)); err != nil || len(sink.Messages()) != 1 {
		t.Errorf("have %v, %d kept", err, len(sink.Messages()))
	}
}

func TestCredentialsAreAskedForWhenConfigured(t *testing.T) {
	opt := Options{Username: "pager", Password: "secret"}
	login := func(password string) []mail.Option {
		return []mail.Option{mail.WithSMTPAuth(mail.SMTPAuthPlainNoEnc), mail.WithUsername("pager"), mail.WithPassword(password)}
	}
	_, client := start(t, opt, login("secret")...)
	if err := send(t, client, page(t, "x", "x", ana)); err != nil {
		t.Errorf("right password: %v", err)
	}
	_, client = start(t, opt, login("wrong")...)
	if err := send(t, client, page(t, "x", "x", ana)); err == nil {
		t.Error("wrong password: let in")
	}
	sink, client := start(t, opt)
	if err := send(t, client, page(t, "x", "x", ana)); err == nil || len(sink.Messages()) != 0 {
		t.Error("no password: let in")
	}
}

func TestOnlyTheNewestAreKept(t *testing.T) {
	for name, opt := range map[string]Options{"by number": {MaxMessages: 3}, "by size": {MaxTotal: 4000}} {
		t.Run(name, func(t *testing.T) {
			sink, client := start(t, opt)
			for i := range 8 {
				if err := send(t, client, page(t, fmt.Sprint(i), strings.Repeat("x ", 150), ana)); err != nil {
					t.Fatal(err)
				}
			}
			kept := sink.Messages()
			if len(kept) == 0 || len(kept) > 3 || kept[len(kept)-1].Subject != "7" {
				t.Errorf("%d kept", len(kept))
			}
		})
	}
	_, client := start(t, Options{MaxBytes: 1000})
	if err := send(t, client, page(t, "x", strings.Repeat("x ", 1000), ana)); err == nil {
		t.Error("too large a mail was taken")
	}
}

func TestRecordedMailsAreRead(t *testing.T) {
	for name, subject := range map[string]string{"thread-1.eml": "[SEV-1] API Gateway 5xx – eu-1 (überlastet)", "thread-2.eml": "Re: [SEV-1] API Gateway 5xx – eu-1 (überlastet)"} {
		raw, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		m := parse(raw)
		if m.Subject != subject || m.ParseError != "" || m.Text == "" || m.From != `"Pager" <pager@example.com>` {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

func TestOddMailsAreReadAsFarAsTheyGo(t *testing.T) {
	for _, c := range []struct {
		name, raw, text, html string
		broken                bool
	}{
		{"no header", "\r\nhello", "hello", "", false},
		{"no mail", "hello", "", "", true},
		{"latin1", "Content-Type: text/plain; charset=ISO-8859-1\r\n\r\n\xfcber", "über", "", false},
		{"not UTF-8", "Subject: x\r\n\r\n\xff\xfe", "\uFFFD", "", false},
		{"base64", "Content-Transfer-Encoding: base64\r\n\r\naGVs\r\nbG8=\r\n", "hello", "", false},
		{"bad base64", "Content-Transfer-Encoding: base64\r\n\r\n!!!", "", "", true},
		{"html only", "Content-Type: text/html\r\n\r\n<p>x", "", "<p>x", false},
		{"attachment", "Content-Disposition: attachment\r\n\r\nsecret", "", "", false},
		{"picture", "Content-Type: image/png\r\n\r\nxxx", "", "", false},
		{"bad type", "Content-Type: ;;;\r\n\r\nx", "", "", true},
		{"cut multipart", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello", "", "", true},
		{"nested too deeply", strings.Repeat("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", 12), "", "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := parse([]byte(c.raw))
			if m.Text != c.text || m.HTML != c.html || (m.ParseError != "") != c.broken {
				t.Errorf("have %q %q %q", m.Text, m.HTML, m.ParseError)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"thread-1.eml", "thread-2.eml"} {
		raw, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b--"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := parse(raw)
		var joined strings.Builder
		for _, p := range pieces(m.Text) {
			joined.WriteString(p.Text)
		}
		if joined.String() != m.Text {
			t.Errorf("the pieces of %q are not the text", m.Text)
		}
	})
}
