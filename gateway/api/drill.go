package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"pagerd/gateway/engine"
)

// beginDrill rings people for practice.
func (s *server) beginDrill(w http.ResponseWriter, r *http.Request) error {
	a, sum, err := readAct(r, "service", "severity", "text", "all_hands")
	if err != nil {
		return err
	}
	if len([]rune(a.Text)) > maxText || len([]rune(a.Service)) > 100 {
		return &fault{status: http.StatusUnprocessableEntity, message: "service or text is too long", hint: "at most 100 and 2000 characters"}
	}
	p, err := s.Engine.Drill(r.Context(), engine.Exercise{By: actor(r, sum), Severity: a.Severity, Service: strings.TrimSpace(a.Service),
		Note: strings.TrimSpace(a.Text), AllHands: a.AllHands}, s.Now().UTC())
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, viewPage(p))
	return nil
}

// scoreDrill says what a drill came to.
func (s *server) scoreDrill(w http.ResponseWriter, r *http.Request) error {
	n, err := number(r)
	if err != nil {
		return err
	}
	score, err := s.Engine.ScoreDrill(r.Context(), n, s.Now().UTC())
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, score)
	return nil
}

// DrillScore says what a drill came to.
func (c *Client) DrillScore(ctx context.Context, number int64) (engine.DrillScore, error) {
	return get[engine.DrillScore](ctx, c, fmt.Sprintf("/api/v1/drills/%d", number))
}

// Drill begins a drill.
func (c *Client) Drill(ctx context.Context, a Act) (Page, error) {
	return post[Page](ctx, c, "/api/v1/drills", a)
}
