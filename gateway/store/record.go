package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// RecordKind says what a record is. The kinds are a closed list; each has its own numbers.
type RecordKind string

// The kinds of records.
const (
	Postmortem RecordKind = "postmortem" // one per incident, under the incident's number
	Action     RecordKind = "action"     // an action item; number from NextNumber
	Update     RecordKind = "update"     // what the public was told of an incident, under the incident's number
	Subscriber RecordKind = "subscriber" // somebody who gets the public updates by mail; number made from the address
	Mailing    RecordKind = "mailing"    // an update or a report on its way to its readers; number made from it
	Checklist  RecordKind = "checklist"  // ticks of an incident's lists, under the incident's number
	Drill      RecordKind = "drill"      // a game day; number from NextNumber
	Calendar   RecordKind = "calendar"   // what is told at a time of day: digests, reviews; fixed numbers
	Anchor     RecordKind = "anchor"     // hourly heads of all chains; number 1, 2, 3 …
)

// RecordKinds returns all kinds of records.
func RecordKinds() []RecordKind {
	return []RecordKind{Postmortem, Action, Update, Subscriber, Mailing, Checklist, Drill, Calendar, Anchor}
}

// Valid reports whether the kind is of the closed list.
func (k RecordKind) Valid() bool { return slices.Contains(RecordKinds(), k) }

// Letter is the kind in stored keys; 0 for one that is not of the list. A letter is never given to another kind, and p, i
// and h stand for pages, incidents and history.
func (k RecordKind) Letter() byte {
	switch k {
	case Postmortem:
		return 'm'
	case Action:
		return 'a'
	case Update:
		return 'u'
	case Subscriber:
		return 's'
	case Mailing:
		return 'l'
	case Checklist:
		return 'c'
	case Drill:
		return 'd'
	case Calendar:
		return 'k'
	case Anchor:
		return 'n'
	}
	return 0
}

// KindOfLetter is the kind that a letter of a stored key stands for.
func KindOfLetter(letter byte) (RecordKind, bool) {
	for _, k := range RecordKinds() {
		if k.Letter() == letter {
			return k, true
		}
	}
	return "", false
}

// MaxRecord is the size of a record's body in bytes: room for a long postmortem, and no more than a quarter of what one
// commit of a group may write.
const MaxRecord = 256 << 10

// Record is a versioned value beside pages and incidents that the store does not look into. Like pages, Version 7 replaces
// exactly version 6, and Version 1 must not exist yet. Records are kept for ever.
type Record struct {
	Kind    RecordKind      `json:"kind"`
	Number  int64           `json:"number"`
	Version int64           `json:"version"`
	Open    bool            `json:"open,omitempty"`    // Records lists only these if asked
	Due     time.Time       `json:"due,omitzero"`      // goes into the due index in the same commit; zero = none. UTC
	Head    string          `json:"head,omitempty"`    // newest hash of its timeline, where it has one, see Object
	Entries int64           `json:"entries,omitempty"` // of that timeline
	Body    json.RawMessage `json:"body"`              // JSON of the owner's, at most MaxRecord; read back with the same meaning, not always the same spacing
}

// Object is the name of the record's timeline: "postmortem/1042".
func (r Record) Object() string { return fmt.Sprintf("%s/%d", r.Kind, r.Number) }

func (r Record) String() string { return fmt.Sprintf("%s %d", r.Kind, r.Number) }

// check reports what makes a record impossible whatever is stored.
func (r Record) check() error {
	switch {
	case !r.Kind.Valid():
		return fmt.Errorf("record of kind %q: the kinds are %v", r.Kind, RecordKinds())
	case r.Number < 1 || r.Version < 1:
		return fmt.Errorf("%s version %d: number and version are required", r, r.Version)
	case len(r.Body) > MaxRecord:
		return fmt.Errorf("%s: its body has %d bytes, at most %d are allowed", r, len(r.Body), MaxRecord)
	case !json.Valid(r.Body):
		return fmt.Errorf("%s: its body is no JSON", r)
	}
	return nil
}

// checkRecords reports what makes a change's records impossible. One change stores a record once.
func checkRecords(records []Record) error {
	for i, r := range records {
		if err := r.check(); err != nil {
			return err
		}
		if slices.ContainsFunc(records[:i], func(o Record) bool { return o.Kind == r.Kind && o.Number == r.Number }) {
			return fmt.Errorf("%s: one change stores a record once", r)
		}
	}
	return nil
}
