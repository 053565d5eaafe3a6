// Package mailsink is an SMTP server for demonstrations and tests that keeps what it is sent and shows it.
//
// It promises to deliver nothing anywhere, to refuse on demand as real servers do, and to stay small: it keeps the
// newest messages only.
package mailsink

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// ErrClosed is returned to those who wait when the sink is closed.
var ErrClosed = errors.New("mailsink: closed")

// Options configure a Sink. The zero value is usable: plain SMTP without authentication.
type Options struct {
	Domain      string           // greeting name; default "mailsink.localhost"
	MaxMessages int              // kept messages, oldest dropped first; default 2,000
	MaxTotal    int64            // bytes of all kept messages, oldest dropped first; default 64 MiB
	MaxBytes    int64            // of one message; larger ones are refused with 552; default 4 MiB
	Username    string           // with Password: PLAIN authentication is required before MAIL; empty: none is offered
	Password    string           //
	TLS         *tls.Config      // offers STARTTLS; authentication is then refused on a plain connection
	Now         func() time.Time // default time.Now
	Title       string           // of the page; default "Mail"
	Path        string           // where Web is mounted, such as "/mail/"; default "/"
}

// Sink is a running SMTP server and what it has kept. Its methods may be called from any goroutine.
type Sink struct {
	opt      Options
	server   *smtp.Server
	listener net.Listener
	served   chan error
	arriving sync.WaitGroup // messages that are being received

	ctx    context.Context // ends in Close
	cancel context.CancelFunc

	mu       sync.Mutex // guards all below
	closed   bool
	changed  chan struct{}
	kept     []*kept
	bytes    int64 // of all that is kept
	lastID   int
	switches map[string]Switch
}

type kept struct {
	Message
	taken bool
}

// New serves SMTP on the listener until Close, which closes the listener too.
func New(l net.Listener, opt Options) *Sink {
	if opt.Domain == "" {
		opt.Domain = "mailsink.localhost"
	}
	if opt.MaxMessages <= 0 {
		opt.MaxMessages = 2000
	}
	if opt.MaxBytes <= 0 {
		opt.MaxBytes = 4 << 20
	}
	if opt.MaxTotal <= 0 {
		opt.MaxTotal = 64 << 20
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Title == "" {
		opt.Title = "Mail"
	}
	if !strings.HasSuffix(opt.Path, "/") {
		opt.Path += "/"
	}
	s := &Sink{opt: opt, listener: l, served: make(chan error, 1), changed: make(chan struct{}), switches: map[string]Switch{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.server = newServer(s)
	go func() { s.served <- s.server.Serve(l) }()
	return s
}

// Close ends the server and all its conversations and releases everybody who waits. It returns what made the server
// end before, if anything did. Closing twice is harmless.
func (s *Sink) Close() error {
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	s.mu.Unlock()
	if closed {
		return nil
	}
	s.cancel()
	err := s.server.Close()
	// The server closes the listener only if it has begun to serve.
	err = errors.Join(expected(err), expected(s.listener.Close()), expected(<-s.served))
	s.arriving.Wait()
	if err != nil {
		return fmt.Errorf("serving SMTP: %w", err)
	}
	return nil
}

// expected drops the errors that closing is bound to cause.
func expected(err error) error {
	if errors.Is(err, smtp.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// arrive reports whether a message may still be received; the caller then calls arriving.Done.
func (s *Sink) arrive() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.arriving.Add(1)
	}
	return !s.closed
}

// Messages are the messages still kept, oldest first.
func (s *Sink) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Message, len(s.kept))
	for i, k := range s.kept {
		list[i] = k.Message
	}
	return list
}

// Message is one kept message by its ID.
func (s *Sink) Message(id int) (Message, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.kept {
		if k.ID == id {
			return k.Message, true
		}
	}
	return Message{}, false
}

// To matches messages that were delivered to this address, in any case: Wait(ctx, mailsink.To("ana@example.com")).
func To(address string) func(Message) bool {
	return func(m Message) bool {
		for _, to := range m.Recipients {
			if strings.EqualFold(to, address) {
				return true
			}
		}
		return false
	}
}

// Wait returns the oldest message that matches and that no earlier Wait returned; it waits for one to come. A nil match
// takes any. It returns ctx's error or ErrClosed.
func (s *Sink) Wait(ctx context.Context, match func(Message) bool) (Message, error) {
	for {
		m, ok, changed := s.take(match)
		if ok {
			return m, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return Message{}, fmt.Errorf("waiting for a mail: %w", ctx.Err())
		case <-s.ctx.Done():
			return Message{}, fmt.Errorf("waiting for a mail: %w", ErrClosed)
		}
	}
}

func (s *Sink) take(match func(Message) bool) (Message, bool, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.kept {
		if !k.taken && (match == nil || match(k.Message)) {
			k.taken = true
			return k.Message, true, nil
		}
	}
	return Message{}, false, s.changed
}

// Switch is how the server treats one recipient. The zero value accepts.
type Switch struct {
	Refuse Refusal       `json:"refuse,omitempty"`   // at RCPT TO
	Delay  time.Duration `json:"delay_ns,omitempty"` // before the answer to DATA
	Drop   Drop          `json:"drop,omitempty"`     // cuts the connection during DATA
}

// Refusal is an answer to RCPT TO.
type Refusal string

// The closed list of refusals.
const (
	Accepts      Refusal = ""
	TryLater     Refusal = "451" // 451 4.7.1, as greylisting does
	NoSuchUser   Refusal = "550" // 550 5.1.1
	MailboxFull  Refusal = "452" // 452 4.2.2
	PolicyReject Refusal = "554" // 554 5.7.1
)

// Drop is a way to lose the connection.
type Drop string

// The closed list of drops.
const (
	NoDrop     Drop = ""
	DropBefore Drop = "before" // the message arrives whole, is thrown away, and the connection is cut without an answer
	DropAfter  Drop = "after"  // the message is kept, and the connection is cut without an answer
)

// known reports whether the switch holds only words of the lists.
func (sw Switch) known() bool {
	switch sw.Refuse {
	case Accepts, TryLater, NoSuchUser, MailboxFull, PolicyReject:
	default:
		return false
	}
	return sw.Drop == NoDrop || sw.Drop == DropBefore || sw.Drop == DropAfter
}

// Set switches one recipient; address "*" is everybody who has no switch of their own. The zero Switch clears.
func (s *Sink) Set(address string, sw Switch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	address = strings.ToLower(address)
	if sw == (Switch{}) {
		delete(s.switches, address)
		return
	}
	s.switches[address] = sw
}

func (s *Sink) switchOf(address string) Switch {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sw, ok := s.switches[strings.ToLower(address)]; ok {
		return sw
	}
	return s.switches["*"]
}

// keep stores a message and wakes those who wait.
func (s *Sink) keep(m Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastID++
	m.ID = s.lastID
	s.kept = append(s.kept, &kept{Message: m})
	s.bytes += m.size()
	for len(s.kept) > s.opt.MaxMessages || len(s.kept) > 1 && s.bytes > s.opt.MaxTotal {
		s.bytes -= s.kept[0].size()
		s.kept[0] = nil
		s.kept = s.kept[1:]
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

// Web lists the mails and shows one, below Options.Path: GET Path, GET Path{id}, GET Path{id}/html, GET Path{id}/raw.
// For programs: GET Path/messages (JSON, see Row) and POST Path/control (JSON, see Control).
func (s *Sink) Web() http.Handler { return s.web() }
