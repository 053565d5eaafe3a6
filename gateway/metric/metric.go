// Package metric holds pagerd's own Prometheus metrics, in a registry of its own.
//
// It promises that labels come from closed lists (source names of the configuration, channels, reasons), never from
// foreign text.
package metric

import (
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
	}
	s.Registry.MustRegister(s.Requests, s.Alerts, s.Pages, s.Attempts, s.Replies, s.Alarms, s.CommitTime, s.SendDelay,
		s.StepDelay, s.Folded, s.Open, s.OldestDue, s.Ready,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return s
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "pagerd", Name: name, Help: help}, labels)
}

func histogram(name, help string) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "pagerd", Name: name, Help: help, Buckets: latencyBuckets()})
}

// latencyBuckets spans 1 ms to 60 s: a healthy commit to a step that is minutes late.
func latencyBuckets() []float64 {
	return []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 5, 10, 60}
}
