package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Timeouts of both listeners. A client that trickles its header or body is cut off; a body of 16 MiB over a slow line is not.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 60 * time.Second
	writeTimeout  = 60 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10
	drainTime     = 5 * time.Second // how long requests under way may take after a signal to stop
)

// closers is a stack of named teardowns, registered beside what they undo and run in reverse.
type closers struct {
	steps []closer
}

type closer struct {
	name string
	stop func() error
}

func (c *closers) add(name string, stop func() error) {
	c.steps = append(c.steps, closer{name, stop})
}

// close runs every teardown, even after one failed, and joins their errors.
func (c *closers) close() error {
	var failed error
	for i := len(c.steps) - 1; i >= 0; i-- {
		if err := c.steps[i].stop(); err != nil {
			failed = errors.Join(failed, fmt.Errorf("stop %s: %w", c.steps[i].name, err))
		}
	}
	c.steps = nil
	return failed
}

// listener serves one door.
type listener struct {
	name string
	l    net.Listener
	srv  *http.Server
}

func listen(name, address string, h http.Handler, log *zap.Logger) (*listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s for the %s door: %w", address, name, err)
	}
	return &listener{name: name, l: l, srv: &http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: zap.NewStdLog(log.Named("http")),
	}}, nil
}

// close ends the listener; after serve there is nothing left to close.
func (s *listener) close() error {
	if err := s.l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// serve runs until ctx ends, then lets requests under way finish within drainTime.
func (s *listener) serve(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- s.srv.Serve(s.l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve the %s door: %w", s.name, err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	if err := s.srv.Shutdown(drain); err != nil {
		_ = s.srv.Close()
	}
	<-failed
	return nil
}

// together runs every part until ctx ends or one fails, which ends the others; it returns the first failure.
func together(ctx context.Context, parts ...func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	var once sync.Once
	var first error
	for _, part := range parts {
		wg.Go(func() {
			if err := part(ctx); err != nil {
				once.Do(func() { first = err })
			}
			cancel()
		})
	}
	wg.Wait()
	return first
}
