package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Disk is a small ext4 file system on a loop device. It must live inside a Cell.
type Disk struct {
	Dir   string // where it is mounted
	image string
}

// NewDisk makes and mounts one of so many MiB.
func NewDisk(ctx context.Context, dir, name string, mebibytes int64) (*Disk, error) {
	d := &Disk{Dir: filepath.Join(dir, name), image: filepath.Join(dir, name+".img")}
	if err := os.Mkdir(d.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make a disk: %w", err)
	}
	f, err := os.Create(d.image)
	if err != nil {
		return nil, fmt.Errorf("make a disk: %w", err)
	}
	if err := errors.Join(f.Truncate(mebibytes<<20), f.Close()); err != nil {
		return nil, fmt.Errorf("make a disk: %w", err)
	}
	// No blocks kept for root: the daemon of this run may be root, and full must mean full.
	if err := Run(ctx, "mkfs.ext4", "-q", "-F", "-m", "0", d.image); err != nil {
		return nil, err
	}
	if err := d.mount(ctx); err != nil {
		return nil, fmt.Errorf("%w: no file system on a loop device: %w", ErrCannot, err)
	}
	return d, nil
}

func (d *Disk) mount(ctx context.Context) error {
	return Run(ctx, "mount", "-o", "loop", d.image, d.Dir)
}

// Cut takes the power away: what was not flushed is gone, and every write fails from now on.
func (d *Disk) Cut(ctx context.Context) error {
	return Run(ctx, "xfs_io", "-x", "-c", "shutdown", d.Dir)
}

// Restore brings the power back: the file system is checked, which replays its journal, and mounted. Whoever had files
// open on it must be gone.
func (d *Disk) Restore(ctx context.Context) error {
	for syscall.Unmount(d.Dir, 0) != nil {
		// The kernel lets go of a killed process's files a moment after its end.
		if !pause(ctx, 10*time.Millisecond) {
			return fmt.Errorf("unmount %s: %w", d.Dir, ctx.Err())
		}
	}
	var code *exec.ExitError
	if err := Run(ctx, "e2fsck", "-p", d.image); errors.As(err, &code) && code.ExitCode() == 1 {
		// 1 = mended, see e2fsck(8).
	} else if err != nil {
		return err
	}
	return d.mount(ctx)
}

// Fill writes until no byte is left. The returned func makes room again.
func (d *Disk) Fill() (free func() error, err error) {
	path := filepath.Join(d.Dir, "fill")
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("fill the disk: %w", err)
	}
	defer f.Close() // what did not fit is meant not to
	for size := 1 << 20; size >= 512; size /= 2 {
		block := make([]byte, size)
		for {
			if _, err := f.Write(block); err != nil {
				if !errors.Is(err, syscall.ENOSPC) {
					return nil, fmt.Errorf("fill the disk: %w", err)
				}
				break
			}
		}
	}
	return func() error { return os.Remove(path) }, nil
}
