package sim

import (
	"pagerd/gateway/store"
	"pagerd/gateway/store/memstore"
)

// Backend is a kind of store that worlds are played over.
type Backend struct {
	Name string
	// Replicas is how many may share it; more are never simulated.
	Replicas int
	Open     func() (Medium, error)
}

// Medium is what outlives a crash: a file, a server, or memory that stands for one.
type Medium interface {
	// Store is the store as it is open now.
	Store() store.Store
	// Crash leaves the store as a process that died leaves it, and opens it anew.
	Crash() error
	Close() error
}

// forking is a medium that can fail over: the fork holds what is stored now, and the two go separate ways.
type forking interface {
	Medium
	Fork() forking
}

// leasing says of a medium that its leases are the process's own, so that they end with it.
type leasing interface{ LeasesDie() bool }

// Memory is the store in memory, with its codec. It stands for a server that several replicas share: it outlives them,
// and it fails over.
func Memory() Backend {
	return Backend{Name: "memory", Replicas: 3, Open: func() (Medium, error) { return memory{memstore.New()}, nil }}
}

type memory struct{ s *memstore.Store }

func (m memory) Store() store.Store { return m.s }
func (m memory) Crash() error       { return nil } // the processes die, the server does not
func (m memory) Close() error       { return m.s.Close() }
func (m memory) Fork() forking      { return memory{m.s.Clone()} }
