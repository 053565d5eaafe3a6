package degraded

import (
	"encoding/base64"
	"strings"

	"pagerd/notify"
	"pagerd/notify/message"
)

// What begins the ids of messages that no store knows. A call's id carries what is said, because the provider asks for it
// when somebody picks up, by then perhaps another replica, and the store is gone. Nobody else can put words there: the
// provider signs the address that it asks at.
const (
	direct      = "direct-"
	directCall  = direct + "say-"
	whileUnused = "u" // before the words: they hold while the store is unusable
	always      = "n"
)

// maxWords bounds the address: a call reads out no more.
const maxWords = 300

// Direct reports whether a delivery's id is of a message that was sent without the store.
func Direct(delivery string) bool { return strings.HasPrefix(delivery, direct) }

// callID is the id of a call that says these words.
func callID(words string, outage bool) string {
	kind := always
	if outage {
		kind = whileUnused
	}
	r := []rune(words)
	return directCall + base64.RawURLEncoding.EncodeToString([]byte(kind+string(r[:min(len(r), maxWords)])))
}

// Words is what a call says, a paragraph each. usable is whether the store is usable as this replica sees it now: who picks
// up late hears how things are. ok is false for a message that is no call.
func Words(delivery string, usable bool) (paragraphs []string, ok bool) {
	coded, ok := strings.CutPrefix(delivery, directCall)
	if !ok {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(coded)
	if err != nil || len(raw) == 0 {
		return nil, false
	}
	paragraphs = message.Spoken(notify.Notification{Kind: notify.KindAlarm, Text: string(raw[1:])})
	if string(raw[:1]) == whileUnused && usable {
		paragraphs = append(paragraphs, "At this moment the store is usable again.")
	}
	return append(paragraphs, "Goodbye."), true
}
