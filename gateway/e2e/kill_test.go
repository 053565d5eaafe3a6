package e2e

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pagerd/notify/twilio/twiliosim"
)

// A longer run: go test ./gateway/e2e -run AlthoughTheDaemonIsKilled -args -kills=200.
func killFlags() (kills *int, seed *uint64) {
	return flag.Int("kills", 12, "how often the daemon is killed"), flag.Uint64("seed", 0, "seed of the kill test; 0: by the clock")
}

var killCount, killSeed = killFlags()

const (
	killTeams   = 8
	stepTimeout = 4 * time.Second
)

// person is the number of the n-th team's primary or secondary.
func person(team int, role string) string {
	if role == "secondary" {
		return fmt.Sprintf("+1555100%04d", team)
	}
	return fmt.Sprintf("+1555000%04d", team)
}

// killConfig has a team of two for each route. SEV-1 is never bundled, so that each message names one alert.
func killConfig(r *rig) string {
	var b strings.Builder
	fmt.Fprintf(&b, "listen: {public: %q, ops: %q}\npublic_url: http://%s\nstore: {path: %q}\n", r.public, r.ops, r.public, r.path("pagerd.db"))
	fmt.Fprintf(&b, "sources:\n  - {name: prod, kind: alertmanager, token: %s}\n", sourceToken)
	b.WriteString("people:\n")
	for i := range killTeams {
		fmt.Fprintf(&b, "  - {name: p%d, sms: %q}\n  - {name: s%d, sms: %q}\n", i, person(i, "primary"), i, person(i, "secondary"))
	}
	b.WriteString("schedules:\n")
	for i := range killTeams {
		// A shift of ten years, so that the first is always the primary.
		fmt.Fprintf(&b, "  - {name: t%d, zone: UTC, start: 2026-01-05, unit: weekly, every: 520, people: [p%d, s%d]}\n", i, i, i)
	}
	b.WriteString("policies:\n")
	for i := range killTeams {
		fmt.Fprintf(&b, "  - name: t%d\n    steps:\n      - {targets: [t%d/primary], timeout: %s}\n      - {targets: [t%d/secondary], timeout: 1h}\n    last_resort: [person:p%d]\n",
			i, i, stepTimeout, i, i)
	}
	b.WriteString("routes:\n  schedule: t0\n  severity: SEV-1\n  group_by: [alertname]\n  routes:\n")
	for i := range killTeams {
		fmt.Fprintf(&b, "    - {match: ['team=\"t%d\"'], schedule: t%d, policy: t%d}\n", i, i, i)
	}
	fmt.Fprintf(&b, "tokens:\n  - {name: test, token: %s, role: admin}\n", apiToken)
	fmt.Fprintf(&b, "notify:\n  twilio: {account_sid: %s, auth_token: %s, from: %q, base_url: %q}\n",
		twiliosim.DefaultAccountSID, twiliosim.DefaultAuthToken, twiliosim.DefaultNumber, r.simURL)
	return b.String()
}

// caseName finds the alert that a message is about.
var caseName = regexp.MustCompile(`case\dx\d{5}z`)

// sentCase is an alert that was answered 2xx.
type sentCase struct {
	name string
	team int
	from time.Time // before the first attempt to post it: nothing of it can have been accepted earlier
}

// TestEveryAcceptedAlertIsPagedAlthoughTheDaemonIsKilled streams alerts at a daemon that is killed with SIGKILL again and
// again while its provider answers with errors now and then and people acknowledge. It judges by the provider's own log:
// every alert that was answered 2xx rang the primary, no secondary rang before its time, and by the timeline: every
// acknowledgement that was confirmed is recorded exactly once.
func TestEveryAcceptedAlertIsPagedAlthoughTheDaemonIsKilled(t *testing.T) {
	seed := *killSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d, %d kills (repeat with -args -seed=%d)", seed, *killCount, seed)
	random := rand.New(rand.NewPCG(seed, 1))
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute+time.Duration(*killCount)*4*time.Second)
	defer cancel()

	r := newRig(t, twiliosim.Options{Seed: seed, MaxMessages: 1_000_000, MaxLog: 1000}, killConfig)
	r.sim.Inject(twiliosim.Fault{Kind: twiliosim.FailStatus, Only: "sms", Probability: 0.05})
	r.sim.Inject(twiliosim.Fault{Kind: twiliosim.FailDrop, Only: "sms", Probability: 0.02})
	r.start(ctx)

	streaming, stopStreaming := context.WithCancel(ctx)
	defer stopStreaming()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var accepted []sentCase
	for worker := range 4 {
		wg.Go(func() {
			tick := time.NewTicker(60 * time.Millisecond)
			defer tick.Stop()
			for k := 0; ; k++ {
				c := sentCase{name: fmt.Sprintf("case%dx%05dz", worker, k), team: (worker + 4*k) % killTeams, from: time.Now()}
				body := alertBody(c.name, fmt.Sprintf("t%d", c.team), "critical", "firing", c.from)
				for r.post(ctx, body) != http.StatusOK {
					select {
					case <-streaming.Done():
						return
					case <-tick.C:
					}
				}
				mu.Lock()
				accepted = append(accepted, c)
				mu.Unlock()
				select {
				case <-streaming.Done():
					return
				case <-tick.C:
				}
			}
		})
	}
	confirmed := r.acknowledgers(streaming, &wg)

	for range *killCount {
		wait(ctx, time.Duration(200+random.IntN(900))*time.Millisecond)
		r.kill(syscall.SIGKILL)
		r.start(ctx)
	}
	stopStreaming()
	wg.Wait()
	r.sim.Heal()

	// rang indexes what the provider accepted: number and case → instant of the first message.
	rang := func() map[string]time.Time {
		out := map[string]time.Time{}
		for _, m := range r.sim.Messages() {
			if name := caseName.FindString(m.Body); name != "" && m.Direction == "outbound-api" {
				if _, seen := out[m.To+name]; !seen {
					out[m.To+name] = m.At
				}
			}
		}
		return out
	}
	r.until(ctx, "every accepted alert rang its primary", func() bool {
		seen := rang()
		for _, c := range accepted {
			if _, ok := seen[person(c.team, "primary")+c.name]; !ok {
				return false
			}
		}
		return true
	})
	first := rang()
	early, escalated := 0, 0
	for _, c := range accepted {
		at, ok := first[person(c.team, "secondary")+c.name]
		if ok {
			escalated++
		}
		if ok && at.Before(c.from.Add(stepTimeout)) {
			early++
			t.Errorf("%s rang the secondary %s after it was sent, before its %s", c.name, at.Sub(c.from), stepTimeout)
		}
	}
	acks := r.judgeAcknowledgements(ctx, confirmed())
	sends := 0
	for _, m := range r.sim.Messages() {
		if m.Direction == "outbound-api" {
			sends++
		}
	}
	t.Logf("accepted %d, lost 0, early %d, escalated %d, acknowledgements confirmed %d, messages %d", len(accepted), early, escalated, acks, sends)
	if len(accepted) == 0 || acks == 0 || escalated == 0 {
		t.Error("the run proved nothing: no alert, escalation or acknowledgement came through")
	}
}

// wait returns after d or when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
}

// acknowledgers are people who reply to every third message with 4 and the page's number, again until they are answered.
// The returned func gives the page numbers whose acknowledgement was confirmed by the answer.
func (r *rig) acknowledgers(ctx context.Context, wg *sync.WaitGroup) func() []string {
	var mu sync.Mutex
	var confirmed []string
	number := regexp.MustCompile(`#(\d+)`)
	for team := range killTeams {
		wg.Go(func() {
			phone := r.sim.Phone(person(team, "primary"))
			for k := 0; ; k++ {
				m, err := phone.WaitSMS(ctx, nil)
				if err != nil {
					return
				}
				found := number.FindStringSubmatch(m.Body)
				if found == nil || k%3 != 0 || m.Direction != "outbound-api" {
					continue
				}
				for {
					a, err := phone.Reply(ctx, "4 "+found[1])
					if err != nil {
						return
					}
					if a.Status == http.StatusOK && strings.Contains(a.Text(), found[1]) {
						mu.Lock()
						confirmed = append(confirmed, found[1])
						mu.Unlock()
						break
					}
					wait(ctx, 20*time.Millisecond)
				}
			}
		})
	}
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return confirmed
	}
}

// judgeAcknowledgements checks each confirmed page's timeline: acknowledged once per round, never twice.
func (r *rig) judgeAcknowledgements(ctx context.Context, pages []string) int {
	r.t.Helper()
	seen := map[string]bool{}
	for _, n := range pages {
		if seen[n] {
			continue
		}
		seen[n] = true
		status, body := r.get(ctx, r.ops, "/api/v1/pages/"+n)
		if status != http.StatusOK {
			r.t.Errorf("page %s was acknowledged and cannot be read: %d %s", n, status, body)
			continue
		}
		var got struct {
			Timeline []struct {
				What  string            `json:"what"`
				Facts map[string]string `json:"facts"`
			} `json:"timeline"`
		}
		if err := json.Unmarshal(body, &got); err != nil {
			r.t.Fatal(err)
		}
		rounds := map[string]int{}
		for _, e := range got.Timeline {
			if e.What == "acknowledged" {
				rounds[e.Facts["round"]]++
			}
		}
		if len(rounds) == 0 {
			r.t.Errorf("page %s: an acknowledgement was confirmed and is not recorded", n)
		}
		for round, times := range rounds {
			if times != 1 {
				r.t.Errorf("page %s: acknowledged %d times in round %s", n, times, round)
			}
		}
	}
	return len(seen)
}
