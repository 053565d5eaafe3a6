package redisstore

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/store"
	"pagerd/gateway/store/redisstore/redistest"
)

// BenchmarkCommit commits new pages from many callers at once, and tells what a commit costs the server beside what the
// least imaginable one would.
func BenchmarkCommit(b *testing.B) {
	server := redistest.Start(b)
	s := open(b, server, Options{})
	const callers = 128
	numbers := make(chan int64, callers)
	go func() {
		for n := range b.N {
			numbers <- 1001 + int64(n)
		}
		close(numbers)
	}()
	begin, before := time.Now(), cpu(b, s)
	b.ResetTimer()
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for n := range numbers {
				if err := s.Commit(b.Context(), change(n)); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/time.Since(begin).Seconds(), "commits/s")
	b.ReportMetric(float64((cpu(b, s)-before).Microseconds())/float64(b.N), "server-µs/commit")
}

// cpu is the processor time of the server's main thread so far: unlike a clock it does not count what other processes took.
func cpu(b *testing.B, s *Store) time.Duration {
	text, err := s.client.Info(b.Context(), "cpu").Result()
	if err != nil {
		b.Fatal(err)
	}
	facts := parseInfo(text)
	var sum float64
	for _, name := range []string{"used_cpu_user_main_thread", "used_cpu_sys_main_thread"} {
		v, err := strconv.ParseFloat(facts[name], 64)
		if err != nil {
			b.Fatal(err)
		}
		sum += v
	}
	return time.Duration(sum * float64(time.Second))
}

// BenchmarkLargeCommit stores the largest changes that the engine makes, by number and by bytes, and tells how long they keep
// everybody else waiting: the aim is 10 ms at most.
func BenchmarkLargeCommit(b *testing.B) {
	b.Run("500 alerts", func(b *testing.B) { largeCommit(b, 500, 600) })
	b.Run("512 KiB", func(b *testing.B) { largeCommit(b, 512<<10/3900, 3500) })
}

func largeCommit(b *testing.B, alerts, size int) {
	server := redistest.Start(b)
	s := open(b, server, Options{})
	text, before := strings.Repeat("x", size), cpu(b, s)
	b.ResetTimer()
	for n := range b.N {
		c := change(1001 + int64(n))
		c.Alerts = nil
		for i := range alerts {
			id := alert.NewID("prod", fmt.Sprintf("%d/%d", n, i))
			c.Alerts = append(c.Alerts, alert.State{ID: id, Version: 1, Page: c.Page.Number, Status: alert.Firing, HeardAt: at(0),
				Alert: alert.Alert{Source: "prod", Fingerprint: string(id), Annotations: map[string]string{"description": text}}})
		}
		if err := s.Commit(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	b.ReportMetric((cpu(b, s)-before).Seconds()*1000/float64(b.N), "server-ms/commit")
}

// BenchmarkClaim claims one message of a storm in which 10,000 wait.
func BenchmarkClaim(b *testing.B) {
	server := redistest.Start(b)
	s := open(b, server, Options{})
	var wg sync.WaitGroup
	for n := range 10_000 {
		if n%100 == 0 {
			wg.Wait()
		}
		wg.Go(func() {
			if err := s.Commit(b.Context(), change(1001+int64(n))); err != nil {
				b.Error(err)
			}
		})
	}
	wg.Wait()
	before := cpu(b, s)
	b.ResetTimer()
	for n := range b.N {
		if _, err := s.Claim(b.Context(), at(time.Duration(n)*time.Microsecond), store.ClaimOptions{Limit: 16, Max: 20, Lease: time.Hour}); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	b.ReportMetric(float64((cpu(b, s)-before).Microseconds())/float64(b.N), "server-µs/claim")
}
