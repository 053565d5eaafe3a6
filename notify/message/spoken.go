package message

import (
	"fmt"
	"strings"
	"time"

	"pagerd/gateway/page"
	"pagerd/notify"
)

// Spoken is what a call says, a paragraph each: what it is about, then the digits. The telephone reads it twice.
func Spoken(n notify.Notification) []string {
	if n.Kind == notify.KindAlarm {
		return []string{"This is pager D with a problem of its own.", spoken(n.Text)}
	}
	if len(n.Subjects) == 0 {
		return []string{"This is pager D."}
	}
	var out []string
	if len(n.Subjects) > 1 {
		out = append(out, fmt.Sprintf("This is pager D with %d pages.", len(n.Subjects)))
	} else {
		out = append(out, "This is pager D.")
	}
	for i, s := range n.Subjects {
		if i == 5 {
			out = append(out, fmt.Sprintf("And %d more.", len(n.Subjects)-i))
			break
		}
		out = append(out, fmt.Sprintf("%s. %s. %s. Page %s.", severity(s), spoken(s.Service), spoken(summary(s)), digits(s.Page)))
	}
	them := "it"
	if len(n.Subjects) > 1 {
		them = "all of them"
	}
	if n.Kind == notify.KindInform {
		return append(out, "Press 4 to confirm that you know. Press 8 to escalate. Press 9 to hear this again.")
	}
	return append(out, fmt.Sprintf("Press 4 to acknowledge %s, 6 to resolve, 8 to escalate, 0 for the runbook, 9 to repeat.", them))
}

func severity(s notify.Subject) string { return fmt.Sprintf("Severity %d", int(s.Severity)) }

// digits reads a number digit by digit.
func digits(n int64) string { return strings.Join(strings.Split(fmt.Sprint(n), ""), " ") }

// spoken is foreign text for the ear: separators become pauses, and it is short.
func spoken(s string) string {
	s = strings.NewReplacer("_", " ", "-", " ", "/", " ", "=", " ", "{", " ", "}", " ", "\"", " ", "#", " number ", "%", " percent", "&", " and ").Replace(foreign(s))
	r := []rune(strings.Join(strings.Fields(s), " "))
	if len(r) > 300 {
		r = r[:300]
	}
	return string(r)
}

// SpokenStatus tells somebody who picked up too late how things stand.
func SpokenStatus(subjects []notify.Subject, zone *time.Location) []string {
	var out []string
	for _, s := range subjects {
		text := fmt.Sprintf("Page %s, %s, is %s", digits(s.Page), spoken(s.Service), s.Status)
		if s.Acknowledger != "" {
			text += " by " + spoken(s.Acknowledger)
		}
		out = append(out, text+".")
	}
	return append(out, "Nothing is left to do on this call. Goodbye.")
}

// SpokenRunbook reads the runbook's first lines.
func SpokenRunbook(n notify.Notification) []string {
	var out []string
	for _, s := range n.Subjects {
		for i, line := range s.RunbookLines {
			if i < 5 {
				out = append(out, spoken(line))
			}
		}
		if len(s.RunbookLines) == 0 && s.Runbook != "" {
			out = append(out, "The runbook of page "+digits(s.Page)+" is linked in the message and in the mail.")
		}
	}
	if len(out) == 0 {
		out = []string{"There is no runbook for this page."}
	}
	return append(out, "Press 4 to acknowledge, 6 to resolve, 8 to escalate, 9 to repeat.")
}

// SpokenUnknown answers a digit that means nothing.
func SpokenUnknown() []string {
	return []string{"That digit does nothing.", "Press 4 to acknowledge, 6 to resolve, 8 to escalate, 9 to repeat."}
}

// SpokenAnswers confirms what a digit did.
func SpokenAnswers(answers []page.Answer, zone *time.Location) []string {
	var out []string
	for _, a := range answers {
		out = append(out, answerSpoken(a, zone))
	}
	if len(out) == 0 {
		out = []string{"That was recorded before."}
	}
	return append(out, "Goodbye.")
}

func answerSpoken(a page.Answer, zone *time.Location) string {
	n := "Page " + digits(a.Page)
	switch a.Code {
	case page.AnswerAcked:
		return n + " is acknowledged. You have it."
	case page.AnswerConfirmed:
		return "Noted: you know of " + strings.ToLower(n[:1]) + n[1:] + ". Nobody has taken it by this."
	case page.AnswerAlreadyAcked:
		return fmt.Sprintf("%s was already acknowledged by %s at %s.", n, spoken(a.By), a.At.In(zone).Format("15:04"))
	case page.AnswerResolved:
		return n + " is resolved."
	case page.AnswerAlreadyResolved:
		return fmt.Sprintf("%s was already resolved by %s.", n, spoken(a.By))
	case page.AnswerEscalated:
		return fmt.Sprintf("%s is escalated to %s.", n, spoken(a.Next))
	case page.AnswerNobodyLeft:
		return n + " is escalated, but there is nobody new to ring. It stays open."
	case page.AnswerOldRound:
		return n + " has rung anew since this call began. Nothing was changed."
	case page.AnswerHeld:
		return n + " is silenced. Nothing was changed."
	case page.AnswerExtended:
		return "Noted. " + n + " stays yours."
	}
	return n + " is unchanged."
}
