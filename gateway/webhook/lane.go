package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// The largest bodies that are read.
const (
	MaxBody    = 16 << 20 // of Alertmanager: a real storm of 400 alerts with long annotations has 1.6 MB
	MaxMessage = 2 << 20  // of SNS: 256 KiB of text, which JSON may write sixfold, and the envelope
)

const (
	maxWait   = 2 * time.Second // for a place; below every sender's own timeout
	maxPooled = 1 << 20         // bytes of a buffer that is worth keeping
)

// errBusy means that all places or all memory are taken. The sender is asked to come again: 4xx would lose the alerts.
var errBusy = errors.New("too many requests at a time")

// lane bounds what one kind of caller can make the process do at a time. A body is read before a place is taken, so that
// whoever trickles holds nothing but the bytes that arrived.
type lane struct {
	places  chan struct{}
	limit   int64        // bytes of all bodies at a time
	held    atomic.Int64 // of them in use
	patient time.Duration
	buffers sync.Pool
}

// newLane returns a lane with places for requests, limit bytes for their bodies, and patience for each body to arrive.
func newLane(places int, limit int64, patience time.Duration) *lane {
	return &lane{places: make(chan struct{}, places), limit: limit, patient: patience,
		buffers: sync.Pool{New: func() any { return new(bytes.Buffer) }}}
}

// read takes the body into a pooled buffer, which the caller must release. The error is http.MaxBytesError for a body
// above most bytes; every other one is transient.
func (l *lane) read(w http.ResponseWriter, r *http.Request, most int64) (*bytes.Buffer, error) {
	// The listener's own timeout is longer.
	conn := http.NewResponseController(w)
	_ = conn.SetReadDeadline(time.Now().Add(l.patient))
	if r.ContentLength > most {
		return nil, &http.MaxBytesError{Limit: most}
	}
	buf := l.buffers.Get().(*bytes.Buffer)
	buf.Reset()
	if _, err := buf.ReadFrom(&charged{r: http.MaxBytesReader(w, r.Body, most), lane: l}); err != nil {
		l.release(buf)
		return nil, fmt.Errorf("read the body: %w", err)
	}
	// Past the body the deadline would cancel the request's context. After a body that failed it must stay: the server
	// goes on reading what is left of it.
	_ = conn.SetReadDeadline(time.Time{})
	return buf, nil
}

// release gives a buffer and the bytes it was charged back.
func (l *lane) release(buf *bytes.Buffer) {
	l.held.Add(-int64(buf.Len()))
	if buf.Cap() <= maxPooled {
		l.buffers.Put(buf)
	}
}

// charged counts a body's bytes against the lane's as they arrive.
type charged struct {
	r    io.Reader
	lane *lane
}

func (c *charged) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.lane.held.Add(int64(n)) > c.lane.limit {
		return n, errBusy
	}
	return n, err
}

// enter takes a place, waiting a little for one.
func (l *lane) enter(ctx context.Context) bool {
	select {
	case l.places <- struct{}{}:
		return true
	default:
	}
	t := time.NewTimer(maxWait)
	defer t.Stop()
	select {
	case l.places <- struct{}{}:
		return true
	case <-t.C:
	case <-ctx.Done():
	}
	return false
}

func (l *lane) leave() { <-l.places }
