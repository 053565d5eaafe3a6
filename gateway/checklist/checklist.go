// Package checklist is what must not be forgotten in an incident: while it lasts, once it is over, and in its postmortem.
//
// It promises that [Next] is the only way to change a checklist, pure like the incident's machine; that what pagerd knows
// by itself is never asked of a person and cannot be ticked by one; that what a person ticked says who and when; and that
// of a severe incident the open items are asked of its commander once per cadence, all in one message.
package checklist

import (
	"slices"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/gateway/postmortem"
)

// Format is the version of the stored form.
const Format = 1

// List names one of the lists.
type List string

// The lists, in their order.
const (
	During List = "during"     // while the incident lasts
	After  List = "after"      // once it is resolved
	Review List = "postmortem" // once it has a postmortem
)

// Lists returns the lists in their order.
func Lists() []List { return []List{During, After, Review} }

// Checklist is the stored value: what people ticked, and when pagerd asks next. All instants are UTC; its version is the
// record's.
type Checklist struct {
	Format   int             `json:"format"`
	Incident int64           `json:"incident"`
	Ticks    map[string]Tick `json:"ticks,omitempty"` // by item
	Due      time.Time       `json:"due,omitzero"`    // when pagerd looks next; zero = never again
	Asked    int             `json:"asked,omitempty"` // messages so far; set by the engine
}

// Tick says that a person did an item.
type Tick struct {
	By string    `json:"by"`
	At time.Time `json:"at"`
}

// Facts is what is known of an incident when its lists are looked at.
type Facts struct {
	Incident   incident.Incident
	Noted      time.Time              // a person first wrote into the timeline; zero = nobody did
	Postmortem *postmortem.Postmortem // nil = there is none
	Told       time.Time              // stakeholders were first told of it; zero = never
	AllClear   time.Time              // and, as their last word, that it is over
	Shown      time.Time              // pagerd's status page first told customers of it; zero = never, or it does not show the service
	ShownOver  time.Time              // and, as its last word, that it is over
}

// Line is an item as it stands.
type Line struct {
	ID    string    `json:"id"`
	List  List      `json:"list"`
	Text  string    `json:"text"`
	Done  bool      `json:"done"`
	Known bool      `json:"known,omitempty"` // pagerd ticks it; a person cannot
	By    string    `json:"by,omitempty"`    // who did it
	At    time.Time `json:"at,omitzero"`     // when
}

// View returns the lines that hold for an incident in its present state, in the order in which one would do them.
func View(c Checklist, f Facts) []Line {
	var out []Line
	for _, it := range items() {
		if !applies(it.list, f) {
			continue
		}
		l := Line{ID: it.id, List: it.list, Text: it.text, Known: it.known != nil && !it.ask}
		if it.known != nil {
			l.At, l.By, l.Done = it.known(f)
		}
		if t, ok := c.Ticks[it.id]; ok && !l.Done && !l.Known {
			l.Done, l.By, l.At = true, t.By, t.At
		}
		out = append(out, l)
	}
	return out
}

// Open returns the lines of a list that are not done.
func Open(lines []Line, of ...List) []Line {
	return slices.DeleteFunc(slices.Clone(lines), func(l Line) bool { return l.Done || !slices.Contains(of, l.List) })
}

// applies reports whether a list holds for an incident: what was no incident, or lives on in another one, has none.
func applies(l List, f Facts) bool {
	switch f.Incident.Status {
	case incident.Candidate, incident.Dismissed, incident.Merged:
		return false
	}
	switch l {
	case During:
		return true
	case After:
		return f.Incident.Status == incident.Resolved
	}
	return f.Incident.Status == incident.Resolved && f.Postmortem != nil && f.Postmortem.State != postmortem.Waived
}

// Cadence is how long after a list began its open items are asked for, and how often again; zero = never. Who fights a
// SEV-1 wants to be asked twice an hour at most; what is left afterwards can wait for the next day.
func Cadence(l List, s alert.Severity) time.Duration {
	switch {
	case s > alert.SEV2:
		return 0
	case l != During:
		return 24 * time.Hour
	case s == alert.SEV1:
		return 30 * time.Minute
	}
	return time.Hour
}
