package sim

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"pagerd/notify"
)

// provider is a process's way to Twilio or to the mail server, with the adapter's own check before the first byte.
type provider struct {
	life    *life
	channel notify.Channel
}

// attemptTime is how long an adapter waits for the provider's answer.
const attemptTime = 5 * time.Second

// phones are the providers' and the telephones' side: what was accepted, and who reads it.
type phones struct {
	accepted []*message
	byID     map[string]*message // newest accepted message of each delivery
	down     map[notify.Channel]time.Time
	bad      map[string]notify.Reason // contacts that can never be reached
	answered map[string]time.Time     // texts, by id: when they were first answered
	ids      int
}

// message is what a provider accepted.
type message struct {
	id       string // the provider's
	delivery string
	kind     notify.Kind
	contact  notify.Contact
	pages    []int64
	rounds   []int
	at       time.Time
	link     string
	sends    []*sending
}

// Send implements engine.Sender.
func (p provider) Send(_ context.Context, n notify.Notification) notify.Outcome {
	l := p.life
	w := l.w
	gone := notify.Outcome{Certainty: notify.MaybeSent, Reason: notify.ReasonTimeout}
	if w.over() || l.dead {
		return gone
	}
	d := w.dice()
	ds := w.judge.carried(w.top().flight, n)
	if len(ds) > 0 {
		w.top().rivals = nil
		w.rivalsOf(w.top(), []int64{pick(d, ds).Page})
	}
	switch {
	case d.chance(w.weather.rival):
		w.race(l)
	case d.chance(w.weather.pause):
		w.stop(l, "before it sends")
	}
	w.dies(l, "before it sends")
	if w.over() || l.dead {
		return gone
	}
	if n.Alive != nil && !n.Alive() {
		w.tally.note("lease lost")
		w.tell("delivery/"+n.Delivery, "%s does not send to %s: its lease is too old", l.name, n.Contact.ID)
		return notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonLeaseLost}
	}
	if out, refused := p.refuses(n); refused {
		w.tally.note("send refused: " + string(out.Reason))
		w.tell("delivery/"+n.Delivery, "%s to %s is refused: %s", p.channel, n.Contact.ID, out.Reason)
		l.wait(d.soon(300 * time.Millisecond))
		return out
	}
	lost := d.chance(w.weather.trouble / 4) // the bytes are on the wire, and nobody gets them
	w.count("send")
	sends := w.judge.sent(l, n, !lost)
	if !lost {
		w.take(p.channel, n, sends)
	}
	switch {
	case d.chance(w.weather.hang):
		w.tally.note("provider hangs")
		l.wait(attemptTime)
		return gone
	case lost, d.chance(w.weather.cut):
		w.tally.note("answer of the provider lost")
		l.wait(d.soon(2 * time.Second))
		return notify.Outcome{Certainty: notify.MaybeSent, Reason: notify.ReasonProviderError}
	}
	l.wait(d.soon(400 * time.Millisecond))
	w.dies(l, "after it sent")
	if w.over() || l.dead {
		return gone
	}
	w.judge.heard(sends)
	return notify.Outcome{Certainty: notify.Sent, ProviderID: w.phones.byID[n.Delivery].id}
}

// wait is time on the wire: the process does other things meanwhile.
func (l *life) wait(d time.Duration) {
	l.busy--
	l.w.elapse(d)
	l.busy++
}

// refuses throws what a provider that takes nothing says.
func (p provider) refuses(n notify.Notification) (notify.Outcome, bool) {
	w := p.life.w
	d := w.dice()
	not := notify.Outcome{Certainty: notify.NotSent}
	switch {
	case w.phones.bad[n.Contact.ID] != "":
		not.Reason, not.Permanent = w.phones.bad[n.Contact.ID], true
		not.Alarm = not.Reason == notify.ReasonOptedOut
	case w.phones.down[p.channel].After(w.now):
		not.Reason = notify.ReasonUnreachable
	case d.chance(w.weather.trouble / 4):
		not.Reason, not.After = notify.ReasonRateLimited, d.between(time.Second, time.Minute)
	case d.chance(w.weather.trouble / 4):
		not.Reason = notify.ReasonUnreachable
	case d.chance(w.weather.refuse):
		not.Reason, not.Permanent = notify.ReasonRejected, true
	case d.chance(w.weather.refuse / 8):
		not.Reason, not.Alarm = notify.ReasonBadCredentials, true
	default:
		return notify.Outcome{}, false
	}
	return not, true
}

// take is the provider's side of a send that it accepts: it tells how it goes on, and somebody reads it.
func (w *world) take(channel notify.Channel, n notify.Notification, sends []*sending) {
	p := w.phones
	p.ids++
	m := &message{id: fmt.Sprintf("%s%d", channel, p.ids), delivery: n.Delivery, kind: n.Kind, contact: n.Contact, at: w.now, link: n.Link, sends: sends}
	f := w.top().flight
	for _, d := range w.judge.carried(f, n) {
		m.pages, m.rounds = append(m.pages, d.Page), append(m.rounds, d.Round)
	}
	p.accepted = append(p.accepted, m)
	p.byID[n.Delivery] = m
	w.tell("delivery/"+n.Delivery, "%s to %s about %v: %s", channel, n.Contact.ID, m.pages, firstWords(n.Text))
	if channel == notify.Voice {
		w.ring(m)
		return
	}
	if channel == notify.SMS {
		w.receipts(m)
	}
	if channel != notify.Bulk { // who reads a letter has nothing to answer
		w.read(m)
	}
}

// firstWords is the beginning of a message, in one line.
func firstWords(text string) string {
	return strings.Join(strings.Fields(text[:min(len(text), 60)]), " ")
}

// reconciler is a provider that can be asked what it accepted.
type reconciler struct{ provider }

// Reconcile implements engine.Reconciler.
func (r reconciler) Reconcile(_ context.Context, n notify.Notification, since time.Time) (string, bool, error) {
	w := r.life.w
	if w.over() || r.life.dead || w.phones.down[r.channel].After(w.now) || w.dice().chance(w.weather.trouble) {
		return "", false, errors.New("the provider does not answer")
	}
	m := w.phones.byID[n.Delivery]
	if m == nil || m.at.Before(since) {
		return "", false, nil
	}
	w.tally.note("reconciled")
	return m.id, true, nil
}

// receipts are the callbacks of an SMS: usually in order, sometimes twice, late, or before the send's answer.
func (w *world) receipts(m *message) {
	d := w.dice()
	steps := []notify.Progress{{State: "queued", Rank: 1}, {State: "sent", Rank: 3}, {State: "delivered", Rank: 9, Final: true}}
	if d.chance(w.weather.refuse) {
		steps[2] = notify.Progress{State: "undelivered", Rank: 9, Final: true, Failed: true, Reason: notify.ReasonUndelivered}
	}
	delay := time.Duration(0)
	for _, s := range steps {
		delay += d.soon(3 * time.Second)
		w.callback(m, s, delay)
	}
}

// callback delivers a provider's word to any replica, once or twice.
func (w *world) callback(m *message, s notify.Progress, delay time.Duration) {
	s.Delivery, s.ProviderID = m.delivery, m.id
	d := w.dice()
	tell := func(delay time.Duration) {
		w.after(delay, "", nil, always, func() {
			l := w.door()
			if l == nil {
				return // Twilio does not repeat a status
			}
			w.count("callback")
			f := w.top()
			f.kind, f.life = "progress", l
			_ = l.do(func(ctx context.Context) error { return l.engine.Progress(ctx, s, l.clock.Now()) })
		})
	}
	if d.chance(w.weather.callback) {
		tell(d.soon(2 * time.Minute))
		if d.chance(0.5) {
			return // once, and in another order
		}
	}
	tell(delay)
}
