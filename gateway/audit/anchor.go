// Package audit tells whether the record of what happened is whole: no entry changed, none missing, no object gone.
//
// A timeline is a chain whose newest hash its object holds. That alone cannot tell when both are taken away together. So all
// heads are written down every hour in anchors, which are a chain of their own; a Ledger is what they say, and holds it
// against what is stored now.
package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/bits"
	"time"
)

// Format is the stored form of an Anchor.
const Format = 1

// MaxHeads is how many heads one anchor holds. A head takes less than 200 bytes, so that an anchor stays under the size of
// a record; what is more goes into the next anchor, at the same instant.
const MaxHeads = 1000

// Head is how far an object's timeline went.
type Head struct {
	Object  string    `json:"object"`          // "page/1042"
	Entries int64     `json:"entries"`         // length of its timeline
	Hash    string    `json:"hash,omitempty"`  // of the newest entry; empty while there is none
	Closed  time.Time `json:"closed,omitzero"` // when it was over, UTC: retention counts from then. Zero = it is not, or it is kept for ever
}

// same reports whether two heads say the same.
func (h Head) same(o Head) bool {
	return h.Object == o.Object && h.Entries == o.Entries && h.Hash == o.Hash && h.Closed.Equal(o.Closed)
}

// Anchor is one link of the chain of anchors: the heads that changed since the one before it.
type Anchor struct {
	Format  int       `json:"format"`
	Number  int64     `json:"number"` // 1, 2, 3 …
	At      time.Time `json:"at"`     // UTC
	Prev    string    `json:"prev,omitempty"`
	Objects int       `json:"objects"` // known so far, those that retention deleted too
	Digest  string    `json:"digest"`  // over all heads known so far, see Ledger
	Changed []Head    `json:"changed,omitempty"`
	Hash    string    `json:"hash"` // hex SHA-256 over the JSON of the anchor with Hash empty
}

func (a Anchor) digest() string {
	a.Hash = ""
	b, err := json.Marshal(a)
	if err != nil { // it holds only strings, integers and instants
		panic(fmt.Sprintf("audit: encode anchor: %v", err))
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// set is a digest of a set of heads: the sum of their SHA-256 modulo 2^256, so that one that changes costs one addition and
// one subtraction however many there are.
type set [4]uint64

func (s *set) add(h Head)    { s.each(h, bits.Add64) }
func (s *set) remove(h Head) { s.each(h, bits.Sub64) }

func (s *set) each(h Head, how func(x, y, carry uint64) (uint64, uint64)) {
	closed := ""
	if !h.Closed.IsZero() {
		closed = h.Closed.UTC().Format(time.RFC3339Nano)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %d %s %s", h.Object, h.Entries, h.Hash, closed))
	carry := uint64(0)
	for i := range s {
		var word uint64
		for _, b := range sum[8*i : 8*i+8] {
			word = word<<8 | uint64(b)
		}
		s[i], carry = how(s[i], word, carry)
	}
}

func (s set) String() string { return fmt.Sprintf("%016x%016x%016x%016x", s[0], s[1], s[2], s[3]) }
