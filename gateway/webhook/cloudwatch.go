package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"pagerd/gateway/alert"
)

// Understanding says what a topic's message was.
type Understanding string

// A message is an alarm's change, something that changes nothing, or no alarm at all.
const (
	Alarm      Understanding = "alarm"
	Ignored    Understanding = "ignored"
	NotAnAlarm Understanding = "not_an_alarm"
)

// alarmMessage is what CloudWatch publishes. Composite alarms have no Trigger; metric-math alarms no namespace in it;
// messages of 2019 no AlarmArn.
type alarmMessage struct {
	AlarmName        string            `json:"AlarmName"`
	AlarmDescription *string           `json:"AlarmDescription"`
	AWSAccountID     string            `json:"AWSAccountId"`
	NewStateValue    string            `json:"NewStateValue"`
	NewStateReason   string            `json:"NewStateReason"`
	StateChangeTime  string            `json:"StateChangeTime"`
	Region           string            `json:"Region"` // a display name, only good as part of an identity
	AlarmArn         string            `json:"AlarmArn"`
	AlarmRule        string            `json:"AlarmRule"`
	ContributorID    string            `json:"AlarmContributorId"`
	Contributor      map[string]string `json:"AlarmContributorAttributes"`
	Trigger          struct {
		MetricName string      `json:"MetricName"`
		Namespace  string      `json:"Namespace"`
		Dimensions []dimension `json:"Dimensions"`
		Metrics    []struct {
			MetricStat *struct {
				Metric struct {
					MetricName string      `json:"MetricName"`
					Namespace  string      `json:"Namespace"`
					Dimensions []dimension `json:"Dimensions"`
				} `json:"Metric"`
			} `json:"MetricStat"`
		} `json:"Metrics"`
	} `json:"Trigger"`
}

// dimension is written with small letters by SNS messages and with capitals by some others; decoding takes both.
type dimension struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// eventMessage is an alarm as EventBridge shapes it.
type eventMessage struct {
	DetailType string   `json:"detail-type"`
	Account    string   `json:"account"`
	Region     string   `json:"region"`
	Resources  []string `json:"resources"`
	Detail     struct {
		AlarmName string `json:"alarmName"`
		State     struct {
			Value               string `json:"value"`
			Reason              string `json:"reason"`
			Timestamp           string `json:"timestamp"`
			ActionsSuppressedBy string `json:"actionsSuppressedBy"`
		} `json:"state"`
		Configuration struct {
			Description string `json:"description"`
			Metrics     []struct {
				MetricStat *struct {
					Metric struct {
						Name       string            `json:"name"`
						Namespace  string            `json:"namespace"`
						Dimensions map[string]string `json:"dimensions"`
					} `json:"metric"`
				} `json:"metricStat"`
			} `json:"metrics"`
		} `json:"configuration"`
		Contributor struct {
			ID         string            `json:"id"`
			Attributes map[string]string `json:"attributes"`
		} `json:"alarmContributor"`
	} `json:"detail"`
}

// state is an alarm's change, whichever shape it came in.
type state struct {
	name, arn, account, region, value, reason, at, description string
	metric, namespace                                          string
	dimensions                                                 map[string]string
	contributor                                                string
}

// ParseCloudWatch reads a topic's message. insufficient says what INSUFFICIENT_DATA means: "ignore", "resolve" or "alarm".
func ParseCloudWatch(text []byte, source, insufficient string) (alert.Alert, Understanding) {
	var s state
	var m alarmMessage
	var ev eventMessage
	switch {
	case json.Unmarshal(text, &m) == nil && m.AlarmName != "" && m.NewStateValue != "":
		s = m.state()
	case json.Unmarshal(text, &ev) == nil && strings.HasPrefix(ev.DetailType, "CloudWatch Alarm"):
		if !strings.HasSuffix(ev.DetailType, "State Change") || ev.Detail.State.ActionsSuppressedBy != "" {
			return alert.Alert{}, Ignored
		}
		s = ev.state()
	default:
		return alert.Alert{}, NotAnAlarm
	}
	at, err := stateTime(s.at)
	if err != nil {
		return alert.Alert{}, NotAnAlarm
	}
	return s.alert(source, insufficient, at)
}

// stateTime reads CloudWatch's own layout, which is not RFC 3339 for want of a colon in the zone.
func stateTime(s string) (time.Time, error) {
	t, err := time.Parse("2006-01-02T15:04:05.999999999-0700", s)
	if err != nil {
		t, err = time.Parse(time.RFC3339, s)
	}
	return t.UTC(), err
}

func (m alarmMessage) state() state {
	s := state{name: m.AlarmName, arn: m.AlarmArn, account: m.AWSAccountID, value: m.NewStateValue, reason: m.NewStateReason,
		at: m.StateChangeTime, metric: m.Trigger.MetricName, namespace: m.Trigger.Namespace, dimensions: map[string]string{},
		contributor: m.ContributorID}
	if m.AlarmDescription != nil {
		s.description = *m.AlarmDescription
	}
	if parts := strings.Split(m.AlarmArn, ":"); len(parts) > 4 {
		s.region = parts[3]
	}
	if s.arn == "" { // 2019: the display name of the region is all there is
		s.arn = "alarm:" + m.AWSAccountID + ":" + m.Region + ":" + m.AlarmName
	}
	dims := m.Trigger.Dimensions
	for _, x := range m.Trigger.Metrics {
		if s.namespace == "" && x.MetricStat != nil {
			s.metric, s.namespace, dims = x.MetricStat.Metric.MetricName, x.MetricStat.Metric.Namespace, x.MetricStat.Metric.Dimensions
		}
	}
	for _, d := range dims {
		s.dimensions[d.Name] = d.Value
	}
	for k, v := range m.Contributor {
		s.dimensions[k] = v
	}
	return s
}

func (ev eventMessage) state() state {
	d := ev.Detail
	s := state{name: d.AlarmName, account: ev.Account, region: ev.Region, value: d.State.Value, reason: d.State.Reason, at: d.State.Timestamp,
		description: d.Configuration.Description, dimensions: map[string]string{}, contributor: d.Contributor.ID}
	if len(ev.Resources) > 0 {
		s.arn = ev.Resources[0]
	}
	for _, x := range d.Configuration.Metrics {
		if s.namespace == "" && x.MetricStat != nil {
			s.metric, s.namespace = x.MetricStat.Metric.Name, x.MetricStat.Metric.Namespace
			for k, v := range x.MetricStat.Metric.Dimensions {
				s.dimensions[k] = v
			}
		}
	}
	for k, v := range d.Contributor.Attributes {
		s.dimensions[k] = v
	}
	return s
}

var (
	severityHint = regexp.MustCompile(`(?i)\b(?:sev|severity)\s*[=:]\s*([A-Za-z0-9-]+)`)
	runbookHint  = regexp.MustCompile(`\brunbook\s*[=:]\s*(https?://\S+)`)
)

// alert turns a state into an alert. The identity holds the contributor: alarms over many series send one message for each
// under the same ARN.
func (s state) alert(source, insufficient string, at time.Time) (alert.Alert, Understanding) {
	a := alert.Alert{Source: source, Fingerprint: s.arn, Labels: map[string]string{}, Annotations: map[string]string{}, StartsAt: at}
	if s.contributor != "" {
		a.Fingerprint += "/" + s.contributor
	}
	if len(a.Fingerprint) > 600 {
		sum := sha256.Sum256([]byte(a.Fingerprint))
		a.Fingerprint = hex.EncodeToString(sum[:])
	}
	value := s.value
	if value == "INSUFFICIENT_DATA" {
		switch insufficient {
		case "resolve":
			value = "OK"
		case "alarm":
			value = "ALARM"
		default:
			return a, Ignored
		}
	}
	switch value {
	case "ALARM":
		a.Status = alert.Firing
	case "OK":
		a.Status, a.EndsAt = alert.Resolved, at
	default:
		return a, NotAnAlarm
	}
	set := func(m map[string]string, key, v string) {
		if v != "" {
			m[key] = v
		}
	}
	for k, v := range s.dimensions {
		set(a.Labels, k, v)
	}
	set(a.Labels, "alertname", s.name)
	set(a.Labels, "namespace", s.namespace)
	set(a.Labels, "metric", s.metric)
	set(a.Labels, "account", s.account)
	set(a.Labels, "region", s.region)
	if m := severityHint.FindStringSubmatch(s.description); m != nil {
		set(a.Labels, "severity", m[1])
	}
	if m := runbookHint.FindStringSubmatch(s.description); m != nil {
		set(a.Annotations, "runbook_url", m[1])
	}
	set(a.Annotations, "summary", s.name)
	set(a.Annotations, "description", s.reason)
	a.Labels, a.Annotations = keep(a.Labels), keep(a.Annotations)
	return a, Alarm
}

// catchAll is an alert for what is no alarm. It never ends by itself; its identity is topic and subject.
func catchAll(source, topic, subject, summary string, now time.Time) alert.Alert {
	sum := sha256.Sum256([]byte(topic + "\n" + subject))
	return alert.Alert{Source: source, Fingerprint: "message-" + hex.EncodeToString(sum[:8]), Status: alert.Firing, StartsAt: now.UTC(),
		Unknown: "a message that is no alarm", Labels: map[string]string{"alertname": "TopicMessage", "topic": clip(topic, maxValue)},
		Annotations: map[string]string{"summary": clip(summary, maxValue)}}
}
