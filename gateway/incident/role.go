package incident

import (
	"fmt"
	"slices"
	"time"

	"pagerd/schedule"
)

// command gives the command to somebody; whoever had it has led until now.
func (m *machine) command(to, by string) {
	if to == m.in.Commander {
		return
	}
	m.leave(RoleCommander)
	m.in.Commander = to
	if to != "" {
		m.in.Roles = append(m.in.Roles, Assignment{Role: RoleCommander, Person: to, From: m.now, By: person(by)})
	}
	m.relieveLater()
}

// leave ends the time of everybody in a role.
func (m *machine) leave(r Role) {
	for i := range m.in.Roles {
		if a := &m.in.Roles[i]; a.Role == r && a.Until.IsZero() {
			a.Until = m.now
		}
	}
}

// relieveLater sets when the commander has led for long.
func (m *machine) relieveLater() {
	m.in.ReliefDue = time.Time{}
	if m.in.Targets.Relief > 0 && m.working() && m.in.Commander != "" {
		m.in.ReliefDue = m.now.Add(m.in.Targets.Relief)
	}
}

// assign: somebody takes or gets a role, or leaves it. Who takes the command of a candidate confirms it.
func (m *machine) assign(ev Assign) {
	switch {
	case ev.Role == RoleCommander && !ev.Off && m.in.Status == Candidate && ev.Person != "":
		m.confirm(Confirm{By: ev.By, Channel: ev.Channel})
		m.command(ev.Person, ev.By)
		m.fx.Answer = AnswerAssigned
	case !m.working() || ev.Person == "" || !slices.Contains(AllRoles(), ev.Role) || ev.Off && ev.Role == RoleCommander:
		m.fx.Answer = AnswerRefused // an incident is never without a commander
	case ev.Off:
		m.release(ev)
	case slices.Contains(m.in.Holders(ev.Role), ev.Person):
		m.fx.Answer = AnswerUnchanged
	default:
		m.give(ev)
	}
}

func (m *machine) give(ev Assign) {
	from := m.in.Commander
	switch ev.Role {
	case RoleCommander:
		m.command(ev.Person, ev.By)
	case RoleExpert:
		m.in.Roles = append(m.in.Roles, Assignment{Role: ev.Role, Person: ev.Person, From: m.now, By: person(ev.By)})
	default:
		m.leave(ev.Role)
		m.in.Roles = append(m.in.Roles, Assignment{Role: ev.Role, Person: ev.Person, From: m.now, By: person(ev.By)})
	}
	if ev.Role == RoleCommander {
		m.acted(ev.By, ev.Channel, "handed_over", fmt.Sprintf("The command goes from %s to %s.", person(from), ev.Person))
	} else {
		m.acted(ev.By, ev.Channel, "assigned", fmt.Sprintf("%s is %s.", ev.Person, ev.Role))
	}
	m.fact("role", string(ev.Role))
	m.fact("person", ev.Person)
	if ev.Role == RoleCommander && ev.Person != ev.By {
		m.remind(Reminder{What: RemindCommand, To: ev.Person, By: ev.By})
	}
	m.fx.Answer = AnswerAssigned
}

func (m *machine) release(ev Assign) {
	i := slices.IndexFunc(m.in.Roles, func(a Assignment) bool { return a.Role == ev.Role && a.Person == ev.Person && a.Until.IsZero() })
	if i < 0 {
		m.fx.Answer = AnswerUnchanged
		return
	}
	m.in.Roles[i].Until = m.now
	m.acted(ev.By, ev.Channel, "released", fmt.Sprintf("%s is no longer %s.", ev.Person, ev.Role))
	m.fact("role", string(ev.Role))
	m.fact("person", ev.Person)
	m.fx.Answer = AnswerReleased
}

// reliefDue: the commander has led for long.
func (m *machine) reliefDue(awake bool, opens time.Time) {
	m.fx.Changed = true
	if !awake {
		m.in.ReliefDue = opens
		return
	}
	led := m.in.led(m.now)
	m.in.ReliefDue = m.after(m.in.ReliefDue, m.in.Targets.Relief)
	m.record("pagerd", "relief", fmt.Sprintf("%s has led for %s: who takes over?", m.in.Commander, schedule.Words(led)))
	m.remind(Reminder{What: RemindRelief, To: m.in.Commander, For: led})
}

// led is how long the present commander has led.
func (in Incident) led(now time.Time) time.Duration {
	for _, a := range slices.Backward(in.Roles) {
		if a.Role == RoleCommander && a.Until.IsZero() {
			return now.Sub(a.From)
		}
	}
	return 0
}
