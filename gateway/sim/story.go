package sim

import (
	"fmt"
	"strings"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/store"
)

// story is what happened, in words for people. It is kept only when it is asked for: making it is most of the work.
type story struct{ lines []line }

// line is one sentence of the story. about names the object; empty = a fault that concerns everything.
type line struct {
	at    time.Time
	depth int
	about string
	text  string
}

func (l line) String() string {
	return l.at.Format("15:04:05.000") + " " + strings.Repeat("  ", max(0, l.depth-1)) + l.text
}

// tell adds a sentence at the present instant. Sentences of what happened in the middle of something else are indented.
func (w *world) tell(about, format string, args ...any) {
	if w.story == nil {
		return
	}
	w.story.lines = append(w.story.lines, line{at: w.now, depth: len(w.stack), about: about, text: fmt.Sprintf(format, args...)})
}

func pageName(n int64) string { return fmt.Sprintf("page/%d", n) }

func aboutAlert(c *condition) string { return "alert/" + string(alert.NewID(c.group.source, c.id)) }

// about names what a claim is about.
func about(c store.Claim) string { return "delivery/" + c.Deliveries[0].ID }

// aboutBatch names the alerts of a body, separated by spaces.
func (w *world) aboutBatch(b alert.Batch) string {
	if w.story == nil {
		return ""
	}
	names := make([]string, len(b.Alerts))
	for i, a := range b.Alerts {
		names[i] = "alert/" + string(a.ID())
	}
	return strings.Join(names, " ")
}

// bodyText is what a body says: each alert and whether it fires.
func (w *world) bodyText(b alert.Batch) string {
	if w.story == nil {
		return ""
	}
	var parts []string
	for _, a := range b.Alerts {
		since := a.StartsAt
		if a.Status == alert.Resolved {
			since = a.EndsAt
		}
		parts = append(parts, fmt.Sprintf("%s %s since %s", a.Fingerprint, a.Status, stamp(since)))
	}
	return strings.Join(parts, ", ")
}
