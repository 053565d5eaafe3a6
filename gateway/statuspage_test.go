package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pagerd/config"
)

// TestThePublicReadsWhatCustomersWereToldAndNothingElse goes through the public listener, without a credential.
func TestThePublicReadsWhatCustomersWereToldAndNothingElse(t *testing.T) {
	f := newFleet(t)
	store := func() string { return fmt.Sprintf("{path: %q}", filepath.Join(t.TempDir(), "pagerd.db")) }
	off := f.start("a", store(), nil)
	if status, _ := f.do(http.MethodGet, "http://"+off.g.PublicAddr()+"/status-page/", "", ""); status != http.StatusNotFound {
		t.Errorf("a page that is not configured is answered %d", status)
	}
	cfg := f.config("b", store(), f.free())
	cfg.StatusPage = config.StatusPage{Title: "Status of Example", Components: map[string]string{"checkout": "Checkout and payment"}}
	m := f.run(cfg, nil)
	base := "http://" + m.g.PublicAddr()
	for _, act := range []struct{ path, body string }{
		{"/api/v1/incidents", `{"service": "checkout", "severity": "SEV-1", "summary": "Down: the database of billing"}`},
		{"/api/v1/incidents/1001/updates", `{"audience": "stakeholders", "state": "identified", "text": "internal words"}`},
		{"/api/v1/incidents/1001/updates", `{"audience": "customers", "state": "identified", "text": "Payments by card fail."}`},
	} {
		if status, body := m.ops(http.MethodPost, act.path, act.body); status != http.StatusOK {
			t.Fatalf("%s: %d %s", act.path, status, body)
		}
	}
	for _, name := range []string{"", "feed.atom", "status.json"} {
		status, body := f.do(http.MethodGet, base+"/status-page/"+name, "", "")
		if status != http.StatusOK || !strings.Contains(body, "Payments by card fail.") || !strings.Contains(body, "Checkout and payment") {
			t.Errorf("%q: %d %s", name, status, body)
		}
		for _, private := range []string{"internal words", "1001", "Down", "billing", "SEV", "ana"} {
			if strings.Contains(body, private) {
				t.Errorf("%q: %q is told to everybody", name, private)
			}
		}
	}
	for path, want := range map[string]int{"style.css": http.StatusOK, "other": http.StatusNotFound, "../v1/": http.StatusNotFound} {
		if status, _ := f.do(http.MethodGet, base+"/status-page/"+path, "", ""); status != want {
			t.Errorf("%s: %d", path, status)
		}
	}
	if status, _ := f.do(http.MethodPost, base+"/status-page/", "", "{}"); status != http.StatusMethodNotAllowed {
		t.Errorf("a POST is answered %d", status)
	}
}

// TestWhatStrangersAskForIsRenderedOnceForAll: neither their number, nor that they hang up, nor a store that is gone makes it
// more work or takes away what there was.
func TestWhatStrangersAskForIsRenderedOnceForAll(t *testing.T) {
	clock := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	g := &Gateway{now: func() time.Time { return clock }}
	g.config.Store(&config.Config{Hash: "1"})
	renders, gone := 0, false
	p := newPublicPage(g)
	p.render = func(ctx context.Context, _ string, _ time.Time) (map[string]file, error) {
		renders++
		if gone {
			return nil, errors.New("the store is gone")
		}
		return map[string]file{"": {body: []byte(fmt.Sprint(renders))}}, ctx.Err()
	}
	look := func(ctx context.Context) string {
		f, _, err := p.file(ctx, "")
		if err != nil {
			return "error"
		}
		return string(f.body)
	}
	hungUp, hangUp := context.WithCancel(t.Context())
	hangUp()
	for range 10 {
		if got := look(hungUp); got != "1" {
			t.Errorf("got %s", got)
		}
	}
	gone, clock = true, clock.Add(6*time.Second)
	for range 10 {
		if got := look(t.Context()); got != "1" {
			t.Errorf("without the store: %s", got)
		}
	}
	if renders != 2 {
		t.Errorf("rendered %d times", renders)
	}
	g.config.Store(&config.Config{Hash: "2"}) // another configuration may show less
	for range 10 {
		if got := look(t.Context()); got != "error" {
			t.Errorf("by the old configuration: %s", got)
		}
	}
	if renders != 3 {
		t.Errorf("rendered %d times", renders)
	}
	gone, clock = false, clock.Add(6*time.Second)
	if got := look(t.Context()); got != "4" {
		t.Errorf("got %s", got)
	}
}
