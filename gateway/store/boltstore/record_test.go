package boltstore

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"pagerd/gateway/store"
)

func action(number, version int64) store.Record {
	return store.Record{Kind: store.Action, Number: number, Version: version, Open: true, Body: json.RawMessage(`{"format":1}`)}
}

func putRecords(t *testing.T, s *Store, records ...store.Record) {
	t.Helper()
	if err := s.Commit(t.Context(), store.Change{Now: start(), Records: records}); err != nil {
		t.Fatal(err)
	}
}

func TestFileFromBeforeRecordsOpens(t *testing.T) {
	s := open(t, Options{})
	if err := s.Commit(t.Context(), benchChange(1001, start())); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Update(func(tx *bolt.Tx) error { return tx.DeleteBucket([]byte("records")) }); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, s.options)
	exists(t, s, 1001, true)
	putRecords(t, s, action(1, 1))
}

func TestDamagedRecordIsNamedAndOthersGoOn(t *testing.T) {
	s := open(t, Options{})
	putRecords(t, s, action(1, 1), action(2, 1), action(3, 1))
	err := s.db.Update(func(tx *bolt.Tx) error {
		b, key := bucket(tx, inRecords), recordKey(store.Action.Letter(), 2)
		v := append([]byte{}, b.Get(key)...)
		v[len(v)-1] ^= 1
		return b.Put(key, v)
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Record(t.Context(), store.Action, 2); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("damaged record: %v", err)
	}
	list, err := s.Records(t.Context(), store.Action, store.Filter{})
	if len(list) != 2 || !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), "action 2") {
		t.Errorf("list: %d records, %v", len(list), err)
	}
	if err := s.Commit(t.Context(), store.Change{Now: start(), Records: []store.Record{action(2, 2)}}); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("replacing a damaged record: %v", err)
	}
	putRecords(t, s, action(1, 2), action(3, 2))
}

// A page that is gone from the file although the due index has it must not keep the others from being listed, or the daemon
// from starting.
func TestPageThatIsGoneIsNamedAsDamage(t *testing.T) {
	s := open(t, Options{})
	for n := int64(1001); n <= 1003; n++ {
		if err := s.Commit(t.Context(), benchChange(n, start())); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.db.Update(func(tx *bolt.Tx) error { return bucket(tx, inPages).Delete(uintKey(1002)) }); err != nil {
		t.Fatal(err)
	}
	list, err := s.Pages(t.Context(), store.Filter{Open: true})
	if len(list) != 2 || !errors.Is(err, store.ErrDamaged) || errors.Is(err, store.ErrNotFound) || !strings.Contains(err.Error(), "page 1002") {
		t.Errorf("%d open pages, %v", len(list), err)
	}
}
