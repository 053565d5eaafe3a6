package api_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	bolt "go.etcd.io/bbolt"

	"pagerd/config"
	"pagerd/gateway/alert"
	"pagerd/gateway/api"
	"pagerd/gateway/audit"
	"pagerd/gateway/engine"
	"pagerd/gateway/metric"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/store/boltstore"
	"pagerd/gateway/store/redisstore"
	"pagerd/gateway/store/redisstore/redistest"
	"pagerd/gateway/timeline"
)

// archive is a real store with three pages of three entries each and one anchor, and a door to it.
type archive struct {
	t *testing.T
	s store.Store
}

func (a *archive) fill() {
	ctx := a.t.Context()
	for n := int64(1001); n <= 1003; n++ {
		p := page.Page{Format: page.Format, Number: n, Group: fmt.Sprint(n), Source: "prod-am", Status: page.Triggered, Round: 1,
			Severity: alert.SEV2, TriggeredAt: start, Due: start.Add(time.Hour)}
		for seq := int64(1); seq <= 3; seq++ {
			e := timeline.Seal(timeline.Entry{Object: fmt.Sprintf("page/%d", n), Seq: seq, At: start, Actor: "ana", What: "noted", Text: fmt.Sprint("entry ", seq)}, p.Head)
			p.Version, p.Entries, p.Head = seq, seq, e.Hash
			if err := a.s.Commit(ctx, store.Change{Now: start, Page: &p, Entries: []timeline.Entry{e}}); err != nil {
				a.t.Fatal(err)
			}
		}
	}
	for i := range 3 {
		if err := a.engine().Anchor(ctx, start.Add(time.Duration(i)*time.Hour), func(context.Context) error { return nil }); err != nil {
			a.t.Fatal(err)
		}
	}
}

func (a *archive) engine() *engine.Engine {
	e, err := engine.New(a.t.Context(), engine.Options{Store: a.s, Config: testConfig})
	if err != nil {
		a.t.Fatal(err)
	}
	return e
}

// findings asks the API and reads its answer with the same reader as the command line.
func (a *archive) findings() string {
	a.t.Helper()
	cfg := testConfig()
	d := &door{t: a.t, handler: api.New(api.Options{Engine: a.engine(), Store: a.s, Config: func() *config.Config { return cfg }, Metrics: metric.New(),
		Now: func() time.Time { return start.Add(3 * time.Hour) }})}
	got := d.request("GET", "/api/v1/audit", viewerToken, "")
	if got.status != http.StatusOK {
		a.t.Fatalf("%d %s", got.status, got.body)
	}
	var v audit.Verifier
	var all []string
	for dec := json.NewDecoder(strings.NewReader(got.body)); dec.More(); {
		var l audit.Line
		if err := dec.Decode(&l); err != nil {
			a.t.Fatal(err)
		}
		all = append(all, v.Take(l)...)
	}
	return strings.Join(audit.Sorted(append(all, v.Done("")...)), "\n")
}

func (a *archive) want(name, want string) {
	a.t.Helper()
	got := a.findings()
	if want == "" && got != "" || !strings.Contains(got, want) || strings.Count(got, "\n") > 1 {
		a.t.Errorf("%s:\n%s\nwant: %s", name, got, want)
	}
}

// An attacker who knows the file's format damages it: bytes, entries, whole pages, anchors.
func TestDamageOfAFileIsNamed(t *testing.T) {
	key := func(n, seq int64) []byte { return entryKey('p', n, seq) }
	for name, c := range map[string]struct {
		damage func(tx *bolt.Tx) error
		want   string
	}{
		"nothing":      {func(*bolt.Tx) error { return nil }, ""},
		"flipped byte": {func(tx *bolt.Tx) error { return flip(tx, "timelines", key(1002, 2), false) }, "timeline of page/1002: entry 2: stored value is damaged"},
		"flipped byte with its checksum made right": {func(tx *bolt.Tx) error { return flip(tx, "timelines", key(1002, 2), true) }, "page/1002: entry 2 was changed"},
		"deleted middle": {func(tx *bolt.Tx) error { return tx.Bucket([]byte("timelines")).Delete(key(1002, 2)) }, "page/1002: entry 2 is missing"},
		"cut tail":       {func(tx *bolt.Tx) error { return tx.Bucket([]byte("timelines")).Delete(key(1002, 3)) }, "page/1002: the last 2 entries do not reach the recorded head"},
		"deleted page": {func(tx *bolt.Tx) error {
			return tx.Bucket([]byte("pages")).Delete(binary.BigEndian.AppendUint64(nil, 1002))
		}, "page/1002 is missing"},
		"deleted page and timeline": {func(tx *bolt.Tx) error {
			err := tx.Bucket([]byte("pages")).Delete(binary.BigEndian.AppendUint64(nil, 1002))
			for seq := int64(1); seq <= 3 && err == nil; seq++ {
				err = tx.Bucket([]byte("timelines")).Delete(key(1002, seq))
			}
			return err
		}, "page/1002 is missing"},
		"deleted anchor": {func(tx *bolt.Tx) error {
			return tx.Bucket([]byte("records")).Delete(binary.BigEndian.AppendUint64([]byte{'n'}, 2))
		}, "anchor 2 is missing"},
		"changed anchor": {func(tx *bolt.Tx) error {
			return flip(tx, "records", binary.BigEndian.AppendUint64([]byte{'n'}, 1), true)
		}, "anchor 1 was changed"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "pagerd.db")
			s, err := boltstore.Open(boltstore.Options{Path: path, Reserve: -1})
			if err != nil {
				t.Fatal(err)
			}
			(&archive{t: t, s: s}).fill()
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			db, err := bolt.Open(path, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Update(c.damage); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if s, err = boltstore.Open(boltstore.Options{Path: path, Reserve: -1}); err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			(&archive{t: t, s: s}).want(name, c.want)
		})
	}
}

func entryKey(kind byte, n, seq int64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64([]byte{kind}, uint64(n)), uint64(seq))
}

// flip changes a digit of a hash in a stored value, so that it is still JSON; seal makes the value's checksum right again.
func flip(tx *bolt.Tx, bucket string, key []byte, seal bool) error {
	b := tx.Bucket([]byte(bucket))
	v := bytes.Clone(b.Get(key))
	i := bytes.LastIndex(v, []byte(`"hash":"`))
	if v == nil || i < 0 {
		return fmt.Errorf("%s has no %s", bucket, hex.EncodeToString(key))
	}
	v[i+8] = map[bool]byte{true: 0x62, false: 0x61}[v[i+8] == 0x61] // another digit
	if seal {
		binary.BigEndian.PutUint32(v[1:], crc32.Checksum(v[5:], crc32.MakeTable(crc32.Castagnoli)))
	}
	return b.Put(key, v)
}

func TestDamageOfARedisIsNamed(t *testing.T) {
	server := redistest.Start(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr})
	defer client.Close()
	for i, c := range []struct {
		name   string
		damage [][]any // commands; keys without their prefix
		want   string
	}{
		{"nothing", nil, ""},
		{"deleted middle", [][]any{{"hdel", "t:page/1002", "2"}}, "page/1002: entry 2 is missing"},
		{"cut tail", [][]any{{"hdel", "t:page/1002", "3"}}, "page/1002: the last 2 entries do not reach the recorded head"},
		{"deleted page", [][]any{{"del", "page:1002"}, {"zrem", "pages", "1002"}, {"zrem", "pages:open", "1002"}}, "page/1002 is missing"},
		{"deleted page and timeline", [][]any{{"del", "page:1002"}, {"zrem", "pages", "1002"}, {"del", "t:page/1002"}}, "page/1002 is missing"},
		{"page that is in no list", [][]any{{"zrem", "pages", "1002"}}, ""},
		{"deleted anchor", [][]any{{"del", "record:anchor:2"}, {"zrem", "records:anchor", "2"}}, "anchor 2 is missing"},
		{"no JSON any more", [][]any{{"hset", "t:page/1002", "2", "{"}}, "page/1002"},
	} {
		prefix := fmt.Sprintf("audit%d", i)
		s, err := redisstore.Open(t.Context(), redisstore.Options{Addresses: []string{server.Addr}, Prefix: prefix})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		a := &archive{t: t, s: s}
		a.fill()
		key := func(name string) string { return "{" + prefix + "}:" + name }
		for _, command := range c.damage {
			command = slices.Clone(command)
			command[1] = key(command[1].(string))
			if n, err := client.Do(t.Context(), command...).Result(); err != nil || n == int64(0) && command[0] != "zrem" && command[0] != "hset" {
				t.Fatalf("%v: %v %v", command, n, err)
			}
		}
		a.want(c.name, c.want)
		if c.name == "nothing" {
			text, err := client.HGet(t.Context(), key("t:page/1002"), "2").Result()
			if err != nil || client.HSet(t.Context(), key("t:page/1002"), "2", strings.Replace(text, "entry 2", "entry Z", 1)).Err() != nil {
				t.Fatal(err)
			}
			a.want("flipped byte", "page/1002: entry 2 was changed")
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
