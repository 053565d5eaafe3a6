// Package store is the contract between the engine and what remembers: pages, their alerts, incidents, timelines, due
// instants and the outbox of deliveries.
//
// It promises that a Commit is all or nothing and durable when it returns, that one group never has two open pages, and
// that only the holder of a claim's token can settle it. storetest.Run is the contract's definition in tests.
package store

import (
	"context"
	"errors"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/timeline"
	"pagerd/notify"
)

// Errors that every backend returns, wrapped.
var (
	// ErrConflict: a version or the group's open page is not what the change expected. Load again and decide again.
	ErrConflict = errors.New("changed meanwhile")
	// ErrApplied: the change's Op was committed before; nothing was stored now.
	ErrApplied = errors.New("already applied")
	// ErrNotFound: no such object.
	ErrNotFound = errors.New("not found")
	// ErrFenced: the claim's token is no longer the current one, or the delivery is settled. Nothing was stored.
	ErrFenced = errors.New("claim is no longer held")
	// ErrDamaged: something stored cannot be read; the text names it. Everything else goes on.
	ErrDamaged = errors.New("stored value is damaged")
	// ErrUnavailable: the store cannot promise durability now (full disk, closed, I/O error). Answer 503; nothing was stored.
	ErrUnavailable = errors.New("store unavailable")
)

// Change is one atomic commit. Values are new versions: a Page with Version 7 replaces exactly version 6, Version 1
// must not exist yet; the same holds for Incident and for each of Alerts and Records.
type Change struct {
	Op         string             // idempotency id, empty = none. Kept 26 h, longer than any sender replays
	Now        time.Time          // the instant of the commit, UTC; raises the store's high-water mark of time
	Urgent     bool               // an acknowledgement or a reply: committed before what is queued
	Page       *page.Page         // its Due goes into the due index in the same commit
	Alerts     []alert.State      // at most 500
	Deliveries []Delivery         // new ones, state pending
	Settle     []Settlement       // outcomes of a claim; a lost token fails the whole change with ErrFenced
	Incident   *incident.Incident // its Due likewise
	Records    []Record           // their Due likewise; each of them once
	Entries    []timeline.Entry   // sealed; appended to their objects' timelines
	Sent       []Sent             // what a number was told, for bare replies
}

// DueKind says what a due instant belongs to.
type DueKind string

// The kinds of the due index.
const (
	DuePage         DueKind = "page"
	DueIncident     DueKind = "incident"
	DueHousekeeping DueKind = "housekeeping"
	// And DueKind(kind) for each kind of record.
)

// Due is an entry of the due index.
type Due struct {
	Kind DueKind
	ID   int64 // page, incident or record number
	At   time.Time
}

// DeliveryState is where a delivery is.
type DeliveryState string

// The states. Sent means accepted by the provider; Delivered and Failed came later by callback or are definite.
const (
	Pending   DeliveryState = "pending"
	SentState DeliveryState = "sent"
	Delivered DeliveryState = "delivered"
	Failed    DeliveryState = "failed"
	Dropped   DeliveryState = "dropped" // no longer wanted when it was claimed
)

// Delivery is a page.Send in the outbox and what became of it.
type Delivery struct {
	page.Send
	Text       string        `json:"text,omitempty"` // of what is only read: its sentence; of an invitation: the address, until it is settled
	Lane       string        `json:"lane"`           // see Lane
	State      DeliveryState `json:"state"`
	VisibleAt  time.Time     `json:"visible_at"`       // may be claimed from then on; a claim moves it to the lease's end
	Token      int64         `json:"token,omitempty"`  // of the newest claim; strictly increasing per store
	Bundle     string        `json:"bundle,omitempty"` // id of the bundle it was claimed in; a retry claims the same set
	Attempts   int           `json:"attempts,omitempty"`
	AttemptAt  time.Time     `json:"attempt_at,omitzero"` // newest claim
	SettledAt  time.Time     `json:"settled_at,omitzero"`
	ProviderID string        `json:"provider_id,omitempty"`
	Progress   string        `json:"progress,omitempty"` // the provider's newest word
	Rank       int           `json:"rank,omitempty"`
	Reason     notify.Reason `json:"reason,omitempty"`
	Code       string        `json:"code,omitempty"`
	Ambiguous  int           `json:"ambiguous,omitempty"` // attempts that may have been sent
	Voiced     bool          `json:"voiced,omitempty"`    // a call on which a digit was pressed
}

// Lane returns the bundle lane of a send: all pending sends of one lane are claimed together. SEV-1 never shares, nor does
// a reminder, which has a sentence of its own, and calls are bundled like messages (one call tells of several pages).
func Lane(s page.Send) string {
	if s.Severity == alert.SEV1 || s.Kind.Read() {
		return s.ID
	}
	if s.Drill { // a drill and a page are never one message, and neither waits for the other
		return s.Contact + "/" + string(s.Kind) + "/drill"
	}
	return s.Contact + "/" + string(s.Kind)
}

// Claim is a leased set of deliveries: one message. Deliveries are ordered by severity, then page number.
type Claim struct {
	Token      int64
	Bundle     string // not empty when more than one delivery
	Deliveries []Delivery
	Until      time.Time // end of the lease
}

// ClaimOptions say what to claim.
type ClaimOptions struct {
	Limit    int              // claims, not deliveries
	Max      int              // deliveries in one claim
	Lease    time.Duration    // 3 s
	Window   time.Duration    // a lane that was claimed less than this ago waits, so that a storm becomes bundles; zero = no waiting. Retries do not wait
	Channels []notify.Channel // empty = all
}

// Settlement is the outcome of an attempt, or of a callback when Token is zero.
type Settlement struct {
	Delivery   string
	Token      int64         // of the claim; 0 = from a callback: not fenced, but Rank must exceed the stored one or nothing changes
	State      DeliveryState // Pending = try again at VisibleAt
	VisibleAt  time.Time
	At         time.Time
	ProviderID string
	Progress   string
	Rank       int
	Reason     notify.Reason
	Code       string
	Ambiguous  bool
	Voiced     bool // a digit was pressed on this call; with Token 0 it is stored whatever Rank says
}

// Sent is what a contact was told and when the provider accepted it; a bare reply means the set of the newest one that
// was accepted more than 5 s before the reply.
type Sent struct {
	Contact  string      `json:"contact"`
	At       time.Time   `json:"at"`
	Kind     notify.Kind `json:"kind"` // empty for a list that refused an ambiguous reply; "meant" for what a reply was understood as
	Pages    []int64     `json:"pages"`
	Rounds   []int       `json:"rounds"`             // of each page when it was sent
	Delivery string      `json:"delivery,omitempty"` // of a list and of what was meant: the operation id of the reply
}

// Filter selects pages, incidents or records for a list.
type Filter struct {
	Open   bool  // only those that are not resolved; records: those that say so
	Before int64 // only numbers below; 0 = from the newest
	Limit  int   // at most; 0 = 100
}

// Store remembers. All methods are safe for concurrent use; values returned share nothing with the store. A canceled ctx
// may return early although the change is stored later: the caller then knows nothing, and must load again.
type Store interface {
	// Commit stores a change or nothing. ErrConflict, ErrApplied, ErrFenced, ErrUnavailable.
	Commit(ctx context.Context, c Change) error
	// NextNumber allocates a page number: from 1001, never reused, gaps are legal.
	NextNumber(ctx context.Context) (int64, error)

	// Page returns a page by number, or ErrNotFound.
	Page(ctx context.Context, number int64) (page.Page, error)
	// Group returns the open page of a group, else the newest one whatever its status, or ErrNotFound.
	Group(ctx context.Context, group string) (page.Page, error)
	// Alerts returns the stored states of these identities, in order; the zero State (with ID empty) where there is none.
	Alerts(ctx context.Context, ids []alert.ID) ([]alert.State, error)
	// PageAlerts returns up to limit alert states that belong to a page, firing ones first.
	PageAlerts(ctx context.Context, number int64, limit int) ([]alert.State, error)
	// Pages lists pages, newest first. Where some are damaged it returns the others together with an error that names them.
	Pages(ctx context.Context, f Filter) ([]page.Page, error)
	// Deliveries returns a page's deliveries, oldest first.
	Deliveries(ctx context.Context, number int64) ([]Delivery, error)
	// Delivery returns one delivery, or ErrNotFound.
	Delivery(ctx context.Context, id string) (Delivery, error)
	// Bundle returns every delivery of a bundle, in the claim's order; none when the bundle is unknown.
	Bundle(ctx context.Context, id string) ([]Delivery, error)
	// RecentDeliveries returns the newest settled deliveries, newest first, for the status page.
	RecentDeliveries(ctx context.Context, limit int) ([]Delivery, error)
	// Incident returns an incident, or ErrNotFound. Incidents lists them, newest first.
	Incident(ctx context.Context, number int64) (incident.Incident, error)
	Incidents(ctx context.Context, f Filter) ([]incident.Incident, error)
	// Record returns a record, or ErrNotFound. Records lists one kind, newest number first; where some are damaged it returns
	// the others together with an error that names them.
	Record(ctx context.Context, kind RecordKind, number int64) (Record, error)
	Records(ctx context.Context, kind RecordKind, f Filter) ([]Record, error)
	// Timeline returns an object's entries, oldest first.
	Timeline(ctx context.Context, object string) ([]timeline.Entry, error)
	// Sent returns the newest limit records of what a contact was told, newest first.
	Sent(ctx context.Context, contact string, limit int) ([]Sent, error)

	// Due returns what is due at or before now, earliest first. A read: the version decides who fires it.
	Due(ctx context.Context, now time.Time, limit int) ([]Due, error)
	// Next returns the earliest instant at which Due or Claim (with these options) will return something; zero = never.
	Next(ctx context.Context, o ClaimOptions) (time.Time, error)
	// Claim leases pending deliveries that are visible at now: SEV-1 first, then by severity and due instant.
	Claim(ctx context.Context, now time.Time, o ClaimOptions) ([]Claim, error)
	// Renew prolongs a claim's lease until; ErrFenced when it was lost.
	Renew(ctx context.Context, claim Claim, until time.Time) error
	// Release gives a claim back unsent: visible again at once.
	Release(ctx context.Context, claim Claim, now time.Time) error

	// HighWater is the newest instant ever committed: time never runs backwards below it.
	HighWater(ctx context.Context) (time.Time, error)
	// Trim deletes what retention no longer needs, at most limit keys; it reports whether more is left.
	Trim(ctx context.Context, now time.Time, limit int) (more bool, err error)
	// Wake returns a channel that gets a value (without blocking) after each commit that stored something due or to send.
	Wake() <-chan struct{}
	// Ready reports whether a commit would be durable now; the error says why not.
	Ready(ctx context.Context) error
	Close() error
}
