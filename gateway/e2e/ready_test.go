package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pagerd/notify/twilio/twiliosim"
)

// tellBy is how soon a broken part must show.
const tellBy = 5 * time.Second

// operator is told when pagerd itself has a problem.
const operator = "+15552000000"

// smallConfig has one person; restrict is the rotation's restriction, empty for none.
func smallConfig(r *rig, store, restrict string) string {
	return fmt.Sprintf(`
listen: {public: %q, ops: %q}
public_url: http://%s
store: {path: %q, alarm_after: 1s}
sources:
  - {name: prod, kind: alertmanager, token: %s}
people:
  - {name: ana, sms: %q, voice: %q}
schedules:
  - {name: platform, zone: UTC, start: 2026-01-05, people: [ana]%s}
routes: {schedule: platform, severity: SEV-1, group_by: [alertname]}
operators: [{sms: %q}]
tokens:
  - {name: test, token: %s, role: admin}
notify:
  twilio: {account_sid: %s, auth_token: %s, from: %q, base_url: %q}
`, r.public, r.ops, r.public, store, sourceToken, person(0, "primary"), person(0, "primary"), restrict,
		operator, apiToken,
		twiliosim.DefaultAccountSID, twiliosim.DefaultAuthToken, twiliosim.DefaultNumber, r.simURL)
}

// expectDoor waits until a probe answers with the status and the reason, and fails if that takes longer than tellBy.
func (r *rig) expectDoor(ctx context.Context, path string, status int, reason string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(ctx, tellBy)
	defer cancel()
	began := time.Now()
	r.until(ctx, fmt.Sprintf("%s answers %d %q", path, status, reason), func() bool {
		got, body := r.get(ctx, r.ops, path)
		return got == status && strings.Contains(string(body), reason)
	})
	r.t.Logf("%s says %d %q after %s", path, status, reason, time.Since(began).Round(time.Millisecond))
}

func TestARefusedProviderTokenShowsOnThePagingDoorOnly(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r := newRig(t, twiliosim.Options{}, func(r *rig) string { return smallConfig(r, r.path("pagerd.db"), "") })
	r.start(ctx)
	r.expectDoor(ctx, "/readyz/page", http.StatusOK, "")
	r.sim.Inject(twiliosim.Fault{Kind: twiliosim.FailStatus, Status: http.StatusUnauthorized})
	r.expectDoor(ctx, "/readyz/page", http.StatusServiceUnavailable, "bad_credentials")
	r.expectDoor(ctx, "/readyz", http.StatusOK, "")
	r.sim.Heal()
	r.expectDoor(ctx, "/readyz/page", http.StatusOK, "")
}

func TestAStuckSenderShowsOnThePagingDoorOnly(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r := newRig(t, twiliosim.Options{}, func(r *rig) string { return smallConfig(r, r.path("pagerd.db"), "") })
	r.start(ctx)
	r.sim.Inject(twiliosim.Fault{Kind: twiliosim.FailHang, Only: "sms"})
	if status := r.post(ctx, alertBody("Stuck", "t0", "critical", "firing", time.Now())); status != http.StatusOK {
		t.Fatalf("the alert was answered %d", status)
	}
	r.expectDoor(ctx, "/readyz/page", http.StatusServiceUnavailable, "sender")
	r.expectDoor(ctx, "/readyz", http.StatusOK, "")
}

func TestAScheduleGapShowsOnThePagingDoorOnly(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	far := strings.ToLower(time.Now().UTC().Add(72 * time.Hour).Weekday().String()[:3])
	r := newRig(t, twiliosim.Options{}, func(r *rig) string {
		return smallConfig(r, r.path("pagerd.db"), fmt.Sprintf(`, restrict: [{days: [%s], from: "10:00", to: "11:00"}]`, far))
	})
	r.start(ctx)
	r.expectDoor(ctx, "/readyz/page", http.StatusServiceUnavailable, "nobody is on call")
	r.expectDoor(ctx, "/readyz", http.StatusOK, "")
}

// TestAFullDiskShowsOnBothDoorsAndLosesNothing fills the file system that the store is on. The daemon lives in a mount
// namespace of its own with a small memory disk, which needs no rights of an administrator.
func TestAFullDiskShowsOnBothDoorsAndLosesNothing(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r := newRig(t, twiliosim.Options{}, func(r *rig) string { return smallConfig(r, r.path("disk/pagerd.db"), "") })
	disk := r.path("disk")
	if err := os.Mkdir(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	r.command = func() *exec.Cmd {
		return exec.Command("unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
			`mount -t tmpfs -o size=64m tmpfs "$1" && exec "$2" serve --config "$3"`, "sh", disk, binary, r.path("pagerd.yaml"))
	}
	r.start(ctx)
	r.expectDoor(ctx, "/readyz", http.StatusOK, "")
	if status := r.post(ctx, alertBody("Before", "t0", "critical", "firing", time.Now())); status != http.StatusOK {
		t.Fatalf("with room left the alert was answered %d", status)
	}
	inside := fmt.Sprintf("/proc/%d/root%s", r.cmd.Process.Pid, disk)
	fill := filepath.Join(inside, "fill")
	f, err := os.Create(fill)
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 64<<10)
	for {
		if _, err := f.Write(block); err != nil {
			break
		}
	}
	f.Close()
	r.expectDoor(ctx, "/readyz", http.StatusServiceUnavailable, "disk")
	r.expectDoor(ctx, "/readyz/page", http.StatusServiceUnavailable, "store")
	if status := r.post(ctx, alertBody("Full", "t0", "critical", "firing", time.Now())); status != http.StatusServiceUnavailable {
		t.Errorf("on a full disk the alert was answered %d, want 503", status)
	}
	r.expectSMS(ctx, operator, "alerts are answered 503, nobody is paged. Store: ")
	if err := os.Remove(fill); err != nil {
		t.Fatal(err)
	}
	r.expectDoor(ctx, "/readyz", http.StatusOK, "")
	if status := r.post(ctx, alertBody("After", "t0", "critical", "firing", time.Now())); status != http.StatusOK {
		t.Errorf("with room again the alert was answered %d", status)
	}
	for _, name := range []string{"Before", "After"} {
		r.expectSMS(ctx, person(0, "primary"), name)
	}
	r.expectSMS(ctx, operator, "BACK after")
}

// expectSMS waits for a message with that text.
func (r *rig) expectSMS(ctx context.Context, number, text string) {
	r.t.Helper()
	if _, err := r.sim.Phone(number).WaitSMS(ctx, func(m twiliosim.Message) bool { return strings.Contains(m.Body, text) }); err != nil {
		r.t.Errorf("%q did not ring: %v", text, err)
	}
}
