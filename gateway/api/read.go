package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"pagerd/gateway/page"
	"pagerd/gateway/store"
)

const (
	maxList   = 500  // objects in one answer
	maxAlerts = 500  // alerts of a page in one answer
	maxOpen   = 5000 // open pages that are counted; beyond, the figure is "at least"
)

func (s *server) listPages(w http.ResponseWriter, r *http.Request) error {
	f, err := filter(r)
	if err != nil {
		return err
	}
	pages, err := s.Store.Pages(r.Context(), f)
	if err != nil && !errors.Is(err, store.ErrDamaged) {
		return fmt.Errorf("list pages: %w", err)
	}
	out := PageList{Pages: []Page{}, Damaged: damage(err)}
	for _, p := range pages {
		out.Pages = append(out.Pages, viewPage(p))
	}
	if len(pages) == f.Limit {
		out.Before = pages[len(pages)-1].Number
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func (s *server) showPage(w http.ResponseWriter, r *http.Request) error {
	p, err := s.loadPage(r)
	if err != nil {
		return err
	}
	out := PageDetail{Page: viewPage(p), Deliveries: []Delivery{}, Alerts: []Alert{}}
	if out.Timeline, err = s.Store.Timeline(r.Context(), fmt.Sprintf("page/%d", p.Number)); err != nil {
		return fmt.Errorf("load the timeline of page %d: %w", p.Number, err)
	}
	deliveries, err := s.Store.Deliveries(r.Context(), p.Number)
	if err != nil {
		return fmt.Errorf("load the deliveries of page %d: %w", p.Number, err)
	}
	cfg := s.Config()
	for _, d := range deliveries {
		out.Deliveries = append(out.Deliveries, viewDelivery(cfg, d))
	}
	alerts, err := s.Store.PageAlerts(r.Context(), p.Number, maxAlerts)
	if err != nil {
		return fmt.Errorf("load the alerts of page %d: %w", p.Number, err)
	}
	for _, a := range alerts {
		out.Alerts = append(out.Alerts, viewAlert(a))
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func (s *server) listIncidents(w http.ResponseWriter, r *http.Request) error {
	f, err := filter(r)
	if err != nil {
		return err
	}
	incidents, err := s.Store.Incidents(r.Context(), f)
	if err != nil && !errors.Is(err, store.ErrDamaged) {
		return fmt.Errorf("list incidents: %w", err)
	}
	out := IncidentList{Incidents: []Incident{}, Damaged: damage(err)}
	for _, in := range incidents {
		out.Incidents = append(out.Incidents, viewIncident(in))
	}
	if len(incidents) == f.Limit {
		out.Before = incidents[len(incidents)-1].Number
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func (s *server) showIncident(w http.ResponseWriter, r *http.Request) error {
	n, err := number(r)
	if err != nil {
		return err
	}
	out, err := s.incident(r.Context(), n)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func (s *server) incident(ctx context.Context, n int64) (IncidentDetail, error) {
	in, err := s.Store.Incident(ctx, n)
	if errors.Is(err, store.ErrNotFound) {
		return IncidentDetail{}, &fault{status: http.StatusNotFound, message: fmt.Sprintf("there is no incident %d", n),
			hint: "an incident begins when a page is acknowledged"}
	}
	if err != nil {
		return IncidentDetail{}, fmt.Errorf("load incident %d: %w", n, err)
	}
	entries, err := s.Store.Timeline(ctx, fmt.Sprintf("incident/%d", n))
	if err != nil {
		return IncidentDetail{}, fmt.Errorf("load the timeline of incident %d: %w", n, err)
	}
	return IncidentDetail{Incident: viewIncident(in), Timeline: entries}, nil
}

func (s *server) onCall(w http.ResponseWriter, r *http.Request) error {
	at := s.Now().UTC()
	if text := r.URL.Query().Get("at"); text != "" {
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return &fault{status: http.StatusBadRequest, message: fmt.Sprintf("at=%q is no instant", text), hint: "write it as 2026-03-01T09:00:00Z"}
		}
		at = t.UTC()
	}
	writeJSON(w, http.StatusOK, OnCallAt(s.Config().Book, at))
	return nil
}

func (s *server) version(w http.ResponseWriter, _ *http.Request) error {
	cfg := s.Config()
	writeJSON(w, http.StatusOK, VersionInfo{Version: s.Version, ConfigFile: cfg.File, ConfigHash: cfg.Hash})
	return nil
}

// loadPage loads the page that the path names.
func (s *server) loadPage(r *http.Request) (page.Page, error) {
	n, err := number(r)
	if err != nil {
		return page.Page{}, err
	}
	return s.page(r.Context(), n)
}

func (s *server) page(ctx context.Context, n int64) (page.Page, error) {
	p, err := s.Store.Page(ctx, n)
	if errors.Is(err, store.ErrNotFound) {
		return p, &fault{status: http.StatusNotFound, message: fmt.Sprintf("there is no page %d", n), hint: "pagerd page list shows the open ones"}
	}
	if err != nil {
		return p, fmt.Errorf("load page %d: %w", n, err)
	}
	return p, nil
}

// openPages returns the open pages, oldest first, at most maxOpen. With ErrDamaged it returns the readable ones too.
func (s *server) openPages(ctx context.Context) ([]page.Page, error) {
	var out []page.Page
	var damaged error
	f := store.Filter{Open: true, Limit: maxList}
	for len(out) < maxOpen {
		pages, err := s.Store.Pages(ctx, f)
		if err != nil && !errors.Is(err, store.ErrDamaged) {
			return nil, err
		}
		damaged = cmp.Or(damaged, err)
		out = append(out, pages...)
		if len(pages) < f.Limit {
			break
		}
		f.Before = pages[len(pages)-1].Number
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out, damaged
}

// number reads the {n} of the path.
func number(r *http.Request) (int64, error) {
	text := r.PathValue("n")
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, &fault{status: http.StatusNotFound, message: fmt.Sprintf("%q is no number", text), hint: "a page's number is what people reply with, such as 1042"}
	}
	return n, nil
}

// filter reads open, before and limit.
func filter(r *http.Request) (store.Filter, error) {
	f := store.Filter{Limit: 100}
	q := r.URL.Query()
	var err error
	if text := q.Get("open"); text != "" {
		if f.Open, err = strconv.ParseBool(text); err != nil {
			return f, &fault{status: http.StatusBadRequest, message: fmt.Sprintf("open=%q", text), hint: "true or false"}
		}
	}
	if text := q.Get("limit"); text != "" {
		if f.Limit, err = strconv.Atoi(text); err != nil || f.Limit < 1 || f.Limit > maxList {
			return f, &fault{status: http.StatusBadRequest, message: fmt.Sprintf("limit=%q", text), hint: fmt.Sprintf("1 to %d", maxList)}
		}
	}
	if text := q.Get("before"); text != "" {
		if f.Before, err = strconv.ParseInt(text, 10, 64); err != nil || f.Before < 1 {
			return f, &fault{status: http.StatusBadRequest, message: fmt.Sprintf("before=%q", text), hint: "a number; older ones are listed"}
		}
	}
	return f, nil
}

// damage is the sentence that names what could not be read, or nothing.
func damage(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
