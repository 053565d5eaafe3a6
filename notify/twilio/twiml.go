package twilio

import (
	"encoding/xml"
	"strings"
)

// Script is what a call says next.
type Script struct {
	Paragraphs []string
	Digits     bool // wait for a digit afterwards; false ends the call
}

// The call waits this many seconds for a digit, and says its text this often before it gives up.
const (
	digitWait = "8"
	readings  = 2
)

// voice renders a script as TwiML. The text is inside the Gather, so that a digit cuts it short. language is BCP 47;
// action is where digits are posted.
func voice(s Script, language, action string) string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?><Response>`)
	if !s.Digits {
		say(&b, s.Paragraphs, language)
		b.WriteString("<Hangup/></Response>")
		return b.String()
	}
	b.WriteString(`<Gather input="dtmf" numDigits="1" timeout="` + digitWait + `" actionOnEmptyResult="false" method="POST" action="` + escape(action) + `">`)
	for i := range readings {
		if i > 0 {
			b.WriteString(`<Pause length="2"/>`)
		}
		say(&b, s.Paragraphs, language)
	}
	b.WriteString("</Gather>")
	say(&b, []string{"No digit was pressed. Goodbye."}, language)
	b.WriteString("<Hangup/></Response>")
	return b.String()
}

func say(b *strings.Builder, paragraphs []string, language string) {
	for i, p := range paragraphs {
		if i > 0 {
			b.WriteString(`<Pause length="1"/>`)
		}
		b.WriteString(`<Say language="` + escape(language) + `">` + escape(p) + `</Say>`)
	}
}

// reply renders an answer to an SMS.
func reply(text string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><Response><Message>` + escape(text) + `</Message></Response>`
}

// escape makes text safe inside an element or an attribute; characters that XML cannot hold become U+FFFD.
func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder does not fail
	return b.String()
}
