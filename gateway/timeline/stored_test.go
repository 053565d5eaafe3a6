package timeline

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestNoFlippedBitOfWhatIsStoredPasses: each bit of a stored chain is flipped in turn. What still can be read either means
// the same (JSON does not care about the case of a key) or is named.
func TestNoFlippedBitOfWhatIsStoredPasses(t *testing.T) {
	entries, head := chain(3)
	stored, err := json.Marshal(entries)
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for i := range stored {
		for bit := range 8 {
			flipped := append([]byte(nil), stored...)
			flipped[i] ^= 1 << bit
			var read []Entry
			if json.Unmarshal(flipped, &read) != nil {
				continue
			}
			if Verify(read, head) != nil {
				named++
			} else if !reflect.DeepEqual(read, entries) {
				t.Fatalf("byte %d, bit %d: %s passes", i, bit, flipped)
			}
		}
	}
	if named < 1000 {
		t.Errorf("only %d flips could be read and were named", named)
	}
}

// FuzzWhatIsSealedIsWhatIsRead: whatever a responder writes, an entry verifies after it was stored and read.
func FuzzWhatIsSealedIsWhatIsRead(f *testing.F) {
	f.Add("ana", "looking", "4", int64(1))
	f.Add("ana\xff", "\u2028<b>", "\x00\"", int64(-1))
	f.Fuzz(func(t *testing.T, actor, text, raw string, nanos int64) {
		at := time.Unix(1774666800, nanos%1e9).In(time.FixedZone("", 7200))
		first := Seal(Entry{Object: "page/1", Seq: 1, At: at, Actor: actor, What: "note", Text: text, Facts: map[string]string{"raw": raw}}, "")
		second := Seal(Entry{Object: "page/1", Seq: 2, At: at.UTC(), Actor: actor, What: "note"}, first.Hash)
		b, err := json.Marshal([]Entry{first, second})
		if err != nil {
			t.Fatal(err)
		}
		var read []Entry
		if err := json.Unmarshal(b, &read); err != nil {
			t.Fatal(err)
		}
		if err := Verify(read, second.Hash); err != nil {
			t.Fatal(err)
		}
	})
}

// TestAnEntryOfAnotherObjectDoesNotFit: somebody hides what happened by taking an entry from elsewhere, or the whole chain.
func TestAnEntryOfAnotherObjectDoesNotFit(t *testing.T) {
	entries, head := chain(3)
	other := Entry{Object: "page/7", Seq: 2, At: entries[1].At, Actor: "ana", What: "note"}
	for name, e := range map[string]Entry{"as it was": Seal(other, "somewhere else"), "sealed to fit": Seal(other, entries[0].Hash)} {
		if err := Verify([]Entry{entries[0], e, entries[2]}, head); err == nil {
			t.Errorf("%s: passes", name)
		}
	}
	if err := Verify(nil, ""); err != nil {
		t.Errorf("an object without entries: %v", err)
	}
	if err := Verify(entries, ""); err == nil || !strings.Contains(err.Error(), "tail is cut") {
		t.Errorf("a head that is gone: %v", err)
	}
}
