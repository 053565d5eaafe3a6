package message

import (
	"fmt"
	"strings"
	"time"

	"pagerd/gateway/page"
	"pagerd/notify"
)

// Answers is the one short message that says what an act came to. zone is the reader's.
func Answers(answers []page.Answer, zone *time.Location) string {
	if len(answers) == 0 {
		return "Done already: nothing changed."
	}
	if len(answers) == 1 {
		return clip(sentence(answers[0], zone))
	}
	same := true
	var numbers []string
	for _, a := range answers {
		same = same && a.Code == answers[0].Code
		numbers = append(numbers, fmt.Sprintf("#%d", a.Page))
	}
	if same {
		return clip(together(answers[0].Code) + " " + strings.Join(numbers, " "))
	}
	var parts []string
	for _, a := range answers {
		parts = append(parts, fmt.Sprintf("#%d %s", a.Page, strings.ReplaceAll(string(a.Code), "_", " ")))
	}
	return clip(strings.Join(parts, ", "))
}

func together(code page.AnswerCode) string {
	switch code {
	case page.AnswerAcked:
		return "Acked, you have them:"
	case page.AnswerResolved:
		return "Resolved:"
	case page.AnswerConfirmed:
		return "Noted that you know of:"
	}
	word := strings.ReplaceAll(string(code), "_", " ")
	if word == "" {
		return "Unchanged:"
	}
	return strings.ToUpper(word[:1]) + word[1:] + ":"
}

// sentence is a switch over the closed list of answers.
func sentence(a page.Answer, zone *time.Location) string {
	n := fmt.Sprintf("#%d", a.Page)
	at := ""
	if !a.At.IsZero() {
		at = " " + a.At.In(zone).Format("15:04")
	}
	by := word(a.By, 24)
	switch a.Code {
	case page.AnswerAcked:
		if a.Incident != 0 {
			return fmt.Sprintf("Acked %s. You have it, and you lead incident %d. Reply 6 when resolved", n, a.Incident)
		}
		return "Acked " + n + ". You have it. Reply 6 when resolved"
	case page.AnswerAlreadyAcked:
		return fmt.Sprintf("Already acked by %s%s (%s). Reply 8 to escalate", by, at, n)
	case page.AnswerConfirmed:
		return fmt.Sprintf("Noted: you know of %s. You have not taken it; reply 4 %d again to take it", n, a.Page)
	case page.AnswerExtended:
		return "Noted: you are still on " + n
	case page.AnswerOldRound:
		return fmt.Sprintf("%s has rung anew since that message. Reply 4 %d to ack it now", n, a.Page)
	case page.AnswerResolved:
		return "Resolved " + n + ". Thank you"
	case page.AnswerAlreadyResolved:
		return fmt.Sprintf("Already resolved by %s%s (%s)", by, at, n)
	case page.AnswerEscalated:
		return fmt.Sprintf("Escalated %s: ringing %s", n, word(a.Next, 60))
	case page.AnswerNobodyLeft:
		return "Escalated " + n + ": nobody new to ring just now. Still open"
	case page.AnswerReopened:
		return n + " is unacknowledged and rings again"
	case page.AnswerNoted:
		return "Noted on " + n
	case page.AnswerSeverity:
		return fmt.Sprintf("%s is %s", n, a.Severity)
	case page.AnswerHeld:
		return n + " is silenced at present. Nothing was changed"
	case page.AnswerHandedOver:
		return n + " is handed over"
	case page.AnswerComing:
		return fmt.Sprintf("Noted: you know of incident %d and are not rung for it any more. Reply ? %d to see how it stands", a.Incident, a.Incident)
	}
	return n + ": nothing changed"
}

// Unknown answers a text that was not understood.
func Unknown() string {
	return "Not understood, nothing changed. Reply 4 ack, 6 resolve, 8 escalate, ? status; with a number if several are open: 4 1042"
}

// UnknownLike answers a text that was not understood by what it looks like: whoever meant to write into an incident is told
// how.
func UnknownLike(text string) string {
	fields := strings.Fields(strings.ToLower(text))
	if len(fields) == 0 {
		return Unknown()
	}
	for lead, how := range map[string]string{"note": "note 1042 and the text", "sev": "sev 2 1042", "ic": "ic me 1042, or ic NAME 1042", "page": "page NAME to 1042"} {
		if strings.TrimRight(fields[0], ":,.-1234") == lead {
			return "Not understood, nothing changed. Reply " + how
		}
	}
	return Unknown()
}

// NothingOpen answers a reply that nothing was sent for.
func NothingOpen() string { return "There is no page that you were told of. Nothing changed" }

// Refused answers what cannot be done.
func Refused(message, hint string) string {
	return fit(brief(message), frame{"", ". " + gsm(hint)}, frame{"", ""})
}

// Choose refuses an ambiguous reply with the list to choose from; "all" means this list from now on.
func Choose(subjects []notify.Subject, r notify.Reply) string {
	if len(subjects) == 0 {
		return NothingOpen()
	}
	head, tail := fmt.Sprintf("Which one? %d open: ", len(subjects)), ". "+choice(r, subjects[0].Page)
	for _, width := range []int{16, 8, 0} {
		if text := gsm(head + set(subjects, width) + tail); one(text) {
			return text
		}
	}
	for show := len(subjects) - 1; show > 0; show-- {
		if text := head + set(subjects[:show], 0) + fmt.Sprintf(" +%d more", len(subjects)-show) + tail; one(text) {
			return text
		}
	}
	return clip(head + tail)
}

// choice says how to write that one page is meant.
func choice(r notify.Reply, number int64) string {
	switch r.Verb {
	case notify.VerbNote:
		return fmt.Sprintf("Reply note %d and the text", number)
	case notify.VerbSeverity:
		return fmt.Sprintf("Reply sev %d %d", r.Severity, number)
	case notify.VerbCommand:
		return fmt.Sprintf("Reply ic NAME %d", number)
	}
	digit := map[notify.Verb]string{notify.VerbAck: "4", notify.VerbResolve: "6", notify.VerbEscalate: "8"}[r.Verb]
	if digit == "" {
		digit = string(r.Verb)
	}
	return fmt.Sprintf("Reply %s %d, or all %s", digit, number, digit)
}

// Status says how pages stand.
func Status(subjects []notify.Subject, zone *time.Location) string {
	var parts []string
	for _, s := range subjects {
		parts = append(parts, standing(s, zone))
	}
	if len(parts) == 0 {
		return NothingOpen()
	}
	return clip(strings.Join(parts, ". "))
}

func standing(s notify.Subject, zone *time.Location) string {
	text := fmt.Sprintf("#%d %s %s since %s", s.Page, what(s), s.Status, s.Since.In(zone).Format("15:04"))
	if s.Acknowledger != "" && s.Status == "acknowledged" {
		text += " by " + word(s.Acknowledger, 24)
	}
	return text
}

// Mitigated confirms that users are well again.
func Mitigated(incidents []int64) string {
	if len(incidents) == 0 {
		return "There is no incident to mitigate: acknowledge the page first"
	}
	var numbers []string
	for _, n := range incidents {
		numbers = append(numbers, fmt.Sprint(n))
	}
	return clip("Mitigated: incident " + strings.Join(numbers, ", ") + ". Reply 6 when it is resolved")
}
