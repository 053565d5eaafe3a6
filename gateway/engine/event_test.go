package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"pagerd/config"
	"pagerd/gateway/alert"
	"pagerd/gateway/engine"
	"pagerd/gateway/incident"
	"pagerd/gateway/report"
	"pagerd/gateway/store"
	"pagerd/gateway/store/memstore"
)

// journal is a log that several engines write to, as replicas' logs end in one place.
type journal struct {
	mu  sync.Mutex
	raw bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.raw.Write(b)
}

func (j *journal) Sync() error { return nil }

func (j *journal) log() *zap.Logger {
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), j, zap.InfoLevel))
}

// lines returns the structured events of a type; empty = all of them.
func (j *journal) lines(t *testing.T, kind string) []string {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []string
	for line := range strings.Lines(j.raw.String()) {
		var e report.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if e.Type != "" && (kind == "" || e.Type == kind) {
			out = append(out, line)
		}
	}
	return out
}

// telling makes an engine of a replica whose log is the journal.
func telling(t *testing.T, st store.Store, j *journal) *engine.Engine {
	t.Helper()
	cfg, err := config.Parse("test.yaml", []byte(yaml), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	log := j.log()
	e, err := engine.New(t.Context(), engine.Options{Store: st, Config: func() *config.Config { return cfg }, Log: log, Events: log})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// begun stores an open incident.
func begun(t *testing.T, st store.Store, n int64, sev alert.Severity, detected time.Time) {
	t.Helper()
	in := incident.Incident{Format: incident.Format, Number: n, Version: 1, Status: incident.Open, Severity: sev, Service: "checkout", Summary: "5xx",
		Pages: []int64{n}, Commander: "ana", DetectedAt: detected, AcknowledgedAt: detected.Add(time.Minute)}
	if err := st.Commit(context.Background(), store.Change{Now: detected, Incident: &in}); err != nil {
		t.Fatal(err)
	}
}

func act(t *testing.T, e *engine.Engine, n int64, ev incident.Event, now time.Time) {
	t.Helper()
	if _, err := e.Incident(context.Background(), n, ev, "", now); err != nil {
		t.Fatal(err)
	}
	e.Drain()
}

func TestTheTwoQueriesOfTheDashboardGiveTheRightAnswer(t *testing.T) {
	text, err := os.ReadFile("../../deploy/cloudwatch/incidents.txt")
	if err != nil {
		t.Fatal(err)
	}
	var queries []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			queries = append(queries, line)
		}
	}
	if len(queries) != 2 {
		t.Fatalf("%d queries", len(queries))
	}
	st, j := memstore.New(), &journal{}
	e := telling(t, st, j)
	for i, minutes := range []int{30, 90, 5, 7, 600} {
		n := int64(1001 + i)
		sev := alert.SEV1
		if i >= 2 {
			sev = alert.SEV3
		}
		from := start().Add(time.Duration(i) * 24 * time.Hour)
		begun(t, st, n, sev, from)
		act(t, e, n, incident.Mitigate{By: "ana"}, from.Add(2*time.Minute))
		act(t, e, n, incident.Resolve{By: "ana"}, from.Add(time.Duration(minutes)*time.Minute))
		act(t, e, n, incident.Resolve{By: "ben"}, from.Add(601*time.Minute)) // too late: nothing new
	}
	begun(t, st, 1006, alert.SEV1, start()) // still open
	candidate := incident.Incident{Format: incident.Format, Number: 1007, Version: 1, Status: incident.Candidate, Severity: alert.SEV1, DetectedAt: start(), Pages: []int64{1007}}
	if err := st.Commit(t.Context(), store.Change{Now: start(), Incident: &candidate}); err != nil {
		t.Fatal(err)
	}
	act(t, e, 1007, incident.Dismiss{By: "ana", Reason: "a test"}, start().Add(time.Hour))

	lines := j.lines(t, "")
	if got, want := insights(t, queries[0], lines), map[string]float64{"SEV-1": 2, "SEV-3": 3}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("incidents by severity: %v, want %v", got, want)
	}
	if got, want := insights(t, queries[1], lines), map[string]float64{"SEV-1": 3600, "SEV-3": 204 * 60}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("average time to resolve: %v, want %v", got, want)
	}
}

func TestAnIncidentIsToldOnceAndWhatChangesAfterwardsAsAnUpdate(t *testing.T) {
	st, j := memstore.New(), &journal{}
	e := telling(t, st, j)
	begun(t, st, 1001, alert.SEV2, start())
	act(t, e, 1001, incident.Resolve{By: "ana"}, start().Add(time.Hour))
	if n := len(j.lines(t, report.EventIncident)); n != 1 || len(j.lines(t, "")) != 1 {
		t.Fatalf("%d events of the resolution", n)
	}
	promote := incident.Promote{Page: 1001, Severity: alert.SEV2, By: "ben"}
	act(t, e, 1001, promote, start().Add(2*time.Hour)) // open again
	act(t, e, 1001, incident.Resolve{By: "ben"}, start().Add(3*time.Hour))
	again := telling(t, st, j) // a restart
	for _, minutes := range []int{185, 200} {
		if err := again.Housekeep(t.Context(), start().Add(time.Duration(minutes)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(j.lines(t, report.EventIncident)); n != 1 {
		t.Errorf("%d events of type incident", n)
	}
	updates := j.lines(t, report.EventUpdate)
	if len(updates) != 2 || !strings.Contains(updates[0], `"status":"open"`) || !strings.Contains(updates[1], `"duration":10800`) {
		t.Errorf("updates: %v", updates)
	}
	in, err := st.Incident(t.Context(), 1001)
	if err != nil || in.Log.Owed != "" {
		t.Errorf("%+v, %v", in.Log, err)
	}
	kept, err := st.Timeline(t.Context(), report.KeptIn(2026))
	if err != nil {
		t.Fatal(err)
	}
	facts, err := report.Kept(kept)
	if err != nil || len(facts) != 1 || !facts[0].ResolvedAt.Equal(start().Add(3*time.Hour)) {
		t.Errorf("kept %+v, %v", facts, err)
	}
}

// unmarkable is a store in which no mark can be stored while broken: the process dies between the line and the mark.
type unmarkable struct {
	store.Store
	broken bool
}

func (s *unmarkable) Commit(ctx context.Context, c store.Change) error {
	if s.broken && len(c.Entries) > 0 && strings.HasPrefix(c.Entries[0].Object, "facts/") {
		return store.ErrUnavailable
	}
	return s.Store.Commit(ctx, c)
}

// TestACrashAroundTheLineRepeatsItAndNeverLosesIt: before the line nothing is written and the next one writes it; after the
// line and before the mark it is written twice with one eventId, and the queries count it once.
func TestACrashAroundTheLineRepeatsItAndNeverLosesIt(t *testing.T) {
	st, j := &unmarkable{Store: memstore.New()}, &journal{}
	begun(t, st, 1001, alert.SEV2, start())
	st.broken = true
	act(t, telling(t, st, j), 1001, incident.Resolve{By: "ana"}, start().Add(time.Hour))
	st.broken = false
	lost := &journal{} // the log of a process that died before it wrote
	begun(t, st, 1002, alert.SEV2, start())
	st.broken = true
	act(t, telling(t, st, lost), 1002, incident.Resolve{By: "ana"}, start().Add(time.Hour))
	st.broken = false

	other := telling(t, st, j)
	if err := other.Housekeep(t.Context(), start().Add(time.Hour+30*time.Second)); err != nil {
		t.Fatal(err)
	}
	if n := len(j.lines(t, "")); n != 1 {
		t.Fatalf("%d lines while those who owe them may still be writing", n)
	}
	for range 2 {
		if err := other.Housekeep(t.Context(), start().Add(2*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	lines := j.lines(t, report.EventIncident)
	if len(lines) != 3 {
		t.Fatalf("%d lines: %v", len(lines), lines)
	}
	ids := map[string]int{}
	for _, line := range lines {
		var e report.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		ids[e.ID]++
	}
	if len(ids) != 2 {
		t.Errorf("event ids %v", ids)
	}
	if got := insights(t, `filter eventType = "incident" | dedup incident | stats count(*) by severity`, lines); got["SEV-2"] != 2 {
		t.Errorf("counted %v", got)
	}
}

// TestReplicasThatChangeAnIncidentAtOnceTellItOnce: whoever's commit owes the event writes it, and nobody else.
func TestReplicasThatChangeAnIncidentAtOnceTellItOnce(t *testing.T) {
	st, j := memstore.New(), &journal{}
	a, b := telling(t, st, j), telling(t, st, j)
	for n := int64(1001); n < 1101; n++ {
		begun(t, st, n, alert.SEV3, start())
		var wg sync.WaitGroup
		for _, e := range []*engine.Engine{a, b} {
			wg.Go(func() {
				_, _ = e.Incident(context.Background(), n, incident.Resolve{By: "ana"}, "", start().Add(time.Hour))
			})
			wg.Go(func() {
				_, _ = e.Incident(context.Background(), n, incident.Raised{To: alert.SEV2, By: "ben"}, "", start().Add(time.Hour))
			})
		}
		wg.Wait()
	}
	a.Drain()
	b.Drain()
	told := map[int64]int{}
	for _, line := range j.lines(t, report.EventIncident) {
		var e report.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		told[e.Incident]++
	}
	for n := int64(1001); n < 1101; n++ {
		in, err := st.Incident(t.Context(), n)
		if err != nil || told[n] != 1 || in.Log.Owed != "" || in.Severity != alert.SEV2 {
			t.Errorf("incident %d: told %d times, %+v, %v", n, told[n], in, err)
		}
	}
}
