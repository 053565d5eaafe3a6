package incident

import (
	"fmt"
	"slices"
	"strings"
)

// maxCalled bounds the value whatever a script does: a large company's whole on-call staff.
const maxCalled = 100

// call writes down who is wanted here. A page of their own rings each of them, begun by an errand; who is being rung already
// is not rung twice.
func (m *machine) call(ev Call) {
	var fresh []string
	for _, p := range ev.People {
		ringing := slices.ContainsFunc(m.in.Called, func(c Called) bool { return c.Person == p && c.ringing() })
		if !ringing && !slices.Contains(fresh, p) {
			fresh = append(fresh, p)
		}
	}
	switch {
	case !m.working() || len(ev.People) == 0 || len(m.in.Called)+len(fresh) > maxCalled:
		m.fx.Answer = AnswerRefused
		return
	case len(fresh) == 0:
		m.fx.Answer = AnswerUnchanged
		return
	}
	for _, p := range fresh {
		m.in.Called = append(m.in.Called, Called{Person: p, Target: ev.Target, By: person(ev.By), At: m.now})
		m.in.Errands = append(m.in.Errands, Errand{Kind: ErrandCall, Person: p, Target: ev.Target, By: ev.By})
	}
	m.acted(ev.By, ev.Channel, "called", fmt.Sprintf("%s calls %s in.", person(ev.By), strings.Join(fresh, ", ")))
	m.fact("target", ev.Target)
	m.fx.Answer = AnswerCalled
}

// rung: a page rings somebody now.
func (m *machine) rung(ev Rung) {
	i := slices.Index(m.in.Errands, ev.Errand)
	if i < 0 {
		return
	}
	m.in.Errands = slices.Delete(m.in.Errands, i, i+1)
	m.fx.Changed = true
	for i := range m.in.Called {
		if c := &m.in.Called[i]; c.Person == ev.Errand.Person && c.ringing() && c.Page == 0 {
			c.Page = ev.Page
			m.record("pagerd", "call_rings", fmt.Sprintf("Page %d rings %s.", ev.Page, c.Person))
			m.factNumber("page", ev.Page)
		}
	}
}

// answered: the page that rang somebody is over. Who confirmed is here from now on.
func (m *machine) answered(ev Answered) {
	i := slices.IndexFunc(m.in.Called, func(c Called) bool { return c.Person == ev.Person && c.Page == ev.Page && c.ringing() })
	if i < 0 {
		return
	}
	c := &m.in.Called[i]
	if ev.By != ev.Person {
		c.Ended = m.now
		m.record(person(ev.By), "call_ended", fmt.Sprintf("%s is not rung any more.", ev.Person))
		m.factNumber("page", ev.Page)
		return
	}
	c.Confirmed = m.now
	m.acted(ev.Person, "", "call_answered", fmt.Sprintf("%s answers the call of %s.", ev.Person, c.By))
	m.factNumber("page", ev.Page)
}

// hush: nobody is needed any more. Calls that have not begun never do; pages that ring are ended.
func (m *machine) hush() {
	m.in.Errands = slices.DeleteFunc(m.in.Errands, func(e Errand) bool { return e.Kind == ErrandCall })
	for i := range m.in.Called {
		c := &m.in.Called[i]
		if !c.ringing() {
			continue
		}
		c.Ended = m.now
		if c.Page != 0 {
			m.in.Errands = append(m.in.Errands, Errand{Kind: ErrandHush, Page: c.Page})
		}
	}
}
