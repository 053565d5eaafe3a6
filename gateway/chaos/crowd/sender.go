package crowd

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"pagerd/gateway/chaos/judge"
)

// Senders are monitoring systems that post alerts to any replica and try again until one of them says 2xx.
type Senders struct {
	Town     Town
	Replicas []Replica
	Rate     float64 // new alerts a second
	Log      *Log
	Seed     uint64
	Count    int // of senders; each keeps to its own pace

	posted atomic.Int64
	client *http.Client
	wg     sync.WaitGroup
}

// Shares of what becomes of an alert. The rest goes on firing long after its last step.
const (
	resolves = 0.3  // ended by its source before or about when the second is rung
	refires  = 0.4  // of these: fires again
	twice    = 0.15 // posted by two peers of a cluster at the same time
)

// longest is how long an alert fires at least that does not end early: longer than the judge's patience after the step.
const longest = 30 * time.Second

// Times of a sender. Alertmanager's own backoff begins at 0.5 s and grows by half.
const (
	answerTime   = 5 * time.Second
	firstBackoff = 250 * time.Millisecond
	maxBackoff   = 2 * time.Second
	backoffGrows = 1.5
)

// Stream posts new alerts until streaming ends. What has begun goes on until life ends: see Wait.
func (s *Senders) Stream(streaming, life context.Context) {
	s.client = &http.Client{Timeout: answerTime, Transport: &http.Transport{
		DialContext: (&net.Dialer{Timeout: time.Second}).DialContext, MaxIdleConnsPerHost: 64, IdleConnTimeout: 10 * time.Second,
	}}
	for i := range s.Count {
		s.wg.Go(func() {
			random := rand.New(rand.NewPCG(s.Seed, uint64(i)))
			every := time.Duration(float64(time.Second) * float64(s.Count) / s.Rate)
			tick := time.NewTicker(every)
			defer tick.Stop()
			for {
				select {
				case <-streaming.Done():
					return
				case <-tick.C:
				}
				a := s.newAlert(random)
				s.wg.Go(func() { s.live(streaming, life, a) })
			}
		})
	}
}

// Wait returns when everything that was begun is accepted, or life has ended.
func (s *Senders) Wait() {
	s.wg.Wait()
	s.client.CloseIdleConnections()
}

// alert is one alert with its fate, drawn when it begins so that the seed decides it.
type alert struct {
	name   string
	team   int
	refire bool
	twice  bool
	lasts  time.Duration // until its source ends it
	absent time.Duration // until it fires again
	stays  time.Duration // then
	random *rand.Rand
}

func (s *Senders) newAlert(random *rand.Rand) alert {
	n := s.posted.Add(1)
	upTo := func(d time.Duration) time.Duration { return time.Duration(random.Int64N(int64(d))) }
	a := alert{name: judge.CaseName(int(n)), team: random.IntN(s.Town.Teams), twice: random.Float64() < twice,
		lasts: longest + upTo(longest/2), absent: time.Second + upTo(3*time.Second), stays: longest + upTo(longest/2),
		random: rand.New(rand.NewPCG(random.Uint64(), 1))}
	if random.Float64() < resolves {
		a.lasts, a.refire = 500*time.Millisecond+upTo(5*time.Second), random.Float64() < refires
	}
	return a
}

// live is an alert from its first firing to its end, which does not come once streaming has ended.
func (s *Senders) live(streaming, ctx context.Context, a alert) {
	p := judge.Post{Case: a.name, Episode: 1, First: s.Town.First(a.team), Second: s.Town.Second(a.team)}
	starts := time.Now()
	firing := body(a, starts, time.Time{})
	if a.twice {
		peer := a.random.IntN(len(s.Replicas))
		s.wg.Go(func() { _, _ = s.request(ctx, peer, firing) }) // whether the peer is heard does not matter
	}
	if !s.post(ctx, a, p, firing) || !pause(streaming, a.lasts) {
		return
	}
	p.Resolve = true
	if !s.post(ctx, a, p, body(a, starts, time.Now())) || !a.refire || !pause(streaming, a.absent) {
		return
	}
	p.Episode, p.Resolve, starts = 2, false, time.Now()
	if !s.post(ctx, a, p, body(a, starts, time.Time{})) || !pause(streaming, a.stays) {
		return
	}
	p.Resolve = true
	s.post(ctx, a, p, body(a, starts, time.Now()))
}

// post tries until a replica says 2xx; false when ctx ended before.
func (s *Senders) post(ctx context.Context, a alert, p judge.Post, text string) bool {
	p.Begun = time.Now()
	s.Log.Add(p)
	backoff := firstBackoff
	for at := a.random.IntN(len(s.Replicas)); ; at++ {
		p.Attempts++
		asked := time.Now()
		status, err := s.request(ctx, at%len(s.Replicas), text)
		if err == nil && status >= 200 && status < 300 {
			p.Asked, p.Accepted = asked, time.Now()
			s.Log.Add(p)
			return true
		}
		if !pause(ctx, backoff+time.Duration(a.random.Int64N(int64(backoff)))) {
			return false
		}
		backoff = min(time.Duration(float64(backoff)*backoffGrows), maxBackoff)
	}
}

func (s *Senders) request(ctx context.Context, replica int, text string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.Replicas[replica].Public+"/v1/alertmanager/prod", strings.NewReader(text))
	if err != nil {
		return 0, fmt.Errorf("make the request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+sourceToken)
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body) // the status is the answer
	return resp.StatusCode, nil
}

// body is what Alertmanager posts for one alert; ends is zero while it fires.
func body(a alert, starts, ends time.Time) string {
	status := "firing"
	if !ends.IsZero() {
		status = "resolved"
	}
	labels := map[string]string{"alertname": a.name, "team": fmt.Sprintf("t%d", a.team), "severity": "critical", "service": "checkout"}
	b, err := json.Marshal(map[string]any{
		"version": "4", "groupKey": fmt.Sprintf("{}:{alertname=%q}", a.name), "truncatedAlerts": 0, "status": status, "receiver": "pagerd",
		"groupLabels": map[string]string{"alertname": a.name}, "commonLabels": labels, "commonAnnotations": map[string]string{},
		"externalURL": "http://alertmanager.example.com",
		"alerts": []any{map[string]any{"status": status, "labels": labels, "annotations": map[string]string{"summary": a.name + " is failing"},
			"startsAt": starts.UTC().Format(time.RFC3339Nano), "endsAt": ends.UTC().Format(time.RFC3339Nano),
			"generatorURL": "", "fingerprint": a.name}},
	})
	if err != nil {
		panic(err) // strings and instants only
	}
	return string(b)
}
