package api

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/replica"
	"pagerd/gateway/store"
	"pagerd/notify"
)

//go:embed status.html
var statusHTML string

//go:embed status.css
var statusCSS []byte

// refresh is how often the status page loads itself again, in seconds: often enough to watch a page being answered,
// seldom enough to read.
const refresh = 10

// policy is the page's Content-Security-Policy: nothing but its own style sheet.
const policy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// screen renders the status page.
type screen struct {
	page *template.Template
	css  string // path of the style sheet with its digest, so that a new version is never hidden by a cache
}

func newScreen() screen {
	sum := sha256.Sum256(statusCSS)
	return screen{
		css: "/status.css?" + hex.EncodeToString(sum[:6]),
		page: template.Must(template.New("status").Funcs(template.FuncMap{
			"ago": ago, "until": until, "clock": clock, "iso": iso, "day": day, "short": alert.Severity.Short, "outcome": outcome, "tone": tone, "channel": channelName,
			"dict":    dict,
			"offset":  offset,
			"seconds": func(s float64) string { return span(time.Duration(s * float64(time.Second))) },
		}).Parse(statusHTML)),
	}
}

// dict passes named values to a nested template.
func dict(pairs ...any) map[string]any {
	out := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		out[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return out
}

// view is what the template sees.
type view struct {
	Status
	CSS     string
	Refresh int
	Zone    *time.Location
	Calm    string // one sentence that says how things are
	Mood    string // "ok", "busy" or "bad": the colour of the sentence
	More    int    // open pages that are not shown
	// Warnings are those of accepting that are no reasons for not paging.
	Warnings []string
}

func (s screen) render(w http.ResponseWriter, st Status) error {
	v := view{Status: st, CSS: s.css, Refresh: refresh, Zone: zoneOf(st.OnCall)}
	v.Mood, v.Calm = sentence(st)
	v.Warnings = slices.DeleteFunc(slices.Clone(st.Accepting.Warnings), func(w string) bool { return slices.Contains(st.Paging.Reasons, w) })
	v.More = st.Counts.Triggered + st.Counts.Acknowledged + st.Counts.Held - len(st.Open)
	var b bytes.Buffer
	if err := s.page.Execute(&b, v); err != nil {
		return fmt.Errorf("render the status page: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Frame-Options", "DENY")
	_, _ = w.Write(b.Bytes())
	return nil
}

func (s *server) stylesheet(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=86400")
	_, _ = w.Write(statusCSS)
	return nil
}

// sentence says how things are, worst first.
func sentence(st Status) (mood, text string) {
	switch c := st.Counts; {
	case !st.Accepting.Ready:
		return "bad", "Alerts cannot be accepted"
	case c.Triggered > 0:
		return "bad", count(c.Triggered, "page") + " that nobody has yet"
	case !st.Paging.Ready:
		return "bad", "Not everybody can be paged"
	case c.Acknowledged > 0:
		return "busy", count(c.Acknowledged, "page") + ", all acknowledged"
	case c.Held > 0:
		return "ok", "Quiet; " + count(c.Held, "page") + " silenced"
	}
	return "ok", "All quiet"
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// zoneOf is the zone in which times are shown: that of the rotations when they share one, else UTC.
func zoneOf(rotations []OnCall) *time.Location {
	name := ""
	for i, r := range rotations {
		if i > 0 && r.Zone != name {
			return time.UTC
		}
		name = r.Zone
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return loc
}

// span is a duration as people say it: "40 s", "12 min", "3 h 05 min", "2 d 4 h".
func span(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d d %d h", int(d.Hours())/24, int(d.Hours())%24)
}

func ago(now, t time.Time) string { return span(now.Sub(t)) + " ago" }

func until(now, t time.Time) string {
	if !t.After(now) {
		return "now"
	}
	return "in " + span(t.Sub(now))
}

// offset is how far a clock is off the store's: "+20 ms", "-1.5 s".
func offset(seconds float64) string {
	if d := time.Duration(seconds * float64(time.Second)); d.Abs() < time.Second {
		return fmt.Sprintf("%+d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%+.1f s", seconds)
}

// Off reports whether the replica's clock is far from the store's.
func (r Replica) Off() bool {
	return time.Duration(r.Offset*float64(time.Second)).Abs() > replica.Limit
}

func clock(z *time.Location, t time.Time) string { return t.In(z).Format("15:04") }
func day(z *time.Location, t time.Time) string   { return t.In(z).Format("Mon 2 Jan 15:04") }
func iso(t time.Time) string                     { return t.UTC().Format(time.RFC3339) }

// tone is the colour of a delivery.
func tone(d Delivery) string {
	switch d.State {
	case store.Delivered:
		return "ok"
	case store.Failed:
		return "bad"
	case store.SentState, store.Pending:
		return "busy"
	}
	return "dim"
}

// outcome says in words what became of a delivery.
func outcome(d Delivery) string {
	why := ""
	if d.Reason != notify.ReasonNone {
		why = ": " + strings.ReplaceAll(string(d.Reason), "_", " ")
	}
	switch d.State {
	case store.Delivered:
		if d.Channel == notify.Voice {
			return "answered"
		}
		return "delivered"
	case store.SentState:
		return "sent, not confirmed"
	case store.Failed:
		return "failed" + why
	case store.Dropped:
		return "no longer needed" + why
	}
	return "waiting" + why
}

func channelName(c notify.Channel) string {
	switch c {
	case notify.SMS:
		return "SMS"
	case notify.Voice:
		return "Call"
	case notify.Email:
		return "Mail"
	}
	return string(c)
}
