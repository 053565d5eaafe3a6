package twilio

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
)

// signature is X-Twilio-Signature: base64 of HMAC-SHA1 over the whole URL and every key with its value, keys sorted.
func signature(token, address string, form url.Values) string {
	keys := make([]string, 0, len(form))
	for k := range form {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	h := hmac.New(sha1.New, []byte(token))
	h.Write([]byte(address))
	for _, k := range keys {
		h.Write([]byte(k))
		h.Write([]byte(form.Get(k)))
	}
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// genuine reports whether one of the tokens signed the form for the address. Twilio signs some addresses with and some
// without the port, so both are tried. Every candidate is computed: the time says nothing about which one fitted.
func genuine(tokens []string, address string, form url.Values, given string) bool {
	ok := 0
	for _, token := range tokens {
		if token == "" {
			continue
		}
		for _, a := range withAndWithoutPort(address) {
			ok |= subtle.ConstantTimeCompare([]byte(signature(token, a, form)), []byte(given))
		}
	}
	return ok == 1
}

func withAndWithoutPort(address string) []string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return []string{address}
	}
	host, path := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	bracket := strings.LastIndexByte(host, ']')
	if i := strings.LastIndexByte(host, ':'); i > bracket {
		return []string{address, scheme + "://" + host[:i] + path}
	}
	port := ":443"
	if scheme == "http" {
		port = ":80"
	}
	return []string{address, scheme + "://" + host + port + path}
}
