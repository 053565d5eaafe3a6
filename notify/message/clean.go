package message

import (
	"regexp"
	"strings"
	"unicode"
)

// What a telephone makes tappable: anything with a scheme, and hosts with a path.
var (
	links  = regexp.MustCompile(`(?i)[a-z0-9+.-]*://\S*|\bwww\.\S+|\b(?:tel|sms|smsto|mailto):\S+`)
	hosted = regexp.MustCompile(`(?i)\b((?:[a-z0-9-]+\.)+)([a-z]{2,}/)`)
)

// What reads like an instruction to answer or to ring somebody. The verbs of the first are rare in alerts, those of the
// others are not ("call latency", "failed to send email"), so they count only with a word of ours, a word of the carrier, a
// digit that is "to" something, or a telephone number.
var (
	replies = regexp.MustCompile(`(?i)\b(?:reply|respond|press|dial|txt)\b[\s:]*(?:(?:us|with|back|by|to|the|a|code|word|digit|number|key)\s+)*["'(]*(?:` + said + `|\+?[0-9*#]*[0-9])\b["')]*`)
	sends   = regexp.MustCompile(`(?i)\b(?:text|send|type|enter)\b[\s:]*(?:(?:us|the|a|code|word|digit|number)\s+)*["'(]*(?:(?:` + said + `)\b|[0-9*#]{1,6}["')]*\s+(?:to|for|if)\b)["')]*`)
	calls   = regexp.MustCompile(`(?i)\b(?:call|text|ring|phone)\b[\s:]*(?:(?:us|the|number|at|on)\s+)*\+?[0-9][0-9 ().-]{5,}[0-9]`)
)

const said = `ack\w*|resolved?|close|escalate|yes|stop|stopall|end|quit|cancel|unsubscribe|start|help|all`

// foreign makes text of a source safe for mail and speech: one line, nothing that hides or turns, no addresses to tap on,
// and nothing that reads like an instruction of ours.
func foreign(s string) string { return harmless(visible(s)) }

// Foreign is foreign text for a letter that people of ours write around it.
func Foreign(s string) string { return foreign(s) }

// brief is foreign text for an SMS. It is made GSM-7 before it is searched: "Ręply 4" and "ht😀tp://" become harmful only then.
func brief(s string) string { return harmless(gsm(visible(s))) }

// Visible is foreign text for a screen: what can be seen of it, on one line. It is not escaped.
func Visible(s string) string { return visible(s) }

func visible(s string) string {
	var b strings.Builder
	for _, c := range s {
		switch {
		case unicode.IsSpace(c) || unicode.IsControl(c):
			b.WriteByte(' ')
		case unicode.In(c, unicode.Cf, unicode.Co, unicode.Cs, unicode.Variation_Selector) || c == unicode.ReplacementChar:
		case c == '\u115f' || c == '\u1160' || c == '\u3164' || c == '\uffa0' || c == '\u2800' || c == '\u034f': // blank letters
		default:
			b.WriteRune(c)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// harmless takes links and instructions out. Host names stay, because alerts are about them, but with a path behind them
// they get a space that keeps a telephone from making them tappable.
func harmless(s string) string {
	s = links.ReplaceAllString(s, "(link)")
	s = hosted.ReplaceAllString(s, "$1 $2")
	for _, instruction := range []*regexp.Regexp{replies, sends, calls} {
		s = instruction.ReplaceAllString(s, "...")
	}
	return s
}

// word shortens a foreign name to n units of an SMS, so that it fits beside others.
func word(s string, n int) string {
	var b strings.Builder
	for _, c := range brief(s) {
		if n--; c > 0xffff {
			n-- // two units of UCS-2
		}
		if n < 0 {
			break
		}
		b.WriteRune(c)
	}
	return strings.TrimSpace(b.String())
}
