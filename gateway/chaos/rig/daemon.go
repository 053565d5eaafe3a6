package rig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// Daemon is a pagerd process.
type Daemon struct {
	Process
	Public string // host:port
	Ops    string
	Number string // under which the provider sees what it sends
	Token  string // for its API

	client *http.Client
}

// restartAfter is a supervisor's pause before it starts a daemon again that ended by itself (systemd's RestartSec default
// is 100 ms).
const restartAfter = 100 * time.Millisecond

// NewDaemon makes a daemon that is not started: binary serves the configuration file; door is the HTTP proxy through
// which it reaches the provider.
func NewDaemon(name, binary, config, log, door string) *Daemon {
	d := &Daemon{client: &http.Client{Timeout: askTime}}
	d.Name, d.Log, d.Wait = name, log, restartAfter
	d.Args = []string{binary, "serve", "--config", config}
	d.Env = []string{"HTTP_PROXY=http://" + door, "PATH=" + os.Getenv("PATH"), "HOME=/nonexistent"}
	d.Ready = func() error { return d.ready("/readyz") }
	return d
}

// askTime is how long an answer of the operators' door may take.
const askTime = 5 * time.Second

func (d *Daemon) ready(path string) error {
	resp, err := d.client.Get("http://" + d.Ops + path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1000)) // only for the error's words
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s of %s says %d: %s", path, d.Name, resp.StatusCode, text)
	}
	return nil
}

// Get asks the daemon's API and decodes the answer.
func (d *Daemon) Get(ctx context.Context, path string, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.Ops+path, nil)
	if err != nil {
		return fmt.Errorf("ask %s: %w", d.Name, err)
	}
	req.Header.Set("Authorization", "Bearer "+d.Token)
	resp, err := d.client.Do(req)
	if err != nil {
		return fmt.Errorf("ask %s: %w", d.Name, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s of %s says %d", path, d.Name, resp.StatusCode)
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("understand %s of %s: %w", path, d.Name, err)
	}
	return nil
}

// FreeAddress asks the kernel for an address on host that nobody has.
func FreeAddress(host string) (string, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), errors.Join(l.Close())
}
