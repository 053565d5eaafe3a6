package incident

import (
	"fmt"
	"slices"
	"time"
)

// merge ends the incident in an older one, so that merging never runs in a circle.
func (m *machine) merge(ev Merge) {
	in := &m.in
	if in.Over() || ev.Into >= in.Number || ev.Into <= 0 {
		m.fx.Answer = AnswerRefused
		return
	}
	in.Status, in.MergedInto = Merged, ev.Into
	m.acted(ev.By, ev.Channel, "merged", fmt.Sprintf("%s says that it is the same as incident %d.", person(ev.By), ev.Into))
	m.factNumber("into", ev.Into)
	// Calls that have not begun go with it: the older incident's errands ring them.
	in.Errands = append(slices.DeleteFunc(in.Errands, func(e Errand) bool { return e.Kind == ErrandCall }),
		Errand{Kind: ErrandAbsorb, To: ev.Into, By: ev.By})
	m.fx.Answer = AnswerMerged
}

// absorb takes over what a merged incident had: its pages, earliest instants, what is known, and the people whom it calls.
func (m *machine) absorb(ev Absorb) {
	in, from := &m.in, ev.From
	if slices.Contains(in.MergedFrom, from.Number) || from.Number == in.Number || in.Status == Merged {
		return
	}
	by := ""
	for _, e := range from.Errands {
		if e.Kind == ErrandAbsorb {
			by = e.By
		}
	}
	in.MergedFrom = append(in.MergedFrom, from.Number)
	for _, p := range from.Pages {
		if !slices.Contains(in.Pages, p) {
			in.Pages = append(in.Pages, p)
		}
	}
	led := !from.AcknowledgedAt.IsZero() // a candidate opens nothing
	switch {
	case led && in.Status == Candidate:
		in.Status, in.RemindDue = Open, time.Time{}
		m.acted(by, "", "absorbed", fmt.Sprintf("Incident %d is the same: the candidate is an incident.", from.Number))
		m.start(from.Commander)
	case led && in.Over():
		m.reopen(by, fmt.Sprintf("Incident %d is the same: it is open again.", from.Number))
	default:
		m.acted(by, "", "absorbed", fmt.Sprintf("Incident %d is the same; its pages belong here.", from.Number))
	}
	m.factNumber("from", from.Number)
	m.takeCalls(from)
	m.detected(from.DetectedAt)
	m.learn(from)
	if from.Severity.Worse(in.Severity) {
		m.severity(from.Severity, ev.Targets)
	}
	m.pagesOver(ev.Over)
}

// pagesOver asks the commander whether it is over, when the last open page has left the incident otherwise than by its end.
func (m *machine) pagesOver(over bool) {
	if over && !m.in.PagesOver && m.working() {
		m.remind(Reminder{What: RemindOver})
	}
	m.in.PagesOver = over
}

// takeCalls goes on calling whom a merged incident called.
func (m *machine) takeCalls(from Incident) {
	for _, c := range from.Called {
		here := slices.ContainsFunc(m.in.Called, func(o Called) bool { return o.Person == c.Person && o.ringing() })
		switch {
		case !c.ringing() || here && c.Page == 0:
		case c.Page == 0 && m.working():
			m.in.Called = append(m.in.Called, c)
			m.in.Errands = append(m.in.Errands, Errand{Kind: ErrandCall, Person: c.Person, Target: c.Target, By: c.By})
		case c.Page != 0 && !m.working():
			m.in.Errands = append(m.in.Errands, Errand{Kind: ErrandHush, Page: c.Page})
		case c.Page != 0:
			m.in.Called = append(m.in.Called, c)
		}
	}
}

// learn takes over what is known of a merged incident and not yet of this one.
func (m *machine) learn(from Incident) {
	in := &m.in
	if !from.ImpactAt.IsZero() && (in.ImpactAt.IsZero() || from.ImpactAt.Before(in.ImpactAt)) {
		in.ImpactAt = from.ImpactAt
	}
	m.judgeDetection()
	in.CustomerData, in.Security = in.CustomerData || from.CustomerData, in.Security || from.Security
	if in.RootCause == "" {
		in.RootCause = from.RootCause
	}
	for _, c := range from.Contributing {
		if !slices.Contains(in.Contributing, c) && len(in.Contributing) < maxContributing {
			in.Contributing = append(in.Contributing, c)
		}
	}
}

// moveOut: a page belongs to another incident, which hears of it by an errand. The only page stays: an incident that is
// another one altogether is merged.
func (m *machine) moveOut(ev MoveOut) {
	i := slices.Index(m.in.Pages, ev.Page)
	if m.in.Over() || i < 0 || ev.To == m.in.Number || ev.To <= 0 || len(m.in.Pages) == 1 {
		m.fx.Answer = AnswerRefused
		return
	}
	m.in.Pages = slices.Delete(m.in.Pages, i, i+1)
	m.acted(ev.By, ev.Channel, "page_moved", fmt.Sprintf("Page %d belongs to incident %d.", ev.Page, ev.To))
	m.factNumber("page", ev.Page)
	m.factNumber("to", ev.To)
	m.pagesOver(m.in.PagesOver || ev.Over)
	m.in.Errands = append(m.in.Errands, Errand{Kind: ErrandJoin, To: ev.To, Page: ev.Page, By: ev.By})
	m.fx.Answer = AnswerMoved
}

// split begins an incident with a page that was moved out of another one.
func (m *machine) split(ev MoveIn) {
	m.acted(ev.By, "", "split", fmt.Sprintf("Page %d is an incident of its own; %s leads it.", ev.Page, person(ev.By)))
	m.begin(ev.Promote)
	m.in.PagesOver = !ev.Open
	m.factNumber("from", ev.From)
}

// moveIn: what is over opens again only for a page that is open.
func (m *machine) moveIn(ev MoveIn) {
	if slices.Contains(m.in.Pages, ev.Page) || m.in.Status == Merged {
		return
	}
	ev.Promote.Candidate = m.in.Over() && !ev.Open || m.in.Status == Candidate && ev.By == ""
	// It came back before it was struck off that it left: it does not leave again.
	m.in.Errands = slices.DeleteFunc(m.in.Errands, func(e Errand) bool { return e.Kind == ErrandJoin && e.Page == ev.Page })
	over := m.in.PagesOver
	m.promote(ev.Promote)
	m.in.PagesOver = over && !ev.Open
	m.factNumber("from", ev.From)
}

func (m *machine) errandDone(ev ErrandDone) {
	i := slices.Index(m.in.Errands, ev.Errand)
	if i < 0 {
		return
	}
	m.in.Errands = slices.Delete(m.in.Errands, i, i+1)
	m.fx.Changed = true
}
