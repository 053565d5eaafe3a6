package boltstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"pagerd/gateway/store"
)

// recordPut is a new version of a record.
type recordPut struct {
	name   string
	letter byte
	number int64
	head   head
	value  []byte
}

func recordKey(letter byte, number int64) []byte {
	return append([]byte{letter}, uintKey(uint64(number))...)
}

func (g *group) checkRecord(r recordPut) (f found, err error) {
	if v := g.get(inRecords, recordKey(r.letter, r.number)); v != nil {
		if f.head, _, err = readHead(v); err != nil {
			return f, fmt.Errorf("%s: %w", r.name, err)
		}
		f.ok = true
	}
	if f.version != r.head.version-1 {
		return f, fmt.Errorf("%s: version %d is stored, %d is committed: %w", r.name, f.version, r.head.version, store.ErrConflict)
	}
	return f, nil
}

// writeRecords stores records and moves their entries of the due index. Unlike a page, a record is in it only when it is due.
func (g *group) writeRecords(c *prepared, p plan) error {
	for i, r := range c.records {
		if err := g.put(inRecords, recordKey(r.letter, r.number), r.value); err != nil {
			return err
		}
		was := int64(never)
		if p.records[i].ok {
			was = p.records[i].due
		}
		if was == r.head.due {
			continue
		}
		if was != never {
			if err := g.drop(inDue, timeKey(was, r.letter, r.number)); err != nil {
				return err
			}
		}
		if r.head.due != never {
			if err := g.put(inDue, timeKey(r.head.due, r.letter, r.number), nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// Record implements store.Store.
func (s *Store) Record(ctx context.Context, kind store.RecordKind, number int64) (r store.Record, err error) {
	err = s.view(ctx, fmt.Sprintf("%s %d", kind, number), func(tx *bolt.Tx) error {
		v := bucket(tx, inRecords).Get(recordKey(kind.Letter(), number))
		if v == nil {
			return store.ErrNotFound
		}
		return decodeHeaded(v, &r)
	})
	return r, err
}

// Records implements store.Store.
func (s *Store) Records(ctx context.Context, kind store.RecordKind, f store.Filter) (out []store.Record, err error) {
	err = s.view(ctx, fmt.Sprintf("records of kind %s", kind), func(tx *bolt.Tx) error {
		var bad []error
		// Seek finds the first key at or behind the one asked for, and Prev the one before it: the last of this kind.
		prefix, c := []byte{kind.Letter()}, bucket(tx, inRecords).Cursor()
		end := []byte{kind.Letter() + 1}
		if f.Before > 0 {
			end = recordKey(kind.Letter(), f.Before)
		}
		var v []byte
		k, _ := c.Seek(end)
		if k == nil {
			k, v = c.Last()
		} else {
			k, v = c.Prev()
		}
		for ; hasPrefix(k, prefix) && len(out) < cmp.Or(f.Limit, 100); k, v = c.Prev() {
			h, body, err := readHead(v)
			if err == nil && f.Open && !h.open {
				continue
			}
			var r store.Record
			if err == nil {
				err = decodeJSON(body, &r)
			}
			if err != nil {
				bad = append(bad, fmt.Errorf("%s %d: %w", kind, readUint(k[1:]), err))
				continue
			}
			out = append(out, r)
		}
		return errors.Join(bad...)
	})
	return out, err
}
