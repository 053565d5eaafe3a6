package demo

import (
	"encoding/json"
	"fmt"
	"time"
)

// example is an alert that the demo's visitor can fire.
type example struct {
	ID      string // in the button's path: /fire/{ID}
	Title   string
	Detail  string
	labels  map[string]string
	summary string
	alarm   *alarm // a CloudWatch alarm instead of an Alertmanager alert
}

// alarm is what a CloudWatch alarm says of itself.
type alarm struct {
	name, namespace, metric, description string
	dimensions                           map[string]string
	threshold                            float64
}

// examples are realistic alerts of a small company's shop.
func examples() []example {
	return []example{
		{ID: "checkout-5xx", Title: "SEV-1: checkout is failing", Detail: "Rings the primary and tells the team.",
			labels:  map[string]string{"alertname": "CheckoutErrorRate", "service": "checkout", "severity": "critical", "env": "prod", "cluster": "eu-1"},
			summary: "5xx rate 15% on /checkout for 3 minutes"},
		{ID: "db-replica-lag", Title: "SEV-2: replica lag", Detail: "Unanswered: a call, then the secondary.",
			labels:  map[string]string{"alertname": "PostgresReplicaLag", "service": "orders-db", "severity": "error", "env": "prod", "instance": "db-2.eu-1"},
			summary: "Replica db-2 is 240 s behind the primary"},
		{ID: "disk", Title: "SEV-3: disk filling up", Detail: "The on-call engineer alone.",
			labels:  map[string]string{"alertname": "DiskWillFill", "service": "search", "severity": "warning", "env": "prod", "instance": "search-1"},
			summary: "Disk of search-1 is full in 4 h"},
		{ID: "backup", Title: "SEV-4: backup is old", Detail: "By mail, in working hours.",
			labels:  map[string]string{"alertname": "BackupTooOld", "service": "orders-db", "severity": "info", "env": "prod"},
			summary: "The last good backup is 26 h old"},
		{ID: "lambda-errors", Title: "CloudWatch: Lambda errors", Detail: "A signed SNS notification.",
			alarm: &alarm{name: "prod-checkout-lambda-errors", namespace: "AWS/Lambda", metric: "Errors", threshold: 1,
				description: "sev=2 runbook=https://runbooks.example.com/lambda-errors", dimensions: map[string]string{"FunctionName": "checkout"}}},
		{ID: "api-5xx", Title: "CloudWatch: API Gateway 5XX", Detail: "A signed SNS notification.",
			alarm: &alarm{name: "prod-shop-api-5xx", namespace: "AWS/ApiGateway", metric: "5XXError", threshold: 0.05,
				description: "sev=1 runbook=https://runbooks.example.com/api-gateway-5xx", dimensions: map[string]string{"ApiName": "shop", "Stage": "prod"}}},
	}
}

// webhook is the body that Alertmanager posts for the example.
func (x example) webhook(status string, startsAt, endsAt time.Time) ([]byte, error) {
	fingerprint := fmt.Sprintf("%016x", hash(x.ID))
	a := map[string]any{
		"status": status, "labels": x.labels, "annotations": map[string]string{"summary": x.summary,
			"runbook_url": "https://runbooks.example.com/" + x.ID},
		"startsAt": startsAt.UTC().Format(time.RFC3339Nano), "endsAt": endsAt.UTC().Format(time.RFC3339Nano),
		"generatorURL": "https://prometheus.example.com/graph", "fingerprint": fingerprint,
	}
	return json.MarshalIndent(map[string]any{
		"version": "4", "groupKey": fmt.Sprintf(`{}:{alertname="%s"}`, x.labels["alertname"]), "truncatedAlerts": 0, "status": status,
		"receiver": "pagerd", "groupLabels": map[string]string{"alertname": x.labels["alertname"]}, "commonLabels": x.labels,
		"commonAnnotations": map[string]string{"summary": x.summary}, "externalURL": "https://alertmanager.example.com", "alerts": []any{a},
	}, "", "  ")
}

// message is what CloudWatch publishes to the topic for the example.
func (x example) message(state, old string, at time.Time) ([]byte, error) {
	var dims []map[string]string
	for name, value := range x.alarm.dimensions {
		dims = append(dims, map[string]string{"name": name, "value": value})
	}
	return json.Marshal(map[string]any{
		"AlarmName": x.alarm.name, "AlarmDescription": x.alarm.description, "AWSAccountId": account,
		"NewStateValue": state, "OldStateValue": old, "StateChangeTime": at.UTC().Format("2006-01-02T15:04:05.000-0700"),
		"NewStateReason": "Threshold Crossed: 1 out of the last 1 datapoints was greater than or equal to the threshold.",
		"Region":         "EU (Ireland)", "AlarmArn": "arn:aws:cloudwatch:" + region + ":" + account + ":alarm:" + x.alarm.name,
		"Trigger": map[string]any{"MetricName": x.alarm.metric, "Namespace": x.alarm.namespace, "StatisticType": "Statistic",
			"Statistic": "SUM", "Unit": nil, "Dimensions": dims, "Period": 60, "EvaluationPeriods": 1, "Threshold": x.alarm.threshold,
			"ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": "missing"},
	})
}

// hash is FNV-1a.
func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}
