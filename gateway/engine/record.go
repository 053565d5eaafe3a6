package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"pagerd/gateway/store"
	"pagerd/gateway/timeline"
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

// loadRecord reads a record's body into into; the zero Record when there is none.
func (e *Engine) loadRecord(ctx context.Context, kind store.RecordKind, number int64, into any) (store.Record, error) {
	r, err := e.store.Record(ctx, kind, number)
	if errors.Is(err, store.ErrNotFound) {
		return store.Record{Kind: kind, Number: number}, nil
	}
	if err != nil {
		return r, fmt.Errorf("load %s %d: %w", kind, number, err)
	}
	if err := json.Unmarshal(r.Body, into); err != nil {
		return r, fmt.Errorf("%w: %s %d: %w", store.ErrDamaged, kind, number, err)
	}
	return r, nil
}

// putRecord adds a record's next version and its entry to a change.
func (e *Engine) putRecord(c *store.Change, r store.Record, body any, open bool, due time.Time, entry timeline.Entry) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // a long text of foreign words must not outgrow its record
	if err := enc.Encode(body); err != nil {
		return fmt.Errorf("encode %s: %w", r, err)
	}
	r.Version, r.Body, r.Open, r.Due = r.Version+1, bytes.TrimSpace(b.Bytes()), open, due
	if entry.What != "" {
		r.Entries++
		entry.Object, entry.Seq, entry.At = r.Object(), r.Entries, c.Now
		entry = timeline.Seal(entry, r.Head)
		r.Head = entry.Hash
		c.Entries = append(c.Entries, entry)
		e.log.Info(string(r.Kind), zap.Int64("number", r.Number), zap.String("what", entry.What), zap.String("actor", entry.Actor))
	}
	c.Records = append(c.Records, r)
	return nil
}

// records reads the bodies of a kind. What is damaged is named by the auditor and keeps nobody from the rest.
func records[T any](ctx context.Context, e *Engine, kind store.RecordKind, f store.Filter) ([]T, error) {
	list, err := e.store.Records(ctx, kind, f)
	if err != nil && !errors.Is(err, store.ErrDamaged) {
		return nil, fmt.Errorf("list %s records: %w", kind, err)
	}
	var out []T
	for _, r := range list {
		var v T
		if err := json.Unmarshal(r.Body, &v); err == nil {
			out = append(out, v)
		}
	}
	return out, nil
}
