package alert

import "time"

// overtaking is how long after an end was heard a firing of the ended episode may still be on its way, from another peer of
// the same cluster: peers wait 15 s for each one before them. A source that repeats is believed after that. Alertmanager
// calls an alert resolved when Prometheus is silent for resolve_timeout, and when Prometheus is back it fires with the start
// that it always had; refusing that as late would page nobody for as long as it fires.
const overtaking = time.Minute

// Observe folds one arriving signal into what is stored of its identity and says what that meant. prev is the zero
// State when nothing is stored. Page, Severity, Silenced and Version are the caller's: Observe copies them.
//
// While an identity fires, every start is the same episode and the earliest is kept; a new episode begins only with a
// start after the last end. An end that lies before the newest start that was heard belongs to an older episode. The
// order of arrival therefore does not matter: the tombstone of an end refuses a firing that overtook it.
func Observe(prev State, a Alert, now time.Time) (State, Change) {
	next := prev
	if prev.ID == "" {
		next = State{ID: a.ID(), Status: Resolved}
	}
	if a.Status == Firing {
		return observeFiring(next, a, now)
	}
	return observeEnd(next, a, now)
}

func observeFiring(s State, a Alert, now time.Time) (State, Change) {
	late := !s.EndedAt.IsZero() && !a.StartsAt.After(s.EndedAt)
	if late && a.Repeats && (s.Firing() || now.Sub(s.HeardAt) > overtaking) {
		// Its start counts from the end: a replay of that end must not end it again.
		a.StartsAt, late = s.EndedAt.Add(1), false
	}
	if late {
		return s, IgnoredLate
	}
	change := Refreshed
	if !s.Firing() {
		change = Opened
		s.Status, s.StartsAt, s.LatestStart = Firing, a.StartsAt, a.StartsAt
	}
	if a.StartsAt.Before(s.StartsAt) {
		s.StartsAt = a.StartsAt
	}
	if !a.StartsAt.Before(s.LatestStart) {
		s.LatestStart, s.Alert = a.StartsAt, a
	}
	s.HeardAt = later(s.HeardAt, now)
	return s, change
}

func observeEnd(s State, a Alert, now time.Time) (State, Change) {
	end := a.EndsAt
	if end.IsZero() {
		end = endOf(s, a, now)
	}
	if s.Firing() {
		if end.Before(s.LatestStart) {
			return s, IgnoredOld
		}
		s.Status, s.EndedAt, s.HeardAt = Resolved, end, later(s.HeardAt, now)
		return s, Ended
	}
	if !end.After(s.EndedAt) {
		return s, IgnoredOld
	}
	s.EndedAt, s.HeardAt = end, later(s.HeardAt, now)
	if s.Alert.Fingerprint == "" {
		s.Alert = a
	}
	return s, IgnoredUnknown
}

// endOf is when an episode ended whose end does not say so: no later than is known, because the receipt lies after the next
// start where signals take their time, and would swallow it.
func endOf(s State, a Alert, now time.Time) time.Time {
	switch {
	case a.StartsAt.IsZero():
		return now
	case s.Firing() && !a.StartsAt.Before(s.StartsAt):
		return later(s.LatestStart, a.StartsAt)
	}
	return a.StartsAt
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
