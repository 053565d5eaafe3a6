package message

import (
	"regexp"
	"strings"
	"unicode"

	"pagerd/notify"
)

var (
	links = regexp.MustCompile(`(?i)\b(?:https?|ftp)://\S+|\bwww\.\S+`)
	// verbs are words of ours in foreign text that a reader could take for an instruction.
	verbs = regexp.MustCompile(`(?i)\b(reply|text|send|press|call)(\s+(?:with\s+)?["']?\w*["']?)?`)
)

// foreign makes text of a source safe and plain: one line, no control, direction or invisible characters, no addresses to
// tap on, and nothing that reads like an instruction of ours.
func foreign(s string) string {
	s = links.ReplaceAllString(s, "[link]")
	var b strings.Builder
	for _, c := range s {
		switch {
		case unicode.IsSpace(c) || unicode.IsControl(c):
			b.WriteByte(' ')
		case unicode.Is(unicode.Cf, c) || unicode.Is(unicode.Co, c) || unicode.Is(unicode.Cs, c) || c == unicode.ReplacementChar:
		default:
			b.WriteRune(c)
		}
	}
	s = strings.Join(strings.Fields(b.String()), " ")
	return verbs.ReplaceAllStringFunc(s, func(m string) string {
		word, _, _ := strings.Cut(m, " ")
		return strings.Replace(m, word, word[:1]+"."+word[1:], 1)
	})
}

// gsm replaces what GSM-7 lacks by what reads the same; other scripts stay as they are.
func gsm(s string) string {
	if _, ok := notify.GSM(s); ok {
		return s
	}
	var b strings.Builder
	for _, c := range s {
		if r, ok := plain(c); ok {
			b.WriteString(r)
			continue
		}
		b.WriteRune(c)
	}
	return b.String()
}

// plain is the GSM-7 reading of a character.
func plain(c rune) (string, bool) {
	switch c {
	case '‘', '’', '‚', '`', '´', 'ʼ', '′':
		return "'", true
	case '“', '”', '„', '«', '»', '″':
		return "\"", true
	case '–', '—', '−', '‐', '‑', '•', '·':
		return "-", true
	case '…':
		return "...", true
	case '→', '⇒':
		return "->", true
	case '≥':
		return ">=", true
	case '≤':
		return "<=", true
	case '°':
		return "deg", true
	case 'µ', 'μ':
		return "u", true
	case '×':
		return "x", true
	case '™', '®', '©':
		return "", true
	}
	if c > 0x2000 && (unicode.Is(unicode.So, c) || unicode.Is(unicode.Sk, c) || unicode.Is(unicode.Mn, c)) {
		return "", true // emoji
	}
	const from = "áâãāăąćčçďđêëēėęěğíîïīįıķļłńņňóôõōőřśšşșţťțúûūůűųýÿźżžÁÂÃĀĂĄÀĆČĎĐÈÊËĒĖĘĚĞÌÍÎÏĪĮİĶĻŁŃŅŇÒÓÔÕŌŐŘŚŠŞȘŢŤȚÙÚÛŪŮŰŲÝŹŻŽ"
	const to = "aaaaaacccddeeeeeegiiiiiikllnnnooooorsssstttuuuuuuyyzzzAAAAAAACCDDEEEEEEEGIIIIIIIKLLNNNOOOOOORSSSSTTTUUUUUUUYZZZ"
	if i := runeIndex(from, c); i >= 0 && i < len(to) {
		return to[i : i+1], true
	}
	return "", false
}

func runeIndex(s string, c rune) int {
	n := 0
	for _, x := range s {
		if x == c {
			return n
		}
		n++
	}
	return -1
}

// fit cuts the summary so that before+summary+after is one segment. What is cut is never ours.
func fit(before, summary, after string) string {
	before, summary, after = gsm(before), gsm(summary), gsm(after)
	whole := before + summary + after
	if one(whole) {
		return whole
	}
	r := []rune(summary)
	for len(r) > 0 {
		r = r[:len(r)-1]
		if text := before + strings.TrimRight(string(r), " ") + "..." + after; one(text) {
			return text
		}
	}
	return clip(before + after)
}

func one(text string) bool {
	n, _ := notify.Segments(text)
	return n == 1
}

// clip cuts a text to one segment.
func clip(text string) string {
	text = gsm(text)
	if one(text) {
		return text
	}
	r := []rune(text)
	for len(r) > 0 && !one(string(r)+"...") {
		r = r[:len(r)-1]
	}
	return string(r) + "..."
}

// word shortens a foreign name to what fits beside others.
func word(s string, n int) string {
	r := []rune(gsm(foreign(s)))
	if len(r) > n {
		r = r[:n]
	}
	return string(r)
}
