package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const token = "bench-token"

// daemon is one pagerd process with a provider of ours.
type daemon struct {
	cmd    *exec.Cmd
	public string // host:port
	ops    string
	took   time.Duration // from exec to ready
}

// freePort asks the kernel for a port that nobody has.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// start runs a fresh daemon in its own directory with people × rotations, each page going to one of them by label.
func start(s subject, provider string, teams int, bundle string) (*daemon, error) {
	data, err := os.MkdirTemp(s.dir, "data-")
	if err != nil {
		return nil, err
	}
	public, err := freePort()
	if err != nil {
		return nil, err
	}
	ops, err := freePort()
	if err != nil {
		return nil, err
	}
	d := &daemon{public: "127.0.0.1:" + strconv.Itoa(public), ops: "127.0.0.1:" + strconv.Itoa(ops)}
	file := filepath.Join(data, "pagerd.yaml")
	if err := os.WriteFile(file, []byte(configuration(d, s.store(data), provider, teams, bundle)), 0o600); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(data, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	d.cmd = exec.Command(s.binary, "serve", "--config", file)
	d.cmd.Stdout, d.cmd.Stderr = log, log
	begin := time.Now()
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	for {
		resp, err := http.Get("http://" + d.ops + "/readyz")
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				break
			}
		}
		if time.Since(begin) > 20*time.Second {
			text, _ := os.ReadFile(log.Name())
			return nil, fmt.Errorf("pagerd did not become ready: %s", text)
		}
		time.Sleep(time.Millisecond)
	}
	d.took = time.Since(begin)
	return d, nil
}

// stop ends the process and waits for it.
func (d *daemon) stop() error {
	if err := d.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	_ = d.cmd.Wait()
	return nil
}

// resident is the process's resident memory in MB (1e6 bytes), from the kernel.
func (d *daemon) resident() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 64)
			return kb * 1024 / 1e6, err
		}
	}
	return 0, fmt.Errorf("no VmRSS in the process's status")
}

func configuration(d *daemon, store, provider string, teams int, bundle string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "listen: {public: %q, ops: %q}\npublic_url: http://%s\n%s", d.public, d.ops, d.public, store)
	fmt.Fprintf(&b, "sources:\n  - {name: bench, kind: alertmanager, token: %s}\n", token)
	b.WriteString("people:\n")
	for i := range teams {
		fmt.Fprintf(&b, "  - {name: p%d, full_name: Person %d, sms: \"+1555000%04d\"}\n", i, i, i)
	}
	b.WriteString("schedules:\n")
	for i := range teams {
		fmt.Fprintf(&b, "  - {name: t%d, zone: UTC, start: 2026-01-05, people: [p%d]}\n", i, i)
	}
	b.WriteString("routes:\n  schedule: t0\n  severity: SEV-2\n  group_by: [grp]\n  routes:\n")
	for i := range teams {
		fmt.Fprintf(&b, "    - {match: ['team=\"t%d\"'], schedule: t%d}\n", i, i)
	}
	fmt.Fprintf(&b, "notify:\n  bundle_window: %s\n  twilio: {account_sid: AC00000000000000000000000000000001, auth_token: 5e1f0000000000000000000000005e1f, from: \"+15005550006\", base_url: %q}\n", bundle, provider)
	return b.String()
}

// provider is a Twilio that says yes at once and stamps arrivals by alert name.
type provider struct {
	url string
	srv *http.Server
	on  func(body string, at time.Time)
}

func newProvider(on func(body string, at time.Time)) (*provider, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &provider{url: "http://" + l.Addr().String(), on: on}
	p.srv = &http.Server{Handler: http.HandlerFunc(p.serve), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = p.srv.Serve(l) }()
	return p, nil
}

func (p *provider) serve(w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if r.Method == http.MethodPost && p.on != nil {
		p.on(r.PostForm.Get("Body"), at)
	}
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodPost {
		w.WriteHeader(http.StatusCreated)
	}
	fmt.Fprintf(w, `{"sid":"SM%032x","status":"queued"}`, at.UnixNano())
}

func (p *provider) close() { _ = p.srv.Shutdown(context.Background()) }
