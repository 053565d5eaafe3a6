package alert

import "time"

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
	if !s.EndedAt.IsZero() && !a.StartsAt.After(s.EndedAt) {
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
