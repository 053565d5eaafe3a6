package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"pagerd/gateway/alert"
)

// What is kept of one alert. A real one has a dozen labels; the limits keep a mad one from growing the store.
const (
	maxLabels = 64
	maxValue  = 1024 // bytes of a label's or an annotation's value
	maxName   = 256
)

// alertmanagerBody is version 4 of Alertmanager's webhook, as far as it is needed. Unknown fields are ignored; newer ones
// (notification_reason, routeLabels) may be missing. The top-level status is left out on purpose: with max_alerts it says
// "resolved" while alerts that were cut still fire.
type alertmanagerBody struct {
	Version         string            `json:"version"`
	GroupKey        string            `json:"groupKey"`
	TruncatedAlerts int               `json:"truncatedAlerts"`
	Alerts          []json.RawMessage `json:"alerts"`
}

type alertmanagerAlert struct {
	Status       string            `json:"status"`
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
	Fingerprint  string            `json:"fingerprint"`
}

// ParseAlertmanager reads one webhook body. An alert that cannot be understood comes out with Unknown set and hinders no
// other; an error means that the whole body is no webhook of Alertmanager.
func ParseAlertmanager(body []byte, source string) (alert.Batch, error) {
	var b alertmanagerBody
	if err := json.Unmarshal(body, &b); err != nil {
		return alert.Batch{}, malformed(err)
	}
	if b.Alerts == nil {
		return alert.Batch{}, &bad{"the body has no \"alerts\"", "send Alertmanager's own webhook body: remove \"payload:\" from webhook_configs"}
	}
	if b.Version != "" && b.Version != "4" {
		return alert.Batch{}, &bad{fmt.Sprintf("the body has version %q, want \"4\"", clip(b.Version, 20)), "use Alertmanager 0.9 or newer"}
	}
	out := alert.Batch{Source: source, Hidden: max(b.TruncatedAlerts, 0)}
	if b.GroupKey != "" {
		sum := sha256.Sum256([]byte(b.GroupKey))
		out.Sender = hex.EncodeToString(sum[:8])
	}
	out.Alerts = make([]alert.Alert, 0, len(b.Alerts))
	for _, raw := range b.Alerts {
		out.Alerts = append(out.Alerts, parseAlert(raw, source))
	}
	return out, nil
}

func parseAlert(raw []byte, source string) alert.Alert {
	var a alertmanagerAlert
	if err := json.Unmarshal(raw, &a); err != nil {
		return oddAlert(raw, source, "an alert that is not of Alertmanager's form")
	}
	out := alert.Alert{Source: source, Fingerprint: a.Fingerprint, Labels: keep(a.Labels), Annotations: keep(a.Annotations),
		StartsAt: a.StartsAt.UTC(), URL: webLink(a.GeneratorURL)}
	switch a.Status {
	case "firing":
		out.Status = alert.Firing
	case "resolved":
		out.Status, out.EndsAt = alert.Resolved, a.EndsAt.UTC()
	default:
		return oddAlert(raw, source, "an alert that is neither firing nor resolved")
	}
	if a.StartsAt.IsZero() {
		return oddAlert(raw, source, "an alert without startsAt")
	}
	if out.Fingerprint == "" || len(out.Fingerprint) > maxName {
		out.Fingerprint = fingerprint(a.Labels)
	}
	return out
}

// oddAlert goes to the catch-all page. Its identity is its content, so that a repeat is no second alert.
func oddAlert(raw []byte, source, why string) alert.Alert {
	sum := sha256.Sum256(raw)
	return alert.Alert{Source: source, Fingerprint: "odd-" + hex.EncodeToString(sum[:8]), Status: alert.Firing, Unknown: why,
		StartsAt: time.Unix(0, 0).UTC(), Labels: map[string]string{"alertname": "UnknownAlert"},
		Annotations: map[string]string{"summary": "A source sent " + why}}
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

// keep bounds labels or annotations; which are dropped does not depend on the map's order.
func keep(in map[string]string) map[string]string {
	if len(in) <= maxLabels {
		fits := true
		for k, v := range in {
			fits = fits && len(k) <= maxName && len(v) <= maxValue
		}
		if fits {
			return in
		}
	}
	names := make([]string, 0, len(in))
	for name := range in {
		if len(name) <= maxName {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	names = names[:min(len(names), maxLabels)]
	out := make(map[string]string, len(names))
	for _, name := range names {
		out[name] = clip(in[name], maxValue)
	}
	return out
}

// clip cuts at a rune's boundary.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// webLink keeps http and https addresses only.
func webLink(s string) string {
	if len(s) <= 2048 && (strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")) {
		return s
	}
	return ""
}
