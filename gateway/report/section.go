package report

import "time"

// Section is a part of a review that is a list of sentences. What they hold of foreign text is on one line and not escaped.
type Section struct {
	Title string
	Lines []string
}

// sections are those that have something to say.
func (r Review) sections(zone *time.Location) []Section {
	var out []Section
	add := func(title string, lines []string) {
		if len(lines) > 0 {
			out = append(out, Section{title, lines})
		}
	}
	add("Not over", lines(r.Open, func(f Fact) string { return f.line(zone) }))
	add("On call today", onCall(r.OnCall, zone))
	add("Published postmortems", lines(r.Learned.Published, PostmortemFact.lesson))
	if r.Period.Kind != Daily { // who owes something is asked by pagerd; the team hears of it once a week
		add("Overdue postmortems", lines(r.Learned.Owed, func(m PostmortemFact) string { return m.late(zone) }))
		add("Overdue action items", lines(r.Learned.Overdue, ActionFact.line))
		add("Action items", []string{r.Learned.Completion.sentence()})
	}
	drills := lines(r.Learned.Drills, DrillFact.line)
	if r.Period.Kind == Quarterly && len(drills) == 0 {
		drills = []string{"There was no drill."}
	}
	add("Drills", drills)
	add("Time off owed", lines(r.TimeOff, Owed.line))
	add("To be talked about", r.Questions)
	return out
}

func lines[T any](list []T, line func(T) string) []string {
	var out []string
	for _, v := range list {
		out = append(out, line(v))
	}
	return out
}
