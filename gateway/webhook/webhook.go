// Package webhook receives what monitoring systems send: it checks the credential, understands the body and hands the
// alerts to the engine.
//
// It promises that a 2xx follows the commit and never precedes it, that anything transient is answered 503 (Alertmanager
// and SNS try again on 5xx only), that no path ever redirects, and that nothing of a body is logged.
package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"pagerd/config"
	"pagerd/gateway/alert"
)

// MaxBody is the largest body that is read: a real storm of 400 alerts with long annotations has 1.6 MB.
const MaxBody = 16 << 20

const (
	maxActive  = 512             // requests at a time; the rest waits for maxWait and is then told to come again
	maxWait    = 2 * time.Second // below every sender's own timeout
	bodyTime   = 20 * time.Second
	acceptTime = 12 * time.Second // SNS gives up after 15 s
	retryAfter = "1"
)

// Options are what the handler needs.
type Options struct {
	Sources []config.Source
	// Accept makes a batch durable; an error is transient.
	Accept func(ctx context.Context, b alert.Batch, now time.Time) error
	Now    func() time.Time
	Log    *zap.Logger
	// Observe counts a request: result is "accepted", "malformed", "unauthorized", "too_large", "unavailable", "ignored" or "confirmed".
	Observe func(source, result string)
	// SNS verifies Amazon's signatures; nil refuses every SNS source.
	SNS *SNS
}

// Handler serves the sources' doors.
type Handler struct {
	o       Options
	sources atomic.Pointer[map[string]source]
	slots   chan struct{}
	buffers sync.Pool
	mux     *http.ServeMux
}

// New returns the handler of POST /v1/{kind}/{source} and /v1/{kind}/{source}/{token}, with and without a slash at the end.
func New(o Options) *Handler {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Observe == nil {
		o.Observe = func(string, string) {}
	}
	h := &Handler{o: o, slots: make(chan struct{}, maxActive), mux: http.NewServeMux()}
	h.buffers.New = func() any { return new(bytes.Buffer) }
	h.Reload(o.Sources)
	for _, kind := range []string{"alertmanager", "sns"} {
		for _, path := range []string{"/{source}", "/{source}/{$}", "/{source}/{token}", "/{source}/{token}/{$}"} {
			h.mux.HandleFunc("/v1/"+kind+path, func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, kind) })
		}
	}
	return h
}

// Reload replaces the sources; requests under way finish with those they began with.
func (h *Handler) Reload(sources []config.Source) {
	m := make(map[string]source, len(sources))
	for _, s := range sources {
		m[s.Name] = newSource(s)
	}
	h.sources.Store(&m)
}

// ServeHTTP never redirects: an odd path is answered 404, because a redirected POST arrives as an empty GET.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, pattern := h.mux.Handler(r); pattern == "" || strings.Contains(r.URL.Path, "//") {
		refuse(w, http.StatusNotFound, "there is nothing at this path", "post to /v1/alertmanager/NAME or /v1/sns/NAME, NAME as in sources")
		return
	}
	h.mux.ServeHTTP(w, r)
}

// bad is a mistake of the sender that trying again does not mend.
type bad struct{ message, hint string }

func (b *bad) Error() string { return b.message }

func malformed(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return &bad{fmt.Sprintf("the body is not JSON at byte %d", syntax.Offset), "send Alertmanager's webhook body unchanged"}
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return &bad{fmt.Sprintf("%q is %s, which it cannot be", clip(kind.Field, 60), kind.Value), "send Alertmanager's webhook body unchanged"}
	}
	return &bad{"the body is not JSON", "send Alertmanager's webhook body unchanged"}
}

// serve is one request from its credential to its answer.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request, kind string) {
	name := r.PathValue("source")
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, http.StatusMethodNotAllowed, r.Method+" is not for this path", "the sender must POST; a redirect on the way turns POST into GET")
		return
	}
	src, known := (*h.sources.Load())[name]
	known = known && src.Kind == kind
	switch {
	case kind == "alertmanager" && !(src.allows(r) && known),
		kind == "sns" && (!known || src.guarded() && !src.allows(r)):
		h.o.Observe("", "unauthorized")
		w.Header().Set("WWW-Authenticate", `Basic realm="pagerd"`)
		refuse(w, http.StatusUnauthorized, "no such source, or a wrong credential", "the name and token as in the configuration's sources")
		return
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		refuse(w, http.StatusUnsupportedMediaType, "compressed bodies are not taken", "send the body as it is")
		return
	}
	if !h.enter(r.Context()) {
		h.o.Observe(name, "unavailable")
		later(w, "too many requests at a time")
		return
	}
	defer h.leave()
	body, ok := h.read(w, r, name)
	if !ok {
		return
	}
	defer h.buffers.Put(body)
	ctx, cancel := context.WithTimeout(r.Context(), acceptTime)
	defer cancel()
	if kind == "sns" {
		h.sns(ctx, w, r, src, body.Bytes())
		return
	}
	batch, err := ParseAlertmanager(body.Bytes(), name)
	h.finish(ctx, w, name, batch, err)
}

// finish accepts a batch and answers.
func (h *Handler) finish(ctx context.Context, w http.ResponseWriter, name string, b alert.Batch, err error) {
	var mistake *bad
	switch {
	case errors.As(err, &mistake):
		h.o.Observe(name, "malformed")
		h.o.Log.Warn("malformed body", zap.String("source", name), zap.String("reason", mistake.message))
		refuse(w, http.StatusBadRequest, mistake.message, mistake.hint)
		return
	case err == nil:
		err = h.o.Accept(ctx, b, h.o.Now())
	}
	if err != nil {
		h.o.Observe(name, "unavailable")
		h.o.Log.Error("not accepted; the sender is told to come again", zap.String("source", name), zap.Int("alerts", len(b.Alerts)), zap.Error(err))
		later(w, "the alerts could not be stored")
		return
	}
	h.o.Observe(name, "accepted")
	w.WriteHeader(http.StatusOK)
}

// read takes the body into a pooled buffer.
func (h *Handler) read(w http.ResponseWriter, r *http.Request, name string) (*bytes.Buffer, bool) {
	// A sender that trickles must not keep its place; the listener's own read timeout is longer.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
	buf := h.buffers.Get().(*bytes.Buffer)
	buf.Reset()
	_, err := buf.ReadFrom(http.MaxBytesReader(w, r.Body, MaxBody))
	if err == nil {
		return buf, true
	}
	h.buffers.Put(buf)
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		h.o.Observe(name, "too_large")
		refuse(w, http.StatusRequestEntityTooLarge, "the body is larger than 16 MiB", "set max_alerts in Alertmanager's webhook_configs")
		return nil, false
	}
	h.o.Observe(name, "unavailable")
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		h.o.Log.Warn("body not read", zap.String("source", name), zap.Error(err))
	}
	later(w, "the body did not arrive")
	return nil, false
}

// enter takes a place, waiting a little for one.
func (h *Handler) enter(ctx context.Context) bool {
	select {
	case h.slots <- struct{}{}:
		return true
	default:
	}
	t := time.NewTimer(maxWait)
	defer t.Stop()
	select {
	case h.slots <- struct{}{}:
		return true
	case <-t.C:
	case <-ctx.Done():
	}
	return false
}

func (h *Handler) leave() { <-h.slots }

// later asks the sender to come again.
func later(w http.ResponseWriter, message string) {
	w.Header().Set("Retry-After", retryAfter)
	refuse(w, http.StatusServiceUnavailable, message, "try again; nothing was lost by this answer")
}

func refuse(w http.ResponseWriter, status int, message, hint string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": message, "hint": hint})
}
