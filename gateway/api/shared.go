package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"pagerd/gateway/replica"
	"pagerd/gateway/store"
)

// Shared is what there is to know and to do about a store that several replicas share. Every field is required.
type Shared struct {
	Name     string // of this replica
	Replicas func() replica.State
	Hold     func() string // why this replica fires and sends nothing; empty = it does
	Findings func() []store.Finding
	Relaxed  bool // findings do not keep alerts from being accepted
	Newest   int  // stored format that this program can write
	Schema   func(ctx context.Context) (int, error)
	Upgrade  func(ctx context.Context) error
}

// StoreInfo is the store and those that share it.
type StoreInfo struct {
	Kind          string    `json:"kind"`             // embedded or redis
	Ready         bool      `json:"ready"`            // a commit would be durable now
	Reason        string    `json:"reason,omitempty"` // why not
	UnusableSince time.Time `json:"unusable_since,omitzero"`
	Durability    string    `json:"durability"`               // strict or relaxed
	Findings      []Finding `json:"findings"`                 // settings under which the server can lose what it confirmed
	Schema        int       `json:"schema,omitempty"`         // stored format; absent when it cannot be asked for
	Newest        int       `json:"newest_schema,omitempty"`  // stored format that this replica can write
	Replica       string    `json:"replica,omitempty"`        // this one's name
	Hold          string    `json:"hold,omitempty"`           // why this replica fires and sends nothing
	Compared      string    `json:"compare_failed,omitempty"` // why the newest comparison of clocks failed
	Replicas      []Replica `json:"replicas"`                 // live ones, by name
	Skewed        bool      `json:"skewed"`                   // they run with different configurations
}

// Finding is a setting of the store's server.
type Finding struct {
	Setting string `json:"setting"`
	Found   string `json:"found"`
	Want    string `json:"want"`
	Loses   string `json:"loses"`
}

// Replica is one daemon of those that share the store.
type Replica struct {
	Name      string    `json:"name"`
	Self      bool      `json:"self"`
	Version   string    `json:"version"`
	Config    string    `json:"config"` // beginning of the hash of what replicas must have in common
	Schema    int       `json:"schema"`
	Offset    float64   `json:"offset_seconds"` // its clock minus the store's
	StartedAt time.Time `json:"started_at"`
	SeenAt    time.Time `json:"seen_at"` // of the newest announcement, by the store's clock
}

// shortHash is how much of a configuration's hash is shown: enough to tell a handful apart.
const shortHash = 12

// storeInfo gathers what is known without asking the server again.
func (s *server) storeInfo(ctx context.Context) StoreInfo {
	out := StoreInfo{Kind: "embedded", Durability: "strict", Findings: []Finding{}, Replicas: []Replica{}}
	if err := s.Engine.Ready(ctx); err != nil {
		out.Reason = clean(err.Error())
	}
	out.Ready = out.Reason == ""
	if s.Unusable != nil {
		out.UnusableSince, _ = s.Unusable()
	}
	if s.Shared == nil {
		return out
	}
	out.Kind, out.Replica, out.Hold, out.Newest = "redis", s.Shared.Name, s.Shared.Hold(), s.Shared.Newest
	if s.Shared.Relaxed {
		out.Durability = "relaxed"
	}
	for _, f := range s.Shared.Findings() {
		out.Findings = append(out.Findings, Finding{Setting: f.Setting, Found: clean(f.Found), Want: f.Want, Loses: f.Loses})
	}
	st := s.Shared.Replicas()
	out.Compared, out.Skewed = clean(st.Failed), len(replica.Skew(st.Replicas)) > 0
	for _, r := range st.Replicas {
		out.Replicas = append(out.Replicas, Replica{Name: clean(r.Name), Self: r.Name == s.Shared.Name, Version: clean(r.Version),
			Config: r.Config[:min(len(r.Config), shortHash)], Schema: r.Schema, Offset: r.Offset.Seconds(), StartedAt: r.StartedAt, SeenAt: r.SeenAt})
	}
	return out
}

// warnings are what keeps nobody from accepting alerts and must be seen beside it.
func (s *server) warnings() []string {
	if s.Shared == nil {
		return nil
	}
	var out []string
	if hold := s.Shared.Hold(); hold != "" {
		out = append(out, hold)
	}
	if s.Shared.Relaxed {
		for _, f := range s.Shared.Findings() {
			out = append(out, "store: "+f.String())
		}
	}
	return out
}

// showStore answers with the store, its settings and its replicas.
func (s *server) showStore(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), probeTime)
	defer cancel()
	out := s.storeInfo(ctx)
	if s.Shared != nil {
		if schema, err := s.Shared.Schema(ctx); err == nil {
			out.Schema = schema
		}
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

// upgradeStore raises the stored format to the newest that this program can write.
func (s *server) upgradeStore(w http.ResponseWriter, r *http.Request) error {
	if s.Shared == nil {
		return &fault{status: http.StatusConflict, message: "the embedded store needs no upgrade", hint: "it is upgraded when a newer pagerd opens it"}
	}
	if err := s.Shared.Upgrade(r.Context()); err != nil {
		return s.notUpgraded(err)
	}
	return s.showStore(w, r)
}

// notUpgraded keeps the store's own sentence: it names the replicas that are behind.
func (s *server) notUpgraded(err error) error {
	if f := faultOf(err); f.status == http.StatusServiceUnavailable {
		return err
	}
	return &fault{status: http.StatusConflict, message: clean(fmt.Sprint(err)),
		hint: "upgrade every replica to the newer pagerd first; pagerd store status shows them"}
}
