package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"pagerd/config"
	"pagerd/gateway/replica"
	"pagerd/notify/twilio/twiliosim"
)

// The people of the tests: ana is on call with ben as her secondary; dora has only a telephone, and is told of pagerd's own
// troubles with emil, who takes messages.
const (
	anasNumber  = "+15550000001"
	bensNumber  = "+15550000002"
	dorasNumber = "+15550000003"
	emilsNumber = "+15550000004"

	sourceToken = "source-token"
	apiToken    = "api-token"
	linkSecret  = "0123456789abcdef0123456789abcdef"
)

// fleet is several gateways in this process and their simulated provider.
type fleet struct {
	t   *testing.T
	ctx context.Context
	sim *twiliosim.Sim
	url string // the provider's
	// step is how long the primary has; client keeps no connections, which would hold a gateway's end up.
	step   string
	client *http.Client
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	f := &fleet{t: t, ctx: ctx, sim: twiliosim.New(twiliosim.Options{}), step: "30m",
		client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	server := httptest.NewServer(f.sim.Handler())
	t.Cleanup(func() { f.sim.Close(); server.Close(); cancel() })
	f.url = server.URL
	return f
}

// member is one gateway that runs.
type member struct {
	f       *fleet
	g       *Gateway
	stop    func()
	running bool
}

// config is the company with this store section and name; public is where the provider finds the gateway.
func (f *fleet) config(name, store, public string) *config.Config {
	f.t.Helper()
	text := fmt.Sprintf(`
listen: {public: %q, ops: "127.0.0.1:0"}
public_url: http://%s
replica: %s
link_key: %s
store: %s
sources: [{name: prod, kind: alertmanager, token: %s}]
people:
  - {name: ana, sms: %q, voice: %q}
  - {name: ben, sms: %q}
schedules: [{name: platform, zone: UTC, start: 2026-01-05, unit: weekly, every: 520, people: [ana, ben]}]
policies:
  - {name: platform, steps: [{targets: [platform/primary], timeout: %s}, {targets: [platform/secondary], timeout: 30m}], last_resort: ["person:ben"]}
severities: {SEV-1: {ladder: [sms, voice]}}
routes: {schedule: platform, policy: platform, severity: SEV-1, group_by: [alertname]}
operators: [{voice: %q}, {sms: %q}]
tokens: [{name: test, token: %s, role: admin, person: ana}]
notify:
  twilio: {account_sid: %s, auth_token: %s, from: %q, base_url: %q}
`, public, public, name, linkSecret, store, sourceToken, anasNumber, anasNumber, bensNumber, f.step, dorasNumber, emilsNumber, apiToken,
		twiliosim.DefaultAccountSID, twiliosim.DefaultAuthToken, twiliosim.DefaultNumber, f.url)
	c, err := config.Parse("pagerd.yaml", []byte(text), func(string) (string, bool) { return "", false })
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

// free is an address that nobody listens on.
func (f *fleet) free() string {
	server := httptest.NewServer(nil)
	defer server.Close()
	return server.Listener.Addr().String()
}

// start runs a gateway with this store section; the first one gets the replies to text messages.
func (f *fleet) start(name, store string, clock replica.Source) *member {
	f.t.Helper()
	return f.run(f.config(name, store, f.free()), clock)
}

func (f *fleet) run(c *config.Config, clock replica.Source) *member {
	f.t.Helper()
	log := zaptest.NewLogger(f.t, zaptest.Level(zap.WarnLevel)).Named(c.Replica)
	g, err := New(Options{Config: c, Log: log, Version: "test", Clock: clock})
	if err != nil {
		f.t.Fatal(err)
	}
	f.sim.SetSMSURL("http://" + g.PublicAddr() + "/twilio/sms")
	ctx, cancel := context.WithCancel(f.ctx)
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	m := &member{f: f, g: g, running: true}
	m.stop = func() {
		if !m.running {
			return
		}
		m.running = false
		cancel()
		if err := <-ended; err != nil {
			f.t.Errorf("%s ended: %v", c.Replica, err)
		}
	}
	f.t.Cleanup(m.stop)
	return m
}

// until asks again and again, woken by a ticker, until the condition holds.
func (f *fleet) until(what string, condition func() bool) {
	f.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-f.ctx.Done():
			f.t.Fatalf("waited in vain until %s", what)
		case <-tick.C:
		}
	}
}

// do makes one request; no answer is status 0.
func (f *fleet) do(method, url, token, body string) (status int, answer string) {
	f.t.Helper()
	r, err := http.NewRequestWithContext(f.ctx, method, url, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := f.client.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(raw)
}

func (m *member) ops(method, path, body string) (int, string) {
	m.f.t.Helper()
	return m.f.do(method, "http://"+m.g.OpsAddr()+path, apiToken, body)
}

// fire posts one alert as Alertmanager does.
func (m *member) fire(name string) (int, string) {
	m.f.t.Helper()
	at := time.Now().UTC().Format(time.RFC3339Nano)
	body, err := json.Marshal(map[string]any{"version": "4", "status": "firing", "alerts": []any{map[string]any{"status": "firing",
		"labels": map[string]string{"alertname": name, "severity": "critical"}, "annotations": map[string]string{"summary": name + " is failing"},
		"startsAt": at, "endsAt": "0001-01-01T00:00:00Z", "fingerprint": fmt.Sprintf("%016x", len(name)) + name}}})
	if err != nil {
		m.f.t.Fatal(err)
	}
	return m.f.do(http.MethodPost, "http://"+m.g.PublicAddr()+"/v1/alertmanager/prod", sourceToken, string(body))
}

// rings waits for a message with that text on a number.
func (f *fleet) rings(number, text string) twiliosim.Message {
	f.t.Helper()
	m, err := f.sim.Phone(number).WaitSMS(f.ctx, func(m twiliosim.Message) bool { return strings.Contains(m.Body, text) })
	if err != nil {
		f.t.Fatalf("%q did not ring: %v", text, err)
	}
	return m
}

// door waits until a probe answers with this status and text.
func (m *member) door(path string, status int, text string) {
	m.f.t.Helper()
	m.f.until(fmt.Sprintf("%s answers %d %q", path, status, text), func() bool {
		got, body := m.ops(http.MethodGet, path, "")
		return got == status && strings.Contains(body, text)
	})
}
