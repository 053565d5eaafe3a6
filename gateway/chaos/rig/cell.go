package rig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// Cell runs this program again in namespaces of its own for processes, mounts and, if asked for, the network, and returns
// when it has ended. Whatever it mounts, connects or starts vanishes with it, however it ends. The new one must Enter.
func Cell(ctx context.Context, network bool, stdout io.Writer, args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stdout, cmd.Stderr = stdout, os.Stderr
	flags := uintptr(syscall.CLONE_NEWNS | syscall.CLONE_NEWPID)
	if network {
		flags |= syscall.CLONE_NEWNET
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags, Setpgid: true, Pdeathsig: syscall.SIGKILL}
	err = cmd.Run()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		return fmt.Errorf("%w: no namespaces without root: %w", ErrCannot, err)
	}
	if err != nil {
		return fmt.Errorf("in namespaces of its own: %w", err)
	}
	return nil
}

// Enter makes the namespaces usable: mounts stay inside, /proc shows the processes that are inside.
func Enter() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("%w: mounts stay not inside: %w", ErrCannot, err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("%w: no /proc for its own processes: %w", ErrCannot, err)
	}
	return nil
}
