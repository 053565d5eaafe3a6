package audit

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Ledger is what a chain of anchors says of all objects. The zero Ledger knows nothing.
type Ledger struct {
	heads  map[string]Head
	digest set
	last   Anchor
	broken bool // something is missing or wrong: count and digest of what follows cannot fit
}

// Last is the newest anchor that was added; its Number is 0 when there is none.
func (l *Ledger) Last() Anchor { return l.last }

// Objects returns the names of all objects that were ever anchored, sorted.
func (l *Ledger) Objects() []string {
	var out []string
	for name := range l.heads {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// Add takes the next anchor in and returns what is wrong with it; nil = it continues the chain. Whatever is wrong, the ledger
// goes on from it; one broken link is not told again with every anchor behind it.
func (l *Ledger) Add(a Anchor) error {
	var err error
	switch {
	case a.digest() != a.Hash:
		err = fmt.Errorf("anchor %d was changed after it was written", a.Number)
	case a.Number != l.last.Number+1:
		err = fmt.Errorf("anchor %d is missing (found %d)", l.last.Number+1, a.Number)
	case a.Prev != l.last.Hash:
		err = fmt.Errorf("anchor %d does not follow the one before it", a.Number)
	}
	for _, h := range a.Changed {
		l.put(h)
	}
	if err == nil && !l.broken && (len(l.heads) != a.Objects || l.digest.String() != a.Digest) {
		err = fmt.Errorf("anchor %d counts %d objects, and the anchors up to it name %d: its digest does not fit", a.Number, a.Objects, len(l.heads))
	}
	l.broken = l.broken || err != nil
	l.last = a
	return err
}

func (l *Ledger) put(h Head) {
	if l.heads == nil {
		l.heads = map[string]Head{}
	}
	if was, ok := l.heads[h.Object]; ok {
		l.digest.remove(was)
	}
	l.heads[h.Object] = h
	l.digest.add(h)
}

// News returns the heads that are other than what was anchored.
func (l *Ledger) News(found []Head) (out []Head) {
	for _, h := range found {
		if was, known := l.heads[h.Object]; !known || !was.same(h) {
			out = append(out, h)
		}
	}
	return out
}

// Next returns the anchors that take in what was found, without adding them, and the objects whose timelines are shorter
// than, or other than, what was anchored before: those stay as they were anchored, for a shortened timeline must not
// become the truth. There is always at least one anchor: it says that nothing changed.
func (l *Ledger) Next(found []Head, at time.Time) (anchors []Anchor, odd []string) {
	var changed []Head
	for _, h := range found {
		was, known := l.heads[h.Object]
		switch {
		case known && was.same(h):
		case known && (h.Entries < was.Entries || h.Entries == was.Entries && h.Hash != was.Hash):
			odd = append(odd, h.Object)
		default:
			h.Closed = h.Closed.UTC()
			changed = append(changed, h)
		}
	}
	slices.SortFunc(changed, func(a, b Head) int { return cmp.Compare(a.Object, b.Object) })
	next := Ledger{heads: map[string]Head{}, digest: l.digest, last: l.last}
	objects := len(l.heads)
	for first := true; first || len(changed) > 0; first = false {
		n := min(len(changed), MaxHeads)
		for _, h := range changed[:n] {
			if was, known := l.heads[h.Object]; known {
				next.digest.remove(was)
			} else {
				objects++
			}
			next.digest.add(h)
		}
		a := Anchor{Format: Format, Number: next.last.Number + 1, At: at.UTC(), Prev: next.last.Hash, Objects: objects,
			Digest: next.digest.String(), Changed: changed[:n]}
		a.Hash = a.digest()
		anchors, next.last, changed = append(anchors, a), a, changed[n:]
	}
	return anchors, odd
}
