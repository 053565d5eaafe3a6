package message

import (
	"strings"

	"pagerd/notify"
)

// frame is what we write around a source's sentence, in GSM-7 except for names made by word.
type frame struct{ before, after string }

// enough is how many characters of the source's sentence a wordy frame must leave; otherwise a terser one is taken.
const enough = 24

// fit puts the summary into the first frame that leaves enough of it, else into the last. What is cut is the summary, never
// ours: the last frame must fit by itself, in UCS-2 too.
func fit(summary string, frames ...frame) string {
	summary = gsm(summary)
	whole := len([]rune(summary))
	text := ""
	for _, f := range frames {
		t, kept := squeeze(f.before, summary, f.after)
		if kept < 0 {
			continue
		}
		if text = t; kept >= min(whole, enough) {
			return text
		}
	}
	if text == "" { // not reached with frames that fit by themselves
		last := frames[len(frames)-1]
		return clip(last.before + last.after)
	}
	return text
}

// squeeze returns the text with as much of the summary as one segment holds, and how many characters that is; -1 = not even
// the frame fits.
func squeeze(before, summary, after string) (text string, kept int) {
	if text = before + summary + after; one(text) {
		return text, len([]rune(summary))
	}
	r := []rune(summary)
	for len(r) > 0 {
		r = r[:len(r)-1]
		cut := strings.TrimRight(string(r), " .")
		if cut != "" {
			cut += "..."
		}
		if text = before + cut + after; one(text) {
			return text, len(r)
		}
	}
	return "", -1
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
