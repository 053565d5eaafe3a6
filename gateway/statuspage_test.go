package gateway

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

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
