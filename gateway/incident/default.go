package incident

import (
	"time"

	"pagerd/gateway/alert"
)

// DefaultTargets are the practice's targets by severity, with the cadence of what pagerd asks by itself. SEV-3 may wait for
// the next working day; SEV-4 is only not forgotten.
func DefaultTargets(s alert.Severity) Targets {
	const relief = 4 * time.Hour // nobody leads well for longer
	switch s {
	case alert.SEV1:
		return Targets{Detect: 5 * time.Minute, Triage: 10 * time.Minute, Mitigate: time.Hour, Remind: 15 * time.Minute, Quiet: time.Hour, Relief: relief}
	case alert.SEV2:
		return Targets{Detect: 15 * time.Minute, Triage: 30 * time.Minute, Mitigate: 4 * time.Hour, Remind: 30 * time.Minute, Quiet: 4 * time.Hour, Relief: relief}
	case alert.SEV3:
		return Targets{Detect: time.Hour, Triage: 2 * time.Hour, Mitigate: 24 * time.Hour, Remind: 4 * time.Hour, Quiet: 24 * time.Hour, OfficeHours: true}
	}
	return Targets{Quiet: 72 * time.Hour, OfficeHours: true}
}

// Definition helps whoever declares an incident to say how bad it is.
type Definition struct {
	Severity alert.Severity `json:"severity"`
	Means    string         `json:"means"`
	Response string         `json:"response"`
	Examples []string       `json:"examples"`
}

// Definitions are the severities, worst first: the first one that fits is right, and in doubt the worse of two.
func Definitions() []Definition {
	return []Definition{
		{alert.SEV1, "Most users cannot use the product, or data is lost, exposed or in danger.", "Everybody, at once, until it is over.",
			[]string{"the product is down for everybody", "customers' data was seen by somebody who must not see it", "somebody broke into a system", "payments fail for most customers"}},
		{alert.SEV2, "Something important does not work for many users, and there is no good way around it.", "The engineer on call and the manager, now.",
			[]string{"one region is down", "every tenth request fails", "a main function is broken, the rest works"}},
		{alert.SEV3, "Something is broken for few users, or there is a way around it.", "The engineer on call; the next working day is soon enough.",
			[]string{"a report is late", "one customer's import fails", "an internal tool is slow"}},
		{alert.SEV4, "Nobody outside notices.", "In the order of the other work.",
			[]string{"a disk will be full next month", "a wrong text on a page"}},
	}
}

// Least is the mildest severity that may be given: whatever touches customers' data or security is SEV-1.
func Least(customerData, security bool) alert.Severity {
	if customerData || security {
		return alert.SEV1
	}
	return alert.SEV4
}
