package alert

import "time"

// Change says what an arriving signal did to the stored state of its identity.
type Change string

// The closed list of changes. Ignored ones carry their reason in the word.
const (
	Opened         Change = "opened"            // a new episode fires
	Refreshed      Change = "refreshed"         // the running episode was heard of again
	Ended          Change = "resolved"          // the running episode ended
	IgnoredLate    Change = "ignored_late"      // fires, but belongs to an episode that already ended
	IgnoredOld     Change = "ignored_old_end"   // ends an episode before the running one
	IgnoredUnknown Change = "ignored_no_firing" // ends something that was never heard firing
)

// Changed reports whether the state's meaning changed or was refreshed, that is whether it must be stored.
func (c Change) Changed() bool {
	return c == Opened || c == Refreshed || c == Ended || c == IgnoredUnknown
}

// State is what is kept of an identity: the running or the last episode. It lives beside the page that it belongs to.
type State struct {
	ID       ID        `json:"id"`
	Version  int64     `json:"version"`         // raised by each commit that stores it; 0 = never stored
	Page     int64     `json:"page,omitempty"`  // number of the page that the running or last episode belongs to
	Group    string    `json:"group,omitempty"` // group key of that page
	Status   Status    `json:"status"`          // Firing while the episode runs
	StartsAt time.Time `json:"starts_at"`       // earliest start of the running or last episode
	// LatestStart is the newest start heard in the running or last episode: an end before it belongs to an older episode.
	LatestStart time.Time `json:"latest_start"`
	EndedAt     time.Time `json:"ended_at,omitzero"` // tombstone: end of the last episode that ended; zero if none has
	HeardAt     time.Time `json:"heard_at"`          // receipt of the newest signal; dead-man and stale rules key on it
	Severity    Severity  `json:"severity,omitempty"`
	Sender      string    `json:"sender,omitempty"`
	Silenced    string    `json:"silenced,omitempty"` // name of the silence that swallowed it when it was last heard
	Alert       Alert     `json:"alert"`              // the newest signal of the episode, for texts and routing
}

// Firing reports whether the stored episode runs.
func (s State) Firing() bool { return s.Status == Firing }
