package mailing

import (
	"crypto/sha256"
	"encoding/binary"
	"net/mail"
	"strings"
	"time"

	"pagerd/gateway/timeline"
)

// Subscriber is somebody who asked for the public updates. The address is empty again once they left.
type Subscriber struct {
	Format  int       `json:"format"`
	Number  int64     `json:"number"` // see NumberOf
	Address string    `json:"address,omitempty"`
	Since   time.Time `json:"since,omitzero"` // when they confirmed
	Left    time.Time `json:"left,omitzero"`
	Why     Why       `json:"why,omitempty"`     // they left
	Refused int       `json:"refused,omitempty"` // letters that their server refused for good since they confirmed
}

// Active reports whether they get mail.
func (s Subscriber) Active() bool { return s.Address != "" }

// Why somebody left, from a closed list.
type Why string

// The reasons.
const (
	WhyAsked   Why = "asked"   // by the link in a letter
	WhyRemoved Why = "removed" // by somebody of the team
	WhyRefused Why = "refused" // there is no such mailbox any more
)

// maxRefused is how many letters a mailbox may refuse for good before it counts as gone: a server that is misconfigured for
// an hour refuses one or two.
const maxRefused = 3

// Event is something that happens to a subscriber. The set is closed.
type Event interface{ event() }

// Confirm is what the owner of an address does from their mailbox.
type Confirm struct{ Address string }

// Leave ends a subscription. By is "subscriber", a person's name or "api:TOKEN".
type Leave struct {
	By  string
	Why Why
}

// Refused says that the reader's server refused a letter for good.
type Refused struct{}

func (Confirm) event() {}
func (Leave) event()   {}
func (Refused) event() {}

// Effects is what a transition asks for. No entry holds an address.
type Effects struct {
	Changed bool
	Entry   timeline.Entry
}

// Next is the only way to change a subscriber. s is not modified.
func Next(s Subscriber, ev Event, now time.Time) (Subscriber, Effects) {
	switch ev := ev.(type) {
	case Confirm:
		if s.Active() {
			return s, Effects{}
		}
		s = Subscriber{Format: Format, Number: NumberOf(ev.Address), Address: ev.Address, Since: now}
		return s, Effects{Changed: true, Entry: timeline.Entry{Actor: "subscriber", What: "subscribed"}}
	case Leave:
		return leave(s, ev, now)
	case Refused:
		if !s.Active() {
			return s, Effects{}
		}
		if s.Refused++; s.Refused >= maxRefused {
			return leave(s, Leave{By: "pagerd", Why: WhyRefused}, now)
		}
		return s, Effects{Changed: true}
	}
	return s, Effects{}
}

func leave(s Subscriber, ev Leave, now time.Time) (Subscriber, Effects) {
	if !s.Active() {
		return s, Effects{}
	}
	s.Address, s.Left, s.Why = "", now, ev.Why
	return s, Effects{Changed: true, Entry: timeline.Entry{Actor: ev.By, What: "left", Reason: string(ev.Why)}}
}

// firstSubscriber is the lowest number of a subscriber, far above what pages are ever numbered. All are below 2^52, so that
// every number is exact wherever it is read as a float.
const firstSubscriber = 1 << 51

// NumberOf is the number under which an address subscribes: made from it, so that nobody subscribes twice and strangers use
// up no page numbers. address is one that Address returned.
func NumberOf(address string) int64 {
	sum := sha256.Sum256([]byte("pagerd subscriber\x00" + address))
	return firstSubscriber | int64(binary.BigEndian.Uint64(sum[:8])>>13)
}

// maxAddress is the length of an address in bytes (RFC 5321, section 4.5.3.1.3: 256 with its brackets).
const maxAddress = 254

// Address reads a mail address as a person types it; ok is false for what cannot be one. The host is made lower case: the
// name before the @ is the host's own affair.
func Address(typed string) (address string, ok bool) {
	typed = strings.TrimSpace(typed)
	a, err := mail.ParseAddress(typed)
	if err != nil || len(typed) > maxAddress || a.Address != typed || strings.ContainsAny(typed, "\"<>(),;: \\") {
		return "", false
	}
	at := strings.LastIndexByte(typed, '@')
	host := strings.ToLower(typed[at+1:])
	for _, c := range typed {
		if c <= ' ' || c >= 0x7f {
			return "", false
		}
	}
	if !strings.Contains(host, ".") || strings.HasPrefix(host, "[") {
		return "", false
	}
	return typed[:at+1] + host, true
}
