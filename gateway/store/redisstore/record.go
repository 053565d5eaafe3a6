package redisstore

import (
	"context"

	"pagerd/gateway/store"
)

// A record is the hash record:KIND:NUMBER, with the fields of a page; records:KIND and records:KIND:open list them.

// encodeRecords makes the last part of the commit script's arguments.
func (e *encoded) encodeRecords(records []store.Record) error {
	e.records = append(e.records, len(records))
	for _, r := range records {
		body, err := encode(r)
		if err != nil {
			return err
		}
		e.records = append(e.records, string(r.Kind), "3"+string(r.Kind.Letter()), decimal(r.Number), decimal(r.Version-1),
			decimal(r.Version), instant(r.Due), bit(r.Open), "", "", "", body)
		e.size += len(body)
	}
	return nil
}

// Record implements store.Store.
func (s *Store) Record(ctx context.Context, kind store.RecordKind, n int64) (store.Record, error) {
	return valueOf[store.Record](ctx, s, string(kind)+" "+decimal(n), "record:"+string(kind)+":"+decimal(n))
}

// Records implements store.Store.
func (s *Store) Records(ctx context.Context, kind store.RecordKind, f store.Filter) ([]store.Record, error) {
	return listed[store.Record](ctx, s, string(kind), "records:"+string(kind), "record:"+string(kind)+":", f)
}
