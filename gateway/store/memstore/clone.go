package memstore

import (
	"maps"
	"slices"
)

// Clone returns an independent copy of everything that is stored: what a simulated fail-over goes back to. Stored values
// are never changed in place, so that the copies share them.
func (s *Store) Clone() *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := New()
	c.number, c.token, c.highWater = s.number, s.token, s.highWater
	c.ops, c.pages, c.incidents = maps.Clone(s.ops), maps.Clone(s.pages), maps.Clone(s.incidents)
	c.alerts, c.deliveries, c.pending = maps.Clone(s.alerts), maps.Clone(s.deliveries), maps.Clone(s.pending)
	c.laneAt = maps.Clone(s.laneAt)
	for page, ids := range s.ofPage {
		c.ofPage[page] = maps.Clone(ids)
	}
	for kind, of := range s.records {
		c.records[kind] = maps.Clone(of)
	}
	cloneLists(c.groups, s.groups)
	cloneLists(c.byPage, s.byPage)
	cloneLists(c.timelines, s.timelines)
	cloneLists(c.sent, s.sent)
	return c
}

func cloneLists[K comparable, V any](to, from map[K][]V) {
	for k, list := range from {
		to[k] = slices.Clone(list)
	}
}
