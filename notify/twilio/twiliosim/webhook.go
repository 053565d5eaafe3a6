package twiliosim

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// webhookTimeout is Twilio's documented limit for an answer to a webhook.
const webhookTimeout = 15 * time.Second

// maxAnswer is how much of a webhook's answer is read; Twilio's documented limit for TwiML is 64 KB.
const maxAnswer = 64 << 10

// errRedirected ends a webhook that is redirected: a redirected POST would arrive as an empty GET.
var errRedirected = errors.New("11215 redirected")

func ownClient() *http.Client {
	return &http.Client{
		Transport:     http.DefaultTransport.(*http.Transport).Clone(),
		Timeout:       webhookTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirected },
	}
}

// webhook is a request that Twilio makes.
type webhook struct {
	url    string
	method string // POST unless GET
	form   url.Values
	token  string // idempotency token: the same for a repeated delivery
}

// webhookAnswer is what it got.
type webhookAnswer struct {
	status      int
	contentType string
	body        []byte
}

func (a webhookAnswer) ok() bool { return a.status >= 200 && a.status < 300 }

// Post posts a form to a webhook as this account would, signed. It returns status and body (at most 64 KiB). It is for
// tests of replays and of callbacks about unknown messages.
func (s *Sim) Post(ctx context.Context, to string, form url.Values) (status int, body []byte, err error) {
	answer, err := s.send(ctx, webhook{url: to, form: form, token: s.token()})
	return answer.status, answer.body, err
}

// send makes a signed request. A fragment of the URL, Twilio's place for connection overrides, is not sent.
func (s *Sim) send(ctx context.Context, w webhook) (webhookAnswer, error) {
	target, _, _ := strings.Cut(w.url, "#")
	method, signed := http.MethodPost, w.form
	var body io.Reader
	if w.method == http.MethodGet {
		method, signed = http.MethodGet, nil
		target = withQuery(target, w.form)
	} else {
		body = strings.NewReader(w.form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return webhookAnswer{}, fmt.Errorf("11100 invalid URL: %w", err)
	}
	if req.URL.Host == "" || req.URL.Scheme != "http" && req.URL.Scheme != "https" {
		return webhookAnswer{}, fmt.Errorf("11100 invalid URL %q", target)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	}
	req.Header.Set("User-Agent", "TwilioProxy/1.1")
	req.Header.Set("I-Twilio-Idempotency-Token", w.token)
	req.Header.Set("X-Twilio-Signature", Sign(s.opt.AuthToken, target, signed))
	res, err := s.client.Do(req)
	if err != nil {
		return webhookAnswer{}, fmt.Errorf("11200 HTTP retrieval failure: %w", err)
	}
	defer func() { _ = res.Body.Close() }() // only read from
	answer := webhookAnswer{status: res.StatusCode, contentType: res.Header.Get("Content-Type")}
	if answer.body, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer)); err != nil {
		return answer, fmt.Errorf("11200 HTTP retrieval failure: %w", err)
	}
	return answer, nil
}

func withQuery(target string, form url.Values) string {
	if len(form) == 0 {
		return target
	}
	separator := "?"
	if strings.Contains(target, "?") {
		separator = "&"
	}
	return target + separator + form.Encode()
}

// sid makes a new identifier. The caller holds mu.
func (s *Sim) sid(prefix string) string {
	s.serial++
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], s.epoch)
	binary.BigEndian.PutUint64(b[8:], s.serial)
	sum := sha256.Sum256(b[:])
	return prefix + hex.EncodeToString(sum[:16])
}

// token makes an idempotency token.
func (s *Sim) token() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.sid("")
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
