package webhook

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"pagerd/config"
	"pagerd/gateway/alert"
	"pagerd/gateway/webhook/snssign"
)

// door is an SNS source with a topic of our own that it trusts.
type door struct {
	topic *snssign.Topic
	h     *Handler
	got   []alert.Batch
	err   error
	now   time.Time
	net   http.RoundTripper
}

func newDoor(t *testing.T, change func(*config.Source)) *door {
	t.Helper()
	d := &door{now: time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)}
	topic, err := snssign.New("eu-west-1", "123456789012", "pager-alarms", d.now)
	if err != nil {
		t.Fatal(err)
	}
	d.topic, d.net = topic, topic
	src := config.Source{Name: "aws", Kind: "sns", Topics: []string{topic.ARN}, InsufficientData: "ignore"}
	if change != nil {
		change(&src)
	}
	d.h = New(Options{Sources: []config.Source{src}, Now: func() time.Time { return d.now },
		Accept: func(_ context.Context, b alert.Batch, _ time.Time) error { d.got = append(d.got, b); return d.err },
		SNS:    NewSNS(roundTripper(func(r *http.Request) (*http.Response, error) { return d.net.RoundTrip(r) }), topic.Roots(), func() time.Time { return d.now })})
	return d
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (d *door) post(path, kind string, body []byte, header ...string) int {
	req := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	req.Header.Set("X-Amz-Sns-Message-Type", kind)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	d.h.ServeHTTP(w, req)
	return w.Code
}

func (d *door) envelope(t *testing.T, message string, at time.Time) []byte {
	t.Helper()
	b, err := d.topic.Envelope("ALARM", message, at)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const alarmText = `{"AlarmName":"a","NewStateValue":"ALARM","StateChangeTime":"2026-11-24T02:59:58.031+0000","AlarmArn":"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a"}`

func TestAGenuineAlarmIsAcceptedAndAnythingElseIsNot(t *testing.T) {
	d := newDoor(t, nil)
	good := d.envelope(t, alarmText, d.now)
	if status := d.post("/v1/sns/aws", "Notification", good); status != 200 || len(d.got) != 1 || d.got[0].Alerts[0].Labels["alertname"] != "a" {
		t.Fatalf("a genuine alarm was answered %d", status)
	}
	for name, c := range map[string]struct {
		body []byte
		kind string
	}{
		"a changed message":     {bytes.Replace(good, []byte("ALARM"), []byte("XLARM"), 1), "Notification"},
		"another type's header": {good, "SubscriptionConfirmation"},
		"an hour-old replay":    {d.envelope(t, alarmText, d.now.Add(-2*time.Hour)), "Notification"},
		"one from the future":   {d.envelope(t, alarmText, d.now.Add(time.Hour)), "Notification"},
	} {
		if status := d.post("/v1/sns/aws", c.kind, c.body); status != http.StatusForbidden {
			t.Errorf("%s was answered %d", name, status)
		}
	}
	foreign, err := snssign.New("eu-west-1", "999999999999", "their-topic", d.now)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := foreign.Envelope("x", alarmText, d.now)
	if status := d.post("/v1/sns/aws", "Notification", b); status != http.StatusForbidden {
		t.Errorf("a topic that is not in the list was answered %d", status)
	}
	if len(d.got) != 1 {
		t.Errorf("%d batches were accepted", len(d.got))
	}
}

func TestWhatMayGoAwayIsAnswered503(t *testing.T) {
	d := newDoor(t, nil)
	body := d.envelope(t, alarmText, d.now)
	d.net = roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") })
	if status := d.post("/v1/sns/aws", "Notification", body); status != http.StatusServiceUnavailable {
		t.Errorf("without the certificate it was answered %d", status)
	}
	d.net, d.err = d.topic, errors.New("disk full")
	if status := d.post("/v1/sns/aws", "Notification", body); status != http.StatusServiceUnavailable {
		t.Errorf("without a store it was answered %d", status)
	}
}

func TestMessagesThatAreNoAlarmsGoToTheCatchAll(t *testing.T) {
	d := newDoor(t, nil)
	for _, text := range []string{"Hello world", `{"Records":[]}`, `{"AlarmName":"a","NewStateValue":"ALARM","StateChangeTime":"yesterday"}`} {
		d.got = nil
		if status := d.post("/v1/sns/aws", "Notification", d.envelope(t, text, d.now)); status != 200 || len(d.got) != 1 || d.got[0].Alerts[0].Unknown == "" {
			t.Errorf("%s was answered %d", text, status)
		}
	}
}

func TestInsufficientDataChangesNothingByDefault(t *testing.T) {
	text := strings.Replace(alarmText, `"ALARM"`, `"INSUFFICIENT_DATA"`, 1)
	for mode, want := range map[string]int{"ignore": 0, "resolve": 1, "alarm": 1} {
		d := newDoor(t, func(s *config.Source) { s.InsufficientData = mode })
		if status := d.post("/v1/sns/aws", "Notification", d.envelope(t, text, d.now)); status != 200 || len(d.got) != want {
			t.Errorf("%s: answered %d with %d batches", mode, status, len(d.got))
		}
	}
}

func TestRawDeliveryNeedsItsOwnCredential(t *testing.T) {
	raw, err := os.ReadFile("testdata/sns/derived/raw-delivery-lambda-errors-ALARM.json")
	if err != nil {
		t.Fatal(err)
	}
	arn := "arn:aws:sns:eu-west-1:123456789012:pager-alarms"
	open := newDoor(t, nil)
	if status := open.post("/v1/sns/aws", "Notification", raw, "X-Amz-Sns-Rawdelivery", "true", "X-Amz-Sns-Topic-Arn", arn); status != http.StatusForbidden || len(open.got) > 0 {
		t.Errorf("unsigned and without a credential it was answered %d", status)
	}
	guarded := newDoor(t, func(s *config.Source) { s.Raw, s.Tokens = true, []config.Secret{"tok"} })
	if status := guarded.post("/v1/sns/aws", "Notification", raw, "X-Amz-Sns-Rawdelivery", "true", "X-Amz-Sns-Topic-Arn", arn); status != http.StatusUnauthorized {
		t.Errorf("without its credential it was answered %d", status)
	}
	if status := guarded.post("/v1/sns/aws/tok", "Notification", raw, "X-Amz-Sns-Rawdelivery", "true", "X-Amz-Sns-Topic-Arn", arn); status != 200 || len(guarded.got) != 1 {
		t.Errorf("with its credential it was answered %d", status)
	}
	if status := guarded.post("/v1/sns/aws/tok", "Notification", raw, "X-Amz-Sns-Rawdelivery", "true", "X-Amz-Sns-Topic-Arn", arn+"x"); status != http.StatusForbidden {
		t.Errorf("another topic was answered %d", status)
	}
}
