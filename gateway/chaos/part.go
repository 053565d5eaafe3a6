package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"

	"pagerd/gateway/chaos/rig"
)

// part is one kind of trouble.
type part struct {
	name  string
	about string
	needs []string // programs
	cell  cellKind
	// control says that there is no verdict on pagerd's promises: what is played is a pagerd with a fault of its own, to try the
	// run itself, or is more than pagerd promises to survive.
	control bool
	play    func(ctx context.Context, o options, r *result) error
}

type cellKind int

const (
	noCell      cellKind = iota
	mountCell            // with mounts of its own
	networkCell          // and a network of its own
)

// parts are all parts, in the order in which they are played: the long ones first, so that a short run ends with none of them
// alone.
func parts() []part {
	return []part{
		{name: "replicas", about: "three daemons and a Redis that are killed and paused, a provider that fails", needs: []string{"redis-server"}, play: replicas},
		{name: "sentinel", about: "three machines with a Redis, a sentinel and a daemon each; the master's is cut off", needs: []string{"redis-server", "redis-sentinel", "ip", "mount"}, cell: networkCell, play: partitions},
		{name: "twice", about: "the same again and again, sooner than sentinels hear of it: nothing may be lost in silence", needs: []string{"redis-server", "redis-sentinel", "ip", "mount"}, cell: networkCell, control: true, play: twice},
		{name: "rolling", about: "three daemons are exchanged one by one for the next version, and back", needs: []string{"redis-server", "go"}, play: rolling},
		{name: "mutants", about: "a pagerd that drops every 100th send, or acknowledgement, must be found out", needs: []string{"redis-server", "go"}, control: true, play: tryMutants},
		{name: "power", about: "the embedded store's disk loses its power", needs: []string{"mkfs.ext4", "e2fsck", "mount", "xfs_io"}, cell: mountCell, play: powerCuts},
		{name: "unflushed", about: "the same with a pagerd that does not flush, which must be found out", needs: []string{"mkfs.ext4", "e2fsck", "mount", "xfs_io", "go"}, cell: mountCell, control: true, play: unflushed},
		{name: "full", about: "the embedded store's disk is full for a while", needs: []string{"mkfs.ext4", "mount"}, cell: mountCell, play: fullDisk},
		{name: "flush", about: "a flush of the embedded store fails", needs: []string{"strace"}, cell: mountCell, play: failedFlush},
	}
}

// missing says why a program cannot be used; empty = it can. What only root's path has counts.
func missing(tool string) string {
	for _, dir := range []string{"", "/usr/sbin", "/sbin"} {
		if _, err := exec.LookPath(filepath.Join(dir, tool)); err == nil {
			return ""
		}
	}
	return tool + " is not installed (make neighbours installs what it can)"
}

// binaryOf builds pagerd as it is, unless that was done or one was given.
func binaryOf(ctx context.Context, o *options) error {
	if o.using != "" {
		return nil
	}
	binary := filepath.Join(o.dir, "pagerd")
	if _, err := os.Stat(binary); errors.Is(err, os.ErrNotExist) {
		if err := rig.Build(ctx, binary); err != nil {
			return err
		}
	}
	o.using = binary
	return nil
}
