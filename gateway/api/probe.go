package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"pagerd/gateway/metric"
	"pagerd/gateway/replica"
)

// probeTime bounds what a probe asks of the store: an orchestrator's own timeout is one second by default.
const probeTime = 900 * time.Millisecond

// healthz says that the process lives and serves; it asks nothing of the store, because a restart mends no disk.
func (s *server) healthz(w http.ResponseWriter, _ *http.Request) error {
	plain(w, http.StatusOK, "ok")
	return nil
}

// readyz says whether an alert can be accepted durably.
func (s *server) readyz(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), probeTime)
	defer cancel()
	var why []string
	if err := s.Engine.Ready(ctx); err != nil {
		why = []string{err.Error()}
	}
	readiness(w, r, why, s.warnings())
	return nil
}

// readyzPage says whether somebody can be paged now, and every reason why not.
func (s *server) readyzPage(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), probeTime)
	defer cancel()
	// What keeps this replica from sending is among the reasons already.
	why := s.Engine.CannotPage(ctx, s.Now().UTC())
	readiness(w, r, why, slices.DeleteFunc(s.warnings(), func(w string) bool { return slices.Contains(why, w) }))
	return nil
}

// Readiness is a probe's answer in JSON.
type Readiness struct {
	Ready   bool     `json:"ready"`
	Reasons []string `json:"reasons"` // why not; empty when ready
	// Warnings keep nothing from being ready: a replica whose clock is off still accepts, a relaxed store may lose.
	Warnings []string `json:"warnings,omitempty"`
}

func readiness(w http.ResponseWriter, r *http.Request, why, warnings []string) {
	status := http.StatusOK
	if len(why) > 0 {
		status = http.StatusServiceUnavailable
	}
	if wantsJSON(r) {
		writeJSON(w, status, Readiness{Ready: len(why) == 0, Reasons: append([]string{}, why...), Warnings: warnings})
		return
	}
	lines := why
	if len(why) == 0 {
		lines = append([]string{"ready"}, warnings...)
	}
	for i, line := range lines {
		lines[i] = clean(line)
	}
	plain(w, status, strings.Join(lines, "\n"))
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintln(w, text)
}

// wantsJSON reports whether the caller asked for JSON: by ?format=json, or by an Accept that names it and not HTML.
func wantsJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return r.URL.Query().Get("format") == "json" ||
		strings.Contains(accept, "application/json") && !strings.Contains(accept, "text/html")
}

// metrics measures what is a state rather than an event, then serves the registry.
func (s *server) metrics(w http.ResponseWriter, r *http.Request) error {
	s.observe(r.Context())
	promhttp.HandlerFor(s.Metrics.Registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
	return nil
}

// observe sets the gauges that are asked for rather than counted.
func (s *server) observe(ctx context.Context) {
	now := s.Now().UTC()
	s.Metrics.Ready.WithLabelValues("accept").Set(yes(s.Engine.Ready(ctx) == nil))
	s.Metrics.Ready.WithLabelValues("page").Set(yes(len(s.Engine.CannotPage(ctx, now)) == 0))
	s.Metrics.OldestDue.Set(s.Engine.Late(ctx, now).Seconds())
	if s.Unusable != nil {
		unusable := 0.0
		if since, _ := s.Unusable(); !since.IsZero() {
			unusable = now.Sub(since).Seconds()
		}
		s.Metrics.Unusable.Set(unusable)
	}
	if s.Shared != nil {
		s.observeShared()
	}
}

// observeShared sets the gauges of a store that replicas share.
func (s *server) observeShared() {
	st := s.Shared.Replicas()
	s.Metrics.Replicas.Set(float64(len(st.Replicas)))
	s.Metrics.Offset.Set(st.Offset.Seconds())
	s.Metrics.Held.Set(yes(s.Shared.Hold() != ""))
	s.Metrics.Skew.Set(yes(len(replica.Skew(st.Replicas)) > 0))
	found := map[string]bool{}
	for _, f := range s.Shared.Findings() {
		found[metric.Setting(f.Setting)] = true
	}
	for _, setting := range metric.Settings() {
		s.Metrics.Findings.WithLabelValues(setting).Set(yes(found[setting]))
	}
}

func yes(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
