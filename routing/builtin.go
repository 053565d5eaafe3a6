package routing

import (
	"strings"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/page"
	"pagerd/schedule"
)

// serviceOf maps a CloudWatch namespace to the service's name; empty = none of the six.
func serviceOf(namespace string) string {
	switch namespace {
	case "AWS/ApiGateway":
		return "api-gateway"
	case "AWS/Lambda":
		return "lambda"
	case "AWS/DynamoDB":
		return "dynamodb"
	case "AWS/S3":
		return "s3"
	case "AWS/CloudFront":
		return "cloudfront"
	case "AWS/ECS", "ECS/ContainerInsights":
		return "ecs"
	}
	return ""
}

// metricSeverity is how bad a CloudWatch alarm is that does not say so itself: errors that users see are SEV-2, throttling
// and capacity are SEV-3. 0 = the metric is not known.
func metricSeverity(namespace, metric string) alert.Severity {
	if serviceOf(namespace) == "" || metric == "" {
		return 0
	}
	m := strings.ToLower(metric)
	switch {
	case m == "5xxerror", m == "5xx", m == "5xxerrors", m == "5xxerrorrate", m == "errors", m == "systemerrors", m == "originlatency", m == "runningtaskcount":
		return alert.SEV2
	case strings.Contains(m, "throttle"), strings.Contains(m, "capacity"), strings.Contains(m, "utilization"), strings.Contains(m, "duration"),
		strings.Contains(m, "latency"), strings.Contains(m, "4xx"), strings.Contains(m, "cachehit"):
		return alert.SEV3
	}
	return 0
}

// DefaultTargets are the practice's targets by severity.
func DefaultTargets() map[alert.Severity]page.Targets {
	return map[alert.Severity]page.Targets{
		alert.SEV1: {Detect: 5 * time.Minute, Triage: 10 * time.Minute, Mitigate: time.Hour, AckTTL: 30 * time.Minute, Promote: true},
		alert.SEV2: {Detect: 15 * time.Minute, Triage: 30 * time.Minute, Mitigate: 4 * time.Hour, Promote: true},
		alert.SEV3: {Detect: time.Hour, Triage: 2 * time.Hour, Mitigate: 24 * time.Hour, Promote: true},
		alert.SEV4: {},
	}
}

// DefaultFamily is the practice's escalation for a rotation: SEV-1 tells manager, team lead and team at once and goes to
// the secondary after 5 minutes; SEV-2 and SEV-3 go on to the manager after 10; SEV-4 waits for working hours.
func DefaultFamily(rotation schedule.Rotation, lead, team string) Family {
	const wait = 5 * time.Minute
	answer := func(role string) schedule.Target {
		return schedule.Target{Name: rotation.Name + "/" + role, Mode: schedule.Answer}
	}
	inform := func(name string) schedule.Target { return schedule.Target{Name: name, Mode: schedule.Inform} }
	steps := func(first ...schedule.Target) []schedule.Step {
		out := []schedule.Step{{Targets: append([]schedule.Target{answer("primary")}, first...), Timeout: wait}}
		if len(rotation.People) > 1 {
			out = append(out, schedule.Step{Targets: []schedule.Target{answer("secondary")}, Timeout: wait})
		}
		return out
	}
	var tell []schedule.Target
	var resort []schedule.Target
	manager := []schedule.Step{}
	if rotation.Manager != "" {
		tell = append(tell, inform(rotation.Name+"/manager"))
		resort = append(resort, answer("manager"))
		manager = append(manager, schedule.Step{Targets: []schedule.Target{answer("manager")}, Timeout: wait})
	} else {
		for _, p := range rotation.People {
			resort = append(resort, schedule.Target{Name: "person:" + p, Mode: schedule.Answer})
		}
	}
	sev2 := tell
	if lead != "" {
		tell = append(tell, inform("person:"+lead))
	}
	if team != "" {
		tell = append(tell, inform("team:"+team))
	}
	policy := func(s alert.Severity, steps []schedule.Step, repeat int) schedule.Policy {
		return schedule.Policy{Name: rotation.Name + "/" + s.String(), Steps: steps, Repeat: repeat, LastResort: resort, Again: 15 * time.Minute}
	}
	// 16 hours: past this evening wherever in the working day it began, so that the next mail is the next morning's.
	office := policy(alert.SEV4, []schedule.Step{{Targets: []schedule.Target{answer("primary")}, Timeout: 16 * time.Hour}}, 0)
	office.OfficeHours, office.LastResort = true, nil
	return Family{
		alert.SEV1: policy(alert.SEV1, steps(tell...), 3),
		alert.SEV2: policy(alert.SEV2, append(steps(sev2...), manager...), 2),
		alert.SEV3: policy(alert.SEV3, append(steps(), manager...), 1),
		alert.SEV4: office,
	}
}
