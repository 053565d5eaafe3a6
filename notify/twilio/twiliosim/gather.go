package twiliosim

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// gather runs a Gather: what it says, then silence until its timeout, a digit ends both.
func (v *conversation) gather(verb *node) (step, error) {
	if input := verb.attr("input", "dtmf"); input != "dtmf" {
		return step{}, fmt.Errorf("12200 input=%q of <Gather>: only dtmf is simulated", input)
	}
	timeout, err := secondsOf(verb, "timeout", 5)
	if err != nil {
		return step{}, err
	}
	wanted, err := strconv.Atoi(verb.attr("numDigits", "0"))
	if err != nil || wanted < 0 {
		return step{}, fmt.Errorf("12200 numDigits=%q of <Gather>", verb.attrs["numDigits"])
	}
	g := &gathering{conversation: v, wanted: wanted, finish: verb.attr("finishOnKey", "#")}
	for _, part := range verb.children {
		var s step
		switch part.name {
		case "Say":
			v.checkAttributes(part)
			s, err = v.say(part, g.first)
		case "Pause":
			var length time.Duration
			if length, err = secondsOf(part, "length", 1); err == nil {
				s, _ = v.during(v.sim.clock.Now().Add(length), g.first)
			}
		default:
			err = fmt.Errorf("12200 unknown noun <%s> in <Gather>", part.name)
		}
		if err != nil || s.over || s.next != nil {
			return s, err
		}
		if g.begun() {
			break
		}
	}
	if s := g.rest(timeout); s.over || s.next != nil {
		return s, nil
	}
	if g.digits == "" && verb.attr("actionOnEmptyResult", "false") != "true" {
		return step{}, nil
	}
	action := verb.attr("action", "")
	target, err := v.resolve(action)
	if err != nil {
		return step{}, err
	}
	form := url.Values{"Digits": {g.digits}, "FinishedOnKey": {g.finishedBy}, "msg": {"Gather End"}}
	return step{next: &fetch{webhook: webhook{url: target, method: verb.attr("method", "POST"), form: form}}}, nil
}

// gathering collects the digits of a Gather.
type gathering struct {
	*conversation
	wanted     int
	finish     string
	digits     string
	finishedBy string
	done       bool
}

func (g *gathering) begun() bool { return g.done || g.digits != "" }

// first takes a digit while something is being said: it ends the speaking.
func (g *gathering) first(digit string) bool {
	g.take(digit)
	return true
}

func (g *gathering) take(digit string) {
	s, c := g.sim, g.call
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Digits += digit
	s.record(Entry{Kind: LogDigit, SID: c.SID, To: c.To, Body: digit, Accepted: true})
	s.touch()
	if g.finish != "" && strings.Contains(g.finish, digit) {
		g.finishedBy, g.done = digit, true
		return
	}
	g.digits += digit
	g.done = g.wanted > 0 && len(g.digits) >= g.wanted
}

// rest waits for the remaining digits; the timeout begins anew with each.
func (g *gathering) rest(timeout time.Duration) step {
	for !g.done {
		s, pressed := g.during(g.sim.clock.Now().Add(timeout), g.first)
		if s.over || s.next != nil || !pressed {
			return s
		}
	}
	return step{}
}
