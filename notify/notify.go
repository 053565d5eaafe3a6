// Package notify says what a notification is, what a provider may answer, and what a person may reply.
//
// It promises that "sent", "not sent" and "maybe sent" are told apart: a caller that gets an [Outcome] knows whether
// sending again may ring a telephone twice.
package notify

import (
	"strings"
	"time"

	"pagerd/gateway/alert"
)

// Channel is a way to reach a person.
type Channel string

// The channels.
const (
	SMS   Channel = "sms"
	Voice Channel = "voice"
	Email Channel = "email"
	// Bulk is mail to those who are not rung: stakeholders, subscribers, readers of a digest. It has workers of its own and
	// waits for everything else, so that thousands of letters never stand before a page.
	Bulk Channel = "bulk"
	// Tracker is the webhook of an issue tracker.
	Tracker Channel = "tracker"
)

// Paging returns the channels that reach whoever is paged. What is late or fails on another one keeps nobody from being paged.
func Paging() []Channel { return []Channel{SMS, Voice, Email} }

// Channels returns all channels.
func Channels() []Channel { return append(Paging(), Bulk, Tracker) }

// Contact is a contact method of a person as the configuration knows it.
type Contact struct {
	ID      string // "ana/sms": person, slash, the method's name; unique
	Person  string
	Channel Channel
	Address string // E.164 for sms and voice, an address for email. Never logged whole: use Mask.
}

// Mask shortens a telephone number or mail address for logs and screens: "…4567", "a…@example.com".
func Mask(address string) string {
	if user, host, ok := strings.Cut(address, "@"); ok {
		if user == "" {
			return "…@" + host
		}
		return string([]rune(user)[:1]) + "…@" + host
	}
	if len(address) <= 4 {
		return "…"
	}
	return "…" + address[len(address)-4:]
}

// Kind says what a notification wants of its reader.
type Kind string

// The closed list of kinds.
const (
	KindPage     Kind = "page"     // please acknowledge; escalates
	KindInform   Kind = "inform"   // an inform target: please confirm that you know
	KindJoined   Kind = "joined"   // more alerts joined, or it fires again, while you have it
	KindAsk      Kind = "ask"      // still on it? 4 extends, silence re-pages
	KindResolved Kind = "resolved" // over; told once to everybody who was rung
	KindOver     Kind = "over"     // to the commander: every page of the incident is over; is the incident?
	KindRemind   Kind = "remind"   // an incident asks by itself: a missed target, a relief; read, not answered by a digit
	KindOwed     Kind = "owed"     // a postmortem or an action item is asked for, or a shift begins or ended; read, not answered by a digit
	KindLetter   Kind = "letter"   // to somebody who is not rung: an update, a digest, a subscription; made when it is sent
	KindAlarm    Kind = "alarm"    // pagerd itself has a problem (gap in the schedule, unreachable responder)
)

// Answerable reports whether a reply or a digit to a notification of this kind acts on its pages.
func (k Kind) Answerable() bool {
	return k == KindPage || k == KindInform || k == KindJoined || k == KindAsk || k == KindOver
}

// Read reports whether the message is only read and has a sentence of its own.
func (k Kind) Read() bool { return k == KindRemind || k == KindOwed || k == KindLetter }

// Subject is what a notification tells of one page, looked up when it is claimed.
type Subject struct {
	Page         int64
	Severity     alert.Severity
	Service      string
	Summary      string    // foreign text: the renderer sanitises it
	Status       string    // the page's status word at claim
	Firing       int       // alerts firing now
	Hidden       int       // alerts that the sender left out
	Runbook      string    // link or empty
	RunbookLines []string  // first lines, to be read aloud on 0
	Acknowledger string    // who has it, or empty
	Since        time.Time // when it was triggered
	Environment  string    // "prod" or empty
	Before       string    // what was learned when it happened before; holds people's words
}

// Notification is one message to one contact method about one page or a bundle of pages.
type Notification struct {
	Delivery string // id of the delivery; the same on every retry; goes into callback URLs
	Kind     Kind
	Contact  Contact
	Subjects []Subject     // one, or the named set of a bundle, worst severity first
	Text     string        // rendered SMS text or spoken text or mail body, see package message
	Title    string        // mail subject
	HTML     string        // mail's HTML part; empty = made from the subjects
	Link     string        // the responder's one-button page, or empty
	Leave    string        // address at which the reader of a letter ends it by one POST (RFC 8058), or empty
	Validity time.Duration // how long the message may still be delivered late; providers drop it afterwards
	Again    bool          // not the first notification of this page to this contact: mail threads on it
	Thread   string        // stable id of the page's mail thread
	Drill    bool          // practice: whatever is read or heard begins with that
	// Alive is asked by the adapter immediately before it writes the first byte: false means that the claim's last renewal
	// is too old (the process was paused) and nothing may be sent; the outcome is then NotSent with ReasonLeaseLost. nil = true.
	Alive func() bool `json:"-"`
}

// Certainty tells what is known of an attempt.
type Certainty string

// Sent: the provider said yes. NotSent: it certainly did not go out. MaybeSent: bytes were written and no clear answer came.
const (
	Sent      Certainty = "sent"
	NotSent   Certainty = "not_sent"
	MaybeSent Certainty = "maybe_sent"
)

// Reason is why an attempt failed or a delivery ended, from a closed list.
type Reason string

// The closed list of reasons.
const (
	ReasonNone           Reason = ""
	ReasonTimeout        Reason = "timeout"         // no answer within the attempt's deadline
	ReasonUnreachable    Reason = "unreachable"     // no connection to the provider
	ReasonProviderError  Reason = "provider_error"  // 5xx or an answer that makes no sense
	ReasonRateLimited    Reason = "rate_limited"    // 429; After says when
	ReasonRejected       Reason = "rejected"        // 4xx: this request will never be accepted
	ReasonBadNumber      Reason = "bad_number"      // this address cannot be reached this way, ever
	ReasonOptedOut       Reason = "opted_out"       // the person texted STOP
	ReasonBadCredentials Reason = "bad_credentials" // the operator must act
	ReasonUndelivered    Reason = "undelivered"     // accepted by the provider, refused by the network or the handset
	ReasonNoAnswer       Reason = "no_answer"
	ReasonBusy           Reason = "busy"
	ReasonVoicemail      Reason = "voicemail"  // a machine answered
	ReasonHungUp         Reason = "no_digit"   // answered and ended without a digit
	ReasonNoContact      Reason = "no_contact" // the person has no such contact method any more
	ReasonLeaseLost      Reason = "lease_lost" // the attempt was too old to write
	ReasonExhausted      Reason = "exhausted"  // too many attempts
	ReasonSuperseded     Reason = "superseded" // a newer message says it
)

// Outcome is what one attempt came to.
type Outcome struct {
	Certainty  Certainty
	ProviderID string        // the provider's id when known (SM…, CA…, a Message-ID)
	Reason     Reason        // ReasonNone when Sent
	Permanent  bool          // trying this contact method again is useless: choose another way
	Alarm      bool          // the operators must act: credentials, suspended account, opted out
	After      time.Duration // do not try this provider again before; 0 = caller's backoff
	Detail     string        // for logs: provider's code and message, never the body or the number
}

// Progress is what a provider's callback says of an accepted delivery.
type Progress struct {
	Delivery   string
	ProviderID string
	State      string // the provider's own word: "delivered", "busy", "completed"
	Final      bool   // nothing more will follow
	Failed     bool   // a definite failure: the next way may ring now
	Reason     Reason // set when Failed
	Rank       int    // order of states; a lower rank than the stored one is an old callback
	Code       string // provider's error code
}
