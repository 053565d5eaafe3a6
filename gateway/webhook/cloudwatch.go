package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"

	"pagerd/gateway/alert"
)

// maxIdentity is above an ARN with the longest name (255 characters) and a contributor.
const maxIdentity = 600

// Understanding says what a topic's message was.
type Understanding string

// A message is an alarm's change, something that changes nothing, or no alarm at all.
const (
	Alarm      Understanding = "alarm"
	Ignored    Understanding = "ignored"
	NotAnAlarm Understanding = "not_an_alarm"
)

// alarmMessage is what CloudWatch publishes, as far as it makes the identity and the state: a wrong type here makes it no
// alarm. Messages of 2019 have no AlarmArn.
type alarmMessage struct {
	AlarmName       string `json:"AlarmName"`
	AWSAccountID    string `json:"AWSAccountId"`
	NewStateValue   string `json:"NewStateValue"`
	StateChangeTime string `json:"StateChangeTime"`
	Region          string `json:"Region"` // a display name, only good as part of an identity
	AlarmArn        string `json:"AlarmArn"`
	ContributorID   string `json:"AlarmContributorId"`
}

// alarmDetail is the rest, for texts and routing. Composite alarms have no Trigger, metric-math alarms no namespace in it.
type alarmDetail struct {
	AlarmDescription string            `json:"AlarmDescription"`
	NewStateReason   string            `json:"NewStateReason"`
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

// eventMessage is an alarm as EventBridge shapes it: again what makes identity and state.
type eventMessage struct {
	DetailType string   `json:"detail-type"`
	Account    string   `json:"account"`
	Region     string   `json:"region"`
	Resources  []string `json:"resources"`
	Detail     struct {
		AlarmName string `json:"alarmName"`
		State     struct {
			Value               string `json:"value"`
			Timestamp           string `json:"timestamp"`
			ActionsSuppressedBy string `json:"actionsSuppressedBy"`
		} `json:"state"`
		Contributor struct {
			ID string `json:"id"`
		} `json:"alarmContributor"`
	} `json:"detail"`
}

// eventDetail is the rest of an event; here dimensions are an object.
type eventDetail struct {
	Detail struct {
		State struct {
			Reason string `json:"reason"`
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
			Attributes map[string]string `json:"attributes"`
		} `json:"alarmContributor"`
	} `json:"detail"`
}

// state is an alarm's change, whichever shape it came in.
type state struct {
	name, arn, account, partition, region string
	value, reason, at, description        string
	metric, namespace                     string
	dimensions                            map[string]string
	contributor                           string
}

// ParseCloudWatch reads a topic's message. insufficient says what INSUFFICIENT_DATA means: "ignore", "resolve" or "alarm".
// The alert's StartsAt (and EndsAt, when it resolved) is the state's change, so that what SNS delivers twice or in another
// order ends in the same state. Only an alarm's message has a status; with NotAnAlarm the alert is empty.
func ParseCloudWatch(text []byte, source, insufficient string) (alert.Alert, Understanding) {
	var s state
	var m alarmMessage
	var ev eventMessage
	switch {
	case json.Unmarshal(text, &m) == nil && m.AlarmName != "" && m.NewStateValue != "":
		s = m.state(text)
	case json.Unmarshal(text, &ev) == nil && strings.HasPrefix(ev.DetailType, "CloudWatch Alarm"):
		if !strings.HasSuffix(ev.DetailType, "State Change") {
			return alert.Alert{}, Ignored // somebody changed the alarm's configuration
		}
		if ev.Detail.State.ActionsSuppressedBy != "" && ev.Detail.State.Value != "OK" {
			return alert.Alert{}, Ignored // a composite's suppressor holds its actions back; an end is an end all the same
		}
		s = ev.state(text)
	default:
		return alert.Alert{}, NotAnAlarm
	}
	at, err := stateTime(s.at)
	if err != nil || s.name == "" {
		return alert.Alert{}, NotAnAlarm
	}
	return s.alert(source, insufficient, at)
}

// leniently decodes what may be missing or of another type than today; what fits is taken.
func leniently(text []byte, into any) { _ = json.Unmarshal(text, into) }

// stateTime reads CloudWatch's own layout, which is not RFC 3339 for want of a colon in the zone.
func stateTime(s string) (time.Time, error) {
	t, err := time.Parse("2006-01-02T15:04:05.999999999-0700", s)
	if err != nil {
		t, err = time.Parse(time.RFC3339, s)
	}
	return t.UTC(), err
}

func (m alarmMessage) state(text []byte) state {
	var d alarmDetail
	leniently(text, &d)
	s := state{name: m.AlarmName, arn: m.AlarmArn, account: m.AWSAccountID, value: m.NewStateValue, reason: d.NewStateReason,
		at: m.StateChangeTime, description: d.AlarmDescription, metric: d.Trigger.MetricName, namespace: d.Trigger.Namespace,
		dimensions: map[string]string{}, contributor: m.ContributorID}
	if parts := strings.Split(m.AlarmArn, ":"); len(parts) > 4 {
		s.partition, s.region = parts[1], parts[3]
	}
	if s.arn == "" { // 2019: the display name of the region is all there is
		s.arn = "alarm:" + m.AWSAccountID + ":" + m.Region + ":" + m.AlarmName
	}
	dims := d.Trigger.Dimensions
	for _, x := range d.Trigger.Metrics {
		if s.namespace == "" && x.MetricStat != nil {
			s.metric, s.namespace, dims = x.MetricStat.Metric.MetricName, x.MetricStat.Metric.Namespace, x.MetricStat.Metric.Dimensions
		}
	}
	for _, x := range dims {
		s.dimensions[x.Name] = x.Value
	}
	maps.Copy(s.dimensions, d.Contributor)
	return s
}

func (ev eventMessage) state(text []byte) state {
	var d eventDetail
	leniently(text, &d)
	s := state{name: ev.Detail.AlarmName, account: ev.Account, region: ev.Region, value: ev.Detail.State.Value, reason: d.Detail.State.Reason,
		at: ev.Detail.State.Timestamp, description: d.Detail.Configuration.Description, dimensions: map[string]string{},
		contributor: ev.Detail.Contributor.ID}
	if len(ev.Resources) > 0 {
		s.arn = ev.Resources[0]
	}
	if parts := strings.Split(s.arn, ":"); len(parts) > 4 {
		s.partition = parts[1]
	}
	if s.arn == "" {
		s.arn = "alarm:" + ev.Account + ":" + ev.Region + ":" + s.name
	}
	for _, x := range d.Detail.Configuration.Metrics {
		if s.namespace == "" && x.MetricStat != nil {
			s.metric, s.namespace = x.MetricStat.Metric.Name, x.MetricStat.Metric.Namespace
			maps.Copy(s.dimensions, x.MetricStat.Metric.Dimensions)
		}
	}
	maps.Copy(s.dimensions, d.Detail.Contributor.Attributes)
	return s
}

// console is where a person can look at the alarm; empty where the partition's console is not known.
func (s state) console() string {
	host := map[string]string{"aws": "console.aws.amazon.com", "aws-us-gov": "console.amazonaws-us-gov.com", "aws-cn": "console.amazonaws.cn"}[s.partition]
	if host == "" || !regionName.MatchString(s.region) {
		return ""
	}
	return "https://" + host + "/cloudwatch/home?region=" + s.region + "#alarmsV2:alarm/" + url.PathEscape(s.name)
}

var (
	severityHint = regexp.MustCompile(`(?i)\b(?:sev|severity)\s*[=:]\s*([A-Za-z0-9-]+)`)
	runbookHint  = regexp.MustCompile(`(?i)\brunbook\s*[=:]\s*(https?://[^\s"'<>]+)`)
	regionName   = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
)

// alert turns a state into an alert. The identity holds the contributor: alarms over many series send one message for each
// under the same ARN.
func (s state) alert(source, insufficient string, at time.Time) (alert.Alert, Understanding) {
	a := alert.Alert{Source: source, Fingerprint: s.arn, Labels: map[string]string{}, Annotations: map[string]string{}, StartsAt: at, URL: webLink(s.console())}
	if s.contributor != "" {
		a.Fingerprint += "/" + s.contributor
	}
	if len(a.Fingerprint) > maxIdentity || strings.ContainsFunc(a.Fingerprint, unicode.IsControl) {
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
	if m := runbookHint.FindStringSubmatch(s.description); m != nil && len(m[1]) <= maxValue {
		set(a.Annotations, "runbook_url", strings.TrimRight(m[1], ".,;:!)]}"))
	}
	set(a.Annotations, "summary", s.name)
	set(a.Annotations, "description", s.reason)
	set(a.Annotations, "alarm_description", s.description)
	a.Labels, a.Annotations = keep(a.Labels), keep(a.Annotations)
	return a, Alarm
}

// catchAll is an alert for what is no alarm. It never ends by itself; its identity is topic and subject, so that a message
// delivered twice is one alert, and so are daily ones with one subject.
func catchAll(source, topic, subject, why, summary string, at time.Time) alert.Alert {
	sum := sha256.Sum256([]byte(topic + "\n" + subject))
	return alert.Alert{Source: source, Fingerprint: "message-" + hex.EncodeToString(sum[:8]), Status: alert.Firing, StartsAt: at.UTC(),
		Unknown: why, Labels: map[string]string{"alertname": "TopicMessage", "topic": clip(topic, maxValue)},
		Annotations: map[string]string{"summary": clip(summary, maxValue)}}
}
