package boltstore

import (
	"fmt"

	bolt "go.etcd.io/bbolt"

	"pagerd/gateway/store"
)

// group is one transaction of the write loop and what will hold in memory once it is durable.
type group struct {
	s       *Store
	tx      *bolt.Tx
	buckets [bucketCount]*bolt.Bucket
	op      string // of the change that is being written
	nth     int    // writes of that change
	writes  int

	high    int64 // newest instant
	newest  int64 // highest page number
	opsAt   int
	added   []store.Delivery
	settled map[string]store.Delivery // as this transaction leaves them
	wake    bool
}

func newGroup(s *Store, tx *bolt.Tx) *group {
	return &group{s: s, tx: tx, high: s.high.Load(), opsAt: s.opsAt, settled: map[string]store.Delivery{}}
}

// appended is how full a page is left when a bucket that mostly grows at its end is split.
const appended = 0.9

func (g *group) bucket(which int) *bolt.Bucket {
	if g.buckets[which] == nil {
		b := bucket(g.tx, which)
		switch which {
		case inPages, inAlerts, inDeliveries, inTimelines, inSettled, inIncidents, inExpiry:
			b.FillPercent = appended
		}
		g.buckets[which] = b
	}
	return g.buckets[which]
}

func (g *group) get(which int, key []byte) []byte { return g.bucket(which).Get(key) }

// put and drop are the only ways to write.
func (g *group) put(which int, key, value []byte) error {
	if err := g.count(); err != nil {
		return err
	}
	if err := g.bucket(which).Put(key, value); err != nil {
		return fmt.Errorf("write to %s: %w", bucketName(which), err)
	}
	return nil
}

func (g *group) drop(which int, key []byte) error {
	if err := g.count(); err != nil {
		return err
	}
	if err := g.bucket(which).Delete(key); err != nil {
		return fmt.Errorf("delete from %s: %w", bucketName(which), err)
	}
	return nil
}

func (g *group) count() error {
	g.writes++
	g.nth++
	if g.s.fault != nil {
		return g.s.fault(g.op, g.nth)
	}
	return nil
}

// writeMeta writes what belongs to the transaction as a whole: the newest instant, and numbers to hand out.
func (g *group) writeMeta() (reserve int64, err error) {
	g.op, g.nth = "", 0
	if g.high > g.s.high.Load() {
		if err := g.put(inMeta, []byte(metaHigh), uintKey(sortable(g.high))); err != nil {
			return 0, err
		}
	}
	reserve, ok := g.s.numbers.want()
	if !ok {
		return 0, nil
	}
	reserve = max(reserve, g.newest)
	return reserve, g.put(inMeta, []byte(metaNumber), uintKey(uint64(reserve)))
}

// settle carries a durable transaction into memory.
func (g *group) settle(reserve int64) {
	g.s.high.Store(g.high)
	g.s.opsAt = g.opsAt
	g.s.numbers.written(reserve, g.newest)
	g.s.outbox.commit(g.added, g.settled)
}
