package api

import (
	"context"
	"fmt"
	"net/http"

	"pagerd/gateway/checklist"
)

// Checklist is the lists of an incident that hold in its present state.
type Checklist struct {
	Incident int64            `json:"incident"`
	Code     string           `json:"code,omitempty"` // what a tick came to: a word of the closed list of answers
	Items    []checklist.Line `json:"items"`
}

func (s *server) showChecklist(w http.ResponseWriter, r *http.Request) error {
	n, err := number(r)
	if err != nil {
		return err
	}
	return s.tellChecklist(w, r.Context(), n, "")
}

func (s *server) tick(w http.ResponseWriter, r *http.Request) error {
	a, sum, err := readAct(r, "item", "off")
	if err != nil {
		return err
	}
	n, err := number(r)
	if err != nil {
		return err
	}
	item, err := required("item", a.Item)
	if err != nil {
		return err
	}
	code, err := s.Engine.MarkItem(r.Context(), n, item, a.Off, actor(r, sum), s.Now().UTC())
	if err != nil {
		return err
	}
	return s.tellChecklist(w, r.Context(), n, code)
}

func (s *server) tellChecklist(w http.ResponseWriter, ctx context.Context, n int64, code checklist.Answer) error {
	lines, err := s.Engine.Checklist(ctx, n)
	if err != nil {
		return err
	}
	if lines == nil {
		lines = []checklist.Line{}
	}
	writeJSON(w, http.StatusOK, Checklist{Incident: n, Code: string(code), Items: lines})
	return nil
}

// Checklist reads the lists of an incident.
func (c *Client) Checklist(ctx context.Context, number int64) (Checklist, error) {
	return get[Checklist](ctx, c, fmt.Sprintf("/api/v1/incidents/%d/checklist", number))
}

// Tick ticks an item of an incident's lists; off takes the tick back.
func (c *Client) Tick(ctx context.Context, number int64, item string, off bool) (Checklist, error) {
	return post[Checklist](ctx, c, fmt.Sprintf("/api/v1/incidents/%d/tick", number), Act{Item: item, Off: off})
}
