package page

import (
	"fmt"
	"time"
)

// SourceHand is the source of pages that people begin: no alert stands behind them, and no source ends them.
const SourceHand = "hand"

// ByHand is a person beginning a page, on the zero Page.
type ByHand struct {
	By      Actor
	Group   string // unique to the page: nothing else joins it
	Subject Subject
	// Calls is the person whom the page rings into the incident; empty = the page declares an incident, and By has it already:
	// whom the first step asks for an answer is not rung, whom it informs is.
	Calls    string
	Incident int64 // into which Calls is rung
	// Drill: the page is a drill. Without Calls it rings by its policy, as if an alert had come in, and By has nothing yet.
	Drill bool
	// Of the incident that it declares.
	CustomerData, Security bool
}

// Moved says that the page belongs to another incident.
type Moved struct {
	By       Actor
	From     int64 // the incident that gave it away
	Incident int64
}

func (ByHand) event() {}
func (Moved) event()  {}

// byHand begins a page without an alert.
func (m *machine) byHand(ev ByHand) {
	p := &m.p
	p.Format, p.Group, p.Source = Format, ev.Group, SourceHand
	p.TriggeredAt, p.HeardAt, p.Calls = m.now, m.now, ev.Calls
	p.Drill = ev.Drill
	m.subject(ev.Subject)
	if ev.Calls != "" {
		p.Incident, p.Targets.Promote = ev.Incident, false
		m.record(ev.By.Person, "called", ReasonAskedFor, fmt.Sprintf("%s calls %s into incident %d.", ev.By.Person, ev.Calls, ev.Incident))
		m.by(ev.By)
		m.startRound()
		return
	}
	if ev.Drill {
		m.record(ev.By.Person, "drill", ReasonAskedFor, fmt.Sprintf("%s began a drill, %s %s: %s", ev.By.Person, p.Severity, p.Service, p.Summary))
		m.by(ev.By)
		m.startRound()
		return
	}
	p.Targets.Promote = true
	m.record(ev.By.Person, "declared", ReasonAskedFor, fmt.Sprintf("%s declared %s %s: %s", ev.By.Person, p.Severity, p.Service, p.Summary))
	m.by(ev.By)
	m.beginRound(0)
	m.fireStep()
	m.take(Acknowledge{By: ev.By})
	m.climb()
}

// comes: whoever was called knows, and the ringing is over.
func (m *machine) comes(ev Acknowledge) {
	m.p.Acker, m.p.AckChannel, m.p.AckedAt = ev.By.Person, ev.By.Channel, m.now
	m.record(ev.By.Person, "confirmed", ReasonConfirmed, fmt.Sprintf("%s knows that incident %d calls.", ev.By.Person, m.p.Incident))
	m.by(ev.By)
	m.resolve(ev.By.Person, ReasonConfirmed)
	m.answer(AnswerComing)
	m.fx.Answer.By, m.fx.Answer.At = m.p.Calls, time.Time{}
}

// moved: the page belongs to another incident from now on.
func (m *machine) moved(ev Moved) {
	if ev.Incident == m.p.Incident || m.p.Calls != "" {
		return
	}
	from := m.p.Incident
	m.p.Incident = ev.Incident
	m.record(ev.By.Person, "moved", ReasonPerson, fmt.Sprintf("From incident %d to incident %d.", from, ev.Incident))
	m.by(ev.By)
	m.fx.Incident = IncidentMove
}
