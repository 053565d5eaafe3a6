package notify

import (
	"strings"
	"unicode/utf16"
)

// The sizes of one SMS and of each part of a longer one, in septets of GSM-7 and in units of UCS-2 (3GPP TS 23.038, 23.040).
const (
	gsmOne, gsmPart = 160, 153
	ucsOne, ucsPart = 70, 67
)

// gsmBasic and gsmExtended are the default alphabet of 3GPP TS 23.038; extended characters take two septets.
const (
	gsmBasic    = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtended = "^{}\\[~]|€\f"
)

// septets is what a character takes in GSM-7; 0 = it is not in the alphabet.
func septets(c rune) int {
	switch {
	case strings.ContainsRune(gsmBasic, c):
		return 1
	case strings.ContainsRune(gsmExtended, c):
		return 2
	}
	return 0
}

// GSM reports whether a text can be sent in GSM-7, and how many septets it takes.
func GSM(text string) (n int, ok bool) {
	for _, c := range text {
		s := septets(c)
		if s == 0 {
			return 0, false
		}
		n += s
	}
	return n, true
}

// Segments says in how many parts a text is sent, and whether in UCS-2. A character is never torn between two parts.
func Segments(text string) (n int, ucs2 bool) {
	if total, ok := GSM(text); ok {
		return parts(text, total, gsmOne, gsmPart, septets), false
	}
	units := func(c rune) int { return len(utf16.Encode([]rune{c})) }
	return parts(text, len(utf16.Encode([]rune(text))), ucsOne, ucsPart, units), true
}

func parts(text string, total, one, part int, size func(rune) int) int {
	if total <= one {
		return 1
	}
	n, used := 1, 0
	for _, c := range text {
		if s := size(c); used+s > part {
			n, used = n+1, s
		} else {
			used += s
		}
	}
	return n
}
