package audit

import (
	"fmt"
	"slices"
	"time"
)

// Line is one line of an export for the audit. Exactly one field is set. A header comes first, then all anchors from the
// oldest to the newest, then every object that is stored or was ever anchored, then the end.
type Line struct {
	Header  *Header `json:"header,omitempty"`
	Anchor  *Anchor `json:"anchor,omitempty"`
	Object  *Object `json:"object,omitempty"`
	Damaged string  `json:"damaged,omitempty"` // a sentence that names what cannot be read
	End     *End    `json:"end,omitempty"`
}

// Header says what the export is.
type Header struct {
	Format int           `json:"format"`
	At     time.Time     `json:"at"`   // when it was made, UTC: retention is judged by it
	Keep   time.Duration `json:"keep"` // how long an object is kept after it closed, in nanoseconds
}

// End closes an export: one without it was cut.
type End struct {
	Anchors int `json:"anchors"`
	Objects int `json:"objects"`
}

// Verifier reads the lines of an export and says what is wrong. The zero Verifier is ready for the first line.
type Verifier struct {
	header  *Header
	ledger  Ledger
	hashes  map[string]bool // of all anchors
	seen    map[string]bool // objects
	objects int
	anchors int
	damaged bool
	ended   bool
}

// Take reads the next line and returns what it shows to be wrong, a sentence each.
func (v *Verifier) Take(l Line) []string {
	switch {
	case l.Header != nil:
		if l.Header.Format != Format {
			return []string{fmt.Sprintf("the export has format %d, and this pagerd reads %d", l.Header.Format, Format)}
		}
		v.header, v.seen, v.hashes = l.Header, map[string]bool{}, map[string]bool{}
		return nil
	case v.header == nil:
		return []string{"the export does not begin with its header"}
	case l.Anchor != nil:
		v.anchors++
		v.hashes[l.Anchor.Hash] = true
		return sentence(v.ledger.Add(*l.Anchor))
	case l.Object != nil:
		v.seen[l.Object.Object] = true
		v.objects++
		return sentence(v.ledger.Check(*l.Object, v.header.At, v.header.Keep))
	case l.Damaged != "":
		v.damaged = true
		return []string{l.Damaged}
	case l.End != nil:
		v.ended = true
		if l.End.Anchors != v.anchors || l.End.Objects != v.objects {
			return []string{fmt.Sprintf("the export says that it holds %d anchors and %d objects, and %d and %d are there", l.End.Anchors, l.End.Objects, v.anchors, v.objects)}
		}
	}
	return nil
}

// Done says what can only be told after the last line. anchor is the hash of an anchor that was kept elsewhere; empty = none.
func (v *Verifier) Done(anchor string) []string {
	var out []string
	if !v.ended {
		out = append(out, "the export is cut: its end is missing")
	}
	for _, object := range v.ledger.Objects() {
		if !v.seen[object] && v.ended && !v.damaged { // what is damaged was named already
			out = append(out, object+" was anchored, and the export says nothing of it")
		}
	}
	if anchor != "" && !v.hashes[anchor] {
		out = append(out, "the anchor "+anchor+" is not in the chain: anchors were deleted or made anew")
	}
	return out
}

// Seen returns how many anchors and objects there were, and when the newest anchor was written; zero = there is none.
func (v *Verifier) Seen() (anchors, objects int, newest time.Time) {
	return v.anchors, v.objects, v.ledger.last.At
}

// Sorted returns the sentences in order, each once.
func Sorted(findings []string) []string {
	slices.Sort(findings)
	return slices.Compact(findings)
}

func sentence(err error) []string {
	if err == nil {
		return nil
	}
	return []string{err.Error()}
}
