// Package metric holds pagerd's own Prometheus metrics, in a registry of its own.
//
// It promises that labels come from closed lists (source names of the configuration, channels, reasons), never from
// foreign text.
package metric

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Set is every metric of one gateway.
type Set struct {
	Registry *prometheus.Registry

	Requests   *prometheus.CounterVec   // source, result: webhook requests
	Alerts     *prometheus.CounterVec   // source, change: what arriving signals meant
	Pages      *prometheus.CounterVec   // severity, event: triggered, acknowledged, resolved, round, escalated …
	Attempts   *prometheus.CounterVec   // channel, certainty, reason: attempts to send
	Replies    *prometheus.CounterVec   // channel, verb: what responders asked for
	Alarms     *prometheus.CounterVec   // reason: what the operators must hear of
	CommitTime prometheus.Histogram     // seconds a commit took, fsync included
	SendDelay  *prometheus.HistogramVec // severity: seconds from due to the provider's first byte
	StepDelay  prometheus.Histogram     // seconds from a step's due instant to its commit
	Folded     prometheus.Histogram     // alerts in one commit
	Open       *prometheus.GaugeVec     // status: pages that are not resolved
	OldestDue  prometheus.Gauge         // seconds that the oldest due work waits; 0 when none is late
	Ready      *prometheus.GaugeVec     // door (accept, page): 1 or 0

	Incidents  *prometheus.CounterVec   // severity, event (incident, incident_update, drill): structured events that were written
	Missed     *prometheus.CounterVec   // severity, target (triage, mitigate): targets of incidents that were missed
	Resolution *prometheus.HistogramVec // severity: seconds from detection to resolution of an incident

	Unusable prometheus.Gauge       // seconds that the store is unusable; 0 when it is usable
	Direct   *prometheus.CounterVec // channel, certainty: messages to operators sent without the store
	Findings *prometheus.GaugeVec   // setting: 1 when the shared store's server can lose what it confirmed because of it
	Replicas prometheus.Gauge       // live daemons that share the store
	Offset   prometheus.Gauge       // seconds that this replica's clock is ahead of the store's
	Held     prometheus.Gauge       // 1 when the clock cannot be trusted: nothing is fired or sent
	Skew     prometheus.Gauge       // 1 when replicas run with different configurations
}

// New makes the metrics and registers them, with the Go runtime's and the process's.
func New() *Set {
	s := &Set{
		Registry:   prometheus.NewRegistry(),
		Requests:   counters("source_requests_total", "Requests of sources by result.", "source", "result"),
		Alerts:     counters("alerts_total", "Signals by what they meant.", "source", "change"),
		Pages:      counters("page_events_total", "What happened to pages.", "severity", "event"),
		Attempts:   counters("send_attempts_total", "Attempts to send by what is known of them.", "channel", "certainty", "reason"),
		Replies:    counters("replies_total", "What responders asked for.", "channel", "verb"),
		Alarms:     counters("alarms_total", "What the operators must hear of.", "reason"),
		CommitTime: histogram("commit_seconds", "Duration of a commit, fsync included."),
		SendDelay: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "pagerd", Name: "send_delay_seconds",
			Help: "From a send's due instant to its attempt.", Buckets: latencyBuckets()}, []string{"severity"}),
		StepDelay: histogram("step_delay_seconds", "From a page's due instant to the commit that fired it."),
		Folded: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "pagerd", Name: "commit_alerts",
			Help: "Alerts folded into one commit.", Buckets: []float64{1, 2, 5, 10, 50, 100, 500}}),
		Open: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "pagerd", Name: "open_pages",
			Help: "Pages that are not resolved."}, []string{"status"}),
		OldestDue: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "pagerd", Name: "oldest_due_seconds",
			Help: "How long the oldest due work waits."}),
		Ready: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "pagerd", Name: "ready",
			Help: "1 when the door is ready: accept (durably), page (somebody can be paged now)."}, []string{"door"}),
		Incidents: counters("incident_events_total", "Structured events of incidents that were written: one of type incident at each one's first resolution.", "severity", "event"),
		Missed:    counters("incident_targets_missed_total", "Targets of incidents that were missed, by the severity of then.", "severity", "target"),
		Resolution: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "pagerd", Name: "incident_resolution_seconds",
			Help: "From detection to the first resolution of an incident.", Buckets: resolutionBuckets()}, []string{"severity"}),
		Unusable: gauge("store_unusable_seconds", "How long the store is unusable; 0 when it is usable."),
		Direct:   counters("direct_sends_total", "Messages to operators that were sent without the store.", "channel", "certainty"),
		Findings: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "pagerd", Name: "store_finding",
			Help: "1 when the store's server can lose what it confirmed because of this setting."}, []string{"setting"}),
		Replicas: gauge("replicas", "Live daemons that share the store, this one included; 0 with the embedded store."),
		Offset:   gauge("clock_offset_seconds", "This replica's clock minus the store's, at the newest comparison."),
		Held:     gauge("clock_held", "1 when the clock cannot be trusted: this replica fires and sends nothing."),
		Skew:     gauge("config_skew", "1 when replicas run with different configurations."),
	}
	s.Registry.MustRegister(s.Requests, s.Alerts, s.Pages, s.Attempts, s.Replies, s.Alarms, s.CommitTime, s.SendDelay,
		s.StepDelay, s.Folded, s.Open, s.OldestDue, s.Ready, s.Incidents, s.Missed, s.Resolution,
		s.Unusable, s.Direct, s.Findings, s.Replicas, s.Offset, s.Held, s.Skew,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return s
}

// Settings is the closed list of the label "setting" of the findings: those of the shared store's server that decide what
// it can lose. What is not in it is "other".
func Settings() []string {
	return []string{"role", "appendonly", "appendfsync", "no-appendfsync-on-rewrite", "maxmemory-policy", "redis_version", "connected_slaves", "used_memory", "aof_last_write_status", "other"}
}

// Setting is a finding's label.
func Setting(name string) string {
	if slices.Contains(Settings(), name) {
		return name
	}
	return "other"
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "pagerd", Name: name, Help: help}, labels)
}

func gauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "pagerd", Name: name, Help: help})
}

func histogram(name, help string) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "pagerd", Name: name, Help: help, Buckets: latencyBuckets()})
}

// latencyBuckets spans 1 ms to 60 s: a healthy commit to a step that is minutes late.
func latencyBuckets() []float64 {
	return []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 5, 10, 60}
}

// resolutionBuckets spans five minutes to a week, with a bound at each target of the practice: 1 h, 4 h, 24 h.
func resolutionBuckets() []float64 {
	const hour = 3600
	return []float64{300, 900, 1800, hour, 2 * hour, 4 * hour, 8 * hour, 24 * hour, 72 * hour, 168 * hour}
}
