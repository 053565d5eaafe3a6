package webhook

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzScan compares the scanner with the standard library's: what one takes for JSON the other must.
func FuzzScan(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":1,"b":[{"c":"\"]}"}]}`, `{"a":[}`, `{"a" 1}`, `{,}`, `{"a":1,}`, `{"":""} x`, "{\"a\":\"\n\"}", `{"\ud800":tru}`, "\ufeff{}", `{"a":{"b":[1,2,{}]}}`, `{"alerts":[{"labels":{"a":"b"}}]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		members := 0
		err := object(text, func(_, value []byte) error { members++; return valid(value) })
		var want map[string]json.RawMessage
		wantErr := json.Unmarshal(text, &want)
		if bytes.Equal(bytes.TrimSpace(text), []byte("null")) || bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) > maxDepth {
			return
		}
		if (err == nil) != (wantErr == nil) || err == nil && members < len(want) {
			t.Errorf("%q: %v with %d members, the standard library says %v with %d", text, err, members, wantErr, len(want))
		}
		if _, err := ParseAlertmanager(text, "s"); err == nil && wantErr != nil {
			t.Errorf("%q is taken and is no JSON", text)
		}
	})
}
