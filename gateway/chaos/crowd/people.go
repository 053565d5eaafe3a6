package crowd

import (
	"context"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// People read what reaches their telephones, and some of them reply, again and again until they are answered.
type People struct {
	Provider *Provider
	Share    float64 // of the pages that are acknowledged by whoever is rung
	Seed     uint64

	wg sync.WaitGroup

	mu         sync.Mutex
	unanswered []Asked // the newest pages that nobody replied to
}

// Asked is a message that asks somebody to acknowledge a page.
type Asked struct{ Number, Page string }

// keepsUnanswered is how many are remembered.
const keepsUnanswered = 200

// Unanswered takes the newest n pages that nobody replied to.
func (p *People) Unanswered(n int) []Asked {
	p.mu.Lock()
	defer p.mu.Unlock()
	n = min(n, len(p.unanswered))
	out := p.unanswered[len(p.unanswered)-n:]
	p.unanswered = p.unanswered[:len(p.unanswered)-n]
	return out
}

func (p *People) leave(a Asked) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unanswered = append(p.unanswered, a)
	if len(p.unanswered) > 2*keepsUnanswered {
		p.unanswered = slices.Clone(p.unanswered[keepsUnanswered:])
	}
}

// Shares of how people reply: most at once, some when the second is about to be rung, some twice.
const (
	hesitates  = 0.2
	repliesTwo = 0.1
)

var asked = regexp.MustCompile(`#(\d+).*Reply 4 ack`)

// Read answers telephones until reading ends. What somebody has begun goes on until life ends: see Wait.
func (p *People) Read(reading, life context.Context, step time.Duration) {
	p.wg.Go(func() {
		random := rand.New(rand.NewPCG(p.Seed, 2))
		for {
			select {
			case <-reading.Done():
				return
			case m := <-p.Provider.read:
				found := asked.FindStringSubmatch(m.Body)
				if found == nil {
					continue
				}
				if random.Float64() >= p.Share {
					p.leave(Asked{m.To, found[1]})
					continue
				}
				after := time.Duration(random.IntN(400)) * time.Millisecond
				if random.Float64() < hesitates {
					after = step - time.Duration(random.IntN(300))*time.Millisecond
				}
				times := 1
				if random.Float64() < repliesTwo {
					times = 2
				}
				for range times {
					p.wg.Go(func() { p.Acknowledge(life, m.To, found[1], after) })
				}
			}
		}
	})
}

// Wait returns when everybody who replied is answered, or life has ended.
func (p *People) Wait() { p.wg.Wait() }

// again is how long a person waits for an answer that does not come.
const again = 500 * time.Millisecond

// Acknowledge writes until the answer names the page; false when ctx ended before.
func (p *People) Acknowledge(ctx context.Context, number, page string, after time.Duration) bool {
	phone := p.Provider.Sim.Phone(number)
	for wait := after; pause(ctx, wait); wait = again {
		a, err := phone.Reply(ctx, "4 "+page)
		if err != nil {
			return false // the run is over
		}
		if a.Status == http.StatusOK && strings.Contains(a.Text(), page) {
			return true
		}
	}
	return false
}
