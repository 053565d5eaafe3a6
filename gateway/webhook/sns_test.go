package webhook

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// certificates serves the captured certificates by the last element of the address, as Amazon would.
type certificates struct{ asked []string }

func (c *certificates) RoundTrip(r *http.Request) (*http.Response, error) {
	c.asked = append(c.asked, r.URL.String())
	for _, dir := range []string{"testdata/sns/signed/certs", "testdata/sns/derived"} {
		if b, err := os.ReadFile(filepath.Join(dir, filepath.Base(r.URL.Path))); err == nil {
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(b)), Request: r, Header: http.Header{}}, nil
		}
	}
	return &http.Response{StatusCode: http.StatusNotFound, Body: io.NopCloser(strings.NewReader("")), Request: r, Header: http.Header{}}, nil
}

// captured is a pool that trusts exactly the captured certificates.
func captured(t *testing.T) *x509.CertPool {
	t.Helper()
	pool := x509.NewCertPool()
	files, _ := filepath.Glob("testdata/sns/signed/certs/*.pem")
	for _, f := range append(files, "testdata/sns/derived/SimpleNotificationService-00000000000000000000000000000test.pem") {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(b)
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		pool.AddCert(c)
	}
	return pool
}

func load(t *testing.T, file string) envelope {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	e, err := parseEnvelope(b)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return e
}

func TestSignaturesThatAmazonReallyMadeAreTrusted(t *testing.T) {
	files, _ := filepath.Glob("testdata/sns/signed/*.json")
	derived, _ := filepath.Glob("testdata/sns/derived/*.v?.json")
	if len(files) < 7 || len(derived) < 10 {
		t.Fatalf("%d signed and %d derived fixtures", len(files), len(derived))
	}
	for _, f := range append(files, derived...) {
		e := load(t, f)
		at, err := time.Parse(time.RFC3339, e.Timestamp)
		if err != nil {
			t.Fatal(err)
		}
		s := NewSNS(&certificates{}, captured(t), func() time.Time { return at.Add(time.Minute) })
		err = s.verify(context.Background(), e)
		if strings.HasSuffix(f, "china.v1.json") {
			// Signed with a certificate that names the worldwide signer: for a Chinese topic that is a forgery.
			if err == nil {
				t.Errorf("%s: a certificate of another partition is trusted", f)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", f, err)
		}
		e.Message += "!"
		if err := s.verify(context.Background(), e); err == nil {
			t.Errorf("%s: a changed message is trusted", f)
		}
	}
}

// TestHostileCertificateAddressesAreRefusedBeforeAnyNetwork: an attacker names a certificate of their own, so that their
// own signature fits.
func TestHostileCertificateAddressesAreRefusedBeforeAnyNetwork(t *testing.T) {
	good := "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
	tp, err := parseTopic("arn:aws:sns:us-east-1:123456789012:alarms")
	if err != nil {
		t.Fatal(err)
	}
	if err := checkCertificateURL(good, tp); err != nil {
		t.Fatal(err)
	}
	for _, hostile := range []string{
		"http://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
		"https://sns.us-east-1.amazonaws.com.evil.example/SimpleNotificationService-0123456789abcdef.pem",
		"https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
		"https://s3.amazonaws.com/bucket/SimpleNotificationService-0123456789abcdef.pem",
		"https://evil@sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
		"https://sns.us-east-1.amazonaws.com@evil.example/SimpleNotificationService-0123456789abcdef.pem",
		"https://sns.us-east-1.amazonaws.com:8443/SimpleNotificationService-0123456789abcdef.pem",
		"https://sns.us-east-1.amazonaws.com:443/SimpleNotificationService-0123456789abcdef.pem",
		"https://SNS.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
		"https://sns.us-east-1.amazonaws.com./SimpleNotificationService-0123456789abcdef.pem",
		good + "?x=1", good + "?", good + "#f", good + "#",
		"https://sns.us-east-1.amazonaws.com/x/SimpleNotificationService-0123456789abcdef.pem",
		"https://sns.us-east-1.amazonaws.com/../SimpleNotificationService-0123456789abcdef.pem",
		"https://sns.us-east-1.amazonaws.com//SimpleNotificationService-0123456789abcdef.pem",
		"https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem/",
		"https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem.txt",
		"https://sns.us-east-1.amazonaws.com/%53impleNotificationService-0123456789abcdef.pem",
		"https://sns.us-east-1.xn--amazonaws-x1a.com/SimpleNotificationService-0123456789abcdef.pem",
		"https://169.254.169.254/SimpleNotificationService-0123456789abcdef.pem",
		"https://[::1]/SimpleNotificationService-0123456789abcdef.pem",
		"file:///SimpleNotificationService-0123456789abcdef.pem",
		" " + good, good + "\n", "",
	} {
		if checkCertificateURL(hostile, tp) == nil {
			t.Errorf("%q is taken for Amazon's", hostile)
		}
		net := &certificates{}
		s := NewSNS(net, nil, time.Now)
		_ = s.verify(context.Background(), envelope{Type: "Notification", TopicArn: "arn:aws:sns:us-east-1:123456789012:alarms", SigningCertURL: hostile})
		if len(net.asked) > 0 {
			t.Errorf("%q was fetched", hostile)
		}
	}
}

func TestConfirmationIsBuiltByUsAndNeverTheURLThatWasSent(t *testing.T) {
	tp, _ := parseTopic("arn:aws-cn:sns:cn-north-1:123456789012:alarms")
	got := tp.confirmURL("arn:aws-cn:sns:cn-north-1:123456789012:alarms", "tok&en")
	want := "https://sns.cn-north-1.amazonaws.com.cn/?Action=ConfirmSubscription&Token=tok%26en&TopicArn=arn%3Aaws-cn%3Asns%3Acn-north-1%3A123456789012%3Aalarms"
	if got != want {
		t.Errorf("got %s", got)
	}
}

func TestAlarmsOfEveryShapeAreUnderstood(t *testing.T) {
	for _, c := range []struct {
		file, status, name, namespace, service string
		what                                   Understanding
	}{
		{"derived/lambda-errors-ALARM.v2.json", "firing", "prod-checkout-lambda-errors", "AWS/Lambda", "", Alarm},
		{"derived/lambda-errors-OK.v1.json", "resolved", "prod-checkout-lambda-errors", "AWS/Lambda", "", Alarm},
		{"derived/lambda-errors-INSUFFICIENT_DATA.v1.json", "", "", "", "", Ignored},
		{"derived/apigateway-rest-5xx.v1.json", "firing", "", "AWS/ApiGateway", "", Alarm},
		{"derived/old-style-2019-missing-AlarmArn.v1.json", "firing", "", "", "", Alarm},
		{"derived/anomaly-detection.v1.json", "firing", "", "", "", Alarm},
		{"derived/contributor-b-OK-while-parent-ALARM.v1.json", "resolved", "", "", "", Alarm},
		{"derived/china.v1.json", "firing", "", "", "", Alarm},
		{"aws-bodies-2026/composite.json", "firing", "", "", "", Alarm},
		{"aws-bodies-2026/multi-timeseries-contributor-a-ALARM.json", "firing", "", "", "", Alarm},
		{"signed/cloudwatch-metric-alarm.v1.2021.json", "firing", "", "", "", Alarm},
		{"signed/notification-nosubject.v1.2022.json", "", "", "", "", NotAnAlarm},
	} {
		b, err := os.ReadFile("testdata/sns/" + c.file)
		if err != nil {
			t.Fatal(err)
		}
		var e struct{ Message string }
		if err := json.Unmarshal(b, &e); err != nil {
			t.Fatal(err)
		}
		a, what := ParseCloudWatch([]byte(e.Message), "aws", "ignore")
		if what != c.what {
			t.Errorf("%s is %s, want %s", c.file, what, c.what)
			continue
		}
		if what != Alarm {
			continue
		}
		if c.status != "" && string(a.Status) != c.status {
			t.Errorf("%s: status %s, want %s", c.file, a.Status, c.status)
		}
		if c.name != "" && a.Labels["alertname"] != c.name || c.namespace != "" && a.Labels["namespace"] != c.namespace {
			t.Errorf("%s: labels %v", c.file, a.Labels)
		}
		if a.Fingerprint == "" || a.StartsAt.IsZero() {
			t.Errorf("%s: fingerprint %q, start %s", c.file, a.Fingerprint, a.StartsAt)
		}
	}
}

func TestContributorsOfOneAlarmHaveDifferentIdentities(t *testing.T) {
	identity := func(file string) string {
		var e struct{ Message string }
		b, _ := os.ReadFile("testdata/sns/" + file)
		_ = json.Unmarshal(b, &e)
		a, _ := ParseCloudWatch([]byte(e.Message), "aws", "ignore")
		return a.Fingerprint
	}
	b := identity("derived/contributor-b-OK-while-parent-ALARM.v1.json")
	if !strings.Contains(b, "/") || strings.HasSuffix(b, "/") {
		t.Errorf("identity %q has no contributor", b)
	}
}

func FuzzSNS(f *testing.F) {
	files, _ := filepath.Glob("testdata/sns/*/*.json")
	for _, file := range files {
		b, _ := os.ReadFile(file)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := parseEnvelope(body)
		if err == nil {
			_ = e.signed()
			_, _ = ParseCloudWatch([]byte(e.Message), "s", "alarm")
		}
		_, _ = ParseCloudWatch(body, "s", "resolve")
	})
}
