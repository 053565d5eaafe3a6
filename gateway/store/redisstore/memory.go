package redisstore

import (
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"sync"
	"sync/atomic"

	"pagerd/gateway/store"
)

// memory is what this process remembers of the store, to notice when the store remembers less.
type memory struct {
	id     string // of this life of the process, for nonces
	nonces atomic.Int64

	mu     sync.Mutex
	gen    string // the generation that we work with; empty before the server was reached
	seq    int64  // newest sequence number of a commit that is durable
	number int64  // highest page number seen
	tokens int64  // highest token seen
}

func (m *memory) init() { m.id = random() }

// random is 64 random bits.
func random() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// nonce names one change of this process, so that the script knows it again.
func (m *memory) nonce() string { return m.id + "-" + strconv.FormatInt(m.nonces.Add(1), 36) }

func (m *memory) generation() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.gen
}

// committed notes what a durable commit tells of the store's age.
func (m *memory) committed(seq int64, c store.Change) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seq = max(m.seq, seq)
	if c.Page != nil {
		m.number = max(m.number, c.Page.Number)
	}
}

func (m *memory) token(token int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tokens = max(m.tokens, token)
}

func (m *memory) known() (gen string, seq, number, token int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.gen, m.seq, m.number, m.tokens
}

// adopt takes over what the store says of itself now.
func (m *memory) adopt(gen string, seq int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.gen != gen {
		m.seq = seq
	}
	m.gen = gen
}
