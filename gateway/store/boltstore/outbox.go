package boltstore

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"pagerd/gateway/store"
	"pagerd/notify"
)

// outbox holds the pending deliveries in memory, with the leases of this process. The file holds the same deliveries as
// they were last committed; what is only here is which of them are on the wire now.
type outbox struct {
	mu      sync.Mutex
	token   int64
	entries map[string]*entry // by id
	units   map[string]*unit  // by key
	lines   map[notify.Channel]*line
	lanes   map[string]time.Time // newest claim of each lane that shares claims
	held    map[string]bool      // ids that the transaction under way may settle: not to be claimed meanwhile
}

type entry struct {
	store.Delivery
	unit *unit
	at   int // in unit.members
}

// unit is what is claimed together: the deliveries of a lane that were not claimed yet, or a set that was.
type unit struct {
	key     string
	lane    string
	retry   bool
	members []*entry
	ready   time.Time
	best    *entry // the most urgent member; nil = not known
	line    *line
	at      [heaps]int // its place in each of the line's heaps; -1 = not in it
}

func (o *outbox) init() {
	o.entries, o.units, o.lines = map[string]*entry{}, map[string]*unit{}, map[notify.Channel]*line{}
	o.lanes, o.held = map[string]time.Time{}, map[string]bool{}
}

// hold returns a pending delivery and keeps it from being claimed until the transaction under way is over.
func (o *outbox) hold(id string) (store.Delivery, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	e, ok := o.entries[id]
	if !ok {
		return store.Delivery{}, false
	}
	o.held[id] = true
	return e.Delivery, true
}

// letGo ends what hold began.
func (o *outbox) letGo() {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.held)
}

// commit takes over what a transaction stored and lets go of what it held.
func (o *outbox) commit(added []store.Delivery, settled map[string]store.Delivery) {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.held)
	for _, d := range added {
		o.insert(d)
	}
	for _, d := range settled {
		o.replace(d)
	}
}

func (o *outbox) add(d store.Delivery) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.insert(d)
}

// replace takes a delivery's new version over; one that is not pending any more is forgotten.
func (o *outbox) replace(d store.Delivery) {
	if e, ok := o.entries[d.ID]; ok {
		o.remove(e)
	}
	if d.State == store.Pending {
		o.insert(d)
	}
}

func (o *outbox) insert(d store.Delivery) {
	key, retry := "lane "+d.Lane, d.Attempts > 0
	if retry {
		key = "set " + cmp.Or(d.Bundle, d.ID)
	}
	u, ok := o.units[key]
	if !ok {
		u = &unit{key: key, lane: d.Lane, retry: retry, ready: d.VisibleAt, line: o.line(d.Channel), at: [heaps]int{-1, -1, -1}}
		o.units[key] = u
		u.line.enter(u)
	}
	e := &entry{Delivery: d, unit: u, at: len(u.members)}
	o.entries[d.ID] = e
	u.members = append(u.members, e)
	if len(u.members) == 1 || u.best != nil && e.Before(u.best.Delivery) {
		u.best = e
	}
	if retry == d.VisibleAt.After(u.ready) { // a set waits for its last member, a lane for its first
		u.ready = d.VisibleAt
	}
	u.line.moved(u)
}

func (o *outbox) line(c notify.Channel) *line {
	l, ok := o.lines[c]
	if !ok {
		l = newLine()
		o.lines[c] = l
	}
	return l
}

func (o *outbox) remove(e *entry) {
	delete(o.entries, e.ID)
	u := e.unit
	last := len(u.members) - 1
	u.members[e.at] = u.members[last]
	u.members[e.at].at = e.at
	u.members[last] = nil
	u.members = u.members[:last]
	if last == 0 {
		u.line.leave(u)
		delete(o.units, u.key)
		return
	}
	if u.best == e {
		u.line.unknown(u)
	}
	if e.VisibleAt.Equal(u.ready) {
		o.refresh(u)
	}
}

// refresh works out anew when a unit is ready.
func (o *outbox) refresh(u *unit) {
	u.ready = u.members[0].VisibleAt
	for _, e := range u.members[1:] {
		if u.retry == e.VisibleAt.After(u.ready) {
			u.ready = e.VisibleAt
		}
	}
	u.line.moved(u)
}

// get returns a pending delivery as it is now.
func (o *outbox) get(id string) (store.Delivery, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	e, ok := o.entries[id]
	if !ok {
		return store.Delivery{}, false
	}
	return e.Delivery, true
}

// readyAt returns when a unit may be claimed, given the window for lanes that were claimed a moment ago.
func (o *outbox) readyAt(u *unit, window time.Duration) time.Time {
	if u.retry || window <= 0 {
		return u.ready
	}
	if at, ok := o.lanes[u.lane]; ok && at.Add(window).After(u.ready) {
		return at.Add(window)
	}
	return u.ready
}

// wanted returns the lines that a claim may take from.
func (o *outbox) wanted(channels []notify.Channel) []*line {
	var out []*line
	for c, l := range o.lines {
		if len(channels) == 0 || slices.Contains(channels, c) {
			out = append(out, l)
		}
	}
	return out
}

// next returns when something can be claimed; zero = never. It looks only at units that come before what it has found.
func (o *outbox) next(opts store.ClaimOptions) time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	var next time.Time
	for _, l := range o.wanted(opts.Channels) {
		l.heap[all].walk(func(u *unit) bool {
			if !next.IsZero() && !u.ready.Before(next) {
				return false
			}
			if at := o.readyAt(u, opts.Window); next.IsZero() || at.Before(next) {
				next = at
			}
			return true
		})
	}
	return next
}
