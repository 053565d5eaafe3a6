package message

import (
	"fmt"
	"strings"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/notify"
)

// Led is what a text about an incident came to.
type Led struct {
	Incident int64
	Verb     notify.Verb
	Word     incident.Answer
	Severity alert.Severity // asked for
	People   []string       // who leads now, or who is rung
	Me       string         // who wrote
}

// Leads is the one short message that says what a text about incidents came to.
func Leads(answers []Led) string {
	if len(answers) == 0 {
		return NothingOpen()
	}
	var parts []string
	for _, a := range answers {
		parts = append(parts, a.sentence())
	}
	return clip(strings.Join(parts, ". "))
}

// WithRoom adds a link to an answer if both fit into one segment.
func WithRoom(text, room string) string {
	if with := text + ". Meet: " + room; one(with) {
		return with
	}
	return text
}

// sentence is a switch over what an incident answers.
func (a Led) sentence() string {
	who := word(strings.Join(a.People, ", "), 60)
	switch a.Word {
	case incident.AnswerNoted:
		return fmt.Sprintf("Noted on incident %d", a.Incident)
	case incident.AnswerSeverity:
		return fmt.Sprintf("Incident %d is %s now", a.Incident, a.Severity)
	case incident.AnswerSeverityConfirmed:
		return fmt.Sprintf("Incident %d stays %s and is triaged", a.Incident, a.Severity)
	case incident.AnswerAssigned:
		if len(a.People) == 1 && a.People[0] == a.Me {
			return fmt.Sprintf("You lead incident %d now. Reply note %d TEXT to write into it", a.Incident, a.Incident)
		}
		return fmt.Sprintf("%s leads incident %d now and is told", who, a.Incident)
	case incident.AnswerCalled:
		return fmt.Sprintf("Ringing %s for incident %d until they confirm", who, a.Incident)
	case incident.AnswerUnchanged:
		switch a.Verb {
		case notify.VerbSeverity:
			return fmt.Sprintf("Incident %d is %s already", a.Incident, a.Severity)
		case notify.VerbCall:
			return fmt.Sprintf("%s: rung for incident %d already", who, a.Incident)
		case notify.VerbCommand:
			return fmt.Sprintf("%s leads incident %d already", who, a.Incident)
		}
		return fmt.Sprintf("Incident %d: nothing changed", a.Incident)
	case incident.AnswerRepeated:
		return "Done already: nothing changed"
	}
	return fmt.Sprintf("Incident %d is over: nothing changed", a.Incident)
}
