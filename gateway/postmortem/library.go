package postmortem

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode"

	"pagerd/gateway/alert"
)

// Query is what is looked for; empty fields do not matter.
type Query struct {
	Words    string
	Service  string
	Tag      string
	Cause    string
	Severity alert.Severity
}

// Hit is something found.
type Hit struct {
	Postmortem Postmortem
	Score      float64
	Line       string // where most of the words are, as it stands in the text
}

// Search finds published postmortems, the best first; all of them, newest first, when no words are given. Every word must
// occur, in any form that begins with it.
func Search(all []Postmortem, q Query) []Hit {
	words := tokens(q.Words)
	var found []Hit
	seen := make([]int, len(words)) // postmortems that have each word
	counts := [][]int{}
	for _, p := range all {
		if p.State != Published || q.Severity != 0 && q.Severity != p.Severity || q.Service != "" && !strings.EqualFold(q.Service, p.Service) || q.Cause != "" && !Same(q.Cause, p.Cause) ||
			q.Tag != "" && !slices.Contains(p.Tags, strings.ToLower(q.Tag)) {
			continue
		}
		count := occurrences(words, tokens(p.Text+" "+p.Summary+" "+p.Service+" "+p.Cause))
		for i, n := range count {
			if n > 0 {
				seen[i]++
			}
		}
		found, counts = append(found, Hit{Postmortem: p, Line: bestLine(p.Text, words)}), append(counts, count)
	}
	for i := range found {
		for w, n := range counts[i] {
			if n == 0 {
				found[i].Score = -1
				break
			}
			// A word that few have says more, and the tenth time says less than the first.
			found[i].Score += (1 + math.Log(float64(n))) * math.Log(1+float64(len(found))/float64(seen[w]))
		}
	}
	found = slices.DeleteFunc(found, func(h Hit) bool { return h.Score < 0 })
	slices.SortFunc(found, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(b.Postmortem.Incident, a.Postmortem.Incident))
	})
	return found
}

func tokens(s string) []string {
	return strings.FieldsFunc(strings.ToLower(unquote(s)), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

func occurrences(words, text []string) []int {
	out := make([]int, len(words))
	for _, t := range text {
		for i, w := range words {
			if strings.HasPrefix(t, w) {
				out[i]++
			}
		}
	}
	return out
}

func bestLine(text string, words []string) string {
	best, most := "", 0
	for _, line := range strings.Split(text, "\n") {
		n := 0
		for _, c := range occurrences(words, tokens(line)) {
			if c > 0 {
				n++
			}
		}
		if n > most {
			best, most = strings.TrimSpace(line), n
		}
	}
	if r := []rune(best); len(r) > 160 {
		best = string(r[:160]) + "…"
	}
	return best
}

// Same reports whether two root causes are the same: case, spaces and marks do not matter. An empty one is like no other.
func Same(a, b string) bool {
	x, y := tokens(a), tokens(b)
	return len(x) > 0 && slices.Equal(x, y)
}

// Repeats finds earlier postmortems of the same root cause, newest first.
func Repeats(all []Postmortem, cause string, before int64) []Postmortem {
	var out []Postmortem
	for _, p := range all {
		if p.Incident < before && p.State != Waived && Same(p.Cause, cause) {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b Postmortem) int { return cmp.Compare(b.Incident, a.Incident) })
	return out
}
