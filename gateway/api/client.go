package api

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/report"
)

// maxAnswer bounds what the client reads of an answer: the timeline and 500 alerts of one page fit many times over.
const maxAnswer = 64 << 20

// Client speaks to a pagerd's API. The zero HTTP is a client with a 30 s timeout that follows no redirects.
type Client struct {
	Base  string // "http://127.0.0.1:8081"
	Token string
	Via   string // "cli" when a person uses the command line: the timeline shows it
	HTTP  *http.Client
}

// Error is an answer that is not a success, or no answer at all (Status 0).
type Error struct {
	Status  int
	Message string
	Hint    string
	err     error
}

// Error returns the sentence.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the network's error, if that is what it was.
func (e *Error) Unwrap() error { return e.err }

// Pages lists pages, newest first; open leaves the resolved ones out. before and limit may be 0.
func (c *Client) Pages(ctx context.Context, open bool, before int64, limit int) (PageList, error) {
	return get[PageList](ctx, c, "/api/v1/pages?"+listQuery(open, before, limit))
}

// Page returns a page with its timeline, deliveries and alerts.
func (c *Client) Page(ctx context.Context, number int64) (PageDetail, error) {
	return get[PageDetail](ctx, c, fmt.Sprintf("/api/v1/pages/%d", number))
}

// Incidents lists incidents, newest first.
func (c *Client) Incidents(ctx context.Context, open bool, before int64, limit int) (IncidentList, error) {
	return get[IncidentList](ctx, c, "/api/v1/incidents?"+listQuery(open, before, limit))
}

// Incident returns an incident with its timeline.
func (c *Client) Incident(ctx context.Context, number int64) (IncidentDetail, error) {
	return get[IncidentDetail](ctx, c, fmt.Sprintf("/api/v1/incidents/%d", number))
}

// Facts returns what every report is made of.
func (c *Client) Facts(ctx context.Context) (report.Facts, error) {
	return get[report.Facts](ctx, c, "/api/v1/reports/facts")
}

// OnCall says who is on call; a zero at means now by pagerd's clock.
func (c *Client) OnCall(ctx context.Context, at time.Time) (OnCallList, error) {
	path := "/api/v1/oncall"
	if !at.IsZero() {
		path += "?at=" + url.QueryEscape(at.UTC().Format(time.RFC3339))
	}
	return get[OnCallList](ctx, c, path)
}

// Version says what runs there.
func (c *Client) Version(ctx context.Context) (VersionInfo, error) {
	return get[VersionInfo](ctx, c, "/api/v1/version")
}

// Status returns what the status page shows. It needs no token.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return get[Status](ctx, c, "/status?format=json")
}

// Store returns the store, its settings and the replicas that share it.
func (c *Client) Store(ctx context.Context) (StoreInfo, error) {
	return get[StoreInfo](ctx, c, "/api/v1/store")
}

// UpgradeStore raises the stored format to the newest that the daemon can write.
func (c *Client) UpgradeStore(ctx context.Context) (StoreInfo, error) {
	return post[StoreInfo](ctx, c, "/api/v1/store/upgrade", Act{})
}

// Reload makes pagerd read its configuration again.
func (c *Client) Reload(ctx context.Context) (VersionInfo, error) {
	return post[VersionInfo](ctx, c, "/api/v1/reload", Act{})
}

// Acknowledge takes pages as one act: they become one incident.
func (c *Client) Acknowledge(ctx context.Context, pages ...int64) (Outcome, error) {
	return post[Outcome](ctx, c, "/api/v1/pages/acknowledge", Act{Pages: pages})
}

// Resolve says that pages are over.
func (c *Client) Resolve(ctx context.Context, pages ...int64) (Outcome, error) {
	return post[Outcome](ctx, c, "/api/v1/pages/resolve", Act{Pages: pages})
}

// Unacknowledge gives a page back: it rings again.
func (c *Client) Unacknowledge(ctx context.Context, number int64) (Outcome, error) {
	return c.act(ctx, number, "unacknowledge", Act{})
}

// Escalate asks for a page's next step now.
func (c *Client) Escalate(ctx context.Context, number int64) (Outcome, error) {
	return c.act(ctx, number, "escalate", Act{})
}

// Note writes into a page's timeline.
func (c *Client) Note(ctx context.Context, number int64, text string) (Outcome, error) {
	return c.act(ctx, number, "note", Act{Text: text})
}

// Noise says that a page was not worth ringing for.
func (c *Client) Noise(ctx context.Context, number int64) (Outcome, error) {
	return c.act(ctx, number, "noise", Act{})
}

// Severity raises or lowers a page.
func (c *Client) Severity(ctx context.Context, number int64, to alert.Severity) (Outcome, error) {
	return c.act(ctx, number, "severity", Act{Severity: to})
}

// Mitigate says that users are well again.
func (c *Client) Mitigate(ctx context.Context, number int64) (IncidentOutcome, error) {
	return post[IncidentOutcome](ctx, c, fmt.Sprintf("/api/v1/incidents/%d/mitigate", number), Act{})
}

// ResolveIncident closes an incident.
func (c *Client) ResolveIncident(ctx context.Context, number int64) (IncidentOutcome, error) {
	return post[IncidentOutcome](ctx, c, fmt.Sprintf("/api/v1/incidents/%d/resolve", number), Act{})
}

// IncidentAct does something to an incident; verb is the last part of its path.
func (c *Client) IncidentAct(ctx context.Context, number int64, verb string, a Act) (IncidentOutcome, error) {
	return post[IncidentOutcome](ctx, c, fmt.Sprintf("/api/v1/incidents/%d/%s", number, verb), a)
}

// Declare begins an incident without an alert.
func (c *Client) Declare(ctx context.Context, a Act) (IncidentOutcome, error) {
	return post[IncidentOutcome](ctx, c, "/api/v1/incidents", a)
}

// Severities says what the severities mean.
func (c *Client) Severities(ctx context.Context) (Severities, error) {
	return get[Severities](ctx, c, "/api/v1/severities")
}

// Dismiss says that a candidate was no incident, and why.
func (c *Client) Dismiss(ctx context.Context, number int64, reason string) (IncidentOutcome, error) {
	return post[IncidentOutcome](ctx, c, fmt.Sprintf("/api/v1/incidents/%d/dismiss", number), Act{Reason: reason})
}

func (c *Client) act(ctx context.Context, number int64, verb string, a Act) (Outcome, error) {
	return post[Outcome](ctx, c, fmt.Sprintf("/api/v1/pages/%d/%s", number, verb), a)
}

func listQuery(open bool, before int64, limit int) string {
	q := url.Values{}
	if open {
		q.Set("open", "true")
	}
	if before > 0 {
		q.Set("before", strconv.FormatInt(before, 10))
	}
	if limit > 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	return q.Encode()
}

func get[T any](ctx context.Context, c *Client, path string) (T, error) {
	return call[T](ctx, c, http.MethodGet, path, nil)
}

func post[T any](ctx context.Context, c *Client, path string, a Act) (T, error) {
	body, err := json.Marshal(a)
	if err != nil {
		var none T
		return none, fmt.Errorf("encode the request: %w", err)
	}
	return call[T](ctx, c, http.MethodPost, path, body)
}

// call makes one request. It is never repeated by itself; the Idempotency-Key is for a person's second try through a
// proxy that repeats.
func call[T any](ctx context.Context, c *Client, method, path string, body []byte) (T, error) {
	var out T
	raw, err := c.exchange(ctx, method, path, body)
	if err != nil {
		return out, err
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		return out, &Error{Status: http.StatusOK, Message: "the answer of " + c.Base + " is not pagerd's",
			Hint: "is the address that of the ops listener (ops: in the configuration)?", err: err}
	}
	return out, nil
}

// getText is get for an answer that is no JSON.
func getText(ctx context.Context, c *Client, path string) (string, error) {
	raw, err := c.exchange(ctx, http.MethodGet, path, nil)
	return string(raw), err
}

func (c *Client) exchange(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.Base, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, &Error{Message: fmt.Sprintf("%q is no address of a pagerd", c.Base), Hint: "write it as http://127.0.0.1:8081", err: err}
	}
	req.Header.Set("Accept", "application/json")
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	if c.Via != "" {
		req.Header.Set(viaHeader, c.Via)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", rand.Text())
	}
	resp, err := cmp.Or(c.HTTP, plainClient()).Do(req)
	if err != nil {
		return nil, c.unreached(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, c.unreached(err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, answered(resp, raw)
	}
	return raw, nil
}

func plainClient() *http.Client {
	return &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// unreached says why there was no answer.
func (c *Client) unreached(err error) error {
	hint := "is the address right, and can it be reached from here?"
	if errors.Is(err, syscall.ECONNREFUSED) {
		hint = "is pagerd running? Its ops listener is at ops: in the configuration; --url or PAGERD_URL names another"
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return &Error{Message: fmt.Sprintf("no answer from %s: %v", c.Base, err), Hint: hint, err: err}
}

// answered turns an answer that is not a success into an Error.
func answered(resp *http.Response, raw []byte) error {
	var p Problem
	if err := json.Unmarshal(raw, &p); err != nil || p.Error == "" {
		return &Error{Status: resp.StatusCode, Message: "the answer was " + resp.Status,
			Hint: "is the address that of the ops listener (ops: in the configuration)?"}
	}
	return &Error{Status: resp.StatusCode, Message: p.Error, Hint: p.Hint}
}
