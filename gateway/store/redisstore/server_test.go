package redisstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"pagerd/gateway/alert"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/store/redisstore/redistest"
	"pagerd/gateway/timeline"
	"pagerd/notify"
	"pagerd/schedule"
)

func at(after time.Duration) time.Time {
	return time.Date(2026, time.March, 1, 9, 0, 0, 0, time.UTC).Add(after)
}

// change makes a page with an alert, a delivery and a timeline entry.
func change(n int64) store.Change {
	p := page.Page{Format: page.Format, Number: n, Version: 1, Group: fmt.Sprintf("group %d", n), Status: page.Triggered, Round: 1, Due: at(time.Minute)}
	a := alert.State{ID: alert.NewID("prod", fmt.Sprint(n)), Version: 1, Page: n, Status: alert.Firing, HeardAt: at(0)}
	d := store.Delivery{Send: page.Send{ID: page.SendID(n, 1), Page: n, Round: 1, Kind: notify.KindPage, Mode: schedule.Answer, Person: "ana",
		Contact: "ana/sms", Channel: notify.SMS, Severity: alert.SEV1, At: at(0)}}
	e := timeline.Seal(timeline.Entry{Object: fmt.Sprintf("page/%d", n), Seq: 1, At: at(0), What: "triggered"}, "")
	return store.Change{Now: at(0), Page: &p, Alerts: []alert.State{a}, Deliveries: []store.Delivery{d}, Entries: []timeline.Entry{e}}
}

// commit stores a change as a sender does: again while the store says that it cannot, because a machine under load may be
// slower than the store waits. What was stored although its answer came too late is a conflict then.
func commit(t *testing.T, s *Store, c store.Change) {
	t.Helper()
	var err error
	tries := 0
	until(t, "the change is stored", func() bool {
		tries++
		err = s.Commit(t.Context(), c)
		return !errors.Is(err, store.ErrUnavailable)
	})
	if err != nil && (tries == 1 || !errors.Is(err, store.ErrConflict)) {
		t.Fatal(err)
	}
}

// raw talks to the server beside the store.
func raw(t *testing.T, server *redistest.Server, args ...any) any {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: server.Addr})
	defer c.Close()
	v, err := c.Do(t.Context(), args...).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		t.Fatal(err)
	}
	return v
}

// until asks again and again until the condition holds or the test's time is over.
func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain until %s", what)
		case <-tick.C:
		}
	}
}

func TestSettingsThatLoseWhatWasConfirmedAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no file":      {[]string{"--appendonly", "no"}, "appendonly is no, not yes"},
		"every second": {[]string{"--appendfsync", "everysec"}, "appendfsync is everysec, not always: a power cut takes the last second"},
		"rewrites":     {[]string{"--no-appendfsync-on-rewrite", "yes"}, "no-appendfsync-on-rewrite is yes, not no"},
		"eviction":     {[]string{"--maxmemory-policy", "allkeys-lru"}, "maxmemory-policy is allkeys-lru, not noeviction"},
		"a replica":    {[]string{"--replicaof", "127.0.0.1 1", "--replica-read-only", "no"}, "role is slave, not master"},
		"hidden":       {[]string{"--rename-command", "CONFIG", ""}, "appendfsync is unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			server := redistest.Start(t, c.args...)
			_, err := Open(t.Context(), Options{Addresses: []string{server.Addr}})
			var refused *Refused
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "durability: relaxed") {
				t.Errorf("opened: %v", err)
			}
			s := open(t, server, Options{Relaxed: true})
			if len(s.Findings()) == 0 {
				t.Error("a relaxed store does not say what can be lost")
			}
			commit(t, s, change(1001))
		})
	}
}

func TestASettingThatIsWeakenedLaterIsFound(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server, Options{})
	raw(t, server, "config", "set", "appendfsync", "everysec")
	if found, err := s.Inspect(t.Context()); err != nil || len(found) != 1 || found[0].Setting != "appendfsync" {
		t.Fatalf("found %v: %v", found, err)
	}
	if err := s.Ready(t.Context()); !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "appendfsync is everysec") {
		t.Errorf("ready: %v", err)
	}
	commit(t, s, change(1001)) // what the engine has to do it still does: acceptance is refused at the door
	raw(t, server, "config", "set", "appendfsync", "always")
	if found, err := s.Inspect(t.Context()); err != nil || len(found) != 0 {
		t.Fatalf("found %v: %v", found, err)
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("ready: %v", err)
	}
}

func TestAServerThatIsNotThereIsReachedLater(t *testing.T) {
	server := redistest.Start(t)
	server.Kill()
	s, err := Open(t.Context(), Options{Addresses: []string{server.Addr}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Commit(t.Context(), change(1001)); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("commit: %v", err)
	}
	server.Restart()
	until(t, "the store is ready", func() bool { return s.Ready(t.Context()) == nil })
	commit(t, s, change(1001))
}

func TestAKilledServerIsRefusedAtOnceAndComesBackWithEverything(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server, Options{Lost: func(l store.Loss) { t.Errorf("lost: %s", l.What) }})
	commit(t, s, change(1001))
	server.Kill()
	until(t, "the store is not ready", func() bool { return s.Ready(t.Context()) != nil })
	for range 10_000 { // none of them waits for anything
		if _, err := s.Page(t.Context(), 1001); !errors.Is(err, store.ErrUnavailable) {
			t.Fatalf("page: %v", err)
		}
	}
	server.Restart()
	until(t, "the store is ready", func() bool { return s.Ready(t.Context()) == nil })
	if _, err := s.Page(t.Context(), 1001); err != nil {
		t.Error(err)
	}
	commit(t, s, change(1002))
}

// A server that hangs answers nobody, and its connections stay open. Whoever asks while that is not known yet waits for one
// round trip; everybody after that for nothing.
func TestAHangingServerHoldsNobodyUp(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server, Options{})
	server.Pause()
	var wg sync.WaitGroup
	for n := range 500 {
		wg.Go(func() {
			if err := s.Commit(t.Context(), change(2000+int64(n))); !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("commit: %v", err)
			}
		})
	}
	wg.Wait()
	for range 10_000 {
		if _, err := s.Page(t.Context(), 1001); !errors.Is(err, store.ErrUnavailable) {
			t.Fatalf("page: %v", err)
		}
	}
	server.Resume()
	until(t, "the store is ready", func() bool { return s.Ready(t.Context()) == nil })
	commit(t, s, change(1001))
}

func TestAScriptThatDoesNotEndIsSurvived(t *testing.T) {
	server := redistest.Start(t, "--lua-time-limit", "50")
	s := open(t, server, Options{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		c := redis.NewClient(&redis.Options{Addr: server.Addr, ReadTimeout: 20 * time.Second})
		defer c.Close()
		_ = c.Eval(context.Background(), "while true do end", nil).Err()
	}()
	until(t, "the store is not ready", func() bool { return s.Ready(t.Context()) != nil })
	raw(t, server, "script", "kill")
	<-done
	until(t, "the store is ready", func() bool { return s.Ready(t.Context()) == nil })
	commit(t, s, change(1001))
}

func TestForgottenScriptsAreSentAgain(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server, Options{})
	for n := int64(1001); n < 1020; n++ {
		raw(t, server, "script", "flush", "sync")
		commit(t, s, change(n))
	}
}

func TestAnEmptiedServerIsNoticedAtOnceAndUsedNoNumberTwice(t *testing.T) {
	server := redistest.Start(t)
	lost := make(chan store.Loss, 10)
	s := open(t, server, Options{Lost: func(l store.Loss) { lost <- l }})
	other := open(t, server, Options{Lost: func(l store.Loss) { lost <- l }})
	n, err := s.NextNumber(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	commit(t, s, change(n))
	raw(t, server, "flushall")
	err = s.Commit(t.Context(), change(n+1))
	if err == nil { // the watch was faster: then it was told already
		t.Log("noticed by the watch")
	} else if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "emptied or replaced") {
		t.Fatalf("commit: %v", err)
	}
	words := []string{(<-lost).What, (<-lost).What} // both replicas say so, the second finds a new generation
	if !strings.Contains(strings.Join(words, "\n"), "Redis was emptied") {
		t.Errorf("told %q", words)
	}
	for _, r := range []*Store{s, other} {
		until(t, "the store is ready", func() bool { return r.Ready(t.Context()) == nil })
		var next int64
		var err error
		until(t, "a number is allocated", func() bool {
			next, err = r.NextNumber(t.Context())
			return !errors.Is(err, store.ErrUnavailable)
		})
		if err != nil || next <= n+1 {
			t.Errorf("number %d after %d: %v", next, n, err)
		}
		commit(t, r, change(next))
	}
}

func TestAnOlderCopyIsNoticed(t *testing.T) {
	server := redistest.Start(t)
	lost := make(chan store.Loss, 10)
	s := open(t, server, Options{Lost: func(l store.Loss) { lost <- l }})
	commit(t, s, change(1001))
	copyOf := t.TempDir()
	server.Kill()
	if err := os.CopyFS(copyOf, os.DirFS(server.Dir)); err != nil {
		t.Fatal(err)
	}
	server.Restart()
	until(t, "the store is ready", func() bool { return s.Ready(t.Context()) == nil })
	for n := int64(1002); n < 1010; n++ {
		commit(t, s, change(n))
	}
	server.Kill()
	if err := errors.Join(os.RemoveAll(filepath.Join(server.Dir, "appendonlydir")), os.RemoveAll(filepath.Join(server.Dir, "redis.log"))); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(server.Dir, "appendonlydir"), os.DirFS(filepath.Join(copyOf, "appendonlydir"))); err != nil {
		t.Fatal(err)
	}
	server.Restart()
	if l := <-lost; !strings.Contains(l.What, "older state") {
		t.Errorf("told %q", l.What)
	}
	until(t, "the store is ready", func() bool { return s.Ready(t.Context()) == nil })
	if n, err := s.NextNumber(t.Context()); err != nil || n < 1010 {
		t.Errorf("number %d is used twice: %v", n, err)
	}
}

func TestALostReplyStoresOnce(t *testing.T) {
	server := redistest.Start(t)
	proxy := redistest.Between(t, server)
	s := open(t, server, Options{Addresses: []string{proxy.Addr}})
	for n := int64(1001); n <= 1010; n++ {
		c := change(n)
		c.Op = fmt.Sprintf("op %d", n)
		proxy.LoseReply("o:"+c.Op, 1+int(n%2)) // once: the store repeats it; twice: its caller does
		err := s.Commit(t.Context(), c)
		for errors.Is(err, store.ErrUnavailable) { // the caller tries again, as a sender does
			until(t, "the store is ready", func() bool { return s.Ready(t.Context()) == nil })
			err = s.Commit(t.Context(), c)
		}
		if err != nil && !errors.Is(err, store.ErrApplied) {
			t.Fatal(err)
		}
		ds, err := s.Deliveries(t.Context(), n)
		entries, err2 := s.Timeline(t.Context(), fmt.Sprintf("page/%d", n))
		p, err3 := s.Page(t.Context(), n)
		if err := errors.Join(err, err2, err3); err != nil || len(ds) != 1 || len(entries) != 1 || p.Version != 1 {
			t.Fatalf("page %d: %d deliveries, %d entries, version %d: %v", n, len(ds), len(entries), p.Version, err)
		}
	}
}

func TestWithReplicasACommitIsStoredWhenOneHasIt(t *testing.T) {
	server := redistest.Start(t)
	host, port, _ := strings.Cut(server.Addr, ":")
	replica := redistest.Start(t, "--replicaof", host+" "+port, "--repl-diskless-sync-delay", "0")
	until(t, "the replica is in sync", func() bool {
		return strings.Contains(fmt.Sprint(raw(t, server, "info", "replication")), "state=online")
	})
	s := open(t, server, Options{Wait: 1})
	commit(t, s, change(1001))
	replica.Pause()
	c := change(1002)
	c.Op = "op"
	if err := s.Commit(t.Context(), c); !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "0 of 1 replicas") {
		t.Fatalf("commit: %v", err)
	}
	if _, err := s.Claim(t.Context(), at(0), store.ClaimOptions{Limit: 1, Lease: time.Second}); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a claim that only the master knows: %v", err)
	}
	// It is stored here, and still not confirmed over new connections, which have written nothing of their own.
	raw(t, server, "client", "kill", "type", "normal", "skipme", "yes")
	if err := s.Commit(t.Context(), c); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("commit of what is stored already: %v", err)
	}
	replica.Resume()
	var err error
	until(t, "the commit is confirmed", func() bool {
		err = s.Commit(t.Context(), c)
		return !errors.Is(err, store.ErrUnavailable)
	})
	if err != nil && !errors.Is(err, store.ErrApplied) {
		t.Error(err)
	}
}

func TestWithoutMemoryWhatWasAcceptedGoesOn(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server, Options{})
	commit(t, s, change(1001))
	raw(t, server, "config", "set", "maxmemory", "1")
	if found, err := s.Inspect(t.Context()); err != nil || len(found) != 1 || found[0].Setting != "used_memory" {
		t.Errorf("found %v: %v", found, err)
	}
	if err := s.Commit(t.Context(), change(1002)); !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "OOM") {
		t.Errorf("new work: %v", err)
	}
	claims, err := s.Claim(t.Context(), at(0), store.ClaimOptions{Limit: 1, Lease: time.Second})
	if err != nil || len(claims) != 1 {
		t.Fatalf("claims %v: %v", claims, err)
	}
	p := *change(1001).Page
	p.Version, p.Status = 2, page.Acknowledged
	commit(t, s, store.Change{Now: at(time.Second), Urgent: true, Page: &p, Settle: []store.Settlement{
		{Delivery: claims[0].Deliveries[0].ID, Token: claims[0].Token, State: store.SentState, At: at(time.Second)}}})
}

func TestOneDamagedValueStopsNothingElse(t *testing.T) {
	server := redistest.Start(t)
	var mu sync.Mutex
	var reported []string
	s := open(t, server, Options{Report: func(err error) {
		mu.Lock()
		defer mu.Unlock()
		reported = append(reported, err.Error())
	}})
	for n := int64(1001); n <= 1003; n++ {
		commit(t, s, change(n))
	}
	for _, key := range []string{"{pagerd}:page:1002", "{pagerd}:d:1002-1", "{pagerd}:ui:L:1002-1"} {
		raw(t, server, "del", key)
		raw(t, server, "set", key, "foo")
	}
	if _, err := s.Page(t.Context(), 1002); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("page: %v", err)
	}
	pages, err := s.Pages(t.Context(), store.Filter{Open: true})
	if len(pages) != 2 || !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), "page 1002") {
		t.Errorf("%d pages: %v", len(pages), err)
	}
	claims, err := s.Claim(t.Context(), at(0), store.ClaimOptions{Limit: 10, Lease: time.Second})
	if err != nil || len(claims) != 2 {
		t.Errorf("claims %v: %v", claims, err)
	}
	p := *change(1002).Page
	p.Version = 2
	if err := s.Commit(t.Context(), store.Change{Now: at(0), Page: &p}); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("commit: %v", err)
	}
	commit(t, s, change(1004))
	raw(t, server, "hset", "{pagerd}:page:1003", "b", "{not json")
	if _, err := s.Page(t.Context(), 1003); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("page: %v", err)
	}
}

func TestReplicasShareTheWork(t *testing.T) {
	server := redistest.Start(t)
	a, b := open(t, server, Options{}), open(t, server, Options{})
	hears(t, b, server, 2)
	commit(t, a, change(1001))
	<-b.Wake()
	if _, err := b.Page(t.Context(), 1001); err != nil {
		t.Error(err)
	}
	claims, err := a.Claim(t.Context(), at(0), store.ClaimOptions{Limit: 1, Lease: 3 * time.Second})
	if err != nil || len(claims) != 1 {
		t.Fatalf("claims %v: %v", claims, err)
	}
	if again, err := b.Claim(t.Context(), at(0), store.ClaimOptions{Limit: 1, Lease: 3 * time.Second}); err != nil || len(again) != 0 {
		t.Errorf("claimed twice: %v, %v", again, err)
	}
	again, err := b.Claim(t.Context(), at(3*time.Second), store.ClaimOptions{Limit: 1, Lease: 3 * time.Second})
	if err != nil || len(again) != 1 {
		t.Fatalf("the lease ended: %v, %v", again, err)
	}
	lost := store.Settlement{Delivery: "1001-1", Token: claims[0].Token, State: store.SentState, At: at(3 * time.Second)}
	if err := a.Commit(t.Context(), store.Change{Now: at(3 * time.Second), Settle: []store.Settlement{lost}}); !errors.Is(err, store.ErrFenced) {
		t.Errorf("the first holder settles: %v", err)
	}
}

// hears waits until a store listens to what the others commit, and empties it of older hints.
func hears(t *testing.T, s *Store, server *redistest.Server, listeners int64) {
	t.Helper()
	until(t, "the replicas listen", func() bool {
		said, _ := raw(t, server, "pubsub", "numsub", s.key("wake")).([]any)
		return len(said) == 2 && said[1] == listeners
	})
	select {
	case <-s.Wake():
	default:
	}
}

func TestReplicasAnnounceThemselves(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server, Options{})
	for _, r := range []store.Replica{{Name: "b", Version: "2", Schema: Schema + 1, Offset: 3 * time.Millisecond}, {Name: "a", Version: "1", Schema: Schema}} {
		if _, err := s.Announce(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	all, err := s.Announce(t.Context(), store.Replica{Name: "a", Version: "1", Schema: Schema})
	if err != nil || len(all) != 2 || all[0].Name != "a" || all[1].Offset != 3*time.Millisecond || all[1].SeenAt.IsZero() {
		t.Errorf("replicas %+v: %v", all, err)
	}
	if err := s.Upgrade(t.Context(), Schema+1); err == nil {
		t.Error("upgraded beyond what this program writes")
	}
	raw(t, server, "hset", "{pagerd}:replicas", "a", `{"schema":0}`)
	if err := s.Upgrade(t.Context(), Schema); err == nil || !strings.Contains(err.Error(), "these replicas are older: a") {
		t.Errorf("upgraded over an older replica: %v", err)
	}
	if err := s.Withdraw(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	if err := s.Upgrade(t.Context(), Schema); err != nil {
		t.Error(err)
	}
	raw(t, server, "hset", "{pagerd}:meta", "schema", Schema+1)
	if _, err := Open(t.Context(), Options{Addresses: []string{server.Addr}}); err == nil || !strings.Contains(err.Error(), "use the newer pagerd") {
		t.Errorf("an older program opens a newer store: %v", err)
	}
}
