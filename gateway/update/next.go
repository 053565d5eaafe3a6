package update

import (
	"maps"
	"slices"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/gateway/timeline"
)

// The reminders: to whoever communicates when an update is due, ten minutes later to the commander as well, then to both
// every half hour. After maxLate of them pagerd has said it for more than two hours; the update stays shown as late.
const (
	lateAfter = 10 * time.Minute
	lateAgain = 30 * time.Minute
	maxLate   = 6
)

// Event is something that happens to the log. The set is closed.
type Event interface{ event() }

// Post is a person saying what was told. Next is how long after now the audience hears again; zero = as the severity asks.
// By is a person's name, or "api:TOKEN". Mailing is the number under which it is mailed; 0 = to nobody.
type Post struct {
	By       string
	Mailing  int64
	State    State
	To       Audience
	Text     string
	Next     time.Duration
	Severity alert.Severity
}

// Due says that the clock reached the log's due instant.
type Due struct{ Incident incident.Incident }

func (Post) event() {}
func (Due) event()  {}

// Effects is what a transition asks for.
type Effects struct {
	Changed bool
	Ask     []string // people to be reminded; "" = whoever can be found
	Late    time.Duration
	Entry   timeline.Entry
}

// Next is the only way to change the log. l is not modified.
func Next(l Log, ev Event, now time.Time) (Log, Effects) {
	l.Format = Format
	switch ev := ev.(type) {
	case Post:
		return post(l, ev, now)
	case Due:
		return due(l, ev.Incident, now)
	}
	return l, Effects{}
}

// Make is the update that a post becomes.
func Make(ev Post, now time.Time) Update {
	u := Update{State: ev.State, To: ev.To, Text: ev.Text, By: ev.By, At: now, Mailing: ev.Mailing}
	next := ev.Next
	if next == 0 {
		next = Cadence(ev.Severity)
	}
	if next > 0 && ev.State != Resolved {
		u.Next = now.Add(next)
	}
	return u
}

// Cadence is how soon an audience hears again where nobody says it: half an hour for SEV-1, an hour for SEV-2. Below that
// nothing is promised.
func Cadence(s alert.Severity) time.Duration {
	switch s {
	case alert.SEV1:
		return 30 * time.Minute
	case alert.SEV2:
		return time.Hour
	}
	return 0
}

func post(l Log, ev Post, now time.Time) (Log, Effects) {
	u := Make(ev, now)
	l.Updates = append(slices.Clone(l.Updates), u)
	l.Updates = l.Updates[max(0, len(l.Updates)-maxKept):]
	l.FirstTo = first(l.FirstTo, u)
	if u.State == Resolved {
		l.OverTo = first(l.OverTo, u)
	}
	l.Promised, l.Due, l.Late = u.Next, u.Next, 0
	facts := map[string]string{"state": string(u.State), "to": string(u.To)}
	if !u.Next.IsZero() {
		facts["next"] = u.Next.Format(time.RFC3339)
	}
	return l, Effects{Changed: true, Entry: timeline.Entry{Actor: u.By, What: "updated", Text: u.Text, Facts: facts}}
}

func first(f Firsts, u Update) Firsts {
	if _, ok := f[u.To]; ok {
		return f
	}
	f = maps.Clone(f)
	if f == nil {
		f = Firsts{}
	}
	f[u.To] = u.At
	return f
}

// due reminds of the promised update. What was no incident, or lives on in another one, promises nothing any more.
func due(l Log, in incident.Incident, now time.Time) (Log, Effects) {
	if l.Due.IsZero() || l.Due.After(now) {
		return l, Effects{}
	}
	if in.Status == incident.Dismissed || in.Status == incident.Merged {
		l.Due, l.Promised = time.Time{}, time.Time{}
		return l, Effects{Changed: true}
	}
	l.Late++
	fx := Effects{Changed: true, Late: now.Sub(l.Promised), Ask: []string{Speaker(in)}}
	switch {
	case l.Late == 1:
		l.Due = now.Add(lateAfter)
	case l.Late < maxLate:
		l.Due = now.Add(lateAgain)
	default:
		l.Due = time.Time{}
	}
	word := "reminded"
	if l.Late > 1 {
		word = "overdue"
		if in.Commander != "" && in.Commander != fx.Ask[0] {
			fx.Ask = append(fx.Ask, in.Commander)
		}
	}
	fx.Entry = timeline.Entry{Actor: "pagerd", What: word, Text: "An update was promised for " + l.Promised.Format(time.RFC3339) + "."}
	return l, fx
}

// Speaker is who tells others: the communications lead, else the commander.
func Speaker(in incident.Incident) string {
	if lead := in.Holders(incident.RoleCommunications); len(lead) > 0 {
		return lead[0]
	}
	return in.Commander
}
