package crowd_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pagerd/gateway/chaos/crowd"
	"pagerd/gateway/chaos/judge"
	"pagerd/notify/twilio/twiliosim"
)

func newLog(t *testing.T) *crowd.Log {
	t.Helper()
	l, err := crowd.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func records[T any](t *testing.T, l *crowd.Log) []T {
	t.Helper()
	r, err := l.Reader()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	out, err := judge.Read[T](r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// nobody is an address where nothing listens.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func host(s *httptest.Server) string { return strings.TrimPrefix(s.URL, "http://") }

func TestASenderGoesOnUntilAReplicaSays2xxAndWritesDownWhen(t *testing.T) {
	var asked atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	replica := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		stop() // one alert is enough
	}))
	defer replica.Close()
	log := newLog(t)
	s := &crowd.Senders{Town: crowd.Town{Teams: 1, Step: time.Second}, Replicas: []crowd.Replica{{Public: nobody(t)}, {Public: host(replica)}},
		Rate: 20, Count: 1, Log: log, Seed: 1}
	s.Stream(ctx, t.Context())
	s.Wait()
	accepted := 0
	for _, p := range records[judge.Post](t, log) {
		if p.Accepted.IsZero() {
			continue
		}
		accepted++
		if p.Accepted.Before(p.Asked) || p.Asked.Before(p.Begun) || p.First != "+15550000000" || p.Second != "+15551000000" {
			t.Errorf("record %+v", p)
		}
	}
	if accepted == 0 || asked.Load() < 3 {
		t.Errorf("%d accepted after %d requests", accepted, asked.Load())
	}
}

func TestTheBalancerGoesToAnotherReplicaWhenOneTakesNoConnection(t *testing.T) {
	replica := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		_, _ = w.Write([]byte(r.Host + r.URL.Path + r.PostForm.Get("Body")))
	}))
	defer replica.Close()
	b, err := crowd.NewBalancer("127.0.0.1", []crowd.Replica{{Public: nobody(t)}, {Public: host(replica)}, {Public: nobody(t)}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for range 10 {
		resp, err := http.PostForm(b.URL+"/twilio/sms", url.Values{"Body": {"4"}})
		if err != nil {
			t.Fatal(err)
		}
		var text [100]byte
		n, _ := resp.Body.Read(text[:])
		resp.Body.Close()
		// The host must arrive as it was asked for: Twilio's signature is over the public address.
		if want := strings.TrimPrefix(b.URL, "http://") + "/twilio/sms4"; resp.StatusCode != http.StatusOK || string(text[:n]) != want {
			t.Errorf("%d %q, want %q", resp.StatusCode, text[:n], want)
		}
	}
}

func TestTheProvidersLogTellsWhichReplicaSent(t *testing.T) {
	log := newLog(t)
	p := crowd.NewProvider(log, 1)
	defer p.Close()
	for n := 1; n <= 2; n++ {
		door, err := p.Door(n, "127.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		form := url.Values{"To": {"+15550000001"}, "From": {twiliosim.DefaultNumber}, "Body": {"SEV1"}}
		req, err := http.NewRequest(http.MethodPost, "http://"+door+"/2010-04-01/Accounts/"+twiliosim.DefaultAccountSID+"/Messages.json", strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth(twiliosim.DefaultAccountSID, twiliosim.DefaultAuthToken)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusCreated {
			t.Errorf("answered %d", resp.StatusCode)
		}
	}
	var from []string
	for _, r := range records[judge.Ring](t, log) {
		if r.Kind == "sms" && r.Accepted {
			from = append(from, r.From)
		}
	}
	if len(from) != 2 || from[0] != crowd.Number(1) || from[1] != crowd.Number(2) {
		t.Errorf("sent from %q", from)
	}
}
