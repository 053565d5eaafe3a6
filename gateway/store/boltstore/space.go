package boltstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// The store is not ready any more when less than a fifth of the disk is free, and keeps its last twentieth for
// acknowledgements (R33). A large disk has room enough long before: then the absolute figures hold.
const (
	readyShare   = 5
	readyBytes   = 4 << 30
	urgentShare  = 20
	urgentBytes  = 512 << 20
	defaultSpare = 8 << 20
)

// space watches the disk and keeps the reserve file.
type space struct {
	free  func() (free, total uint64, err error)
	path  string // of the reserve; empty = none
	size  int64
	mu    sync.Mutex
	spent bool // the reserve was given up and is not back
}

func newSpace(o Options) *space {
	s := &space{free: o.Space, path: o.Path + ".reserve", size: o.Reserve}
	if s.free == nil {
		s.free = func() (free, total uint64, err error) { return statfs(filepath.Dir(o.Path)) }
	}
	switch {
	case o.Reserve == 0:
		s.size = defaultSpare
	case o.Reserve < 0:
		s.path = ""
	}
	if info, err := os.Stat(s.path); s.path != "" && (err != nil || info.Size() != s.size) {
		s.spent = true
	}
	return s
}

func statfs(dir string) (free, total uint64, err error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, 0, fmt.Errorf("ask for free space of %s: %w", dir, err)
	}
	return st.Bavail * uint64(st.Bsize), st.Blocks * uint64(st.Bsize), nil
}

// ready reports whether there is space for what a pager does in the time in which somebody can make room.
func (s *space) ready() error {
	if err := s.refill(); err != nil {
		return err
	}
	if s.isSpent() {
		return errors.New("the disk was full and the reserve is not back yet")
	}
	return s.atLeast(readyShare, readyBytes)
}

// admits reports whether changes that are not urgent may be stored.
func (s *space) admits() error {
	if err := s.refill(); err != nil {
		return err
	}
	if s.isSpent() {
		return errors.New("the disk is full: what is left is for acknowledgements")
	}
	return s.atLeast(urgentShare, urgentBytes)
}

func (s *space) atLeast(share, bytes uint64) error {
	free, total, err := s.free()
	if err != nil {
		return err
	}
	if free < min(total/share, bytes) {
		return fmt.Errorf("%d MiB of %d MiB are free on the disk", free>>20, total>>20)
	}
	return nil
}

func (s *space) isSpent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.spent
}

// spend gives the reserve up; false = there was none.
func (s *space) spend() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.path == "" || s.spent {
		return false
	}
	s.spent = true
	return os.Truncate(s.path, 0) == nil
}

// refill makes the reserve again, once there is space for more than it.
func (s *space) refill() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.path == "" || !s.spent {
		return nil
	}
	if err := s.atLeast(urgentShare, urgentBytes); err != nil {
		return nil // not yet
	}
	if err := writeZeros(s.path, s.size); err != nil {
		return fmt.Errorf("make reserve: %w", errors.Join(err, os.Truncate(s.path, 0)))
	}
	s.spent = false
	return nil
}

// writeZeros fills a file for real: a hole would reserve nothing.
func writeZeros(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	buf := make([]byte, 64<<10)
	for left := size; left > 0 && err == nil; left -= int64(len(buf)) {
		_, err = f.Write(buf[:min(left, int64(len(buf)))])
	}
	return errors.Join(err, f.Sync(), f.Close())
}
