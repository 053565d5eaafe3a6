package sim

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"pagerd/gateway/store"
	"pagerd/gateway/timeline"
)

// everything compares all that is stored with what was committed; until the last time without what was over already the
// time before.
func (j *judge) everything(last bool) {
	w := j.w
	ctx, s := context.Background(), w.medium.Store()
	due, err := s.Due(ctx, w.now.Add(1000*24*time.Hour), len(j.pages)+len(j.incidents)+len(j.records)+1)
	if err != nil {
		w.failed = fmt.Errorf("read the due index: %w", err)
		return
	}
	index, incidents, records := map[int64]time.Time{}, map[int64]time.Time{}, map[string]time.Time{}
	for _, d := range due {
		switch d.Kind {
		case store.DuePage:
			index[d.ID] = d.At
		case store.DueIncident:
			incidents[d.ID] = d.At
		default:
			records[store.Record{Kind: store.RecordKind(d.Kind), Number: d.ID}.Object()] = d.At
		}
	}
	for _, n := range slices.Sorted(maps.Keys(j.pages)) {
		f := j.pages[n]
		if !last && !f.page.Open() && f.seen == f.page.Version {
			continue // over, and looked at since it last changed
		}
		f.seen = f.page.Version
		if at, there := index[n]; there != f.page.Open() || !at.Equal(f.page.Due) {
			w.fail(RuleDue, pageName(n), "page %d is %s and due at %s, and the index says %s", n, f.page.Status, stamp(f.page.Due), stamp(at))
		}
		j.stored(n)
		j.wholeChain(pageName(n), f.page.Head)
		j.storedDeliveries(n)
	}
	for _, n := range slices.Sorted(maps.Keys(j.incidents)) {
		in := j.incidents[n]
		have, err := s.Incident(ctx, n)
		if err != nil || have.Version != in.Version || have.Head != in.Head {
			w.fail(RuleSame, fmt.Sprintf("incident/%d", n), "version %d was committed, and version %d is stored (%v)", in.Version, have.Version, err)
		}
		if at := incidents[n]; !at.Equal(in.Due) || !in.Over() && in.Due.IsZero() {
			w.fail(RuleDue, fmt.Sprintf("incident/%d", n), "it is %s and due at %s, and the index says %s", in.Status, stamp(in.Due), stamp(at))
		}
		j.wholeChain(fmt.Sprintf("incident/%d", n), in.Head)
		if last {
			j.settledIncident(in)
		}
	}
	j.storedRecords(records)
	j.storedAlerts()
}

// stored compares one page with what was committed.
func (j *judge) stored(n int64) {
	f := j.pages[n]
	have, err := j.w.medium.Store().Page(context.Background(), n)
	if err != nil || have.Version != f.page.Version || have.Status != f.page.Status || !have.Due.Equal(f.page.Due) || have.Head != f.page.Head {
		j.w.fail(RuleSame, pageName(n), "page %d: version %d (%s) was committed, and version %d (%s) is stored (%v)", n, f.page.Version,
			f.page.Status, have.Version, have.Status, err)
	}
}

func (j *judge) wholeChain(object, head string) {
	entries, err := j.w.medium.Store().Timeline(context.Background(), object)
	if err == nil {
		err = timeline.Verify(entries, head)
	}
	if err != nil {
		j.w.fail(RuleTimeline, object, "%v", err)
	}
}

func (j *judge) storedDeliveries(n int64) {
	ds, err := j.w.medium.Store().Deliveries(context.Background(), n)
	if err != nil {
		j.w.fail(RuleSame, pageName(n), "%v", err)
		return
	}
	for _, d := range ds {
		f := j.deliveries[d.ID]
		if f == nil || f.state != d.State {
			j.w.fail(RuleSame, "delivery/"+d.ID, "it is stored as %s", d.State)
		}
	}
}
