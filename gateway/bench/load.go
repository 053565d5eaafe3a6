package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// connection posts bodies over one keep-alive connection with as little work of its own as HTTP allows.
type connection struct {
	conn net.Conn
	r    *bufio.Reader
	host string
}

func dial(host string) (*connection, error) {
	c, err := net.Dial("tcp", host)
	if err != nil {
		return nil, err
	}
	return &connection{conn: c, r: bufio.NewReader(c), host: host}, nil
}

// post sends one webhook and returns its status.
func (c *connection) post(body string) (int, error) {
	_, err := fmt.Fprintf(c.conn, "POST /v1/alertmanager/bench HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		c.host, token, len(body), body)
	if err != nil {
		return 0, err
	}
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

// body is what Alertmanager sends for n firing alerts; name makes them distinct, group is the group_by label.
func body(name, group, team string, n int, at time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"receiver":"pagerd","status":"firing","alerts":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"status":"firing","labels":{"alertname":"HighErrorRate","instance":"%s-%d","grp":"%s","team":"%s","severity":"page","job":"checkout"},"annotations":{"summary":"%s error rate above 5 percent"},"startsAt":%q,"endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prometheus.example.com/graph","fingerprint":"%s%04x"}`,
			name, i, group, team, name, at.UTC().Format(time.RFC3339Nano), name, i)
	}
	fmt.Fprintf(&b, `],"groupLabels":{"grp":"%s"},"commonLabels":{"alertname":"HighErrorRate"},"commonAnnotations":{},"externalURL":"http://am.example.com","version":"4","groupKey":"{}:{grp=\"%s\"}","truncatedAlerts":0}`, group, group)
	return b.String()
}

// outcome is what a load came to.
type outcome struct {
	accepted int64
	refused  int64
	took     []time.Duration
	length   time.Duration
}

// load posts from conns connections for as long as length; make gives the k-th body.
func load(host string, conns int, length time.Duration, make func(k int64) string) (outcome, error) {
	var k, refused atomic.Int64
	var mu sync.Mutex
	var out outcome
	var failed error
	var wg sync.WaitGroup
	begin := time.Now()
	for range conns {
		wg.Go(func() {
			c, err := dial(host)
			if err != nil {
				mu.Lock()
				failed = err
				mu.Unlock()
				return
			}
			defer c.conn.Close()
			var took []time.Duration
			for time.Since(begin) < length {
				b := make(k.Add(1))
				t := time.Now()
				status, err := c.post(b)
				if err != nil || status != http.StatusOK {
					refused.Add(1)
					if err != nil {
						break
					}
					continue
				}
				took = append(took, time.Since(t))
			}
			mu.Lock()
			out.took = append(out.took, took...)
			mu.Unlock()
		})
	}
	wg.Wait()
	out.length = time.Since(begin)
	out.accepted, out.refused = int64(len(out.took)), refused.Load()
	return out, failed
}

// quantiles of durations, rounded for reading.
type quantiles struct{ p50, p99, max time.Duration }

func percentiles(d []time.Duration) quantiles {
	if len(d) == 0 {
		return quantiles{}
	}
	slices.Sort(d)
	round := func(x time.Duration) time.Duration { return x.Round(10 * time.Microsecond) }
	return quantiles{round(d[len(d)/2]), round(d[len(d)*99/100]), round(d[len(d)-1])}
}
