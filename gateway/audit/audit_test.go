package audit

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pagerd/gateway/timeline"
)

func at(d time.Duration) time.Time { return time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC).Add(d) }

const (
	day  = 24 * time.Hour
	keep = 400 * day
)

// object returns an object with a timeline of n entries.
func object(name string, n int) Object {
	o := Object{Head: Head{Object: name}}
	for i := range n {
		e := timeline.Seal(timeline.Entry{Object: name, Seq: int64(i + 1), At: at(0), Actor: "ana", What: "note", Text: fmt.Sprint("entry ", i+1)}, o.Hash)
		o.Timeline, o.Hash, o.Entries = append(o.Timeline, e), e.Hash, e.Seq
	}
	return o
}

// chain anchors what was found, step by step.
func chain(t *testing.T, steps ...[]Head) (l Ledger, all []Anchor) {
	t.Helper()
	for i, found := range steps {
		anchors, odd := l.Next(found, at(time.Duration(i)*time.Hour))
		if len(odd) > 0 {
			t.Fatalf("odd: %v", odd)
		}
		for _, a := range anchors {
			if err := l.Add(a); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, anchors...)
	}
	return l, all
}

func many(n, entries int) (out []Head) {
	for i := range n {
		out = append(out, object(fmt.Sprintf("page/%d", 1001+i), entries).Head)
	}
	return out
}

func TestAnchorHoldsWhatChanged(t *testing.T) {
	first, second := many(3, 1), many(4, 1)
	second[1] = object(second[1].Object, 2).Head
	_, anchors := chain(t, first, first, second)
	var changed []int
	for _, a := range anchors {
		changed = append(changed, len(a.Changed))
	}
	if !slices.Equal(changed, []int{3, 0, 2}) || anchors[2].Objects != 4 || anchors[0].Digest != anchors[1].Digest || anchors[1].Digest == anchors[2].Digest {
		t.Errorf("changed %v in %+v", changed, anchors)
	}
}

func TestManyHeadsTakeSeveralAnchors(t *testing.T) {
	l, anchors := chain(t, many(2*MaxHeads+1, 1))
	if len(anchors) != 3 || len(l.Objects()) != 2*MaxHeads+1 || l.Last().Number != 3 {
		t.Errorf("%d anchors, %d objects", len(anchors), len(l.Objects()))
	}
}

func TestShortenedTimelineIsNotAnchored(t *testing.T) {
	l, _ := chain(t, []Head{object("page/1", 3).Head})
	other := object("page/1", 3).Head
	other.Hash = strings.Repeat("0", 64)
	for _, h := range []Head{object("page/1", 2).Head, other} {
		anchors, odd := l.Next([]Head{h}, at(time.Hour))
		if !slices.Equal(odd, []string{"page/1"}) || len(anchors) != 1 || len(anchors[0].Changed) != 0 {
			t.Errorf("odd %v, anchors %+v", odd, anchors)
		}
	}
}

func TestBrokenChainOfAnchorsIsNamedOnce(t *testing.T) {
	_, whole := chain(t, many(1, 1), many(2, 1), many(3, 1), many(4, 1))
	for name, c := range map[string]struct {
		spoil func(a []Anchor) []Anchor
		want  string
	}{
		"nothing":  {func(a []Anchor) []Anchor { return a }, ""},
		"flipped":  {func(a []Anchor) []Anchor { a[1].Objects++; return a }, "anchor 2 was changed"},
		"deleted":  {func(a []Anchor) []Anchor { return slices.Delete(a, 1, 2) }, "anchor 2 is missing"},
		"first":    {func(a []Anchor) []Anchor { return a[1:] }, "anchor 1 is missing"},
		"replaced": {func(a []Anchor) []Anchor { a[1].Changed = nil; a[1].Hash = a[1].digest(); return a }, "anchor 2 counts 2 objects"},
	} {
		var l Ledger
		var errs []string
		for _, a := range c.spoil(slices.Clone(whole)) {
			if err := l.Add(a); err != nil {
				errs = append(errs, err.Error())
			}
		}
		text := strings.Join(errs, "\n")
		if c.want == "" && text != "" || c.want != "" && !strings.HasPrefix(text, c.want) {
			t.Errorf("%s: %q, want %q first", name, text, c.want)
		}
		// A link that was written anew leaves one more trace: the next one does not follow it.
		if most := 2; len(errs) > most {
			t.Errorf("%s: %d findings of one mistake: %s", name, len(errs), text)
		}
	}
}

func TestObjectIsHeldAgainstItsChainAndItsAnchor(t *testing.T) {
	closed := object("page/1", 4)
	closed.Closed = at(0)
	open := object("page/2", 4)
	l, _ := chain(t, []Head{closed.Head, open.Head})
	gone := func(o Object, left int) Object {
		o.Head, o.Gone, o.Timeline = Head{Object: o.Object}, true, o.Timeline[len(o.Timeline)-left:]
		return o
	}
	cut := func(o Object, n int64) Object {
		o.Timeline, o.Entries, o.Hash = o.Timeline[:n], n, o.Timeline[n-1].Hash
		return o
	}
	flipped := object("page/2", 4)
	flipped.Timeline[1].Text = "entry 2!"
	holed := object("page/2", 4)
	holed.Timeline = slices.Delete(holed.Timeline, 1, 2)
	tail := object("page/2", 4)
	tail.Timeline = tail.Timeline[:3]
	anew := object("page/2", 0)
	for i := range 5 {
		e := timeline.Seal(timeline.Entry{Object: "page/2", Seq: int64(i + 1), At: at(0), Actor: "mallory"}, anew.Hash)
		anew.Timeline, anew.Hash, anew.Entries = append(anew.Timeline, e), e.Hash, e.Seq
	}
	trimming := closed
	trimming.Timeline = trimming.Timeline[2:]
	for name, c := range map[string]struct {
		o     Object
		after time.Duration
		want  string
	}{
		"whole":                         {open, 0, ""},
		"longer than anchored":          {object("page/2", 6), 0, ""},
		"never anchored":                {object("page/3", 2), 0, ""},
		"gone and never anchored":       {gone(object("page/3", 2), 1), 0, ""},
		"flipped byte":                  {flipped, 0, "page/2: entry 2 was changed"},
		"deleted middle":                {holed, 0, "page/2: entry 2 is missing"},
		"cut tail":                      {tail, 0, "page/2: the last 3 entries do not reach"},
		"cut tail and head":             {cut(open, 3), 0, "page/2: its tail is cut: 4 entries were anchored, and 3"},
		"no entry left":                 {Object{Head: Head{Object: "page/2"}}, 0, "page/2: its tail is cut"},
		"written anew":                  {anew, 0, "page/2: entry 4 is not the one that was anchored"},
		"gone while open":               {gone(open, 1), keep, "page/2 is missing: 4 entries were anchored, and it was not over"},
		"gone too early":                {gone(closed, 1), keep - 1, "page/1 is missing: 4 entries were anchored, and retention keeps it until 2027-04-05"},
		"gone by retention":             {gone(closed, 1), keep, ""},
		"gone without tombstone":        {gone(closed, 0), keep, "page/1 is missing: retention leaves"},
		"retention is half done":        {trimming, keep, ""},
		"oldest entries gone too early": {trimming, keep - 1, "page/1: entry 1 is missing"},
	} {
		err := l.Check(c.o, at(c.after), keep)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)):
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	stone := gone(closed, 1)
	stone.Timeline = slices.Clone(stone.Timeline)
	stone.Timeline[0].Text = "other"
	if err := l.Check(stone, at(keep), keep); err == nil {
		t.Error("a changed tombstone is not noticed")
	}
}

func TestCutExportIsNoticed(t *testing.T) {
	o := object("page/1", 2)
	_, anchors := chain(t, []Head{o.Head})
	lines := []Line{{Header: &Header{Format: Format, At: at(0), Keep: keep}}, {Anchor: &anchors[0]}, {Object: &o}, {End: &End{Anchors: 1, Objects: 1}}}
	read := func(lines []Line, anchor string) string {
		var v Verifier
		var all []string
		for _, l := range lines {
			all = append(all, v.Take(l)...)
		}
		return strings.Join(append(all, v.Done(anchor)...), "\n")
	}
	for name, c := range map[string]struct {
		lines  []Line
		anchor string
		want   string
	}{
		"whole":          {lines, "", ""},
		"known anchor":   {lines, anchors[0].Hash, ""},
		"other chain":    {lines, "abc", "the anchor abc is not in the chain"},
		"no end":         {lines[:3], "", "the export is cut"},
		"no object":      {slices.Delete(slices.Clone(lines), 2, 3), "", "the export says that it holds 1 anchors and 1 objects, and 1 and 0"},
		"object unknown": {append(slices.Clone(lines[:2]), Line{End: &End{Anchors: 1}}), "", "page/1 was anchored, and the export says nothing of it"},
		"no header":      {lines[1:2], "", "the export does not begin with its header"},
		"nothing":        {nil, "", "the export is cut"},
		"newer format":   {[]Line{{Header: &Header{Format: 9}}}, "", "the export has format 9"},
	} {
		if got := read(c.lines, c.anchor); c.want == "" && got != "" || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
