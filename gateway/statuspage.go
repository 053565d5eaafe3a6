package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"pagerd/gateway/statuspage"
)

// statusPath is where the public status page is.
const statusPath = statuspage.Path

// statusPolicy is what a browser may do with the public pages: take our style sheet, and send our form to us.
const statusPolicy = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

// freshFor is how long a rendering, or that there is none, is given to everybody who asks: what strangers cost does not grow
// with their number. renderTime is how long one may take.
const (
	freshFor   = 5 * time.Second
	renderTime = 2 * time.Second
)

// publicPage serves the status page. It is off unless components are configured.
type publicPage struct {
	g      *Gateway
	render func(ctx context.Context, base string, now time.Time) (map[string]file, error)

	mu     sync.Mutex
	files  map[string]file
	failed error // of the newest rendering
	until  time.Time
	tried  string // hash of the configuration that it was rendered with
}

func newPublicPage(g *Gateway) *publicPage { return &publicPage{g: g, render: g.renderStatus} }

type file struct {
	kind string
	body []byte
	tag  string
}

// ServeHTTP gives one of the page's four files.
func (p *publicPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if len(p.g.config.Load().StatusPage.Components) == 0 {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "this is only read", http.StatusMethodNotAllowed)
		return
	}
	f, ok, err := p.file(r.Context(), strings.TrimPrefix(r.URL.Path, statusPath))
	switch {
	case err != nil:
		p.g.log.Warn("the status page cannot be rendered", zap.Error(err))
		w.Header().Set("Retry-After", "5")
		http.Error(w, "please try again in a moment", http.StatusServiceUnavailable)
		return
	case !ok:
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("ETag", f.tag)
	h.Set("Cache-Control", "public, max-age=5")
	h.Set("Content-Security-Policy", statusPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	if r.Header.Get("If-None-Match") == f.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(f.body) // an error is the reader's connection
}

// file returns a rendering, a fresh one if the last is too old. While the store is gone the last one is given. It is made
// for everybody, so that one who hangs up cannot spoil it.
func (p *publicPage) file(ctx context.Context, name string) (file, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, cfg := p.g.now(), p.g.config.Load()
	if now.After(p.until) || cfg.Hash != p.tried {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), renderTime)
		defer cancel()
		files, err := p.render(ctx, cfg.PublicURL, now)
		if err == nil || cfg.Hash != p.tried { // what another configuration showed is not shown any more
			p.files = files
		}
		p.failed, p.until, p.tried = err, now.Add(freshFor), cfg.Hash
	}
	if p.files == nil {
		return file{}, false, p.failed
	}
	f, ok := p.files[name]
	return f, ok, nil
}

func (g *Gateway) renderStatus(ctx context.Context, base string, now time.Time) (map[string]file, error) {
	page, err := g.engine.StatusPage(ctx, strings.TrimSuffix(base, "/")+strings.TrimSuffix(statusPath, "/"), now)
	if err != nil {
		return nil, err
	}
	out := map[string]file{}
	for _, f := range []struct {
		name, kind string
		render     func() ([]byte, error)
	}{{"", "text/html; charset=utf-8", page.HTML}, {"feed.atom", "application/atom+xml; charset=utf-8", page.Atom}, {"status.json", "application/json", page.JSON},
		{"style.css", "text/css; charset=utf-8", func() ([]byte, error) { return statuspage.Stylesheet(), nil }}} {
		body, err := f.render()
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(body)
		out[f.name] = file{f.kind, body, `"` + hex.EncodeToString(sum[:8]) + `"`}
	}
	return out, nil
}
