package message

import (
	"fmt"
	"strings"

	"pagerd/gateway/incident"
	"pagerd/notify"
	"pagerd/schedule"
)

// Reminder is the text of what an incident asks by itself: one segment that says what to write back. The same text is the
// mail's.
func Reminder(in incident.Incident, r incident.Reminder) string {
	wordy, terse := says(in, r)
	sev := in.Severity.Short() + " "
	if in.Drill {
		sev = drillWord + sev
	}
	return fit("", frame{sev + word(in.Service, 20) + ": ", wordy}, frame{sev + word(in.Service, 10) + " ", terse})
}

// says is what a reminder says: for GSM-7, and so short that it fits in UCS-2 with a service's name before it.
func says(in incident.Incident, r incident.Reminder) (wordy, terse string) {
	n, lasts, limit := in.Number, schedule.Words(r.For), schedule.Words(r.Limit)
	switch r.What {
	case incident.RemindMissed:
		if r.Target == incident.TargetTriage {
			return fmt.Sprintf("incident %d is not triaged after %s (target %s). How bad is it? Reply e.g. sev %d %d", n, lasts, limit, in.Severity, n),
				fmt.Sprintf("#%d not triaged yet. Reply e.g. sev %d %d", n, in.Severity, n)
		}
		return fmt.Sprintf("incident %d is not mitigated after %s (target %s). Reply mitigated %d, or note %d and how it stands", n, lasts, limit, n, n),
			fmt.Sprintf("#%d not mitigated. Reply mitigated %d", n, n)
	case incident.RemindQuiet:
		return fmt.Sprintf("nobody wrote anything on incident %d for %s. Reply note %d and how it stands, or mitigated %d", n, lasts, n, n),
			fmt.Sprintf("#%d: any news? Reply note %d TEXT", n, n)
	case incident.RemindRelief:
		return fmt.Sprintf("you have led incident %d for %s. Who takes over? Reply ic NAME %d", n, lasts, n),
			fmt.Sprintf("#%d: who relieves you? Reply ic NAME %d", n, n)
	case incident.RemindCandidate:
		return fmt.Sprintf("it ended and nobody acknowledged it. Was it an incident? Reply ic me %d, or: pagerd incident dismiss %d WHY", n, n),
			fmt.Sprintf("#%d: an incident? Reply ic me %d", n, n)
	case incident.RemindCommand:
		return fmt.Sprintf("%s gave you the command of incident %d. Reply ? %d, or ic NAME %d to hand it on", word(r.By, 24), n, n, n),
			fmt.Sprintf("#%d is yours to lead. Reply ? %d", n, n)
	}
	if r.What == incident.RemindOver {
		return fmt.Sprintf("no page of incident %d is open any more. Is it over? Reply resolved %d", n, n), fmt.Sprintf("#%d over? Reply resolved %d", n, n)
	}
	return fmt.Sprintf("incident %d needs you. Reply ? %d", n, n), fmt.Sprintf("#%d needs you. Reply ? %d", n, n)
}

// Practice marks a text of ours, of at most one segment, as a drill's. What does not fit any more is cut before its last
// sentence, which says what to do.
func Practice(text string) string {
	last := ""
	if i := strings.LastIndex(text, ". "); i >= 0 {
		text, last = text[:i], text[i:]
	}
	return fit(text, frame{drillWord, last}, frame{drillWord, ""})
}

// reminded is the sentence of a reminder as it was stored: ours, and clean already.
func reminded(n notify.Notification) string {
	if one(n.Text) {
		return n.Text
	}
	return clip(n.Text)
}
