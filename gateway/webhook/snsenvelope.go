package webhook

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// envelope is what SNS posts. Only what is signed may be believed: MessageAttributes and the URLs of certificate and
// unsubscription are not.
type envelope struct {
	Type             string  `json:"Type"`
	MessageID        string  `json:"MessageId"`
	TopicArn         string  `json:"TopicArn"`
	Subject          *string `json:"Subject"`
	Message          string  `json:"Message"`
	Timestamp        string  `json:"Timestamp"`
	SignatureVersion string  `json:"SignatureVersion"`
	Signature        string  `json:"Signature"`
	SigningCertURL   string  `json:"SigningCertURL"`
	Token            string  `json:"Token"`
	SubscribeURL     string  `json:"SubscribeURL"`
}

// parseEnvelope reads an envelope without believing it.
func parseEnvelope(body []byte) (envelope, error) {
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil {
		return e, &bad{"the body is no SNS message", "subscribe the topic without raw delivery, or allow raw: true with a token"}
	}
	switch e.Type {
	case "Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation":
		return e, nil
	}
	return e, &bad{fmt.Sprintf("the SNS type %q is not known", clip(e.Type, 40)), "only SNS posts here"}
}

// published is when SNS took the message, zero if it does not say.
func (e envelope) published() time.Time {
	at, err := time.Parse(time.RFC3339, e.Timestamp)
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}

// signed is the string that Amazon signs: the values as decoded, in this order.
func (e envelope) signed() string {
	var b strings.Builder
	add := func(key, value string) {
		b.WriteString(key)
		b.WriteByte('\n')
		b.WriteString(value)
		b.WriteByte('\n')
	}
	add("Message", e.Message)
	add("MessageId", e.MessageID)
	if e.Type == "Notification" {
		if e.Subject != nil {
			add("Subject", *e.Subject)
		}
	} else {
		add("SubscribeURL", e.SubscribeURL)
	}
	add("Timestamp", e.Timestamp)
	if e.Type != "Notification" {
		add("Token", e.Token)
	}
	add("TopicArn", e.TopicArn)
	add("Type", e.Type)
	return b.String()
}

// verify checks the signature with the certificate.
func (e envelope) verify(cert *x509.Certificate) error {
	algorithm := x509.SHA1WithRSA
	switch e.SignatureVersion {
	case "1":
	case "2":
		algorithm = x509.SHA256WithRSA
	default:
		return fmt.Errorf("signature version %q is not known", clip(e.SignatureVersion, 10))
	}
	sig, err := base64.StdEncoding.DecodeString(e.Signature)
	if err != nil {
		return errors.New("the signature is not base64")
	}
	if err := cert.CheckSignature(algorithm, []byte(e.signed()), sig); err != nil {
		return errors.New("the signature does not fit")
	}
	return nil
}
