package rig

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Redis is a redis-server process, configured as production asks for it.
type Redis struct {
	Process
	Address string
}

// NewRedis makes a server that is not started; dir is made for its files. args are appended to its command line.
func NewRedis(name, dir, address string, args ...string) (*Redis, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of %s: %w", name, err)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("address of %s: %w", name, err)
	}
	r := &Redis{Address: address}
	r.Name, r.Log = name, filepath.Join(dir, "log")
	r.Args = append([]string{"redis-server", "--bind", host, "--port", port, "--dir", dir, "--save", "", "--appendonly", "yes",
		"--appendfsync", "always", "--maxmemory-policy", "noeviction", "--daemonize", "no"}, args...)
	r.Env = []string{"PATH=" + os.Getenv("PATH")}
	r.Ready = func() error { return Pong(address) }
	return r, nil
}

// Pong returns nil when a server answers PING: one that still loads its data does not.
func Pong(address string) error {
	answer, err := Ask(address, "PING")
	if err == nil && answer != "+PONG" {
		err = errors.New(answer)
	}
	return err
}

// Ask sends one command and returns the first line of the answer.
func Ask(address, command string) (string, error) {
	c, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return "", fmt.Errorf("ask redis: %w", err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Second)) // a connection that cannot be given a deadline fails below
	if _, err := fmt.Fprintf(c, "%s\r\n", command); err != nil {
		return "", fmt.Errorf("ask redis: %w", err)
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("ask redis: %w", err)
	}
	return strings.TrimSpace(line), nil
}
