// Package gateway puts the parts together: store, engine, providers and doors, from one configuration.
//
// It promises that what New opened Run closes, in reverse order; that a signal to stop lets requests and attempts under
// way finish; and that a reload which fails changes nothing.
package gateway

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"pagerd/config"
	"pagerd/gateway/api"
	"pagerd/gateway/engine"
	"pagerd/gateway/metric"
	"pagerd/gateway/store/boltstore"
	"pagerd/gateway/webhook"
	"pagerd/notify"
	"pagerd/notify/email"
	"pagerd/notify/twilio"
)

// Options are what a gateway needs.
type Options struct {
	Config     *config.Config
	ConfigFile string // read again by Reload
	Log        *zap.Logger
	Version    string
	// SNSTransport and SNSRoots stand in for Amazon in the demo; a configuration cannot set them.
	SNSTransport http.RoundTripper
	SNSRoots     *x509.CertPool
}

// Gateway is a running pagerd.
type Gateway struct {
	o       Options
	log     *zap.Logger
	config  atomic.Pointer[config.Config]
	engine  *engine.Engine
	hooks   *webhook.Handler
	twilio  *twilio.Client
	fatal   chan error
	public  *listener
	ops     *listener
	closers closers
}

// New opens the store and the listeners; nothing is served before Run. It is one straight line because it is the list of
// what pagerd consists of.
func New(o Options) (g *Gateway, err error) {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	g = &Gateway{o: o, log: o.Log, fatal: make(chan error, 1)}
	g.config.Store(o.Config)
	defer func() {
		if err != nil {
			err = errors.Join(err, g.closers.close())
		}
	}()
	cfg := o.Config

	st, err := boltstore.Open(boltstore.Options{Path: cfg.Store.Path,
		Fatal:  g.die,
		Report: func(err error) { o.Log.Error("store", zap.Error(err)) }})
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	g.closers.add("store", st.Close)

	senders := map[notify.Channel]engine.Sender{}
	if t := cfg.Notify.Twilio; t != nil {
		g.twilio, err = twilio.New(twilio.Options{AccountSID: t.AccountSID, AuthToken: string(t.AuthToken), From: t.From,
			BaseURL: t.BaseURL, PublicURL: cfg.PublicURL})
		if err != nil {
			return nil, err
		}
		senders[notify.SMS], senders[notify.Voice] = g.twilio.SMS(), g.twilio.Voice()
	}
	public, err := url.Parse(cfg.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("public_url: %w", err)
	}
	if m := cfg.Notify.SMTP; m != nil {
		senders[notify.Email], err = email.New(email.Options{Address: m.Address, TLS: m.TLS, Username: m.Username,
			Password: string(m.Password), From: m.From, Host: public.Hostname()})
		if err != nil {
			return nil, err
		}
	}
	key, err := linkKey(cfg)
	if err != nil {
		return nil, err
	}
	links := email.Links{Keys: [][]byte{key}}
	metrics := metric.New()
	g.engine, err = engine.New(context.Background(), engine.Options{Store: st, Config: g.config.Load, Senders: senders,
		Links: func(l engine.Link) string {
			return g.config.Load().PublicURL + "/r/" + links.Sign(email.Link{Delivery: l.Delivery, Person: l.Person, Pages: l.Pages,
				Rounds: l.Rounds, Expires: l.Expires.Unix()})
		},
		Metrics: metrics, Log: o.Log})
	if err != nil {
		return nil, fmt.Errorf("start the engine: %w", err)
	}
	g.hooks = webhook.New(webhook.Options{Sources: cfg.Sources, Accept: g.engine.Accept, Now: time.Now, Log: o.Log,
		Observe: func(source, result string) { metrics.Requests.WithLabelValues(source, result).Inc() },
		SNS:     webhook.NewSNS(o.SNSTransport, o.SNSRoots, time.Now)})

	g.public, err = listen("public", cfg.Public, g.publicDoors(links), o.Log)
	if err != nil {
		return nil, err
	}
	g.closers.add("public listener", g.public.close)
	g.ops, err = listen("ops", cfg.Ops, api.New(api.Options{Engine: g.engine, Store: st, Config: g.config.Load, Metrics: metrics,
		Now: time.Now, Version: o.Version, Log: o.Log, Reload: g.Reload}), o.Log)
	if err != nil {
		return nil, err
	}
	g.closers.add("ops listener", g.ops.close)
	return g, nil
}

// publicDoors are what the internet must reach. No path redirects: a redirected POST arrives as an empty GET.
func (g *Gateway) publicDoors(links email.Links) http.Handler {
	callbacks := twilio.Callbacks(twilio.CallbackOptions{Tokens: g.twilioTokens, PublicURL: func() string { return g.config.Load().PublicURL },
		Language: g.language, Log: g.log,
		Reply: func(ctx context.Context, t twilio.Text) (string, error) {
			return g.engine.Reply(ctx, engine.Text(t), time.Now())
		},
		Script: func(ctx context.Context, delivery string) (twilio.Script, error) {
			s, err := g.engine.Script(ctx, delivery, time.Now())
			return twilio.Script(s), err
		},
		Digit: func(ctx context.Context, delivery, call, digit string) (twilio.Script, error) {
			s, err := g.engine.Digit(ctx, delivery, call, digit, time.Now())
			return twilio.Script(s), err
		},
		Progress: func(ctx context.Context, p notify.Progress) error { return g.engine.Progress(ctx, p, time.Now()) }})
	page := email.Page(email.PageOptions{Links: links, Now: time.Now, Log: g.log, Zone: g.zone,
		Subjects: func(ctx context.Context, l email.Link) ([]notify.Subject, error) {
			return g.engine.LinkSubjects(ctx, link(l))
		},
		Act: func(ctx context.Context, l email.Link, verb notify.Verb) (string, error) {
			return g.engine.FollowLink(ctx, link(l), verb, time.Now())
		}})
	mux := http.NewServeMux()
	mux.Handle("/v1/", g.hooks)
	mux.Handle("/twilio/", callbacks)
	mux.Handle("/r/", page)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	return noRedirect(mux)
}

// noRedirect answers 404 where ServeMux would clean a path by a redirect.
func noRedirect(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := filepath.ToSlash(filepath.Clean(r.URL.Path)); p != r.URL.Path && p+"/" != r.URL.Path {
			http.NotFound(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func link(l email.Link) engine.Link {
	return engine.Link{Delivery: l.Delivery, Person: l.Person, Pages: l.Pages, Rounds: l.Rounds, Expires: time.Unix(l.Expires, 0)}
}

// zone is where a person reads times.
func (g *Gateway) zone(person string) *time.Location {
	if p, ok := g.config.Load().Book.People[person]; ok && p.Zone != nil {
		return p.Zone
	}
	return time.UTC
}

func (g *Gateway) twilioTokens() []string {
	t := g.config.Load().Notify.Twilio
	if t == nil {
		return nil
	}
	return []string{string(t.AuthToken), string(t.PreviousAuthToken)}
}

func (g *Gateway) language() string {
	if t := g.config.Load().Notify.Twilio; t != nil {
		return t.Language
	}
	return "en-US"
}

// PublicAddr and OpsAddr are where the doors listen.
func (g *Gateway) PublicAddr() string { return g.public.l.Addr().String() }

// OpsAddr is where the operators' door listens.
func (g *Gateway) OpsAddr() string { return g.ops.l.Addr().String() }

// Run serves until ctx ends: then it stops accepting, finishes what is under way and closes everything.
func (g *Gateway) Run(ctx context.Context) error {
	g.log.Info("pagerd serves", zap.String("public", g.PublicAddr()), zap.String("ops", g.OpsAddr()),
		zap.String("version", g.o.Version), zap.String("config", g.config.Load().Hash[:min(12, len(g.config.Load().Hash))]))
	err := together(ctx, g.public.serve, g.ops.serve, g.watch,
		func(ctx context.Context) error { g.engine.Run(ctx, time.Now); return nil },
		func(ctx context.Context) error {
			select {
			case err := <-g.fatal:
				return fmt.Errorf("store: %w", err)
			case <-ctx.Done():
				return nil
			}
		})
	g.engine.Drain()
	err = errors.Join(err, g.closers.close())
	g.log.Info("pagerd stopped")
	return err
}

// die ends the process after a failed flush: what the kernel's cache holds is not to be trusted, and a restart reads the
// file anew. It does not return to whoever might answer a sender.
func (g *Gateway) die(err error) {
	g.log.Error("the store cannot be trusted any more: pagerd ends at once", zap.Error(err))
	_ = g.log.Sync()
	os.Exit(3)
}

// probeEvery is how often the provider is asked whether it can be reached and takes the credentials: a broken token must
// show within 5 s.
const probeEvery = 3 * time.Second

// watch asks the provider now and then, so that /readyz/page knows before somebody must be paged.
func (g *Gateway) watch(ctx context.Context) error {
	if g.twilio == nil {
		<-ctx.Done()
		return nil
	}
	t := time.NewTicker(probeEvery)
	defer t.Stop()
	for {
		probe, cancel := context.WithTimeout(ctx, probeEvery-500*time.Millisecond)
		out := g.twilio.Probe(probe)
		cancel()
		if ctx.Err() != nil {
			return nil
		}
		g.engine.Probed(notify.SMS, out, time.Now())
		g.engine.Probed(notify.Voice, out, time.Now())
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}

// Reload reads the configuration file again. What can fail is done first; addresses, store and provider accounts need a
// restart and are refused when they changed.
func (g *Gateway) Reload() error {
	next, err := config.Load(g.o.ConfigFile, os.LookupEnv)
	if err != nil {
		g.log.Error("reload refused: the configuration is wrong, the old one stays", zap.Error(err))
		return err
	}
	if what := g.needsRestart(next); what != "" {
		err := fmt.Errorf("%s changed: restart pagerd for that", what)
		g.log.Error("reload refused; the old configuration stays", zap.Error(err))
		return err
	}
	g.config.Store(next)
	g.hooks.Reload(next.Sources)
	g.engine.Reconfigured()
	g.log.Info("configuration reloaded", zap.String("config", next.Hash[:12]))
	return nil
}

// needsRestart names what a reload cannot change.
func (g *Gateway) needsRestart(next *config.Config) string {
	now := g.config.Load()
	twilioOf := func(c *config.Config) (t config.Twilio) {
		if c.Notify.Twilio != nil {
			t = *c.Notify.Twilio
		}
		t.PreviousAuthToken, t.Language = "", ""
		return t
	}
	smtpOf := func(c *config.Config) (s config.SMTP) {
		if c.Notify.SMTP != nil {
			s = *c.Notify.SMTP
		}
		return s
	}
	switch {
	case next.Public != now.Public || next.Ops != now.Ops:
		return "listen"
	case next.PublicURL != now.PublicURL:
		return "public_url"
	case next.Store != now.Store:
		return "store"
	case twilioOf(next) != twilioOf(now):
		return "notify.twilio"
	case smtpOf(next) != smtpOf(now):
		return "notify.smtp"
	case next.LinkKey != now.LinkKey:
		return "link_key"
	}
	return ""
}

// linkKey is the configured key, else one that is made once and kept beside the store.
func linkKey(cfg *config.Config) ([]byte, error) {
	if cfg.LinkKey != "" {
		return []byte(cfg.LinkKey), nil
	}
	path := cfg.Store.Path + ".linkkey"
	key, err := os.ReadFile(path)
	if err == nil && len(key) >= 32 {
		return key, nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read the key of mail links: %w", err)
	}
	key = make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	if err := os.WriteFile(path, key, 0o600); err != nil {
		return nil, fmt.Errorf("keep the key of mail links: %w", err)
	}
	return key, nil
}
