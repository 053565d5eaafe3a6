package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/zap"

	"pagerd/config"
)

// roleTable says for every route, by hand and apart from the routes' own table, who may use it.
func roleTable() map[string]role {
	return map[string]role{
		"GET /healthz":             anyone,
		"GET /readyz":              anyone,
		"GET /readyz/page":         anyone,
		"GET /metrics":             anyone,
		"GET /{$}":                 anyone,
		"GET /status":              anyone,
		"GET /status.css":          anyone,
		"GET /report":              anyone,
		"GET /report.css":          anyone,
		"GET /api/v1/openapi.yaml": anyone,

		"GET /api/v1/version":        viewer,
		"GET /api/v1/oncall":         viewer,
		"GET /api/v1/pages":          viewer,
		"GET /api/v1/pages/{n}":      viewer,
		"GET /api/v1/incidents":      viewer,
		"GET /api/v1/incidents/{n}":  viewer,
		"GET /api/v1/reports/facts":  viewer,
		"GET /api/v1/reports/{kind}": viewer,

		"POST /api/v1/pages/acknowledge":       responder,
		"POST /api/v1/pages/resolve":           responder,
		"POST /api/v1/pages/{n}/acknowledge":   responder,
		"POST /api/v1/pages/{n}/unacknowledge": responder,
		"POST /api/v1/pages/{n}/resolve":       responder,
		"POST /api/v1/pages/{n}/escalate":      responder,
		"POST /api/v1/pages/{n}/note":          responder,
		"POST /api/v1/pages/{n}/noise":         responder,
		"POST /api/v1/pages/{n}/severity":      responder,
		"POST /api/v1/incidents/{n}/mitigate":  responder,
		"POST /api/v1/incidents/{n}/resolve":   responder,
		"POST /api/v1/incidents/{n}/dismiss":   responder,

		"GET /api/v1/severities":              viewer,
		"POST /api/v1/incidents":              responder,
		"GET /api/v1/drills/{n}":              viewer,
		"POST /api/v1/drills":                 responder,
		"POST /api/v1/incidents/{n}/confirm":  responder,
		"POST /api/v1/incidents/{n}/severity": responder,
		"POST /api/v1/incidents/{n}/phase":    responder,
		"POST /api/v1/incidents/{n}/note":     responder,
		"POST /api/v1/incidents/{n}/describe": responder,
		"POST /api/v1/incidents/{n}/assign":   responder,
		"POST /api/v1/incidents/{n}/call":     responder,
		"POST /api/v1/incidents/{n}/merge":    responder,
		"POST /api/v1/incidents/{n}/move":     responder,
		"POST /api/v1/incidents/{n}/import":   responder,
		"GET /api/v1/incidents/{n}/checklist": viewer,
		"POST /api/v1/incidents/{n}/tick":     responder,
		"GET /api/v1/incidents/{n}/updates":   viewer,
		"POST /api/v1/incidents/{n}/updates":  responder,
		"GET /api/v1/subscribers":             admin,
		"POST /api/v1/subscribers/remove":     admin,

		"GET /api/v1/postmortems":              viewer,
		"GET /api/v1/postmortems/{n}":          viewer,
		"GET /api/v1/postmortems/{n}/agenda":   viewer,
		"POST /api/v1/postmortems/{n}/begin":   responder,
		"POST /api/v1/postmortems/{n}/edit":    responder,
		"POST /api/v1/postmortems/{n}/review":  responder,
		"POST /api/v1/postmortems/{n}/meeting": responder,
		"POST /api/v1/postmortems/{n}/assign":  responder,
		"POST /api/v1/postmortems/{n}/publish": responder,
		"POST /api/v1/postmortems/{n}/waive":   admin,
		"GET /api/v1/actions":                  viewer,
		"GET /api/v1/actions/{n}":              viewer,
		"POST /api/v1/actions":                 responder,
		"POST /api/v1/actions/{n}/done":        responder,
		"POST /api/v1/actions/{n}/drop":        responder,
		"POST /api/v1/actions/{n}/change":      responder,
		"POST /api/v1/actions/{n}/resend":      responder,

		"GET /api/v1/audit":          viewer,
		"GET /api/v1/store":          viewer,
		"POST /api/v1/store/upgrade": admin,

		"POST /api/v1/reload": admin,
	}
}

func TestEveryRouteIsGuardedByTheRoleThatTheTableSays(t *testing.T) {
	want := roleTable()
	cfg := &config.Config{Tokens: []config.Token{
		{Name: "v", Secret: "viewer-secret", Role: "viewer"},
		{Name: "r", Secret: "responder-secret", Role: "responder"},
		{Name: "a", Secret: "admin-secret", Role: "admin"},
		{Name: "odd", Secret: "odd-secret", Role: "root"},
		{Name: "empty", Secret: "", Role: "admin"},
	}}
	callers := []struct {
		header string
		known  bool
		role   role
	}{
		{"", false, anyone},
		{"Bearer ", false, anyone},
		{"Bearer wrong", false, anyone},
		{"Basic viewer-secret", false, anyone},
		{"Bearer odd-secret", true, anyone},
		{"Bearer viewer-secret", true, viewer},
		{"bearer responder-secret", true, responder},
		{"Bearer admin-secret", true, admin},
	}
	for _, rt := range routes() {
		name := rt.method + " " + rt.path
		need, ok := want[name]
		if !ok {
			t.Errorf("%s is a new route: say in the table of this test who may use it", name)
			continue
		}
		delete(want, name)
		for _, c := range callers {
			reached := false
			open := rt
			open.handle = func(_ *server, _ http.ResponseWriter, _ *http.Request) error { reached = true; return nil }
			s := &server{Options: Options{Config: func() *config.Config { return cfg }, Log: zap.NewNop()}}
			r := httptest.NewRequest(rt.method, strings.ReplaceAll(strings.TrimSuffix(rt.path, "{$}"), "{n}", "1042"), nil)
			r.Header.Set("Authorization", c.header)
			w := httptest.NewRecorder()
			s.guard(open).ServeHTTP(w, r)
			wantStatus := http.StatusOK
			switch {
			case need == anyone:
			case !c.known:
				wantStatus = http.StatusUnauthorized
			case c.role < need:
				wantStatus = http.StatusForbidden
			}
			if w.Code != wantStatus || reached != (wantStatus == http.StatusOK) {
				t.Errorf("%s with %q: answered %d, reached %v; want %d", name, c.header, w.Code, reached, wantStatus)
			}
		}
	}
	for name := range want {
		t.Errorf("%s is in the table and no route", name)
	}
}

func TestWithoutTokensTheAPIIsClosedAndSaysHowToOpenIt(t *testing.T) {
	for _, rt := range routes() {
		s := &server{Options: Options{Config: func() *config.Config { return &config.Config{} }, Log: zap.NewNop()}}
		reached := false
		open := rt
		open.handle = func(_ *server, _ http.ResponseWriter, _ *http.Request) error { reached = true; return nil }
		r := httptest.NewRequest(rt.method, "/", nil)
		r.Header.Set("Authorization", "Bearer ")
		w := httptest.NewRecorder()
		s.guard(open).ServeHTTP(w, r)
		switch {
		case rt.role == anyone && !reached:
			t.Errorf("%s is not served without tokens", rt.path)
		case rt.role != anyone && (reached || w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "tokens:")):
			t.Errorf("%s without tokens: %d %s", rt.path, w.Code, w.Body)
		}
	}
}
