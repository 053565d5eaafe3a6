package message

import (
	"fmt"
	"strings"
	"time"

	"pagerd/gateway/alert"
	"pagerd/notify"
	"pagerd/schedule"
)

// PostmortemOwed is the text by which a postmortem is asked for: left is the time until its deadline, negative when it is
// over. owner is told to a manager, and empty for the owner.
func PostmortemOwed(incident int64, s alert.Severity, service, owner string, left time.Duration) string {
	when := "due in " + schedule.Words(left.Round(time.Minute))
	if left <= 0 {
		when = "overdue"
		if late := (-left).Round(time.Hour); late >= time.Hour {
			when = "overdue by " + schedule.Words(late)
		}
	}
	who := "your postmortem"
	if owner != "" {
		who = "the postmortem of " + word(owner, 24)
	}
	return fit("", frame{s.Short() + " " + word(service, 20) + ": ", fmt.Sprintf("%s for incident %d is %s. pagerd postmortem edit %d", who, incident, when, incident)},
		frame{s.Short() + " ", fmt.Sprintf("postmortem %d is %s", incident, when)})
}

// ActionOwed is the text by which an action item is asked for. title is people's. owner is told to a manager, and empty for
// the owner. late says that its day is over.
func ActionOwed(number, incident int64, title, due, owner string, late bool) string {
	when := "is due today"
	if late {
		when = "was due " + due
	}
	who := "Your action item"
	if owner != "" {
		who = "The action item of " + word(owner, 24)
	}
	return fit(brief(title), frame{fmt.Sprintf("%s #%d (incident %d) %s: ", who, number, incident, when), fmt.Sprintf(". pagerd action done %d", number)},
		frame{fmt.Sprintf("Action #%d %s: ", number, when), ""})
}

// ChecklistOwed is the text by which the open items of an incident's checklist are asked for, all at once. commander is told
// to a manager, and empty for the commander.
func ChecklistOwed(incident int64, s alert.Severity, service, commander string, items []string) string {
	whose := ""
	if commander != "" {
		whose = " (led by " + word(commander, 24) + ")"
	}
	return fit(strings.Join(items, ", "), frame{s.Short() + " " + word(service, 20) + ": ", fmt.Sprintf(". Not ticked in incident %d%s. pagerd incident checklist %d", incident, whose, incident)},
		frame{s.Short() + " ", fmt.Sprintf(": not ticked in incident %d", incident)})
}

// TrackerFailed is the text by which an operator hears that the issue tracker does not take an action item.
func TrackerFailed(action int64, reason notify.Reason) string {
	return fit("", frame{"PAGERD: ", fmt.Sprintf("the issue tracker does not take action item #%d (%s). When it is mended: pagerd action resend %d", action, reason, action)},
		frame{"PAGERD: ", fmt.Sprintf("the issue tracker does not take #%d", action)})
}

// UpdateOwed is the text by which the update is asked for that was promised to those who wait; late is how long ago.
func UpdateOwed(incident int64, s alert.Severity, service string, late time.Duration) string {
	when := "due now"
	if late = late.Round(time.Minute); late >= time.Minute {
		when = "late by " + schedule.Words(late)
	}
	return fit("", frame{s.Short() + " " + word(service, 20) + ": ", fmt.Sprintf("the promised update on incident %d is %s. pagerd incident update %d", incident, when, incident)},
		frame{s.Short() + " ", fmt.Sprintf("update on incident %d is %s", incident, when)})
}
