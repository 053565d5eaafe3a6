// Package message is what a person reads and hears: SMS, spoken text, mail and the answers to replies.
//
// It promises that an SMS is one segment, that its first word is the severity and its last ones what to reply, and that
// foreign text is plain, short and never looks like an instruction of ours.
package message

import (
	"fmt"
	"strings"

	"pagerd/notify"
)

// Render fills in Text, Title and HTML: the SMS, the spoken text (paragraphs on lines of their own) or the mail's two parts.
// The sentence of an alarm, and of what is only read, comes in Text.
func Render(n notify.Notification) notify.Notification {
	switch n.Contact.Channel {
	case notify.Voice:
		n.Text = strings.Join(Spoken(n), "\n")
	case notify.Email:
		n.Title, n.HTML, n.Text = title(n), HTML(n), mail(n)
	default:
		n.Text = sms(n)
	}
	return n
}

// sms is the text of one segment.
func sms(n notify.Notification) string {
	if n.Kind == notify.KindAlarm {
		return fit(brief(n.Text), frame{drill(n) + "PAGERD: ", ""})
	}
	if n.Kind.Read() {
		return reminded(n)
	}
	if len(n.Subjects) == 0 {
		return "PAGERD: a page without a subject."
	}
	if len(n.Subjects) > 1 {
		return bundle(n)
	}
	s := n.Subjects[0]
	around := frames(n.Kind, s)
	if n.Drill && n.Kind == notify.KindResolved {
		around = []frame{{fmt.Sprintf("over: #%d %s: ", s.Page, what(s)), environment(s)}}
	}
	for i := range around {
		around[i].before = drill(n) + around[i].before
	}
	return fit(summary(s, brief), around...)
}

// drillWord is how everything that a drill sends begins.
const drillWord = "DRILL "

// drill is that beginning, or nothing.
func drill(n notify.Notification) string {
	if n.Drill {
		return drillWord
	}
	return ""
}

// frames are what a kind of message says around the summary: wordy first, for GSM-7; the last one leaves room in UCS-2 too.
func frames(kind notify.Kind, s notify.Subject) []frame {
	number, about, where := fmt.Sprintf("#%d", s.Page), what(s), environment(s)
	switch kind {
	case notify.KindInform:
		return []frame{{about + ": ", where + " " + number + ". For your information. Reply 4 to confirm"},
			{about + ": ", where + " " + number + ". FYI. Reply 4"}}
	case notify.KindJoined:
		return []frame{{about + " " + number + ": fires again or more joined. ", where + fmt.Sprintf(". %d firing. You have it. Reply 6 if resolved", s.Firing)},
			{about + " " + number + " fires again. ", where}}
	case notify.KindAsk:
		return []frame{{"Still on " + number + " " + about + "? ", where + ". Reply 4 to keep it, 6 if resolved. No answer: it rings again in 5 min"},
			{"Still on " + number + " " + about + "? ", where + ". Reply 4 to keep it, 6 if resolved"},
			{"Still on " + number + " " + about + "? ", " Reply 4 or 6"}}
	case notify.KindOver:
		return []frame{{fmt.Sprintf("All alerts of %s %s are over. Is the incident? Reply 6 %d. It was: ", number, about, s.Page), where},
			{about + " " + number + " over. Incident? ", fmt.Sprintf(" Reply 6 %d", s.Page)}}
	case notify.KindResolved:
		return []frame{{"RESOLVED " + number + " " + about + ": ", where}}
	}
	return []frame{{about + ": ", where + " " + number + ". Reply 4 ack, 6 resolve, 8 escalate"},
		{about + ": ", where + " " + number + ". Reply 4 ack"}}
}

// environment is " (prod)" or nothing.
func environment(s notify.Subject) string {
	if e := word(s.Environment, 12); e != "" {
		return " (" + e + ")"
	}
	return ""
}

// what is severity and service: "SEV1 api-gateway".
func what(s notify.Subject) string { return s.Severity.Short() + " " + word(s.Service, 20) }

// summary is the source's sentence, cleaned, with how many alerts.
func summary(s notify.Subject, clean func(string) string) string {
	text := clean(s.Summary)
	if n := s.Firing + s.Hidden; n > 1 {
		text = fmt.Sprintf("%d alerts, %s", n, text)
	}
	return text
}

// bundle names its set: as many numbers as fit, worst first, and how many there are.
func bundle(n notify.Notification) string {
	total := len(n.Subjects)
	head, tail := fmt.Sprintf("%d pages: ", total), ". Reply all 4, or e.g. 4 "
	switch n.Kind {
	case notify.KindResolved:
		head, tail = fmt.Sprintf("RESOLVED %d pages: ", total), ""
	case notify.KindInform:
		head, tail = fmt.Sprintf("%d pages, for your information: ", total), ". Reply all 4 to confirm, or e.g. 4 "
	case notify.KindJoined:
		head, tail = fmt.Sprintf("%d pages you have changed: ", total), ""
	case notify.KindAsk:
		head, tail = fmt.Sprintf("Still on these %d? ", total), ". Reply all 4, or e.g. 4 "
	case notify.KindOver:
		head, tail = fmt.Sprintf("All alerts of %d pages are over: ", total), ". Are the incidents? Reply all 6, or e.g. 6 "
	}
	head = drill(n) + head
	if tail != "" {
		tail += fmt.Sprint(n.Subjects[0].Page)
	}
	for _, width := range []int{16, 8, 0} {
		if text := head + set(n.Subjects, width) + tail; one(text) {
			return text
		}
	}
	for show := total - 1; show > 0; show-- {
		if text := head + set(n.Subjects[:show], 0) + fmt.Sprintf(" +%d more", total-show) + tail; one(text) {
			return text
		}
	}
	return clip(head + tail)
}

// set lists severity, number and service; the severity only where it changes.
func set(subjects []notify.Subject, width int) string {
	var parts []string
	last := ""
	for _, s := range subjects {
		part := fmt.Sprintf("#%d", s.Page)
		if sev := s.Severity.Short(); sev != last {
			part, last = sev+" "+part, sev
		}
		if width > 0 {
			part += " " + word(s.Service, width)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}
