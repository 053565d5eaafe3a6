package crowd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"pagerd/gateway/chaos/judge"
	"pagerd/notify/twilio/twiliosim"
)

// Provider is a simulated Twilio with a door for each replica, so that its log tells who sent what.
type Provider struct {
	Log  *Log
	Sim  *twiliosim.Sim
	read chan judge.Ring // what reached a handset

	servers []*http.Server
}

// kept bounds what the simulator remembers: pagerd asks for the newest messages to a number only.
const kept = 3000

// answerDelay is how long some answers of a failing provider take, so that kills find messages on their way.
const answerDelay = 150 * time.Millisecond

// NewProvider starts a provider that writes its log to a file. Close it.
func NewProvider(log *Log, seed uint64) *Provider {
	p := &Provider{Log: log, read: make(chan judge.Ring, 10_000)}
	p.Sim = twiliosim.New(twiliosim.Options{Seed: seed, MaxMessages: kept, MaxLog: 1000, Log: p})
	return p
}

// Write takes the simulator's log, line by line as it writes it, and keeps what the judge looks at.
func (p *Provider) Write(line []byte) (int, error) {
	var r judge.Ring
	if err := json.Unmarshal(line, &r); err != nil {
		return 0, fmt.Errorf("the provider's log: %w", err)
	}
	switch r.Kind {
	case twiliosim.LogArrived:
		select {
		case p.read <- r:
		default: // nobody reads that fast; who does not look at their telephone does not reply
		}
	case twiliosim.LogSMS, twiliosim.LogInbound:
	default:
		return len(line), nil
	}
	p.Log.Add(r)
	return len(line), nil
}

// Fail makes the provider fail now and then: errors, answers that are lost after it accepted, silence, slow answers, receipts
// that are lost, doubled and late, replies that arrive twice.
func (p *Provider) Fail() {
	for _, f := range []twiliosim.Fault{
		{Kind: twiliosim.FailStatus, Probability: 0.05},
		{Kind: twiliosim.FailDrop, Probability: 0.02},
		{Kind: twiliosim.FailHang, Probability: 0.001},
		{Kind: twiliosim.FailHang, Probability: 0.001, Accept: true},
		{Kind: twiliosim.FailDelay, Probability: 0.2, Delay: answerDelay},
	} {
		f.Only = "sms"
		p.Sim.Inject(f)
	}
	// A receipt that comes tells another replica what a killed one had sent; half of them are lost, so that leases must.
	p.Sim.SetCallbackFaults(twiliosim.CallbackFaults{Lose: 0.5, Duplicate: 0.05, Reorder: 0.05, DuplicateInbound: 0.1})
}

// Unplug keeps every message from being accepted until the returned func is called; calling it again does nothing.
func (p *Provider) Unplug() (plug func()) {
	id := p.Sim.Inject(twiliosim.Fault{Kind: twiliosim.FailRefuse})
	return func() { p.Sim.Remove(id) }
}

// Heal makes it work again.
func (p *Provider) Heal() { p.Sim.Heal() }

// Number is the From under which the log shows what the n-th replica sends.
func Number(n int) string { return "+1500555" + fmt.Sprintf("%04d", n) }

// Door listens on host for what the n-th replica sends and returns the address. A replica reaches it as its HTTP proxy, so
// that all can have the same configuration.
func (p *Provider) Door(n int, host string) (string, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "", fmt.Errorf("open a door of the provider: %w", err)
	}
	srv := &http.Server{Handler: stamp(Number(n), p.Sim.Handler()), ReadHeaderTimeout: 5 * time.Second}
	p.servers = append(p.servers, srv)
	go func() { _ = srv.Serve(l) }() // ends in Close
	return l.Addr().String(), nil
}

// stamp puts the replica's number into the messages that come through its door.
func stamp(number string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/Messages.json") {
			body, err := io.ReadAll(r.Body)
			form, parsed := url.ParseQuery(string(body))
			if err != nil || parsed != nil {
				panic(http.ErrAbortHandler) // the replica was killed while it wrote
			}
			form.Set("From", number)
			text := form.Encode()
			r.Body = io.NopCloser(bytes.NewReader([]byte(text)))
			r.ContentLength = int64(len(text))
			r.Header.Set("Content-Length", strconv.Itoa(len(text)))
		}
		next.ServeHTTP(w, r)
	})
}

// Close ends the doors, then the simulator. The log is its owner's.
func (p *Provider) Close() error {
	p.Sim.Close()
	for _, s := range p.servers {
		_ = s.Close() // what it still answers nobody waits for
	}
	return p.Sim.LogErr()
}
