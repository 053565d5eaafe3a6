package incident

import (
	"fmt"
	"slices"
	"time"

	"pagerd/schedule"
)

// The machine's own times. What a configuration may change is in Targets.
const (
	lateLimit      = 5 * time.Second // a timer that fires later than this starts counting anew: an outage must not send everything at once
	candidateFirst = time.Hour       // a candidate is asked about when the dust has settled, in working hours …
	candidateAgain = 24 * time.Hour  // … and every day until somebody decides
)

// limit returns a target's time and the instant from which it counts; 0 = the severity has no such target.
func (in Incident) limit(t Target) (time.Duration, time.Time) {
	if t == TargetDetect {
		return in.Targets.Detect, in.ImpactAt
	}
	from, limit := in.DetectedAt, in.Targets.Mitigate
	if t == TargetTriage {
		limit = in.Targets.Triage
	}
	for _, r := range in.Restarts {
		if r.Target == t {
			from = r.At
		}
	}
	return limit, from
}

// restart lets a target count from an instant.
func (m *machine) restart(t Target, at time.Time) {
	m.in.Restarts = append(slices.DeleteFunc(m.in.Restarts, func(r Restart) bool { return r.Target == t }), Restart{Target: t, At: at})
}

// pending returns when a target that is neither reached nor missed will be missed; zero = it will not.
func (in Incident) pending(t Target) time.Time {
	limit, from := in.limit(t)
	reached := in.Status == Mitigated || t == TargetTriage && in.Phase() != PhaseTriage
	if i := in.breach(t); limit == 0 || reached || i >= 0 && in.Breaches[i].At.After(from) {
		return time.Time{}
	}
	return from.Add(limit)
}

// breach finds the newest breach of a target; -1 = none.
func (in Incident) breach(t Target) int {
	for i, b := range slices.Backward(in.Breaches) {
		if b.Target == t {
			return i
		}
	}
	return -1
}

// missing returns the newest breach that is not made good; ok is false when there is none.
func (in Incident) missing() (b Breach, ok bool) {
	for _, b := range slices.Backward(in.Breaches) {
		if b.Met.IsZero() && b.Target != TargetDetect {
			return b, true
		}
	}
	return Breach{}, false
}

// next is the earliest of all timers.
func (in Incident) next() (time.Time, Timer) {
	var first time.Time
	var which Timer
	consider := func(at time.Time, t Timer) {
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first, which = at, t
		}
	}
	consider(in.ErrandDue, TimerErrand)
	if in.Status == Open || in.Status == Mitigated {
		consider(in.pending(TargetTriage), TimerTriage)
		consider(in.pending(TargetMitigate), TimerMitigate)
		consider(in.ReliefDue, TimerRelief)
		consider(in.QuietDue, TimerQuiet)
	}
	consider(in.RemindDue, TimerRemind)
	return first, which
}

// timers does the one thing that is due now. What else is due stays due and has its own commit and its own entry.
func (m *machine) timers(ev Due) {
	at, which := m.in.next()
	if at.IsZero() || at.After(m.now) || which == TimerErrand {
		return
	}
	awake := grave(m.in.Severity) && m.in.Status != Candidate || !ev.Opens.After(m.now)
	switch which {
	case TimerTriage:
		m.miss(TargetTriage, awake, ev.Opens)
	case TimerMitigate:
		m.miss(TargetMitigate, awake, ev.Opens)
	case TimerRemind:
		m.remindDue(awake, ev.Opens)
	case TimerRelief:
		m.reliefDue(awake, ev.Opens)
	case TimerQuiet:
		m.quietDue(awake, ev.Opens)
	case TimerErrand:
	}
}

// miss records that a target's time is over, and says so to the commander.
func (m *machine) miss(t Target, awake bool, opens time.Time) {
	limit, from := m.in.limit(t)
	at := from.Add(limit)
	if m.in.Targets.OfficeHours && opens.After(m.now) {
		m.restart(t, opens)
		m.record("pagerd", "target_waits", fmt.Sprintf("Not %s yet; the next working day is soon enough.", undone(t)))
		m.fact("target", string(t))
		return
	}
	m.in.Breaches = append(m.in.Breaches, Breach{Target: t, Limit: limit, At: at})
	m.record("pagerd", "target_missed", fmt.Sprintf("Not %s within %s.", undone(t), schedule.Words(limit)))
	m.fact("target", string(t))
	m.fact("limit", limit.String())
	if !awake {
		m.in.RemindDue = opens
		return
	}
	m.remind(Reminder{What: RemindMissed, Target: t, Limit: limit, For: m.now.Sub(m.in.DetectedAt)})
	m.in.RemindDue = m.after(at, m.in.Targets.Remind)
}

func undone(t Target) string {
	if t == TargetTriage {
		return "triaged"
	}
	return "mitigated"
}

// remind asks for a message.
func (m *machine) remind(r Reminder) {
	m.fx.Remind = r
	m.fact("reminds", string(r.What))
}

// after is the next of a repeated timer, from when it was due, so that it does not drift; zero without a cadence.
func (m *machine) after(due time.Time, every time.Duration) time.Time {
	switch {
	case every == 0:
		return time.Time{}
	case m.now.Sub(due) > lateLimit:
		return m.now.Add(every)
	}
	return due.Add(every)
}

// remindDue says again what is still missing.
func (m *machine) remindDue(awake bool, opens time.Time) {
	m.fx.Changed = true
	if !awake {
		m.in.RemindDue = opens
		return
	}
	if m.in.Status == Candidate {
		m.in.RemindDue = m.after(m.in.RemindDue, candidateAgain)
		m.record("pagerd", "reminded", "Nobody has said yet whether it was an incident.")
		m.remind(Reminder{What: RemindCandidate, For: m.now.Sub(m.in.DetectedAt)})
		return
	}
	b, ok := m.in.missing()
	if !ok {
		m.in.RemindDue = time.Time{}
		return
	}
	m.in.RemindDue = m.after(m.in.RemindDue, m.in.Targets.Remind)
	m.record("pagerd", "reminded", fmt.Sprintf("Still not %s.", undone(b.Target)))
	m.fact("target", string(b.Target))
	m.remind(Reminder{What: RemindMissed, Target: b.Target, Limit: b.Limit, For: m.now.Sub(m.in.DetectedAt)})
}

// remindAgain keeps reminders going exactly while something is missing.
func (m *machine) remindAgain() {
	_, missing := m.in.missing()
	switch {
	case m.in.Status == Candidate:
	case !missing:
		m.in.RemindDue = time.Time{}
	case m.in.RemindDue.IsZero() && m.in.Targets.Remind > 0:
		m.in.RemindDue = m.now.Add(m.in.Targets.Remind)
	}
}

// met writes down that a missed target was reached after all.
func (m *machine) met(t Target) {
	if i := m.in.breach(t); i >= 0 && m.in.Breaches[i].Met.IsZero() {
		m.in.Breaches[i].Met = m.now
	}
	m.remindAgain()
}

// judgeDetection compares the detection with the impact's start, which somebody said or corrected.
func (m *machine) judgeDetection() {
	in := &m.in
	if i := in.breach(TargetDetect); i >= 0 {
		in.Breaches = slices.Delete(in.Breaches, i, i+1)
	}
	limit := in.Targets.Detect
	if limit == 0 || in.ImpactAt.IsZero() || in.DetectedAt.Sub(in.ImpactAt) <= limit {
		return
	}
	in.Breaches = append(in.Breaches, Breach{Target: TargetDetect, Limit: limit, At: in.ImpactAt.Add(limit), Met: in.DetectedAt})
}

// quietDue: nobody did anything for long.
func (m *machine) quietDue(awake bool, opens time.Time) {
	m.fx.Changed = true
	if !awake {
		m.in.QuietDue = opens
		return
	}
	m.in.QuietDue = m.after(m.in.QuietDue, m.in.Targets.Quiet)
	if !m.in.RemindDue.IsZero() { // a missed target is said again and again already
		return
	}
	m.record("pagerd", "quiet", fmt.Sprintf("Nobody wrote anything for %s.", schedule.Words(m.now.Sub(m.in.ActiveAt))))
	m.remind(Reminder{What: RemindQuiet, For: m.now.Sub(m.in.ActiveAt)})
}

// askOfCandidate begins to ask whether it was an incident.
func (m *machine) askOfCandidate() { m.in.RemindDue = m.now.Add(candidateFirst) }
