// Package api serves the doors for operators: health and readiness probes, metrics, the status page and the JSON API,
// and it is the API's Go client.
//
// It promises that every route of the API needs a token of the role written beside it in one table, that every error is
// a JSON object with a sentence and, where there is one, a hint, and that no screen or answer holds a whole telephone
// number. It serves no redirects.
package api

import (
	"net/http"
	"path"
	"time"

	"go.uber.org/zap"

	"pagerd/config"
	"pagerd/gateway/engine"
	"pagerd/gateway/metric"
	"pagerd/gateway/store"
)

// Options are what the handler needs. Engine, Store, Config, Metrics and Now are required.
type Options struct {
	Engine *engine.Engine
	Store  store.Store
	Shared *Shared // nil = the embedded store
	// Unusable says since when the store is unusable and why; nil = nobody watches it.
	Unusable func() (since time.Time, reason string)
	Config   func() *config.Config // asked on every request: tokens of a reloaded configuration hold at once
	Metrics  *metric.Set
	Now      func() time.Time // wall clock
	Version  string
	Log      *zap.Logger  // nil = silent
	Reload   func() error // nil = the API cannot reload
}

// server is the handler's state; it holds nothing that a request changes.
type server struct {
	Options
	mux    *http.ServeMux
	screen screen
}

// New returns the handler of the operators' listener. It sets no timeouts: those are the listener's.
func New(o Options) http.Handler {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	s := &server{Options: o, mux: http.NewServeMux(), screen: newScreen()}
	for _, r := range routes() {
		s.mux.Handle(r.method+" "+r.path, s.guard(r))
	}
	csrf := http.NewCrossOriginProtection()
	csrf.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeFault(w, &fault{status: http.StatusForbidden, message: "a web page of another site sent this request",
			hint: "use the command line or the API with a token"})
	}))
	return csrf.Handler(http.HandlerFunc(s.serve))
}

// serve answers what no route takes with the API's own errors, and never redirects.
func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if _, pattern := s.mux.Handler(r); pattern != "" && path.Clean(r.URL.Path) == r.URL.Path {
		s.mux.ServeHTTP(w, r)
		return
	}
	if allowed := s.allowed(r); len(allowed) > 0 {
		for _, method := range allowed {
			h.Add("Allow", method)
		}
		writeFault(w, &fault{status: http.StatusMethodNotAllowed, message: r.Method + " is not for this path",
			hint: "the document at /api/v1/openapi.yaml says what is"})
		return
	}
	writeFault(w, &fault{status: http.StatusNotFound, message: "there is nothing at this path",
		hint: "/status is the status page; /api/v1/openapi.yaml describes the API"})
}

// allowed returns the methods that the request's path has.
func (s *server) allowed(r *http.Request) []string {
	var methods []string
	for _, m := range []string{http.MethodGet, http.MethodPost} {
		probe := &http.Request{Method: m, URL: r.URL, Host: r.Host}
		if _, pattern := s.mux.Handler(probe); pattern != "" && path.Clean(r.URL.Path) == r.URL.Path {
			methods = append(methods, m)
		}
	}
	return methods
}
