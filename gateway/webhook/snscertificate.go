package webhook

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

const (
	maxCertificate = 64 << 10
	maxAge         = time.Hour + 5*time.Minute // SNS retries a message for at most an hour
	maxFuture      = 15 * time.Minute          // clocks that differ
	maxCached      = 64                        // certificates; Amazon changes one a year for each region
	maxFetches     = 4                         // at a time: whoever invents addresses must not keep us busy
	fetchTime      = 6 * time.Second           // with all retries; SNS itself gives up after 15 s
)

// errTransient marks what may succeed later: a certificate that could not be fetched, a confirmation not answered.
var errTransient = errors.New("try again later")

// SNS fetches and keeps Amazon's certificates, and confirms subscriptions. It never follows a redirect and asks no
// address but SNS' own endpoint of an allow-listed topic's region.
//
// What makes a certificate Amazon's is that it came over TLS from exactly that host, is valid and names SNS. This is what
// Amazon's own verifiers check. Its chain cannot be built from the system's roots: the file holds the leaf alone, and the
// issuer ("Amazon RSA 2048 M01" in 2026) is an intermediate that changes without notice.
type SNS struct {
	client *retryablehttp.Client
	roots  *x509.CertPool
	now    func() time.Time
	places chan struct{}

	mu    sync.Mutex
	certs map[string]*x509.Certificate
	busy  map[string]chan struct{} // one fetch per address at a time
}

// NewSNS returns a verifier. transport nil is the default one, which checks TLS against the system's roots; with roots a
// certificate must also chain to them. Both are there for tests and the demo: a configuration cannot set them.
func NewSNS(transport http.RoundTripper, roots *x509.CertPool, now func() time.Time) *SNS {
	if transport == nil {
		transport = http.DefaultTransport.(*http.Transport).Clone() // its idle connections are closed after a failure
	}
	client := retryablehttp.NewClient()
	client.Logger = nil
	client.RetryMax, client.RetryWaitMin, client.RetryWaitMax = 2, 200*time.Millisecond, time.Second
	client.CheckRetry = func(ctx context.Context, resp *http.Response, err error) (bool, error) {
		return ctx.Err() == nil && (err != nil || resp.StatusCode >= 500), nil
	}
	client.Backoff = func(low, high time.Duration, attempt int, _ *http.Response) time.Duration {
		return min(low<<attempt, high) // Retry-After may not hold a request up
	}
	client.ErrorHandler = retryablehttp.PassthroughErrorHandler
	client.HTTPClient = &http.Client{Transport: transport, Timeout: fetchTime / 2,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &SNS{client: client, roots: roots, now: now, places: make(chan struct{}, maxFetches),
		certs: map[string]*x509.Certificate{}, busy: map[string]chan struct{}{}}
}

// verify checks everything that makes an envelope genuine, in the order that keeps a forgery off the network. An error
// that wraps errTransient may go away.
func (s *SNS) verify(ctx context.Context, e envelope) error {
	t, err := parseTopic(e.TopicArn)
	if err != nil {
		return err
	}
	at := e.published()
	if at.IsZero() {
		return errors.New("the timestamp is none")
	}
	if now := s.now(); now.Sub(at) > maxAge || at.Sub(now) > maxFuture {
		return errors.New("the message is too old or from the future")
	}
	if err := checkCertificateURL(e.SigningCertURL, t); err != nil {
		return err
	}
	cert, err := s.certificate(ctx, e.SigningCertURL)
	if err != nil {
		return err
	}
	if err := s.trust(cert, t, at); err != nil {
		return err
	}
	return e.verify(cert)
}

// trust checks the host name and the validity when the message was published: what SNS retries over a rotation still
// names the old certificate.
func (s *SNS) trust(cert *x509.Certificate, t topic, at time.Time) error {
	named := false
	for _, name := range t.names() {
		named = named || cert.VerifyHostname(name) == nil
	}
	if !named {
		return errors.New("the certificate is not SNS'")
	}
	if at.Before(cert.NotBefore) || at.After(cert.NotAfter) {
		return errors.New("the certificate was not valid when the message was published")
	}
	if s.roots == nil {
		return nil
	}
	if _, err := cert.Verify(x509.VerifyOptions{Roots: s.roots, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
		return fmt.Errorf("the certificate is not trusted: %w", err)
	}
	return nil
}

// certificate returns the certificate at an address that was checked before.
func (s *SNS) certificate(ctx context.Context, address string) (*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	for {
		s.mu.Lock()
		if c, ok := s.certs[address]; ok {
			s.mu.Unlock()
			return c, nil
		}
		wait, fetching := s.busy[address]
		if !fetching {
			s.busy[address] = make(chan struct{})
			s.mu.Unlock()
			return s.fetch(ctx, address)
		}
		s.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the certificate: %w", errTransient)
		}
	}
}

// fetch gets a certificate and keeps it. Whatever goes wrong is transient: the address is Amazon's, so what stands in
// between (a proxy's error page) will pass.
func (s *SNS) fetch(ctx context.Context, address string) (cert *x509.Certificate, err error) {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		close(s.busy[address])
		delete(s.busy, address)
		if err != nil {
			return
		}
		if len(s.certs) >= maxCached {
			clear(s.certs)
		}
		s.certs[address] = cert
	}()
	body, err := s.get(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("fetch the certificate: %w", err)
	}
	block, _ := pem.Decode(body)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("what came is no PEM certificate: %w", errTransient)
	}
	cert, err = x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("the certificate cannot be read: %w", errTransient)
	}
	return cert, nil
}

// get asks Amazon; every failure and every answer but 200 wraps errTransient.
func (s *SNS) get(ctx context.Context, address string) ([]byte, error) {
	select {
	case s.places <- struct{}{}:
		defer func() { <-s.places }()
	case <-ctx.Done():
		return nil, fmt.Errorf("too many requests to Amazon at a time: %w", errTransient)
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("build the request: %w", err)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", errTransient, withoutURL(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answered %d: %w", resp.StatusCode, errTransient)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxCertificate))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w (%w)", errTransient, err)
	}
	return body, nil
}

// withoutURL takes the address out of a client's error: a confirmation's address holds the token.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// confirmation is Amazon's answer to ConfirmSubscription.
type confirmation struct {
	Arn string `xml:"ConfirmSubscriptionResult>SubscriptionArn"`
}

// confirm asks SNS to confirm a subscription of an allow-listed topic.
func (s *SNS) confirm(ctx context.Context, arn, token string) error {
	t, err := parseTopic(arn)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	body, err := s.get(ctx, t.confirmURL(arn, token))
	if err != nil {
		return fmt.Errorf("confirm the subscription: %w", err)
	}
	var c confirmation
	if err := xml.Unmarshal(body, &c); err != nil || c.Arn == "" {
		return fmt.Errorf("confirm the subscription: the answer names none: %w", errTransient)
	}
	return nil
}
