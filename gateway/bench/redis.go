package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// servers are a real redis-server as production asks for it, and perhaps its replica.
type servers struct {
	addr  string
	wait  bool
	procs []*exec.Cmd
	fresh int // daemons that were given keys of their own
}

func startRedis(dir string, wait bool) (*servers, error) {
	r := &servers{wait: wait}
	port, err := r.start(dir)
	if err != nil {
		return nil, err
	}
	r.addr = "127.0.0.1:" + strconv.Itoa(port)
	if wait {
		if _, err := r.start(dir, "--replicaof", "127.0.0.1 "+strconv.Itoa(port), "--repl-diskless-sync-delay", "0"); err != nil {
			r.stop()
			return nil, err
		}
	}
	c := redis.NewClient(&redis.Options{Addr: r.addr})
	defer c.Close()
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		n := int64(1)
		err := c.Ping(context.Background()).Err()
		if err == nil && wait {
			n, err = c.Wait(context.Background(), 1, 100*time.Millisecond).Result()
		}
		if err == nil && n > 0 {
			return r, nil
		}
		if time.Since(begin) > 20*time.Second {
			r.stop()
			return nil, fmt.Errorf("redis-server did not become ready: %w", err)
		}
	}
}

func (r *servers) start(dir string, args ...string) (port int, err error) {
	data, err := os.MkdirTemp(dir, "redis-")
	if err != nil {
		return 0, err
	}
	if port, err = freePort(); err != nil {
		return 0, err
	}
	cmd := exec.Command("redis-server", append([]string{"--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--dir", data, "--save", "",
		"--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction", "--logfile", filepath.Join(data, "log")}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("start redis-server (`make neighbours` installs it): %w", err)
	}
	r.procs = append(r.procs, cmd)
	return port, nil
}

func (r *servers) stop() {
	for _, p := range r.procs {
		_ = p.Process.Kill()
		_ = p.Wait()
	}
}

// settings gives a fresh daemon keys of its own on the emptied server.
func (r *servers) settings(string) string {
	c := redis.NewClient(&redis.Options{Addr: r.addr})
	defer c.Close()
	_ = c.FlushAll(context.Background()).Err() // what the last daemon left would only cost memory
	r.fresh++
	wait := 0
	if r.wait {
		wait = 1
	}
	return fmt.Sprintf("store: {redis: {addresses: [%q], prefix: bench%d, wait: %d}}\nlink_key: 0123456789abcdef0123456789abcdef\n", r.addr, r.fresh, wait)
}

// bareCommit is the least that a page's change would take: its record, its timer, its audit entry.
const bareCommit = `redis.call('HSET', KEYS[1], 'v', ARGV[1], 'b', ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[1], KEYS[1])
redis.call('XADD', KEYS[3], '*', 'b', ARGV[2])
return 1`

// bare commits with bareCommit from as many connections as the throughput measurement uses, each waiting for its reply.
func (r *servers) bare(length time.Duration) error {
	const conns = 256
	c := redis.NewClient(&redis.Options{Addr: r.addr, PoolSize: conns, MaxRetries: -1})
	defer c.Close()
	ctx := context.Background()
	if err := c.FlushAll(ctx).Err(); err != nil {
		return err
	}
	script := redis.NewScript(bareCommit)
	if err := script.Load(ctx, c).Err(); err != nil {
		return err
	}
	body := make([]byte, 1024)
	var n, failed atomic.Int64
	var wg sync.WaitGroup
	begin := time.Now()
	for range conns {
		wg.Go(func() {
			conn := c.Conn()
			defer conn.Close()
			for time.Since(begin) < length {
				k := n.Add(1)
				key := "bare:" + strconv.FormatInt(k, 10)
				err := script.EvalSha(ctx, conn, []string{key, "bare:due", "bare:audit"}, k, body).Err()
				if err == nil && r.wait {
					err = conn.Wait(ctx, 1, time.Second).Err()
				}
				if err != nil {
					failed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	kind := "appendfsync always"
	if r.wait {
		kind += ", WAIT 1"
	}
	fmt.Printf("bare Lua commit (HSET, ZADD, XADD of 1 KiB), %s, %d connections: %.0f/s  failed %d\n", kind, conns, float64(n.Load())/time.Since(begin).Seconds(), failed.Load())
	return c.FlushAll(ctx).Err()
}
