package twiliosim

import (
	"context"
	"errors"
	"net/http"
	"net/url"
)

var errPending = errors.New("twiliosim: under construction")

type (
	operations  struct{}
	activeFault struct {
		Fault
		id int
	}
	pendingCallback struct{}
	call            struct {
		Call
		taken bool
	}
	action int
)

const (
	actAnswer action = iota
	actVoicemail
	actIgnore
	actDecline
	actHangUp
)

func (c *call) view() Call                            { return c.Call }
func twilioOperations() operations                    { return operations{} }
func ownClient() *http.Client                         { return &http.Client{} }
func (s *Sim) releaseHeld()                           {}
func (s *Sim) act(number, sid string, a action) error { return errPending }
func (s *Sim) press(ctx context.Context, number, sid, digits string) error {
	return errPending
}
func (s *Sim) pressAtOnce(number, sid, digits string) error { return errPending }
func (s *Sim) inbound(ctx context.Context, from, to, text string) (Answer, error) {
	return Answer{}, errPending
}

// Handler is the REST API: /2010-04-01/Accounts/{sid}/…
func (s *Sim) Handler() http.Handler { return http.NotFoundHandler() }

// Web is the page of telephones, the log (GET /log, JSON lines), the state (GET /state, JSON) and the switches (POST
// /control, JSON). It expects to be served at the root of its listener.
func (s *Sim) Web() http.Handler { return http.NotFoundHandler() }

// Post posts a form to a webhook as this account would, signed. It returns status and body (at most 64 KiB). It is for
// tests of replays and of callbacks about unknown messages.
func (s *Sim) Post(ctx context.Context, webhook string, form url.Values) (status int, body []byte, err error) {
	return 0, nil, errPending
}

// Sign is X-Twilio-Signature for a form posted to a URL: the base64 HMAC-SHA1, under the auth token, of the whole URL
// followed by every key and value, keys sorted. A nil form signs the URL alone, as for a GET.
func Sign(authToken, webhook string, form url.Values) string { return "" }
