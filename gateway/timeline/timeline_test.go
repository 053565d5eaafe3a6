package timeline

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func chain(n int) ([]Entry, string) {
	var out []Entry
	head := ""
	for i := range n {
		e := Seal(Entry{Object: "page/1042", Seq: int64(i + 1), At: time.Date(2026, 3, 28, 3, i, 0, 0, time.UTC), Actor: "ana", What: "note",
			Facts: map[string]string{"raw": strings.Repeat("4", i)}}, head)
		out, head = append(out, e), e.Hash
	}
	return out, head
}

// TestTamperingIsNamed: somebody who can write the file changes what happened after the fact.
func TestTamperingIsNamed(t *testing.T) {
	entries, head := chain(5)
	if err := Verify(entries, head); err != nil {
		t.Fatal(err)
	}
	change := func(f func(e []Entry) []Entry) []Entry { return f(slices.Clone(entries)) }
	for name, c := range map[string]struct {
		entries []Entry
		want    string
	}{
		"a changed actor":    {change(func(e []Entry) []Entry { e[2].Actor = "ben"; return e }), "entry 3 was changed"},
		"a changed time":     {change(func(e []Entry) []Entry { e[2].At = e[2].At.Add(time.Second); return e }), "entry 3 was changed"},
		"a changed fact":     {change(func(e []Entry) []Entry { e[2].Facts = nil; return e }), "entry 3 was changed"},
		"a deleted middle":   {change(func(e []Entry) []Entry { return slices.Delete(e, 2, 3) }), "entry 3 is missing"},
		"a cut tail":         {change(func(e []Entry) []Entry { return e[:3] }), "tail is cut"},
		"everything deleted": {nil, "tail is cut"},
		"two swapped":        {change(func(e []Entry) []Entry { e[1], e[2] = e[2], e[1]; return e }), "entry 2 is missing"},
		"a resealed entry":   {change(func(e []Entry) []Entry { e[2].Actor = "ben"; e[2] = Seal(e[2], e[1].Hash); return e }), "entry 4 does not follow"},
	} {
		if err := Verify(c.entries, head); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
