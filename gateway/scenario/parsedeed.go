package scenario

import (
	"strconv"
	"strings"

	"pagerd/gateway/alert"
	"pagerd/notify"
)

// maxTimes bounds a storm: as many alerts as one body of a large Alertmanager.
const maxTimes = 1000

// fire reads [NAME] [{labels}] [summary "…"] [annotations {…}] [source NAME] [times N] [once].
func (p *parser) fire() (action, error) {
	f := fireAlert{times: 1}
	begin := p.peek()
	if begin.kind == word {
		f.name = p.take()
	} else if begin.kind != mark || begin.text != "{" {
		return nil, p.unexpected("the alert's name", "{labels}")
	}
	if t := p.peek(); t.kind == mark && t.text == "{" {
		labels, err := p.pairs()
		if err != nil {
			return nil, err
		}
		f.labels = labels
	}
	if f.name.text == "" {
		f.name = token{kind: word, text: f.labels["alertname"], at: begin.at}
		if f.name.text == "" {
			return nil, p.errorAt(begin.at, "an alert without a name needs the label alertname")
		}
	}
	for p.more() {
		key, err := p.one("summary", "annotations", "source", "times", "once")
		if err != nil {
			return nil, err
		}
		if err := p.fireOption(&f, key); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (p *parser) fireOption(f *fireAlert, key string) (err error) {
	if f.annotations == nil {
		f.annotations = map[string]string{}
	}
	switch key {
	case "summary":
		if p.peek().kind != text {
			return p.unexpected(`a "text"`)
		}
		f.annotations["summary"] = p.take().text
	case "annotations":
		if t := p.peek(); t.kind == text { // a bare text is the summary
			f.annotations["summary"] = p.take().text
			return nil
		}
		pairs, err := p.pairs()
		for k, v := range pairs {
			f.annotations[k] = v
		}
		return err
	case "source":
		f.source, err = p.name("the name of a source")
	case "once":
		f.once = true
	case "times":
		f.times, err = p.count(maxTimes)
	}
	return err
}

// post reads FILE [source NAME].
func (p *parser) post(kind string) (action, error) {
	t := p.peek()
	if t.kind != word && t.kind != text || t.text == "" {
		return nil, p.unexpected("the name of a file with the body, seen from the script's directory")
	}
	f := postFile{kind: kind, file: p.take()}
	if !p.more() {
		return f, nil
	}
	_, err := p.one("source")
	if err == nil {
		f.source, err = p.name("the name of a source")
	}
	return f, err
}

// pairs reads {key=value, …}; keys and values may be quoted.
func (p *parser) pairs() (map[string]string, error) {
	if !p.is("{") {
		return nil, p.unexpected("{key=value, …}")
	}
	out := map[string]string{}
	for !p.is("}") {
		k := p.peek()
		if k.kind != word && k.kind != text {
			return nil, p.unexpected("a name", "}")
		}
		p.take()
		if _, twice := out[k.text]; twice {
			return nil, p.errorAt(k.at, "%s is given twice", k)
		}
		if !p.is("=") {
			return nil, p.unexpected("=")
		}
		v := p.peek()
		if v.kind != word && v.kind != text {
			return nil, p.unexpected("a value")
		}
		p.take()
		out[k.text] = v.text
		if p.is(",") {
			continue
		}
		if t := p.peek(); t.kind != mark || t.text != "}" {
			return nil, p.unexpected("a comma", "}")
		}
	}
	return out, nil
}

// count reads a number from 1 to limit.
func (p *parser) count(limit int) (int, error) {
	n, err := strconv.Atoi(p.peek().text)
	if p.peek().kind != word || err != nil || n < 1 || n > limit {
		return 0, p.unexpected("a number from 1 to " + strconv.Itoa(limit))
	}
	p.next++
	return n, nil
}

// page reads a page's or an incident's number.
func (p *parser) number() (int64, bool) {
	t := p.peek()
	n, err := strconv.ParseInt(t.text, 10, 64)
	if t.kind != word || err != nil || n < 1 {
		return 0, false
	}
	p.next++
	return n, true
}

func (p *parser) channel() (notify.Channel, error) {
	w, err := p.one("sms", "call", "email")
	return channelOf(w), err
}

// channelOf maps a script's word to the channel: people say call.
func channelOf(w string) notify.Channel {
	if w == "call" {
		return notify.Voice
	}
	return notify.Channel(w)
}

// fail reads CHANNEL [for PERSON] [permanently | with REASON] [for DURATION].
func (p *parser) fail() (action, error) {
	c, err := p.channel()
	f := breakChannel{channel: c, certainty: notify.NotSent, reason: notify.ReasonUnreachable}
	for err == nil && p.more() {
		var w string
		if w, err = p.one("for", "permanently", "with"); err != nil {
			break
		}
		switch w {
		case "permanently":
			f.reason, f.permanent = notify.ReasonRejected, true
		case "with":
			err = p.failReason(&f)
		case "for":
			if _, isTime := parseDuration(p.peek().text); isTime {
				f.lasts, err = p.duration()
			} else {
				f.person, err = p.name("a person, or a duration such as 10m")
			}
		}
	}
	return f, err
}

func (p *parser) failReason(f *breakChannel) error {
	w, err := p.one("timeout", "unreachable", "provider_error", "rate_limited", "rejected", "bad_number", "bad_credentials")
	f.reason = notify.Reason(w)
	switch f.reason {
	case notify.ReasonTimeout, notify.ReasonProviderError:
		f.certainty = notify.MaybeSent
	case notify.ReasonRejected, notify.ReasonBadNumber, notify.ReasonBadCredentials:
		f.permanent = true
	}
	return err
}

// person reads what somebody does; the name was taken.
func (p *parser) person(who token) (action, error) {
	switch p.take().text {
	case "replies":
		return p.replies(who)
	case "answers":
		return answersCall{who}, nil
	case "presses":
		t := p.peek()
		if t.kind != word || t.text == "" || strings.Trim(t.text, "0123456789*") != "" || len(t.text) > 8 {
			return nil, p.unexpected("the digits to press")
		}
		p.next++
		return presses{who, t.text}, nil
	case "hangs":
		return endsCall{who, hangsUp}, p.words("up")
	case "is":
		return endsCall{who, busy}, p.words("busy")
	case "lets":
		return endsCall{who, voicemail}, p.words("voicemail", "answer")
	case "does":
		return p.doesNot(who)
	case "follows":
		return p.follows(who)
	default:
		return p.runs(who)
	}
}

func (p *parser) doesNot(who token) (action, error) {
	if err := p.words("not"); err != nil {
		return nil, err
	}
	w, err := p.one("answer", "get")
	if w == "get" {
		return losesSMS{who}, p.words("the", "sms")
	}
	return endsCall{who, noAnswer}, err
}

// replies reads "a text" or bare words, and at once.
func (p *parser) replies(who token) (action, error) {
	r := replies{person: who}
	if !p.more() {
		return nil, p.unexpected(`what was written: 4, or "a text"`)
	}
	var parts []string
	quoted := p.peek().kind == text
	for p.more() {
		t := p.take()
		if n := p.peek(); t.kind == word && t.text == "at" && n.kind == word && n.text == "once" && len(parts) > 0 {
			p.take()
			r.atOnce = true
			break
		}
		if quoted && len(parts) > 0 {
			p.next--
			return nil, p.unexpected("at once", "the end of the statement")
		}
		parts = append(parts, t.text)
	}
	r.body = strings.Join(parts, " ")
	return r, nil
}

func (p *parser) follows(who token) (action, error) {
	if err := p.words("link"); err != nil {
		return nil, err
	}
	w, err := p.one("ack", "resolve", "escalate", "noise", "mitigated")
	return follows{who, notify.Verb(w)}, err
}

// runs reads what a person does on the command line: a verb and a page's or incident's number.
func (p *parser) runs(who token) (action, error) {
	w, err := p.one("ack", "unack", "resolve", "escalate", "noise", "note", "severity", "mitigated", "close", "dismiss",
		"confirm", "phase", "cause", "call", "merge", "move", "write", "review", "publish", "waive", "done", "tell")
	if err != nil {
		return nil, err
	}
	r := runs{person: who, verb: w}
	n, ok := p.number()
	if !ok {
		return nil, p.unexpected("a page's number")
	}
	r.number = n
	switch w {
	case "severity":
		r.severity, err = p.severity()
	case "phase":
		r.phase, err = p.phase()
	case "merge", "move":
		if r.other, ok = p.number(); !ok {
			return nil, p.unexpected("the other number")
		}
	case "note", "dismiss", "cause", "call", "write", "waive", "tell":
		if p.peek().kind != text {
			return nil, p.unexpected(`a "text"`)
		}
		r.text = p.take().text
	}
	return r, err
}

func (p *parser) severity() (alert.Severity, error) {
	s, err := alert.ParseSeverity(p.peek().text)
	if p.peek().kind != word || err != nil {
		return 0, p.unexpected("SEV-1", "SEV-2", "SEV-3", "SEV-4")
	}
	p.next++
	return s, nil
}
