package webhook

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// What is kept of one alert of any source.
const (
	maxLabels = 64   // labels; a real alert has a dozen
	maxValue  = 1024 // bytes of a label's or an annotation's value
	maxName   = 256  // bytes of a label's name
	maxLink   = 2048 // bytes of an address
)

// keep bounds labels or annotations; which are dropped does not depend on the map's order, and what decides who is rung
// is dropped last.
func keep(in map[string]string) map[string]string {
	fits := len(in) <= maxLabels
	for k, v := range in {
		fits = fits && len(k) <= maxName && len(v) <= maxValue
	}
	if fits {
		return in
	}
	names := make([]string, 0, len(in))
	for name := range in {
		if len(name) <= maxName {
			names = append(names, name)
		}
	}
	weight := func(name string) int {
		return slices.Index([]string{"alertname", "severity", "service", "summary", "description", "runbook_url"}, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if wa, wb := weight(a), weight(b); wa != wb && (wa < 0) != (wb < 0) {
			return wb - wa
		}
		return strings.Compare(a, b)
	})
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
	if len(s) <= maxLink && (strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")) {
		return s
	}
	return ""
}
