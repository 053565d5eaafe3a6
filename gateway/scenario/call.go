package scenario

import (
	"context"
	"fmt"
	"strings"
	"time"

	"pagerd/gateway/engine"
	"pagerd/notify"
)

// How long a call rings before nobody has answered it, and how long somebody who answered listens without pressing
// anything: the telephone network's own times, shortened so that a voicemail does not pick up.
const (
	ringTime = 25 * time.Second
	talkTime = time.Minute
)

// call is a telephone that rings, or somebody who listens.
type call struct {
	*letter
	id       string
	answered bool
	over     bool
	ends     time.Time // by itself
}

// ringing returns a person's newest call that is not over; answered says in which state it must be.
func (w *world) ringing(person string, answered bool) (*call, error) {
	for i := len(w.calls) - 1; i >= 0; i-- {
		if c := w.calls[i]; c.person == person && !c.over && c.answered == answered {
			return c, nil
		}
	}
	want := fmt.Sprintf("a telephone of %s that rings", person)
	if answered {
		want = fmt.Sprintf("a call that %s answered", person)
	}
	var had []string
	for _, c := range w.calls {
		if c.person == person {
			had = append(had, fmt.Sprintf("one at %s (%s)", c.at.In(w.zone).Format("15:04:05"), c.state()))
		}
	}
	if len(had) == 0 {
		return nil, mismatched(want, "%s was never called", person)
	}
	return nil, mismatched(want, "calls to %s: %s", person, strings.Join(had, ", "))
}

func (c *call) state() string {
	switch {
	case c.over:
		return "over"
	case c.answered:
		return "answered"
	}
	return "rings"
}

// pickUp answers a call and hears what it says.
func (w *world) pickUp(ctx context.Context, person string) error {
	c, err := w.ringing(person, false)
	if err != nil {
		return err
	}
	c.answered, c.ends = true, w.now.Add(talkTime)
	said, err := w.engine.Script(ctx, c.delivery, w.now)
	if err != nil {
		return fmt.Errorf("ask what the call says: %w", err)
	}
	return w.hear(ctx, c, said)
}

// press presses digits one after the other.
func (w *world) press(ctx context.Context, person, digits string) error {
	for _, d := range digits {
		c, err := w.ringing(person, true)
		if err != nil {
			return err
		}
		said, err := w.engine.Digit(ctx, c.delivery, c.id, string(d), w.now)
		w.flush()
		if err != nil {
			return fmt.Errorf("press %c: %w", d, err)
		}
		c.ends = w.now.Add(talkTime)
		if err := w.hear(ctx, c, said); err != nil {
			return err
		}
	}
	return nil
}

// hear tells what was said; a call that offers no digits any more ends.
func (w *world) hear(ctx context.Context, c *call, said engine.Spoken) error {
	w.answer, w.answered = strings.Join(said.Paragraphs, "\n"), true
	w.tell("  %s hears: %s", c.person, clip(w.answer, 500))
	if said.Digits {
		return nil
	}
	return w.end(ctx, c, hangsUp)
}

// end tells pagerd how a call ended, as the provider's callback does: without a digit it rang in vain.
func (w *world) end(ctx context.Context, c *call, how callEnd) error {
	c.over = true
	p := notify.Progress{Delivery: c.delivery, ProviderID: c.id, Final: true, Failed: true, Rank: 10}
	switch how {
	case hangsUp:
		p.State, p.Reason = "completed", notify.ReasonHungUp
	case noAnswer:
		p.State, p.Reason = "no-answer", notify.ReasonNoAnswer
	case busy:
		p.State, p.Reason = "busy", notify.ReasonBusy
	case voicemail:
		p.State, p.Reason = "completed", notify.ReasonVoicemail
	}
	err := w.engine.Progress(ctx, p, w.now)
	w.flush()
	if err != nil {
		return fmt.Errorf("end of the call to %s: %w", c.person, err)
	}
	return nil
}

// hangUps ends the calls whose time is over.
func (w *world) hangUps(ctx context.Context) error {
	for _, c := range w.calls {
		if c.over || c.ends.After(w.now) {
			continue
		}
		how := noAnswer
		if c.answered {
			how = hangsUp
			w.tell("%s hangs up", c.person)
		} else {
			w.tell("%s does not answer", c.person)
		}
		if err := w.end(ctx, c, how); err != nil {
			return err
		}
	}
	return nil
}
