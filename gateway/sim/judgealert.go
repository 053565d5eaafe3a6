package sim

import (
	"context"
	"maps"
	"slices"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/store"
)

// alertFile is what the judge knows of an identity.
type alertFile struct {
	version int64
	firing  bool
	page    int64
	labels  map[string]string
	repeats bool

	// The newest start and end that a source offered, and that pagerd took with a 2xx.
	offeredStart, offeredEnd, takenStart, takenEnd time.Time
	lateFiring                                     bool // a firing was offered after the newest end was: a source that repeats is believed then
}

func (j *judge) alert(id alert.ID) *alertFile {
	if j.alerts[id] == nil {
		j.alerts[id] = &alertFile{}
	}
	return j.alerts[id]
}

// offered notes a body that is posted: what it says may be stored from now on, whatever it is answered.
func (j *judge) offered(b alert.Batch) {
	for _, a := range b.Alerts {
		f := j.alert(a.ID())
		f.labels, f.repeats = a.Labels, a.Repeats
		if a.Status == alert.Resolved {
			if a.EndsAt.After(f.offeredEnd) {
				f.offeredEnd, f.lateFiring = a.EndsAt, false
			}
			continue
		}
		f.lateFiring = true
		if a.StartsAt.After(f.offeredStart) {
			f.offeredStart = a.StartsAt
		}
	}
}

// accepted checks that a body which was answered with a 2xx is stored.
func (j *judge) accepted(b alert.Batch) {
	w := j.w
	if w.over() {
		return
	}
	w.tally.note("body accepted")
	for _, a := range b.Alerts {
		f, id := j.alert(a.ID()), string(a.ID())
		w.tally.note("alert accepted")
		if a.Status == alert.Firing && a.StartsAt.After(f.takenStart) {
			f.takenStart = a.StartsAt
		}
		if a.Status == alert.Resolved && a.EndsAt.After(f.takenEnd) {
			f.takenEnd = a.EndsAt
		}
		switch must, known := f.must(); {
		case f.version == 0:
			w.fail(RuleStored, "alert/"+id, "%s was accepted, and nothing is stored of it", id)
		case known && must && !f.firing:
			w.fail(RuleStored, "alert/"+id, "%s was accepted as firing since %s, its newest end is %s, and it is stored as over", id, stamp(f.takenStart), stamp(f.offeredEnd))
		case known && !must && f.firing:
			w.fail(RuleStored, "alert/"+id, "the end of %s at %s was accepted, nothing began after it, and it is stored as firing", id, stamp(f.takenEnd))
		}
	}
}

// must says whether the identity must be stored as firing; known is false while that depends on a body whose answer was
// an error.
func (f *alertFile) must() (firing, known bool) {
	switch {
	case f.takenStart.After(f.offeredEnd):
		return true, true
	case !f.takenEnd.IsZero() && !f.offeredStart.After(f.takenEnd) && !(f.repeats && f.lateFiring):
		return false, true
	}
	return false, false
}

// state looks at a stored alert. It changes only with its page.
func (j *judge) state(c store.Change, a alert.State) {
	f := j.alert(a.ID)
	name := "alert/" + string(a.ID)
	if a.Version != f.version+1 {
		j.w.fail(RuleSame, name, "version %d replaces version %d", a.Version, f.version)
	}
	f.version = a.Version
	if a.Firing() && (c.Page == nil || a.Page != c.Page.Number) {
		j.w.fail(RuleStored, name, "%s fires, and is not stored with its page", a.ID)
	}
	if f.firing && j.pages[f.page] != nil {
		j.pages[f.page].firing--
	}
	f.firing, f.page = a.Firing(), a.Page
	if f.firing {
		j.file(f.page).firing++
	}
}

// storedAlerts compares every alert with what was committed.
func (j *judge) storedAlerts() {
	ids := slices.Sorted(maps.Keys(j.alerts))
	states, err := j.w.medium.Store().Alerts(context.Background(), ids)
	if err != nil {
		j.w.fail(RuleSame, "", "%v", err)
		return
	}
	for i, s := range states {
		f := j.alerts[ids[i]]
		if s.Version != f.version || s.Firing() != f.firing || f.firing && s.Page != f.page {
			j.w.fail(RuleSame, "alert/"+string(ids[i]), "version %d of page %d was committed, and version %d of page %d is stored", f.version, f.page, s.Version, s.Page)
		}
	}
}

// covered reports whether the configuration's silences cover every alert of the page that fires.
func (j *judge) covered(v *variant, n int64, t time.Time) bool {
	for _, f := range j.alerts {
		if f.firing && f.page == n && !v.covers(f.labels, t) {
			return false
		}
	}
	return true
}
