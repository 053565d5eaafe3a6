package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pagerd/gateway/api"
	"pagerd/gateway/replica"
	"pagerd/gateway/store"
	"pagerd/gateway/store/redisstore"
	"pagerd/gateway/store/redisstore/redistest"
)

func redisSection(server *redistest.Server, more string) string {
	return fmt.Sprintf("{alarm_after: 1s, redis: {addresses: [%q]%s}}", server.Addr, more)
}

func (m *member) storeInfo() (st api.StoreInfo) {
	m.f.t.Helper()
	status, body := m.ops(http.MethodGet, "/api/v1/store", "")
	if err := json.Unmarshal([]byte(body), &st); err != nil || status != http.StatusOK {
		m.f.t.Fatalf("the store: %d %s", status, body)
	}
	return st
}

func TestAnyReplicaTakesWhatAnotherOneRangFor(t *testing.T) {
	f, server := newFleet(t), redistest.Start(t)
	a, b := f.start("a", redisSection(server, ""), nil), f.start("b", redisSection(server, ""), nil)
	if status, body := a.fire("Shared"); status != http.StatusOK {
		t.Fatalf("answered %d %s", status, body)
	}
	f.rings(anasNumber, "Shared is failing")
	answer, err := f.sim.Phone(anasNumber).Reply(f.ctx, "4 1001") // goes to b
	if err != nil || !strings.Contains(answer.Text(), "Acked #1001") {
		t.Errorf("answered %q, %v", answer.Text(), err)
	}
	if status, body := a.ops(http.MethodGet, "/api/v1/pages/1001", ""); status != http.StatusOK || !strings.Contains(body, `"acknowledged_by": "ana"`) {
		t.Errorf("a shows %d %s", status, body)
	}
	var names []string
	for _, r := range a.storeInfo().Replicas {
		names = append(names, r.Name)
	}
	b.stop()
	f.until("b is gone from the list", func() bool {
		_ = a.g.member.Compare(f.ctx)
		return len(a.storeInfo().Replicas) == 1
	})
	if len(names) == 0 || names[0] != "a" {
		t.Errorf("replicas %v", names)
	}
}

// slippery is a machine whose wall clock can be set.
func slippery() (source replica.Source, set func(ahead time.Duration)) {
	real := replica.System()
	var ahead atomic.Int64
	return func() (time.Time, time.Duration) {
		wall, steady := real()
		return wall.Add(time.Duration(ahead.Load())), steady
	}, func(d time.Duration) { ahead.Store(int64(d)) }
}

// TestAClockThatRunsAwayFiresNothing: of three replicas one is set an hour ahead, past the half hour after which the
// secondary is due. Nobody is rung early; the replica still accepts, and what it stamps is right.
func TestAClockThatRunsAwayFiresNothing(t *testing.T) {
	f, server := newFleet(t), redistest.Start(t)
	source, set := slippery()
	a, _, c := f.start("a", redisSection(server, ""), nil), f.start("b", redisSection(server, ""), nil), f.start("c", redisSection(server, ""), source)
	for _, m := range []*member{a, c} {
		if err := m.g.member.Compare(f.ctx); err != nil { // everybody is seen by everybody
			t.Fatal(err)
		}
	}
	if status, body := a.fire("Before"); status != http.StatusOK {
		t.Fatalf("answered %d %s", status, body)
	}
	f.rings(anasNumber, "Before")
	set(time.Hour)
	c.door("/readyz", http.StatusOK, "clock: +1h0m0s off the median of 4 clocks")
	c.door("/readyz/page", http.StatusServiceUnavailable, "clock: +1h0m0s off")
	c.door("/metrics", http.StatusOK, "pagerd_clock_held 1")
	c.door("/status", http.StatusOK, "fires and sends nothing")
	if status, body := c.fire("Stamped"); status != http.StatusOK {
		t.Errorf("a held replica answered %d %s", status, body)
	}
	f.rings(anasNumber, "Stamped") // by another one
	f.rings(emilsNumber, "DEGRADED: the clock of c is +1h0m0s off 3 others")
	var p api.PageDetail
	_, body := a.ops(http.MethodGet, "/api/v1/pages/1002", "")
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatal(err)
	}
	if off := time.Since(p.Page.TriggeredAt); off < 0 || off > time.Minute {
		t.Errorf("the page was stamped %s", p.Page.TriggeredAt)
	}
	set(0)
	c.door("/readyz", http.StatusOK, "ready\n")
	f.until("c is right again", func() bool { return c.g.hold() == "" })
	if m := f.sim.Phone(bensNumber).Messages(); len(m) > 0 {
		t.Errorf("the secondary was rung half an hour early: %v", m)
	}
}

// TestAHeldReplicaSendsNothingUntilItsClockIsRight: the other two are known by their announcements only, so that nobody
// else could send.
func TestAHeldReplicaSendsNothingUntilItsClockIsRight(t *testing.T) {
	f, server := newFleet(t), redistest.Start(t)
	source, set := slippery()
	c := f.start("c", redisSection(server, ""), source)
	for _, name := range []string{"a", "b"} {
		if _, err := c.g.redis.Announce(f.ctx, store.Replica{Name: name, Config: c.g.config.Load().Shared}); err != nil {
			t.Fatal(err)
		}
	}
	set(time.Hour)
	c.door("/readyz", http.StatusOK, "off the median of 4 clocks")
	if status, body := c.fire("Held"); status != http.StatusOK {
		t.Errorf("a held replica answered %d %s", status, body)
	}
	c.door("/readyz/page", http.StatusServiceUnavailable, "the oldest due work waits for")
	for _, number := range []string{anasNumber, bensNumber} {
		if m := f.sim.Phone(number).Messages(); len(m) > 0 {
			t.Errorf("a held replica sent %q", m[0].Body)
		}
	}
	set(0)
	f.rings(anasNumber, "Held")
	if m := f.sim.Phone(bensNumber).Messages(); len(m) > 0 {
		t.Errorf("the secondary was rung half an hour early: %q", m[0].Body)
	}
}

func TestReplicasWithDifferentConfigurationsAreShown(t *testing.T) {
	f, server := newFleet(t), redistest.Start(t)
	one := f.config("a", redisSection(server, ""), f.free())
	two := f.config("b", redisSection(server, ""), f.free())
	two.Shared = "another"
	a := f.run(one, nil)
	f.run(two, nil)
	if err := a.g.member.Compare(f.ctx); err != nil {
		t.Fatal(err)
	}
	if st := a.storeInfo(); !st.Skewed || len(st.Replicas) != 2 || st.Replicas[1].Config != "another" || st.Schema == 0 {
		t.Errorf("the store: %+v", st)
	}
	a.door("/metrics", http.StatusOK, "pagerd_config_skew 1")
	a.door("/metrics", http.StatusOK, "pagerd_replicas 2")
	a.door("/status", http.StatusOK, "different configurations")
}

func TestTheStoredFormatIsRaisedOnlyWhenEveryReplicaCanWriteIt(t *testing.T) {
	f, server := newFleet(t), redistest.Start(t)
	a := f.start("a", redisSection(server, ""), nil)
	if _, err := a.g.redis.Announce(f.ctx, store.Replica{Name: "old", Schema: redisstore.Schema - 1}); err != nil {
		t.Fatal(err)
	}
	if status, body := a.ops(http.MethodPost, "/api/v1/store/upgrade", ""); status != http.StatusConflict || !strings.Contains(body, "old") {
		t.Errorf("with an older replica: %d %s", status, body)
	}
	if err := a.g.redis.Withdraw(f.ctx, "old"); err != nil {
		t.Fatal(err)
	}
	if status, body := a.ops(http.MethodPost, "/api/v1/store/upgrade", ""); status != http.StatusOK {
		t.Errorf("without it: %d %s", status, body)
	}
}
