// Package demo is the real gateway with an example company, simulated telephones and a mail server, all on loopback.
//
// It promises that nothing is sent to anyone, that what happened survives a restart of the demo, and that everything that
// it starts ends with its context.
package demo

import (
	"bytes"
	"context"
	_ "embed" // for the company's configuration
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"pagerd/config"
	"pagerd/gateway"
	"pagerd/gateway/webhook/snssign"
	"pagerd/notify/email/mailsink"
	"pagerd/notify/twilio/twiliosim"
)

//go:embed demo.yaml
var company []byte

// The demo's company in its cloud, and its tokens: they open nothing but the demo.
const (
	region      = "eu-west-1"
	account     = "123456789012"
	topicName   = "pager-alarms"
	sourceToken = "demo-source-token"
	apiToken    = "demo-api-token"
)

// Options say where the demo lives.
type Options struct {
	Dir  string // keeps the store; made if missing
	Port int    // of the page of telephones; the next four are used too. 0 = 8090
	Out  io.Writer
	Log  *zap.Logger
}

// Run runs the demo until ctx ends.
func Run(ctx context.Context, o Options) error {
	if o.Port == 0 {
		o.Port = 8090
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return fmt.Errorf("make the demo's directory: %w", err)
	}
	d := &demo{o: o, telephones: at(o.Port), public: at(o.Port + 1), ops: at(o.Port + 2), smtp: at(o.Port + 3), api: at(o.Port + 4),
		started: map[string]time.Time{}}
	return d.run(ctx)
}

func at(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// demo is one demo's parts and addresses.
type demo struct {
	o                                  Options
	telephones, public, ops, smtp, api string
	sim                                *twiliosim.Sim
	sink                               *mailsink.Sink
	topic                              *snssign.Topic

	mu      sync.Mutex
	started map[string]time.Time // example → start of its running episode
}

func (d *demo) environment(name string) (string, bool) {
	v, ok := map[string]string{"DEMO_PUBLIC": d.public, "DEMO_OPS": d.ops, "DEMO_SIM": d.api, "DEMO_SMTP": d.smtp,
		"DEMO_STORE": filepath.Join(d.o.Dir, "pagerd.db"), "DEMO_TOKEN": sourceToken, "DEMO_API_TOKEN": apiToken,
		"DEMO_TWILIO_TOKEN": twiliosim.DefaultAuthToken}[name]
	return v, ok
}

// run starts the neighbours first and the gateway last, and stops them in reverse.
func (d *demo) run(ctx context.Context) (err error) {
	cfg, err := config.Parse("demo.yaml", company, d.environment)
	if err != nil {
		return fmt.Errorf("the demo's own configuration: %w", err)
	}
	mail, err := net.Listen("tcp", d.smtp)
	if err != nil {
		return fmt.Errorf("listen for mail (is another demo running? try --port): %w", err)
	}
	d.sink = mailsink.New(mail, mailsink.Options{Title: "Mail of the demo", Path: "/mail/"})
	defer func() { err = errors.Join(err, d.sink.Close()) }()
	d.sim = twiliosim.New(d.simulator(cfg))
	defer d.sim.Close()
	if d.topic, err = snssign.New(region, account, topicName, time.Now()); err != nil {
		return err
	}
	g, err := gateway.New(gateway.Options{Config: cfg, Log: d.o.Log, Version: "demo", SNSTransport: d.topic, SNSRoots: d.topic.Roots()})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, s := range []struct {
		address string
		handler http.Handler
	}{{d.telephones, d.sim.Web()}, {d.api, d.sim.Handler()}} {
		srv := &http.Server{Addr: s.address, Handler: s.handler, ReadHeaderTimeout: 5 * time.Second}
		l, err := net.Listen("tcp", s.address)
		if err != nil {
			stop()
			return errors.Join(fmt.Errorf("listen (is another demo running? try --port): %w", err), g.Run(ctx))
		}
		wg.Go(func() { _ = srv.Serve(l) })
		wg.Go(func() { <-ctx.Done(); d.sim.Close(); _ = srv.Close() })
	}
	d.guide()
	defer stop()
	return g.Run(ctx)
}

func (d *demo) simulator(cfg *config.Config) twiliosim.Options {
	people := map[string]string{}
	for _, p := range cfg.Book.People {
		for _, c := range p.Contacts {
			if c.Address[0] == '+' {
				people[c.Address] = p.FullName
			}
		}
	}
	var actions, ends []twiliosim.Action
	for _, x := range examples() {
		actions = append(actions, twiliosim.Action{Title: x.Title, Detail: x.Detail, Path: "/fire/" + x.ID})
		_, short, _ := strings.Cut(x.Title, ": ")
		ends = append(ends, twiliosim.Action{Title: "Over: " + short, Path: "/resolve/" + x.ID})
	}
	actions = append(actions, ends...)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /fire/{id}", func(w http.ResponseWriter, r *http.Request) { d.act(w, r, true) })
	mux.HandleFunc("POST /resolve/{id}", func(w http.ResponseWriter, r *http.Request) { d.act(w, r, false) })
	mux.Handle("/mail/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { d.sink.Web().ServeHTTP(w, r) }))
	return twiliosim.Options{SMSURL: "http://" + d.public + "/twilio/sms", Pace: twiliosim.HumanPace(), Title: "Telephones of a small company",
		People: people, Actions: actions, Extra: mux,
		Links: []twiliosim.Link{{Title: "Mail", Href: "/mail/"}, {Title: "Status", Href: "http://" + d.ops + "/status"}}}
}

// act fires or resolves an example at the gateway's own door, as its source would.
func (d *demo) act(w http.ResponseWriter, r *http.Request, fire bool) {
	for _, x := range examples() {
		if x.ID != r.PathValue("id") {
			continue
		}
		if err := d.post(r.Context(), x, fire); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	http.NotFound(w, r)
}

// episode remembers when an example began to fire; a second press while it fires is a repeat.
func (d *demo) episode(x example, fire bool, now time.Time) time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	started, running := d.started[x.ID]
	if !running {
		started = now
	}
	if fire {
		d.started[x.ID] = started
	} else {
		delete(d.started, x.ID)
	}
	return started
}

func (d *demo) post(ctx context.Context, x example, fire bool) error {
	now := time.Now()
	started := d.episode(x, fire, now)
	if x.alarm != nil {
		state, old := "ALARM", "OK"
		if !fire {
			state, old, started = "OK", "ALARM", now
		}
		message, err := x.message(state, old, started)
		if err != nil {
			return err
		}
		status, err := d.topic.Post(ctx, "http://"+d.public+"/v1/sns/aws", state+": \""+x.alarm.name+"\" in EU (Ireland)", string(message), now)
		return answered(status, err)
	}
	status, end := "firing", time.Time{}
	if !fire {
		status, end = "resolved", now
	}
	body, err := x.webhook(status, started, end)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+d.public+"/v1/alertmanager/prod", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+sourceToken)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("the gateway does not answer: %w", err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return answered(resp.StatusCode, nil)
}

func answered(status int, err error) error {
	if err != nil {
		return fmt.Errorf("the gateway does not answer: %w", err)
	}
	if status != http.StatusOK {
		return fmt.Errorf("the gateway answered %d", status)
	}
	return nil
}

// guide says what to do first.
func (d *demo) guide() {
	fmt.Fprintf(d.o.Out, `pagerd demo: a real gateway, simulated telephones. Nothing is sent to anyone.

  Telephones   http://%s      fire alerts, read SMS, answer calls, press keys, reply
  Mail         http://%s/mail/
  Status       http://%s/status
  Data         %s (survives a restart; delete it to begin anew)

Try this: open the telephones, press "SEV-2: replica lag", reply 4 on the telephone that rings.
Or leave it alone, and watch voice and the secondary follow.

The same by hand:
  curl -H 'Authorization: Bearer %s' -H 'Content-Type: application/json' http://%s/v1/alertmanager/prod -d '
    {"version":"4","groupKey":"g","alerts":[{"status":"firing","fingerprint":"1a2b3c4d5e6f7a8b","startsAt":"%s",
     "labels":{"alertname":"HighLatency","service":"checkout","severity":"critical"},"annotations":{"summary":"p99 is 4 s"}}]}'
  pagerd page list --url http://%s --token %s

Ctrl-C ends it.
`, d.telephones, d.telephones, d.ops, d.o.Dir, sourceToken, d.public, time.Now().UTC().Format(time.RFC3339), d.ops, apiToken)
}
