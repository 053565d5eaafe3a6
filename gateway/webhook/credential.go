package webhook

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"pagerd/config"
)

// source is a configured source with its credentials as hashes, so that comparing takes the same time for every guess.
type source struct {
	config.Source
	tokens [][sha256.Size]byte
	user   [sha256.Size]byte
	pass   [sha256.Size]byte
	basic  bool
	topics map[string]bool
}

func newSource(s config.Source) source {
	out := source{Source: s, topics: map[string]bool{}}
	for _, t := range s.Tokens {
		if t != "" {
			out.tokens = append(out.tokens, sha256.Sum256([]byte(t)))
		}
	}
	if s.BasicUser != "" && s.BasicPass != "" {
		out.basic = true
		out.user, out.pass = sha256.Sum256([]byte(s.BasicUser)), sha256.Sum256([]byte(s.BasicPass))
	}
	for _, t := range s.Topics {
		out.topics[t] = true
	}
	return out
}

// guarded reports whether the source has a credential at all.
func (s source) guarded() bool { return len(s.tokens) > 0 || s.basic }

// allows reports whether the request carries one of the source's credentials: as bearer or other Authorization scheme, in
// X-Pager-Token, as basic auth, or as the path's last element. For an unknown source the answer is no.
func (s source) allows(r *http.Request, token string) bool {
	ok := 0
	if user, pass, given := r.BasicAuth(); given {
		u, p := sha256.Sum256([]byte(user)), sha256.Sum256([]byte(pass))
		match := subtle.ConstantTimeCompare(u[:], s.user[:]) & subtle.ConstantTimeCompare(p[:], s.pass[:])
		if s.basic {
			ok |= match
		}
	}
	for _, given := range []string{scheme(r.Header.Get("Authorization")), r.Header.Get("X-Pager-Token"), token} {
		if given == "" {
			continue
		}
		sum := sha256.Sum256([]byte(given))
		for _, t := range s.tokens {
			ok |= subtle.ConstantTimeCompare(sum[:], t[:])
		}
	}
	return ok == 1
}

// scheme returns what follows the first word of an Authorization header, unless it is Basic.
func scheme(header string) string {
	word, rest, ok := strings.Cut(header, " ")
	if !ok || strings.EqualFold(word, "Basic") {
		return ""
	}
	return strings.TrimSpace(rest)
}
