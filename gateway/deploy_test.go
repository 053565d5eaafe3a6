package gateway

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"pagerd/config"
	"pagerd/gateway/store"
	"pagerd/gateway/store/redisstore"
)

const deploy = "../deploy"

// composition is as much of compose.yaml as the tests hold against pagerd.
type composition struct {
	Services map[string]struct {
		Command []string `yaml:"command"`
		Volumes []string `yaml:"volumes"`
		Ports   []string `yaml:"ports"`
	} `yaml:"services"`
}

func readComposition(t *testing.T) composition {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(deploy, "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var c composition
	if err := yaml.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// serve starts a program of Redis' on a port of its own; it is killed when the test ends.
func serve(t *testing.T, port string, args ...string) (address string) {
	t.Helper()
	address = "127.0.0.1:" + port
	var said strings.Builder
	cmd := exec.Command(args[0], append(args[1:], "--bind", "127.0.0.1", "--port", port, "--daemonize", "no")...)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v (`make neighbours` installs what is missing)", err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
			return address
		}
		select {
		case <-ended:
			t.Fatalf("%v ended by itself: %s", args, said.String())
		case <-tick.C:
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// usable opens a strict store and waits until it is ready.
func usable(t *testing.T, o redisstore.Options) *redisstore.Store {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		s, err := redisstore.Open(ctx, o)
		if err == nil {
			if err = s.Ready(ctx); err == nil {
				t.Cleanup(func() { _ = s.Close() })
				return s
			}
			_ = s.Close()
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the store is not usable: %v", err)
		case <-tick.C:
		}
	}
}

// proven fails the test unless the server's settings lose nothing.
func proven(t *testing.T, s *redisstore.Store) {
	t.Helper()
	found, err := s.Inspect(t.Context())
	if err != nil || len(found) > 0 {
		t.Errorf("found %v, %v", found, err)
	}
	if _, err := s.Announce(t.Context(), store.Replica{Name: "a"}); err != nil {
		t.Error(err)
	}
	if _, err := s.NextNumber(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestTheComposedRedisIsOneThatPagerdTakes starts a real server as compose.yaml does.
func TestTheComposedRedisIsOneThatPagerdTakes(t *testing.T) {
	service := readComposition(t).Services["redis"]
	args := slices.Clone(service.Command)
	for _, volume := range service.Volumes {
		host, inside, _ := strings.Cut(volume, ":")
		inside, _, _ = strings.Cut(inside, ":")
		for i := range args {
			switch {
			case args[i] == inside && strings.HasPrefix(host, "./"):
				args[i] = filepath.Join(deploy, host)
			case args[i] == inside:
				args[i] = t.TempDir()
			case args[i] == "${REDIS_PASSWORD:?}":
				args[i] = "secret"
			}
		}
	}
	address := serve(t, freePort(t), args...)
	proven(t, usable(t, redisstore.Options{Addresses: []string{address}, Password: "secret"}))
}

func TestTheCompositionListensOnLoopbackAndSharesOneConfiguration(t *testing.T) {
	services := readComposition(t).Services
	pagers := 0
	for name, s := range services {
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s publishes %s", name, port)
			}
		}
		if strings.HasPrefix(name, "pager-") {
			pagers++
		}
	}
	if pagers != 3 {
		t.Errorf("%d pagerds", pagers)
	}
	data, err := os.ReadFile(filepath.Join(deploy, "compose.pagerd.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse("compose.pagerd.yaml", data, func(name string) (string, bool) { return "value-of-" + name, true })
	if err != nil {
		t.Fatal(err)
	}
	host, _, _ := net.SplitHostPort(c.Store.Redis.Addresses[0])
	if _, ok := services[host]; !ok {
		t.Errorf("the configuration's Redis is %s, which is no service", host)
	}
	for _, f := range config.Findings(c, time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)) {
		if f.Severe {
			t.Errorf("the finding %s: %s", f.Subject, f.Message)
		}
	}
}

// TestTheSentinelExampleIsOneThatPagerdTakes starts a master, a replica and a sentinel of the example files.
func TestTheSentinelExampleIsOneThatPagerdTakes(t *testing.T) {
	file := filepath.Join(deploy, "redis-sentinel-member.conf")
	port := freePort(t)
	serve(t, port, "redis-server", file, "--dir", t.TempDir())
	serve(t, freePort(t), "redis-server", file, "--dir", t.TempDir(), "--replicaof", "127.0.0.1", port)
	text, err := os.ReadFile(filepath.Join(deploy, "redis-sentinel.conf"))
	if err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(t.TempDir(), "sentinel.conf")
	sentinelPort := freePort(t)
	mine := strings.NewReplacer("10.0.0.1 6379", "127.0.0.1 "+port, "port 26379", "port "+sentinelPort).Replace(string(text))
	if err := os.WriteFile(own, []byte(mine), 0o600); err != nil {
		t.Fatal(err)
	}
	address := serve(t, sentinelPort, "redis-sentinel", own)
	proven(t, usable(t, redisstore.Options{Addresses: []string{address}, Master: "pager", Wait: 1}))
}
