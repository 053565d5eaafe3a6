package audit

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
)

// TestFormatOneIsVerifiedForEver: a chain that the first release wrote is read and believed, and the same heads make the same
// chain today. A hash that is computed in another way would call every old record a forgery.
func TestFormatOneIsVerifiedForEver(t *testing.T) {
	b, err := os.ReadFile("testdata/anchors-1.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var kept []Anchor
	var l Ledger
	for line := range strings.Lines(string(b)) {
		var a Anchor
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatal(err)
		}
		if err := l.Add(a); err != nil {
			t.Error(err)
		}
		kept = append(kept, a)
	}
	first, second := many(3, 1), many(4, 1)
	second[1] = object(second[1].Object, 2).Head
	second[0].Closed = at(day)
	if _, made := chain(t, first, second); !reflect.DeepEqual(made, kept) {
		for _, a := range made {
			line, _ := json.Marshal(a)
			t.Errorf("the same heads make\n%s", line)
		}
	}
}
