// Package alert holds what monitoring systems say: one firing or resolved signal, and the rules by which signals become episodes.
//
// It promises that [Observe] is a pure function of what was stored and what arrived, so that peers, replays and
// reorderings of the same signals always end in the same state.
package alert

import (
	"fmt"
	"strings"
	"time"
)

// Status says whether a signal reports a problem or its end.
type Status string

// The two things that a source can say about an identity.
const (
	Firing   Status = "firing"
	Resolved Status = "resolved"
)

// ID is an alert's identity: the configured source's name, a slash, and the fingerprint within that source. It is
// namespaced by the authenticated source, so that no source can resolve another's alert.
type ID string

// NewID joins a source's name and a fingerprint.
func NewID(source, fingerprint string) ID { return ID(source + "/" + fingerprint) }

// Alert is one signal as a receiver understood it. All instants are UTC.
type Alert struct {
	Source      string            `json:"source"`      // name of the configured source
	Fingerprint string            `json:"fingerprint"` // identity within the source; never empty
	Status      Status            `json:"status"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	StartsAt    time.Time         `json:"starts_at"`        // SNS: StateChangeTime
	EndsAt      time.Time         `json:"ends_at,omitzero"` // zero while firing
	URL         string            `json:"url,omitempty"`    // where a person can look at it; http(s) only
	// Repeats says that the source tells again and again what fires. Its firing alert with an old start, long after the end,
	// is then no late message: the source lost sight of it for a while.
	Repeats bool   `json:"repeats,omitempty"`
	Unknown string `json:"unknown,omitempty"` // why the receiver did not understand it: such a signal goes to the catch-all
}

// ID returns the alert's identity.
func (a Alert) ID() ID { return NewID(a.Source, a.Fingerprint) }

// Name returns what a person calls the alert: the alertname label, or the fingerprint where there is none.
func (a Alert) Name() string {
	if n := a.Labels["alertname"]; n != "" {
		return n
	}
	return a.Fingerprint
}

// Summary returns one line of text for people: the summary annotation, else the description's first line, else the name.
func (a Alert) Summary() string {
	for _, key := range []string{"summary", "message", "description"} {
		if line, _, _ := strings.Cut(strings.TrimSpace(a.Annotations[key]), "\n"); line != "" {
			return line
		}
	}
	return a.Name()
}

// Batch is what one request of a source carried.
type Batch struct {
	Source string
	// Sender names the sender's own group (a hash of Alertmanager's groupKey); empty where the source has none.
	// Hidden counts are kept per sender.
	Sender string
	// Hidden is how many alerts the sender left out of this body (Alertmanager's truncatedAlerts).
	Hidden int
	Alerts []Alert
}

// Severity is SEV-1 (worst) to SEV-4; 0 means unknown.
type Severity int

// The four severities.
const (
	SEV1 Severity = 1 + iota
	SEV2
	SEV3
	SEV4
)

// String returns "SEV-1" … "SEV-4", or "SEV-?" when unknown.
func (s Severity) String() string {
	if !s.Valid() {
		return "SEV-?"
	}
	return fmt.Sprintf("SEV-%d", int(s))
}

// Short returns the form without a dash that fits an SMS: "SEV1".
func (s Severity) Short() string { return strings.Replace(s.String(), "-", "", 1) }

// Valid reports whether s is one of the four.
func (s Severity) Valid() bool { return s >= SEV1 && s <= SEV4 }

// Worse reports whether s asks for more than other; an unknown severity is worse than nothing.
func (s Severity) Worse(other Severity) bool { return other == 0 && s != 0 || s != 0 && s < other }

// ParseSeverity reads "SEV-1", "sev1", "1" in any case.
func ParseSeverity(text string) (Severity, error) {
	t := strings.ToLower(strings.TrimSpace(text))
	t = strings.TrimLeft(strings.TrimPrefix(t, "sev"), "- ")
	if len(t) == 1 && t[0] >= '1' && t[0] <= '4' {
		return Severity(t[0] - '0'), nil
	}
	return 0, fmt.Errorf("severity %q: want one of SEV-1, SEV-2, SEV-3, SEV-4", text)
}

// MarshalText writes "SEV-1".
func (s Severity) MarshalText() ([]byte, error) {
	if s == 0 {
		return nil, nil
	}
	return []byte(s.String()), nil
}

// UnmarshalText reads what MarshalText wrote, and the forms of [ParseSeverity].
func (s *Severity) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*s = 0
		return nil
	}
	v, err := ParseSeverity(string(text))
	if err != nil {
		return err
	}
	*s = v
	return nil
}
