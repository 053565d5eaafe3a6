//go:build alertmanager

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"pagerd/notify/twilio/twiliosim"
)

// The example company's telephones in this test.
const (
	ana  = "+34600000001"
	ben  = "+34600000002"
	dora = "+34600000004"
)

// companyConfig is the README's configuration with short times: 3 s to the call, 6 s to the secondary.
func companyConfig(r *rig) string {
	return fmt.Sprintf(`
listen: {public: %q, ops: %q}
public_url: http://%s
store: {path: %q}
sources:
  - {name: prod, kind: alertmanager, token: %s}
people:
  - {name: ana,  sms: %q, voice: %q}
  - {name: ben,  sms: %q, voice: %q}
  - {name: dora, sms: %q}
schedules:
  - {name: platform, zone: Europe/Madrid, start: 2026-01-05, unit: weekly, every: 520, people: [ana, ben], manager: dora}
severities:
  SEV-2: {ladder: [sms, {voice: 3s}]}
policies:
  - name: quick
    steps:
      - {targets: [platform/primary, {inform: platform/manager}], timeout: 6s}
      - {targets: [platform/secondary], timeout: 10m}
    last_resort: [platform/manager]
routes: {policy: quick, group_by: [alertname]}
tokens:
  - {name: test, token: %s, role: admin}
notify:
  bundle_window: 0s
  twilio: {account_sid: %s, auth_token: %s, from: %q, base_url: %q}
`, r.public, r.ops, r.public, r.path("pagerd.db"), sourceToken, ana, ana, ben, ben, dora, apiToken,
		twiliosim.DefaultAccountSID, twiliosim.DefaultAuthToken, twiliosim.DefaultNumber, r.simURL)
}

// alertmanager runs Debian's Alertmanager, configured as the README says, with short group times.
func (r *rig) alertmanager(ctx context.Context) string {
	r.t.Helper()
	address := freeAddress(r.t)
	config := fmt.Sprintf(`
route: {receiver: pagerd, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}
receivers:
  - name: pagerd
    webhook_configs:
      - url: http://%s/v1/alertmanager/prod
        send_resolved: true
        http_config: {authorization: {credentials: %s}}
`, r.public, sourceToken)
	if err := os.WriteFile(r.path("alertmanager.yml"), []byte(config), 0o600); err != nil {
		r.t.Fatal(err)
	}
	cmd := exec.Command("prometheus-alertmanager", "--config.file="+r.path("alertmanager.yml"), "--storage.path="+r.path("am"),
		"--web.listen-address="+address, "--cluster.listen-address=")
	log, err := os.Create(r.path("am.log"))
	if err != nil {
		r.t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		r.t.Fatalf("start Alertmanager (Debian's package prometheus-alertmanager): %v", err)
	}
	r.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		log.Close()
	})
	r.until(ctx, "Alertmanager is ready", func() bool {
		status, _ := r.get(ctx, address, "/-/ready")
		return status == http.StatusOK
	})
	return address
}

// report tells Alertmanager of an alert, as Prometheus would.
func (r *rig) report(ctx context.Context, am, name string, starts, ends time.Time) {
	r.t.Helper()
	body, err := json.Marshal([]map[string]any{{"labels": map[string]string{"alertname": name, "severity": "error", "service": "checkout"},
		"annotations": map[string]string{"summary": name + " is failing"}, "startsAt": starts.UTC().Format(time.RFC3339Nano), "endsAt": ends.UTC().Format(time.RFC3339Nano)}})
	if err != nil {
		r.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+am+"/api/v2/alerts", bytes.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		r.t.Fatalf("Alertmanager answered %d", resp.StatusCode)
	}
}

func containing(text string) func(twiliosim.Message) bool {
	return func(m twiliosim.Message) bool { return strings.Contains(m.Body, text) }
}

// TestARealAlertmanagersAlertsRingAndAreAcknowledged is the main job with a real Alertmanager process: one alert is
// acknowledged by reply, a second goes unanswered to voice and to the secondary, who presses a digit, and when it is over
// everybody who was rung is told once.
func TestARealAlertmanagersAlertsRingAndAreAcknowledged(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	// Messages take a moment to arrive, as they do: a reply cannot be written before its message was accepted.
	r := newRig(t, twiliosim.Options{Pace: twiliosim.Pace{Sent: 50 * time.Millisecond, Delivered: 200 * time.Millisecond}}, companyConfig)
	r.start(ctx)
	am := r.alertmanager(ctx)
	begin := time.Now()
	later := begin.Add(time.Hour)
	sms := func(number, text string) twiliosim.Message {
		t.Helper()
		m, err := r.sim.Phone(number).WaitSMS(ctx, containing(text))
		if err != nil {
			t.Fatalf("no SMS %q to %s: %v", text, number, err)
		}
		return m
	}

	r.report(ctx, am, "FirstAlert", begin, later)
	first := sms(ana, "FirstAlert")
	t.Logf("ana reads: %s", first.Body)
	answer, err := r.sim.Phone(ana).Reply(ctx, "4")
	if err != nil || !strings.Contains(answer.Text(), "Acked #1001") {
		t.Fatalf("the reply was answered %q, %v", answer.Text(), err)
	}
	r.expectPage(ctx, 1001, "acknowledged", "ana", "sms")
	if status, body := r.get(ctx, r.ops, "/api/v1/incidents/1001"); status != http.StatusOK || !strings.Contains(string(body), `"commander": "ana"`) {
		t.Fatalf("the acknowledged page is no incident led by ana: %d %s", status, body)
	}

	r.report(ctx, am, "SecondAlert", begin, later)
	second := sms(ana, "SecondAlert")
	call, err := r.sim.Phone(ana).WaitCall(ctx)
	if err != nil {
		t.Fatalf("ana's telephone did not ring: %v", err)
	}
	if err := r.sim.Phone(ana).Ignore(call.SID); err != nil {
		t.Fatal(err)
	}
	rung := sms(ben, "SecondAlert")
	if waited := rung.At.Sub(second.At); waited < 6*time.Second-time.Second/10 {
		t.Errorf("the secondary was rung after %s, before the step's 6 s", waited)
	} else {
		t.Logf("voice after %s, secondary after %s", call.At.Sub(second.At), waited)
	}
	call, err = r.sim.Phone(ben).WaitCall(ctx)
	if err != nil {
		t.Fatalf("ben's telephone did not ring: %v", err)
	}
	if err := r.sim.Phone(ben).Answer(call.SID); err != nil {
		t.Fatal(err)
	}
	if err := r.sim.Phone(ben).Press(ctx, call.SID, "4"); err != nil {
		t.Fatal(err)
	}
	call, err = r.sim.Phone(ben).WaitCallUntil(ctx, call.SID, func(c twiliosim.Call) bool { return c.Heard("acknowledged. You have it") })
	if err != nil {
		t.Fatalf("the keypress was not confirmed by voice: %v", err)
	}
	t.Logf("ben hears: %s", strings.Join(call.Spoken, " / "))
	r.expectPage(ctx, 1002, "acknowledged", "ben", "voice")

	r.report(ctx, am, "SecondAlert", begin, time.Now())
	for _, number := range []string{ana, ben, dora} {
		sms(number, "RESOLVED #1002")
	}
	r.expectPage(ctx, 1002, "resolved", "", "")
	for _, number := range []string{ana, ben, dora} {
		told := 0
		for _, m := range r.sim.Phone(number).Messages() {
			if strings.Contains(m.Body, "RESOLVED #1002") {
				told++
			}
		}
		if told != 1 {
			t.Errorf("%s was told %d times that it is over", number, told)
		}
	}
}

// expectPage waits until a page stands so.
func (r *rig) expectPage(ctx context.Context, number int, status, by, how string) {
	r.t.Helper()
	r.until(ctx, fmt.Sprintf("page %d is %s by %s", number, status, by), func() bool {
		_, body := r.get(ctx, r.ops, fmt.Sprintf("/api/v1/pages/%d", number))
		var got struct {
			Page struct {
				Status string `json:"status"`
				By     string `json:"acknowledged_by"`
				How    string `json:"acknowledged_how"`
			} `json:"page"`
		}
		return json.Unmarshal(body, &got) == nil && got.Page.Status == status && (by == "" || got.Page.By == by && got.Page.How == how)
	})
}
