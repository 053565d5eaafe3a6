package webhook

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pagerd/config"
	"pagerd/gateway/alert"
)

// said returns the message inside a fixture, or the fixture itself where it is one.
func said(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var e struct{ Message string }
	if json.Unmarshal(b, &e) == nil && e.Message != "" {
		return []byte(e.Message)
	}
	return b
}

func TestAnAlarmsLabelsAreWhatRoutingNeeds(t *testing.T) {
	for file, want := range map[string]map[string]string{
		"sns/derived/lambda-errors-ALARM.v1.json": {"alertname": "prod-checkout-lambda-errors", "namespace": "AWS/Lambda", "metric": "Errors", "account": "123456789012",
			"region": "eu-west-1", "FunctionName": "checkout", "severity": "1"},
		"sns/derived/apigateway-http-5xx.v1.json": {"alertname": "prod-httpapi-5xx", "namespace": "AWS/ApiGateway", "metric": "5xx", "account": "123456789012",
			"region": "eu-west-1", "ApiId": "a1b2c3d4e5", "Stage": "$default"},
		"sns/derived/cloudfront-5xx-rate.v1.json": {"alertname": "prod-cdn-5xx-rate", "namespace": "AWS/CloudFront", "metric": "5xxErrorRate", "account": "123456789012",
			"region": "us-east-1", "DistributionId": "E1ABCDEF2GHIJK", "Region": "Global"},
		"sns/derived/anomaly-detection.v1.json": {"alertname": "prod-api-latency-anomaly", "namespace": "AWS/ApiGateway", "metric": "Latency", "account": "123456789012",
			"region": "eu-west-1", "ApiName": "public-api"},
		"sns/derived/old-style-2019-missing-AlarmArn.v1.json":           {"alertname": "legacy-alarm", "namespace": "LogMetrics", "metric": "DBMigrationRequired", "account": "123456789012"},
		"sns/aws-bodies-2026/multi-timeseries-contributor-a-ALARM.json": {"alertname": "sd-mi-delivery-2e362f05286d-alarm", "account": "000000000000", "region": "us-west-2", "Team": "a"},
		"sns/aws-bodies-2026/composite.json":                            {"alertname": "stackd-native-cw-sns-4b229becf207-composite", "account": "000000000000", "region": "us-east-1"},
		"eventbridge/state-change-for-a-single-metric-alarm.json": {"alertname": "ServerCpuTooHigh", "namespace": "AWS/EC2", "metric": "CPUUtilization", "account": "123456789012",
			"region": "us-east-1", "InstanceId": "i-12345678901234567"},
	} {
		a, what := ParseCloudWatch(said(t, file), "aws", "ignore")
		if what != Alarm || !maps.Equal(a.Labels, want) {
			t.Errorf("%s is %s with %v", file, what, a.Labels)
		}
	}
}

func TestAnAlarmSaysSinceWhenWhereToLookAndWhatToDo(t *testing.T) {
	a, _ := ParseCloudWatch(said(t, "sns/derived/lambda-errors-ALARM.v1.json"), "aws", "ignore")
	if got := a.StartsAt.Format(time.RFC3339Nano); got != "2026-11-23T03:02:01.123Z" {
		t.Errorf("starts at %s", got)
	}
	if a.URL != "https://console.aws.amazon.com/cloudwatch/home?region=eu-west-1#alarmsV2:alarm/prod-checkout-lambda-errors" || a.Annotations["runbook_url"] != "https://runbooks.example.com/lambda" {
		t.Errorf("link %s, runbook %s", a.URL, a.Annotations["runbook_url"])
	}
	end, _ := ParseCloudWatch(said(t, "sns/derived/lambda-errors-OK.v1.json"), "aws", "ignore")
	if end.ID() != a.ID() || end.Status != alert.Resolved || !end.EndsAt.After(a.StartsAt) {
		t.Errorf("its end: %+v", end)
	}
	cn, _ := ParseCloudWatch([]byte(strings.Replace(alarmText, "arn:aws:cloudwatch:eu-west-1:", "arn:aws-cn:cloudwatch:cn-north-1:", 1)), "aws", "ignore")
	if !strings.HasPrefix(cn.URL, "https://console.amazonaws.cn/") || cn.Labels["region"] != "cn-north-1" {
		t.Errorf("China: %s, %s", cn.URL, cn.Labels["region"])
	}
}

func TestEventsAreUnderstoodAndSuppressedOnesDoNotPage(t *testing.T) {
	files, _ := filepath.Glob("testdata/eventbridge/*.json")
	if len(files) < 10 {
		t.Fatalf("%d samples", len(files))
	}
	for _, f := range files {
		name := strings.TrimPrefix(f, "testdata/")
		a, what := ParseCloudWatch(said(t, name), "aws", "ignore")
		want := Ignored // somebody created, changed or deleted an alarm
		if strings.Contains(name, "state-change") && !strings.Contains(name, "suppressor") {
			want = Alarm
		}
		if what != want || what == Alarm && (a.Fingerprint == "" || a.StartsAt.IsZero() || a.Labels["alertname"] == "") {
			t.Errorf("%s is %s, want %s: %+v", name, what, want, a)
		}
	}
	text := string(said(t, "eventbridge/state-change-for-a-composite-alarm-with-a-suppressor-alarm.json"))
	_, state, _ := strings.Cut(text, `"actionsSuppressedReason"`)
	over := text[:len(text)-len(state)] + strings.Replace(state, `"value": "ALARM"`, `"value": "OK"`, 1)
	if a, what := ParseCloudWatch([]byte(over), "aws", "ignore"); what != Alarm || a.Status != alert.Resolved {
		t.Errorf("an end while suppressed is %s %s: the page would stay open for ever", what, a.Status)
	}
}

// TestOneAlarmHasOneIdentityInBothShapes: a topic may carry the alarm as CloudWatch publishes it and as EventBridge does.
func TestOneAlarmHasOneIdentityInBothShapes(t *testing.T) {
	arn := "arn:aws:cloudwatch:us-east-1:123456789012:alarm:ServerCpuTooHigh"
	event, _ := ParseCloudWatch(said(t, "eventbridge/state-change-for-a-single-metric-alarm.json"), "aws", "ignore")
	message, _ := ParseCloudWatch([]byte(`{"AlarmName":"ServerCpuTooHigh","NewStateValue":"OK","StateChangeTime":"2026-11-24T02:59:58.031+0000","AlarmArn":"`+arn+`"}`), "aws", "ignore")
	if event.Fingerprint != arn || message.ID() != event.ID() {
		t.Errorf("%s and %s", event.ID(), message.ID())
	}
}

func TestContributorsAndTheirParentAreDifferentAlerts(t *testing.T) {
	seen := map[string]string{}
	for name, id := range map[string]string{"parent": ``, "a": `,"AlarmContributorId":"a29eb44b20c4362e"`, "b": `,"AlarmContributorId":"b29eb44b20c4362e"`} {
		a, what := ParseCloudWatch([]byte(strings.TrimSuffix(alarmText, "}")+id+"}"), "aws", "ignore")
		if other, taken := seen[a.Fingerprint]; taken || what != Alarm {
			t.Errorf("%s is %s and has the identity of %s", name, what, other)
		}
		seen[a.Fingerprint] = name
	}
	// A contributor whose id cannot be read must not end its parent.
	if _, what := ParseCloudWatch([]byte(strings.TrimSuffix(alarmText, "}")+`,"AlarmContributorId":7}`), "aws", "ignore"); what != NotAnAlarm {
		t.Errorf("an unreadable contributor is %s", what)
	}
}

// TestADetailOfAnotherTypeDoesNotLoseTheAlarm: what is only for texts may change its type without notice.
func TestADetailOfAnotherTypeDoesNotLoseTheAlarm(t *testing.T) {
	for _, detail := range []string{`"Trigger":"none"`, `"Trigger":{"Dimensions":{"a":"b"}}`, `"Trigger":null`, `"AlarmDescription":null`, `"AlarmDescription":7`, `"AlarmContributorAttributes":[1]`, `"NewStateReason":{}`} {
		a, what := ParseCloudWatch([]byte(strings.TrimSuffix(alarmText, "}")+","+detail+"}"), "aws", "ignore")
		if what != Alarm || a.Status != alert.Firing || a.Labels["alertname"] != "a" {
			t.Errorf("with %s it is %s", detail, what)
		}
	}
}

func TestHintsInADescription(t *testing.T) {
	for description, want := range map[string][2]string{
		"sev=1 runbook=https://r.example/x":                      {"1", "https://r.example/x"},
		"Severity: SEV-2. Runbook: https://r.example/y).":        {"SEV-2", "https://r.example/y"},
		"runbook=javascript:alert(1) seven=1":                    {"", ""},
		"runbook=https://r.example/" + strings.Repeat("x", 1024): {"", ""},
		"": {"", ""},
	} {
		d, _ := json.Marshal(description)
		a, _ := ParseCloudWatch([]byte(strings.TrimSuffix(alarmText, "}")+`,"AlarmDescription":`+string(d)+"}"), "aws", "ignore")
		if a.Labels["severity"] != want[0] || a.Annotations["runbook_url"] != want[1] {
			t.Errorf("%.40q: severity %q, runbook %q", description, a.Labels["severity"], a.Annotations["runbook_url"])
		}
	}
}

func TestAnIdentityIsNeverEmptyAndNeverStrange(t *testing.T) {
	for _, text := range []string{
		`{"AlarmName":"a","NewStateValue":"ALARM","StateChangeTime":"2026-11-24T02:59:58.031+0000"}`,
		`{"detail-type":"CloudWatch Alarm State Change","detail":{"alarmName":"a","state":{"value":"ALARM","timestamp":"2026-11-24T02:59:58.031+0000"}}}`,
		`{"AlarmName":"a","AlarmArn":"` + strings.Repeat("x", 5000) + `","NewStateValue":"ALARM","StateChangeTime":"2026-11-24T02:59:58.031+0000"}`,
		`{"AlarmName":"a","AlarmArn":"x\u0000\ny","NewStateValue":"ALARM","StateChangeTime":"2026-11-24T02:59:58.031+0000"}`,
	} {
		a, what := ParseCloudWatch([]byte(text), "aws", "ignore")
		if what != Alarm || a.Fingerprint == "" || len(a.Fingerprint) > maxIdentity || strings.ContainsAny(a.Fingerprint, "\x00\n") {
			t.Errorf("%.60s is %s with identity %.40q", text, what, a.Fingerprint)
		}
	}
	if _, what := ParseCloudWatch([]byte(`{"detail-type":"CloudWatch Alarm State Change","detail":{"state":{"value":"ALARM","timestamp":"2026-11-24T02:59:58.031+0000"}}}`), "aws", "ignore"); what != NotAnAlarm {
		t.Errorf("an event without a name is %s", what)
	}
}

// act hands the handler an envelope that was verified.
func (d *door) act(t *testing.T, kind string) int {
	t.Helper()
	w := &answer{header: http.Header{}}
	d.h.verified(t.Context(), w, (*d.h.sources.Load())["aws"], envelope{Type: kind, TopicArn: d.topic.ARN, Token: "2336412f37", Timestamp: d.now.Format(time.RFC3339),
		SubscribeURL: "http://169.254.169.254/latest/meta-data"})
	return w.status
}

type answer struct {
	header http.Header
	status int
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(b []byte) (int, error) { return len(b), nil }

func TestASubscriptionIsConfirmedAtAmazonAndItsEndIsAnAlarm(t *testing.T) {
	d := newDoor(t, nil)
	var asked []string
	d.net = roundTripper(func(r *http.Request) (*http.Response, error) {
		asked = append(asked, r.URL.String())
		return d.topic.RoundTrip(r)
	})
	if status := d.act(t, "SubscriptionConfirmation"); status != 200 || len(d.got) != 0 {
		t.Errorf("confirmation: answered %d", status)
	}
	if len(asked) != 1 || !strings.HasPrefix(asked[0], "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=2336412f37&TopicArn=") {
		t.Errorf("asked %v", asked)
	}
	if status := d.act(t, "UnsubscribeConfirmation"); status != 200 || len(d.got) != 1 || d.got[0].Alerts[0].Unknown == "" || d.got[0].Alerts[0].Status != alert.Firing {
		t.Errorf("end: answered %d, %+v", status, d.got)
	}
	if len(asked) != 1 {
		t.Errorf("the end was undone: asked %v", asked)
	}
	d.net = roundTripper(func(r *http.Request) (*http.Response, error) {
		return (&amazon{answer: func(int, *http.Request) (int, http.Header, []byte) { return 200, nil, []byte("<html/>") }}).RoundTrip(r)
	})
	if status := d.act(t, "SubscriptionConfirmation"); status != http.StatusServiceUnavailable {
		t.Errorf("an answer that confirms nothing: answered %d", status)
	}
}

// TestSNSSendsItsPasswordOnlyWhenAsked: the user and password of an endpoint's URL come with the second request.
func TestSNSSendsItsPasswordOnlyWhenAsked(t *testing.T) {
	d := newDoor(t, func(s *config.Source) { s.BasicUser, s.BasicPass = "aws", "secret" })
	body := d.envelope(t, alarmText, d.now)
	if status := d.post("/v1/sns/aws", "Notification", body); status != http.StatusUnauthorized {
		t.Errorf("the first request was answered %d", status)
	}
	if status := d.post("/v1/sns/aws", "Notification", body, "Authorization", "Basic YXdzOnNlY3JldA=="); status != 200 || len(d.got) != 1 {
		t.Errorf("the second request was answered %d", status)
	}
}

// TestAMessageDeliveredTwiceIsTheSameAlert: SNS delivers at least once, and retries for an hour.
func TestAMessageDeliveredTwiceIsTheSameAlert(t *testing.T) {
	d := newDoor(t, nil)
	for _, text := range []string{alarmText, "Hello world"} {
		d.got = nil
		body := d.envelope(t, text, d.now)
		d.post("/v1/sns/aws", "Notification", body)
		d.now = d.now.Add(30 * time.Minute)
		d.post("/v1/sns/aws", "Notification", body)
		if len(d.got) != 2 {
			t.Fatalf("%.20s: %d batches", text, len(d.got))
		}
		first, again := d.got[0].Alerts[0], d.got[1].Alerts[0]
		if first.ID() != again.ID() || !first.StartsAt.Equal(again.StartsAt) {
			t.Errorf("%.20s: %s %s, then %s %s", text, first.ID(), first.StartsAt, again.ID(), again.StartsAt)
		}
	}
}
