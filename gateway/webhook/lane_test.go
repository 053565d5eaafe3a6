package webhook

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pagerd/config"
	"pagerd/gateway/alert"
)

// pipes is a listener without a network, for virtual time.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

func (p *pipes) dial() net.Conn {
	here, there := net.Pipe()
	p.conns <- there
	return here
}

// TestSlowBodiesHoldNoPlaceAndAreCutOff: many senders trickle a byte a second; one that is in order is served meanwhile,
// and after their time the slow ones are told to come again.
func TestSlowBodiesHoldNoPlaceAndAreCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Options{Now: time.Now, Accept: func(context.Context, alert.Batch, time.Time) error { return nil },
			Sources: []config.Source{{Name: "prod", Kind: "alertmanager", Tokens: []config.Secret{"t"}}}})
		h.guarded = newLane(2, MaxBody, 20*time.Second)
		l := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
		server := &http.Server{Handler: h}
		go func() { _ = server.Serve(l) }()
		defer server.Close()
		const head = "POST /v1/alertmanager/prod/t HTTP/1.1\r\nHost: x\r\nContent-Length: "
		began := time.Now()
		var wg sync.WaitGroup
		for range 20 {
			c := l.dial()
			wg.Go(func() { // its answer
				answer, _ := io.ReadAll(c)
				if !bytes.HasPrefix(answer, []byte("HTTP/1.1 503 ")) {
					t.Errorf("a slow body was answered %.60q", answer)
				}
				if took := time.Since(began); took > 21*time.Second {
					t.Errorf("a slow body was heard for %s", took)
				}
			})
			wg.Go(func() { // its trickle
				_, err := io.WriteString(c, head+"1000\r\n\r\n")
				for err == nil {
					<-time.After(time.Second)
					_, err = io.WriteString(c, " ")
				}
			})
		}
		<-time.After(5 * time.Second)
		c := l.dial()
		go func() { _, _ = io.WriteString(c, head+"13\r\n\r\n{\"alerts\":[]}") }()
		first := make([]byte, 15)
		if _, err := io.ReadFull(c, first); err != nil || string(first) != "HTTP/1.1 200 OK" {
			t.Errorf("beside the slow ones: %q, %v", first, err)
		}
		if waited := time.Since(began); waited != 5*time.Second {
			t.Errorf("beside the slow ones it took until %s", waited)
		}
		go func() { _, _ = io.Copy(io.Discard, c) }()
		wg.Wait()
		_ = c.Close()
		if held := h.guarded.held.Load(); held != 0 {
			t.Errorf("%d bytes are still charged", held)
		}
	})
}

// TestOverloadIsAnswered503AndOneLaneDoesNotFillTheOther: 429 or 413 would make Alertmanager drop the alerts.
func TestOverloadIsAnswered503AndOneLaneDoesNotFillTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		h := New(Options{Now: time.Now, Accept: func(context.Context, alert.Batch, time.Time) error { <-hold; return nil },
			Sources: []config.Source{{Name: "prod", Kind: "alertmanager", Tokens: []config.Secret{"t"}}, {Name: "aws", Kind: "sns"}}})
		h.guarded, h.open = newLane(1, MaxBody, time.Second), newLane(1, 10, time.Second)
		ask := func(path, body string) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)))
			return w
		}
		first := make(chan int, 1)
		go func() { first <- ask("/v1/alertmanager/prod/t", `{"alerts":[]}`).Code }()
		synctest.Wait()
		if w := ask("/v1/alertmanager/prod/t", `{"alerts":[]}`); w.Code != 503 || w.Header().Get("Retry-After") == "" {
			t.Errorf("without a place: answered %d", w.Code)
		}
		if w := ask("/v1/sns/aws", `{"Type":"Notification"}`); w.Code != 503 {
			t.Errorf("without memory: answered %d", w.Code)
		}
		close(hold)
		if status := <-first; status != 200 {
			t.Errorf("the one with the place: answered %d", status)
		}
		if w := ask("/v1/alertmanager/prod/t", `{"alerts":[]}`); w.Code != 200 {
			t.Errorf("afterwards: answered %d", w.Code)
		}
		if h.guarded.held.Load() != 0 || h.open.held.Load() != 0 {
			t.Error("bytes are still charged")
		}
	})
}
