package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/routing"
)

// maxConflicts bounds how often a decision is made again because another process was faster. Within one process a group
// never conflicts with itself; of n replicas that all want the same page one wins each time, so that losing this often in a
// row does not happen to three.
const maxConflicts = 64

// errMoved: an alert turned out to belong to another group than the one it was queued for.
var errMoved = errors.New("alert belongs to another group")

// act is one event for one page.
type act struct {
	number int64
	event  page.Event
	op     string
	now    time.Time
	urgent bool
	settle []store.Settlement // stored in the same commit
	// unless is asked with the loaded page: true = there is nothing to do any more.
	unless func(page.Page) bool
}

// arrival is one request's alerts of one group.
type arrival struct {
	alerts []routed
	size   int // bytes, about
	sender string
	hidden int
	now    time.Time
}

// routed is an alert with its decision.
type routed struct {
	alert    alert.Alert
	decision routing.Decision
}

// job is an act or an arrival that waits for its group's turn.
type job struct {
	act     *act
	arrival *arrival
	done    chan result
}

type result struct {
	answer page.Answer
	err    error
}

// groupQueues keeps one worker per group that has work, so that a group has one commit in flight.
type groupQueues struct {
	mu sync.Mutex
	m  map[string]*groupQueue
}

type groupQueue struct {
	acts     []job // before arrivals: people do not wait behind a storm
	arrivals []job
}

func (g *groupQueues) init() { g.m = map[string]*groupQueue{} }

// submit queues a job for its group and starts the group's worker if none runs.
func (e *Engine) submit(group string, j job) {
	g := &e.groups
	g.mu.Lock()
	defer g.mu.Unlock()
	q, running := g.m[group]
	if !running {
		q = &groupQueue{}
		g.m[group] = q
	}
	if j.act != nil {
		q.acts = append(q.acts, j)
	} else {
		q.arrivals = append(q.arrivals, j)
	}
	if !running {
		e.work.Add(1)
		go e.drain(group, q)
	}
}

// drain does a group's jobs until none is left: one act, or as many arrivals as fold into one commit, at a time.
func (e *Engine) drain(group string, q *groupQueue) {
	defer e.work.Done()
	for {
		batch := e.take(group, q)
		if len(batch) == 0 {
			return
		}
		e.perform(group, batch)
	}
}

func (e *Engine) take(group string, q *groupQueue) []job {
	g := &e.groups
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(q.acts) > 0 {
		first := q.acts[0]
		q.acts = q.acts[1:]
		return []job{first}
	}
	if len(q.arrivals) == 0 {
		delete(g.m, group)
		return nil
	}
	n, alerts, size := 0, 0, 0
	for _, j := range q.arrivals {
		a := j.arrival
		if n > 0 && (alerts+len(a.alerts) > maxFold || size+a.size > maxFoldBytes || a.sender != q.arrivals[0].arrival.sender) {
			break
		}
		n, alerts, size = n+1, alerts+len(a.alerts), size+a.size
	}
	batch := q.arrivals[:n:n]
	q.arrivals = q.arrivals[n:]
	return batch
}

// perform does one commit's worth and answers everybody who waits for it. A panic is contained to this group.
func (e *Engine) perform(group string, batch []job) {
	var r result
	defer func() {
		if v := recover(); v != nil {
			r = result{err: fmt.Errorf("group work panicked: %v", v)}
			e.log.Error("group work panicked", panicFields(group, v)...)
			e.metrics.Alarms.WithLabelValues("panic").Inc()
		}
		for _, j := range batch {
			j.done <- r
		}
	}()
	// The commit must not die with one caller's connection: others wait for the same one.
	ctx, cancel := context.WithTimeout(context.Background(), commitTime)
	defer cancel()
	if a := batch[0].act; a != nil {
		r.answer, r.err = e.performAct(ctx, *a)
		return
	}
	arrivals := make([]*arrival, len(batch))
	for i, j := range batch {
		arrivals[i] = j.arrival
	}
	r.err = e.fold(ctx, group, arrivals)
}

// commitTime bounds how long a commit may take before its callers are told to try again.
const commitTime = 10 * time.Second

// apply queues an act for its group and waits for it, or for ctx: then the act may still happen.
func (e *Engine) apply(ctx context.Context, group string, a act) (page.Answer, error) {
	j := job{act: &a, done: make(chan result, 1)}
	e.submit(group, j)
	select {
	case r := <-j.done:
		return r.answer, r.err
	case <-ctx.Done():
		return page.Answer{}, ctx.Err()
	}
}
