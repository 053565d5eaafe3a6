// Package snssign stands in for Amazon SNS in the demo and in tests: it publishes messages signed with a key of its own.
//
// It promises that nothing trusts it by configuration: whoever wants its messages believed must hand its certificate pool
// and transport to the gateway in code.
package snssign

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"time"
)

// Topic is a simulated topic with its signing key.
type Topic struct {
	ARN  string
	host string
	key  *rsa.PrivateKey
	cert *x509.Certificate
	pem  []byte
}

// New makes a topic in the given region of the commercial partition. now is where the certificate's validity begins.
func New(region, account, name string, now time.Time) (*Topic, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "sns.amazonaws.com"},
		DNSNames: []string{"sns.amazonaws.com"}, NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(10 * 365 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read the certificate: %w", err)
	}
	return &Topic{ARN: "arn:aws:sns:" + region + ":" + account + ":" + name, host: "sns." + region + ".amazonaws.com", key: key, cert: cert,
		pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}, nil
}

// Roots is a pool that trusts this topic alone.
func (t *Topic) Roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(t.cert)
	return pool
}

// RoundTrip answers for Amazon: the certificate, and the confirmation of a subscription. Nothing goes to a network.
func (t *Topic) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := func(status int, body []byte) (*http.Response, error) {
		return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: http.Header{}, Request: r,
			Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body))}, nil
	}
	switch {
	case r.URL.Host != t.host:
		return answer(http.StatusNotFound, nil)
	case strings.HasSuffix(r.URL.Path, ".pem"):
		return answer(http.StatusOK, t.pem)
	case r.URL.Query().Get("Action") == "ConfirmSubscription" && r.URL.Query().Get("TopicArn") == t.ARN:
		return answer(http.StatusOK, []byte("<ConfirmSubscriptionResponse><ConfirmSubscriptionResult><SubscriptionArn>"+t.ARN+":1</SubscriptionArn></ConfirmSubscriptionResult></ConfirmSubscriptionResponse>"))
	}
	return answer(http.StatusNotFound, nil)
}

// Envelope is the body that SNS posts for a message, signed with version 2 (SHA-256).
func (t *Topic) Envelope(subject, message string, at time.Time) ([]byte, error) {
	id := make([]byte, 16)
	_, _ = rand.Read(id)
	e := map[string]string{"Type": "Notification", "MessageId": hex.EncodeToString(id), "TopicArn": t.ARN, "Subject": subject, "Message": message,
		"Timestamp": at.UTC().Format("2006-01-02T15:04:05.000Z"), "SignatureVersion": "2",
		"SigningCertURL": "https://" + t.host + "/SimpleNotificationService-0000000000000000000000000000demo.pem"}
	var b strings.Builder
	for _, key := range []string{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"} {
		b.WriteString(key + "\n" + e[key] + "\n")
	}
	sum := sha256.Sum256([]byte(b.String()))
	sig, err := rsa.SignPKCS1v15(rand.Reader, t.key, crypto.SHA256, sum[:])
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	e["Signature"] = base64.StdEncoding.EncodeToString(sig)
	return json.MarshalIndent(e, "", "  ")
}

// Post publishes a message to an endpoint and returns the status that it answered.
func (t *Topic) Post(ctx context.Context, endpoint, subject, message string, at time.Time) (int, error) {
	body, err := t.Envelope(subject, message, at)
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "text/plain; charset=UTF-8")
	req.Header.Set("User-Agent", "Amazon Simple Notification Service Agent")
	req.Header.Set("X-Amz-Sns-Message-Type", "Notification")
	req.Header.Set("X-Amz-Sns-Topic-Arn", t.ARN)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, nil
}
