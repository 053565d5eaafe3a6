package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"pagerd/gateway/audit"
	"pagerd/gateway/store"
)

// auditPatience is how long the reader of an audit may take for one batch of lines: the whole of it may take minutes.
const auditPatience = 30 * time.Second

// auditWriter writes lines and lets the listener's time limit for an answer begin anew with each.
type auditWriter struct {
	enc     *json.Encoder
	control *http.ResponseController
	end     audit.End
	written map[string]bool // objects
}

func (a *auditWriter) line(l audit.Line) error {
	// A server that sets no deadlines is one of a test.
	if err := a.control.SetWriteDeadline(time.Now().Add(auditPatience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("prolong the answer: %w", err)
	}
	return a.enc.Encode(l)
}

// audit answers everything that it takes to verify the timelines, as JSON Lines. Once it has begun, an error can only cut it;
// the line that ends it is missing then.
func (s *server) audit(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	anchors, err := store.Anchors(ctx, s.Store)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/jsonl")
	out := &auditWriter{enc: json.NewEncoder(w), control: http.NewResponseController(w), written: map[string]bool{}}
	if err := s.auditLines(ctx, out, anchors); err != nil {
		panic(http.ErrAbortHandler) // the status is sent: a cut connection is the only way left to say no
	}
	return nil
}

func (s *server) auditLines(ctx context.Context, out *auditWriter, anchors []audit.Anchor) error {
	if err := out.line(audit.Line{Header: &audit.Header{Format: audit.Format, At: s.Now().UTC(), Keep: store.KeepHistory}}); err != nil {
		return err
	}
	var ledger audit.Ledger
	for i := range anchors {
		_ = ledger.Add(anchors[i]) // what is wrong with it is the reader's to find
		out.end.Anchors++
		if err := out.line(audit.Line{Anchor: &anchors[i]}); err != nil {
			return err
		}
	}
	damaged := store.Walk(ctx, s.Store, func(heads []audit.Head) error {
		for _, h := range heads {
			if err := s.auditObject(ctx, out, h.Object); err != nil {
				return err
			}
		}
		return nil
	})
	switch {
	case errors.Is(damaged, store.ErrDamaged):
		for text := range strings.Lines(damaged.Error()) {
			if err := out.line(audit.Line{Damaged: strings.TrimSpace(text)}); err != nil {
				return err
			}
		}
	case damaged != nil:
		return damaged
	}
	for _, object := range ledger.Objects() {
		if !out.written[object] {
			if err := s.auditObject(ctx, out, object); err != nil {
				return err
			}
		}
	}
	return out.line(audit.Line{End: &out.end})
}

// auditObject writes one object; one that cannot be read is a line of its own.
func (s *server) auditObject(ctx context.Context, out *auditWriter, object string) error {
	o, err := store.Audited(ctx, s.Store, object)
	out.written[object] = true
	if errors.Is(err, store.ErrDamaged) {
		return out.line(audit.Line{Damaged: object + ": " + err.Error()})
	}
	if err != nil {
		return err
	}
	out.end.Objects++
	return out.line(audit.Line{Object: &o})
}
