// Package tracker posts what was decided to an issue tracker by webhook.
//
// It promises that every request is signed and carries a key that is the same on every repetition, so that the receiver can
// tell a repetition from news; that no redirect is followed; and that "sent", "not sent" and "maybe sent" are told apart.
package tracker

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"pagerd/notify"
)

// maxAnswer bounds what is read of an answer; what follows is not waited for.
const maxAnswer = 64 << 10

// maxRetryAfter bounds how long a receiver can put us off.
const maxRetryAfter = time.Hour

// Endpoint is where and how to post. Token goes into "Authorization: Bearer" if there is one; Secret signs.
type Endpoint struct {
	URL    string
	Token  string
	Secret string
}

// Sender posts notifications. It is safe for concurrent use.
type Sender struct {
	endpoint func() Endpoint // asked each time, so that a reload takes effect at once
	now      func() time.Time
	client   *http.Client
}

// New returns a sender. now is the clock of the signatures.
func New(endpoint func() Endpoint, now func() time.Time) *Sender {
	transport := &http.Transport{DialContext: (&net.Dialer{}).DialContext, TLSHandshakeTimeout: 5 * time.Second, MaxIdleConns: 2,
		IdleConnTimeout: 30 * time.Second, DisableCompression: true, MaxResponseHeaderBytes: maxAnswer}
	return &Sender{endpoint: endpoint, now: now, client: &http.Client{Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// Send posts n.Text, which is JSON, under the key n.Title. It ends with ctx. The ProviderID of what was taken is the
// tracker's own word for it, an address or an id, where it gave one.
func (s *Sender) Send(ctx context.Context, n notify.Notification) notify.Outcome {
	e := s.endpoint()
	var wrote atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { wrote.Store(true) }})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, strings.NewReader(n.Text))
	if err != nil {
		return notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonRejected, Permanent: true, Alarm: true, Detail: "the tracker's address is none"}
	}
	r.GetBody = nil // never repeated by the transport: the outbox does
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "pagerd")
	r.Header.Set("Idempotency-Key", n.Title)
	r.Header.Set("X-Pagerd-Signature", Sign(e.Secret, s.now(), n.Text))
	if e.Token != "" {
		r.Header.Set("Authorization", "Bearer "+e.Token)
	}
	if n.Alive != nil && !n.Alive() {
		return notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonLeaseLost, Detail: "claim too old"}
	}
	res, err := s.client.Do(r)
	if err != nil {
		return failure(ctx, err, wrote.Load())
	}
	defer res.Body.Close()
	return answer(res)
}

// Sign is the signature header of a body: "t=1774666800,v1=" and the hex HMAC-SHA256, under the secret, of the time, a dot
// and the body. The receiver computes it again, and refuses what is older than a few minutes.
func Sign(secret string, at time.Time, body string) string {
	t := strconv.FormatInt(at.Unix(), 10)
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(t + "." + body))
	return "t=" + t + ",v1=" + hex.EncodeToString(h.Sum(nil))
}

// failure tells what is known of a request without an answer: what had not begun to be written did not arrive.
func failure(ctx context.Context, err error, wrote bool) notify.Outcome {
	out := notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonUnreachable, Detail: "no connection to the tracker"}
	if ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) {
		out.Reason, out.Detail = notify.ReasonTimeout, "the tracker did not answer in time"
	}
	if wrote {
		out.Certainty = notify.MaybeSent
	}
	return out
}

// answer reads what the receiver says. 409 is its word for a key that it knows.
func answer(res *http.Response) notify.Outcome {
	detail := fmt.Sprintf("the tracker answered %d", res.StatusCode)
	switch {
	case res.StatusCode/100 == 2 || res.StatusCode == http.StatusConflict:
		return notify.Outcome{Certainty: notify.Sent, ProviderID: issue(res)}
	case res.StatusCode == http.StatusTooManyRequests:
		return notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonRateLimited, After: retryAfter(res), Detail: detail}
	case res.StatusCode == http.StatusRequestTimeout || res.StatusCode >= 500:
		return notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonProviderError, After: retryAfter(res), Detail: detail}
	case res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden:
		return notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonBadCredentials, Permanent: true, Alarm: true, Detail: detail}
	case res.StatusCode/100 == 3:
		detail += ": a redirect, which is not followed"
	}
	return notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonRejected, Permanent: true, Alarm: true, Detail: detail}
}

// retryAfter reads seconds; a date is not worth a clock here.
func retryAfter(res *http.Response) time.Duration {
	n, err := strconv.Atoi(res.Header.Get("Retry-After"))
	if err != nil || n < 0 {
		return 0
	}
	return min(time.Duration(n)*time.Second, maxRetryAfter)
}

// issue is what the tracker calls what it made of it: the Location header, else html_url, url, key or id of a JSON answer. That
// the answer cannot be read takes nothing back.
func issue(res *http.Response) string {
	if l := res.Header.Get("Location"); l != "" {
		return l
	}
	raw, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return ""
	}
	for _, name := range []string{"html_url", "url", "key", "id"} {
		value := bytes.TrimSpace(fields[name])
		var text string
		if json.Unmarshal(value, &text) == nil && text != "" {
			return text
		}
		var number json.Number
		if json.Unmarshal(value, &number) == nil && number != "" {
			return number.String()
		}
	}
	return ""
}
