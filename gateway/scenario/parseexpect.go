package scenario

import (
	"strconv"

	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/notify"
)

// expect reads what must be true.
func (p *parser) expect() (action, error) {
	no := p.is("no")
	subjects := []string{"sms", "call", "email", "reply", "page", "incident", "oncall", "timeline", "postmortem", "severity", "step", "nothing", "no"}
	if no {
		subjects = []string{"sms", "call", "email", "reply", "page", "incident", "postmortem"}
	}
	subject, err := p.one(subjects...)
	if err != nil {
		return nil, err
	}
	switch subject {
	case "sms", "call", "email":
		return p.expectMessage(no, channelOf(subject))
	case "reply":
		e := expectReply{no: no}
		if !no {
			e.fragments, err = p.fragments(1)
		}
		return e, err
	case "page":
		return p.expectPage(no)
	case "incident":
		return p.expectIncident(no)
	case "postmortem":
		return p.expectPostmortem(no)
	case "oncall":
		return p.expectOncall()
	case "timeline":
		n, _ := p.number()
		fragments, err := p.fragments(1)
		return expectTimeline{n, fragments}, err
	case "severity":
		s, err := p.severity()
		return expectPage{severity: s}, err
	case "step":
		n, err := p.count(100)
		return expectPage{step: n}, err
	default:
		return expectNothing{}, nil
	}
}

// fragments reads quoted texts.
func (p *parser) fragments(least int) ([]string, error) {
	var out []string
	for p.peek().kind == text {
		out = append(out, p.take().text)
	}
	if len(out) < least {
		return nil, p.unexpected(`a "text"`)
	}
	return out, nil
}

// expectMessage reads [PERSON] ["text" …] [at TIME].
func (p *parser) expectMessage(no bool, c notify.Channel) (action, error) {
	e := expectMessage{no: no, channel: c}
	if t := p.peek(); t.kind == word && t.text != "at" {
		e.person = p.take()
	}
	var err error
	if e.fragments, err = p.fragments(0); err != nil {
		return nil, err
	}
	if !no && p.is("at") {
		at, err := p.clock()
		if err != nil {
			return nil, err
		}
		e.at = &at
	}
	if p.more() {
		return nil, p.unexpected("a person's name", `a "text"`, "at and a time", "the end of the statement")
	}
	return e, nil
}

// expectPage reads [N] and facts in any order.
func (p *parser) expectPage(no bool) (action, error) {
	e := expectPage{no: no}
	if n, ok := p.number(); ok {
		e.number = n
	}
	if no {
		return e, nil
	}
	facts := []string{"held", "triggered", "acknowledged", "resolved", "by", "round", "step", "firing", "severity"}
	if e.number == 0 && !p.more() {
		return nil, p.unexpected(append([]string{"a page's number"}, facts...)...)
	}
	for p.more() {
		fact, err := p.one(facts...)
		if err != nil {
			return nil, err
		}
		switch fact {
		case "by":
			e.by, err = p.name("a person's name")
		case "round":
			e.round, err = p.count(1000)
		case "step":
			e.step, err = p.count(100)
		case "firing":
			n, convErr := strconv.Atoi(p.peek().text)
			if convErr != nil || n < 0 {
				return nil, p.unexpected("how many alerts fire")
			}
			p.next++
			e.firing = &n
		case "severity":
			e.severity, err = p.severity()
		default:
			e.status = page.Status(fact)
		}
		if err != nil {
			return nil, err
		}
	}
	return e, nil
}

// expectIncident reads [N] and facts in any order.
func (p *parser) expectIncident(no bool) (action, error) {
	e := expectIncident{no: no}
	if n, ok := p.number(); ok {
		e.number = n
	}
	for !no && p.more() {
		fact, err := p.one("candidate", "open", "mitigated", "resolved", "dismissed", "merged", "commander", "severity", "phase")
		if err != nil {
			return nil, err
		}
		switch fact {
		case "commander":
			e.commander, err = p.name("a person's name")
		case "severity":
			e.severity, err = p.severity()
		case "phase":
			e.phase, err = p.phase()
		default:
			e.status = incident.Status(fact)
		}
		if err != nil {
			return nil, err
		}
	}
	return e, nil
}

// phase reads the name of a phase.
func (p *parser) phase() (incident.Phase, error) {
	var names []string
	for _, ph := range incident.AllPhases() {
		names = append(names, string(ph))
	}
	w, err := p.one(names...)
	return incident.Phase(w), err
}

// expectOncall reads ROTATION is PERSON.
func (p *parser) expectOncall() (action, error) {
	rotation, err := p.name("a rotation such as platform/primary")
	if err != nil {
		return nil, err
	}
	if err := p.words("is"); err != nil {
		return nil, err
	}
	person, err := p.name("a person's name, or nobody")
	return expectOncall{rotation, person}, err
}
