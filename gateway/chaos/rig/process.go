// Package rig is the machinery of a chaos run: real processes that are killed, paused and started again, a small disk that
// loses its power, machines with a network of their own that is cut.
//
// It promises that nothing outlives the program: processes are killed by the kernel when it ends, and whatever changes
// mounts or networks happens inside namespaces that vanish with it.
package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is a program that may be killed and started again, with its output in a file.
type Process struct {
	Name  string
	Args  []string      // the command
	Wrap  []string      // put before the command: "ip netns exec …"
	Env   []string      // the whole environment
	Log   string        // file that its output is appended to
	Ready func() error  // nil = it works
	Wait  time.Duration // after an end by itself, before it is started again; a supervisor's pause

	mu     sync.Mutex // guards what follows
	cmd    *exec.Cmd
	ended  chan struct{} // closed when the process has ended
	paused bool
	ends   int // how often it ended by itself while it was starting
}

// ErrCannot: this machine does not allow what the run needs. That says nothing about pagerd.
var ErrCannot = errors.New("this machine cannot do it")

// look is how often a starting process is asked whether it works.
const look = 10 * time.Millisecond

// Start runs the program and returns when it works. One that ends by itself before is started again, as a supervisor
// would, until ctx ends.
func (p *Process) Start(ctx context.Context) error {
	for {
		if err := p.Launch(); err != nil {
			return err
		}
		err := p.untilReady(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		p.mu.Lock()
		p.ends++
		p.mu.Unlock()
		if !pause(ctx, max(p.Wait, 100*time.Millisecond)) {
			return errors.Join(err, ctx.Err())
		}
	}
}

// Launch runs the program without waiting for it.
func (p *Process) Launch() error {
	args := append(append([]string(nil), p.Wrap...), p.Args...)
	log, err := os.OpenFile(p.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the log of %s: %w", p.Name, err)
	}
	defer log.Close() // the process has its own descriptor
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr = p.Env, log, log
	// A group of its own: the interrupt of a terminal is ours to handle.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }() // how it ended stands in ProcessState
	p.mu.Lock()
	p.cmd, p.ended, p.paused = cmd, ended, false
	p.mu.Unlock()
	return nil
}

func (p *Process) untilReady(ctx context.Context) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	var last error
	for {
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("waited in vain for %s: %w", p.Name, ctx.Err()), last)
		case <-p.Ended():
			return fmt.Errorf("%s ended by itself: %s", p.Name, p.State())
		case <-tick.C:
			if last = p.Ready(); last == nil {
				return nil
			}
		}
	}
}

// Ended is closed when the process has ended; a closed channel when it was never started.
func (p *Process) Ended() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended == nil {
		p.ended = make(chan struct{})
		close(p.ended)
	}
	return p.ended
}

// Up reports whether the process runs and is not paused.
func (p *Process) Up() bool {
	select {
	case <-p.Ended():
		return false
	default:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.paused
}

// State says how the process ended: "exit status 3", "signal: killed".
func (p *Process) State() string {
	<-p.Ended()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return "never started"
	}
	return p.cmd.ProcessState.String()
}

// Signal sends a signal; to a process that has ended it does nothing.
func (p *Process) Signal(sig syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Signal(sig) // the only error is that it has ended
	switch sig {
	case syscall.SIGSTOP:
		p.paused = true
	case syscall.SIGCONT:
		p.paused = false
	}
}

// Kill ends the process with SIGKILL and returns when it is gone.
func (p *Process) Kill() {
	p.Signal(syscall.SIGKILL)
	<-p.Ended()
}

// PID is the process's number, 0 before the first start.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return 0
	}
	return p.cmd.Process.Pid
}

// Ends is how often the process ended by itself while it was starting.
func (p *Process) Ends() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ends
}

// Run runs a command to its end; the error holds what it said.
func Run(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// pause waits, but not longer than ctx; it reports whether the whole time passed.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
