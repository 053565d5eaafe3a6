package sim

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"pagerd/gateway/store"
	"pagerd/gateway/update"
	"pagerd/notify"
)

// mailings looks at the end whether everybody who should be was mailed: every update of checkout's incidents has a letter for
// each stakeholder, and the newest one was tried.
func (j *judge) mailings() {
	letters := map[int64]map[string][]*deliveryFile{} // by mailing and reader
	for _, id := range slices.Sorted(maps.Keys(j.deliveries)) {
		f := j.deliveries[id]
		if f.send.Kind != notify.KindLetter {
			continue
		}
		if letters[f.page] == nil {
			letters[f.page] = map[string][]*deliveryFile{}
		}
		letters[f.page][f.contact] = append(letters[f.page][f.contact], f)
		if n := len(letters[f.page][f.contact]); n > 1 {
			j.w.fail(RuleLetters, "delivery/"+id, "%s is written to %d times about one update", f.contact, n)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(j.records)) {
		if r := j.records[name]; r.Kind == store.Update {
			j.updates(r, letters)
		}
	}
}

func (j *judge) updates(r store.Record, letters map[int64]map[string][]*deliveryFile) {
	var l update.Log
	if err := json.Unmarshal(r.Body, &l); err != nil {
		j.w.fail(RuleSame, r.Object(), "%v", err)
		return
	}
	if j.incidents[l.Incident].Service != "checkout" {
		return
	}
	for i, u := range l.Updates {
		name := fmt.Sprintf("mailing/%d", u.Mailing)
		if j.w.now.Sub(u.At) < slack {
			continue
		}
		if got := len(letters[u.Mailing]); got != len(stakeholders()) {
			j.w.fail(RuleLetters, name, "the update of %s has %d readers, and %d letters", stamp(u.At), len(stakeholders()), got)
			return
		}
		for _, reader := range slices.Sorted(maps.Keys(letters[u.Mailing])) {
			newest := i == len(l.Updates)-1
			if f := letters[u.Mailing][reader][0]; newest && f.state == store.Dropped || !newest && f.state == store.Pending && len(f.sends) == 0 && j.w.now.Sub(u.At) > healing {
				j.w.fail(RuleLetters, name, "the letter to %s is %s", reader, f.state)
			}
		}
	}
}
