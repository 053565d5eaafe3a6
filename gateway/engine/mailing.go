package engine

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"pagerd/gateway/alert"
	"pagerd/gateway/mailing"
	"pagerd/gateway/page"
	"pagerd/gateway/statuspage"
	"pagerd/gateway/store"
	"pagerd/gateway/timeline"
	"pagerd/gateway/update"
	"pagerd/notify"
	"pagerd/notify/message"
)

// Letters makes the addresses that stand in letters. A nil function leaves its address out.
type Letters struct {
	Confirm func(address string, until time.Time) string // where the owner of an address asks for the updates
	Leave   func(subscriber int64) string                // where a subscriber ends that
}

// letterLife is how long a letter is tried: what was news yesterday is none.
const letterLife = 24 * time.Hour

// hasReaders reports whether anybody may have to be mailed what is told to an audience.
func (e *Engine) hasReaders(to update.Audience, service string) bool {
	cfg := e.config()
	return to == update.Stakeholders && len(cfg.Stakeholders[service]) > 0 || to == update.Customers && cfg.StatusPage.Subscribe
}

// putMailing adds a mailing to the change that makes it necessary.
func (e *Engine) putMailing(c *store.Change, m mailing.Mailing) error {
	return e.putRecord(c, store.Record{Kind: store.Mailing, Number: m.Number}, m, true, c.Now, timeline.Entry{})
}

// fireMailing queues the next letters of a mailing.
func (e *Engine) fireMailing(ctx context.Context, number int64, now time.Time) error {
	var m mailing.Mailing
	r, err := e.loadRecord(ctx, store.Mailing, number, &m)
	if err != nil || r.Due.IsZero() || r.Due.After(now) {
		return err
	}
	readers, below, done, err := e.readersOf(ctx, m)
	if err != nil {
		return err
	}
	c := store.Change{Now: now}
	for i, contact := range readers {
		c.Deliveries = append(c.Deliveries, letterTo(contact, number, m.Letters+i+1, "", now))
	}
	next := m.Queued(len(readers), below, done)
	due, entry := now, timeline.Entry{}
	if done {
		due = time.Time{}
		entry = timeline.Entry{Actor: "pagerd", What: "mailed", Facts: map[string]string{"letters": strconv.Itoa(next.Letters), "to": cmp.Or(string(m.Report), string(m.To))}}
	}
	if err := e.putRecord(&c, r, next, !done, due, entry); err != nil {
		return err
	}
	return e.commit(ctx, c)
}

// letterTo is the n-th letter under a number. It is made when it is sent; text is what that needs to know beside the number.
func letterTo(contact notify.Contact, number int64, n int, text string, now time.Time) store.Delivery {
	return delivery(page.Send{ID: page.SendID(number, n), Page: number, Kind: notify.KindLetter, Person: contact.Person, Contact: contact.ID,
		Channel: notify.Bulk, Severity: alert.SEV4, At: now}, text, now)
}

// readersOf returns who is mailed next: all stakeholders, or as many subscribers as one part holds.
func (e *Engine) readersOf(ctx context.Context, m mailing.Mailing) (readers []notify.Contact, below int64, done bool, err error) {
	if m.Report != "" {
		return e.config().Reports.Readers[m.Report], 0, true, nil
	}
	if m.To == update.Stakeholders {
		in, err := e.store.Incident(ctx, m.Incident)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, 0, false, fmt.Errorf("load incident %d: %w", m.Incident, err)
		}
		return e.config().Stakeholders[in.Service], 0, true, nil
	}
	list, err := e.store.Records(ctx, store.Subscriber, store.Filter{Open: true, Before: m.Below, Limit: mailing.Part})
	if err != nil && !errors.Is(err, store.ErrDamaged) { // what is damaged is named by the auditor
		return nil, 0, false, fmt.Errorf("list subscribers: %w", err)
	}
	for _, r := range list {
		below = r.Number
		var s mailing.Subscriber
		if json.Unmarshal(r.Body, &s) == nil && !s.Since.After(m.At) { // who came later hears the next word
			readers = append(readers, notify.Contact{ID: subscriberContact(r.Number)})
		}
	}
	return readers, below, len(list) == 0, nil
}

// attemptLetter makes one letter and sends it, or drops it when nobody wants it any more.
func (e *Engine) attemptLetter(ctx context.Context, c store.Claim, clock func() time.Time, alive func() bool) error {
	d, now := c.Deliveries[0], clock() // a lane of its own is never claimed with others
	n, drop, err := e.letter(ctx, d, now)
	var refusal *Refusal
	if errors.Is(err, store.ErrDamaged) || errors.As(err, &refusal) { // it does not get better, and thousands may be like it
		e.log.Error("a letter cannot be made", zap.String("delivery", d.ID), zap.Error(err))
		return e.settle(ctx, c, c.Deliveries, nil, notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonRejected, Permanent: true}, now)
	}
	if err != nil {
		return err
	}
	if drop != notify.ReasonNone {
		change := store.Change{Now: now, Settle: []store.Settlement{{Delivery: d.ID, Token: c.Token, State: store.Dropped, At: now, Reason: drop}}}
		if d.Channel == notify.Tracker && drop == notify.ReasonExhausted {
			e.untold(&change, d, drop)
		}
		return e.settleChange(ctx, change)
	}
	out := notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonNoContact, Permanent: true, Detail: "no provider is configured for " + string(d.Channel)}
	if sender, ok := e.senders[d.Channel]; ok {
		n.Delivery, n.Kind, n.Validity, n.Alive = cmp.Or(n.Delivery, d.ID), d.Kind, letterLife, alive
		out = e.trySend(ctx, sender, n, d, now)
		now = clock()
	}
	e.observe1(d, out, now)
	if d.Channel == notify.Tracker && out.Certainty == notify.Sent {
		return e.patiently(ctx, func() error { return e.tracked(ctx, c, d, out.ProviderID, now) })
	}
	out.After = max(out.After, letterBackoff(d.Attempts))
	return e.settle(ctx, c, c.Deliveries, nil, out, now)
}

// letterBackoff is how long a letter waits after so many attempts: from a second to ten minutes, because thousands may wait for
// one server that is down.
func letterBackoff(attempts int) time.Duration {
	return min(time.Second<<min(max(attempts, 1)-1, 10), 10*time.Minute)
}

// letter makes what a letter says as it is to be read now; drop is why nobody wants it any more.
func (e *Engine) letter(ctx context.Context, d store.Delivery, now time.Time) (n notify.Notification, drop notify.Reason, err error) {
	if d.Channel == notify.Tracker {
		return e.trackerLetter(ctx, d, now)
	}
	if now.Sub(d.At) > letterLife {
		return n, notify.ReasonExhausted, nil
	}
	contact, ok, err := e.letterContact(ctx, d)
	if err != nil || !ok {
		return n, notify.ReasonNoContact, err
	}
	n.Contact = contact
	if strings.HasPrefix(d.Contact, applicantPrefix) {
		return e.invitation(n, d), notify.ReasonNone, nil
	}
	var m mailing.Mailing
	if r, err := e.loadRecord(ctx, store.Mailing, d.Page, &m); err != nil || r.Version == 0 {
		return n, notify.ReasonExhausted, err
	}
	if m.Report != "" {
		n, err = e.reportLetter(ctx, n, m, now)
		return n, notify.ReasonNone, err
	}
	return e.updateLetter(ctx, n, d, m)
}

// updateLetter is the mail of an update: the newest word to its audience, or none.
func (e *Engine) updateLetter(ctx context.Context, n notify.Notification, d store.Delivery, m mailing.Mailing) (notify.Notification, notify.Reason, error) {
	l, _, in, err := e.updates(ctx, m.Incident)
	if err != nil {
		return n, notify.ReasonNone, err
	}
	u, newest := newestTo(l, m)
	if !newest {
		return n, notify.ReasonSuperseded, nil
	}
	title, body, err := e.updateMail(in, u)
	if err != nil {
		return n, notify.ReasonNone, err
	}
	if m.To == update.Stakeholders {
		n.Thread = fmt.Sprintf("incident.%d", in.Number)
		return message.Letter(n, title, body, "You are told because you are a stakeholder of "+in.Service+"."), notify.ReasonNone, nil
	}
	// What strangers see of our numbering says nothing: neither how many incidents there are nor how many readers.
	n.Thread = "update." + unguessable(l.FirstTo[update.Customers], strconv.FormatInt(m.Incident, 10))
	n.Delivery = unguessable(m.At, d.ID)
	if number, ok := subscriberOf(d.Contact); ok && e.letters.Leave != nil {
		n.Leave = e.letters.Leave(number)
	}
	why := fmt.Sprintf("You asked for the updates of %s: %s", e.config().StatusPage.Title, e.config().PublicURL+statuspage.Path)
	return message.Letter(n, title, body, why), notify.ReasonNone, nil
}

// newestTo returns the update that a mailing tells, if nothing newer was said to its audience.
func newestTo(l update.Log, m mailing.Mailing) (update.Update, bool) {
	for _, u := range slices.Backward(l.Updates) {
		if u.To == m.To {
			return u, u.At.Equal(m.At)
		}
	}
	return update.Update{}, false
}

// unguessable names something to strangers without its number: the instant keeps them from finding it by trying all of them.
func unguessable(at time.Time, id string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "pagerd letter\x00%s/%d", id, at.UnixNano()))
	return hex.EncodeToString(sum[:8])
}

// letterContact looks the reader up now, so that who left meanwhile gets nothing; ok is then false.
func (e *Engine) letterContact(ctx context.Context, d store.Delivery) (notify.Contact, bool, error) {
	if strings.HasPrefix(d.Contact, applicantPrefix) {
		return notify.Contact{ID: d.Contact, Channel: notify.Email, Address: d.Text}, true, nil
	}
	if number, ok := subscriberOf(d.Contact); ok {
		s, _, err := e.subscriber(ctx, number)
		return notify.Contact{ID: d.Contact, Channel: notify.Email, Address: s.Address}, s.Active(), err
	}
	if c, ok := e.config().Reader(d.Contact); ok {
		return c, true, nil
	}
	c, ok := e.contact(d)
	return c, ok, nil
}

// Mail is what became of a mailing so far.
type Mail struct {
	Letters int  `json:"letters"` // queued so far
	Sent    int  `json:"sent"`    // taken by the mail server
	Failed  int  `json:"failed,omitempty"`
	Dropped int  `json:"dropped,omitempty"` // a newer update said it, or the reader left
	Done    bool `json:"done"`              // all are queued
}

// Mailed counts the letters of a mailing.
func (e *Engine) Mailed(ctx context.Context, number int64) (Mail, error) {
	var m mailing.Mailing
	if _, err := e.loadRecord(ctx, store.Mailing, number, &m); err != nil {
		return Mail{}, err
	}
	ds, err := e.store.Deliveries(ctx, number)
	if err != nil {
		return Mail{}, fmt.Errorf("load the letters of mailing %d: %w", number, err)
	}
	out := Mail{Letters: m.Letters, Done: m.Done}
	for _, d := range ds {
		switch d.State {
		case store.SentState, store.Delivered:
			out.Sent++
		case store.Failed:
			out.Failed++
		case store.Dropped:
			out.Dropped++
		}
	}
	return out, nil
}
