package rig_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pagerd/gateway/chaos/rig"
)

func shell(t *testing.T, script string, ready func() error) *rig.Process {
	t.Helper()
	p := &rig.Process{Name: "shell", Args: []string{"sh", "-c", script}, Log: filepath.Join(t.TempDir(), "log"), Ready: ready}
	t.Cleanup(p.Kill)
	return p
}

func TestAProcessIsKilledAndStartedAgain(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	p := shell(t, "exec sleep 60", func() error { return nil })
	if p.Up() {
		t.Error("it is up before it was started")
	}
	if err := p.Start(ctx); err != nil {
		t.Fatal(err)
	}
	first := p.PID()
	p.Signal(syscall.SIGSTOP)
	if p.Up() {
		t.Error("a paused process counts as up")
	}
	p.Kill()
	if got := p.State(); got != "signal: killed" {
		t.Errorf("it ended by %q", got)
	}
	if err := p.Start(ctx); err != nil || !p.Up() || p.PID() == first {
		t.Errorf("the second start: %v, up %v", err, p.Up())
	}
}

func TestOneThatEndsWhileItStartsIsStartedAgain(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	mark := filepath.Join(t.TempDir(), "mark")
	// The first time it ends at once, as a daemon does whose Redis is down.
	p := shell(t, "[ -e "+mark+" ] && exec sleep 60; touch "+mark+"; exit 3", nil)
	p.Ready = func() error {
		if p.Ends() == 0 {
			return errors.New("it has not failed yet")
		}
		return nil
	}
	if err := p.Start(ctx); err != nil || p.Ends() != 1 {
		t.Errorf("%v after %d ends", err, p.Ends())
	}
}

func TestTeardownsRunInReverseEvenAfterAFailure(t *testing.T) {
	var u rig.Undo
	var order []string
	for _, name := range []string{"disk", "network", "daemon"} {
		u.Add(name, func() error {
			order = append(order, name)
			if name == "network" {
				return errors.New("busy")
			}
			return nil
		})
	}
	err := u.All()
	if got := strings.Join(order, " "); got != "daemon network disk" || err == nil || !strings.Contains(err.Error(), "undo network: busy") {
		t.Errorf("order %q, %v", got, err)
	}
	if err := u.All(); err != nil || len(order) != 3 {
		t.Error("a second time they run again")
	}
}
