package sim

import (
	"fmt"
	"os"
	"path/filepath"

	"pagerd/gateway/store"
	"pagerd/gateway/store/boltstore"
)

// Bolt is the embedded store, with one replica. A crash abandons the open file and opens a copy of what it holds, so that
// nothing which only the dead process knew can help.
func Bolt() Backend {
	return Backend{Name: "bolt", Replicas: 1, Open: func() (Medium, error) {
		dir, err := os.MkdirTemp("", "pagerd-sim-")
		if err != nil {
			return nil, err
		}
		f := &file{dir: dir}
		if err := f.open(); err != nil {
			return nil, err
		}
		return f, nil
	}}
}

type file struct {
	dir string
	n   int // of the copy
	s   *boltstore.Store
}

func (f *file) path(n int) string { return filepath.Join(f.dir, fmt.Sprintf("%d.db", n)) }

// open opens the newest copy. The flush to the disk is left out: a simulated crash is the process's, not the machine's.
func (f *file) open() (err error) {
	f.s, err = boltstore.Open(boltstore.Options{Path: f.path(f.n), NoSync: true, Reserve: -1, Fatal: func(err error) { panic(err) },
		Space: func() (free, total uint64, err error) { return 1 << 40, 1 << 40, nil }})
	return err
}

func (f *file) Store() store.Store { return f.s }

// LeasesDie says that leases are kept by the process, and end with it.
func (f *file) LeasesDie() bool { return true }

func (f *file) Crash() error {
	data, err := os.ReadFile(f.path(f.n))
	if err != nil {
		return err
	}
	abandoned := f.path(f.n)
	f.n++
	if err := os.WriteFile(f.path(f.n), data, 0o600); err != nil {
		return err
	}
	if err := f.s.Close(); err != nil {
		return err
	}
	if err := os.Remove(abandoned); err != nil {
		return err
	}
	return f.open()
}

func (f *file) Close() error {
	err := f.s.Close()
	if gone := os.RemoveAll(f.dir); err == nil {
		err = gone
	}
	return err
}
