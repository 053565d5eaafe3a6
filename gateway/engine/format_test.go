package engine_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"pagerd/gateway/store"
	"pagerd/gateway/store/memstore"
)

// keep stores a record as the first release wrote it.
func keep(t *testing.T, st store.Store, kind store.RecordKind, number int64, file string, due time.Time) {
	t.Helper()
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r := store.Record{Kind: kind, Number: number, Version: 1, Open: !due.IsZero(), Due: due, Body: body}
	if err := st.Commit(t.Context(), store.Change{Now: start(), Records: []store.Record{r}}); err != nil {
		t.Fatal(err)
	}
}

// TestRecordsOfFormatOneAreReadForEver: the score of a drill, and a date of the calendar, which neither moves nor is told twice.
func TestRecordsOfFormatOneAreReadForEver(t *testing.T) {
	st := memstore.New()
	monday := time.Date(2026, 3, 30, 9, 0, 0, 0, time.UTC)
	keep(t, st, store.Drill, 1060, "testdata/drill-1.json", time.Time{})
	keep(t, st, store.Calendar, 2, "testdata/calendar-1.json", monday)
	p := newDesk(t, st, start())
	s, err := p.ScoreDrill(t.Context(), 1060, start())
	if err != nil || s.Acceptable || !s.InTime || s.AckedBy != "ana" || !slices.Equal(s.Unreached, []string{"ben"}) || len(s.People) != 2 || s.People[1].Reason != "bad_number" {
		t.Errorf("%+v %v", s, err)
	}
	r, err := st.Record(t.Context(), store.Calendar, 2)
	if err != nil || r.Version != 1 || !r.Due.Equal(monday) {
		t.Errorf("the calendar was touched: %+v %v", r, err)
	}
	p.runs(t, monday)
	p.runs(t, monday.Add(time.Hour))
	if got := p.titled("Weekly digest: Week of 23 March 2026"); len(got) != 2 {
		t.Errorf("%v", got)
	}
}
