package degraded

import (
	"fmt"
	"testing"
	"time"
)

var began = time.Date(2026, 3, 4, 3, 0, 0, 0, time.UTC)

// play observes once a second and answers each deed after two seconds; the deeds are written as "12 tell".
func play(seconds int, unusable func(second int) bool, answer func(second int) result) []string {
	var o outage
	var deeds []string
	answers := map[int]result{}
	for s := range seconds {
		now := began.Add(time.Duration(s) * time.Second)
		if r, ok := answers[s]; ok {
			o.answered(now, r)
		}
		switch do, lasts := o.observe(now, unusable(s), 10*time.Second); do {
		case tell:
			deeds = append(deeds, fmt.Sprintf("%d tell %s", s, span(lasts)))
			answers[s+2] = answer(s)
		case tellBack:
			deeds = append(deeds, fmt.Sprintf("%d back %s", s, span(lasts)))
		}
	}
	return deeds
}

func between(from, to int) func(int) bool { return func(s int) bool { return s >= from && s < to } }

func TestWhenTheOperatorsAreTold(t *testing.T) {
	accepted := func(int) result { return result{accepted: true} }
	for name, c := range map[string]struct {
		unusable func(int) bool
		answer   func(int) result
		seconds  int
		want     string
	}{
		"a short fault is nobody's business": {between(5, 14), accepted, 60, "[]"},
		"long enough, told again, and over": {between(5, 700), accepted, 800,
			"[15 tell 10 s 317 tell 5 min 619 tell 10 min 703 back 11 min]"},
		"nobody could be told: tried again every 15 s": {between(5, 60), func(s int) result { return result{accepted: s > 40} }, 120,
			"[15 tell 10 s 32 tell 27 s 49 tell 44 s 63 back 55 s]"},
		"nobody was ever told, so nobody hears that it is over": {between(5, 40), func(int) result { return result{} }, 120,
			"[15 tell 10 s 32 tell 27 s]"},
		"perhaps somebody was told":              {between(5, 20), func(int) result { return result{maybe: true} }, 120, "[15 tell 10 s 23 back 15 s]"},
		"nobody to tell is not tried every 15 s": {between(5, 300), func(int) result { return result{nobody: true} }, 310, "[15 tell 10 s]"},
		"it comes and goes: one outage":          {func(s int) bool { return s >= 5 && s < 60 && s%5 < 3 }, accepted, 120, "[15 tell 10 s 61 back 53 s]"},
		"over while messages are on their way":   {between(5, 16), accepted, 60, "[15 tell 10 s 19 back 11 s]"},
		"two outages": {func(s int) bool { return between(5, 25)(s) || between(100, 120)(s) }, accepted, 200,
			"[15 tell 10 s 28 back 20 s 110 tell 10 s 123 back 20 s]"},
	} {
		if got := fmt.Sprint(play(c.seconds, c.unusable, c.answer)); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

func TestANoticeIsToldOnceAndAgainUntilSomebodyTookIt(t *testing.T) {
	var n notices
	at := func(s int) time.Time { return began.Add(time.Duration(s) * time.Second) }
	due := func(s int) string {
		var keys []string
		for _, w := range n.due(at(s)) {
			keys = append(keys, w.key+"="+w.text)
		}
		return fmt.Sprint(keys)
	}
	n.add(at(0), "loss", "everything is gone")
	if got := due(0); got != "[loss=everything is gone]" {
		t.Errorf("at first %s", got)
	}
	n.add(at(1), "loss", "everything is gone twice")
	if got := due(1); got != "[]" {
		t.Errorf("on its way already: %s", got)
	}
	n.answered(at(2), n.waiting[0], result{maybe: true})
	if got := due(16) + due(17); got != "[][loss=everything is gone twice]" {
		t.Errorf("after a failure %s", got)
	}
	n.answered(at(18), n.waiting[0], result{accepted: true})
	n.add(at(60), "loss", "again")
	n.add(at(60), "clock", "off")
	if got := due(60); got != "[clock=off]" {
		t.Errorf("within ten minutes %s", got)
	}
	n.answered(at(61), n.waiting[0], result{})
	if got := due(61 + 3600); got != "[]" {
		t.Errorf("an hour later %s", got)
	}
	n.add(at(700), "loss", "again")
	if got := due(700); got != "[loss=again]" {
		t.Errorf("after ten minutes %s", got)
	}
}
