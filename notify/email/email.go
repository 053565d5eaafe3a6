// Package email sends mail over SMTP and serves the one-button page that a mail links to.
//
// It promises that mails of one page form one thread, that GET changes nothing (mail scanners follow links), and that a
// link acts for one person and one set of pages until it expires.
package email

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/wneessen/go-mail"

	"pagerd/notify"
	"pagerd/notify/message"
)

// Options are an SMTP server's.
type Options struct {
	Address  string // host:port
	TLS      string // "mandatory" (STARTTLS, the default), "implicit" or "none"
	Username string // empty = no login; a login never goes over a plain line
	Password string
	From     string
	// Host is the right side of Message-IDs and the name said to the server: the public address's host.
	Host string
	// Roots are the certificates that sign the server's; nil = the system's.
	Roots *x509.CertPool
}

// Sender sends mail. It is safe for concurrent use: every mail has a connection of its own.
type Sender struct {
	o    Options
	host string
	port int
}

// New returns a sender, or an error for an address that is none.
func New(o Options) (*Sender, error) {
	host, port, err := net.SplitHostPort(o.Address)
	if err != nil {
		return nil, fmt.Errorf("smtp address %q: %w", o.Address, err)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || host == "" {
		return nil, fmt.Errorf("smtp address %q is not host:port with the port as a number", o.Address)
	}
	if o.Host == "" {
		o.Host = "pagerd.invalid"
	}
	return &Sender{o: o, host: host, port: int(n)}, nil
}

// Send delivers one mail to the server. It ends with ctx, wherever the server hangs.
func (s *Sender) Send(ctx context.Context, n notify.Notification) notify.Outcome {
	m, err := s.compose(n)
	if err != nil {
		return notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonRejected, Permanent: true, Detail: "the mail cannot be composed"}
	}
	line := &line{ctx: ctx}
	defer line.close()
	client, err := s.client(line)
	if err != nil {
		return notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonBadCredentials, Permanent: true, Alarm: true, Detail: "the SMTP settings are unusable"}
	}
	if err := client.DialWithContext(ctx); err != nil {
		return dialFailure(ctx, err)
	}
	if n.Alive != nil && !n.Alive() {
		return notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonLeaseLost, Detail: "claim too old"}
	}
	if out := sendOutcome(ctx, client.Send(m)); out.Certainty != notify.Sent {
		// Without a goodbye: QUIT after half a mail would first end that mail, and the server would take it.
		return out
	}
	_ = client.Close() // the mail is taken, whatever the server says to the goodbye
	return notify.Outcome{Certainty: notify.Sent, ProviderID: strings.Trim(m.GetMessageID(), "<>")}
}

// line is the connection of one attempt. It is closed when the attempt's context ends: go-mail sets deadlines of its own,
// which begin anew with each mail and know nothing of the attempt's.
type line struct {
	ctx  context.Context
	conn net.Conn
	stop func() bool
}

func (l *line) dial(ctx context.Context, network, address string, config *tls.Config) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l.conn = conn
	l.stop = context.AfterFunc(l.ctx, func() { _ = conn.Close() })
	if config == nil {
		return conn, nil
	}
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return secured, nil
}

func (l *line) close() {
	if l.conn != nil {
		l.stop()
		_ = l.conn.Close()
	}
}

func (s *Sender) client(l *line) (*mail.Client, error) {
	config := &tls.Config{ServerName: s.host, MinVersion: tls.VersionTLS12, RootCAs: s.o.Roots}
	policy, fromTheStart := mail.TLSMandatory, (*tls.Config)(nil)
	switch s.o.TLS {
	case "none":
		policy = mail.NoTLS
	case "implicit":
		// The line is secured when go-mail gets it; with this policy it finds that out by itself and allows a login.
		policy, fromTheStart = mail.TLSOpportunistic, config
	}
	opts := []mail.Option{mail.WithPort(s.port), mail.WithTLSPolicy(policy), mail.WithTLSConfig(config), mail.WithHELO(s.o.Host),
		mail.WithDialContextFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
			return l.dial(ctx, network, address, fromTheStart)
		})}
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
	if n.Leave != "" { // RFC 8058: one POST ends it, without a page in between
		m.SetGenHeader("List-Unsubscribe", "<"+n.Leave+">")
		m.SetGenHeader("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
	}
	if n.Kind == notify.KindPage {
		m.SetImportance(mail.ImportanceHigh)
	}
	m.SetBodyString(mail.TypeTextPlain, n.Text)
	if html := message.HTML(n); html != "" {
		m.AddAlternativeString(mail.TypeTextHTML, html)
	}
	return m, nil
}
