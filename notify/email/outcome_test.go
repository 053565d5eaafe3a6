package email

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	"pagerd/notify"
	"pagerd/notify/email/mailsink"
)

// The steps of an SMTP conversation, by what the client says.
const (
	greeting = "greeting"
	mailFrom = "MAIL"
	rcptTo   = "RCPT"
	data     = "DATA"
	dot      = "." // the whole mail was read
	rset     = "RSET"
	drop     = "drop" // instead of an answer: the connection is closed
	hang     = "hang" // instead of an answer: nothing
)

// script serves one SMTP conversation; answers replace the usual ones. It returns the address and a channel that tells when
// the server hangs.
func script(t *testing.T, answers map[string]string) (addr string, hanging chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	hanging = make(chan struct{})
	done := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-done })
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		r := bufio.NewReader(conn)
		say := func(step, usual string) bool {
			text, ok := answers[step]
			if !ok {
				text = usual
			}
			switch text {
			case drop:
				return false
			case hang:
				close(hanging)
				_, _ = r.ReadByte() // until the client goes
				return false
			}
			_, err := fmt.Fprintf(conn, "%s\r\n", text)
			return err == nil
		}
		converse(r, say)
	}()
	return l.Addr().String(), hanging
}

func converse(r *bufio.Reader, say func(step, usual string) bool) {
	if !say(greeting, "220 here") {
		return
	}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		verb, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		usual := "250 ok"
		switch verb {
		case data:
			usual = "354 go on"
		case "QUIT":
			usual = "221 bye"
		}
		if !say(verb, usual) {
			return
		}
		if verb != data {
			continue
		}
		for line != ".\r\n" {
			if line, err = r.ReadString('\n'); err != nil {
				return
			}
		}
		if !say(dot, "250 taken") {
			return
		}
	}
}

func TestEachStepOfTheConversationIsToldForWhatItMeans(t *testing.T) {
	for _, c := range []struct {
		name, step, answer string
		certainty          notify.Certainty
		reason             notify.Reason
		permanent, alarm   bool
	}{
		{"taken", "", "", notify.Sent, "", false, false},
		{"the server is closing", greeting, "421 busy", notify.NotSent, notify.ReasonProviderError, false, false},
		{"the server does not want us", greeting, "554 no", notify.NotSent, notify.ReasonBadCredentials, false, true},
		{"lost at the greeting", greeting, drop, notify.NotSent, notify.ReasonUnreachable, false, false},
		{"our sender is refused", mailFrom, "550 5.7.1 not yours", notify.NotSent, notify.ReasonRejected, true, true},
		{"our sender is put off", mailFrom, "451 later", notify.NotSent, notify.ReasonProviderError, false, false},
		{"lost at the sender", mailFrom, drop, notify.NotSent, notify.ReasonUnreachable, false, false},
		{"no such person", rcptTo, "550 5.1.1 nobody", notify.NotSent, notify.ReasonBadNumber, true, false},
		{"relaying denied", rcptTo, "554 5.7.1 relay access denied", notify.NotSent, notify.ReasonRejected, true, true},
		{"greylisted", rcptTo, "450 4.7.1 later", notify.NotSent, notify.ReasonProviderError, false, false},
		{"lost at the recipient", rcptTo, drop, notify.NotSent, notify.ReasonUnreachable, false, false},
		{"no data wanted", data, "554 no", notify.NotSent, notify.ReasonRejected, true, false},
		{"lost before the mail", data, drop, notify.NotSent, notify.ReasonUnreachable, false, false},
		{"the mail is refused", dot, "554 5.6.0 no", notify.NotSent, notify.ReasonRejected, true, false},
		{"the mail is put off", dot, "452 full", notify.NotSent, notify.ReasonProviderError, false, false},
		{"lost after the mail", dot, drop, notify.MaybeSent, notify.ReasonUnreachable, false, false},
		{"lost when it was taken already", rset, drop, notify.Sent, "", false, false},
		{"an odd end", rset, "500 what", notify.Sent, "", false, false},
		{"no goodbye", "QUIT", drop, notify.Sent, "", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			addr, _ := script(t, map[string]string{"EHLO": "250-here\r\n250 ENHANCEDSTATUSCODES", c.step: c.answer})
			s, err := New(Options{Address: addr, TLS: "none", From: "pager@example.com", Host: "pager.example.com"})
			if err != nil {
				t.Fatal(err)
			}
			out := s.Send(t.Context(), mailOf("1042-1"))
			if out.Certainty != c.certainty || out.Reason != c.reason || out.Permanent != c.permanent || out.Alarm != c.alarm {
				t.Errorf("%+v", out)
			}
			if strings.Contains(out.Detail, "ana@") || strings.Contains(out.Detail, "5xx") {
				t.Errorf("the detail tells address or text: %q", out.Detail)
			}
		})
	}
}

// TestAServerThatHangsDoesNotHoldAnAttemptPastItsDeadline, wherever it hangs.
func TestAServerThatHangsDoesNotHoldAnAttemptPastItsDeadline(t *testing.T) {
	for step, certainty := range map[string]notify.Certainty{greeting: notify.NotSent, mailFrom: notify.NotSent, data: notify.NotSent, dot: notify.MaybeSent, rset: notify.Sent} {
		t.Run(step, func(t *testing.T) {
			addr, hanging := script(t, map[string]string{step: hang})
			s, err := New(Options{Address: addr, TLS: "none", From: "pager@example.com"})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			go func() { <-hanging; cancel(context.DeadlineExceeded) }()
			out := s.Send(ctx, mailOf("1042-1"))
			if out.Certainty != certainty || certainty != notify.Sent && out.Reason != notify.ReasonTimeout {
				t.Errorf("%+v", out)
			}
		})
	}
}

// certificate is one that holds for 127.0.0.1, and the pool that trusts it.
func certificate(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	t.Cleanup(s.Close)
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return &tls.Config{Certificates: s.TLS.Certificates, MinVersion: tls.VersionTLS12}, pool
}

func TestMailGoesOverTLSToAServerThatIsTrusted(t *testing.T) {
	serverTLS, pool := certificate(t)
	for _, c := range []struct {
		name, mode string
		roots      *x509.CertPool
		password   string
		reason     notify.Reason
		alarm      bool
	}{
		{"STARTTLS", "mandatory", pool, "secret", notify.ReasonNone, false},
		{"from the first byte", "implicit", pool, "secret", notify.ReasonNone, false},
		{"STARTTLS, an unknown certificate", "mandatory", x509.NewCertPool(), "secret", notify.ReasonUnreachable, true},
		{"from the first byte, an unknown certificate", "implicit", x509.NewCertPool(), "secret", notify.ReasonUnreachable, true},
		{"a wrong password", "mandatory", pool, "guess", notify.ReasonBadCredentials, true},
		{"a password never goes over a plain line", "none", pool, "secret", notify.ReasonBadCredentials, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			o := mailsink.Options{Username: "pager", Password: "secret", TLS: serverTLS}
			address := l.Addr().String()
			if c.mode == "implicit" {
				l = tls.NewListener(l, serverTLS)
				o.TLS = nil
			}
			sink := mailsink.New(l, o)
			t.Cleanup(func() { _ = sink.Close() })
			s, err := New(Options{Address: address, TLS: c.mode, Username: "pager", Password: c.password, From: "pager@example.com", Roots: c.roots})
			if err != nil {
				t.Fatal(err)
			}
			out := s.Send(t.Context(), mailOf("1042-1"))
			if sent := out.Certainty == notify.Sent; sent != (c.reason == notify.ReasonNone) || out.Reason != c.reason || out.Alarm != c.alarm || out.Permanent {
				t.Errorf("%+v", out)
			}
			if n := len(sink.Messages()); (n == 1) != (out.Certainty == notify.Sent) {
				t.Errorf("%d mails arrived", n)
			}
			if strings.Contains(out.Detail, c.password) {
				t.Errorf("the detail tells the password: %q", out.Detail)
			}
		})
	}
}

// TestANameThatIsNotFoundIsNoLoginProblem, whatever words are in the name.
func TestANameThatIsNotFoundIsNoLoginProblem(t *testing.T) {
	err := fmt.Errorf("dial failed: %w", &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "smtp.auth-tls.example.com"}})
	if out := dialFailure(t.Context(), err); out.Certainty != notify.NotSent || out.Reason != notify.ReasonUnreachable || out.Alarm {
		t.Errorf("%+v", out)
	}
}

func TestAnAddressThatIsNoneIsRefusedAtStart(t *testing.T) {
	for _, address := range []string{"smtp.example.com", "smtp.example.com:smtp!", ":587", "smtp.example.com:0", "smtp.example.com:70000"} {
		if _, err := New(Options{Address: address}); err == nil {
			t.Errorf("%q is taken", address)
		}
	}
}
