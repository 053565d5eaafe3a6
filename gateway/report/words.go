package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// spell writes seconds as people say them: "45 s", "12 min", "3 h 05 min", "2 d 4 h".
func spell(seconds int64) string {
	switch {
	case seconds < minute:
		return fmt.Sprintf("%d s", seconds)
	case seconds < hour:
		return fmt.Sprintf("%d min", seconds/minute)
	case seconds < 24*hour:
		return fmt.Sprintf("%d h %02d min", seconds/hour, seconds%hour/minute)
	}
	return fmt.Sprintf("%d d %d h", seconds/(24*hour), seconds%(24*hour)/hour)
}

// percent is a share in whole percent, rounded down so that only everything is 100 %; a dash when there is nothing to share.
func percent(part, whole int) string {
	if whole == 0 {
		return "–"
	}
	return fmt.Sprintf("%d %%", 100*part/whole)
}

// row is a figure in a table.
type row struct {
	Word, N, Mean, P50, P90, Within string
}

// lines are the five figures of a group, in the order of an incident's life.
func (g Group) lines() []row {
	out := []row{}
	for _, c := range []struct {
		word string
		Figure
	}{{"MTTD", g.Detect}, {"MTTA", g.Acknowledge}, {"MTTI", g.Investigate}, {"MTTR", g.Resolve}, {"MTBF", g.Between}} {
		r := row{Word: c.word, N: strconv.Itoa(c.N), Mean: "–", P50: "–", P90: "–", Within: "–"}
		if c.N > 0 {
			r.Mean, r.P50, r.P90, r.Within = spell(c.Mean), spell(c.P50), spell(c.P90), percent(c.Within, c.Targeted)
		}
		out = append(out, r)
	}
	return out
}

// sentence is the first thing that a review says.
func (r Review) sentence() string {
	s := count(r.All.Count, "incident")
	if r.All.Count == 0 {
		s = "No incidents"
	}
	s += fmt.Sprintf(" (%d in the period before)", r.Before.Count)
	if r.All.Open > 0 {
		s += fmt.Sprintf(", %d not resolved", r.All.Open)
	}
	if r.All.Resolve.N > 0 {
		s += fmt.Sprintf("; half were over within %s", spell(r.All.Resolve.P50))
		if r.All.Resolve.Targeted > 0 {
			s += fmt.Sprintf(", %s within target", percent(r.All.Resolve.Within, r.All.Resolve.Targeted))
		}
	}
	return s + "."
}

// Title names the review.
func (r Review) Title() string {
	return map[Kind]string{Quarterly: "Quarterly review", Monthly: "Monthly review", Weekly: "Weekly digest", Daily: "Daily digest"}[r.Period.Kind] + ": " + r.Period.Name
}

func (r Review) leftSentence() string {
	if len(r.Left) == 0 {
		return ""
	}
	var parts []string
	for _, l := range r.Left {
		parts = append(parts, fmt.Sprintf("%d %s", l.Count, l.Rule))
	}
	return "Not counted: " + strings.Join(parts, ", ") + "."
}

// sentence says how many of what was due was done.
func (c Completion) sentence() string {
	if c.Due == 0 {
		return "No action item fell due."
	}
	return fmt.Sprintf("Fell due: %d. Done: %d, which is %s; in time: %d.", c.Due, c.Done, percent(c.Done, c.Due), c.InTime)
}

// line is a drill in one sentence.
func (d DrillFact) line() string {
	s := fmt.Sprintf("#%d %s %s: %s rung, ", d.Number, d.Severity, clean(d.Service), map[bool]string{true: "1 person", false: strconv.Itoa(d.People) + " people"}[d.People == 1])
	if d.AckedBy == "" {
		s += "nobody acknowledged"
	} else {
		s += fmt.Sprintf("%s acknowledged after %s", clean(d.AckedBy), spell(d.Seconds))
	}
	if len(d.Unreached) > 0 {
		s += "; not reached: " + clean(strings.Join(d.Unreached, ", "))
	}
	return s + map[bool]string{true: ". Passed.", false: ". NOT PASSED."}[d.Passed]
}

// lesson is a published postmortem in a few sentences, with where to read on.
func (m PostmortemFact) lesson() string {
	s := fmt.Sprintf("#%d %s %s: %s.", m.Incident, m.Severity, clean(m.Service), strings.TrimRight(clean(cmp.Or(m.Cause, m.Summary)), "."))
	for _, l := range m.Lessons {
		s += " " + strings.TrimRight(clean(l), ".") + "."
	}
	return s + fmt.Sprintf(" pagerd postmortem show %d", m.Incident)
}

// onCall is a sentence for each rotation: "platform: ana, ben from 09:00". The list is by rotation and time.
func onCall(duties []Duty, zone *time.Location) []string {
	var out []string
	for i, d := range duties {
		who := "nobody"
		if d.Person != "" {
			who = clean(d.Person)
		}
		if i > 0 && duties[i-1].Rotation == d.Rotation {
			if duties[i-1].Person == d.Person { // a turn follows on another
				continue
			}
			out[len(out)-1] += fmt.Sprintf(", %s from %s", who, d.From.In(zone).Format("15:04"))
			continue
		}
		out = append(out, clean(d.Rotation)+": "+who)
	}
	return out
}

// late is a postmortem that is owed, in one sentence.
func (m PostmortemFact) late(zone *time.Location) string {
	owner := "nobody"
	if m.Owner != "" {
		owner = clean(m.Owner)
	}
	return fmt.Sprintf("#%d %s %s: due %s, owner %s", m.Incident, m.Severity, clean(m.Service), stamp(m.Deadline, zone), owner)
}

// line is an action item in one sentence.
func (a ActionFact) line() string {
	return fmt.Sprintf("%s, %s: #%d %s, due %s, of incident %d", clean(a.Owner), a.Priority, a.Number, clean(a.Title), a.Due, a.Incident)
}

// line is an open incident in one sentence.
func (f Fact) line(zone *time.Location) string {
	s := fmt.Sprintf("#%d %s %s: %s; since %s", f.Number, f.Severity, clean(f.Service), clean(f.Summary), stamp(f.DetectedAt, zone))
	if f.Commander != "" {
		s += ", led by " + clean(f.Commander)
	}
	return s
}

// perNight is how often a night had a page, with one decimal.
func (q Quality) perNight() string {
	if q.Nights == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f", float64(q.Night)/float64(q.Nights))
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func numbers(list []int64) string {
	var out []string
	for _, n := range list {
		out = append(out, "#"+strconv.FormatInt(n, 10))
	}
	return strings.Join(out, ", ")
}

// clean takes what must not be in a report out of a foreign text: control characters and marks that turn the direction of
// writing.
func clean(s string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		if unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, s)), " ")
}

// ended is when an incident was resolved and how long it took, in words.
func ended(f Fact) string {
	if s, ok := between(f.DetectedAt, f.ResolvedAt); ok {
		return spell(s)
	}
	return string(f.Status)
}

func stamp(t time.Time, zone *time.Location) string { return t.In(zone).Format("Mon 2 Jan 15:04") }

// named are the groups that have a name to show, "none" where a service is empty.
func named(list []Group) []Group {
	out := slices.Clone(list)
	for i := range out {
		out[i].Name = clean(out[i].Name)
		if out[i].Name == "" {
			out[i].Name = "none"
		}
	}
	return out
}
