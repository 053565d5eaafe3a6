// Package twilio sends SMS and calls through Twilio's REST API and takes its signed callbacks.
//
// It promises that every attempt ends by its context's deadline and is told as sent, certainly not sent, or maybe sent;
// that nothing is retried behind the caller's back; and that no callback acts without Twilio's signature over the public
// address.
package twilio

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	twclient "github.com/twilio/twilio-go/client"
	api "github.com/twilio/twilio-go/rest/api/v2010"

	"pagerd/notify"
)

const (
	maxAnswer    = 64 << 10
	maxAfter     = time.Minute    // a provider may not hold one message back longer than this
	ringTime     = 25             // seconds a telephone rings: voicemail usually picks up after 25 to 30
	callLife     = 180            // seconds a call may last
	reconcileMax = 20             // newest messages to a number that are looked at
	maxValidity  = 10 * time.Hour // the longest ValidityPeriod that Twilio documents
)

// Options configure a Client. BaseURL is Twilio's or a simulator's, PublicURL where Twilio reaches this gateway; neither
// has a slash at its end.
type Options struct {
	AccountSID string
	AuthToken  string
	From       string // E.164
	BaseURL    string // default https://api.twilio.com
	PublicURL  string
	Transport  http.RoundTripper // default: an own one
}

// Client sends. It is safe for concurrent use.
type Client struct {
	o    Options
	base *url.URL
	http *http.Client
}

// New returns a client, or an error for an address that is none.
func New(o Options) (*Client, error) {
	if o.BaseURL == "" {
		o.BaseURL = "https://api.twilio.com"
	}
	base, err := url.Parse(o.BaseURL)
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("twilio: base URL %q is none", o.BaseURL)
	}
	if o.Transport == nil {
		o.Transport = &http.Transport{Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: 3 * time.Second}).DialContext,
			TLSHandshakeTimeout: 3 * time.Second, MaxIdleConnsPerHost: 32, IdleConnTimeout: 30 * time.Second, ForceAttemptHTTP2: true}
	}
	return &Client{o: o, base: base, http: &http.Client{Transport: o.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}, nil
}

// SMS sends text messages.
func (c *Client) SMS() Messages { return Messages{c} }

// Voice makes calls.
func (c *Client) Voice() Calls { return Calls{c} }

// Messages is the client as a sender of SMS.
type Messages struct{ c *Client }

// Send posts one message.
func (m Messages) Send(ctx context.Context, n notify.Notification) notify.Outcome {
	a := m.c.attempt(ctx, n.Alive)
	p := &api.CreateMessageParams{}
	p.SetTo(n.Contact.Address)
	p.SetFrom(m.c.o.From)
	p.SetBody(n.Text)
	p.SetStatusCallback(m.c.o.PublicURL + "/twilio/status/" + url.PathEscape(n.Delivery))
	if n.Validity > 0 {
		p.SetValidityPeriod(int(min(max(n.Validity, time.Second), maxValidity).Seconds()))
	}
	sent, err := api.NewApiServiceWithClient(a).CreateMessage(p)
	sid := ""
	if err == nil && sent != nil && sent.Sid != nil {
		sid = *sent.Sid
	}
	return a.outcome(sid, err)
}

// Reconcile looks for a message that an earlier attempt may have sent: same number, same text, accepted since. One that
// failed is not it. Calls have no such thing: Twilio's list does not say what a call was for, and a wrong match would leave
// a page unrung; the callbacks of a call that was made name its delivery.
func (m Messages) Reconcile(ctx context.Context, n notify.Notification, since time.Time) (string, bool, error) {
	a := m.c.attempt(ctx, nil)
	p := &api.ListMessageParams{}
	p.SetTo(n.Contact.Address)
	p.SetPageSize(reconcileMax)
	page, err := api.NewApiServiceWithClient(a).PageMessage(p, "", "")
	if err != nil {
		return "", false, fmt.Errorf("list messages: %w", a.failure(err))
	}
	for _, msg := range page.Messages {
		// A trial account puts a sentence of its own before the text.
		if msg.Body == nil || !strings.HasSuffix(*msg.Body, n.Text) || msg.Sid == nil || msg.DateCreated == nil || dead(msg.Status) {
			continue
		}
		if at, err := time.Parse(time.RFC1123Z, *msg.DateCreated); err == nil && !at.Before(since.Truncate(time.Second)) {
			return *msg.Sid, true, nil
		}
	}
	return "", false, nil
}

func dead(status *string) bool {
	return status != nil && (*status == "failed" || *status == "undelivered" || *status == "canceled")
}

// Calls is the client as a sender of calls.
type Calls struct{ c *Client }

// Send makes one call; what is said is asked for at /twilio/voice/{delivery} when somebody picks up.
func (v Calls) Send(ctx context.Context, n notify.Notification) notify.Outcome {
	a := v.c.attempt(ctx, n.Alive)
	id := url.PathEscape(n.Delivery)
	p := &api.CreateCallParams{}
	p.SetTo(n.Contact.Address)
	p.SetFrom(v.c.o.From)
	p.SetUrl(v.c.o.PublicURL + "/twilio/voice/" + id)
	p.SetMethod(http.MethodPost)
	p.SetStatusCallback(v.c.o.PublicURL + "/twilio/status/" + id)
	p.SetStatusCallbackEvent([]string{"initiated", "ringing", "answered", "completed"})
	p.SetTimeout(ringTime)
	p.SetTimeLimit(callLife)
	made, err := api.NewApiServiceWithClient(a).CreateCall(p)
	sid := ""
	if err == nil && made != nil && made.Sid != nil {
		sid = *made.Sid
	}
	return a.outcome(sid, err)
}

// Probe asks Twilio for the newest message, which proves address and credentials. Sent means that both are good.
func (c *Client) Probe(ctx context.Context) notify.Outcome {
	a := c.attempt(ctx, nil)
	p := &api.ListMessageParams{}
	p.SetPageSize(1)
	_, err := api.NewApiServiceWithClient(a).PageMessage(p, "", "")
	if err == nil {
		return notify.Outcome{Certainty: notify.Sent}
	}
	out := a.outcome("", err)
	out.Certainty = notify.NotSent
	return out
}

// attempt is one request. It is twilio-go's BaseClient with a context, which that library does not have, and it writes
// down what happened on the wire.
type attempt struct {
	c     *Client
	ctx   context.Context
	alive func() bool

	wire   atomic.Int32 // how far the body got; the connection writes in a goroutine of its own
	status int
	after  time.Duration
}

func (c *Client) attempt(ctx context.Context, alive func() bool) *attempt {
	return &attempt{c: c, ctx: ctx, alive: alive}
}

// AccountSid is part of twilio-go's BaseClient.
func (a *attempt) AccountSid() string { return a.c.o.AccountSID }

// SetTimeout is part of twilio-go's BaseClient; the context has the deadline.
func (a *attempt) SetTimeout(time.Duration) {}

// SetOauth is part of twilio-go's BaseClient.
func (a *attempt) SetOauth(twclient.OAuth) {}

// OAuth is part of twilio-go's BaseClient.
func (a *attempt) OAuth() twclient.OAuth { return nil }

var errLeaseLost = errors.New("the claim is too old to write")

var errSealed = errors.New("the attempt is over")

// The states of attempt.wire.
const (
	untouched int32 = iota
	handed          // the body was given to a connection: it may have been sent
	sealed          // the attempt ended before: nothing may be sent any more
)

// wrote reports whether the body may have left. If not, it is kept from leaving later: a connection that asks for it
// after the attempt was told as not sent gets nothing.
func (a *attempt) wrote() bool {
	return !a.wire.CompareAndSwap(untouched, sealed) && a.wire.Load() == handed
}

// body asks once more when the connection, which may have taken seconds to open, wants its first byte: the last moment at
// which a claim that was lost may still keep its message back. A request without its body sends nothing.
type body struct {
	*strings.Reader
	a     *attempt
	begun bool
}

func (b *body) Read(p []byte) (int, error) {
	if !b.begun && b.a.alive != nil && !b.a.alive() {
		return 0, errLeaseLost
	}
	b.begun = true
	if !b.a.wire.CompareAndSwap(untouched, handed) && b.a.wire.Load() == sealed {
		return 0, errSealed
	}
	return b.Reader.Read(p)
}

// Close is part of io.ReadCloser.
func (b *body) Close() error { return nil }

// SendRequest is part of twilio-go's BaseClient.
func (a *attempt) SendRequest(method, rawURL string, data url.Values, headers map[string]interface{}, _ ...byte) (*http.Response, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, err
	}
	u.Scheme, u.Host = a.c.base.Scheme, a.c.base.Host
	u.Path = a.c.base.Path + u.Path
	req, err := http.NewRequestWithContext(a.ctx, method, u.String(), nil)
	if err != nil {
		return nil, err
	}
	if method == http.MethodPost {
		if a.alive != nil && !a.alive() {
			return nil, errLeaseLost
		}
		form := data.Encode()
		// net/http asks for the body again only when a kept connection turned out to be closed before anything was written.
		req.GetBody = func() (io.ReadCloser, error) { return &body{Reader: strings.NewReader(form), a: a}, nil }
		req.Body, _ = req.GetBody()
		req.ContentLength = int64(len(form))
	} else {
		u.RawQuery = data.Encode()
		req.URL = u
	}
	for k, v := range headers {
		req.Header.Set(k, fmt.Sprint(v))
	}
	req.SetBasicAuth(a.c.o.AccountSID, a.c.o.AuthToken)
	req.Header.Set("User-Agent", "pagerd")
	req.Header.Set("Accept", "application/json")
	resp, err := a.c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	a.status = resp.StatusCode
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 {
		a.after = min(time.Duration(s)*time.Second, maxAfter)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(text))
	if resp.StatusCode >= 300 {
		e := &apiError{Status: resp.StatusCode}
		_ = json.Unmarshal(text, e) // an HTML page of a proxy leaves code and message empty
		e.Status = resp.StatusCode
		return nil, e
	}
	return resp, nil
}

// apiError is Twilio's error answer.
type apiError struct {
	Status  int    `json:"status"`
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// Error names status and code; the message is left out because it may quote the number.
func (e *apiError) Error() string { return fmt.Sprintf("status %d, code %d", e.Status, e.Code) }
