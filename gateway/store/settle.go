package store

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"pagerd/gateway/alert"
	"pagerd/notify"
)

// MaxAlerts is how many alert states one Change may carry: a commit that is longer would keep everybody else waiting.
const MaxAlerts = 500

// Retention, as [Store.Trim] applies it. What deduplicates has no shorter life than any sender's replay window.
const (
	KeepOps     = 26 * time.Hour       // operation ids at least; a day of replays and a margin
	KeepClosed  = 30 * 24 * time.Hour  // an alert's tombstone, after it was last heard; deliveries, see below
	KeepHistory = 400 * 24 * time.Hour // pages, incidents and timelines, after they closed; a year and a margin
	KeepSent    = 50                   // newest Sent records of each contact
)

// The deliveries under a number go together: KeepClosed after its page was resolved, if it has one, and after the newest of
// them was due.

// Check reports what makes a change impossible whatever is stored: it is a mistake of the caller, never a conflict.
func (c Change) Check() error {
	switch {
	case c.Now.IsZero():
		return errors.New("change without an instant")
	case len(c.Alerts) > MaxAlerts:
		return fmt.Errorf("change with %d alerts, at most %d are allowed", len(c.Alerts), MaxAlerts)
	case c.Page != nil && (c.Page.Number < 1 || c.Page.Version < 1 || c.Page.Status == "" || c.Page.Group == ""):
		return fmt.Errorf("page %d version %d: number, version, status and group are required", c.Page.Number, c.Page.Version)
	case c.Incident != nil && (c.Incident.Number < 1 || c.Incident.Version < 1 || c.Incident.Status == ""):
		return fmt.Errorf("incident %d version %d: number, version and status are required", c.Incident.Number, c.Incident.Version)
	}
	alerts := make(map[alert.ID]bool, len(c.Alerts))
	for _, a := range c.Alerts {
		if a.ID == "" || a.Version < 1 || alerts[a.ID] {
			return fmt.Errorf("alert %q version %d: an identity, once, and a version are required", a.ID, a.Version)
		}
		alerts[a.ID] = true
	}
	ids := make(map[string]bool, len(c.Deliveries)+len(c.Settle))
	for _, d := range c.Deliveries {
		if d.ID == "" || ids[d.ID] || d.Token != 0 || d.State != "" && d.State != Pending {
			return fmt.Errorf("delivery %q: an id, once, and state pending are required of a new one", d.ID)
		}
		ids[d.ID] = true
	}
	for _, s := range c.Settle {
		if s.Delivery == "" || ids[s.Delivery] {
			return fmt.Errorf("settlement of %q: one change settles a delivery once", s.Delivery)
		}
		ids[s.Delivery] = true
	}
	for _, e := range c.Entries {
		if e.Object == "" || e.Seq < 1 {
			return fmt.Errorf("timeline entry %d of %q: object and number are required", e.Seq, e.Object)
		}
	}
	for _, s := range c.Sent {
		if s.Contact == "" {
			return errors.New("record of what was sent without a contact")
		}
	}
	return checkRecords(c.Records)
}

// New returns the delivery as it is first stored: pending, in its lane, visible from its due instant if VisibleAt is zero.
func (d Delivery) New() Delivery {
	d.State = Pending
	if d.Lane == "" {
		d.Lane = Lane(d.Send)
	}
	if d.VisibleAt.IsZero() {
		d.VisibleAt = d.At
	}
	return d
}

// Claimed returns the delivery as a claim leaves it.
func (d Delivery) Claimed(token int64, bundle string, now, until time.Time) Delivery {
	d.Token, d.Bundle, d.AttemptAt, d.VisibleAt = token, bundle, now, until
	d.Attempts++
	return d
}

// Released returns the delivery as if the claim had not been: with no attempt left it is free to join another bundle.
func (d Delivery) Released(now time.Time) Delivery {
	d.VisibleAt, d.Token = now, 0
	d.Attempts--
	if d.Attempts <= 0 {
		d.Attempts, d.Bundle = 0, ""
	}
	return d
}

// Settled returns the delivery after s, or ErrFenced. It is the one place that says what a settlement does; changed is
// false when a late callback changes nothing.
//
// With a token: the token must be the newest claim's and the claim not settled yet. Where a callback has settled the
// delivery while the attempt was still on the wire, its word stands and s only adds the provider's id. From a callback
// (Token 0): a rank that does not exceed the stored one changes nothing but Voiced, and nothing makes a delivery pending again.
// SettledAt is the instant at which the delivery left pending, VisibleAt is zero once the claim is settled.
func (d Delivery) Settled(s Settlement) (next Delivery, changed bool, err error) {
	voiced := s.Voiced && !d.Voiced
	d.Voiced = d.Voiced || s.Voiced
	if s.Token == 0 {
		if s.Rank <= d.Rank {
			return d, voiced, nil
		}
		if s.State == "" || s.State == Pending {
			s.State = d.State
		}
		if d.State == Pending && s.State != Pending {
			d.SettledAt = s.At
		}
		return d.told(s), true, nil
	}
	if d.Token != s.Token || d.State != Pending && d.VisibleAt.IsZero() {
		return d, false, fmt.Errorf("settle delivery %s: %w", d.ID, ErrFenced)
	}
	if s.Ambiguous {
		d.Ambiguous++
	}
	if d.State != Pending { // settled by a callback during the attempt
		d.VisibleAt = time.Time{}
		d.ProviderID = cmp.Or(d.ProviderID, s.ProviderID)
		return d, true, nil
	}
	d.VisibleAt = s.VisibleAt
	if s.State == Pending {
		d.Token = 0 // the claim is over: its token settles nothing more
	} else {
		d.VisibleAt, d.SettledAt = time.Time{}, s.At
	}
	return d.told(s), true, nil
}

// told takes over what a settlement says; the newest reason stands, ids and words are kept where it is silent.
func (d Delivery) told(s Settlement) Delivery {
	d.State, d.Reason = s.State, s.Reason
	d.Rank = max(d.Rank, s.Rank)
	d.ProviderID = cmp.Or(s.ProviderID, d.ProviderID)
	d.Progress = cmp.Or(s.Progress, d.Progress)
	d.Code = cmp.Or(s.Code, d.Code)
	if d.Kind == notify.KindLetter && d.State != Pending { // a stranger's address is not kept
		d.Text = ""
	}
	return d
}

// Before is the order in which deliveries go out: SEV-1 first, then by severity (unknown last), due instant, page and id.
func (d Delivery) Before(o Delivery) bool {
	return cmp.Or(cmp.Compare(urgency(d.Severity), urgency(o.Severity)), d.At.Compare(o.At), cmp.Compare(d.Page, o.Page), compareIDs(d.ID, o.ID)) < 0
}

// CompareInClaim is the order of the deliveries within one claim: severity, then page number, then id.
func CompareInClaim(a, b Delivery) int {
	return cmp.Or(cmp.Compare(urgency(a.Severity), urgency(b.Severity)), cmp.Compare(a.Page, b.Page), compareIDs(a.ID, b.ID))
}

func urgency(s alert.Severity) int {
	if !s.Valid() {
		return int(alert.SEV4) + 1
	}
	return int(s)
}

// compareIDs sorts "7-2" before "7-10".
func compareIDs(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}
