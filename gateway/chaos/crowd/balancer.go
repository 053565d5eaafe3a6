package crowd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"time"
)

// Balancer is the public address of all replicas: what arrives goes to one of them, and to another one when that one does
// not take the connection.
type Balancer struct {
	URL string
	srv *http.Server
}

// balanceTime is how long a replica may take to answer before the balancer gives up; below Twilio's 15 s for a webhook.
const balanceTime = 4 * time.Second

// NewBalancer listens on host. Close it.
func NewBalancer(host string, replicas []Replica) (*Balancer, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, fmt.Errorf("open the balancer: %w", err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.Out.Host = r.In.Host; r.Out.URL.Scheme = "http" },
		Transport: newSpread(replicas),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			w.WriteHeader(http.StatusBadGateway)
		},
	}
	b := &Balancer{URL: "http://" + l.Addr().String(), srv: &http.Server{Handler: proxy, ReadHeaderTimeout: 5 * time.Second}}
	go func() { _ = b.srv.Serve(l) }() // ends in Close
	return b, nil
}

// Close ends it.
func (b *Balancer) Close() error { return b.srv.Close() }

// spread tries the replicas in a random order.
type spread struct {
	replicas []Replica
	next     *http.Transport
}

func newSpread(replicas []Replica) *spread {
	return &spread{replicas: replicas, next: &http.Transport{
		DialContext:           (&net.Dialer{Timeout: time.Second}).DialContext,
		ResponseHeaderTimeout: balanceTime, MaxIdleConnsPerHost: 64, IdleConnTimeout: 10 * time.Second,
	}}
}

// RoundTrip implements http.RoundTripper.
func (s *spread) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, fmt.Errorf("read the request: %w", err)
		}
	}
	var failed error
	for _, i := range rand.Perm(len(s.replicas)) {
		out := r.Clone(r.Context())
		out.URL.Host = s.replicas[i].Public
		out.Body = io.NopCloser(bytes.NewReader(body))
		resp, err := s.next.RoundTrip(out)
		var dial *net.OpError
		if err == nil || !errors.As(err, &dial) || dial.Op != "dial" {
			return resp, err
		}
		failed = err
	}
	return nil, failed
}

// pause waits, but not longer than ctx; it reports whether the whole time passed.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
