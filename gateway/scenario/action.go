package scenario

import (
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/postmortem"
	"pagerd/notify"
	"pagerd/schedule"
)

// statement is one thing that a script says.
type statement struct {
	at     position
	source string // as it was written, spaces folded
	do     action
}

// action is what a statement does. The set is closed.
type action interface{ action() }

// moment is a time of day to the second, on a date, on a weekday, or on the next day that has it.
type moment struct {
	date    schedule.Date // zero: none
	weekday time.Weekday
	weekly  bool // weekday is set
	clock   clock
}

// clock is a wall-clock time of day; seconds is false when the script gave none.
type clock struct {
	schedule.Clock
	second  int
	seconds bool
}

// What moves the clock.
type (
	startDay struct {
		when moment
		zone *time.Location
	}
	moveTo struct{ when moment }
	wait   struct{ lasts time.Duration }
)

// What sources say.
type (
	fireAlert struct {
		name        token // empty text: the alertname label
		labels      map[string]string
		annotations map[string]string
		source      token // empty text: the configuration's first
		times       int
		once        bool // the source never says it again
	}
	resolveAlert struct{ name token }
	postFile     struct { // a body that a source really sent
		kind   string // of the source: alertmanager or sns
		file   token
		source token // empty text: the configuration's first of the kind
	}
)

// What people do.
type (
	replies struct {
		person token
		body   string
		atOnce bool
	}
	answersCall struct{ person token }
	presses     struct {
		person token
		digits string
	}
	endsCall struct { // hangs up, does not answer, is busy, lets the voicemail answer
		person token
		how    callEnd
	}
	losesSMS struct{ person token }
	follows  struct {
		person token
		verb   notify.Verb
	}
	runs struct {
		person   token
		verb     string
		number   int64
		severity alert.Severity
		text     string
		phase    incident.Phase
		other    int64 // the incident that it is merged into, or the page that moves
	}
)

// callEnd is how a call ends without a digit.
type callEnd int

const (
	hangsUp callEnd = iota
	noAnswer
	busy
	voicemail
)

// What providers do.
type (
	breakChannel struct {
		channel   notify.Channel
		person    token // empty text: everybody
		certainty notify.Certainty
		reason    notify.Reason
		permanent bool
		lasts     time.Duration // zero: until healed
	}
	healChannel struct{ channel notify.Channel }
)

// printDay shows the story so far.
type printDay struct{}

// What must be true.
type (
	expectMessage struct {
		no        bool
		channel   notify.Channel
		person    token // empty text: anybody
		fragments []string
		at        *clock
	}
	expectNothing struct{}
	expectReply   struct {
		no        bool
		fragments []string
	}
	expectPage struct {
		no       bool // no such page; without a number: no open page
		number   int64
		status   page.Status
		by       token
		round    int // 0: any; likewise below
		step     int
		firing   *int
		severity alert.Severity
	}
	expectIncident struct {
		no        bool
		number    int64
		status    incident.Status
		phase     incident.Phase
		commander token
		severity  alert.Severity
	}
	expectOncall struct {
		rotation token
		person   token // text "nobody": a gap
	}
	expectPostmortem struct {
		no      bool
		number  int64
		state   postmortem.State
		owner   token
		overdue bool
	}
	expectTimeline struct {
		number    int64
		fragments []string
	}
)

func (startDay) action()       {}
func (moveTo) action()         {}
func (wait) action()           {}
func (fireAlert) action()      {}
func (resolveAlert) action()   {}
func (postFile) action()       {}
func (replies) action()        {}
func (answersCall) action()    {}
func (presses) action()        {}
func (endsCall) action()       {}
func (losesSMS) action()       {}
func (follows) action()        {}
func (runs) action()           {}
func (breakChannel) action()   {}
func (healChannel) action()    {}
func (printDay) action()       {}
func (expectMessage) action()  {}
func (expectNothing) action()  {}
func (expectReply) action()    {}
func (expectPage) action()     {}
func (expectIncident) action() {}
func (expectOncall) action()   {}
func (expectTimeline) action() {}

func (expectPostmortem) action() {}

// checks reports whether an action only looks.
func checks(a action) bool {
	switch a.(type) {
	case expectMessage, expectNothing, expectReply, expectPage, expectIncident, expectOncall, expectTimeline, expectPostmortem, printDay:
		return true
	}
	return false
}
