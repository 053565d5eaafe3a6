// Package gateway puts the parts together: store, engine, providers and doors, from one configuration.
//
// It promises that what New opened Run closes, in reverse order; that a signal to stop lets requests and attempts under
// way finish; and that a reload which fails changes nothing.
package gateway

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"pagerd/config"
	"pagerd/gateway/api"
	"pagerd/gateway/degraded"
	"pagerd/gateway/engine"
	"pagerd/gateway/metric"
	"pagerd/gateway/replica"
	"pagerd/gateway/store"
	"pagerd/gateway/store/boltstore"
	"pagerd/gateway/store/redisstore"
	"pagerd/gateway/webhook"
	"pagerd/notify"
	"pagerd/notify/email"
	"pagerd/notify/tracker"
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
	// Clock is the machine's clocks; nil = the real ones. A test may let it run away.
	Clock replica.Source
}

// Gateway is a running pagerd.
type Gateway struct {
	o       Options
	log     *zap.Logger
	config  atomic.Pointer[config.Config]
	name    string            // among the replicas
	store   store.Store       // one of the next two
	file    *boltstore.Store  // nil with Redis
	redis   *redisstore.Store // nil with the embedded store, and so are clock and member: there is nobody to compare with
	clock   *replica.Clock
	member  *replica.Member
	found   map[string]bool // settings that were found weak at the newest look; nil = nobody looked
	alarm   *degraded.Alarm
	now     func() time.Time
	engine  *engine.Engine
	hooks   *webhook.Handler
	twilio  *twilio.Client
	senders map[notify.Channel]engine.Sender
	fatal   chan error
	public  *listener
	ops     *listener
	closers closers
}

// bulkWorkers is how many letters are on their way at a time: a mail server that serves a few at a time still takes pages.
const bulkWorkers = 2

// New opens the store and the listeners; nothing is served before Run. It is one straight line because it is the list of
// what pagerd consists of.
func New(o Options) (_ *Gateway, err error) {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	cfg := o.Config
	g := &Gateway{o: o, log: o.Log, name: replicaName(cfg), now: time.Now, senders: map[notify.Channel]engine.Sender{}, fatal: make(chan error, 1)}
	g.config.Store(cfg)
	defer func() {
		if err != nil {
			err = errors.Join(err, g.closers.close())
		}
	}()

	metrics := metric.New()
	g.alarm = g.newAlarm(metrics) // first, so that whatever the store finds can be told
	if err := g.openStore(cfg); err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	g.closers.add("store", g.store.Close)
	if g.redis != nil {
		g.join()
		g.closers.add("replica", g.leave)
	}

	if t := cfg.Notify.Twilio; t != nil {
		g.twilio, err = twilio.New(twilio.Options{AccountSID: t.AccountSID, AuthToken: string(t.AuthToken), From: t.From,
			BaseURL: t.BaseURL, PublicURL: cfg.PublicURL})
		if err != nil {
			return nil, err
		}
		g.senders[notify.SMS], g.senders[notify.Voice] = g.twilio.SMS(), g.twilio.Voice()
	}
	public, err := url.Parse(cfg.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("public_url: %w", err)
	}
	if m := cfg.Notify.SMTP; m != nil {
		g.senders[notify.Email], err = email.New(email.Options{Address: m.Address, TLS: m.TLS, Username: m.Username,
			Password: string(m.Password), From: m.From, Host: public.Hostname()})
		if err != nil {
			return nil, err
		}
		g.senders[notify.Bulk] = g.senders[notify.Email]
	}
	g.senders[notify.Tracker] = tracker.New(func() tracker.Endpoint {
		t := g.config.Load().Incidents.Tracker
		return tracker.Endpoint{URL: t.URL, Token: string(t.Token), Secret: string(t.Secret)}
	}, g.now)
	key, err := linkKey(cfg)
	if err != nil {
		return nil, err
	}
	links := email.Links{Keys: [][]byte{key}}
	g.engine, err = engine.New(context.Background(), engine.Options{Store: g.store, Config: g.config.Load, Senders: g.senders,
		Links: func(l engine.Link) string {
			return g.config.Load().PublicURL + "/r/" + links.Sign(email.Link{Delivery: l.Delivery, Person: l.Person, Pages: l.Pages,
				Rounds: l.Rounds, Expires: l.Expires.Unix()})
		},
		Letters: g.letters(links), Workers: map[notify.Channel]int{notify.Bulk: bulkWorkers, notify.Tracker: 1},
		Patience: g.patience(), Hold: g.hold, Metrics: metrics, Log: o.Log, Events: o.Log})
	if err != nil {
		return nil, fmt.Errorf("start the engine: %w", err)
	}
	g.hooks = webhook.New(webhook.Options{Sources: cfg.Sources, Accept: g.accept, Now: g.now, Log: o.Log,
		Observe: func(source, result string) { metrics.Requests.WithLabelValues(source, result).Inc() },
		SNS:     webhook.NewSNS(o.SNSTransport, o.SNSRoots, g.now)})

	g.public, err = listen("public", cfg.Public, g.publicDoors(links), o.Log)
	if err != nil {
		return nil, err
	}
	g.closers.add("public listener", g.public.close)
	g.ops, err = listen("ops", cfg.Ops, api.New(api.Options{Engine: g.engine, Store: g.store, Shared: g.shared(), Unusable: g.alarm.Unusable,
		Config: g.config.Load, Metrics: metrics, Now: g.now, Version: o.Version, Log: o.Log, Reload: g.Reload}), o.Log)
	if err != nil {
		return nil, err
	}
	g.closers.add("ops listener", g.ops.close)
	return g, nil
}

// publicDoors are what the internet must reach. No path redirects: a redirected POST arrives as an empty GET.
func (g *Gateway) publicDoors(links email.Links) http.Handler {
	page := email.Page(email.PageOptions{Links: links, Now: g.now, Log: g.log, Zone: g.zone,
		Subjects: func(ctx context.Context, l email.Link) ([]notify.Subject, error) {
			return g.engine.LinkSubjects(ctx, link(l))
		},
		Act: func(ctx context.Context, l email.Link, verb notify.Verb) (string, error) {
			return g.engine.FollowLink(ctx, link(l), verb, g.now())
		}})
	mux := http.NewServeMux()
	mux.Handle("/v1/", g.hooks)
	mux.Handle("/twilio/", g.callbacks())
	mux.Handle("/r/", page)
	mux.Handle(statusPath, newPublicPage(g))
	g.subscriptionDoors(mux, links)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	return noRedirect(mux)
}

// callbacks take what Twilio has to say. What was sent without the store is answered without it.
func (g *Gateway) callbacks() http.Handler {
	return twilio.Callbacks(twilio.CallbackOptions{Tokens: g.twilioTokens, PublicURL: func() string { return g.config.Load().PublicURL },
		Language: g.language, Log: g.log,
		Reply: func(ctx context.Context, t twilio.Text) (string, error) {
			return g.engine.Reply(ctx, engine.Text(t), g.now())
		},
		Script: func(ctx context.Context, delivery string) (twilio.Script, error) {
			if words, ok := g.alarm.Words(delivery); ok {
				return twilio.Script{Paragraphs: words}, nil
			}
			s, err := g.engine.Script(ctx, delivery, g.now())
			return twilio.Script(s), err
		},
		Digit: func(ctx context.Context, delivery, call, digit string) (twilio.Script, error) {
			if words, ok := g.alarm.Words(delivery); ok {
				return twilio.Script{Paragraphs: words}, nil
			}
			s, err := g.engine.Digit(ctx, delivery, call, digit, g.now())
			return twilio.Script(s), err
		},
		Progress: func(ctx context.Context, p notify.Progress) error {
			if degraded.Direct(p.Delivery) {
				g.log.Info("message without the store", zap.String("provider_id", p.ProviderID), zap.String("state", p.State),
					zap.Bool("failed", p.Failed), zap.String("reason", string(p.Reason)))
				return nil
			}
			return g.engine.Progress(ctx, p, g.now())
		}})
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
	err := together(ctx, g.public.serve, g.ops.serve, g.watch, g.alarm.Run, g.compare, g.preflight,
		func(ctx context.Context) error { g.engine.Run(ctx, g.now); return nil },
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
		g.engine.Probed(notify.SMS, out, g.now())
		g.engine.Probed(notify.Voice, out, g.now())
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}
