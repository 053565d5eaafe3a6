package twiliosim

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Twilio's documented signature is HMAC-SHA1
	"encoding/base64"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Sign is X-Twilio-Signature for a form posted to a URL: the base64 HMAC-SHA1, under the auth token, of the whole URL
// followed by every key and value, keys sorted. Of a key with several values each distinct value is signed once, in
// order. A nil form signs the URL alone, as for a GET.
func Sign(authToken, webhook string, form url.Values) string {
	var text strings.Builder
	text.WriteString(webhook)
	for _, key := range slices.Sorted(maps.Keys(form)) {
		values := slices.Clone(form[key])
		slices.Sort(values)
		for _, value := range slices.Compact(values) {
			text.WriteString(key)
			text.WriteString(value)
		}
	}
	mac := hmac.New(sha1.New, []byte(authToken))
	mac.Write([]byte(text.String()))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
