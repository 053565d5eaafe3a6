package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"pagerd/gateway/audit"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
)

// walkBatch is how many objects one read of Walk asks for.
const walkBatch = 100

// Walk calls each with the heads of all pages, incidents and records but anchors, newest first of each kind, a batch at a
// time. What cannot be read is left out and named by the error, wrapped around ErrDamaged, after everything else.
func Walk(ctx context.Context, s Store, each func([]audit.Head) error) error {
	damaged := map[string]error{}
	err := walk(func(f Filter) ([]numbered, error) {
		pages, err := s.Pages(ctx, f)
		return numberedAll(pages, func(p page.Page) numbered { return numbered{p.Number, PageHead(p)} }), err
	}, damaged, each)
	if err != nil {
		return fmt.Errorf("walk through pages: %w", err)
	}
	err = walk(func(f Filter) ([]numbered, error) {
		incidents, err := s.Incidents(ctx, f)
		return numberedAll(incidents, func(in incident.Incident) numbered { return numbered{in.Number, IncidentHead(in)} }), err
	}, damaged, each)
	if err != nil {
		return fmt.Errorf("walk through incidents: %w", err)
	}
	for _, kind := range RecordKinds() {
		if kind == Anchor {
			continue
		}
		err := walk(func(f Filter) ([]numbered, error) {
			records, err := s.Records(ctx, kind, f)
			return numberedAll(records, func(r Record) numbered { return numbered{r.Number, RecordHead(r)} }), err
		}, damaged, each)
		if err != nil {
			return fmt.Errorf("walk through records of kind %s: %w", kind, err)
		}
	}
	var errs []error
	for _, err := range damaged {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// numbered is a head with the number by which its list goes on.
type numbered struct {
	number int64
	head   audit.Head
}

func numberedAll[T any](list []T, of func(T) numbered) (out []numbered) {
	for _, v := range list {
		out = append(out, of(v))
	}
	return out
}

func walk(list func(Filter) ([]numbered, error), damaged map[string]error, each func([]audit.Head) error) error {
	f := Filter{Limit: walkBatch}
	for {
		batch, err := list(f)
		if errors.Is(err, ErrDamaged) {
			damaged[err.Error()] = err
		} else if err != nil {
			return err
		}
		if len(batch) == 0 {
			return nil
		}
		heads := make([]audit.Head, len(batch))
		for i, b := range batch {
			heads[i] = b.head
		}
		if err := each(heads); err != nil {
			return err
		}
		f.Before = batch[len(batch)-1].number
	}
}

// PageHead is how far a page's timeline went.
func PageHead(p page.Page) audit.Head {
	h := audit.Head{Object: fmt.Sprintf("page/%d", p.Number), Entries: p.Entries, Hash: p.Head}
	if !p.Open() {
		h.Closed = earliest(p.ResolvedAt, p.TriggeredAt)
	}
	return h
}

// IncidentHead is how far an incident's timeline went.
func IncidentHead(in incident.Incident) audit.Head {
	h := audit.Head{Object: fmt.Sprintf("incident/%d", in.Number), Entries: in.Entries, Hash: in.Head}
	if in.Over() {
		h.Closed = earliest(in.ResolvedAt, in.DetectedAt)
	}
	return h
}

// earliest is when an object closed; for one that does not say so (a dismissed incident) when it began, so that what
// retention deletes of it is never called missing.
func earliest(closed, began time.Time) time.Time {
	if closed.IsZero() {
		return began
	}
	return closed
}

// RecordHead is how far a record's timeline went. Records are kept for ever.
func RecordHead(r Record) audit.Head {
	return audit.Head{Object: r.Object(), Entries: r.Entries, Hash: r.Head}
}

// Anchors returns the chain of anchors, oldest first. One that cannot be read is left out: its number is missing then.
func Anchors(ctx context.Context, s Store) ([]audit.Anchor, error) {
	var out []audit.Anchor
	f := Filter{Limit: walkBatch}
	for {
		records, err := s.Records(ctx, Anchor, f)
		if err != nil && !errors.Is(err, ErrDamaged) {
			return nil, fmt.Errorf("read anchors: %w", err)
		}
		if len(records) == 0 {
			slices.Reverse(out)
			return out, nil
		}
		for _, r := range records {
			var a audit.Anchor
			if json.Unmarshal(r.Body, &a) == nil && a.Number == r.Number {
				out = append(out, a)
			}
		}
		f.Before = records[len(records)-1].Number
	}
}

// Audited reads an object as it is stored now, with its timeline. The two are read one after the other: while somebody
// appends in between, it looks again.
func Audited(ctx context.Context, s Store, object string) (audit.Object, error) {
	const looks = 5 // somebody who appends all the time does not keep the others from being looked at
	o := audit.Object{}
	for range looks {
		head, err := HeadOf(ctx, s, object)
		o = audit.Object{Head: head, Gone: errors.Is(err, ErrNotFound)}
		if err != nil && !o.Gone {
			return o, err
		}
		if o.Timeline, err = s.Timeline(ctx, object); err != nil {
			return o, err
		}
		if n := len(o.Timeline); n == 0 || o.Timeline[n-1].Hash == head.Hash {
			break
		}
	}
	return o, nil
}

// HeadOf reads the head of one object, or ErrNotFound.
func HeadOf(ctx context.Context, s Store, object string) (audit.Head, error) {
	kind, number, _ := strings.Cut(object, "/")
	n, err := strconv.ParseInt(number, 10, 64)
	gone := audit.Head{Object: object}
	if err != nil {
		return gone, fmt.Errorf("object %q: %w", object, ErrNotFound)
	}
	switch kind {
	case "page":
		p, err := s.Page(ctx, n)
		if err != nil {
			return gone, err
		}
		return PageHead(p), nil
	case "incident":
		in, err := s.Incident(ctx, n)
		if err != nil {
			return gone, err
		}
		return IncidentHead(in), nil
	}
	r, err := s.Record(ctx, RecordKind(kind), n)
	if err != nil {
		return gone, err
	}
	return RecordHead(r), nil
}
