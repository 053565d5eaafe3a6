package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pagerd/gateway/store/redisstore/redistest"
	"pagerd/notify/email"
	"pagerd/notify/twilio/twiliosim"
)

// TestAStoreThatHangsIsToldTheTruthAboutEverywhere: the Redis process is stopped as it stands, so that connections stay
// open and nothing answers.
func TestAStoreThatHangsIsToldTheTruthAboutEverywhere(t *testing.T) {
	f, server := newFleet(t), redistest.Start(t)
	a := f.start("a", redisSection(server, ""), nil)
	if status, body := a.fire("Before"); status != http.StatusOK {
		t.Fatalf("answered %d %s", status, body)
	}
	f.rings(anasNumber, "Before")
	if status, body := a.ops(http.MethodPost, "/api/v1/pages/1001/note", `{"text": "hello"}`); status != http.StatusOK {
		t.Fatalf("a note: %d %s", status, body)
	}
	picked := f.picksUp(anasNumber)
	server.Pause()
	f.boundedAnswers(a)
	f.notRecorded(a, picked)
	dora := f.sim.Phone(dorasNumber)
	call, err := dora.WaitCall(f.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := dora.Answer(call.SID); err != nil {
		t.Fatal(err)
	}
	if call, err = dora.WaitCallUntil(f.ctx, call.SID, twiliosim.Call.Ended); err != nil || !call.Heard("alerts are answered 503, nobody is paged") || len(call.Errors) > 0 {
		t.Errorf("heard %q, errors %v, %v", call.Spoken, call.Errors, err)
	}
	f.rings(emilsNumber, "a: alerts are answered 503, nobody is paged. Store: ")
	a.door("/metrics", http.StatusOK, `pagerd_direct_sends_total{certainty="sent",channel="voice"} 1`)
	a.door("/status", http.StatusOK, "Alerts cannot be accepted")
	a.door("/healthz", http.StatusOK, "ok")
	server.Resume()
	f.rings(emilsNumber, "BACK after")
	if status, body := a.fire("After"); status != http.StatusOK {
		t.Errorf("answered %d %s", status, body)
	}
	f.rings(anasNumber, "After")
}

// boundedAnswers posts as many alerts at once as a storm has connections: each is answered 503 after one round trip's
// deadline of 1.5 s, and later ones at once. The bounds leave as much again for a machine that is busy.
func (f *fleet) boundedAnswers(m *member) {
	f.t.Helper()
	for round, bound := range []time.Duration{3 * time.Second, 1500 * time.Millisecond} {
		began := time.Now()
		var wg sync.WaitGroup
		var refused atomic.Int64
		for i := range 256 {
			wg.Go(func() {
				if status, _ := m.fire(fmt.Sprintf("Storm%d", i)); status == http.StatusServiceUnavailable {
					refused.Add(1)
				}
			})
		}
		wg.Wait()
		took := time.Since(began)
		f.t.Logf("round %d: 256 alerts answered after %s", round, took.Round(time.Millisecond))
		if refused.Load() != 256 || took > bound {
			f.t.Errorf("round %d: %d of 256 were answered 503, after %s; want all within %s", round, refused.Load(), took, bound)
		}
	}
}

// picksUp answers the next call to a number and listens until a digit can be pressed.
func (f *fleet) picksUp(number string) twiliosim.Call {
	f.t.Helper()
	phone := f.sim.Phone(number)
	call, err := phone.WaitCall(f.ctx)
	if err != nil {
		f.t.Fatal(err)
	}
	if err := phone.Answer(call.SID); err != nil {
		f.t.Fatal(err)
	}
	if call, err = phone.WaitCallUntil(f.ctx, call.SID, func(c twiliosim.Call) bool { return c.Listening }); err != nil {
		f.t.Fatal(err)
	}
	return call
}

// notRecorded tries every way to acknowledge while nothing can be stored; call is one that listens for a digit.
func (f *fleet) notRecorded(m *member, call twiliosim.Call) {
	t := f.t
	t.Helper()
	answer, err := f.sim.Phone(anasNumber).Reply(f.ctx, "4")
	if err != nil || !strings.Contains(answer.Text(), "NOT RECORDED") {
		t.Errorf("by SMS: %q, %v", answer.Text(), err)
	}
	if status, body := m.ops(http.MethodPost, "/api/v1/pages/1001/acknowledge", ""); status != http.StatusServiceUnavailable || !strings.Contains(body, "NOT RECORDED") {
		t.Errorf("by the API: %d %s", status, body)
	}
	token := email.Links{Keys: [][]byte{[]byte(linkSecret)}}.Sign(email.Link{Delivery: "1001-1", Person: "ana", Pages: []int64{1001}, Rounds: []int{1},
		Expires: time.Now().Add(time.Hour).Unix()})
	link := "http://" + m.g.PublicAddr() + "/r/" + token
	resp, err := f.client.Post(link, "application/x-www-form-urlencoded", strings.NewReader("verb=ack"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if raw, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(raw), "NOT RECORDED") {
		t.Errorf("by the link: %d %s %v", resp.StatusCode, raw, err)
	}
	phone := f.sim.Phone(anasNumber)
	if err := phone.Press(f.ctx, call.SID, "4"); err != nil {
		t.Fatal(err)
	}
	if _, err := phone.WaitCallUntil(f.ctx, call.SID, func(c twiliosim.Call) bool { return c.Heard("Nothing was recorded") }); err != nil {
		t.Errorf("by a digit: %v", err)
	}
	if err := phone.HangUp(call.SID); err != nil {
		t.Error(err)
	}
}

// TestARedisThatIsNotThereYet: the daemon starts, answers 503 at once, rings, and works as soon as there is a Redis.
func TestARedisThatIsNotThereYet(t *testing.T) {
	f, server := newFleet(t), redistest.Start(t)
	server.Kill()
	a := f.start("a", redisSection(server, ""), nil)
	began := time.Now()
	if status, body := a.fire("Early"); status != http.StatusServiceUnavailable {
		t.Errorf("answered %d %s", status, body)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("answered after %s", took)
	}
	f.rings(emilsNumber, "a: alerts are answered 503, nobody is paged. Store: ")
	server.Restart()
	f.until("the alert is accepted", func() bool { status, _ := a.fire("Early"); return status == http.StatusOK })
	f.rings(anasNumber, "Early")
	f.rings(emilsNumber, "BACK after")
}

// configure tells a Redis something without our own client.
func configure(t *testing.T, server *redistest.Server, command string) {
	t.Helper()
	c, err := net.Dial("tcp", server.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := fmt.Fprint(c, command+"\r\n"); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil || line != "+OK\r\n" {
		t.Fatalf("%s: %q, %v", command, line, err)
	}
}

// TestASettingThatBecomesWeakerStopsNewAlertsOnly: acknowledgements and what is due go on.
func TestASettingThatBecomesWeakerStopsNewAlertsOnly(t *testing.T) {
	f, server := newFleet(t), redistest.Start(t)
	f.step = "2s"
	a := f.start("a", redisSection(server, ""), nil)
	for _, name := range []string{"First", "Second"} {
		if status, body := a.fire(name); status != http.StatusOK {
			t.Fatalf("answered %d %s", status, body)
		}
		f.rings(anasNumber, name)
	}
	configure(t, server, "CONFIG SET appendfsync everysec")
	if _, err := a.g.redis.Inspect(f.ctx); err != nil { // as every minute
		t.Fatal(err)
	}
	const reason = "appendfsync is everysec, not always: "
	a.door("/readyz", http.StatusServiceUnavailable, reason)
	a.door("/readyz/page", http.StatusServiceUnavailable, reason)
	a.door("/status", http.StatusOK, reason)
	a.door("/metrics", http.StatusOK, `pagerd_store_finding{setting="appendfsync"} 1`)
	a.door("/metrics", http.StatusOK, `pagerd_store_finding{setting="maxmemory-policy"} 0`)
	if status, body := a.fire("Third"); status != http.StatusServiceUnavailable {
		t.Errorf("answered %d %s", status, body)
	}
	if answer, err := f.sim.Phone(anasNumber).Reply(f.ctx, "4 1001"); err != nil || !strings.Contains(answer.Text(), "Acked #1001") {
		t.Errorf("the acknowledgement: %q, %v", answer.Text(), err)
	}
	f.rings(bensNumber, "Second")
	f.rings(emilsNumber, "a: alerts are answered 503, what was accepted before still rings. Store: ")
	configure(t, server, "CONFIG SET appendfsync always")
	if _, err := a.g.redis.Inspect(f.ctx); err != nil {
		t.Fatal(err)
	}
	a.door("/readyz", http.StatusOK, "ready")
	if status, body := a.fire("Third"); status != http.StatusOK {
		t.Errorf("mended, and answered %d %s", status, body)
	}
}

func TestARelaxedStoreSaysWhatItCanLose(t *testing.T) {
	f, server := newFleet(t), redistest.Start(t, "--appendfsync", "everysec")
	if _, err := New(Options{Config: f.config("a", redisSection(server, ""), f.free())}); err == nil || !strings.Contains(err.Error(), "appendfsync is everysec, not always") {
		t.Fatalf("a strict store opens a weak server: %v", err)
	}
	a := f.start("a", redisSection(server, ", durability: relaxed"), nil)
	a.door("/readyz", http.StatusOK, "ready\nstore: appendfsync is everysec, not always: ")
	a.door("/status", http.StatusOK, "appendfsync is everysec, not always: ")
	if st := a.storeInfo(); !st.Ready || st.Durability != "relaxed" || len(st.Findings) != 1 {
		t.Errorf("the store: %+v", st)
	}
	if status, body := a.fire("Relaxed"); status != http.StatusOK {
		t.Errorf("answered %d %s", status, body)
	}
	configure(t, server, "CONFIG SET maxmemory-policy allkeys-lru")
	if _, err := a.g.redis.Inspect(f.ctx); err != nil {
		t.Fatal(err)
	}
	f.rings(emilsNumber, "DEGRADED: Redis: maxmemory-policy is allkeys-lru, not noeviction: ")
}

func TestAnEmptiedRedisIsToldAtOnce(t *testing.T) {
	f, server := newFleet(t), redistest.Start(t)
	a := f.start("a", redisSection(server, ""), nil)
	if status, body := a.fire("Before"); status != http.StatusOK {
		t.Fatalf("answered %d %s", status, body)
	}
	configure(t, server, "FLUSHALL")
	f.rings(emilsNumber, "DEGRADED: a: Redis was emptied")
	f.until("alerts are accepted again", func() bool { status, _ := a.fire("Before"); return status == http.StatusOK })
	f.rings(anasNumber, "Before")
}
