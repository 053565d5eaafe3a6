package api

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"pagerd/gateway/report"
	"pagerd/schedule"
)

func (s *server) showFacts(w http.ResponseWriter, r *http.Request) error {
	facts, err := s.Engine.Facts(r.Context(), s.Now())
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
	review.Load, review.TimeOff = nil, nil
	before, after := review.Period.Before(zone), review.Period.After(zone)
	link := func(path string, q url.Values) string { return path + "?" + q.Encode() }
	show := func(p report.Period) string { return link("/report", url.Values{"kind": {kind}, "date": {p.Day}}) }
	l := report.Links{CSS: reportCSS(), Status: "/status", Before: show(before), BeforeName: before.Name, After: show(after), AfterName: after.Name,
		Quarter: link("/report", url.Values{"kind": {"quarterly"}}), Month: "/report", Week: link("/report", url.Values{"kind": {"weekly"}}), Day: link("/report", url.Values{"kind": {"daily"}})}
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
	facts, err := s.Engine.Facts(r.Context(), s.Now())
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
