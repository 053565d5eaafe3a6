package gateway

import (
	"context"
	"time"

	"pagerd/gateway/degraded"
	"pagerd/gateway/metric"
	"pagerd/notify"
)

// newAlarm makes the alarm that needs no store. It is asked nothing before Run.
func (g *Gateway) newAlarm(metrics *metric.Set) *degraded.Alarm {
	return degraded.New(degraded.Options{
		Replica:   g.name,
		Ready:     func(ctx context.Context) error { return g.store.Ready(ctx) },
		Means:     func(error) string { return g.means() },
		After:     func() time.Duration { return g.config.Load().Store.AlarmAfter },
		Operators: func() []notify.Contact { return g.config.Load().Operators },
		Send:      g.sendDirect,
		Observe: func(c notify.Channel, out notify.Outcome) {
			metrics.Direct.WithLabelValues(string(c), string(out.Certainty)).Inc()
		},
		Now: func() time.Time { return g.now() },
		Log: g.log,
	})
}

// sendDirect sends past the outbox.
func (g *Gateway) sendDirect(ctx context.Context, n notify.Notification) notify.Outcome {
	sender, ok := g.senders[n.Contact.Channel]
	if !ok {
		return notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonNoContact, Permanent: true,
			Detail: "no provider is configured for " + string(n.Contact.Channel)}
	}
	return sender.Send(ctx, n)
}

// meansTime bounds what the alarm asks before it rings.
const meansTime = 500 * time.Millisecond

// means says in a few words what the unusable store means for alerts and pages.
func (g *Gateway) means() string {
	if g.file != nil {
		if g.file.Accepts() == nil {
			return "its disk fills up: alerts are still accepted, but not for long"
		}
		return "alerts are answered 503, nobody is paged"
	}
	ctx, cancel := context.WithTimeout(context.Background(), meansTime)
	defer cancel()
	if _, err := g.redis.ServerTime(ctx); err == nil {
		return "alerts are answered 503, what was accepted before still rings"
	}
	return "alerts are answered 503, nobody is paged"
}
