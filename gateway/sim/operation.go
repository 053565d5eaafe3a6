package sim

import (
	"context"
	"time"

	"pagerd/gateway/alert"
)

// operation is the context of one call of the engine. The engine asks a context whether it is over at the moment when the
// caller begins to wait for its group's turn; that is how the simulator hears that a body is queued, without a clock.
type operation struct {
	context.Context
	waits  chan struct{} // closed when the caller waits; nil = nobody wants to know
	waited bool
	queued []*queuedBody // arrived while this one was being stored
}

// queuedBody is a body that arrived at a replica while another one of the same group was being stored: both are folded
// into the group's next commits.
type queuedBody struct {
	batch alert.Batch
	err   error
	done  chan struct{}
}

type operationKey struct{}

// Value implements context.Context.
func (o *operation) Value(key any) any {
	if key == (operationKey{}) {
		return o
	}
	return nil
}

// Done implements context.Context: an operation is never given up.
func (o *operation) Done() <-chan struct{} {
	if o.waits != nil && !o.waited {
		o.waited = true
		close(o.waits)
	}
	return nil
}

// operationOf returns the operation whose caller makes a store call; nil when a group's worker makes it.
func operationOf(ctx context.Context) *operation {
	o, _ := ctx.Value(operationKey{}).(*operation)
	return o
}

// turn lets what was queued behind an operation be stored before its caller goes on: the group's worker does that on a
// goroutine of its own, and only one may run at a time.
func (o *operation) turn() {
	if o == nil {
		return
	}
	for _, q := range o.queued {
		<-q.done
	}
}

// queueBehind lets up to three more bodies arrive for the group that is being stored. They are of identities that nobody
// has heard of, so that they certainly wait for the same group.
func (w *world) queueBehind(l *life) {
	f := w.top()
	if !f.mayQueue || f.group == "" || f.op == nil || len(f.op.queued) > 0 || f.life != l || l.dead || w.over() || !f.dice.chance(w.weather.fold) {
		return
	}
	var queued []*queuedBody
	for range 1 + f.dice.IntN(3) {
		g := w.groupOf(l, f.group)
		if g == nil || g.firing() > crowd {
			break
		}
		c := g.another(w, f.dice)
		batch := alert.Batch{Source: g.source, Sender: g.sender, Alerts: []alert.Alert{w.fires(c)}}
		w.after(f.dice.between(5*time.Second, 5*time.Minute), "an end", nil, always, func() { w.ends(c) })
		now := l.clock.Now()
		q := &queuedBody{batch: batch, done: make(chan struct{})}
		op := &operation{Context: context.Background(), waits: make(chan struct{})}
		w.judge.offered(batch)
		f.children++
		w.push(&frame{id: mix(f.id, f.children), kind: "accept", dice: newDice(w.o.Seed, mix(f.id, f.children)), life: l, quiet: true})
		go func() {
			defer close(q.done)
			q.err = l.engine.Accept(op, batch, now)
		}()
		select {
		case <-op.waits:
		case <-q.done:
		}
		w.pop()
		w.count("queued body")
		queued = append(queued, q)
	}
	f.op.queued = queued
}

// settleQueued takes the results of what was queued behind an operation, which is over. What was refused the source says
// again with its next notification.
func (w *world) settleQueued(o *operation) {
	for _, q := range o.queued {
		if q.err != nil {
			w.tell(w.aboutBatch(q.batch), "a body that was queued is refused: %v", q.err)
			continue
		}
		w.tally.note("queued body accepted")
		w.judge.accepted(q.batch)
	}
}
