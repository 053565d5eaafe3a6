package sim

import (
	"container/heap"
	"time"
)

// readiness is what a happening needs of the replica that it happens to.
type readiness int

const (
	always  readiness = iota // it is the world's: a fault, a person, a source
	running                  // the process is not stopped: a renewal
	idle                     // nor is it in the middle of a store call: an operation of the engine
)

// happening is an entry of the event queue.
type happening struct {
	at   time.Time
	seq  int    // order among what happens at the same instant
	id   uint64 // see mix
	kind string // empty: it counts itself, if it happens at all
	life *life  // of the replica that it happens to; nil = the world
	need readiness
	run  func()
}

// ready reports whether it can happen now: a stopped process does nothing, and a group that has a commit under way
// does not begin another.
func (h *happening) ready() bool {
	switch h.need {
	case running:
		return h.life.stopped == 0
	case idle:
		return h.life.stopped == 0 && h.life.busy == 0
	}
	return true
}

// queue holds what is to come, by virtual time.
type queue []*happening

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	if !q[i].at.Equal(q[j].at) {
		return q[i].at.Before(q[j].at)
	}
	return q[i].seq < q[j].seq
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(*happening)) }
func (q *queue) Pop() any {
	old := *q
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	return last
}

func (q *queue) add(h *happening) { heap.Push(q, h) }
func (q *queue) take() *happening { return heap.Pop(q).(*happening) }
