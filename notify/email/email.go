// Package email sends mail over SMTP and serves the one-button page that a mail links to.
//
// It promises that mails of one page form one thread, that GET changes nothing (mail scanners follow links), and that a
// link acts for one person and one set of pages until it expires.
package email

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/wneessen/go-mail"

	"pagerd/notify"
	"pagerd/notify/message"
)

// Options are an SMTP server's.
type Options struct {
	Address  string // host:port
	TLS      string // "mandatory", "implicit" or "none"
	Username string
	Password string
	From     string
	// Host is the right side of Message-IDs: the public address's host.
	Host string
}

// Sender sends mail. It is safe for concurrent use: every mail has a connection of its own.
type Sender struct {
	o    Options
	host string
	port int
}

// New returns a sender, or an error for an address without a port.
func New(o Options) (*Sender, error) {
	host, port, err := net.SplitHostPort(o.Address)
	if err != nil {
		return nil, fmt.Errorf("smtp address %q: %w", o.Address, err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return nil, fmt.Errorf("smtp address %q: the port is no number", o.Address)
	}
	if o.Host == "" {
		o.Host = "pagerd.invalid"
	}
	return &Sender{o: o, host: host, port: n}, nil
}

// Send delivers one mail to the server.
func (s *Sender) Send(ctx context.Context, n notify.Notification) notify.Outcome {
	m, err := s.compose(n)
	if err != nil {
		return notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonRejected, Permanent: true, Detail: "the mail cannot be composed"}
	}
	client, err := s.client()
	if err != nil {
		return notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonBadCredentials, Permanent: true, Alarm: true, Detail: "the SMTP settings are unusable"}
	}
	if err := client.DialWithContext(ctx); err != nil {
		return dialFailure(err)
	}
	defer func() { _ = client.Close() }()
	if n.Alive != nil && !n.Alive() {
		return notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonLeaseLost, Detail: "claim too old"}
	}
	if err := client.Send(m); err != nil {
		return sendFailure(err)
	}
	return notify.Outcome{Certainty: notify.Sent, ProviderID: strings.Trim(m.GetMessageID(), "<>")}
}

func (s *Sender) client() (*mail.Client, error) {
	opts := []mail.Option{mail.WithPort(s.port)}
	switch s.o.TLS {
	case "none":
		opts = append(opts, mail.WithTLSPolicy(mail.NoTLS))
	case "implicit":
		opts = append(opts, mail.WithSSL())
	default:
		opts = append(opts, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if s.o.Username != "" {
		opts = append(opts, mail.WithUsername(s.o.Username), mail.WithPassword(s.o.Password), mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover))
	}
	return mail.NewClient(s.host, opts...)
}

// compose makes the mail. The page's thread has a root id that no mail needs to have been sent with.
func (s *Sender) compose(n notify.Notification) (*mail.Msg, error) {
	m := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := m.From(s.o.From); err != nil {
		return nil, err
	}
	if err := m.To(n.Contact.Address); err != nil {
		return nil, err
	}
	m.Subject(n.Title)
	m.SetDate()
	m.SetMessageIDWithValue("delivery." + n.Delivery + "@" + s.o.Host)
	if n.Thread != "" {
		root := "<" + n.Thread + "@" + s.o.Host + ">"
		m.SetGenHeader(mail.HeaderInReplyTo, root)
		m.SetGenHeader(mail.HeaderReferences, root)
	}
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetGenHeader("X-Auto-Response-Suppress", "All")
	if n.Kind == notify.KindPage {
		m.SetImportance(mail.ImportanceHigh)
	}
	m.SetBodyString(mail.TypeTextPlain, n.Text)
	if html := message.HTML(n); html != "" {
		m.AddAlternativeString(mail.TypeTextHTML, html)
	}
	return m, nil
}

// dialFailure: nothing of the mail was sent yet.
func dialFailure(err error) notify.Outcome {
	out := notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonUnreachable, Detail: "no connection to the SMTP server"}
	var proto *textproto.Error
	var n net.Error
	switch {
	case errors.As(err, &proto) && proto.Code >= 500:
		out.Reason, out.Permanent, out.Alarm = notify.ReasonBadCredentials, false, true
		out.Detail = fmt.Sprintf("the SMTP server refused with %d", proto.Code)
	case strings.Contains(err.Error(), "auth") || strings.Contains(err.Error(), "AUTH"):
		out.Reason, out.Permanent, out.Alarm = notify.ReasonBadCredentials, false, true
		out.Detail = "the SMTP server takes no login of ours"
	case strings.Contains(err.Error(), "TLS") || strings.Contains(err.Error(), "x509"):
		out.Alarm, out.Detail = true, "TLS with the SMTP server failed"
	case errors.Is(err, context.DeadlineExceeded) || errors.As(err, &n) && n.Timeout():
		out.Reason = notify.ReasonTimeout
	}
	return out
}

// sendFailure: a server's answer says that it did not take the mail; a connection lost on the way says nothing.
func sendFailure(err error) notify.Outcome {
	var e *mail.SendError
	if !errors.As(err, &e) {
		return notify.Outcome{Certainty: notify.MaybeSent, Reason: notify.ReasonUnreachable, Detail: "the SMTP connection was lost"}
	}
	code := e.ErrorCode()
	switch {
	case code >= 500:
		return notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonBadNumber, Permanent: true, Detail: fmt.Sprintf("the SMTP server refused with %d", code)}
	case code >= 400:
		return notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonProviderError, Detail: fmt.Sprintf("the SMTP server put it off with %d", code)}
	case e.Reason == mail.ErrSMTPMailFrom || e.Reason == mail.ErrSMTPRcptTo || e.Reason == mail.ErrConnCheck:
		return notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonUnreachable, Detail: "the SMTP connection was lost before the mail"}
	}
	return notify.Outcome{Certainty: notify.MaybeSent, Reason: notify.ReasonUnreachable, Detail: "the SMTP connection was lost in the mail"}
}
