package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"go.uber.org/zap"

	"pagerd/config"
	"pagerd/gateway/postmortem"
)

// maxBody is what a request to the API may carry: a note and some numbers.
const maxBody = 64 << 10

// maxDocument is the same where a whole text is sent: JSON may need two bytes for one.
const maxDocument = 2*postmortem.MaxText + maxBody

// callerKey is the context key of the caller's token. A request's identity is the one thing that the context carries
// besides cancellation.
type callerKey struct{}

// caller returns the token that the request was let in with; the zero Token on a route that needs none.
func caller(ctx context.Context) config.Token {
	t, _ := ctx.Value(callerKey{}).(config.Token)
	return t
}

// guard lets a request through to its route when the caller may, and answers with the error otherwise.
func (s *server) guard(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rt.role != anyone {
			token, err := s.authorize(r, rt.role)
			if err != nil {
				s.fail(w, r, err)
				return
			}
			r = r.WithContext(context.WithValue(r.Context(), callerKey{}, token))
		}
		limit := int64(maxBody)
		if strings.HasSuffix(rt.path, "/edit") {
			limit = maxDocument
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		if err := rt.handle(s, w, r); err != nil {
			s.fail(w, r, err)
		}
	})
}

// authorize finds the caller's token and compares its role.
func (s *server) authorize(r *http.Request, need role) (config.Token, error) {
	tokens := s.Config().Tokens
	if len(tokens) == 0 {
		return config.Token{}, &fault{status: http.StatusForbidden, message: "the API is closed: no token is configured",
			hint: "name one under tokens: in the configuration, with a role (viewer, responder, admin), and reload; /status needs none"}
	}
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || strings.TrimSpace(secret) == "" {
		return config.Token{}, &fault{status: http.StatusUnauthorized, message: "a token is required",
			hint: "send it as the header Authorization: Bearer TOKEN, or give pagerd --token"}
	}
	token, ok := findToken(tokens, strings.TrimSpace(secret))
	if !ok {
		s.Log.Warn("API token refused", zap.String("path", r.URL.Path), zap.String("remote", r.RemoteAddr))
		return config.Token{}, &fault{status: http.StatusUnauthorized, message: "this token is not known",
			hint: "it may have been replaced; the tokens are in the configuration under tokens:"}
	}
	if parseRole(token.Role) < need {
		return config.Token{}, &fault{status: http.StatusForbidden,
			message: "token " + token.Name + " has the role " + token.Role + "; this needs " + need.String()}
	}
	return token, nil
}

// findToken compares digests in constant time, with every token whatever the outcome.
func findToken(tokens []config.Token, secret string) (config.Token, bool) {
	given := sha256.Sum256([]byte(secret))
	var found config.Token
	ok := false
	for _, t := range tokens {
		want := sha256.Sum256([]byte(t.Secret))
		if subtle.ConstantTimeCompare(given[:], want[:]) == 1 && t.Secret != "" {
			found, ok = t, true
		}
	}
	return found, ok
}
