package boltstore

import (
	"container/heap"
	"time"
)

// line is the queue of one channel. What a claim costs must not grow with what waits, else a backlog would make itself
// longer: units lie in order of the instant at which they are ready, and, once they are, in order of urgency.
type line struct{ heap [heaps]unitHeap }

// The heaps of a line. Every unit is in all, and in one of the other two unless a claim has just taken it out.
const (
	all     = iota // by the instant at which it is ready
	waiting        // the same; not known to be ready, or its most urgent member is not known
	ripe           // by urgency; it was ready when a claim last looked
	heaps
)

func newLine() *line {
	sooner := func(a, b *unit) bool { return a.ready.Before(b.ready) }
	more := func(a, b *unit) bool { return a.best.Before(b.best.Delivery) }
	return &line{heap: [heaps]unitHeap{{which: all, less: sooner}, {which: waiting, less: sooner}, {which: ripe, less: more}}}
}

// enter puts a new unit into the line.
func (l *line) enter(u *unit) {
	heap.Push(&l.heap[all], u)
	heap.Push(&l.heap[waiting], u)
}

// leave takes a unit away from wherever it is.
func (l *line) leave(u *unit) {
	for i := range l.heap {
		l.heap[i].remove(u)
	}
}

// moved says that a unit's instant or its best member is another.
func (l *line) moved(u *unit) {
	for i := range l.heap {
		if at := u.at[i]; at >= 0 {
			heap.Fix(&l.heap[i], at)
		}
	}
}

// unknown says that a unit's best member is gone: the next claim looks for another.
func (l *line) unknown(u *unit) {
	if u.at[ripe] >= 0 {
		l.heap[ripe].remove(u)
		heap.Push(&l.heap[waiting], u)
	}
	u.best = nil
}

// ripen orders by urgency what has become ready.
func (l *line) ripen(now time.Time) {
	for w := &l.heap[waiting]; w.Len() > 0 && !w.units[0].ready.After(now); {
		u := heap.Pop(w).(*unit)
		if u.best == nil {
			u.best = u.members[0]
			for _, e := range u.members[1:] {
				if e.Before(u.best.Delivery) {
					u.best = e
				}
			}
		}
		heap.Push(&l.heap[ripe], u)
	}
}

// most returns the most urgent unit of these lines that is ripe; nil = none.
func most(lines []*line) *unit {
	var best *unit
	for _, l := range lines {
		if r := l.heap[ripe].units; len(r) > 0 && (best == nil || r[0].best.Before(best.best.Delivery)) {
			best = r[0]
		}
	}
	return best
}

// unitHeap is a heap that its units know their places in.
type unitHeap struct {
	which int // its index in unit.at
	less  func(a, b *unit) bool
	units []*unit
}

func (h *unitHeap) Len() int           { return len(h.units) }
func (h *unitHeap) Less(i, j int) bool { return h.less(h.units[i], h.units[j]) }
func (h *unitHeap) Swap(i, j int) {
	h.units[i], h.units[j] = h.units[j], h.units[i]
	h.units[i].at[h.which], h.units[j].at[h.which] = i, j
}

// Push and Pop are for package heap.
func (h *unitHeap) Push(x any) {
	u := x.(*unit)
	u.at[h.which] = len(h.units)
	h.units = append(h.units, u)
}

// Pop removes the last unit.
func (h *unitHeap) Pop() any {
	last := len(h.units) - 1
	u := h.units[last]
	h.units[last] = nil
	h.units = h.units[:last]
	u.at[h.which] = -1
	return u
}

func (h *unitHeap) remove(u *unit) {
	if at := u.at[h.which]; at >= 0 {
		heap.Remove(h, at)
	}
}

// walk visits units from the top; visit returns false where nothing below can matter.
func (h *unitHeap) walk(visit func(u *unit) bool) {
	var down func(i int)
	down = func(i int) {
		if i < len(h.units) && visit(h.units[i]) {
			down(2*i + 1)
			down(2*i + 2)
		}
	}
	down(0)
}
