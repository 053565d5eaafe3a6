package sim

import (
	"context"
	"maps"
	"slices"
	"time"

	"pagerd/gateway/store"
)

// record checks a stored record: its version, and that it holds the head of its timeline where it has one.
func (j *judge) record(next store.Record) {
	name, prev := next.Object(), j.records[next.Object()]
	if next.Version != prev.Version+1 {
		j.w.fail(RuleSame, name, "version %d replaces version %d", next.Version, prev.Version)
	}
	if at, there := j.chains[name]; there && (next.Entries != at.seq || next.Head != at.head) {
		j.w.fail(RuleTimeline, name, "%s does not hold the newest hash of its timeline", name)
	}
	j.records[name] = next
}

// storedRecords compares all records with what was committed; index is what the due index says of them.
func (j *judge) storedRecords(index map[string]time.Time) {
	for _, name := range slices.Sorted(maps.Keys(j.records)) {
		want := j.records[name]
		have, err := j.w.medium.Store().Record(context.Background(), want.Kind, want.Number)
		if err != nil || have.Version != want.Version || have.Head != want.Head || have.Open != want.Open {
			j.w.fail(RuleSame, name, "version %d was committed, and version %d is stored (%v)", want.Version, have.Version, err)
		}
		if at := index[name]; !at.Equal(want.Due) {
			j.w.fail(RuleDue, name, "it is due at %s, and the index says %s", stamp(want.Due), stamp(at))
		}
		if _, there := j.chains[name]; there {
			j.wholeChain(name, want.Head)
		}
	}
}
