package webhook

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const reallySigned = "testdata/sns/signed/notification-nosubject.v1.2026.json"

// amazon answers for SNS' endpoint in a test and counts what it was asked.
type amazon struct {
	mu     sync.Mutex
	asked  []string
	answer func(n int, r *http.Request) (status int, header http.Header, body []byte)
}

func (a *amazon) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	a.asked = append(a.asked, r.URL.String())
	n := len(a.asked)
	a.mu.Unlock()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	status, header, body := a.answer(n, r)
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
}

func published(t testing.TB, e envelope) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, e.Timestamp)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func realCertificate(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/sns/signed/certs/SimpleNotificationService-7506a1e35b36ef5a444dd1a8e7cc3ed8.pem")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestAmazonsOwnCertificateIsEnoughWithoutItsIssuer: the file that SNS serves holds the leaf alone and the system's roots
// do not hold its issuer. A verifier that wanted a chain refused every genuine alarm with 403, which SNS never sends again.
func TestAmazonsOwnCertificateIsEnoughWithoutItsIssuer(t *testing.T) {
	e := load(t, reallySigned)
	at := published(t, e)
	a := &amazon{answer: func(int, *http.Request) (int, http.Header, []byte) { return 200, nil, realCertificate(t) }}
	s := NewSNS(a, nil, func() time.Time { return at })
	for range 3 {
		if err := s.verify(context.Background(), e); err != nil {
			t.Fatal(err)
		}
	}
	if len(a.asked) != 1 {
		t.Errorf("asked %d times, want once: the certificate is kept", len(a.asked))
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	e := load(t, reallySigned)
	at := published(t, e)
	a := &amazon{answer: func(int, *http.Request) (int, http.Header, []byte) {
		return http.StatusFound, http.Header{"Location": {"http://169.254.169.254/latest/meta-data"}}, nil
	}}
	s := NewSNS(a, nil, func() time.Time { return at })
	if err := s.verify(context.Background(), e); !errors.Is(err, errTransient) {
		t.Errorf("got %v", err)
	}
	if err := s.confirm(context.Background(), e.TopicArn, "token"); !errors.Is(err, errTransient) {
		t.Errorf("got %v", err)
	}
	for _, address := range a.asked {
		if !bytes.HasPrefix([]byte(address), []byte("https://sns.")) {
			t.Errorf("asked %s", address)
		}
	}
}

// TestWhatStandsBetweenUsAndAmazonIsTransient: a captive proxy's page, a missing file or an outage is answered "come
// again"; only a certificate that is truly not SNS' is final.
func TestWhatStandsBetweenUsAndAmazonIsTransient(t *testing.T) {
	e := load(t, reallySigned)
	at := published(t, e)
	for name, c := range map[string]struct {
		status int
		body   []byte
	}{
		"page":            {200, []byte("<html>log in</html>")},
		"empty":           {200, nil},
		"a key":           {200, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: []byte{1}})},
		"broken":          {200, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte{1}})},
		"1 MB":            {200, bytes.Repeat([]byte{'\n'}, 1<<20)},
		"missing":         {404, nil},
		"forbidden":       {403, realCertificate(t)},
		"outage":          {503, nil},
		"too many":        {429, nil},
		"another success": {206, realCertificate(t)},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := NewSNS(&amazon{answer: func(int, *http.Request) (int, http.Header, []byte) {
				return c.status, http.Header{"Retry-After": {"3600"}}, c.body
			}}, nil, func() time.Time { return at })
			began := time.Now()
			if err := s.verify(t.Context(), e); !errors.Is(err, errTransient) {
				t.Errorf("%s: got %v", name, err)
			}
			if took := time.Since(began); took > fetchTime {
				t.Errorf("%s: took %s, SNS waits 15 s", name, took)
			}
		})
	}
}

func TestABriefOutageOfAmazonIsWaitedOut(t *testing.T) {
	e := load(t, reallySigned)
	at := published(t, e)
	synctest.Test(t, func(t *testing.T) {
		a := &amazon{answer: func(n int, _ *http.Request) (int, http.Header, []byte) {
			if n < 3 {
				return 503, nil, nil
			}
			return 200, nil, realCertificate(t)
		}}
		if err := NewSNS(a, nil, func() time.Time { return at }).verify(t.Context(), e); err != nil {
			t.Error(err)
		}
	})
}

func TestOneFetchServesAllWhoWaitForIt(t *testing.T) {
	e := load(t, reallySigned)
	at := published(t, e)
	synctest.Test(t, func(t *testing.T) {
		a := &amazon{answer: func(int, *http.Request) (int, http.Header, []byte) {
			select { // a slow answer, in virtual time
			case <-time.After(time.Second):
			case <-t.Context().Done():
			}
			return 200, nil, realCertificate(t)
		}}
		s := NewSNS(a, nil, func() time.Time { return at })
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if err := s.verify(t.Context(), e); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if len(a.asked) != 1 {
			t.Errorf("asked %d times", len(a.asked))
		}
	})
}

// TestWhoeverInventsCertificateNamesKeepsNothingBusy: the envelope is not yet believed when its certificate is fetched.
func TestWhoeverInventsCertificateNamesKeepsNothingBusy(t *testing.T) {
	e := load(t, reallySigned)
	at := published(t, e)
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		running, most := 0, 0
		a := &amazon{answer: func(int, *http.Request) (int, http.Header, []byte) {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			<-time.After(time.Second)
			mu.Lock()
			running--
			mu.Unlock()
			return 404, nil, nil
		}}
		s := NewSNS(a, nil, func() time.Time { return at })
		var wg sync.WaitGroup
		for i := range 100 {
			forged := e
			forged.SigningCertURL = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-" + string(rune('a'+i%26)) + string(rune('a'+i/26)) + ".pem"
			forged.TopicArn = "arn:aws:sns:us-east-1:123456789012:x"
			wg.Go(func() {
				if err := s.verify(t.Context(), forged); !errors.Is(err, errTransient) {
					t.Errorf("got %v", err)
				}
			})
		}
		wg.Wait()
		if most == 0 || most > maxFetches {
			t.Errorf("%d fetches at a time, want at most %d", most, maxFetches)
		}
		if len(s.certs) != 0 || len(s.busy) != 0 {
			t.Errorf("%d certificates kept, %d fetches left", len(s.certs), len(s.busy))
		}
	})
}

// forge makes a certificate of its own for a name and signs nothing with it.
func forge(t *testing.T, name string, from, until time.Time) []byte {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: from, NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func TestACertificateThatIsNotSNSOrNotValidIsRefusedForGood(t *testing.T) {
	e := load(t, reallySigned)
	at := published(t, e)
	for name, body := range map[string][]byte{
		"another name":  forge(t, "s3.amazonaws.com", at.Add(-time.Hour), at.Add(time.Hour)),
		"expired":       forge(t, "sns.amazonaws.com", at.Add(-time.Hour), at.Add(-time.Second)),
		"not yet valid": forge(t, "sns.amazonaws.com", at.Add(time.Second), at.Add(time.Hour)),
		"another key":   forge(t, "sns.amazonaws.com", at.Add(-time.Hour), at.Add(time.Hour)),
	} {
		s := NewSNS(&amazon{answer: func(int, *http.Request) (int, http.Header, []byte) { return 200, nil, body }}, nil, func() time.Time { return at })
		if err := s.verify(context.Background(), e); err == nil || errors.Is(err, errTransient) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestAMessageIsFreshForAsLongAsSNSRetriesIt(t *testing.T) {
	e := load(t, reallySigned)
	at := published(t, e)
	for age, fresh := range map[time.Duration]bool{time.Hour: true, maxAge: true, maxAge + time.Second: false, 24 * time.Hour: false,
		-maxFuture: true, -maxFuture - time.Second: false} {
		a := &amazon{answer: func(int, *http.Request) (int, http.Header, []byte) { return 200, nil, realCertificate(t) }}
		err := NewSNS(a, nil, func() time.Time { return at.Add(age) }).verify(context.Background(), e)
		if (err == nil) != fresh {
			t.Errorf("%s old: got %v", age, err)
		}
		if !fresh && len(a.asked) != 0 {
			t.Errorf("%s old: the certificate of a stale message was fetched", age)
		}
	}
}

// TestTheDefaultClientChecksTLS: with TLS as the anchor, a server that is not Amazon by the system's roots must not be heard.
func TestTheDefaultClientChecksTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(realCertificate(t)) }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it is told of the refusal
	server.StartTLS()
	defer server.Close()
	_, err := NewSNS(nil, nil, time.Now).client.HTTPClient.Get(server.URL)
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		t.Errorf("got %v", err)
	}
}

func TestCertificateNamesOfEveryPartition(t *testing.T) {
	for arn, want := range map[string][2]string{
		"arn:aws:sns:eu-west-1:123456789012:x":             {"sns.eu-west-1.amazonaws.com", "sns.amazonaws.com"},
		"arn:aws:sns:ap-east-1:123456789012:x":             {"sns.ap-east-1.amazonaws.com", "sns-signing.ap-east-1.amazonaws.com"},
		"arn:aws-cn:sns:cn-northwest-1:123456789012:x":     {"sns.cn-northwest-1.amazonaws.com.cn", "sns-cn-northwest-1.amazonaws.com.cn"},
		"arn:aws-us-gov:sns:us-gov-east-1:123456789012:x":  {"sns.us-gov-east-1.amazonaws.com", "sns-us-gov-west-1.amazonaws.com"},
		"arn:aws-iso:sns:us-iso-east-1:123456789012:x":     {"sns.us-iso-east-1.c2s.ic.gov", "sns-us-iso-east-1.c2s.ic.gov"},
		"arn:aws-iso-b:sns:us-isob-east-1:123456789012:x":  {"sns.us-isob-east-1.sc2s.sgov.gov", "sns-us-isob-east-1.sc2s.sgov.gov"},
		"arn:aws-iso-e:sns:eu-isoe-west-1:123456789012:x":  {"sns.eu-isoe-west-1.cloud.adc-e.uk", "sns-signing.eu-isoe-west-1.cloud.adc-e.uk"},
		"arn:aws-iso-f:sns:us-isof-south-1:123456789012:x": {"sns.us-isof-south-1.csp.hci.ic.gov", "sns-signing.us-isof-south-1.csp.hci.ic.gov"},
		"arn:aws-eusc:sns:eusc-de-east-1:123456789012:x":   {"sns.eusc-de-east-1.amazonaws.eu", "sns-signing.eusc-de-east-1.amazonaws.eu"},
	} {
		tp, err := parseTopic(arn)
		if err != nil {
			t.Errorf("%s: %v", arn, err)
			continue
		}
		named := false
		for _, n := range tp.names() {
			named = named || n == want[1]
		}
		if tp.host() != want[0] || !named {
			t.Errorf("%s: host %s, names %v", arn, tp.host(), tp.names())
		}
	}
	for _, arn := range []string{"", "arn:aws:sqs:eu-west-1:123456789012:x", "arn:aws:sns:evil.example/:123456789012:x", "arn:evil:sns:eu-west-1:123456789012:x",
		"arn:aws:sns:eu-west-1:12345678901:x", "arn:aws:sns:eu-west-1:123456789012:a b", "arn:aws:sns:eu-west-1:123456789012:x\n"} {
		if _, err := parseTopic(arn); err == nil {
			t.Errorf("%q is taken for a topic", arn)
		}
	}
}
