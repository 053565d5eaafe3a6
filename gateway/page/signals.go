package page

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// create makes a page of the first signals of its group.
func (m *machine) create(ev Signals) {
	m.p.Format = Format
	m.p.Group, m.p.Source = ev.Group, ev.Source
	m.p.TriggeredAt = m.now
	m.subject(ev.Subject)
	if m.p.Severity == 0 {
		m.p.Severity = ev.Worst
	}
	m.count(ev)
	if ev.Silence != nil {
		m.p.Round, m.p.RoundAt = 1, m.now
		m.hold(*ev.Silence)
		m.names(ev)
		return
	}
	m.record("source "+ev.Source, "triggered", m.createReason(ev), fmt.Sprintf("%s %s: %s", m.p.Severity, m.p.Service, m.p.Summary))
	m.names(ev)
	m.fact("why", m.p.Why)
	if m.p.Firing == 0 && m.p.HiddenTotal() == 0 { // it began and ended between two commits: kept, and nobody is woken for it
		m.fact("over", "true")
		m.p.Round, m.p.RoundAt = 1, m.now
		m.resolve("source", ReasonSource)
		return
	}
	m.startRound()
}

// createReason: a page that continues another one without a new episode is still firing.
func (m *machine) createReason(ev Signals) Reason {
	if m.p.Previous != 0 && ev.Opened == 0 {
		return ReasonStillFiring
	}
	return ReasonFiring
}

// subject snapshots the routing decision.
func (m *machine) subject(s Subject) {
	p := &m.p
	p.Severity, p.Service, p.Summary = s.Severity, s.Service, clip(s.Summary, maxSummary)
	p.Environment, p.Runbook, p.Why = s.Environment, s.Runbook, clip(s.Why, maxSummary)
	p.Policy, p.Targets = s.Policy, s.Targets
}

// names adds how many alerts the event is about, and which.
func (m *machine) names(ev Signals) {
	m.fact("alerts", strconv.Itoa(ev.Opened+ev.Refreshed+ev.Ended))
	m.fact("firing", strconv.Itoa(m.p.Firing))
	if m.p.HiddenTotal() > 0 {
		m.fact("hidden", strconv.Itoa(m.p.HiddenTotal()))
	}
	m.fact("names", clip(strings.Join(ev.Names, " "), 1000))
}

// count takes over what the engine counted.
func (m *machine) count(ev Signals) {
	p := &m.p
	p.Firing, p.Total, p.HeardAt = ev.Firing, p.Total+ev.NewIDs, m.now
	m.hide(ev.Sender, ev.Hidden)
	m.fx.Changed = true
	m.stale()
	m.heard()
}

// hide remembers how many alerts a sender left out of its newest body; senders beyond the limit share one count.
func (m *machine) hide(sender string, n int) {
	p := &m.p
	if _, known := p.Hidden[sender]; !known && len(p.Hidden) >= maxSenders {
		if n == 0 { // whose alerts the shared count is about is not known: only a person ends it
			return
		}
		sender, n = otherSenders, max(n, p.Hidden[otherSenders])
	}
	if n == 0 {
		delete(p.Hidden, sender)
		return
	}
	if p.Hidden == nil {
		p.Hidden = map[string]int{}
	}
	p.Hidden[sender] = n
}

// stale sets the instant at which nothing was heard for too long: soon when only hidden alerts may still fire.
func (m *machine) stale() {
	if m.p.Source == SourceHand { // nobody says anything of it but people
		m.p.StaleDue = time.Time{}
		return
	}
	after := m.p.Targets.Stale
	if after == 0 {
		after = defaultStale
	}
	if m.p.Firing == 0 && m.p.HiddenTotal() > 0 && m.p.Targets.GroupInterval > 0 {
		after = min(after, 2*m.p.Targets.GroupInterval)
	}
	m.p.StaleDue = m.now.Add(after)
}

// signals folds what arrived into a page that exists.
func (m *machine) signals(ev Signals) {
	if m.p.Status == Resolved {
		m.afterResolve(ev)
		return
	}
	m.count(ev)
	if m.p.Firing > 0 && !m.p.QuietDue.IsZero() { // not quiet: it goes on flapping
		m.p.QuietDue = time.Time{}
		m.rememberReopening()
	}
	switch {
	case m.p.Firing == 0 && m.p.HiddenTotal() > 0:
		m.record("source "+m.p.Source, "alerts_ended", ReasonHidden, fmt.Sprintf("No alert that was sent fires any more; the sender left out %d.", m.p.HiddenTotal()))
		m.names(ev)
	case m.p.Firing == 0:
		m.over(ev)
	case m.p.Status == Held:
		m.heldSignals(ev)
	case ev.Silence != nil && m.p.Status == Triggered:
		m.hold(*ev.Silence)
		m.names(ev)
	case ev.Worst.Worse(m.p.Severity):
		m.raise(ev)
	case ev.Opened > 0 || ev.NewIDs > 0:
		m.joined(ev)
	}
}

// over: the source says that nothing fires any more. A flapping page waits for quiet before it believes it.
func (m *machine) over(ev Signals) {
	if m.flapping() && m.p.Status != Held {
		m.p.QuietDue = m.now.Add(flapQuiet)
		m.record("source "+m.p.Source, "alerts_ended", ReasonFlapping, "Everything ended, but it flaps: it must stay quiet first.")
		m.names(ev)
		return
	}
	m.resolve("source", ReasonSource)
	m.names(ev)
}

// flapping reports whether the page was reopened too often lately.
func (m *machine) flapping() bool {
	n := 0
	for _, t := range m.p.Reopened {
		if m.now.Sub(t) < flapWindow {
			n++
		}
	}
	return n >= flapCount
}

// raise: an alert of a worse severity joined. The new severity's policy starts at its first step, acknowledged or not.
func (m *machine) raise(ev Signals) {
	from := m.p.Severity
	m.subject(ev.Subject)
	m.p.Severity = ev.Worst
	m.record("source "+m.p.Source, "raised", ReasonRaised, fmt.Sprintf("Raised from %s to %s: %s", from, m.p.Severity, m.p.Summary))
	m.names(ev)
	m.changeIncidentSeverity()
	m.startRound()
}

// changeIncidentSeverity lets the page's incident follow.
func (m *machine) changeIncidentSeverity() {
	if m.p.Incident != 0 && m.p.Calls == "" {
		m.fx.Incident = IncidentSeverity
	}
}

// joined: more of the same or less. Whoever has the page is told now and then; nobody is rung.
func (m *machine) joined(ev Signals) {
	m.record("source "+m.p.Source, "joined", ReasonJoined, fmt.Sprintf("%s; firing now: %d.", counted(ev.Opened, "more alert"), m.p.Firing))
	m.names(ev)
	if m.p.Status == Acknowledged && (m.p.JoinedAt.IsZero() || m.now.Sub(m.p.JoinedAt) >= joinQuiet) {
		m.p.JoinedAt = m.now
		m.tellAcker(KindJoined)
	}
}

// afterResolve: signals of a group whose newest page is resolved.
func (m *machine) afterResolve(ev Signals) {
	p := &m.p
	if ev.Firing == 0 || ev.Opened+ev.Refreshed == 0 {
		return
	}
	if p.ResolvedBy != "source" {
		m.afterPersonsResolve(ev)
		return
	}
	if m.now.Sub(p.ResolvedAt) >= refireWindow {
		m.fx.Fresh = ReasonQuietOver
		return
	}
	m.count(ev)
	m.reopen(ev)
}

// afterPersonsResolve: repeats of what a person called over change nothing until the severity's target has passed; a new
// episode is a new page.
func (m *machine) afterPersonsResolve(ev Signals) {
	patience := m.p.Targets.Mitigate
	if patience == 0 {
		patience = defaultAckTTL
	}
	switch {
	case ev.Opened > 0:
		m.fx.Fresh = ReasonNewAlert
	case !m.now.Before(m.p.ResolvedAt.Add(patience)):
		m.fx.Fresh = ReasonStillFiring
	}
}

// reopen: it fires again soon after the source's resolve. Whoever had it still has it and is told once; else it rings anew.
func (m *machine) reopen(ev Signals) {
	p := &m.p
	p.ResolvedAt, p.ResolvedBy = time.Time{}, ""
	m.rememberReopening()
	m.record("source "+p.Source, "reopened", ReasonRefired, "Fires again: "+counted(p.Firing, "alert")+".")
	m.names(ev)
	if ev.Silence != nil {
		p.Status = Triggered
		m.hold(*ev.Silence)
		return
	}
	worse := ev.Worst.Worse(p.Severity)
	if worse {
		m.subject(ev.Subject)
		p.Severity = ev.Worst
		m.changeIncidentSeverity()
	}
	if p.Acker == "" || worse {
		m.startRound()
		return
	}
	p.Status = Acknowledged
	p.ExpiryDue = m.now.Add(m.ackTTL())
	if p.Incident != 0 {
		m.fx.Incident = IncidentPromote
	}
	p.JoinedAt = m.now
	m.tellAcker(KindJoined)
	if i := slices.IndexFunc(p.Told, func(t Told) bool { return t.Person == p.Acker }); i >= 0 {
		p.Told[i].Resolved = 0 // who hears that it fires again hears when it is over again
	}
}

func (m *machine) rememberReopening() {
	var recent []time.Time
	for _, t := range m.p.Reopened {
		if m.now.Sub(t) < flapWindow {
			recent = append(recent, t)
		}
	}
	if len(recent) > flapCount {
		recent = recent[len(recent)-flapCount:]
	}
	m.p.Reopened = append(recent, m.now)
}
