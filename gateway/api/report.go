package api

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"pagerd/gateway/report"
	"pagerd/gateway/store"
	"pagerd/schedule"
)

// firstYear is the first one in which facts can have been kept: there was no pagerd before.
const firstYear = 2026

func (s *server) showFacts(w http.ResponseWriter, r *http.Request) error {
	facts, err := s.facts(r.Context())
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, facts)
	return nil
}

func (s *server) showReport(w http.ResponseWriter, r *http.Request) error {
	review, zone, err := s.review(r, r.PathValue("kind"))
	if err != nil {
		return err
	}
	var b bytes.Buffer
	switch format := r.URL.Query().Get("format"); format {
	case "", "json":
		writeJSON(w, http.StatusOK, review)
		return nil
	case "md":
		w.Header().Set("Content-Type", "text/markdown; charset=utf-8")
		err = report.Markdown(&b, review, zone)
	case "html":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
		err = report.HTML(&b, review, zone, report.Links{})
	default:
		return &fault{status: http.StatusBadRequest, message: fmt.Sprintf("format=%q", format), hint: "json, md or html"}
	}
	if err != nil {
		return err
	}
	_, _ = w.Write(b.Bytes())
	return nil
}

// reportPage is the web's view. It needs no token, as the status page does; who was rung how often is for those who have one.
func (s *server) reportPage(w http.ResponseWriter, r *http.Request) error {
	kind := cmp.Or(r.URL.Query().Get("kind"), string(report.Monthly))
	review, zone, err := s.review(r, kind)
	if err != nil {
		return err
	}
	review.Load = nil
	before, after := review.Period.Before(zone), review.Period.After(zone)
	link := func(path string, q url.Values) string { return path + "?" + q.Encode() }
	show := func(p report.Period) string { return link("/report", url.Values{"kind": {kind}, "date": {p.Day}}) }
	l := report.Links{CSS: reportCSS(), Status: "/status", Before: show(before), BeforeName: before.Name, After: show(after), AfterName: after.Name,
		Month: "/report", Week: link("/report", url.Values{"kind": {"weekly"}}), Day: link("/report", url.Values{"kind": {"daily"}})}
	var b bytes.Buffer
	if err := report.HTML(&b, review, zone, l); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Frame-Options", "DENY")
	_, _ = w.Write(b.Bytes())
	return nil
}

// reportCSS is the style sheet's path with its digest, so that a new version is never hidden by a cache.
func reportCSS() string {
	sum := sha256.Sum256([]byte(report.StyleSheet()))
	return "/report.css?" + hex.EncodeToString(sum[:6])
}

func (s *server) reportStyle(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=86400")
	_, _ = w.Write([]byte(report.StyleSheet()))
	return nil
}

// review makes the report of a kind for the period that the request's date names.
func (s *server) review(r *http.Request, word string) (report.Review, *time.Location, error) {
	kind, err := report.ParseKind(word)
	if err != nil {
		return report.Review{}, nil, &fault{status: http.StatusNotFound, message: err.Error()}
	}
	zone, now := report.ZoneOf(s.Config().Book), s.Now()
	period := report.Last(kind, now, zone)
	if text := r.URL.Query().Get("date"); text != "" {
		day, err := ReportDay(text)
		if err != nil {
			return report.Review{}, nil, &fault{status: http.StatusBadRequest, message: err.Error(), hint: "2026-03-04, or 2026-03 for a month"}
		}
		period = report.PeriodOf(kind, day, zone)
	}
	facts, err := s.facts(r.Context())
	if err != nil {
		return report.Review{}, nil, err
	}
	return report.New(period, facts, now, zone), zone, nil
}

// ReportDay reads a day, or a month as its first day.
func ReportDay(text string) (schedule.Date, error) {
	if len(text) == len("2026-03") {
		text += "-01"
	}
	return schedule.ParseDate(text)
}

// facts gathers what is known of every incident and page: from the store what it holds, and what was kept of incidents that
// are gone from it. What is damaged is left out.
func (s *server) facts(ctx context.Context) (report.Facts, error) {
	book := s.Config().Book
	zone := report.ZoneOf(book)
	out := report.Facts{Format: report.Format, Zone: zone.String(), Incidents: []report.Fact{}, Pages: []report.PageFact{}}
	zoneOf := func(person string) *time.Location {
		if p, ok := book.People[person]; ok && p.Zone != nil {
			return p.Zone
		}
		return zone
	}
	known := map[int64]bool{}
	for f := (store.Filter{Limit: maxList}); ; {
		list, err := s.Store.Incidents(ctx, f)
		if err != nil && !errors.Is(err, store.ErrDamaged) {
			return out, fmt.Errorf("read incidents for a report: %w", err)
		}
		for _, in := range list {
			out.Incidents = append(out.Incidents, report.Of(in, zone))
			known[in.Number] = true
			f.Before = in.Number
		}
		if len(list) < f.Limit {
			break
		}
	}
	for year := firstYear; year <= s.Now().Year(); year++ {
		entries, err := s.Store.Timeline(ctx, report.KeptIn(year))
		if err != nil {
			return out, fmt.Errorf("read the facts of %d: %w", year, err)
		}
		kept, err := report.Kept(entries)
		if err != nil {
			return out, err
		}
		for _, f := range kept {
			if !known[f.Number] {
				out.Incidents = append(out.Incidents, f)
			}
		}
	}
	for f := (store.Filter{Limit: maxList}); ; {
		list, err := s.Store.Pages(ctx, f)
		if err != nil && !errors.Is(err, store.ErrDamaged) {
			return out, fmt.Errorf("read pages for a report: %w", err)
		}
		for _, p := range list {
			out.Pages = append(out.Pages, report.OfPage(p, zone, zoneOf))
			f.Before = p.Number
		}
		if len(list) < f.Limit {
			break
		}
	}
	slices.SortFunc(out.Incidents, func(a, b report.Fact) int { return cmp.Compare(a.Number, b.Number) })
	slices.SortFunc(out.Pages, func(a, b report.PageFact) int { return cmp.Compare(a.Number, b.Number) })
	return out, nil
}
