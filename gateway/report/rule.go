package report

import "pagerd/gateway/incident"

// Rule says of a kind of incident whether it counts, and why.
type Rule struct {
	Word   string `json:"word"` // closed list, as in [Left]
	Counts bool   `json:"counts"`
	Text   string `json:"text"`
}

// The words of rules that leave an incident out of every figure. The first that fits is the one that is told.
const (
	leftDrill     = "drill"
	leftMerged    = "merged"
	leftDismissed = "dismissed"
)

// Rules is what counts and what does not. Every report shows it.
func Rules() []Rule {
	return []Rule{
		{leftDrill, false, "A drill never counts: it was planned, and practising must not spoil the figures."},
		{leftMerged, false, "An incident that was merged into another does not count by itself: the other counts once for both."},
		{leftDismissed, false, "A candidate that a person dismissed, with a reason, was no incident."},
		{"candidate", true, "A candidate counts until somebody dismisses it: what nobody answered must not vanish because nobody looked at it either."},
		{"unacknowledged", true, "An incident that nobody acknowledged counts; it has no time to acknowledge."},
		{"reopened", true, "A reopened incident counts once, and ends with its last resolution; while it is open again it has no end."},
		{"open", true, "An incident that is not resolved counts in the month in which it was detected; it has no time to resolve yet."},
		{"lacking", true, "A time whose beginning or end is not known is left out of its figure only: n says how many a figure rests on."},
		{"inverse", true, "An end before its beginning is a correction by hand; the time counts as zero."},
	}
}

// Left says by which rule an incident is left out of every figure; empty = it counts.
func Left(f Fact) string {
	switch {
	case f.Drill:
		return leftDrill
	case f.Merged != 0:
		return leftMerged
	case f.Status == incident.Dismissed:
		return leftDismissed
	}
	return ""
}

// Definition says what a figure measures.
type Definition struct {
	Word string `json:"word"`
	Name string `json:"name"`
	Text string `json:"text"`
}

// Definitions are the written meanings of the five figures. Every report shows them.
func Definitions() []Definition {
	return []Definition{
		{"MTTD", "time to detect", "From the start of the impact on users, where a person or a source said when that was, to the trigger of the first page."},
		{"MTTA", "time to acknowledge", "From the trigger of the first page to the first acknowledgement by a person."},
		{"MTTI", "time to investigate", "From the trigger of the first page to the end of triage: severity and impact are known, the investigation is under way."},
		{"MTTR", "time to resolve", "From the trigger of the first page to the last resolution: resolutionTime minus detectionTime in the log."},
		{"MTBF", "time between failures", "From the detection of one incident to that of the next of the same severity or service (or of any, in the overall and monthly figures). It belongs to the later one."},
		{"n, mean, p50, p90", "statistics", "n is how many times a figure rests on. Times are whole seconds; the mean is rounded to the nearest (half up). p50 and p90 are nearest ranks: the smallest time that at least 50 % or 90 % do not exceed."},
		{"within", "share within target", "How many of the times that have a target are under it, or equal. Each incident is held against the target of its severity."},
	}
}
