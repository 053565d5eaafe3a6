package webhook

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"pagerd/gateway/alert"
)

// What is taken of one body. A real alert has a dozen labels and a few kilobytes; the limits keep a mad one from growing
// memory and store.
const (
	maxAlerts  = 50_000    // a genuine alert has 350 bytes at least, so that 16 MiB hold fewer
	maxAlert   = 256 << 10 // bytes of one alert
	maxDecoded = 1000      // labels of one alert that are looked at
	maxHidden  = 1 << 30
)

const sendUnchanged = "send Alertmanager's own webhook body: remove \"payload:\" from webhook_configs"

// ParseAlertmanager reads version 4 of Alertmanager's webhook body. Each alert stands for itself: the top-level status is
// not looked at, because with max_alerts it says "resolved" while alerts that were cut still fire. Unknown fields are
// ignored; newer ones (notification_reason, routeLabels) may be missing.
//
// An alert that cannot be understood comes out with Unknown set and hinders no other; its StartsAt is zero if it has none
// that can be read. Its identity is the fingerprint or the labels where there are any, so that a later, well-formed end
// finds it. An error means that the whole body is no webhook of Alertmanager: it is the sender's mistake, and the same
// body again would be refused again.
func ParseAlertmanager(body []byte, source string) (alert.Batch, error) {
	p := reader{batch: alert.Batch{Source: source}}
	err := object(body, p.member)
	if errors.Is(err, errScan) {
		return alert.Batch{}, malformed(body)
	}
	if err != nil {
		return alert.Batch{}, err
	}
	if !p.seen[0] {
		return alert.Batch{}, &bad{"the body has no \"alerts\"", sendUnchanged}
	}
	return p.batch, nil
}

// malformed finds the place and the words for what the scanner stumbled over.
func malformed(body []byte) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch err := json.Unmarshal(body, new(struct{})); {
	case errors.As(err, &syntax):
		return &bad{fmt.Sprintf("the body is not JSON at byte %d", syntax.Offset), sendUnchanged}
	case errors.As(err, &kind):
		return &bad{"the body is no JSON object", sendUnchanged}
	}
	return &bad{fmt.Sprintf("the body is nested deeper than %d", maxDepth), sendUnchanged}
}

// reader takes a body apart, one member and one alert at a time.
type reader struct {
	batch alert.Batch
	seen  [4]bool
}

func (p *reader) member(key, value []byte) error {
	i := place(key, "alerts", "version", "groupKey", "truncatedAlerts")
	if i < 0 {
		return valid(value)
	}
	if p.seen[i] {
		return &bad{fmt.Sprintf("the body has %q twice", key), sendUnchanged}
	}
	p.seen[i] = true
	switch string(key) {
	case "version":
		version, _, err := word(value)
		if err == nil && version != "4" && version != "" {
			return &bad{fmt.Sprintf("the body has version %q, want \"4\"", clip(version, 20)), "use Alertmanager 0.9 or newer"}
		}
		return err
	case "groupKey": // opaque: it changes with every edit of the sender's routes, and is only ever compared
		group, _, err := word(value)
		if group != "" {
			sum := sha256.Sum256([]byte(group))
			p.batch.Sender = hex.EncodeToString(sum[:8])
		}
		return err
	case "truncatedAlerts":
		n, err := strconv.ParseFloat(string(value), 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return &bad{"\"truncatedAlerts\" is no number", sendUnchanged}
		}
		p.batch.Hidden = int(min(max(n, 0), maxHidden))
		return valid(value)
	case "alerts":
		if value[0] != '[' {
			return errors.Join(valid(value), &bad{"\"alerts\" is no list", sendUnchanged})
		}
		p.batch.Alerts = make([]alert.Alert, 0, min(len(value)/350, maxAlerts)+1)
		return array(value, p.alert)
	}
	return nil
}

// place is where key stands among names, or -1.
func place(key []byte, names ...string) int {
	for i, n := range names {
		if n == string(key) {
			return i
		}
	}
	return -1
}

func (p *reader) alert(raw []byte) error {
	if len(p.batch.Alerts) == maxAlerts {
		return &bad{fmt.Sprintf("the body has more than %d alerts", maxAlerts), "set max_alerts in Alertmanager's webhook_configs"}
	}
	a, err := parseAlert(raw, p.batch.Source)
	if err != nil {
		return err
	}
	p.batch.Alerts = append(p.batch.Alerts, a)
	return nil
}

// parseAlert reads one alert; an error means that the text is not even JSON.
func parseAlert(raw []byte, source string) (alert.Alert, error) {
	a := alert.Alert{Source: source, Repeats: true}
	if raw[0] != '{' || len(raw) > maxAlert {
		return odd(a, raw, "an alert that is none or has no end"), valid(raw)
	}
	f := fields{}
	if err := object(raw, f.member); err != nil {
		return a, err
	}
	a.Labels, a.Annotations, a.URL = keep(f.labels), keep(f.annotations), webLink(f.url)
	a.StartsAt = f.startsAt
	switch {
	case isFingerprint(f.fingerprint):
		a.Fingerprint = f.fingerprint
	case len(f.labels) > 0:
		a.Fingerprint = fingerprint(f.labels)
	}
	switch f.status {
	case "firing":
		a.Status = alert.Firing
	case "resolved":
		a.Status, a.EndsAt = alert.Resolved, f.endsAt
	default:
		f.wrong("an alert that is neither firing nor resolved")
	}
	if f.startsAt.IsZero() {
		f.wrong("an alert without a start")
	}
	if len(f.labels) == 0 {
		f.wrong("an alert without labels")
	}
	if f.odd != "" {
		return odd(a, raw, f.odd), nil
	}
	return a, nil
}

// odd makes an alert for the catch-all page of what could be read. Without any identity its content is one, so that a
// repeat is no second alert.
func odd(a alert.Alert, raw []byte, why string) alert.Alert {
	a.Unknown = why
	if a.Status == "" {
		a.Status = alert.Firing
	}
	if a.Fingerprint == "" {
		sum := sha256.Sum256(raw)
		a.Fingerprint = "odd-" + hex.EncodeToString(sum[:8])
	}
	if a.Labels["alertname"] == "" {
		if a.Labels == nil {
			a.Labels = map[string]string{}
		}
		a.Labels["alertname"] = "UnknownAlert"
	}
	if a.Annotations["summary"] == "" {
		if a.Annotations == nil {
			a.Annotations = map[string]string{}
		}
		a.Annotations["summary"] = "A source sent " + why
	}
	return a
}

// fields is what an alert says, as far as it can be read.
type fields struct {
	status, url, fingerprint string
	startsAt, endsAt         time.Time
	labels, annotations      map[string]string
	seen                     [7]bool
	odd                      string // the first thing that is wrong
}

func (f *fields) wrong(why string) {
	if f.odd == "" {
		f.odd = why
	}
}

func (f *fields) member(key, value []byte) error {
	i := place(key, "status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint")
	if i < 0 {
		return valid(value)
	}
	if f.seen[i] { // which of the two is meant is a guess; the first stands, and nothing ends by it
		f.wrong("an alert that has " + string(key) + " twice")
		f.status = ""
		return valid(value)
	}
	f.seen[i] = true
	var err error
	switch string(key) {
	case "status":
		f.status, err = f.word(value)
	case "labels":
		f.labels, err = f.pairs(value)
	case "annotations":
		f.annotations, err = f.pairs(value)
	case "startsAt":
		f.startsAt, err = f.instant(value)
	case "endsAt":
		f.endsAt, err = f.instant(value)
	case "generatorURL":
		f.url, err = f.word(value)
	case "fingerprint":
		f.fingerprint, err = f.word(value)
	}
	return err
}

func (f *fields) word(value []byte) (string, error) {
	if bytes.Equal(value, []byte("null")) {
		return "", nil
	}
	s, ok, err := word(value)
	if !ok {
		f.wrong("an alert with a number where a text belongs")
		return "", err
	}
	return s, err
}

func (f *fields) instant(value []byte) (time.Time, error) {
	s, err := f.word(value)
	if err != nil || s == "" {
		return time.Time{}, err
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		f.wrong("an alert with an unreadable time")
		return time.Time{}, nil
	}
	return t.UTC(), nil
}

// pairs reads labels or annotations. A value of another kind is kept as it is written.
func (f *fields) pairs(value []byte) (map[string]string, error) {
	if bytes.Equal(value, []byte("null")) {
		return nil, nil
	}
	if value[0] != '{' {
		f.wrong("an alert whose labels are no labels")
		return nil, valid(value)
	}
	m := make(map[string]string, 8)
	return m, object(value, func(key, v []byte) error {
		s, ok, err := word(v)
		if err != nil {
			return err
		}
		if !ok {
			f.wrong("an alert with a label that is no text")
		}
		if _, twice := m[string(key)]; twice {
			f.wrong("an alert with a label that stands there twice")
			return nil
		}
		if len(m) < maxDecoded {
			m[string(key)] = s
		}
		return nil
	})
}

// isFingerprint reports whether s is Alertmanager's: 64 bits in hexadecimal.
func isFingerprint(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return len(s) == 16
}

// fingerprint stands in for a missing one: a hash over the sorted labels.
func fingerprint(labels map[string]string) string {
	names := make([]string, 0, len(labels))
	for name := range labels {
		names = append(names, name)
	}
	slices.Sort(names)
	h := sha256.New()
	for _, name := range names {
		fmt.Fprintf(h, "%q=%q,", name, labels[name])
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
