package message

import (
	"fmt"
	"strings"
	"time"

	"pagerd/gateway/page"
	"pagerd/notify"
)

// maxSpoken is how many pages of a bundle a call names; a listener remembers no more.
const maxSpoken = 5

// Spoken is what a call says, a paragraph each: what it is about, then the digits. Where digits are offered, the telephone
// reads it twice.
func Spoken(n notify.Notification) []string {
	if n.Drill {
		return append([]string{"Drill. This is a drill."}, aloud(n)...)
	}
	return aloud(n)
}

func aloud(n notify.Notification) []string {
	if n.Kind == notify.KindAlarm {
		problem := spoken(n.Text)
		return []string{"This is pager D with a problem of its own.", problem, "Once more.", problem}
	}
	if len(n.Subjects) == 0 {
		return []string{"This is pager D."}
	}
	out := []string{greeting(n)}
	for i, s := range n.Subjects {
		if i == maxSpoken {
			out = append(out, fmt.Sprintf("And %d more.", len(n.Subjects)-i))
			break
		}
		out = append(out, fmt.Sprintf("%s. %s. %s. Page %s.", severity(s), spoken(s.Service), spoken(summary(s, foreign)+environment(s)), digits(s.Page)))
	}
	if m := menu(n); m != "" {
		out = append(out, m)
	}
	return out
}

// greeting says who calls and why.
func greeting(n notify.Notification) string {
	what := "."
	if len(n.Subjects) > 1 {
		what = fmt.Sprintf(" with %d pages.", len(n.Subjects))
	}
	switch n.Kind {
	case notify.KindJoined:
		return "This is pager D" + what + " You have this already, and it fires again or more joined."
	case notify.KindAsk:
		return "This is pager D" + what + " Are you still working on this?"
	case notify.KindOver:
		return "This is pager D" + what + " All alerts of your incident are over."
	case notify.KindResolved:
		return "This is pager D" + what + " This is resolved."
	}
	return "This is pager D" + what
}

// menu names the digits. A kind that nobody answers has none.
func menu(n notify.Notification) string {
	them := "it"
	if len(n.Subjects) > 1 {
		them = "all of them"
	}
	switch n.Kind {
	case notify.KindPage:
		return fmt.Sprintf("Press 4 to acknowledge %s, 6 to resolve, 8 to escalate, 0 for the runbook, 9 to repeat.", them)
	case notify.KindInform:
		return "Press 4 to confirm that you know. Press 8 to escalate. Press 9 to hear this again."
	case notify.KindJoined:
		return "Press 6 if it is resolved, 8 to escalate, 0 for the runbook, 9 to repeat."
	case notify.KindAsk:
		return fmt.Sprintf("Press 4 to keep %s, 6 if resolved, 8 to escalate, 9 to repeat. Without an answer it rings again in 5 minutes.", them)
	case notify.KindOver:
		return "Press 6 if the incident is over too, 9 to repeat."
	}
	return ""
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
	case page.AnswerComing:
		return "Noted: you know of incident " + digits(a.Incident) + ", and are not rung for it any more."
	case page.AnswerExtended:
		return "Noted. " + n + " stays yours."
	}
	return n + " is unchanged."
}
