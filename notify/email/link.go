package email

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// Link is what a mail's link acts for.
type Link struct {
	Delivery string  `json:"d"`
	Person   string  `json:"p"`
	Pages    []int64 `json:"n"`
	Rounds   []int   `json:"r"`
	Expires  int64   `json:"e"` // Unix seconds
}

// Links signs and reads links. The first key signs; all are accepted, so that a key can be replaced. There must be one.
type Links struct{ Keys [][]byte }

// Errors of Parse.
var (
	ErrForeign = errors.New("the link is not ours or was changed")
	ErrExpired = errors.New("the link has expired")
)

// maxToken bounds what is decoded: a bundle of twenty pages takes a few hundred bytes.
const maxToken = 4096

// What a token is good for: one for a page ends no subscription.
const (
	forPage    = "pagerd link 1\n"
	forMailing = "pagerd subscription 1\n"
)

// Sign returns the link's token, which is safe in a path.
func (l Links) Sign(link Link) string { return l.sign(forPage, link) }

// Parse checks a token at now. It returns ErrForeign or ErrExpired.
func (l Links) Parse(token string, now time.Time) (Link, error) {
	var link Link
	if err := l.open(forPage, token, &link); err != nil {
		return Link{}, err
	}
	if now.Unix() >= link.Expires {
		return Link{}, ErrExpired
	}
	return link, nil
}

// Subscription is what a link in a letter is good for: to confirm an address, or to end a subscription.
type Subscription struct {
	Address string `json:"a,omitempty"` // to be confirmed
	Number  int64  `json:"n,omitempty"` // to be ended
	Expires int64  `json:"e,omitempty"` // Unix seconds; 0 = never: an old letter must still end what it belongs to
}

// SignSubscription returns the token of a link in a letter, which is safe in a path.
func (l Links) SignSubscription(s Subscription) string { return l.sign(forMailing, s) }

// ParseSubscription checks such a token at now. It returns ErrForeign or ErrExpired.
func (l Links) ParseSubscription(token string, now time.Time) (Subscription, error) {
	var s Subscription
	if err := l.open(forMailing, token, &s); err != nil {
		return Subscription{}, err
	}
	if s.Expires != 0 && now.Unix() >= s.Expires {
		return Subscription{}, ErrExpired
	}
	return s, nil
}

func (l Links) sign(purpose string, v any) string {
	body, err := json.Marshal(v)
	if err != nil { // strings and numbers only
		return ""
	}
	text := base64.RawURLEncoding.EncodeToString(body)
	return text + "." + base64.RawURLEncoding.EncodeToString(mac(l.Keys[0], purpose, text))
}

// open reads a token of ours into v, or returns ErrForeign.
func (l Links) open(purpose, token string, v any) error {
	text, sig, ok := strings.Cut(token, ".")
	given, err := base64.RawURLEncoding.Strict().DecodeString(sig)
	if !ok || err != nil || len(token) > maxToken {
		return ErrForeign
	}
	genuine := false
	for _, key := range l.Keys {
		genuine = hmac.Equal(given, mac(key, purpose, text)) || genuine
	}
	if !genuine {
		return ErrForeign
	}
	body, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || json.Unmarshal(body, v) != nil {
		return ErrForeign
	}
	return nil
}

func mac(key []byte, purpose, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(purpose))
	h.Write([]byte(text))
	return h.Sum(nil)
}
