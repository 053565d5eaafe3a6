// Package timeline is the append-only record of what happened to an object (a page, an incident) and why.
//
// Entries of one object form a SHA-256 chain: each holds the hash of the one before, and the object's own stored value
// holds the newest hash, so a flipped byte, a deleted entry or a cut tail can be named.
package timeline

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Entry is one thing that happened to one object. At is UTC.
type Entry struct {
	Object string    `json:"object"` // "page/1042", "incident/1042"
	Seq    int64     `json:"seq"`    // 1, 2, 3 … within the object, the version that the commit gave it
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`            // "pagerd", "source prod-am", "ana"
	What   string    `json:"what"`             // a word of the object's closed list: "triggered", "acknowledged", "step_fired"
	Reason string    `json:"reason,omitempty"` // why, a word of a closed list
	Text   string    `json:"text,omitempty"`   // one sentence for people; holds no secret and no whole telephone number
	// Facts are details by key, e.g. "round", "step", "channel", "raw" (what a responder wrote), "alerts" (a count).
	Facts map[string]string `json:"facts,omitempty"`
	Prev  string            `json:"prev,omitempty"` // Hash of entry Seq-1; empty for the first
	Hash  string            `json:"hash"`           // hex SHA-256 over the JSON of the entry with Hash empty
}

// Seal sets Prev and Hash and returns the sealed entry. Bytes that are no UTF-8 are replaced by U+FFFD first: JSON would
// write them in one way and, once read, in another, and what a responder typed would look like tampering.
func Seal(e Entry, prev string) Entry {
	e = valid(e)
	e.Prev, e.Hash = prev, ""
	e.Hash = digest(e)
	return e
}

// valid returns the entry with every text in UTF-8; e's own facts are not changed.
func valid(e Entry) Entry {
	fix := func(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
	e.Object, e.Actor, e.What, e.Reason, e.Text = fix(e.Object), fix(e.Actor), fix(e.What), fix(e.Reason), fix(e.Text)
	if len(e.Facts) > 0 {
		facts := make(map[string]string, len(e.Facts))
		for k, v := range e.Facts {
			facts[fix(k)] = fix(v)
		}
		e.Facts = facts
	}
	return e
}

func digest(e Entry) string {
	e.Hash = ""
	b, err := json.Marshal(e)
	if err != nil { // an Entry holds only strings, integers and instants
		panic(fmt.Sprintf("timeline: encode entry: %v", err))
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Verify checks the chain of one object's entries, oldest first, against the head that the object holds. It returns nil
// or an error that names the first entry that does not fit.
func Verify(entries []Entry, head string) error { return verify(entries, 1, "", head) }

// VerifyRest is Verify for a timeline whose oldest entries retention has deleted.
func VerifyRest(entries []Entry, head string) error {
	if len(entries) == 0 {
		return verify(nil, 1, "", head)
	}
	return verify(entries, entries[0].Seq, entries[0].Prev, head)
}

func verify(entries []Entry, first int64, prev, head string) error {
	for i, e := range entries {
		if want := first + int64(i); e.Seq != want {
			return fmt.Errorf("%s: entry %d is missing (found %d)", e.Object, want, e.Seq)
		}
		if e.Prev != prev {
			return fmt.Errorf("%s: entry %d does not follow the one before it", e.Object, e.Seq)
		}
		if digest(e) != e.Hash {
			return fmt.Errorf("%s: entry %d was changed after it was written", e.Object, e.Seq)
		}
		prev = e.Hash
	}
	if prev != head {
		return fmt.Errorf("the last %d entries do not reach the recorded head: the tail is cut", len(entries))
	}
	return nil
}
