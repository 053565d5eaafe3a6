package page

import (
	"fmt"
	"slices"
	"time"

	"pagerd/gateway/alert"
	"pagerd/notify"
	"pagerd/schedule"
)

// oldRound reports whether the act answers a message of a round that is over.
func (m *machine) oldRound(by Actor) bool { return by.Round != 0 && by.Round < m.p.Round }

// acknowledge: a person takes the page, confirms that they know, or extends what they were asked about.
func (m *machine) acknowledge(ev Acknowledge) {
	p := &m.p
	switch p.Status {
	case Resolved:
		m.answer(AnswerAlreadyResolved)
	case Held:
		m.answer(AnswerHeld)
	case Acknowledged:
		m.acknowledgeAgain(ev)
	default:
		switch {
		case m.oldRound(ev.By):
			m.answer(AnswerOldRound)
		case m.p.Calls != "":
			m.comes(ev)
		case m.mayConfirm(ev.By):
			m.confirm(ev.By)
		default:
			m.take(ev)
		}
	}
}

// mayConfirm reports whether the person answers a message that asks them only to know, and has not said so yet. Once
// confirmed, a second acknowledgement takes the page; so does one that answers no message, from the command line or the API.
func (m *machine) mayConfirm(by Actor) bool {
	switch notify.Channel(by.Channel) {
	case notify.SMS, notify.Voice, notify.Email:
		return m.owesConfirming(by.Person)
	}
	return false
}

func (m *machine) owesConfirming(person string) bool {
	i := m.ladder(person)
	return i >= 0 && m.p.Ladders[i].Mode == schedule.Inform && !m.p.Ladders[i].Done
}

func (m *machine) confirm(by Actor) {
	l := &m.p.Ladders[m.ladder(by.Person)]
	l.Done, l.Due = true, time.Time{}
	m.record(by.Person, "confirmed", ReasonConfirmed, by.Person+" knows.")
	m.by(by)
	m.answer(AnswerConfirmed)
}

// take is the acknowledgement: steps stop, answer ladders stop, and the incident begins in the same commit.
func (m *machine) take(ev Acknowledge) {
	p := &m.p
	p.Status, p.Acker, p.AckChannel, p.AckedAt = Acknowledged, ev.By.Person, ev.By.Channel, m.now
	p.StepDue = time.Time{}
	p.ExpiryDue = m.now.Add(m.ackTTL())
	for i := range p.Ladders {
		l := &p.Ladders[i]
		switch {
		case l.Person == ev.By.Person:
			l.Done, l.Due = true, time.Time{}
		case l.Mode == schedule.Inform:
		case l.Inform: // still owes a confirmation
			l.Mode = schedule.Inform
			if l.Due.IsZero() && !l.Done {
				l.Due = m.now.Add(m.again())
			}
		default:
			l.Done, l.Due = true, time.Time{}
		}
	}
	m.record(ev.By.Person, "acknowledged", ReasonAcked, fmt.Sprintf("%s acknowledged by %s.", ev.By.Person, ev.By.Channel))
	m.by(ev.By)
	if p.Targets.Promote {
		if p.Incident == 0 && !p.Drill { // a drill has an incident of its own
			p.Incident = ev.Incident
		}
		if p.Incident == 0 {
			p.Incident = p.Number
		}
		m.fx.Incident = IncidentPromote
	}
	m.answer(AnswerAcked)
}

// ackTTL is how long an acknowledgement holds before the acknowledger is asked.
func (m *machine) ackTTL() time.Duration {
	t := m.p.Targets
	switch {
	case t.AckTTL > 0:
		return t.AckTTL
	case m.p.Severity == alert.SEV1:
		return sev1AckTTL
	case t.Mitigate > 0:
		return t.Mitigate
	}
	return defaultAckTTL
}

// acknowledgeAgain: the page is somebody's already.
func (m *machine) acknowledgeAgain(ev Acknowledge) {
	owes, asked := m.owesConfirming(ev.By.Person), !m.p.AskedAt.IsZero()
	switch {
	case m.oldRound(ev.By) && (owes || asked): // it would have had an effect
		m.answer(AnswerOldRound)
	case owes: // that somebody else knows does not answer what the acknowledger was asked
		m.confirm(ev.By)
	case asked:
		m.extend()
		m.record(ev.By.Person, "extended", ReasonAnswered, ev.By.Person+" is still on it.")
		m.by(ev.By)
		m.answer(AnswerExtended)
	default:
		m.answer(AnswerAlreadyAcked)
	}
}

// extend takes the question back and starts the acknowledgement's time again.
func (m *machine) extend() {
	m.p.AskedAt, m.p.AskedWhy = time.Time{}, ""
	m.p.ExpiryDue = m.now.Add(m.ackTTL())
	m.stale()
}

func (m *machine) extendedBy(ev Extend) {
	if m.p.Status != Acknowledged || m.p.AskedAt.IsZero() || m.oldRound(ev.By) {
		return
	}
	m.extend()
	m.record(ev.By.Person, "extended", ReasonAnswered, ev.By.Person+" is still on it.")
	m.by(ev.By)
	m.answer(AnswerExtended)
}

// heard takes back the question whether the page is still there, once its source answers that. The acknowledgement's time
// goes on where it was.
func (m *machine) heard() {
	p := &m.p
	if p.Status != Acknowledged || p.AskedWhy != ReasonStale && p.AskedWhy != ReasonHidden {
		return
	}
	p.AskedAt, p.AskedWhy = time.Time{}, ""
	m.expireFromAck()
}

// expireFromAck counts the acknowledgement's time from when it was given, and from now if that is over.
func (m *machine) expireFromAck() {
	m.p.ExpiryDue = m.p.AckedAt.Add(m.ackTTL())
	if !m.p.ExpiryDue.After(m.now) {
		m.p.ExpiryDue = m.now.Add(m.ackTTL())
	}
}

func (m *machine) unacknowledge(ev Unacknowledge) {
	switch m.p.Status {
	case Resolved:
		m.answer(AnswerAlreadyResolved)
	case Held:
		m.answer(AnswerHeld)
	case Triggered:
		m.answer(AnswerReopened)
	default:
		m.record(ev.By.Person, "unacknowledged", ReasonUnacked, ev.By.Person+" gave the page back.")
		m.by(ev.By)
		m.startRound()
		m.answer(AnswerReopened)
	}
}

func (m *machine) note(ev Note) {
	m.record(ev.By.Person, "note", ReasonPerson, clip(ev.Text, 1000))
	m.fact("channel", ev.By.Channel)
	if m.p.Status == Acknowledged && !m.p.AskedAt.IsZero() {
		m.extend()
	}
	m.answer(AnswerNoted)
}

func (m *machine) noise(ev Noise) {
	if !slices.Contains(m.p.Noise, ev.By.Person) && len(m.p.Noise) < maxNoise {
		m.p.Noise = append(m.p.Noise, ev.By.Person)
		m.record(ev.By.Person, "noise", ReasonPerson, ev.By.Person+" says it was not worth ringing for.")
		m.by(ev.By)
	}
	m.answer(AnswerNoted)
}

// setSeverity: raising rings by the new severity's policy, lowering rings nobody.
func (m *machine) setSeverity(ev SetSeverity) {
	p := &m.p
	if ev.To == p.Severity || !ev.To.Valid() {
		m.answer(AnswerSeverity)
		return
	}
	from, worse := p.Severity, ev.To.Worse(p.Severity)
	p.Severity, p.Targets = ev.To, ev.Targets
	if ev.Policy.Name != "" {
		p.Policy = ev.Policy
	}
	reason := ReasonLowered
	if worse {
		reason = ReasonRaised
	}
	m.record(ev.By.Person, "severity_changed", reason, fmt.Sprintf("%s changed it from %s to %s.", ev.By.Person, from, ev.To))
	m.by(ev.By)
	m.changeIncidentSeverity()
	switch {
	case worse && (p.Status == Triggered || p.Status == Acknowledged):
		m.startRound()
	case p.Status == Acknowledged && p.AskedAt.IsZero():
		m.expireFromAck()
	}
	p.Step = min(p.Step, len(p.Policy.Steps))
	m.answer(AnswerSeverity)
}
