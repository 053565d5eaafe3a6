package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pagerd/gateway/store"
)

// firing returns what a due record of a kind does; nil for a kind that has no timers. Each function loads the record
// again: somebody else may have been faster, and it takes the record out of the due index or moves it on.
func (e *Engine) firing(kind store.RecordKind) recordFiring {
	return map[store.RecordKind]recordFiring{
		store.Postmortem: e.firePostmortem,
		store.Action:     e.fireAction,
		store.Checklist:  e.fireChecklist,
		store.Update:     e.fireUpdate,
		store.Mailing:    e.fireMailing,
		store.Calendar:   e.fireCalendar,
	}[kind]
}

// recordFiring fires one record. now is UTC.
type recordFiring = func(ctx context.Context, number int64, now time.Time) error

// fireRecord fires what is due of a record, unless somebody else was faster.
func (e *Engine) fireRecord(ctx context.Context, kind store.RecordKind, number int64, now time.Time) (err error) {
	fire := e.firing(kind)
	if fire == nil { // a newer pagerd that shares the store has written it, and fires it
		return fmt.Errorf("%s %d is due, and this pagerd does not know what for", kind, number)
	}
	defer func() { // one record's mistake stays its own
		if v := recover(); v != nil {
			e.metrics.Alarms.WithLabelValues("panic").Inc()
			err = fmt.Errorf("%s %d panicked: %v", kind, number, v)
		}
	}()
	if err := fire(ctx, number, now); err != nil && !errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("%s %d is due: %w", kind, number, err)
	}
	return nil
}
