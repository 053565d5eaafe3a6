package api

import (
	"strings"
	"time"
	"unicode"

	"pagerd/config"
	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/timeline"
	"pagerd/notify"
)

// Page is a page as the API shows it. All instants are UTC. Text that came from outside has no control characters.
type Page struct {
	Number      int64          `json:"number"`
	Status      page.Status    `json:"status"`
	Severity    alert.Severity `json:"severity"`
	Service     string         `json:"service"`
	Summary     string         `json:"summary"`
	Environment string         `json:"environment,omitempty"`
	Runbook     string         `json:"runbook,omitempty"`
	Source      string         `json:"source"`
	Why         string         `json:"why,omitempty"`    // the routing decision's reason
	Before      string         `json:"before,omitempty"` // what was learned when it happened before
	Policy      string         `json:"policy,omitempty"` // name of the escalation policy it was triggered with
	Round       int            `json:"round"`
	Step        int            `json:"step"` // of the policy, due next, from 0
	Firing      int            `json:"firing"`
	Total       int            `json:"total"`
	Hidden      int            `json:"hidden,omitempty"` // alerts that the sender left out
	TriggeredAt time.Time      `json:"triggered_at"`
	HeardAt     time.Time      `json:"heard_at"`
	AckedAt     time.Time      `json:"acknowledged_at,omitzero"`
	AckedBy     string         `json:"acknowledged_by,omitempty"`
	AckedHow    string         `json:"acknowledged_how,omitempty"` // sms, voice, email, web, api, cli
	ResolvedAt  time.Time      `json:"resolved_at,omitzero"`
	ResolvedBy  string         `json:"resolved_by,omitempty"`
	HeldUntil   time.Time      `json:"held_until,omitzero"`
	HeldBy      string         `json:"held_by,omitempty"`
	Ringing     []string       `json:"ringing,omitempty"` // people being rung in this round
	Next        time.Time      `json:"next,omitzero"`     // something happens by itself then: a ring, a question, a step
	Incident    int64          `json:"incident,omitempty"`
	Drill       bool           `json:"drill,omitempty"`    // practice: it counts nowhere
	Calls       string         `json:"calls,omitempty"`    // the person whom the page rings into its incident
	Previous    int64          `json:"previous,omitempty"` // the page that this one continues
	Noise       []string       `json:"noise,omitempty"`    // people who said that it was not worth ringing for
}

func viewPage(p page.Page) Page {
	v := Page{
		Drill: p.Drill, Number: p.Number, Status: p.Status, Severity: p.Severity, Service: clean(p.Service), Summary: clean(p.Summary),
		Environment: clean(p.Environment), Runbook: p.Runbook, Source: p.Source, Why: clean(p.Why), Before: clean(p.Before), Policy: p.Policy.Name,
		Round: p.Round, Step: p.Step, Firing: p.Firing, Total: p.Total, Hidden: p.HiddenTotal(),
		TriggeredAt: p.TriggeredAt, HeardAt: p.HeardAt, AckedAt: p.AckedAt, AckedBy: p.Acker, AckedHow: p.AckChannel,
		ResolvedAt: p.ResolvedAt, ResolvedBy: p.ResolvedBy, HeldUntil: p.HoldUntil, HeldBy: p.HeldBy,
		Next: p.Due, Incident: p.Incident, Calls: p.Calls, Previous: p.Previous, Noise: p.Noise,
	}
	if p.Status == page.Triggered {
		for _, l := range p.Ladders {
			if !l.Done {
				v.Ringing = append(v.Ringing, l.Person)
			}
		}
	}
	return v
}

// Alert is an alert state as the API shows it.
type Alert struct {
	ID          alert.ID          `json:"id"`
	Status      alert.Status      `json:"status"`
	Severity    alert.Severity    `json:"severity,omitempty"`
	Name        string            `json:"name"`
	Summary     string            `json:"summary"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	URL         string            `json:"url,omitempty"`
	StartsAt    time.Time         `json:"starts_at"`
	EndedAt     time.Time         `json:"ended_at,omitzero"`
	HeardAt     time.Time         `json:"heard_at"`
	Silenced    string            `json:"silenced,omitempty"`
}

func viewAlert(s alert.State) Alert {
	v := Alert{ID: s.ID, Status: s.Status, Severity: s.Severity, Name: clean(s.Alert.Name()), Summary: clean(s.Alert.Summary()),
		Labels: s.Alert.Labels, Annotations: s.Alert.Annotations, URL: s.Alert.URL, StartsAt: s.StartsAt, HeardAt: s.HeardAt, Silenced: s.Silenced}
	if !s.Firing() {
		v.EndedAt = s.EndedAt
	}
	return v
}

// Delivery is one message to one contact method, and what became of it. Address is masked.
type Delivery struct {
	ID         string              `json:"id"`
	Page       int64               `json:"page"`
	Kind       notify.Kind         `json:"kind"`
	Person     string              `json:"person"`
	Contact    string              `json:"contact"`
	Channel    notify.Channel      `json:"channel"`
	Address    string              `json:"address,omitempty"` // "…4567"; empty when the contact is gone from the configuration
	Severity   alert.Severity      `json:"severity"`
	State      store.DeliveryState `json:"state"`
	Reason     notify.Reason       `json:"reason,omitempty"`
	Progress   string              `json:"progress,omitempty"` // the provider's newest word
	Code       string              `json:"code,omitempty"`     // the provider's error code
	Attempts   int                 `json:"attempts"`
	Ambiguous  int                 `json:"ambiguous,omitempty"` // attempts that may have been sent
	ProviderID string              `json:"provider_id,omitempty"`
	Bundle     string              `json:"bundle,omitempty"`
	DueAt      time.Time           `json:"due_at"`
	AttemptAt  time.Time           `json:"attempt_at,omitzero"`
	SettledAt  time.Time           `json:"settled_at,omitzero"`
}

func viewDelivery(cfg *config.Config, d store.Delivery) Delivery {
	v := Delivery{ID: d.ID, Page: d.Page, Kind: d.Kind, Person: d.Person, Contact: d.Contact, Channel: d.Channel, Severity: d.Severity,
		State: d.State, Reason: d.Reason, Progress: d.Progress, Code: d.Code, Attempts: d.Attempts, Ambiguous: d.Ambiguous,
		ProviderID: d.ProviderID, Bundle: d.Bundle, DueAt: d.At, AttemptAt: d.AttemptAt, SettledAt: d.SettledAt}
	if c, ok := contact(cfg, d.Contact); ok {
		v.Address = notify.Mask(c.Address)
	}
	return v
}

// contact finds a contact method among people and operators.
func contact(cfg *config.Config, id string) (notify.Contact, bool) {
	if c, ok := cfg.Book.Contact(id); ok {
		return c, true
	}
	for _, c := range cfg.Operators {
		if c.ID == id {
			return c, true
		}
	}
	return notify.Contact{}, false
}

// Incident is an incident as the API shows it.
type Incident struct {
	Number         int64           `json:"number"`
	Status         incident.Status `json:"status"`
	Severity       alert.Severity  `json:"severity"`
	Service        string          `json:"service"`
	Summary        string          `json:"summary"`
	Pages          []int64         `json:"pages"`
	Commander      string          `json:"commander,omitempty"`
	DetectedAt     time.Time       `json:"detected_at"`
	AcknowledgedAt time.Time       `json:"acknowledged_at,omitzero"`
	MitigatedAt    time.Time       `json:"mitigated_at,omitzero"`
	ResolvedAt     time.Time       `json:"resolved_at,omitzero"`
	PagesOver      bool            `json:"pages_over,omitempty"` // every page resolved; the commander was asked
	Dismissal      string          `json:"dismissal,omitempty"`

	Declared     bool                   `json:"declared,omitempty"` // begun by a person
	Phase        incident.Phase         `json:"phase,omitempty"`
	Phases       []incident.PhaseChange `json:"phases,omitempty"` // in order
	Roles        []incident.Assignment  `json:"roles,omitempty"`  // in order, with those that are over
	Called       []incident.Called      `json:"called,omitempty"` // people who were called in
	Breaches     []Breach               `json:"breaches,omitempty"`
	ImpactAt     time.Time              `json:"impact_at,omitzero"`
	RootCause    string                 `json:"root_cause,omitempty"`
	Contributing []string               `json:"contributing,omitempty"`
	CustomerData bool                   `json:"customer_data,omitempty"`
	Security     bool                   `json:"security,omitempty"`
	Reopened     int                    `json:"reopened,omitempty"`
	MergedInto   int64                  `json:"merged_into,omitempty"`
	MergedFrom   []int64                `json:"merged_from,omitempty"`
	WarRoom      string                 `json:"war_room,omitempty"`
	Next         time.Time              `json:"next,omitzero"`      // when pagerd does something by itself
	NextFor      incident.Timer         `json:"next_for,omitempty"` // and what
}

// Breach is a target that was missed. Limit is in seconds.
type Breach struct {
	Target incident.Target `json:"target"`
	Limit  float64         `json:"limit_seconds"`
	At     time.Time       `json:"at"`
	Met    time.Time       `json:"met,omitzero"` // done after all
}

func viewIncident(in incident.Incident) Incident {
	v := Incident{Number: in.Number, Status: in.Status, Severity: in.Severity, Service: clean(in.Service), Summary: clean(in.Summary),
		Pages: in.Pages, Commander: in.Commander, DetectedAt: in.DetectedAt, AcknowledgedAt: in.AcknowledgedAt,
		MitigatedAt: in.MitigatedAt, ResolvedAt: in.ResolvedAt, PagesOver: in.PagesOver, Dismissal: clean(in.Dismissal),
		Declared: in.Declared, Phase: in.Phase(), Phases: in.Phases, Roles: in.Roles, Called: in.Called, ImpactAt: in.ImpactAt,
		RootCause: clean(in.RootCause), CustomerData: in.CustomerData, Security: in.Security, Reopened: in.Reopened,
		MergedInto: in.MergedInto, MergedFrom: in.MergedFrom, WarRoom: in.WarRoom, Next: in.Due, NextFor: in.DueFor}
	for _, b := range in.Breaches {
		v.Breaches = append(v.Breaches, Breach{Target: b.Target, Limit: b.Limit.Seconds(), At: b.At, Met: b.Met})
	}
	for _, c := range in.Contributing {
		v.Contributing = append(v.Contributing, clean(c))
	}
	return v
}

// PageList is a page of pages, newest first.
type PageList struct {
	Pages   []Page `json:"pages"`
	Before  int64  `json:"before,omitempty"`  // ask with this for older ones; 0 = there are none
	Damaged string `json:"damaged,omitempty"` // names what could not be read
}

// PageDetail is a page with all that is kept of it.
type PageDetail struct {
	Page       Page             `json:"page"`
	Timeline   []timeline.Entry `json:"timeline"`   // oldest first; entries are a hash chain and are given as stored
	Deliveries []Delivery       `json:"deliveries"` // oldest first
	Alerts     []Alert          `json:"alerts"`     // firing ones first, at most 500
}

// IncidentList is a page of incidents, newest first.
type IncidentList struct {
	Incidents []Incident `json:"incidents"`
	Before    int64      `json:"before,omitempty"`
	Damaged   string     `json:"damaged,omitempty"`
}

// IncidentDetail is an incident with its timeline.
type IncidentDetail struct {
	Incident Incident         `json:"incident"`
	Timeline []timeline.Entry `json:"timeline"`
}

// VersionInfo says what runs.
type VersionInfo struct {
	Version    string `json:"version"`
	ConfigFile string `json:"config_file,omitempty"`
	ConfigHash string `json:"config_hash,omitempty"` // SHA-256 of the configuration file, hex
}

// clean removes what a foreign text must not do to a terminal or a screen: control characters (line breaks become
// spaces) and the marks that reverse the direction of writing.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r), r == '\u061c', r == '\u200e', r == '\u200f',
			r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			return -1
		}
		return r
	}, s)
}
