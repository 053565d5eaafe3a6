package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"pagerd/schedule"
)

// start reads DATE TIME [ZONE].
func (p *parser) start() (action, error) {
	at := p.peek()
	when, err := p.moment()
	if err != nil {
		return nil, err
	}
	if when.date == (schedule.Date{}) {
		return nil, p.errorAt(at.at, "found %s; allowed: a date such as 2026-03-28, then a time", at)
	}
	s := startDay{when: when, zone: time.UTC}
	if !p.more() {
		return s, nil
	}
	t := p.peek()
	if t.kind != word {
		return nil, p.unexpected("a time zone such as Europe/Madrid", "the end of the statement")
	}
	zone, err := time.LoadLocation(t.text)
	if err != nil || t.text == "Local" {
		return nil, p.unexpected("a time zone such as Europe/Madrid", "the end of the statement")
	}
	p.next++
	s.zone = zone
	return s, nil
}

// moment reads [DATE|WEEKDAY] TIME.
func (p *parser) moment() (moment, error) {
	var m moment
	const allowed = "a time such as 03:00"
	t := p.peek()
	if t.kind != word {
		return m, p.unexpected(allowed, "a weekday and a time", "a date and a time")
	}
	if d, err := schedule.ParseDate(t.text); err == nil {
		m.date = d
		p.next++
	} else if w, ok := weekday(t.text); ok {
		m.weekday, m.weekly = w, true
		p.next++
	} else if _, ok := parseClock(t.text); !ok {
		return m, p.unexpected(allowed, "a weekday such as Sat", "a date such as 2026-03-28")
	}
	c, err := p.clock()
	m.clock = c
	return m, err
}

// clock reads HH:MM or HH:MM:SS.
func (p *parser) clock() (clock, error) {
	c, ok := parseClock(p.peek().text)
	if p.peek().kind != word || !ok {
		return c, p.unexpected("a time such as 03:00 or 03:00:30")
	}
	p.next++
	return c, nil
}

func parseClock(s string) (clock, bool) {
	hm, seconds, long := s, "", false
	if strings.Count(s, ":") == 2 {
		i := strings.LastIndexByte(s, ':')
		hm, seconds, long = s[:i], s[i+1:], true
	}
	if len(hm) != len("15:04") {
		return clock{}, false
	}
	c, err := schedule.ParseClock(hm)
	if err != nil || c.Hour > 23 {
		return clock{}, false
	}
	out := clock{Clock: c, seconds: long}
	if long {
		n, err := strconv.Atoi(seconds)
		if err != nil || len(seconds) != 2 || n < 0 || n > 59 {
			return clock{}, false
		}
		out.second = n
	}
	return out, true
}

// weekday reads Mon or Monday, in any case.
func weekday(s string) (time.Weekday, bool) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if full := d.String(); strings.EqualFold(s, full) || strings.EqualFold(s, full[:3]) {
			return d, true
		}
	}
	return 0, false
}

// duration reads elapsed time: 90s, 5m, 1h30m, 2d. A day is 24 hours.
func (p *parser) duration() (time.Duration, error) {
	t := p.peek()
	d, ok := parseDuration(t.text)
	if t.kind != word || !ok {
		return 0, p.unexpected("a duration such as 90s, 5m, 1h30m or 2d, at most 400d")
	}
	p.next++
	return d, nil
}

// maxWait bounds a wait: pagerd forgets nothing sooner than after 400 days.
const maxWait = 400 * 24 * time.Hour

func parseDuration(s string) (time.Duration, bool) {
	units := []string{"d", "h", "m", "s"}
	size := []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second}
	var total time.Duration
	for from := 0; s != ""; {
		n := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
		if n < 1 || n > 8 {
			return 0, false
		}
		amount, err := strconv.Atoi(s[:n])
		unit := slices.Index(units, s[n:n+1])
		if err != nil || unit < from {
			return 0, false
		}
		if time.Duration(amount) > maxWait/size[unit] {
			return 0, false
		}
		total += time.Duration(amount) * size[unit]
		from, s = unit+1, s[n+1:]
	}
	return total, total > 0 && total <= maxWait
}

// shows reports whether a clock on the wall reads c at t: to the second if the script gave one, else to the minute.
func (c clock) shows(t time.Time) bool {
	return t.Hour() == c.Hour && t.Minute() == c.Minute && (!c.seconds || t.Second() == c.second)
}

// String is the clock as it was written.
func (c clock) String() string {
	if c.seconds {
		return fmt.Sprintf("%s:%02d", c.Clock, c.second)
	}
	return c.Clock.String()
}
