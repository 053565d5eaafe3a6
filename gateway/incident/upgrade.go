package incident

// upgrade fills in what format 1 did not have, from the instants that it had.
func (m *machine) upgrade() {
	in := &m.in
	if in.Format >= Format || in.Status == "" {
		return
	}
	in.Format, m.old = Format, true
	for _, p := range []PhaseChange{{PhaseDetection, in.DetectedAt, "pagerd"}, {PhaseTriage, in.AcknowledgedAt, "pagerd"},
		{PhaseRecovery, in.MitigatedAt, "pagerd"}, {PhaseResolved, in.ResolvedAt, "pagerd"}} {
		if !p.At.IsZero() {
			in.Phases = append(in.Phases, p)
		}
	}
	if in.Commander != "" {
		in.Roles = []Assignment{{Role: RoleCommander, Person: in.Commander, From: in.AcknowledgedAt, By: in.Commander}}
	}
}

// upgraded: timers begin to run. What the older program let pass is not held against anybody now.
func (m *machine) upgraded(ev Upgrade) {
	if !m.old {
		return
	}
	m.in.Targets = ev.Targets
	m.fx.Changed = true
	if m.in.Status == Candidate {
		m.askOfCandidate()
	}
	if !m.working() {
		return
	}
	m.restart(TargetTriage, m.now)
	m.restart(TargetMitigate, m.now)
	m.relieveLater()
	m.in.ActiveAt = m.now
	if ev.Targets.Quiet > 0 {
		m.in.QuietDue = m.now.Add(ev.Targets.Quiet)
	}
}
