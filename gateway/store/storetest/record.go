package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/store/memstore"
	"pagerd/gateway/timeline"
)

func newRecord(kind store.RecordKind, number, version int64) store.Record {
	return store.Record{Kind: kind, Number: number, Version: version, Open: true, Due: at(time.Hour), Head: "head", Entries: version,
		Body: json.RawMessage(fmt.Sprintf(`{"format":1,"text":"p99 > 2 s – „langsam“ <b>","version":%d}`, version))}
}

func records(t *testing.T, s store.Store, kind store.RecordKind, f store.Filter) []store.Record {
	t.Helper()
	return must[[]store.Record](t)(s.Records(context.Background(), kind, f))
}

func numbersOf(list []store.Record) []int64 {
	out := []int64{}
	for _, r := range list {
		out = append(out, r.Number)
	}
	return out
}

func recordVersionsFollowEachOther(t *testing.T, h Harness) {
	ctx, s := context.Background(), h.Store
	if _, err := s.Record(ctx, store.Action, 1001); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no record: %v, want: %v", err, store.ErrNotFound)
	}
	refuse(t, s, store.Change{Records: []store.Record{newRecord(store.Action, 1001, 2)}}, store.ErrConflict)
	r := newRecord(store.Action, 1001, 1)
	commit(t, s, store.Change{Records: []store.Record{r}})
	refuse(t, s, store.Change{Records: []store.Record{r}}, store.ErrConflict)
	refuse(t, s, store.Change{Records: []store.Record{newRecord(store.Action, 1001, 3)}}, store.ErrConflict)
	same(t, "first", must[store.Record](t)(s.Record(ctx, store.Action, 1001)), r)
	r = newRecord(store.Action, 1001, 2)
	r.Open, r.Due, r.Head, r.Entries = false, time.Time{}, "", 0
	commit(t, s, store.Change{Records: []store.Record{r}})
	same(t, "second", must[store.Record](t)(s.Record(ctx, store.Action, 1001)), r)
}

// Each kind has its own numbers, apart from those of pages and incidents.
func recordKindsHaveTheirOwnNumbers(t *testing.T, h Harness) {
	ctx, c := context.Background(), newChange(1001)
	for _, kind := range store.RecordKinds() {
		c.Records = append(c.Records, newRecord(kind, 1001, 1))
	}
	commit(t, h.Store, c)
	for i, kind := range store.RecordKinds() {
		same(t, string(kind), must[store.Record](t)(h.Store.Record(ctx, kind, 1001)), c.Records[i])
		same(t, string(kind), records(t, h.Store, kind, store.Filter{}), c.Records[i:i+1])
	}
	same(t, "page", must[page.Page](t)(h.Store.Page(ctx, 1001)), c.Page)
	due := must[[]store.Due](t)(h.Store.Due(ctx, at(2*time.Hour), 100))
	found := map[store.DueKind]int64{}
	for _, d := range due {
		found[d.Kind] = d.ID
	}
	if len(due) != 2+len(c.Records) || len(found) != len(due) {
		t.Errorf("due: %v, want the page, the incident and one of each kind", due)
	}
}

func recordsAreListedNewestFirst(t *testing.T, h Harness) {
	for n := int64(1); n <= 130; n++ {
		r := newRecord(store.Anchor, n, 1)
		r.Open = n%10 == 0
		other := newRecord(store.Drill, 2*n, 1)
		commit(t, h.Store, store.Change{Records: []store.Record{r, other}})
	}
	all := records(t, h.Store, store.Anchor, store.Filter{})
	if len(all) != 100 || all[0].Number != 130 || all[99].Number != 31 {
		t.Errorf("all: %v", numbersOf(all))
	}
	same(t, "limit", numbersOf(records(t, h.Store, store.Anchor, store.Filter{Limit: 2})), []int64{130, 129})
	same(t, "before", numbersOf(records(t, h.Store, store.Anchor, store.Filter{Before: 130, Limit: 2})), []int64{129, 128})
	same(t, "before all", numbersOf(records(t, h.Store, store.Anchor, store.Filter{Before: 1})), []int64{})
	same(t, "before what is none", numbersOf(records(t, h.Store, store.Anchor, store.Filter{Before: 1000, Limit: 1})), []int64{130})
	same(t, "open", numbersOf(records(t, h.Store, store.Anchor, store.Filter{Open: true, Before: 40})), []int64{30, 20, 10})
	same(t, "another kind", numbersOf(records(t, h.Store, store.Drill, store.Filter{Limit: 1})), []int64{260})
	same(t, "no such", numbersOf(records(t, h.Store, store.Update, store.Filter{})), []int64{})
	r := newRecord(store.Anchor, 30, 2)
	r.Open = false
	commit(t, h.Store, store.Change{Records: []store.Record{r}})
	same(t, "closed", numbersOf(records(t, h.Store, store.Anchor, store.Filter{Open: true, Before: 40})), []int64{20, 10})
}

// A record, its page and its incident are stored together or not at all.
func recordsAreAtomicWithTheirChange(t *testing.T, h Harness) {
	commit(t, h.Store, store.Change{Records: []store.Record{newRecord(store.Postmortem, 1002, 1)}})
	before := Look(t, h.Store, 1002)
	c := newChange(1002)
	c.Records = []store.Record{newRecord(store.Action, 1003, 1), newRecord(store.Postmortem, 1002, 1)}
	refuse(t, h.Store, c, store.ErrConflict)
	same(t, "record refused", Look(t, h.Store, 1002), before)
	c.Records[1].Version = 2
	c.Incident.Version = 2
	refuse(t, h.Store, c, store.ErrConflict)
	same(t, "incident refused", Look(t, h.Store, 1002), before)
	c.Incident.Version, c.Page.Version = 1, 2
	refuse(t, h.Store, c, store.ErrConflict)
	same(t, "page refused", Look(t, h.Store, 1002), before)
	c.Page.Version = 1
	commit(t, h.Store, c)
	same(t, "records", must[store.Record](t)(h.Store.Record(context.Background(), store.Postmortem, 1002)), c.Records[1])
	again := store.Change{Op: c.Op, Records: []store.Record{newRecord(store.Action, 1003, 2)}}
	refuse(t, h.Store, again, store.ErrApplied)
	same(t, "applied once", must[store.Record](t)(h.Store.Record(context.Background(), store.Action, 1003)).Version, 1)
}

func dueFollowsTheRecord(t *testing.T, h Harness) {
	ctx := context.Background()
	put := func(version int64, due time.Time) {
		t.Helper()
		r := newRecord(store.Calendar, 7, version)
		r.Due = due
		commit(t, h.Store, store.Change{Records: []store.Record{r}})
	}
	want := func(what string, due time.Time) {
		t.Helper()
		var list []store.Due
		if !due.IsZero() {
			list = []store.Due{{Kind: store.DueKind(store.Calendar), ID: 7, At: due}}
		}
		same(t, what, must[[]store.Due](t)(h.Store.Due(ctx, at(1000*time.Hour), 10)), list)
		same(t, what+", next", must[time.Time](t)(h.Store.Next(ctx, options())), due)
	}
	put(1, time.Time{})
	want("none, although it is open", time.Time{})
	put(2, at(time.Hour+time.Nanosecond))
	want("set", at(time.Hour+time.Nanosecond))
	put(3, at(time.Hour+time.Nanosecond))
	want("kept", at(time.Hour+time.Nanosecond))
	put(4, at(time.Minute))
	want("moved", at(time.Minute))
	put(5, time.Time{})
	want("gone", time.Time{})
	put(6, at(2*time.Hour))
	want("back", at(2*time.Hour))
}

func recordCommitWakes(t *testing.T, h Harness) {
	for len(h.Store.Wake()) > 0 {
		<-h.Store.Wake()
	}
	commit(t, h.Store, store.Change{Records: []store.Record{newRecord(store.Update, 1001, 1)}})
	select {
	case <-h.Store.Wake():
	default:
		t.Error("a record that is due soon wakes nobody")
	}
}

func impossibleRecordIsRefused(t *testing.T, h Harness) {
	r := newRecord(store.Action, 1, 1)
	with := func(change func(r *store.Record)) store.Change {
		r := r
		change(&r)
		return store.Change{Now: at(0), Records: []store.Record{r}}
	}
	for name, c := range map[string]store.Change{
		"kind":     with(func(r *store.Record) { r.Kind = "page" }),
		"number":   with(func(r *store.Record) { r.Number = 0 }),
		"version":  with(func(r *store.Record) { r.Version = 0 }),
		"no JSON":  with(func(r *store.Record) { r.Body = json.RawMessage("{") }),
		"no body":  with(func(r *store.Record) { r.Body = nil }),
		"too much": with(func(r *store.Record) { r.Body = json.RawMessage(`"` + strings.Repeat("x", store.MaxRecord) + `"`) }),
		"twice":    {Now: at(0), Records: []store.Record{r, newRecord(store.Action, 1, 2)}},
	} {
		if err := h.Store.Commit(context.Background(), c); err == nil || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: %v, want an error of its own", name, err)
		}
	}
	same(t, "records", numbersOf(records(t, h.Store, store.Action, store.Filter{})), []int64{})
	r.Body = json.RawMessage(`"` + strings.Repeat("x", store.MaxRecord-2) + `"`)
	commit(t, h.Store, store.Change{Records: []store.Record{r}})
	same(t, "largest", len(must[store.Record](t)(h.Store.Record(context.Background(), store.Action, 1)).Body), store.MaxRecord)
}

func recordsAreCopies(t *testing.T, h Harness) {
	ctx, r := context.Background(), newRecord(store.Update, 5, 1)
	c := store.Change{Records: []store.Record{r}}
	commit(t, h.Store, c)
	want := newRecord(store.Update, 5, 1)
	c.Records[0].Number, r.Body[2] = 6, 'X'
	got := must[store.Record](t)(h.Store.Record(ctx, store.Update, 5))
	same(t, "committed", got, want)
	got.Body[2] = 'X'
	listed := records(t, h.Store, store.Update, store.Filter{})
	listed[0].Body[2] = 'X'
	same(t, "returned", must[store.Record](t)(h.Store.Record(ctx, store.Update, 5)), want)
}

// Records have no end: retention does not know them.
func trimKeepsRecords(t *testing.T, h Harness) {
	r := newRecord(store.Postmortem, 1001, 1)
	r.Open, r.Due = false, time.Time{}
	closedPage(t, h.Store, 1001)
	commit(t, h.Store, store.Change{Records: []store.Record{r}, Entries: []timeline.Entry{newEntry(r.Object(), 1, "")}})
	trim(t, h.Store, at(4000*day))
	same(t, "record", must[store.Record](t)(h.Store.Record(context.Background(), store.Postmortem, 1001)), r)
	same(t, "timeline", len(must[[]timeline.Entry](t)(h.Store.Timeline(context.Background(), r.Object()))), 1)
}

func reopenKeepsRecords(t *testing.T, h Harness) {
	if h.Reopen == nil {
		return
	}
	all := []store.Record{newRecord(store.Action, 1001, 1), newRecord(store.Postmortem, 1001, 1)}
	commit(t, h.Store, store.Change{Records: all})
	due := must[[]store.Due](t)(h.Store.Due(context.Background(), at(2*time.Hour), 10))
	s := h.Reopen()
	same(t, "action", must[store.Record](t)(s.Record(context.Background(), store.Action, 1001)), all[0])
	same(t, "postmortems", records(t, s, store.Postmortem, store.Filter{Open: true}), all[1:])
	same(t, "due", must[[]store.Due](t)(s.Due(context.Background(), at(2*time.Hour), 10)), due)
	refuse(t, s, store.Change{Records: all[:1]}, store.ErrConflict)
}

// Random commits of records, the right version and others, on the store and on the model: both refuse and store the same.
func recordsPlayLikeTheModel(t *testing.T, h Harness) {
	ctx, r, model := context.Background(), rand.New(rand.NewPCG(11, 7)), memstore.New()
	versions := map[string]int64{}
	for step := range 600 {
		now := at(time.Duration(step) * time.Second)
		c := store.Change{Now: now}
		if r.IntN(3) == 0 {
			c.Op = fmt.Sprintf("record op %d", r.IntN(60))
		}
		seen := map[string]bool{}
		for range 1 + r.IntN(3) {
			kind := store.RecordKinds()[r.IntN(3)]
			v := newRecord(kind, 1+r.Int64N(6), 0)
			if seen[v.Object()] {
				continue
			}
			seen[v.Object()] = true
			v.Version = max(1, versions[v.Object()]+1+[]int64{0, 0, 0, 0, 0, 0, 0, -1, 1}[r.IntN(9)])
			v.Open, v.Due = r.IntN(2) == 0, time.Time{}
			if r.IntN(3) > 0 { // no two at one instant: their order is nobody's promise
				v.Due = now.Add(time.Duration(r.IntN(60))*time.Second + time.Duration(10*step+len(c.Records))*time.Nanosecond)
			}
			c.Records = append(c.Records, v)
		}
		ours, theirs := h.Store.Commit(ctx, c), model.Commit(ctx, c)
		for _, known := range []error{nil, store.ErrConflict, store.ErrApplied} {
			if errors.Is(ours, known) != errors.Is(theirs, known) {
				t.Fatalf("step %d: %v, the model: %v", step, ours, theirs)
			}
		}
		if ours == nil {
			for _, v := range c.Records {
				versions[v.Object()] = v.Version
			}
		}
		if step%20 == 0 {
			for _, kind := range store.RecordKinds()[:3] {
				f := store.Filter{Open: r.IntN(2) == 0, Before: r.Int64N(8), Limit: r.IntN(4)}
				same(t, fmt.Sprintf("step %d: %s %+v", step, kind, f), records(t, h.Store, kind, f), records(t, model, kind, f))
			}
			same(t, fmt.Sprintf("step %d: due", step), must[[]store.Due](t)(h.Store.Due(ctx, now, 7)), must[[]store.Due](t)(model.Due(ctx, now, 7)))
			same(t, fmt.Sprintf("step %d: next", step), must[time.Time](t)(h.Store.Next(ctx, options())), must[time.Time](t)(model.Next(ctx, options())))
		}
	}
}
