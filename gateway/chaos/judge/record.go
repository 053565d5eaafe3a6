// Package judge decides from records alone whether a run of pagerd kept its promises: what the senders were answered, what
// the provider saw, which faults were played when, and what the timelines say of acknowledgements.
//
// It promises to know nothing of pagerd: it shares no code with it and asks nobody. The same records always give the same
// verdict, and what cannot be explained by them counts against pagerd.
package judge

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Post is a line of the senders' log: one when a sender begins to post a signal, and one when it was accepted.
type Post struct {
	Case    string    `json:"case"`           // names the alert; stands in every message about it
	Episode int       `json:"episode"`        // from 1; a refire is a new one
	Resolve bool      `json:"resolve"`        // the end of the episode, else its firing
	First   string    `json:"first"`          // the number to ring at once
	Second  string    `json:"second"`         // the number to ring after the step's time
	Begun   time.Time `json:"begun"`          // before the first request
	Asked   time.Time `json:"asked,omitzero"` // before the request that was accepted
	// Accepted is after the 2xx; zero in the line that says that posting begins.
	Accepted time.Time `json:"accepted,omitzero"`
	Attempts int       `json:"attempts,omitempty"` // requests until accepted
}

// Ring is a line of the provider's log.
type Ring struct {
	At       time.Time `json:"at"`   // arrival of the request, or of the message on the handset
	Kind     string    `json:"kind"` // "sms": a request to send; "arrived": on the handset; "inbound": written by its owner
	To       string    `json:"to"`
	From     string    `json:"from"` // of an sms: the number that belongs to the replica which sent it
	Body     string    `json:"body"`
	Accepted bool      `json:"accepted"`         // the request took effect
	Status   int       `json:"status,omitempty"` // answered; 0 = none
	Fault    string    `json:"fault,omitempty"`  // played by the provider: "status", "drop", "hang", "delay", "garbage", "refuse"
}

// Fault is a line of the faults' log: something that was broken on purpose, and until when.
type Fault struct {
	Kind   string    `json:"kind"`
	Target string    `json:"target,omitempty"`
	Number string    `json:"number,omitempty"` // of a replica: the From of what it sends
	From   time.Time `json:"from"`
	To     time.Time `json:"to"` // it works again
}

// Kinds of faults that the judge knows; any other only makes a window in which nothing is healthy.
const (
	Kill      = "kill"       // SIGKILL of a replica
	Pause     = "pause"      // SIGSTOP of a replica until To
	RedisKill = "redis kill" // SIGKILL of Redis
	Partition = "partition"  // the master's machine is cut off
	PowerCut  = "power cut"  // of the machine with the embedded store
	Provider  = "provider"   // the provider fails now and then
)

// Ack is an acknowledgement in a page's timeline.
type Ack struct {
	Page  int64     `json:"page"`
	Round string    `json:"round"`
	By    string    `json:"by"`
	At    time.Time `json:"at"`
	// Unread says why the page could not be read; the other fields but Page are then empty.
	Unread string `json:"unread,omitempty"`
}

// Evidence is everything that the judge is told.
type Evidence struct {
	Posts  []Post
	Rings  []Ring
	Faults []Fault
	Acks   []Ack
}

// maxLine bounds a record: the longest is a message of 1,600 characters with its frame.
const maxLine = 64 << 10

// Read reads one log: a JSON record on each line. A last line that was cut short is an error like any other.
func Read[T any](r io.Reader) ([]T, error) {
	var out []T
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var record T
		if err := json.Unmarshal(lines.Bytes(), &record); err != nil {
			return nil, fmt.Errorf("record %d: %w", len(out)+1, err)
		}
		out = append(out, record)
	}
	if err := lines.Err(); err != nil {
		return nil, errors.Join(fmt.Errorf("record %d", len(out)+1), err)
	}
	return out, nil
}
