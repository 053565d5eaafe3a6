package mailsink

import (
	"bytes"
	"crypto/subtle"
	"io"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// newServer makes the SMTP server of a sink.
func newServer(s *Sink) *smtp.Server {
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		plain := &session{sink: s, conn: c, authenticated: s.opt.Username == ""}
		if s.opt.Username == "" {
			return plain, nil
		}
		return &authSession{plain}, nil
	}))
	server.Domain = s.opt.Domain
	server.MaxMessageBytes = s.opt.MaxBytes
	server.MaxRecipients = 100 // RFC 5321, 4.5.3.1.8: the least a server must take
	server.ReadTimeout = 5 * time.Minute
	server.WriteTimeout = time.Minute
	server.TLSConfig = s.opt.TLS
	server.AllowInsecureAuth = s.opt.TLS == nil
	server.EnableSMTPUTF8 = true
	server.ErrorLog = quiet{}
	return server
}

// quiet drops the SMTP library's complaints about connections that clients cut.
type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// session is one SMTP conversation.
type session struct {
	sink          *Sink
	conn          *smtp.Conn
	authenticated bool
	from          string
	to            []string
}

// authSession is a session that offers authentication.
type authSession struct{ *session }

// AuthMechanisms implements smtp.AuthSession.
func (a *authSession) AuthMechanisms() []string { return []string{sasl.Plain} }

// Auth implements smtp.AuthSession.
func (a *authSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		opt := a.sink.opt
		user := subtle.ConstantTimeCompare([]byte(username), []byte(opt.Username))
		pass := subtle.ConstantTimeCompare([]byte(password), []byte(opt.Password))
		if user&pass != 1 {
			return smtp.ErrAuthFailed
		}
		a.authenticated = true
		return nil
	}), nil
}

// Reset implements smtp.Session.
func (s *session) Reset() { s.from, s.to = "", nil }

// Logout implements smtp.Session.
func (s *session) Logout() error { return nil }

// Mail implements smtp.Session.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if !s.authenticated {
		return smtp.ErrAuthRequired
	}
	s.from = from
	return nil
}

// Rcpt implements smtp.Session.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	switch s.sink.switchOf(to).Refuse {
	case TryLater:
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "Greylisted, please try again later"}
	case NoSuchUser:
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such user here"}
	case MailboxFull:
		return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "Mailbox full"}
	case PolicyReject:
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "Rejected by policy"}
	}
	s.to = append(s.to, to)
	return nil
}

// Data implements smtp.Session.
func (s *session) Data(r io.Reader) error {
	if !s.sink.arrive() {
		return s.cut()
	}
	defer s.sink.arriving.Done()
	var raw bytes.Buffer
	if _, err := raw.ReadFrom(r); err != nil {
		return err
	}
	m := parse(raw.Bytes())
	m.At, m.Sender, m.Recipients = s.sink.opt.Now(), s.from, append([]string(nil), s.to...)
	var delay time.Duration
	drop := NoDrop
	for _, to := range s.to {
		sw := s.sink.switchOf(to)
		delay = max(delay, sw.Delay)
		if sw.Drop != NoDrop {
			drop = sw.Drop
		}
	}
	if drop == DropBefore {
		return s.cut()
	}
	if delay > 0 {
		t := time.NewTimer(delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-s.sink.ctx.Done():
			return s.cut()
		}
	}
	s.sink.keep(m)
	if drop == DropAfter {
		return s.cut()
	}
	return nil
}

// cut closes the connection under the conversation: the answer that follows reaches nobody.
func (s *session) cut() error {
	// The connection is to be lost: that closing it may fail changes nothing.
	_ = s.conn.Conn().Close()
	return &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "Connection cut"}
}
