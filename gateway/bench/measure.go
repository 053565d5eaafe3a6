package main

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// startUp is the time from exec to a ready daemon with an empty store, and its memory when idle.
func startUp(s subject) error {
	p, err := newProvider(nil)
	if err != nil {
		return err
	}
	defer p.close()
	var took []time.Duration
	var rss []float64
	for range 5 {
		d, err := start(s, p.url, 1, "30s")
		if err != nil {
			return err
		}
		took = append(took, d.took)
		mb, err := d.resident()
		if err != nil {
			return err
		}
		rss = append(rss, mb)
		if err := d.stop(); err != nil {
			return err
		}
	}
	slices.Sort(rss)
	fmt.Printf("start-up: median %s of 5 (aim 100ms)   resident idle: median %.0f MB (aim 60)\n", percentiles(took).p50, rss[2])
	return nil
}

// throughput posts single-alert bodies at several numbers of connections, into distinct groups and into one.
func throughput(s subject, length time.Duration) error {
	for _, one := range []bool{false, true} {
		for _, conns := range []int{1, 32, 256} {
			if err := measure(s, length, conns, one); err != nil {
				return err
			}
		}
	}
	return nil
}

func measure(s subject, length time.Duration, conns int, one bool) error {
	p, err := newProvider(nil)
	if err != nil {
		return err
	}
	defer p.close()
	d, err := start(s, p.url, 1, "30s")
	if err != nil {
		return err
	}
	at := time.Now()
	out, err := load(d.public, conns, length, func(k int64) string {
		name := fmt.Sprintf("%012x", k)
		group := name
		if one {
			group = "one"
		}
		return body(name, group, "t0", 1, at)
	})
	if err != nil {
		return err
	}
	q := percentiles(out.took)
	kind := "distinct groups"
	if one {
		kind = "one group      "
	}
	fmt.Printf("durable single-alert webhooks, %s, %3d connections: %6.0f/s  p50 %s  p99 %s  max %s  refused %d\n",
		kind, conns, float64(out.accepted)/out.length.Seconds(), q.p50, q.p99, q.max, out.refused)
	return d.stop()
}

// grouped posts bodies of 100 alerts each.
func grouped(s subject, length time.Duration) error {
	p, err := newProvider(nil)
	if err != nil {
		return err
	}
	defer p.close()
	d, err := start(s, p.url, 1, "30s")
	if err != nil {
		return err
	}
	at := time.Now()
	out, err := load(d.public, 8, length, func(k int64) string {
		name := fmt.Sprintf("%012x", k)
		return body(name, name, "t0", 100, at)
	})
	if err != nil {
		return err
	}
	q := percentiles(out.took)
	fmt.Printf("alerts in groups of 100, 8 connections: %6.0f alerts/s  p50 %s  p99 %s  refused %d\n",
		100*float64(out.accepted)/out.length.Seconds(), q.p50, q.p99, out.refused)
	return d.stop()
}

// latency posts 50 alerts a second into 50 groups of 50 responders and stamps the provider's first byte.
func latency(s subject) error {
	const teams, rate, seconds = 50, 50, 10
	name := regexp.MustCompile(`case[0-9a-f]{8}`)
	var mu sync.Mutex
	arrived := map[string]time.Time{}
	p, err := newProvider(func(body string, at time.Time) {
		mu.Lock()
		defer mu.Unlock()
		for _, id := range name.FindAllString(body, -1) {
			if _, seen := arrived[id]; !seen {
				arrived[id] = at
			}
		}
	})
	if err != nil {
		return err
	}
	defer p.close()
	d, err := start(s, p.url, teams, "0s")
	if err != nil {
		return err
	}
	posted, accepted := map[string]time.Time{}, map[string]time.Time{}
	var conns []*connection
	for range teams {
		c, err := dial(d.public)
		if err != nil {
			return err
		}
		conns = append(conns, c)
	}
	var wg sync.WaitGroup
	ticker := time.NewTicker(time.Second / rate)
	defer ticker.Stop()
	begin := time.Now()
	for k := range rate * seconds {
		<-ticker.C
		id := fmt.Sprintf("case%08x", k)
		c := conns[k%teams]
		posted[id] = time.Now()
		wg.Go(func() {
			status, err := c.post(body(id, id, fmt.Sprintf("t%d", k%teams), 1, begin))
			at := time.Now()
			if err == nil && status == http.StatusOK {
				mu.Lock()
				accepted[id] = at
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	missing := func() int {
		mu.Lock()
		defer mu.Unlock()
		n := 0
		for id := range accepted {
			if _, ok := arrived[id]; !ok {
				n++
			}
		}
		return n
	}
	for deadline := time.Now().Add(30 * time.Second); missing() > 0 && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond)
	}
	var took, whole []time.Duration
	for id, at := range accepted {
		if a, ok := arrived[id]; ok {
			took = append(took, max(a.Sub(at), 0))
			whole = append(whole, a.Sub(posted[id]))
		}
	}
	q, w := percentiles(took), percentiles(whole)
	fmt.Printf("2xx to the provider's first byte, %d groups, %d responders, %d alerts/s: p50 %s  p99 %s  max %s  (%d of %d arrived; aim p50 10ms, p99 100ms)\n",
		rate*seconds, teams, rate, q.p50, q.p99, q.max, len(took), len(accepted))
	fmt.Printf("the same from the request's first byte:  p50 %s  p99 %s  max %s\n", w.p50, w.p99, w.max)
	return d.stop()
}

// memory is what the daemon holds resident with many open pages.
func memory(s subject, pages int) error {
	p, err := newProvider(nil)
	if err != nil {
		return err
	}
	defer p.close()
	d, err := start(s, p.url, 1, "30s")
	if err != nil {
		return err
	}
	at := time.Now()
	var wg sync.WaitGroup
	ids := make(chan int, pages)
	for i := range pages {
		ids <- i
	}
	close(ids)
	for range 64 {
		wg.Go(func() {
			c, err := dial(d.public)
			if err != nil {
				return
			}
			defer c.conn.Close()
			for i := range ids {
				name := fmt.Sprintf("%012x", i)
				_, _ = c.post(body(name, name, "t0", 1, at))
			}
		})
	}
	wg.Wait()
	mb, err := d.resident()
	if err != nil {
		return err
	}
	open, err := openPages(d)
	if err != nil {
		return err
	}
	fmt.Printf("resident with %s open pages: %.0f MB\n", open, mb)
	return d.stop()
}

// openPages reads the daemon's own count.
func openPages(d *daemon) (string, error) {
	resp, err := http.Get("http://" + d.ops + "/metrics")
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var b strings.Builder
	if err := resp.Write(&b); err != nil {
		return "", err
	}
	m := regexp.MustCompile(`pagerd_open_pages\{status="triggered"\} ([0-9.e+]+)`).FindStringSubmatch(b.String())
	if m == nil {
		return "?", nil
	}
	return m[1], nil
}
