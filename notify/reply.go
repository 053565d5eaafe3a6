package notify

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"pagerd/gateway/alert"
)

// Verb is what a responder asks for.
type Verb string

// The closed list of verbs. The carriers' words (STOP, END, QUIT, CANCEL, YES, START, HELP …) are never among them.
const (
	VerbAck       Verb = "ack"
	VerbResolve   Verb = "resolve"
	VerbEscalate  Verb = "escalate"
	VerbStatus    Verb = "status"
	VerbNoise     Verb = "noise"
	VerbMitigated Verb = "mitigated"
	VerbNote      Verb = "note"     // into the incident's timeline
	VerbSeverity  Verb = "severity" // how bad it is
	VerbCommand   Verb = "command"  // who leads
	VerbCall      Verb = "call"     // ring people into an incident
	VerbRunbook   Verb = "runbook"  // voice only: 0
	VerbRepeat    Verb = "repeat"   // voice only: 9
	VerbNone      Verb = ""         // not understood
	VerbCarrier   Verb = "carrier"  // a word that belongs to the carrier: no answer at all
)

// Reply is what a responder's text or digit means.
type Reply struct {
	Verb  Verb
	Pages []int64 // numbers that were written; empty = a bare reply
	All   bool    // "all": exactly the set that the latest message named

	Text     string         // of a note, as it was written; foreign text
	Severity alert.Severity // of VerbSeverity
	Name     string         // of VerbCommand and VerbCall, as it was written: a person ("me" is whoever writes), a schedule or a team
}

// Leads reports whether the verb is about an incident and not about a page.
func (v Verb) Leads() bool {
	return v == VerbNote || v == VerbSeverity || v == VerbCommand || v == VerbCall
}

// firstPage is the lowest page number there is: smaller numbers are verbs or nothing.
const firstPage = 1001

// span is "1042-1044": whether the pages between are meant cannot be known, so it is not understood.
var span = regexp.MustCompile(`[0-9０-９]{4,}\s*(?:[-–—－~]|\.\.+)\s*#?[0-9０-９]{4,}`)

// ParseReply reads an SMS. Case, spaces, punctuation, full-width digits and emoji are forgiven; a text with other words in
// it is not understood, because a sentence or an automatic answer must never acknowledge.
func ParseReply(text string) Reply {
	words := replyWords(text)
	if len(words) == 1 && carrierWord(words[0]) {
		return Reply{Verb: VerbCarrier}
	}
	if r, ok := parseLead(text); ok {
		return r
	}
	if span.MatchString(text) {
		return Reply{}
	}
	var r Reply
	fillers := 0
	for _, w := range words {
		n, verb, ok := numbered(w)
		switch {
		case ok:
			if n > 0 && !slices.Contains(r.Pages, n) {
				r.Pages = append(r.Pages, n)
			}
			if verb != VerbNone && !r.set(verb) {
				return Reply{}
			}
		case w == "all":
			r.All = true
		case filler(w):
			fillers++
		default:
			if !r.set(verbOf(w)) || r.Verb == VerbNone {
				return Reply{}
			}
		}
	}
	if r.Verb == VerbNone && asks(text) && fillers == 0 {
		r.Verb = VerbStatus
	}
	if r.Verb == VerbNone || fillers > 2 || len(r.Pages) > 50 || r.All && len(r.Pages) > 0 {
		return Reply{}
	}
	return r
}

// asks reports whether the text has a question mark: alone or with numbers it asks how things stand.
func asks(text string) bool { return strings.ContainsAny(text, "?？") }

// set takes a verb; two different ones in a text contradict each other.
func (r *Reply) set(v Verb) bool {
	if v == VerbNone || r.Verb != VerbNone && r.Verb != v {
		return false
	}
	r.Verb = v
	return true
}

// ParseDigit reads a keypress. Only the announced digits mean something.
func ParseDigit(d string) Reply {
	switch strings.TrimSpace(d) {
	case "4":
		return Reply{Verb: VerbAck}
	case "6":
		return Reply{Verb: VerbResolve}
	case "8":
		return Reply{Verb: VerbEscalate}
	case "0":
		return Reply{Verb: VerbRunbook}
	case "9":
		return Reply{Verb: VerbRepeat}
	}
	return Reply{}
}

// replyWords cuts a text into lower-case words of letters and digits. Digits of other scripts stay as they are, so that a
// number written with them is not understood rather than left out.
func replyWords(text string) []string {
	var words []string
	var w strings.Builder
	flush := func() {
		if w.Len() > 0 {
			words = append(words, w.String())
			w.Reset()
		}
	}
	for _, c := range text {
		if c >= '！' && c <= '～' { // full-width forms
			c -= '！' - '!'
		}
		switch {
		case unicode.IsLetter(c) || unicode.IsDigit(c):
			w.WriteRune(unicode.ToLower(c))
		case unicode.Is(unicode.Mn, c) || c == '\ufe0f' || c == '\u20e3': // keycap emoji are a digit and marks
		default:
			flush()
		}
	}
	flush()
	return words
}

// numbered reads "1042", "1042a", "ack1042" and the single digits that are verbs.
func numbered(w string) (page int64, verb Verb, ok bool) {
	switch w {
	case "4":
		return 0, VerbAck, true
	case "6":
		return 0, VerbResolve, true
	case "8":
		return 0, VerbEscalate, true
	}
	rest := strings.TrimLeft(w, letters)
	digits := strings.TrimRight(rest, letters)
	before, after := w[:len(w)-len(rest)], rest[len(digits):]
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < firstPage || digits != strconv.FormatInt(n, 10) {
		return 0, VerbNone, false
	}
	if before+after == "" {
		return n, VerbNone, true
	}
	if before != "" && after != "" {
		return 0, VerbNone, false
	}
	verb = verbOf(before + after)
	return n, verb, verb != VerbNone
}

const letters = "abcdefghijklmnopqrstuvwxyz"

func verbOf(w string) Verb {
	switch w {
	case "a", "ack", "acked", "acknowledge", "acknowledged":
		return VerbAck
	case "r", "resolve", "resolved", "close", "closed", "fixed":
		return VerbResolve
	case "e", "esc", "escalate":
		return VerbEscalate
	case "who", "status":
		return VerbStatus
	case "noise":
		return VerbNoise
	case "mitigated":
		return VerbMitigated
	}
	return VerbNone
}

func filler(w string) bool {
	switch w {
	case "please", "pls", "ok", "okay", "thanks", "thx", "page": // not "sev": "sev 4" speaks of a severity
		return true
	}
	return false
}

// StopWord reports whether the text is one of the words by which a carrier blocks a sender.
func StopWord(text string) bool {
	words := replyWords(text)
	return len(words) == 1 && slices.Contains([]string{"stop", "stopall", "unsubscribe", "end", "quit", "cancel", "revoke", "optout"}, words[0])
}

func carrierWord(w string) bool {
	return StopWord(w) || slices.Contains([]string{"start", "yes", "unstop", "help", "info"}, w)
}
