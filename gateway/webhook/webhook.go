// Package webhook receives what monitoring systems send: it checks the credential, understands the body and hands the
// alerts to the engine.
//
// It promises that a 2xx follows the commit and never precedes it, that anything transient is answered 503 (Alertmanager
// and SNS try again on 5xx only), that no path ever redirects, and that nothing of a body is logged.
package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"pagerd/config"
	"pagerd/gateway/alert"
)

const (
	acceptTime = 12 * time.Second // SNS gives up after 15 s
	retryAfter = "1"              // seconds; Alertmanager does not look at it
	// maxAhead is how far a sender's clock may be ahead. An end in the far future would swallow every later firing of that
	// identity, a start there would outlive every end.
	maxAhead = 24 * time.Hour
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
	guarded *lane // requests that showed a credential
	open    *lane // SNS requests whose signature is all they have: strangers must not crowd out the others
}

// New returns the handler of POST /v1/{kind}/{source} and /v1/{kind}/{source}/{token}, with and without a slash at the end.
func New(o Options) *Handler {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Observe == nil {
		o.Observe = func(string, string) {}
	}
	h := &Handler{o: o, guarded: newLane(512, 128<<20, 20*time.Second), open: newLane(64, 32<<20, 10*time.Second)}
	h.Reload(o.Sources)
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

// route takes a path apart. http.ServeMux is not used, because it redirects what it would clean, and a redirected POST
// arrives as an empty GET at some senders.
func route(path string) (kind, name, token string, ok bool) {
	rest, ok := strings.CutPrefix(path, "/v1/")
	if !ok {
		return "", "", "", false
	}
	parts := strings.Split(strings.TrimSuffix(rest, "/"), "/")
	if len(parts) < 2 || len(parts) > 3 || parts[0] != "alertmanager" && parts[0] != "sns" || parts[1] == "" {
		return "", "", "", false
	}
	if len(parts) == 3 {
		token = parts[2]
	}
	return parts[0], parts[1], token, len(parts) == 2 || token != ""
}

// ServeHTTP is one request up to its body: the body is not read before the credential is known to be good.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind, name, token, ok := route(r.URL.Path)
	if !ok {
		refuse(w, http.StatusNotFound, "there is nothing at this path", "post to /v1/alertmanager/NAME or /v1/sns/NAME, NAME as in sources")
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, http.StatusMethodNotAllowed, "only POST is for this path", "the sender must POST; a redirect on the way turns POST into GET")
		return
	}
	src, known := (*h.sources.Load())[name]
	known = known && src.Kind == kind
	shown := src.allows(r, token) && known
	if !shown && (kind == "alertmanager" || !known || src.guarded()) {
		h.o.Observe("", "unauthorized")
		// SNS sends the user and password of an endpoint's URL only after it was asked for them.
		w.Header().Set("WWW-Authenticate", `Basic realm="pagerd"`)
		refuse(w, http.StatusUnauthorized, "no such source, or a wrong credential", "the name and token as in the configuration's sources")
		return
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		h.o.Observe(name, "malformed")
		refuse(w, http.StatusUnsupportedMediaType, "compressed bodies are not taken", "send the body as it is")
		return
	}
	l := h.open
	if shown {
		l = h.guarded
	}
	h.receive(w, r, src, l)
}

// receive reads the body, takes a place and lets the source's kind understand it.
func (h *Handler) receive(w http.ResponseWriter, r *http.Request, src source, l *lane) {
	limit := int64(MaxBody)
	if src.Kind == "sns" {
		limit = MaxMessage
	}
	body, err := l.read(w, r, limit)
	if err != nil {
		h.unread(w, src.Name, err)
		return
	}
	defer l.release(body)
	if !l.enter(r.Context()) {
		h.unread(w, src.Name, errBusy)
		return
	}
	defer l.leave()
	ctx, cancel := context.WithTimeout(r.Context(), acceptTime)
	defer cancel()
	if src.Kind == "sns" {
		h.sns(ctx, w, r, src, body.Bytes())
		return
	}
	batch, err := ParseAlertmanager(body.Bytes(), src.Name)
	h.finish(ctx, w, src.Name, batch, err)
}

// unread answers a request whose body was not taken.
func (h *Handler) unread(w http.ResponseWriter, name string, err error) {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		h.o.Observe(name, "too_large")
		h.o.Log.Error("body too large", zap.String("source", name), zap.Int64("limit_bytes", large.Limit))
		refuse(w, http.StatusRequestEntityTooLarge, "the body is too large", "set max_alerts in Alertmanager's webhook_configs")
		return
	}
	h.o.Observe(name, "unavailable")
	h.o.Log.Warn("body not taken; the sender is told to come again", zap.String("source", name), zap.Error(err))
	later(w, "the request could not be taken now")
}

// bad is a mistake of the sender that trying again does not mend.
type bad struct{ message, hint string }

func (b *bad) Error() string { return b.message }

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
		now := h.o.Now()
		settle(b.Alerts, now)
		err = h.o.Accept(ctx, b, now)
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

// settle puts the instant of receipt where a sender's is missing or cannot be.
func settle(alerts []alert.Alert, now time.Time) {
	for i := range alerts {
		a := &alerts[i]
		if a.StartsAt.IsZero() || a.StartsAt.Sub(now) > maxAhead {
			a.StartsAt = now.UTC()
		}
		if a.EndsAt.Sub(now) > maxAhead {
			a.EndsAt = now.UTC()
		}
	}
}

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
