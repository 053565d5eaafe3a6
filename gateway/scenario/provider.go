package scenario

import (
	"context"
	"fmt"
	"strings"
	"time"

	"pagerd/notify"
)

// letter is a message that a provider accepted: what a person reads or hears.
type letter struct {
	at       time.Time
	channel  notify.Channel
	person   string
	contact  notify.Contact
	delivery string
	text     string // a mail's title is its first line
	consumed bool   // an expectation has taken it
}

// String is the letter as the story tells it; of a mail the title.
func (l *letter) String() string {
	body := l.text
	if l.channel == notify.Email {
		body, _, _ = strings.Cut(body, "\n")
	}
	return fmt.Sprintf("%s to %s: %s", channelWord(l.channel), l.person, clip(oneLine(body), 300))
}

// matches reports whether every fragment is in the text, in any case.
func (l *letter) matches(fragments []string) bool {
	return contains(l.text, fragments)
}

func contains(body string, fragments []string) bool {
	body = strings.ToLower(body)
	for _, f := range fragments {
		if !strings.Contains(body, strings.ToLower(f)) {
			return false
		}
	}
	return true
}

// channelWord is what people say: a call.
func channelWord(c notify.Channel) string {
	if c == notify.Voice {
		return "call"
	}
	return string(c)
}

// receiver is the name by which a script calls whoever has the contact.
func receiver(c notify.Contact) string {
	switch {
	case c.Person != "":
		return c.Person
	case c.Channel == notify.Email:
		return c.Address
	}
	return c.ID
}

// fault is a provider that does not do its work.
type fault struct {
	breakChannel
	until time.Time // zero: until healed
}

// provider stands in for Twilio or the mail server: it accepts everything unless the script says otherwise.
type provider struct {
	w       *world
	channel notify.Channel
}

// Send implements engine.Sender.
func (p provider) Send(_ context.Context, n notify.Notification) notify.Outcome {
	w := p.w
	w.flush()
	w.sent++
	who := receiver(n.Contact)
	if p.channel == notify.SMS && w.stops[n.Contact.Address] {
		w.tell("  %s to %s is refused: opted out", channelWord(p.channel), who)
		return notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonOptedOut, Permanent: true, Alarm: true, Detail: "21610"}
	}
	if f := w.fault(p.channel, who); f != nil {
		w.tell("  %s to %s fails: %s", channelWord(p.channel), who, f.reason)
		return notify.Outcome{Certainty: f.certainty, Reason: f.reason, Permanent: f.permanent,
			Alarm: f.reason == notify.ReasonBadCredentials}
	}
	body := n.Text
	if n.Title != "" {
		body = n.Title + "\n" + n.Text
	}
	l := &letter{at: w.now, channel: p.channel, person: who, contact: n.Contact, delivery: n.Delivery, text: body}
	w.inbox = append(w.inbox, l)
	w.tell("  %s", l)
	id := fmt.Sprintf("%s%d", p.channel, w.sent)
	switch p.channel {
	case notify.SMS:
		w.texts = append(w.texts, l)
	case notify.Voice:
		w.calls = append(w.calls, &call{letter: l, id: id, ends: w.now.Add(ringTime)})
	case notify.Email:
		w.mails = append(w.mails, n)
	}
	return notify.Outcome{Certainty: notify.Sent, ProviderID: id}
}

// fault returns what is wrong with the channel for a person now, the newest first; nil = nothing.
func (w *world) fault(c notify.Channel, person string) *fault {
	for i := len(w.faults) - 1; i >= 0; i-- {
		f := &w.faults[i]
		if f.channel == c && (f.person.text == "" || f.person.text == person) && (f.until.IsZero() || f.until.After(w.now)) {
			return f
		}
	}
	return nil
}
