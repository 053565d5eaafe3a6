package scenario

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"pagerd/gateway/alert"
)

// signal is an alert of the script: the same name is the same identity.
type signal struct {
	fireAlert
	startsAt time.Time // of the running or last episode
	firing   bool
}

// fire lets an alert fire, or fire again. What a later fire leaves out is as it was.
func (w *world) fire(ctx context.Context, a fireAlert) error {
	s := w.signals[a.name.text]
	if s == nil {
		s = &signal{fireAlert: a}
		w.signals[a.name.text] = s
	}
	if a.labels != nil {
		s.labels = a.labels
	}
	if a.annotations != nil {
		s.annotations = a.annotations
	}
	s.times = max(s.times, a.times)
	if a.source.text != "" {
		s.source = a.source
	}
	if !s.firing {
		s.firing, s.startsAt = true, w.now
	}
	return w.accept(ctx, s, alert.Firing)
}

func (w *world) resolve(ctx context.Context, name string) error {
	s := w.signals[name]
	if !s.firing {
		return mismatched(name+" to fire", "it does not fire")
	}
	s.firing = false
	return w.accept(ctx, s, alert.Resolved)
}

// accept posts the alerts like their source does. A source's body is about one group; so each group is a request.
func (w *world) accept(ctx context.Context, s *signal, status alert.Status) error {
	source := s.source.text
	if source == "" {
		source = w.cfg.Sources[0].Name
	}
	groups := map[string][]alert.Alert{}
	var order []string
	for i := 1; i <= s.times; i++ {
		a := s.alert(i, source, status, w.now)
		g := w.cfg.Routing.Decide(a, w.now).Group
		if groups[g] == nil {
			order = append(order, g)
		}
		groups[g] = append(groups[g], a)
	}
	for _, g := range order {
		err := w.engine.Accept(ctx, alert.Batch{Source: source, Alerts: groups[g]}, w.now)
		w.flush()
		if err != nil {
			return fmt.Errorf("take the alerts: %w", err)
		}
		if err := w.settle(ctx); err != nil {
			return err
		}
	}
	return nil
}

// alert is the i-th of a storm; a * in labels and annotations stands for i.
func (s *signal) alert(i int, source string, status alert.Status, now time.Time) alert.Alert {
	n := strconv.Itoa(i)
	fill := func(m map[string]string) map[string]string {
		out := maps.Clone(m)
		for k, v := range out {
			out[k] = strings.ReplaceAll(v, "*", n)
		}
		return out
	}
	a := alert.Alert{Source: source, Fingerprint: s.name.text + "/" + n, Status: status, Labels: fill(s.labels),
		Annotations: fill(s.annotations), StartsAt: s.startsAt}
	if a.Labels == nil {
		a.Labels = map[string]string{}
	}
	if a.Labels["alertname"] == "" {
		a.Labels["alertname"] = s.name.text
	}
	if status == alert.Resolved {
		a.EndsAt = now
	}
	return a
}
