package checklist

import (
	"time"

	"pagerd/gateway/incident"
	"pagerd/gateway/postmortem"
)

// item is a line of a list. Its id is what people type and what is stored: it never changes its meaning.
type item struct {
	id   string
	list List
	text string
	// known says whether pagerd sees by itself that it is done, since when and by whom; nil = only a person can know.
	known func(f Facts) (at time.Time, by string, done bool)
	ask   bool // where pagerd does not see it, a person may have done it another way
}

// items is every item there is.
func items() []item {
	return []item{
		{id: "severity", list: During, text: "Severity said or confirmed (pagerd incident severity)", known: severity},
		{id: "commander", list: During, text: "Commander identified", known: holder(incident.RoleCommander)},
		{id: "communications", list: During, text: "Communications lead identified, or the commander does it", known: holder(incident.RoleCommunications), ask: true},
		{id: "stakeholders", list: During, text: "Stakeholders told what is wrong and when they hear next (pagerd incident update)", known: told, ask: true},
		{id: "runbook", list: During, text: "Runbook followed, or found missing or wrong"},
		{id: "status-page", list: During, text: "Public status page says what customers notice, or nobody notices (pagerd incident update --to customers)", known: shown, ask: true},
		{id: "notes", list: During, text: "Decisions and findings written into the timeline (pagerd incident note)", known: noted, ask: true},

		{id: "all-clear", list: After, text: "Stakeholders told that it is over (pagerd incident update --state resolved)", known: allClear, ask: true},
		{id: "status-page-over", list: After, text: "Public status page says that it is over, or never said that it was not", known: shownOver, ask: true},
		{id: "impact", list: After, text: "Start of the impact written down (pagerd incident describe --impact-at)", known: impact},
		{id: "root-cause", list: After, text: "Root cause written down (pagerd incident describe --root-cause)", known: rootCause, ask: true},
		{id: "undo", list: After, text: "Temporary changes undone, or written down as action items"},
		{id: "runbook-updated", list: After, text: "Runbook updated with what was learned"},
		{id: "postmortem", list: After, text: "Postmortem begun, or found not to be needed", known: begun, ask: true},

		{id: "meeting", list: Review, text: "Review meeting scheduled (pagerd postmortem meet)", known: meeting, ask: true},
		{id: "actions", list: Review, text: "Action items with owner, day, priority and criterion, or none needed", known: actions, ask: true},
		{id: "published", list: Review, text: "Postmortem published", known: published},
		{id: "shared", list: Review, text: "Told to everybody who can learn from it"},
	}
}

func find(id string) (item, bool) {
	for _, it := range items() {
		if it.id == id {
			return it, true
		}
	}
	return item{}, false
}

func severity(f Facts) (time.Time, string, bool) {
	at := f.Incident.TriagedAt()
	for _, p := range f.Incident.Phases {
		if p.At.Equal(at) && p.Phase != incident.PhaseTriage {
			return at, p.By, !at.IsZero()
		}
	}
	return at, "", !at.IsZero()
}

// holder looks for whoever has a role, or had it when the incident ended.
func holder(r incident.Role) func(Facts) (time.Time, string, bool) {
	return func(f Facts) (time.Time, string, bool) {
		for i := len(f.Incident.Roles) - 1; i >= 0; i-- {
			a := f.Incident.Roles[i]
			if a.Role == r && (a.Until.IsZero() || f.Incident.Over()) {
				return a.From, a.Person, true
			}
		}
		if r == incident.RoleCommander && f.Incident.Commander != "" { // stored before there were roles
			return f.Incident.AcknowledgedAt, f.Incident.Commander, true
		}
		return time.Time{}, "", false
	}
}

func noted(f Facts) (time.Time, string, bool)     { return f.Noted, "", !f.Noted.IsZero() }
func told(f Facts) (time.Time, string, bool)      { return f.Told, "", !f.Told.IsZero() }
func allClear(f Facts) (time.Time, string, bool)  { return f.AllClear, "", !f.AllClear.IsZero() }
func shown(f Facts) (time.Time, string, bool)     { return f.Shown, "", !f.Shown.IsZero() }
func shownOver(f Facts) (time.Time, string, bool) { return f.ShownOver, "", !f.ShownOver.IsZero() }
func impact(f Facts) (time.Time, string, bool)    { return time.Time{}, "", !f.Incident.ImpactAt.IsZero() }

func rootCause(f Facts) (time.Time, string, bool) {
	return time.Time{}, "", f.Incident.RootCause != "" || f.Postmortem != nil && f.Postmortem.Cause != ""
}

func begun(f Facts) (time.Time, string, bool) {
	if f.Postmortem == nil {
		return time.Time{}, "", false
	}
	return f.Postmortem.OverAt, f.Postmortem.Owner, true
}

func meeting(f Facts) (time.Time, string, bool) {
	return time.Time{}, "", f.Postmortem != nil && !f.Postmortem.MeetAt.IsZero()
}

// actions are there when the table has a row and no row lacks anything.
func actions(f Facts) (time.Time, string, bool) {
	if f.Postmortem == nil {
		return time.Time{}, "", false
	}
	rows, bad := postmortem.Rows(f.Postmortem.Text)
	return time.Time{}, "", len(rows) > 0 && len(bad) == 0
}

func published(f Facts) (time.Time, string, bool) {
	p := f.Postmortem
	if p == nil || p.State != postmortem.Published {
		return time.Time{}, "", false
	}
	return p.PublishedAt, p.PublishedBy, true
}
