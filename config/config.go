// Package config reads the one YAML file and gives validated domain values.
//
// It promises that a configuration is either complete and consistent or refused with every error at once, each with
// file, line, column, the value found and what was allowed. Nothing after Load has to check again.
package config

import (
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/postmortem"
	"pagerd/notify"
	"pagerd/routing"
	"pagerd/schedule"
)

// Secret is a credential. It prints as "(secret)" everywhere.
type Secret string

// String hides the secret; take string(s) where it must be used.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "(secret)"
}

// MarshalText hides the secret in JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Config is a whole, valid configuration. It is never changed after Load: a reload makes a new one.
type Config struct {
	File       string
	Hash       string // SHA-256 of the file's bytes, hex; shown on the status page
	Shared     string // SHA-256 of what replicas must have in common, hex: all but listen and replica, whatever the layout
	Replica    string // this daemon's name among those that share its store; empty: made of host name and port
	Public     string // listen address for what the internet must reach, default "127.0.0.1:8080"
	Ops        string // listen address for status, metrics, API, default "127.0.0.1:8081"
	PublicURL  string // as the internet sees Public: "https://pager.example.com", no trailing slash
	Store      Store
	Sources    []Source
	Routing    *routing.Tree
	Book       *schedule.Book
	Severities map[alert.Severity]Severity
	Incidents  Incidents
	StatusPage StatusPage // what the public sees
	// Stakeholders are who is mailed the updates of a service's incidents: people's own mail contacts, or addresses of others,
	// whose id is "reader/" and a digest of the address.
	Stakeholders map[string][]notify.Contact
	Reports      Reports // what is mailed by the calendar
	Notify       Notify
	Operators    []notify.Contact // told when pagerd itself has a problem
	Tokens       []Token          // for the API
	LinkKey      Secret           // signs the links in mails; empty: derived and kept by the store's directory. Needed with Redis
}

// Source is one origin of alerts with its own credentials.
type Source struct {
	Name string
	Kind string // "alertmanager" or "sns"
	// Credentials, any of which lets a request in. At least one for alertmanager; for sns optional (raw delivery needs one).
	Tokens           []Secret // bearer, or the last path element
	BasicUser        string
	BasicPass        Secret
	Topics           []string      // sns: allow-listed TopicArns
	Raw              bool          // sns: raw delivery accepted with a credential
	StaleAfter       time.Duration // alertmanager 9 h, sns 24 h
	GroupInterval    time.Duration // alertmanager's group_interval, default 5 min
	InsufficientData string        // sns: what INSUFFICIENT_DATA means: "ignore" (default: keeps what is), "resolve", "alarm"
}

// Severity is a severity's meaning.
type Severity struct {
	Severity alert.Severity
	Targets  page.Targets
	Incident incident.Targets // what its incidents are held against, and how often pagerd asks by itself
	Ladder   []Rule           // how a person is rung by default
	// Postmortem is whether an incident needs one, and until when.
	Postmortem postmortem.Rule
}

// Rule is a default rung: the person's contact of that channel, after a delay.
type Rule struct {
	Channel notify.Channel
	Delay   time.Duration
}

// Notify configures the providers. A nil part is not used.
type Notify struct {
	Twilio *Twilio
	SMTP   *SMTP
	// BundleWindow: within it after a message, further ones to the same contact wait and become one. Default 30 s; never SEV-1.
	BundleWindow time.Duration
	AckCodes     string // "plain" (default) or "strict"
}

// Twilio is the account that sends SMS and calls.
type Twilio struct {
	AccountSID        string
	AuthToken         Secret
	PreviousAuthToken Secret // accepted on callbacks during rotation
	From              string // E.164
	BaseURL           string // default https://api.twilio.com; the simulator's in the demo
	Language          string // of spoken text, default "en-US"
}

// SMTP is the server that sends mail.
type SMTP struct {
	Address  string // host:port
	TLS      string // "mandatory" (default), "implicit", "none" (loopback only)
	Username string
	Password Secret
	From     string
}

// Token lets a caller use the API.
type Token struct {
	Name   string
	Secret Secret
	Role   string // "viewer", "responder", "admin"
	Person string // whom it acts as; optional
}
