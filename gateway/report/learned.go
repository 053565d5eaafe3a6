package report

import (
	"cmp"
	"slices"
	"time"

	"pagerd/gateway/alert"
)

// ActionFact is an action item as reviews see it. Title is people's.
type ActionFact struct {
	Number   int64     `json:"number"`
	Incident int64     `json:"incident"`
	Service  string    `json:"service,omitempty"`
	Title    string    `json:"title"`
	Owner    string    `json:"owner"`
	Priority string    `json:"priority"` // P0 … P3
	Due      string    `json:"due"`      // the day at whose end it should be done: "2026-04-30"
	State    string    `json:"state"`    // open, done, dropped
	EndedAt  time.Time `json:"ended_at,omitzero"`
}

const (
	actionOpen    = "open"
	actionDone    = "done"
	actionDropped = "dropped"
)

// PostmortemFact is a postmortem as reviews see it. Cause and Lessons are people's, Summary foreign text.
type PostmortemFact struct {
	Incident    int64          `json:"incident"`
	Severity    alert.Severity `json:"severity"`
	Service     string         `json:"service"`
	Summary     string         `json:"summary,omitempty"`
	Cause       string         `json:"root_cause,omitempty"`
	Lessons     []string       `json:"lessons,omitempty"` // of a published one
	Owner       string         `json:"owner,omitempty"`
	Deadline    time.Time      `json:"deadline,omitzero"`
	PublishedAt time.Time      `json:"published_at,omitzero"`
	Owed        bool           `json:"owed,omitempty"` // required, and neither published nor waived
}

// DrillFact is the score of a drill that is over.
type DrillFact struct {
	Number    int64     `json:"number"`
	Severity  string    `json:"severity"`
	Service   string    `json:"service"`
	BeganAt   time.Time `json:"began_at"`
	AckedBy   string    `json:"acknowledged_by,omitempty"`
	Seconds   int64     `json:"acknowledge_seconds,omitempty"`
	Passed    bool      `json:"passed"`
	People    int       `json:"people"` // who were rung
	Unreached []string  `json:"unreached,omitempty"`
}

// Duty is who is on call in a rotation on the day of the facts; nobody where Person is empty.
type Duty struct {
	Rotation string    `json:"schedule"`
	Person   string    `json:"person,omitempty"`
	From     time.Time `json:"from"` // UTC
	Until    time.Time `json:"until"`
}

// Completion is how many of the action items that fell due in a period were done. Dropped ones, with a reason, are left out.
type Completion struct {
	Due    int `json:"due"`
	Done   int `json:"done"`    // by now
	InTime int `json:"in_time"` // by the end of their day
}

// Learned is what a review says of learning and practice.
type Learned struct {
	Published  []PostmortemFact `json:"published,omitempty"` // in the period, oldest first
	Owed       []PostmortemFact `json:"owed,omitempty"`      // overdue now, the longest first
	Overdue    []ActionFact     `json:"overdue,omitempty"`   // open and their day is over now, by owner
	Completion Completion       `json:"action_completion"`
	Drills     []DrillFact      `json:"drills,omitempty"` // of the period, oldest first
}

// learned looks at what is known at now.
func learned(f Facts, p Period, now time.Time, zone *time.Location) Learned {
	var out Learned
	today := now.In(zone).Format(time.DateOnly)
	for _, m := range f.Postmortems {
		if p.Holds(m.PublishedAt) {
			out.Published = append(out.Published, m)
		}
		if m.Owed && !m.Deadline.IsZero() && now.After(m.Deadline) {
			out.Owed = append(out.Owed, m)
		}
	}
	first, end := p.Day, p.To.In(zone).Format(time.DateOnly)
	for _, a := range f.Actions {
		if a.State == actionOpen && a.Due < today {
			out.Overdue = append(out.Overdue, a)
		}
		if a.Due < first || a.Due >= end || a.State == actionDropped {
			continue
		}
		out.Completion.Due++
		if a.State == actionDone {
			out.Completion.Done++
			if a.EndedAt.In(zone).Format(time.DateOnly) <= a.Due {
				out.Completion.InTime++
			}
		}
	}
	for _, d := range f.Drills {
		if p.Holds(d.BeganAt) {
			out.Drills = append(out.Drills, d)
		}
	}
	slices.SortFunc(out.Published, func(a, b PostmortemFact) int { return a.PublishedAt.Compare(b.PublishedAt) })
	slices.SortFunc(out.Owed, func(a, b PostmortemFact) int { return a.Deadline.Compare(b.Deadline) })
	slices.SortFunc(out.Overdue, func(a, b ActionFact) int {
		return cmp.Or(cmp.Compare(a.Owner, b.Owner), cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.Due, b.Due), cmp.Compare(a.Number, b.Number))
	})
	slices.SortFunc(out.Drills, func(a, b DrillFact) int { return a.BeganAt.Compare(b.BeganAt) })
	return out
}

// open are the incidents that count and are not over, worst first.
func open(kept []Fact) []Fact {
	var out []Fact
	for _, f := range kept {
		if f.ResolvedAt.IsZero() {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(a, b Fact) int {
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), a.DetectedAt.Compare(b.DetectedAt))
	})
	return out
}

// dutiesAfter are those of the day after a daily period; facts of another day know nothing of it.
func dutiesAfter(duties []Duty, p Period, zone *time.Location) []Duty {
	day := p.After(zone)
	var out []Duty
	for _, d := range duties {
		if day.Holds(d.From) {
			out = append(out, d)
		}
	}
	return out
}

// Questions are what the quarterly review of the process asks people: the figures above them do not answer it.
func Questions() []string {
	return []string{
		"Is every runbook right that was used this quarter, and does each service that paged have one?",
		"Did everybody on call take part in a drill, and what do those who were not reached need?",
		"Which targets were missed more than once: is the target wrong, or the way we work?",
		"Were our alerts effective: which of those called noise are still there?",
		"Is the load shared fairly, and was time off given where it was owed?",
		"Who joined since: do they know the guide, the tools and whom to call?",
	}
}
