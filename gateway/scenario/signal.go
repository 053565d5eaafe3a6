package scenario

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"pagerd/config"
	"pagerd/gateway/alert"
	"pagerd/gateway/webhook"
)

// signal is an alert of the script: the same name is the same identity.
type signal struct {
	fireAlert
	startsAt time.Time // of the running or last episode
	firing   bool
	repeatAt time.Time // the source says it again; zero: never
}

// fire lets an alert fire, or fire again. What a later fire leaves out is as it was.
func (w *world) fire(ctx context.Context, a fireAlert) error {
	s := w.signals[a.name.text]
	if s == nil {
		s = &signal{fireAlert: a}
		w.signals[a.name.text] = s
		w.order = append(w.order, a.name.text)
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
	s.repeatAt = time.Time{}
	if w.source(s).Kind == "alertmanager" && !a.once {
		s.repeatAt = w.now.Add(repeatEvery)
	}
	return w.accept(ctx, s, alert.Firing)
}

func (w *world) resolve(ctx context.Context, name string) error {
	s := w.signals[name]
	if !s.firing {
		return mismatched(name+" to fire", "it does not fire")
	}
	s.firing, s.repeatAt = false, time.Time{}
	return w.accept(ctx, s, alert.Resolved)
}

// accept posts the alerts like their source does.
func (w *world) accept(ctx context.Context, s *signal, status alert.Status) error {
	b := alert.Batch{Source: w.source(s).Name}
	for i := 1; i <= s.times; i++ {
		b.Alerts = append(b.Alerts, s.alert(i, b.Source, status, w.now))
	}
	return w.post(ctx, b)
}

// post hands a request's alerts in, group after group, because the groups of one request race for the page numbers.
func (w *world) post(ctx context.Context, b alert.Batch) error {
	groups := map[string][]alert.Alert{}
	var order []string
	for _, a := range b.Alerts {
		g := w.cfg.Routing.Decide(a, w.now).Group
		if groups[g] == nil {
			order = append(order, g)
		}
		groups[g] = append(groups[g], a)
	}
	for _, g := range order {
		b.Alerts = groups[g]
		err := w.engine.Accept(ctx, b, w.now)
		w.flush()
		if err != nil {
			return fmt.Errorf("take the alerts: %w", err)
		}
		// What the first one rings leaves before the next one comes.
		if _, err := w.engine.Deliver(ctx, w.now); err != nil {
			return fmt.Errorf("the messages of %s: %w", w.clock(), err)
		}
		w.flush()
	}
	return nil
}

// postFile hands in what a source once sent.
func (w *world) postFile(ctx context.Context, a postFile) error {
	name := a.file.text
	if !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(w.file), name)
	}
	body, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read the body: %w", err)
	}
	i := slices.IndexFunc(w.cfg.Sources, func(c config.Source) bool {
		return c.Name == a.source.text || a.source.text == "" && c.Kind == a.kind
	})
	source := w.cfg.Sources[i]
	if a.kind == "alertmanager" {
		b, err := webhook.ParseAlertmanager(body, source.Name)
		if err != nil {
			return fmt.Errorf("%s: %w", a.file.text, err)
		}
		return w.post(ctx, b)
	}
	var envelope struct{ Message string } // of SNS, around the alarm
	if err := json.Unmarshal(body, &envelope); err == nil && envelope.Message != "" {
		body = []byte(envelope.Message)
	}
	one, what := webhook.ParseCloudWatch(body, source.Name, source.InsufficientData)
	switch what {
	case webhook.Ignored:
		w.tell("  %s is ignored", a.file.text)
		return nil
	case webhook.NotAnAlarm:
		return mismatched("an alarm in "+a.file.text, "pagerd does not know it for one")
	}
	return w.post(ctx, alert.Batch{Source: source.Name, Alerts: []alert.Alert{one}})
}

// source is where the alert comes from: the configuration's first unless the script says.
func (w *world) source(s *signal) config.Source {
	for _, c := range w.cfg.Sources {
		if c.Name == s.source.text {
			return c
		}
	}
	return w.cfg.Sources[0]
}

// repeatEvery is Alertmanager's default repeat_interval. CloudWatch says a thing once.
const repeatEvery = 4 * time.Hour

// repeats posts again what still fires, as Alertmanager does.
func (w *world) repeats(ctx context.Context) error {
	for _, name := range w.order {
		s := w.signals[name]
		if s.repeatAt.IsZero() || s.repeatAt.After(w.now) {
			continue
		}
		s.repeatAt = w.now.Add(repeatEvery)
		if err := w.accept(ctx, s, alert.Firing); err != nil {
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
