package sim

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"pagerd/gateway/audit"
	"pagerd/gateway/store"
)

// anchor checks a stored anchor: it continues the chain, it comes after its hour, what it says of each timeline was true, and
// it leaves out nothing that was there when its walk began.
func (j *judge) anchor(by *walk, r store.Record) {
	w, name := j.w, r.Object()
	var a audit.Anchor
	if err := json.Unmarshal(r.Body, &a); err != nil {
		w.fail(RuleAnchor, name, "it cannot be read: %v", err)
		return
	}
	last := j.ledger.Last()
	if a.Number != r.Number || a.Hash != r.Head {
		w.fail(RuleAnchor, name, "it says that it is anchor %d", a.Number)
	}
	if last.Number > 0 && !a.At.Equal(last.At) && a.At.Sub(last.At) < anchorEvery {
		w.fail(RuleAnchor, name, "it comes %s after the one before it", a.At.Sub(last.At))
	}
	if err := j.ledger.Add(a); err != nil {
		w.fail(RuleAnchor, name, "%v", err)
	}
	for _, h := range a.Changed {
		j.anchoredHead(name, h)
	}
	w.tally.note("anchor")
	if by != nil && by.whole && len(a.Changed) < audit.MaxHeads {
		j.nothingLeftOut(name, by.began)
	}
}

// anchoredHead checks what an anchor says of one timeline.
func (j *judge) anchoredHead(anchor string, h audit.Head) {
	entries := j.chains[h.Object].entries
	switch n := int64(len(entries)); {
	case h.Entries > n:
		j.w.fail(RuleAnchor, h.Object, "%s says that its timeline has %d entries, and it has %d", anchor, h.Entries, n)
	case h.Entries > 0 && entries[h.Entries-1].hash != h.Hash:
		j.w.fail(RuleAnchor, h.Object, "%s holds another entry %d than the one that is stored", anchor, h.Entries)
	case h.Entries < j.anchored[h.Object]:
		j.w.fail(RuleAnchor, h.Object, "%s goes back from entry %d to entry %d", anchor, j.anchored[h.Object], h.Entries)
	}
	j.anchored[h.Object] = h.Entries
}

// nothingLeftOut: every entry up to this change is anchored.
func (j *judge) nothingLeftOut(anchor string, index int) {
	for _, name := range slices.Sorted(maps.Keys(j.chains)) {
		entries := j.chains[name].entries
		n, there := slices.BinarySearchFunc(entries, index, func(e sealed, index int) int { return e.index - index })
		if there {
			n++
		}
		if j.anchored[name] < int64(n) {
			j.w.fail(RuleAnchor, name, "%s leaves out its entry %d", anchor, n)
		}
	}
}

// auditAtTheEnd holds all that is stored against the stored anchors, as pagerd audit verify does, and looks that they are
// not old.
func (j *judge) auditAtTheEnd() {
	w, ctx, s := j.w, context.Background(), j.w.medium.Store()
	chain, err := store.Anchors(ctx, s)
	if err != nil {
		w.fail(RuleAnchor, "", "%v", err)
	}
	ledger := audit.Ledger{}
	for _, a := range chain {
		if err := ledger.Add(a); err != nil {
			w.fail(RuleAnchor, "", "%v", err)
		}
	}
	if have, want := ledger.Last(), j.ledger.Last(); have.Hash != want.Hash {
		w.fail(RuleAnchor, "", "anchor %d was committed, and the stored chain ends with anchor %d", want.Number, have.Number)
	}
	if old := w.now.Sub(ledger.Last().At); old > anchorEvery+healing {
		w.fail(RuleAnchor, "", "the newest anchor is %s old", old)
	}
	for _, name := range ledger.Objects() {
		o, err := store.Audited(ctx, s, name)
		if err == nil {
			err = ledger.Check(o, w.now, store.KeepHistory)
		}
		if err != nil {
			w.fail(RuleAnchor, name, "%v", err)
		}
	}
}
