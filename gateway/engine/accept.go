package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pagerd/gateway/alert"
)

// Accept makes one request's alerts durable and rings for them. It returns nil only when every alert is stored; any
// error is transient, and sending the same batch again is harmless.
func (e *Engine) Accept(ctx context.Context, b alert.Batch, now time.Time) error {
	now = e.instant(now)
	var err error
	for range maxConflicts {
		if err = e.accept(ctx, b, now); !errors.Is(err, errMoved) {
			return err
		}
	}
	return err
}

func (e *Engine) accept(ctx context.Context, b alert.Batch, now time.Time) error {
	groups, order, err := e.route(ctx, b, now)
	if err != nil {
		return err
	}
	var waits []chan result
	var failed error
	for _, group := range order {
		for alerts := groups[group]; len(alerts) > 0; {
			n, size := chunk(alerts)
			done := make(chan result, 1)
			e.submit(group, job{done: done, arrival: &arrival{alerts: alerts[:n], size: size, sender: b.Sender, hidden: b.Hidden, now: now}})
			waits = append(waits, done)
			alerts = alerts[n:]
		}
		if e.serial {
			failed, waits = errors.Join(failed, await(ctx, waits)), nil
		}
	}
	return errors.Join(failed, await(ctx, waits))
}

// await returns what went wrong with any of the jobs; when ctx is over they may still be done.
func await(ctx context.Context, waits []chan result) error {
	var failed error
	for _, done := range waits {
		select {
		case r := <-done:
			failed = errors.Join(failed, r.err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return failed
}

// route decides on every alert and sorts them by group, in the order of first appearance. A running episode stays with
// the group it began in, whatever a changed configuration says now.
func (e *Engine) route(ctx context.Context, b alert.Batch, now time.Time) (map[string][]routed, []string, error) {
	ids := make([]alert.ID, len(b.Alerts))
	for i, a := range b.Alerts {
		ids[i] = a.ID()
	}
	states, err := e.store.Alerts(ctx, ids)
	if err != nil {
		return nil, nil, fmt.Errorf("load alerts: %w", err)
	}
	tree := e.config().Routing
	groups := map[string][]routed{}
	var order []string
	for i, a := range b.Alerts {
		d := tree.Decide(a, now)
		if d.Quiet && states[i].Page == 0 { // a signal for machines
			e.metrics.Alerts.WithLabelValues(a.Source, "quiet").Inc()
			continue
		}
		group := d.Group
		if s := states[i]; s.Group != "" && (s.Firing() || a.Status == alert.Resolved) {
			group = s.Group
		}
		if _, seen := groups[group]; !seen {
			order = append(order, group)
		}
		groups[group] = append(groups[group], routed{alert: a, decision: d})
	}
	return groups, order, nil
}

// chunk is how many of the alerts go into one commit, and about how many bytes they are.
func chunk(alerts []routed) (n, size int) {
	for n < len(alerts) && n < maxFold {
		next := size + weight(alerts[n].alert)
		if n > 0 && next > maxFoldBytes {
			break
		}
		n, size = n+1, next
	}
	return n, size
}

// weight is about how many bytes an alert is when it is stored.
func weight(a alert.Alert) int {
	const rest = 400 // identity, instants, the names of the fields
	n := rest + len(a.URL)
	for _, m := range []map[string]string{a.Labels, a.Annotations} {
		for k, v := range m {
			n += len(k) + len(v) + len(`"":"",`)
		}
	}
	return n
}
