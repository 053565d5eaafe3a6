package rig

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
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

// Ports that are given out lie below those that Linux takes for outgoing connections (32768 and above, see
// net.ipv4.ip_local_port_range): else a connection may have one before its daemon starts, or while it is down.
const (
	firstPort = 10000
	lastPort  = 32000
)

// FreeAddress returns an address on host that nobody listens on, and that no other call of any run is likely to return.
func FreeAddress(host string) (string, error) {
	var failed error
	for range 100 {
		address := net.JoinHostPort(host, strconv.Itoa(firstPort+rand.IntN(lastPort-firstPort)))
		l, err := net.Listen("tcp", address)
		if err != nil {
			failed = err
			continue
		}
		return address, l.Close()
	}
	return "", fmt.Errorf("find a free port: %w", failed)
}
