package webhook

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// Limits of what Amazon sends: a message is at most 256 KB; SNS retries for at most an hour.
const (
	maxCertificate = 64 << 10
	maxAge         = time.Hour + 5*time.Minute
	maxFuture      = 15 * time.Minute
	maxCached      = 64
)

// envelope is what SNS posts. Only what is signed may be believed: MessageAttributes and the URLs of certificate and
// unsubscription are not.
type envelope struct {
	Type             string  `json:"Type"`
	MessageID        string  `json:"MessageId"`
	TopicArn         string  `json:"TopicArn"`
	Subject          *string `json:"Subject"`
	Message          string  `json:"Message"`
	Timestamp        string  `json:"Timestamp"`
	SignatureVersion string  `json:"SignatureVersion"`
	Signature        string  `json:"Signature"`
	SigningCertURL   string  `json:"SigningCertURL"`
	Token            string  `json:"Token"`
	SubscribeURL     string  `json:"SubscribeURL"`
}

// ParseSNS reads an envelope without believing it.
func parseEnvelope(body []byte) (envelope, error) {
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil {
		return e, &bad{"the body is no SNS message", "subscribe the topic without raw delivery, or allow raw: true with a token"}
	}
	switch e.Type {
	case "Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation":
		return e, nil
	}
	return e, &bad{fmt.Sprintf("the SNS type %q is not known", clip(e.Type, 40)), "only SNS posts here"}
}

// signed is the string that Amazon signs: the values as decoded, in this order.
func (e envelope) signed() string {
	var b strings.Builder
	add := func(key, value string) {
		b.WriteString(key)
		b.WriteByte('\n')
		b.WriteString(value)
		b.WriteByte('\n')
	}
	add("Message", e.Message)
	add("MessageId", e.MessageID)
	if e.Type == "Notification" {
		if e.Subject != nil {
			add("Subject", *e.Subject)
		}
	} else {
		add("SubscribeURL", e.SubscribeURL)
	}
	add("Timestamp", e.Timestamp)
	if e.Type != "Notification" {
		add("Token", e.Token)
	}
	add("TopicArn", e.TopicArn)
	add("Type", e.Type)
	return b.String()
}

// verify checks the signature with the certificate.
func (e envelope) verify(cert *x509.Certificate) error {
	algorithm := x509.SHA1WithRSA
	switch e.SignatureVersion {
	case "1":
	case "2":
		algorithm = x509.SHA256WithRSA
	default:
		return fmt.Errorf("signature version %q is not known", clip(e.SignatureVersion, 10))
	}
	sig, err := base64.StdEncoding.DecodeString(e.Signature)
	if err != nil {
		return errors.New("the signature is not base64")
	}
	if err := cert.CheckSignature(algorithm, []byte(e.signed()), sig); err != nil {
		return errors.New("the signature does not fit")
	}
	return nil
}

// topic is a TopicArn's parts.
type topic struct{ partition, region string }

var topicArn = regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov|aws-iso|aws-iso-b|aws-iso-e|aws-iso-f|aws-eusc):sns:([a-z]{2,5}(?:-[a-z]+)+-\d):\d{12}:[A-Za-z0-9_.-]{1,256}$`)

func parseTopic(arn string) (topic, error) {
	m := topicArn.FindStringSubmatch(arn)
	if m == nil {
		return topic{}, errors.New("the TopicArn is none")
	}
	return topic{m[1], m[2]}, nil
}

// host is SNS' endpoint for the topic's region. Certificates are served there too.
func (t topic) host() string {
	suffix := map[string]string{"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn", "aws-iso": "c2s.ic.gov",
		"aws-iso-b": "sc2s.sgov.gov", "aws-iso-e": "cloud.adc-e.uk", "aws-iso-f": "csp.hci.ic.gov", "aws-eusc": "amazonaws.eu"}[t.partition]
	return "sns." + t.region + "." + suffix
}

// names are the host names that a genuine certificate for the topic's region may carry.
func (t topic) names() []string {
	switch t.partition {
	case "aws-cn":
		return []string{"sns-" + t.region + ".amazonaws.com.cn"}
	case "aws-us-gov":
		return []string{"sns-us-gov-west-1.amazonaws.com"}
	case "aws":
		return []string{"sns.amazonaws.com", "sns-signing." + t.region + ".amazonaws.com"}
	}
	return []string{strings.Replace(t.host(), "sns.", "sns-signing.", 1), t.host()}
}

var certificatePath = regexp.MustCompile(`^/SimpleNotificationService-[0-9a-z]{1,64}\.pem$`)

// checkCertificateURL refuses every address that is not exactly where the topic's region serves its certificate. It does
// no network I/O.
func checkCertificateURL(raw string, t topic) error {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" || u.Host != t.host() || u.User != nil || u.RawQuery != "" || u.ForceQuery ||
		u.Fragment != "" || u.RawFragment != "" || u.Opaque != "" || u.RawPath != "" || !certificatePath.MatchString(u.Path) ||
		raw != "https://"+t.host()+u.Path {
		return errors.New("the certificate's address is not Amazon's for the topic's region")
	}
	return nil
}

// confirmURL is the confirmation request that we build ourselves: the URL that was sent is never fetched.
func (t topic) confirmURL(arn, token string) string {
	return "https://" + t.host() + "/?" + url.Values{"Action": {"ConfirmSubscription"}, "TopicArn": {arn}, "Token": {token}}.Encode()
}

// SNS fetches and keeps Amazon's certificates, and confirms subscriptions.
type SNS struct {
	client *http.Client
	roots  *x509.CertPool
	now    func() time.Time

	mu    sync.Mutex
	certs map[string]*x509.Certificate
	busy  map[string]chan struct{} // one fetch per address at a time
}

// NewSNS returns a verifier. transport nil is the default one; roots nil are the system's. Both are there for tests and
// the demo: a configuration cannot set them.
func NewSNS(transport http.RoundTripper, roots *x509.CertPool, now func() time.Time) *SNS {
	if transport == nil {
		transport = http.DefaultTransport
	}
	retry := retryablehttp.NewClient()
	retry.Logger = nil
	retry.RetryMax, retry.RetryWaitMin, retry.RetryWaitMax = 2, 200*time.Millisecond, time.Second
	retry.Backoff = func(low, high time.Duration, attempt int, _ *http.Response) time.Duration {
		return min(low<<attempt, high) // Retry-After may not hold a request up
	}
	retry.HTTPClient = &http.Client{Transport: transport, Timeout: 4 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &SNS{client: retry.StandardClient(), roots: roots, now: now, certs: map[string]*x509.Certificate{}, busy: map[string]chan struct{}{}}
}

// errTransient marks what may succeed later: a certificate that could not be fetched.
var errTransient = errors.New("try again later")

// verify checks everything that makes an envelope genuine. An error that wraps errTransient may go away.
func (s *SNS) verify(ctx context.Context, e envelope) error {
	t, err := parseTopic(e.TopicArn)
	if err != nil {
		return err
	}
	if err := checkCertificateURL(e.SigningCertURL, t); err != nil {
		return err
	}
	cert, err := s.certificate(ctx, e.SigningCertURL)
	if err != nil {
		return err
	}
	if err := s.trust(cert, t, e); err != nil {
		return err
	}
	return e.verify(cert)
}

// trust checks validity, host name and chain at the time that the message was published: messages that SNS retries over a
// rotation still name the old certificate.
func (s *SNS) trust(cert *x509.Certificate, t topic, e envelope) error {
	at, err := time.Parse(time.RFC3339, e.Timestamp)
	if err != nil {
		return errors.New("the timestamp is none")
	}
	now := s.now()
	if now.Sub(at) > maxAge || at.Sub(now) > maxFuture {
		return errors.New("the message is too old or from the future")
	}
	named := false
	for _, name := range t.names() {
		named = named || cert.VerifyHostname(name) == nil || len(cert.DNSNames) == 0 && cert.Subject.CommonName == name
	}
	if !named {
		return errors.New("the certificate is not SNS'")
	}
	if _, err := cert.Verify(x509.VerifyOptions{Roots: s.roots, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
		return fmt.Errorf("the certificate is not trusted: %w", err)
	}
	return nil
}

// certificate returns the certificate at an address that was checked before.
func (s *SNS) certificate(ctx context.Context, address string) (*x509.Certificate, error) {
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
	body, status, err := s.get(ctx, address)
	if err != nil || status != http.StatusOK {
		return nil, fmt.Errorf("fetch the certificate (status %d): %w", status, errTransient)
	}
	block, rest := pem.Decode(body)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("the certificate is not PEM")
	}
	_ = rest // intermediates, if any, come with the system's roots
	cert, err = x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, errors.New("the certificate cannot be read")
	}
	return cert, nil
}

func (s *SNS) get(ctx context.Context, address string) ([]byte, int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, 0, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxCertificate))
	return body, resp.StatusCode, err
}

// confirm asks SNS to confirm a subscription of an allow-listed topic.
func (s *SNS) confirm(ctx context.Context, arn, token string) error {
	t, err := parseTopic(arn)
	if err != nil {
		return err
	}
	body, status, err := s.get(ctx, t.confirmURL(arn, token))
	if err != nil {
		return fmt.Errorf("confirm the subscription: %w", errTransient)
	}
	if status != http.StatusOK || !strings.Contains(string(body), "SubscriptionArn") {
		return fmt.Errorf("confirm the subscription (status %d): %w", status, errTransient)
	}
	return nil
}
