package page

import "time"

// Next is the only way to change a page.
//
// It returns the page after the event at now (UTC), and what must be stored and done with it. p is not modified and
// shares nothing with the result. With Effects.Changed false the returned page equals p.
func Next(p Page, ev Event, f Facts, now time.Time) (Page, Effects) {
	panic("page: not written yet")
}

// Wanted reports whether a send that was stored earlier should still go out, given the page as it is now. It is asked
// when the delivery is claimed and again before each retry; reason says why not.
func Wanted(p Page, s Send) (ok bool, reason Reason) {
	panic("page: not written yet")
}
