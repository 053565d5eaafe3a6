package scenario

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"pagerd/gateway/engine"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/notify"
	"pagerd/notify/message"
)

// play does one statement. What only looks sees everything that happened since the script last looked.
func (w *world) play(ctx context.Context, s statement) error {
	if checks(s.do) {
		w.looked = true
		return w.look(ctx, s.do)
	}
	if w.looked || w.since == 0 {
		w.inbox, w.since, w.looked = nil, s.at.line, false
	}
	switch s.do.(type) {
	case startDay, moveTo, wait:
	default:
		w.tell("%s", s.source)
	}
	if err := w.act(ctx, s.do); err != nil {
		return err
	}
	return w.settle(ctx)
}

// act is a switch over the closed set of actions that change something.
func (w *world) act(ctx context.Context, a action) error {
	switch a := a.(type) {
	case startDay:
		return nil
	case moveTo:
		t := w.instant(a.when)
		if t.Before(w.now) {
			return mismatched("a moment that is still to come", "it is %s already", w.clock())
		}
		return w.moveTo(ctx, t)
	case wait:
		return w.moveTo(ctx, w.now.Add(a.lasts))
	case fireAlert:
		return w.fire(ctx, a)
	case postFile:
		return w.postFile(ctx, a)
	case resolveAlert:
		return w.resolve(ctx, a.name.text)
	case replies:
		return w.reply(ctx, a)
	case answersCall:
		return w.pickUp(ctx, a.person.text)
	case presses:
		return w.press(ctx, a.person.text, a.digits)
	case endsCall:
		return w.endCall(ctx, a)
	case losesSMS:
		return w.loseSMS(ctx, a.person.text)
	case follows:
		return w.follow(ctx, a)
	case runs:
		return w.run(ctx, a)
	case breakChannel:
		f := fault{breakChannel: a}
		if a.lasts > 0 {
			f.until = w.now.Add(a.lasts)
		}
		w.faults = append(w.faults, f)
		return nil
	case healChannel:
		w.faults = slices.DeleteFunc(w.faults, func(f fault) bool { return f.channel == a.channel })
		return nil
	}
	return fmt.Errorf("cannot play a %T", a)
}

// readingTime is how long after a message somebody answers it: longer than the few seconds within which pagerd takes a
// bare reply to mean an earlier message.
const readingTime = 10 * time.Second

// reply writes a text. People read first, unless the script says at once.
func (w *world) reply(ctx context.Context, a replies) error {
	contact, ok := w.contact(a.person.text, notify.SMS)
	if !ok {
		return mismatched(a.person.text+" to have a telephone for sms", "the configuration gives them none")
	}
	if !a.atOnce {
		for i := len(w.texts) - 1; i >= 0; i-- {
			if l := w.texts[i]; l.contact.ID == contact.ID {
				if read := l.at.Add(readingTime); read.After(w.now) {
					if err := w.moveTo(ctx, read); err != nil {
						return err
					}
				}
				break
			}
		}
	}
	t := engine.Text{From: contact.Address, Body: a.body, OptOut: w.carrier(contact.Address, a.body)}
	w.replied++
	t.ID = fmt.Sprintf("reply%d", w.replied)
	answer, err := w.engine.Reply(ctx, t, w.now)
	w.flush()
	if err != nil {
		return fmt.Errorf("take the reply: %w", err)
	}
	w.say(a.person.text, answer)
	return nil
}

// carrier is what the telephone network makes of its own words: it blocks the number, or lets it go.
func (w *world) carrier(number, body string) string {
	switch strings.ToUpper(strings.TrimSpace(body)) {
	case "STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL":
		w.stops[number] = true
		return "STOP"
	case "START", "YES", "UNSTOP":
		delete(w.stops, number)
		return "START"
	case "HELP", "INFO":
		return "HELP"
	}
	return ""
}

// say tells what pagerd answered to a person's act.
func (w *world) say(person, answer string) {
	w.answer, w.answered = answer, true
	if answer != "" {
		w.tell("  answer to %s: %s", person, answer)
	}
}

func (w *world) contact(person string, c notify.Channel) (notify.Contact, bool) {
	for _, contact := range w.cfg.Book.People[person].Contacts {
		if contact.Channel == c {
			return contact, true
		}
	}
	return notify.Contact{}, false
}

func (w *world) endCall(ctx context.Context, a endsCall) error {
	c, err := w.ringing(a.person.text, a.how == hangsUp)
	if err != nil {
		return err
	}
	return w.end(ctx, c, a.how)
}

// loseSMS: the network could not deliver the newest SMS to a person, which the provider says afterwards.
func (w *world) loseSMS(ctx context.Context, person string) error {
	for i := len(w.texts) - 1; i >= 0; i-- {
		l := w.texts[i]
		if l.person != person {
			continue
		}
		w.texts = slices.Delete(w.texts, i, i+1)
		err := w.engine.Progress(ctx, notify.Progress{Delivery: l.delivery, State: "undelivered", Final: true, Failed: true,
			Reason: notify.ReasonUndelivered, Rank: 10, Code: "30003"}, w.now)
		w.flush()
		if err != nil {
			return fmt.Errorf("say that it was not delivered: %w", err)
		}
		return nil
	}
	return mismatched("an sms to "+person, "none was sent to them")
}

// follow opens the link of the newest mail to a person and presses its button.
func (w *world) follow(ctx context.Context, a follows) error {
	for i := len(w.mails) - 1; i >= 0; i-- {
		n := w.mails[i]
		if receiver(n.Contact) != a.person.text || n.Link == "" {
			continue
		}
		l := w.links[n.Link]
		if l.Expires.Before(w.now) {
			return mismatched("a link that still acts", "it expired at %s", l.Expires.In(w.zone).Format("Mon 15:04"))
		}
		sentence, err := w.engine.FollowLink(ctx, l, a.verb, w.now)
		w.flush()
		if err != nil {
			return fmt.Errorf("follow the link: %w", err)
		}
		w.say(a.person.text, sentence)
		return nil
	}
	return mismatched("a mail with a link to "+a.person.text, "none was sent to them")
}

// run is what a person does on the command line.
func (w *world) run(ctx context.Context, a runs) error {
	by := page.Actor{Person: a.person.text, Channel: "cli"}
	answer, err := w.runVerb(ctx, a, by)
	w.flush()
	var refused *engine.Refusal
	if errors.As(err, &refused) {
		answer, err = refused.Message, nil
	}
	if err != nil {
		return fmt.Errorf("%s %d: %w", a.verb, a.number, err)
	}
	w.say(a.person.text, answer)
	return nil
}

func (w *world) runVerb(ctx context.Context, a runs, by page.Actor) (string, error) {
	do := func(ev page.Event) (string, error) {
		answer, err := w.engine.Do(ctx, a.number, ev, "", w.now)
		if err != nil {
			return "", err
		}
		return message.Answers([]page.Answer{answer}, w.zone), nil
	}
	switch a.verb {
	case "ack":
		return do(page.Acknowledge{By: by})
	case "unack":
		return do(page.Unacknowledge{By: by})
	case "resolve":
		return do(page.Resolve{By: by})
	case "escalate":
		return do(page.Escalate{By: by})
	case "noise":
		return do(page.Noise{By: by})
	case "note":
		return do(page.Note{By: by, Text: a.text})
	case "severity":
		p, err := w.store.Page(ctx, a.number)
		if err != nil {
			return "", fmt.Errorf("load page %d: %w", a.number, err)
		}
		policy, targets, ok := w.cfg.Routing.Plan(p.Policy.Name, a.severity)
		if !ok {
			return "", fmt.Errorf("the policy %q is not configured", p.Policy.Name)
		}
		return do(page.SetSeverity{By: by, To: a.severity, Policy: policy, Targets: targets})
	}
	if learns(a.verb) {
		return w.runLearn(ctx, a, by)
	}
	word, err := w.runLead(ctx, a, by)
	return string(word), err
}

// runLead is what a person does to an incident.
func (w *world) runLead(ctx context.Context, a runs, by page.Actor) (incident.Answer, error) {
	var ev incident.Event
	switch a.verb {
	case "call":
		word, _, err := w.engine.CallIn(ctx, a.number, a.text, by, w.now)
		return word, err
	case "merge":
		return w.engine.Merge(ctx, a.number, a.other, by, w.now)
	case "move":
		return w.engine.Move(ctx, a.number, a.other, 0, by, w.now)
	case "mitigated":
		ev = incident.Mitigate{By: by.Person, Channel: by.Channel}
	case "close":
		ev = incident.Resolve{By: by.Person, Channel: by.Channel}
	case "confirm":
		ev = incident.Confirm{By: by.Person, Channel: by.Channel}
	case "phase":
		ev = incident.SetPhase{By: by.Person, Channel: by.Channel, To: a.phase}
	case "cause":
		ev = incident.Describe{By: by.Person, Channel: by.Channel, RootCause: a.text}
	default:
		ev = incident.Dismiss{By: by.Person, Channel: by.Channel, Reason: a.text}
	}
	return w.engine.Incident(ctx, a.number, ev, "", w.now)
}
