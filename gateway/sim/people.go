package sim

import (
	"context"
	"fmt"
	"strings"
	"time"

	"pagerd/gateway/engine"
	"pagerd/notify"
)

// read lets a person read a message, or not, and answer it: in their own time, with the right words or others.
func (w *world) read(m *message) {
	d := w.dice()
	if !m.kind.Answerable() && !d.chance(0.05) || !d.chance(w.weather.answers) {
		return
	}
	w.after(w.patience(), "", nil, always, func() {
		if m.contact.Channel == notify.Email {
			w.press(m, 0)
			return
		}
		w.text(m, w.words(m), w.smsID(), 0)
	})
}

// patience is how long a person takes to answer.
func (w *world) patience() time.Duration {
	d := w.dice()
	if w.weather.on[Late] && d.chance(0.1) {
		return d.between(10*time.Minute, 3*time.Hour)
	}
	return 2*time.Second + d.soon(8*time.Minute)
}

func (w *world) smsID() string {
	w.phones.ids++
	return fmt.Sprintf("SM%d", w.phones.ids)
}

// words are what somebody writes who was told of these pages.
func (w *world) words(m *message) string {
	d := w.dice()
	number := ""
	if len(m.pages) > 0 {
		number = fmt.Sprint(pick(d, m.pages))
	}
	return pick(d, []string{"4", "4", "4", "ack", "Ack " + number, "4 " + number, number + " 4", "4 all", "6", "6 " + number, "8", "8 " + number,
		"?", "who", "noise", "mitigated", "I am driving", "a " + number + ", please", "note " + number + " looking", "note on it", "sev 2 " + number, "sev 3",
		"ic me " + number, "resolved " + number})
}

// text sends a person's SMS. The provider repeats the webhook while it is answered with an error, and people write again.
func (w *world) text(m *message, body, id string, tries int) {
	l := w.door()
	if l == nil {
		if tries < 5 {
			w.after(w.dice().between(time.Second, 20*time.Second), "", nil, always, func() { w.text(m, body, id, tries+1) })
		}
		return
	}
	w.count("sms reply")
	answer, err := l.reply(m, body, id)
	d := w.dice()
	if err != nil {
		if tries < 5 {
			w.after(d.between(time.Second, 20*time.Second), "", nil, always, func() { w.text(m, body, id, tries+1) })
		}
		return
	}
	if strings.Contains(answer, "rung anew") && d.chance(0.5) && len(m.pages) > 0 {
		w.after(5*time.Second, "", nil, always, func() { w.text(m, fmt.Sprintf("4 %d", m.pages[0]), w.smsID(), 0) })
	}
	if d.chance(w.weather.repeat) || d.chance(0.05) {
		later := d.soon(10 * time.Second)
		if w.weather.on[Late] {
			later = d.between(time.Second, 12*time.Hour)
		}
		w.after(later, "", nil, always, func() {
			if l := w.door(); l != nil {
				w.count("webhook again")
				_, _ = l.reply(m, body, id)
			}
		})
	}
}

// reply gives one SMS to this replica.
func (l *life) reply(m *message, body, id string) (string, error) {
	w := l.w
	f := w.top()
	f.kind, f.life, f.group, f.answers, f.text, f.body = "reply", l, "", m, id, body
	w.racing(m, body)
	now := l.clock.Now()
	f.rivals = append(f.rivals, func(by *life) { _, _ = by.reply(m, body, id) })
	w.rivalsOf(f, m.pages)
	w.tell("contact/"+m.contact.ID, "%s writes %q to %s (%s)", m.contact.Person, body, l.name, id)
	var answer string
	err := l.do(func(ctx context.Context) error {
		var err error
		answer, err = l.engine.Reply(ctx, engine.Text{From: m.contact.Address, Body: body, ID: id}, now)
		return err
	})
	if err != nil {
		w.tally.note("reply not recorded")
		w.tell("contact/"+m.contact.ID, "%s answers %s (%s): not recorded", l.name, m.contact.Person, id)
		return "", err
	}
	w.tell("contact/"+m.contact.ID, "%s answers %s (%s): %q", l.name, m.contact.Person, id, answer)
	w.judge.replied(f, m, answer)
	w.judge.understood(m, id, body)
	if _, again := w.phones.answered[id]; !again {
		w.phones.answered[id] = w.now
	}
	return answer, nil
}

// ring is a call: the provider tells how it goes, and somebody picks up or not, and presses something or not.
func (w *world) ring(m *message) {
	d := w.dice()
	w.callback(m, notify.Progress{State: "ringing", Rank: 3}, d.soon(2*time.Second))
	end := 20*time.Second + d.soon(20*time.Second)
	if !d.chance(w.weather.answers) {
		w.callback(m, notify.Progress{State: "no-answer", Rank: 9, Final: true, Failed: true, Reason: notify.ReasonNoAnswer}, end)
		return
	}
	w.callback(m, notify.Progress{State: "answered", Rank: 4}, d.soon(5*time.Second))
	w.callback(m, notify.Progress{State: "completed", Rank: 9, Final: true, Failed: true, Reason: notify.ReasonHungUp}, end)
	at := d.soon(15 * time.Second)
	for range d.IntN(3) {
		at += d.soon(6 * time.Second)
		digit := pick(d, []string{"4", "4", "4", "6", "8", "0", "9", "5"})
		w.after(at, "", nil, always, func() { w.digit(m, digit) })
		if d.chance(w.weather.repeat) {
			w.after(at+d.soon(time.Minute), "", nil, always, func() { w.digit(m, digit) })
		}
	}
}

// digit presses a key during a call.
func (w *world) digit(m *message, digit string) {
	l := w.door()
	if l == nil {
		return
	}
	w.count("digit")
	l.press(m, digit)
}

func (l *life) press(m *message, digit string) {
	w := l.w
	f := w.top()
	f.kind, f.life, f.group, f.answers = "digit", l, "", m
	w.racing(m, digit)
	f.rivals = append(f.rivals, func(by *life) { by.press(m, digit) })
	w.rivalsOf(f, m.pages)
	w.tell("contact/"+m.contact.ID, "%s presses %s in the call of %s, which %s takes", m.contact.Person, digit, stamp(m.at), l.name)
	var spoken engine.Spoken
	err := l.do(func(ctx context.Context) error {
		var err error
		spoken, err = l.engine.Digit(ctx, m.delivery, m.id, digit, l.clock.Now())
		return err
	})
	if err != nil {
		w.tell("contact/"+m.contact.ID, "%s says that nothing was recorded", l.name)
		return
	}
	w.tell("contact/"+m.contact.ID, "%s says to %s: %q", l.name, m.contact.Person, strings.Join(spoken.Paragraphs, " "))
}

// press follows a mail's link and presses a button.
func (w *world) press(m *message, tries int) {
	link, ok := w.links[m.link]
	l := w.door()
	if !ok || l == nil {
		return
	}
	w.count("mail button")
	f := w.top()
	f.kind, f.life, f.answers = "link", l, m
	w.racing(m, "4")
	verb := pick(f.dice, []notify.Verb{notify.VerbAck, notify.VerbAck, notify.VerbResolve, notify.VerbEscalate})
	w.rivalsOf(f, m.pages)
	w.tell("contact/"+m.contact.ID, "%s presses %s in the mail of %s, which %s takes", m.contact.Person, verb, stamp(m.at), l.name)
	var answer string
	err := l.do(func(ctx context.Context) error {
		var err error
		answer, err = l.engine.FollowLink(ctx, link, verb, l.clock.Now())
		return err
	})
	if err != nil {
		if tries < 3 {
			w.after(f.dice.between(time.Second, time.Minute), "", nil, always, func() { w.press(m, tries+1) })
		}
		return
	}
	w.tell("contact/"+m.contact.ID, "%s answers %s: %q", l.name, m.contact.Person, answer)
	w.judge.replied(f, m, answer)
}
