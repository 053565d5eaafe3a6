// Package boltstore keeps everything in one file, for a pagerd that runs as a single process.
//
// It promises that a Commit which returned nil survives a power cut, that commits which wait at the same time share one
// flush to the disk, and that a disk that is full or failing is answered with store.ErrUnavailable, never with a lie.
//
// What is claimed is leased in memory: one process has the file, and its leases die with it, so that after a crash
// everything unsettled is sent at once and not only at the lease's end. Two things of a claim are durable before it is
// returned. Tokens rise across restarts, because each opening takes a new epoch for their upper half. And a bundle of
// several deliveries is written down, so that a message which may have gone out is repeated with exactly its set of pages.
package boltstore

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"pagerd/gateway/store"
)

// Options say where and how to keep the store. Only Path is required.
type Options struct {
	Path string // the file; it is created when there is none
	// Fatal is called when a flush to the disk failed: what the kernel's cache holds is not to be trusted from then on, so
	// the process must end and read the file anew. Nil = panic.
	Fatal func(error)
	// Report hears of what went wrong without a caller to tell: a damaged delivery found at opening, a full disk. Nil = nobody.
	Report func(error)
	// Space returns the free and total bytes where the file is. Nil = ask the operating system.
	Space func() (free, total uint64, err error)
	// Reserve is the size of the reserve file beside the store, which is given up for acknowledgements when the disk is
	// full. 0 = 8 MiB, room for some thousand of them; negative = no reserve.
	Reserve int64
	// NoSync leaves out the flush to the disk. For benchmarks only: it breaks the promise.
	NoSync bool
}

// Store is a store.Store in a file.
type Store struct {
	options Options
	db      *bolt.DB
	space   *space
	queue   queue
	outbox  outbox
	wake    chan struct{}
	done    chan struct{} // closed when the write loop has ended

	high    atomic.Int64 // newest instant committed, see nanos
	opsAt   int          // which of the two buckets takes operation ids; of the write loop
	numbers numbers
	broken  atomic.Pointer[error] // why the newest group commit failed; nil after one that did not
	failed  atomic.Pointer[error] // why nothing can be stored any more

	closing sync.Mutex
	closed  bool

	// Seams of the package's own tests: where a write fails and how a transaction ends. Nil otherwise.
	fault  func(op string, n int) error
	finish func(*bolt.Tx) error
}

var _ store.Store = (*Store)(nil)

// lockTimeout is how long Open waits for another process to let go of the file: longer than a restart's overlap of a
// moment, short enough that a second daemon is refused before anybody wonders.
const lockTimeout = time.Second

// Open opens the file or makes it. It refuses one that another process has open and one of a newer format.
func Open(o Options) (*Store, error) {
	if o.Fatal == nil {
		o.Fatal = func(err error) { panic(err) }
	}
	if o.Report == nil {
		o.Report = func(error) {}
	}
	_, statErr := os.Stat(o.Path)
	db, err := openFile(o)
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("open store %s: another process has it open (is pagerd running already?)", o.Path)
	case err != nil:
		return nil, fmt.Errorf("open store %s: %w", o.Path, err)
	}
	s := &Store{options: o, db: db, wake: make(chan struct{}, 1), done: make(chan struct{})}
	s.queue.init()
	s.outbox.init()
	s.space = newSpace(o)
	err = s.load(errors.Is(statErr, os.ErrNotExist))
	if noSpace(err) && s.space.spend() { // what a full disk keeps from starting can acknowledge nothing
		err = s.load(false)
	}
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", o.Path, errors.Join(err, db.Close()))
	}
	if err := s.space.refill(); err != nil {
		o.Report(fmt.Errorf("store %s: %w", o.Path, err))
	}
	go s.run()
	return s, nil
}

// openFile opens the file with bolt. A file that is cut or scrambled is an error, not the end of the process: touching a
// mapped page that the file does not have is a fault.
func openFile(o Options) (db *bolt.DB, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", store.ErrDamaged, p)
		}
	}()
	// The map is larger than most files ever get: enlarging it would have to wait for every reader. It costs addresses, not
	// memory. The list of free pages is written along, or else opening would have to walk the whole file.
	mapped := 1 << 28
	if bits.UintSize == 64 {
		mapped = 1 << 32
	}
	db, err = bolt.Open(o.Path, 0o600, &bolt.Options{Timeout: lockTimeout, FreelistType: bolt.FreelistMapType,
		InitialMmapSize: mapped, NoSync: o.NoSync, NoStatistics: true})
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(o.Path)
	if err == nil {
		err = db.View(func(tx *bolt.Tx) error {
			if tx.Size() > info.Size() {
				return fmt.Errorf("%w: the file has %d bytes and says it has %d", store.ErrDamaged, info.Size(), tx.Size())
			}
			return nil
		})
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// load prepares the file for this life of the store and reads what is kept in memory.
func (s *Store) load(fresh bool) error {
	if fresh {
		if err := syncDir(filepath.Dir(s.options.Path)); err != nil {
			return err
		}
	}
	var epoch uint64
	err := s.db.Update(func(tx *bolt.Tx) (err error) {
		epoch, err = begin(tx)
		return err
	})
	if err != nil {
		return err
	}
	s.outbox.token = int64(epoch << 32)
	return s.db.View(func(tx *bolt.Tx) error {
		meta := bucket(tx, inMeta)
		s.high.Store(readNanos(meta.Get([]byte(metaHigh))))
		s.opsAt = int(readUint(meta.Get([]byte(metaOps)))) & 1
		last, _ := bucket(tx, inPages).Cursor().Last()
		s.numbers.init(max(int64(readUint(meta.Get([]byte(metaNumber)))), int64(readUint(last)), firstNumber-1))
		return s.loadOutbox(tx)
	})
}

// syncDir makes a new file's name durable: without it a power cut may forget the file as a whole.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// loadOutbox reads the pending deliveries. One that cannot be read stays where it is and is reported; the others go out.
func (s *Store) loadOutbox(tx *bolt.Tx) error {
	return bucket(tx, inOutbox).ForEach(func(k, v []byte) error {
		var d store.Delivery
		if err := decode(v, &d); err != nil {
			s.options.Report(fmt.Errorf("pending delivery %s: %w", deliveryName(k), err))
			return nil
		}
		if d.Token != 0 { // claimed in the store's last life, which ended before the attempt did
			d.Token, d.VisibleAt = 0, d.AttemptAt
		}
		s.outbox.add(d)
		return nil
	})
}

// Close stores what is queued, gives back numbers that were not used and closes the file.
func (s *Store) Close() error {
	s.closing.Lock()
	defer s.closing.Unlock()
	if s.closed {
		return fmt.Errorf("close store %s: it was closed before", s.options.Path)
	}
	s.closed = true
	s.queue.close()
	<-s.done
	var err error
	if s.failed.Load() == nil {
		err = s.db.Update(func(tx *bolt.Tx) error {
			return bucket(tx, inMeta).Put([]byte(metaNumber), uintKey(uint64(s.numbers.used())))
		})
	}
	if err = errors.Join(err, s.db.Close()); err != nil {
		return fmt.Errorf("close store %s: %w", s.options.Path, err)
	}
	return nil
}

// Wake implements store.Store.
func (s *Store) Wake() <-chan struct{} { return s.wake }

func (s *Store) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// HighWater implements store.Store.
func (s *Store) HighWater(ctx context.Context) (time.Time, error) {
	return instant(s.high.Load()), ctx.Err()
}

// Ready implements store.Store. After a failed commit it tries another, so that readiness comes back by itself.
func (s *Store) Ready(ctx context.Context) error {
	if err := s.failed.Load(); err != nil {
		return unavailable(*err)
	}
	if err := s.space.ready(); err != nil {
		return unavailable(err)
	}
	if s.broken.Load() == nil && !s.queue.isClosed() {
		return ctx.Err()
	}
	return s.submit(ctx, &request{urgent: true, run: func(g *group) error {
		return g.put(inMeta, []byte(metaProbe), uintKey(uint64(g.tx.ID())))
	}})
}

// Accepts reports whether new alerts are stored. Ready fails earlier, while there is time to make room on the disk.
func (s *Store) Accepts() error {
	for _, err := range []*error{s.failed.Load(), s.broken.Load()} {
		if err != nil {
			return unavailable(*err)
		}
	}
	if err := s.space.admits(); err != nil {
		return unavailable(err)
	}
	return nil
}

// Check walks the whole file and reports what does not fit together. It is slow and meant for tests and support.
func (s *Store) Check() error {
	return s.db.View(func(tx *bolt.Tx) error {
		var errs []error
		for err := range tx.Check() {
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	})
}

func unavailable(err error) error { return fmt.Errorf("%w: %w", store.ErrUnavailable, err) }
