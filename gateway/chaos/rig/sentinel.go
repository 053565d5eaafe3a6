package rig

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Names and ports of a Redis that is watched by sentinels.
const (
	MasterName   = "pagerd"
	redisPort    = "6379"
	sentinelPort = "26379"
)

// Watched is a Redis on each machine of a network, one of them the master, with a sentinel beside each.
type Watched struct {
	net       *Network
	servers   []*Redis
	sentinels []*Process
}

// NewWatched starts them all and returns when the sentinels agree and every replica follows.
func NewWatched(ctx context.Context, dir string, n *Network) (*Watched, error) {
	w := &Watched{net: n}
	for i := 1; i <= n.machines; i++ {
		args := []string{"--protected-mode", "no", "--repl-diskless-sync-delay", "0"}
		if i > 1 {
			args = append(args, "--replicaof", n.Inside(1)+" "+redisPort)
		}
		r, err := NewRedis(fmt.Sprintf("redis%d", i), filepath.Join(dir, fmt.Sprintf("redis%d", i)), net.JoinHostPort(n.Inside(i), redisPort), args...)
		if err != nil {
			return nil, err
		}
		r.Wrap = n.On(i)
		if err := r.Start(ctx); err != nil {
			return nil, err
		}
		w.servers = append(w.servers, r)
	}
	for i := 1; i <= n.machines; i++ {
		s, err := newSentinel(dir, n, i)
		if err != nil {
			return nil, err
		}
		if err := s.Start(ctx); err != nil {
			return nil, err
		}
		w.sentinels = append(w.sentinels, s)
	}
	return w, w.UntilWhole(ctx)
}

func newSentinel(dir string, n *Network, i int) (*Process, error) {
	home := filepath.Join(dir, fmt.Sprintf("sentinel%d", i))
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, fmt.Errorf("make a sentinel's directory: %w", err)
	}
	file := filepath.Join(home, "sentinel.conf")
	text := fmt.Sprintf("port %s\nbind %s\ndir %s\nprotected-mode no\nsentinel monitor %s %s %s 2\nsentinel down-after-milliseconds %s 2000\nsentinel failover-timeout %s 6000\n",
		sentinelPort, n.Inside(i), home, MasterName, n.Inside(1), redisPort, MasterName, MasterName)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("write a sentinel's configuration: %w", err)
	}
	address := net.JoinHostPort(n.Inside(i), sentinelPort)
	return &Process{Name: fmt.Sprintf("sentinel%d", i), Args: []string{"redis-sentinel", file}, Wrap: n.On(i), Log: filepath.Join(home, "log"),
		Env: []string{"PATH=" + os.Getenv("PATH")}, Ready: func() error { return Pong(address) }}, nil
}

// Addresses are the sentinels'.
func (w *Watched) Addresses() []string {
	var out []string
	for i := range w.sentinels {
		out = append(out, net.JoinHostPort(w.net.Inside(i+1), sentinelPort))
	}
	return out
}

// Master is the machine whose Redis the sentinels call the master; except is one that cannot be asked, 0 = none.
func (w *Watched) Master(except int) (int, error) {
	var failed error
	for i := 1; i <= w.net.machines; i++ {
		if i == except {
			continue
		}
		host, err := masterBy(net.JoinHostPort(w.net.Inside(i), sentinelPort))
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		return strconv.Atoi(strings.TrimPrefix(host, insideNet))
	}
	return 0, failed
}

// masterBy asks one sentinel for the master's host.
func masterBy(sentinel string) (string, error) {
	c, err := net.DialTimeout("tcp", sentinel, time.Second)
	if err != nil {
		return "", fmt.Errorf("ask a sentinel: %w", err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Second)) // a connection that cannot be given a deadline fails below
	if _, err := fmt.Fprintf(c, "SENTINEL get-master-addr-by-name %s\r\n", MasterName); err != nil {
		return "", fmt.Errorf("ask a sentinel: %w", err)
	}
	lines := bufio.NewScanner(c)
	for n := 0; lines.Scan(); n++ {
		if n == 2 { // after the array's length and the string's
			return lines.Text(), nil
		}
	}
	return "", errors.Join(errors.New("a sentinel knows no master"), lines.Err())
}

// UntilFailedOver waits until the sentinels have made another machine than old the master, and returns it.
func (w *Watched) UntilFailedOver(ctx context.Context, old int) (int, error) {
	for {
		now, err := w.Master(old)
		if err == nil && now != old && Pong(w.servers[now-1].Address) == nil {
			return now, nil
		}
		if !pause(ctx, look) {
			return 0, errors.Join(fmt.Errorf("no other master: %w", ctx.Err()), err)
		}
	}
}

// UntilWhole waits until the sentinels know each other and every other Redis follows the master.
func (w *Watched) UntilWhole(ctx context.Context) error {
	for {
		last := w.whole()
		if last == nil {
			return nil
		}
		if !pause(ctx, 10*look) {
			return errors.Join(fmt.Errorf("redis and its sentinels are not whole: %w", ctx.Err()), last)
		}
	}
}

func (w *Watched) whole() error {
	for _, s := range w.Addresses() {
		if answer, err := Ask(s, "SENTINEL CKQUORUM "+MasterName); err != nil || !strings.HasPrefix(answer, fmt.Sprintf("+OK %d usable", len(w.sentinels))) {
			return errors.Join(errors.New(answer), err)
		}
	}
	m, err := w.Master(0)
	if err != nil {
		return err
	}
	answer, err := Ask(w.servers[m-1].Address, fmt.Sprintf("WAIT %d 500", len(w.servers)-1))
	if err == nil && answer != fmt.Sprintf(":%d", len(w.servers)-1) {
		err = fmt.Errorf("the master says WAIT %s", answer)
	}
	return err
}

// Kill ends everything.
func (w *Watched) Kill() {
	for _, s := range w.sentinels {
		s.Kill()
	}
	for _, r := range w.servers {
		r.Kill()
	}
}
