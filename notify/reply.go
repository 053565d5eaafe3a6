package notify

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
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
	VerbRunbook   Verb = "runbook" // voice only: 0
	VerbRepeat    Verb = "repeat"  // voice only: 9
	VerbNone      Verb = ""        // not understood
	VerbCarrier   Verb = "carrier" // a word that belongs to the carrier: no answer at all
)

// Reply is what a responder's text or digit means.
type Reply struct {
	Verb  Verb
	Pages []int64 // numbers that were written; empty = a bare reply
	All   bool    // "all": exactly the set that the latest message named
}

// firstPage is the lowest page number there is: smaller numbers are verbs or nothing.
const firstPage = 1001

// ParseReply reads an SMS. Case, spaces, punctuation, full-width digits and emoji are forgiven; a text with other words in
// it is not understood, because a sentence or an automatic answer must never acknowledge.
func ParseReply(text string) Reply {
	words := replyWords(text)
	if len(words) == 1 && carrierWord(words[0]) {
		return Reply{Verb: VerbCarrier}
	}
	if len(words) == 0 && strings.Contains(text, "?") {
		return Reply{Verb: VerbStatus}
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
	if r.Verb == VerbNone || fillers > 2 || len(r.Pages) > 50 {
		return Reply{}
	}
	return r
}

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

// replyWords cuts a text into lower-case words of letters and digits. "?" alone is a word.
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
		case c == '?':
			flush()
		case unicode.IsLetter(c) || c >= '0' && c <= '9':
			w.WriteRune(unicode.ToLower(c))
		case unicode.Is(unicode.Mn, c) || c == '\ufe0f' || c == '\u20e3': // keycap emoji are a digit and marks
		default:
			flush()
		}
	}
	flush()
	return words
}

// numbered reads "1042", "1042a" and the single digits that are verbs.
func numbered(w string) (page int64, verb Verb, ok bool) {
	switch w {
	case "4":
		return 0, VerbAck, true
	case "6":
		return 0, VerbResolve, true
	case "8":
		return 0, VerbEscalate, true
	}
	digits := strings.TrimRight(w, "abcdefghijklmnopqrstuvwxyz")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < firstPage || digits != strconv.FormatInt(n, 10) {
		return 0, VerbNone, false
	}
	switch suffix := w[len(digits):]; suffix {
	case "":
		return n, VerbNone, true
	case "a", "r", "e":
		return n, verbOf(suffix), true
	}
	return 0, VerbNone, false
}

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
	case "please", "pls", "ok", "okay", "thanks", "thx", "page", "sev":
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
