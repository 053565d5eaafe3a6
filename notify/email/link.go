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

// Sign returns the link's token, which is safe in a path.
func (l Links) Sign(link Link) string {
	body, err := json.Marshal(link)
	if err != nil { // strings and numbers only
		return ""
	}
	text := base64.RawURLEncoding.EncodeToString(body)
	return text + "." + base64.RawURLEncoding.EncodeToString(mac(l.Keys[0], text))
}

// Parse checks a token at now. It returns ErrForeign or ErrExpired.
func (l Links) Parse(token string, now time.Time) (Link, error) {
	text, sig, ok := strings.Cut(token, ".")
	given, err := base64.RawURLEncoding.Strict().DecodeString(sig)
	if !ok || err != nil || len(token) > maxToken {
		return Link{}, ErrForeign
	}
	genuine := false
	for _, key := range l.Keys {
		genuine = hmac.Equal(given, mac(key, text)) || genuine
	}
	if !genuine {
		return Link{}, ErrForeign
	}
	body, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return Link{}, ErrForeign
	}
	var link Link
	if err := json.Unmarshal(body, &link); err != nil {
		return Link{}, ErrForeign
	}
	if now.Unix() >= link.Expires {
		return Link{}, ErrExpired
	}
	return link, nil
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("pagerd link 1\n"))
	h.Write([]byte(text))
	return h.Sum(nil)
}
