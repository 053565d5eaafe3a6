package mailsink

import (
	"net/mail"
	"time"
)

// Message is one mail as it arrived.
type Message struct {
	ID         int       // 1, 2, 3 … in order of arrival
	At         time.Time // end of DATA
	Sender     string    // envelope: MAIL FROM
	Recipients []string  // envelope: RCPT TO
	Raw        []byte    // as transmitted, with the trace of nobody
	Header     mail.Header
	Subject    string // decoded
	From       string // header, decoded
	To         string // header, decoded
	Text       string // the text/plain part, decoded to UTF-8
	HTML       string // the text/html part, decoded to UTF-8; foreign markup
	ParseError string // why Raw could not be parsed wholly; empty: it could
}

// Links are the http and https links in Text in order of appearance, without doubles.
func (m Message) Links() []string { return links(m.Text) }

// size is about how much memory the message takes.
func (m Message) size() int64 { return int64(len(m.Raw) + len(m.Text) + len(m.HTML)) }
