package redisstore

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pagerd/gateway/store"
	"pagerd/gateway/store/redisstore/redistest"
)

func TestDamagedRecordIsNamedAndOthersGoOn(t *testing.T) {
	s := open(t, redistest.Start(t), Options{})
	action := func(number, version int64) store.Change {
		return store.Change{Now: at(0), Records: []store.Record{{Kind: store.Action, Number: number, Version: version, Open: true, Body: json.RawMessage(`{"format":1}`)}}}
	}
	for n := int64(1); n <= 3; n++ {
		if err := s.Commit(t.Context(), action(n, 1)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.ask(t.Context(), &command{args: []any{"hset", s.key("record:action:2"), "b", `{"kind":`}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Record(t.Context(), store.Action, 2); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("damaged record: %v", err)
	}
	list, err := s.Records(t.Context(), store.Action, store.Filter{})
	if len(list) != 2 || !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), "action 2") {
		t.Errorf("list: %d records, %v", len(list), err)
	}
	if err := s.Commit(t.Context(), action(3, 2)); err != nil {
		t.Error(err)
	}
}
