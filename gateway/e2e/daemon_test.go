// Package e2e runs the real binary as a process: it is killed, starved and shut down, and what its provider saw is judged.
package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pagerd/notify/twilio/twiliosim"
)

// binary is the daemon under test, built once for all tests of the package.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "pagerd-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "pagerd")
	build := exec.Command("go", "build", "-o", binary, "pagerd/cmd/pagerd")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build pagerd:", err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

const (
	sourceToken = "source-token"
	apiToken    = "api-token"
)

// rig is a daemon with its neighbours: a simulated Twilio and a directory. The daemon may be killed and started again.
type rig struct {
	t      *testing.T
	dir    string
	public string
	ops    string
	sim    *twiliosim.Sim
	simURL string
	cmd    *exec.Cmd
	exited chan struct{}
	log    *os.File
	// command makes the daemon's process; nil runs the binary with the rig's configuration.
	command func() *exec.Cmd
}

func newRig(t *testing.T, sim twiliosim.Options, config func(r *rig) string) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), public: freeAddress(t), ops: freeAddress(t)}
	sim.SMSURL = "http://" + r.public + "/twilio/sms"
	r.sim = twiliosim.New(sim)
	server := httptest.NewServer(r.sim.Handler())
	t.Cleanup(func() { r.sim.Close(); server.Close() })
	r.simURL = server.URL
	if err := os.WriteFile(r.path("pagerd.yaml"), []byte(config(r)), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(r.path("log"))
	if err != nil {
		t.Fatal(err)
	}
	r.log = log
	t.Cleanup(func() {
		r.kill(syscall.SIGKILL)
		log.Close()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("daemon's log, last part:\n%s", text[max(0, len(text)-8000):])
		}
	})
	return r
}

func (r *rig) path(name string) string { return filepath.Join(r.dir, name) }

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// start runs the daemon and waits until it is ready to accept.
func (r *rig) start(ctx context.Context) {
	r.t.Helper()
	cmd := exec.Command(binary, "serve", "--config", r.path("pagerd.yaml"))
	if r.command != nil {
		cmd = r.command()
	}
	cmd.Stdout, cmd.Stderr = r.log, r.log
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()
	r.cmd, r.exited = cmd, exited
	r.until(ctx, "the daemon is ready", func() bool {
		select {
		case <-exited:
			r.t.Fatal("the daemon ended by itself")
		default:
		}
		status, _ := r.get(ctx, r.ops, "/readyz")
		return status == http.StatusOK
	})
}

// kill signals the daemon and waits for its end.
func (r *rig) kill(sig syscall.Signal) {
	if r.cmd == nil {
		return
	}
	_ = r.cmd.Process.Signal(sig)
	<-r.exited
	r.cmd = nil
}

// until asks again and again, woken by a ticker, until the condition holds or ctx ends.
func (r *rig) until(ctx context.Context, what string, condition func() bool) {
	r.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-ctx.Done():
			r.t.Fatalf("waited in vain until %s", what)
		case <-tick.C:
		}
	}
}

func (r *rig) get(ctx context.Context, host, path string) (int, []byte) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+host+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+apiToken)
	req.Header.Set("Accept", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, body
}

// post sends one Alertmanager body; 0 = no answer.
func (r *rig) post(ctx context.Context, body []byte) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+r.public+"/v1/alertmanager/prod", strings.NewReader(string(body)))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+sourceToken)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// alertBody is what Alertmanager posts for one alert.
func alertBody(name, team, severity, status string, startsAt time.Time) []byte {
	labels := map[string]string{"alertname": name, "team": team, "severity": severity, "service": "checkout"}
	endsAt := time.Time{}
	if status == "resolved" {
		endsAt = startsAt.Add(time.Minute)
	}
	b, err := json.Marshal(map[string]any{
		"version": "4", "groupKey": "{}:{alertname=\"" + name + "\"}", "truncatedAlerts": 0, "status": status, "receiver": "pagerd",
		"groupLabels": map[string]string{"alertname": name}, "commonLabels": labels, "commonAnnotations": map[string]string{},
		"externalURL": "http://am.example.com",
		"alerts": []any{map[string]any{"status": status, "labels": labels, "annotations": map[string]string{"summary": name + " is failing"},
			"startsAt": startsAt.UTC().Format(time.RFC3339Nano), "endsAt": endsAt.UTC().Format(time.RFC3339Nano),
			"generatorURL": "", "fingerprint": fmt.Sprintf("%016x", len(name)) + name}},
	})
	if err != nil {
		panic(err) // strings and instants only
	}
	return b
}
