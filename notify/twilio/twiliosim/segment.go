package twiliosim

import (
	"strings"
	"unicode/utf16"
)

// The GSM 03.38 alphabet, and the characters that take two places in it (3GPP TS 23.038).
const (
	gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtended = "\f^{}\\[~]|€"
)

// segments counts the segments of a message: 160 characters in one or 153 in each of several in GSM-7, else 70 or 67
// UTF-16 units. No character is split over two segments.
func segments(body string) int {
	widths, single, several := gsmWidths(body), 160, 153
	if widths == nil {
		widths, single, several = ucs2Widths(body), 70, 67
	}
	total := 0
	for _, w := range widths {
		total += w
	}
	if total <= single {
		return 1
	}
	count, used := 1, 0
	for _, w := range widths {
		if used+w > several {
			count++
			used = 0
		}
		used += w
	}
	return count
}

// gsmWidths is the width of each character in GSM-7, nil if one is not in the alphabet.
func gsmWidths(body string) []int {
	widths := []int{}
	for _, r := range body {
		switch {
		case strings.ContainsRune(gsmBasic, r):
			widths = append(widths, 1)
		case strings.ContainsRune(gsmExtended, r):
			widths = append(widths, 2)
		default:
			return nil
		}
	}
	return widths
}

func ucs2Widths(body string) []int {
	var widths []int
	for _, r := range body {
		widths = append(widths, utf16.RuneLen(r))
	}
	return widths
}
