package page

import (
	"pagerd/notify"
)

// Wanted reports whether a send that was stored earlier should still go out, given the page as it is now. It is asked
// when the delivery is claimed and again before each retry; reason says why not.
func Wanted(p Page, s Send) (ok bool, reason Reason) {
	if s.Kind == notify.KindResolved {
		if p.Status != Resolved {
			return false, ReasonReopened
		}
		return true, ""
	}
	switch {
	case p.Status == Resolved || p.Status == "":
		return false, ReasonResolved
	case s.Round != p.Round:
		return false, ReasonOldRound
	case p.Status == Held:
		return false, ReasonSilenced
	}
	switch s.Kind {
	case notify.KindPage:
		if p.Status == Acknowledged {
			return false, ReasonAcked
		}
		return wantedByLadder(p, s)
	case notify.KindInform:
		return wantedByLadder(p, s)
	case notify.KindAsk:
		if p.Status != Acknowledged || p.AskedAt.IsZero() {
			return false, ReasonAnswered
		}
		return true, ""
	case notify.KindJoined:
		if p.Status != Acknowledged {
			return false, ReasonUnacked
		}
		return true, ""
	}
	return false, ReasonUnknownKind
}

// wantedByLadder: the person is still being rung, for information or for an answer.
func wantedByLadder(p Page, s Send) (bool, Reason) {
	for _, l := range p.Ladders {
		if l.Person != s.Person {
			continue
		}
		if l.Done {
			return false, ReasonConfirmed
		}
		return true, ""
	}
	return false, ReasonHandedOver
}
