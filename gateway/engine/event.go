package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"pagerd/gateway/incident"
	"pagerd/gateway/report"
	"pagerd/gateway/store"
	"pagerd/gateway/timeline"
)

// owedFor is how long whoever committed a change may take to write the event that it owes; afterwards anybody does.
const owedFor = time.Minute

// owe marks in the incident, before it is stored, the structured event that the change asks for. One that was begun before
// stays owed by whoever began it.
func (e *Engine) owe(next *incident.Incident, now time.Time) {
	if e.events != nil {
		next.Log = report.Owe(*next, e.reportZone(), now)
	}
}

func (e *Engine) reportZone() *time.Location { return report.ZoneOf(e.config().Book) }

// pay writes the event that a commit of this process owes. The line is written first and the mark that it is written is
// committed after: a crash in between writes the line a second time, with the same eventId, and never loses it. What cannot
// be marked now is found by [Engine.payOverdue].
func (e *Engine) pay(in incident.Incident, now time.Time) {
	if e.events == nil || in.Log.Owed == "" || in.Log.Version != in.Version {
		return
	}
	work := func() {
		ctx, cancel := context.WithTimeout(context.Background(), commitTime)
		defer cancel()
		if err := e.tell(ctx, in, now); err != nil {
			e.log.Warn("event is written, its mark is not: it may be written again", zap.Int64("incident", in.Number), zap.Error(err))
		}
	}
	if e.serial {
		work()
		return
	}
	e.background(work)
}

// tell writes what is owed and marks it as told, until nothing is owed.
func (e *Engine) tell(ctx context.Context, in incident.Incident, now time.Time) error {
	for range maxConflicts {
		ev, ok := report.Pay(in, e.reportZone())
		if !ok {
			return nil
		}
		e.write(ev)
		next, err := e.markTold(ctx, in, ev, now)
		if err != nil {
			return fmt.Errorf("mark the event of incident %d as written: %w", in.Number, err)
		}
		in = next
	}
	return nil
}

// write is the one place that writes structured events.
func (e *Engine) write(ev report.Event) {
	e.metrics.Incidents.WithLabelValues(ev.Severity, ev.Type).Inc()
	if ev.Type == report.EventIncident {
		e.metrics.Resolution.WithLabelValues(ev.Severity).Observe(float64(ev.Duration))
	}
	e.events.Info("incident event", zap.String("eventType", ev.Type), zap.String("eventId", ev.ID), zap.Int64("incident", ev.Incident),
		zap.String("severity", ev.Severity), zap.String("service", ev.Service), zap.String("status", ev.Status), zap.String("rootCause", ev.RootCause),
		zap.String("commander", ev.Commander), zap.Int64("duration", ev.Duration), zap.Int64("impactTime", ev.ImpactTime),
		zap.Int64("detectionTime", ev.DetectionTime), zap.Int64("acknowledgedTime", ev.AcknowledgedTime), zap.Int64("triageTime", ev.TriageTime),
		zap.Int64("mitigationTime", ev.MitigationTime), zap.Int64("resolutionTime", ev.ResolutionTime), zap.Int("reopened", ev.Reopened),
		zap.Int64("mergedInto", ev.Merged), zap.Bool("customerData", ev.CustomerData), zap.Bool("security", ev.Security))
}

// markTold commits that an event was written, and keeps the incident's facts for ever in the same commit. An incident that
// changed meanwhile is loaded again, and then owes an update.
func (e *Engine) markTold(ctx context.Context, in incident.Incident, ev report.Event, now time.Time) (incident.Incident, error) {
	owed := in.Log
	for range maxConflicts {
		next := in
		next.Version++
		next.Log = report.Paid(next, ev, e.reportZone(), now)
		entry, err := report.Keep(e.fact(next), next.Version, now)
		if err != nil {
			return in, err
		}
		err = e.store.Commit(ctx, store.Change{Now: now, Incident: &next, Entries: []timeline.Entry{entry}})
		if !errors.Is(err, store.ErrConflict) {
			return next, err
		}
		if in, err = e.store.Incident(ctx, in.Number); err != nil {
			return in, err
		}
		if in.Log.Owed != owed.Owed || in.Log.Version != owed.Version { // somebody else paid
			return incident.Incident{}, nil
		}
	}
	return in, store.ErrConflict
}

// payOverdue writes the events that whoever owed them did not: its process died between the commit and the line, or
// between the line and the mark.
func (e *Engine) payOverdue(ctx context.Context, now time.Time) error {
	if e.events == nil {
		return nil
	}
	for before := int64(0); ; {
		list, err := e.store.Incidents(ctx, store.Filter{Before: before, Limit: 500})
		if err != nil && !errors.Is(err, store.ErrDamaged) {
			return fmt.Errorf("look for events that were not written: %w", err)
		}
		for _, in := range list {
			before = in.Number
			if in.Log.Owed != "" && now.Sub(in.Log.Since) > owedFor {
				if err := e.tell(ctx, in, now); err != nil {
					return err
				}
			}
		}
		if len(list) < 500 {
			return nil
		}
	}
}
