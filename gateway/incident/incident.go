// Package incident is what an acknowledged page is promoted into: who leads it, how far it is, and the times that matter.
//
// It promises that [Next] is the only way to change an incident, pure like the page's: the same incident, event and instant
// always give the same result; that timers are one stored instant (Due) and messages are data; and that an incident which
// is not over never falls silent while its severity has a target, a cadence of reminders or a time of relief.
//
// What a fold needs to compute times is in the value: Phases is the log of phases, Breaches the targets that were missed,
// Roles who led and helped from when to when. What was said is in the timeline.
package incident

import (
	"time"

	"pagerd/gateway/alert"
)

// Format is the version of the stored form. Format 1 had no phases, roles, targets and what follows from them; it loads,
// and its next change makes it format 2.
const Format = 2

// Status is where an incident is in its life.
type Status string

// The statuses. A candidate came from a SEV-1/2 page that resolved unacknowledged; a person confirms it or dismisses it.
// A merged incident lives on in the one that it was merged into.
const (
	Candidate Status = "candidate"
	Open      Status = "open"
	Mitigated Status = "mitigated"
	Resolved  Status = "resolved"
	Dismissed Status = "dismissed"
	Merged    Status = "merged"
)

// Incident is a value; all instants are UTC.
type Incident struct {
	Format    int            `json:"format"`
	Number    int64          `json:"number"` // the lowest number of the pages acknowledged in the act that began it
	Version   int64          `json:"version"`
	Head      string         `json:"head,omitempty"`    // hash of the newest timeline entry; set by the engine
	Entries   int64          `json:"entries,omitempty"` // number of its timeline entries; set by the engine
	Status    Status         `json:"status"`
	Severity  alert.Severity `json:"severity"`
	Service   string         `json:"service"`
	Summary   string         `json:"summary"`
	Pages     []int64        `json:"pages"`
	Commander string         `json:"commander,omitempty"` // the acknowledger until handed over
	Declared  bool           `json:"declared,omitempty"`  // begun by a person, not by an alert

	DetectedAt     time.Time `json:"detected_at"`              // the first page was triggered
	AcknowledgedAt time.Time `json:"acknowledged_at,omitzero"` // promotion
	MitigatedAt    time.Time `json:"mitigated_at,omitzero"`
	ResolvedAt     time.Time `json:"resolved_at,omitzero"`
	ImpactAt       time.Time `json:"impact_at,omitzero"` // users began to suffer, as far as a person said so
	ActiveAt       time.Time `json:"active_at,omitzero"` // a person last did something about it

	Phases   []PhaseChange `json:"phases,omitempty"` // in order; a phase that is entered again is there again
	Reopened int           `json:"reopened,omitempty"`
	Targets  Targets       `json:"targets,omitzero"` // of the severity, as they were when it was given
	Restarts []Restart     `json:"restarts,omitempty"`
	Breaches []Breach      `json:"breaches,omitempty"`
	Roles    []Assignment  `json:"roles,omitempty"`  // in order, with those that are over
	Called   []Called      `json:"called,omitempty"` // people who were called in

	RootCause    string   `json:"root_cause,omitempty"`
	Contributing []string `json:"contributing,omitempty"`
	CustomerData bool     `json:"customer_data,omitempty"` // customers' data was touched
	Security     bool     `json:"security,omitempty"`

	Drill bool `json:"drill,omitempty"` // practice: led as any other, and counted nowhere

	MergedInto int64    `json:"merged_into,omitempty"` // always an older one, so that there are no circles
	MergedFrom []int64  `json:"merged_from,omitempty"`
	Errands    []Errand `json:"errands,omitempty"` // what has to follow in other objects; due at once

	WarRoom   string `json:"war_room,omitempty"`   // where they meet; a link
	Sends     int    `json:"sends,omitempty"`      // counter of messages that it ever asked for; raised by the engine
	PagesOver bool   `json:"pages_over,omitempty"` // every page resolved; the commander was asked
	Dismissal string `json:"dismissal,omitempty"`  // why a person dismissed a candidate

	ErrandDue time.Time `json:"errand_due,omitzero"` // since when errands wait: they are due at once
	RemindDue time.Time `json:"remind_due,omitzero"` // the next reminder of a missed target, or of a candidate
	QuietDue  time.Time `json:"quiet_due,omitzero"`  // nobody did anything since long: ask
	ReliefDue time.Time `json:"relief_due,omitzero"` // the commander has led for long: who takes over?
	Due       time.Time `json:"due,omitzero"`        // the earliest of all timers
	DueFor    Timer     `json:"due_for,omitempty"`   // which of them that is

	Log Log `json:"log,omitzero"` // set by the engine
}

// Over reports whether nothing more is to be done about the incident itself.
func (in Incident) Over() bool {
	return in.Status == Resolved || in.Status == Dismissed || in.Status == Merged
}

// Phase returns the phase that the incident is in; empty before it begins.
func (in Incident) Phase() Phase {
	if n := len(in.Phases); n > 0 {
		return in.Phases[n-1].Phase
	}
	return ""
}

// Entered returns when a phase was last entered; zero if it never was.
func (in Incident) Entered(p Phase) time.Time {
	for i := len(in.Phases) - 1; i >= 0; i-- {
		if in.Phases[i].Phase == p {
			return in.Phases[i].At
		}
	}
	return time.Time{}
}

// TriagedAt returns when somebody had said how bad it is: when the newest triage ended. Zero while nobody has.
func (in Incident) TriagedAt() time.Time {
	for i := len(in.Phases) - 2; i >= 0; i-- {
		if in.Phases[i].Phase == PhaseTriage {
			return in.Phases[i+1].At
		}
	}
	return time.Time{}
}

// Holders returns who has a role now, in the order in which they took it.
func (in Incident) Holders(r Role) []string {
	var out []string
	for _, a := range in.Roles {
		if a.Role == r && a.Until.IsZero() {
			out = append(out, a.Person)
		}
	}
	return out
}

// Phase is a stage of the work.
type Phase string

// The phases. Triage lasts from the acknowledgement until somebody has said how bad it is; investigation until the cause is
// known; mitigation until users are well; recovery until it is over. A person may say any of them, also to go back.
const (
	PhaseDetection     Phase = "detection"
	PhaseTriage        Phase = "triage"
	PhaseInvestigation Phase = "investigation"
	PhaseMitigation    Phase = "mitigation"
	PhaseRecovery      Phase = "recovery"
	PhaseResolved      Phase = "resolved"
	PhasePostmortem    Phase = "postmortem"
)

// AllPhases returns the phases in their order.
func AllPhases() []Phase {
	return []Phase{PhaseDetection, PhaseTriage, PhaseInvestigation, PhaseMitigation, PhaseRecovery, PhaseResolved, PhasePostmortem}
}

// PhaseChange says when a phase was entered, and by whose word.
type PhaseChange struct {
	Phase Phase     `json:"phase"`
	At    time.Time `json:"at"`
	By    string    `json:"by"` // a person, or "pagerd"
}

// Targets are what a severity asks for. Zero = no such target. Detect counts from the impact's start to the detection,
// Triage and Mitigate from the detection.
type Targets struct {
	Detect   time.Duration `json:"detect,omitempty"`
	Triage   time.Duration `json:"triage,omitempty"`
	Mitigate time.Duration `json:"mitigate,omitempty"`
	Remind   time.Duration `json:"remind,omitempty"` // cadence of the reminders of a missed target
	Quiet    time.Duration `json:"quiet,omitempty"`  // nobody did anything for so long: ask
	Relief   time.Duration `json:"relief,omitempty"` // somebody has led for so long: ask who relieves them
	// OfficeHours: the next working day is soon enough. A target whose time begins or ends outside working hours counts from
	// when they begin next.
	OfficeHours bool `json:"office_hours,omitempty"`
}

// Restart says that a target counts from At and not from the detection: the incident was opened again, or the target waited
// for working hours.
type Restart struct {
	Target Target    `json:"target"`
	At     time.Time `json:"at"`
}

// Target names a target.
type Target string

// The targets.
const (
	TargetDetect   Target = "detect"
	TargetTriage   Target = "triage"
	TargetMitigate Target = "mitigate"
)

// Breach is a target that was missed. What the severity in force does not ask for is no breach of it.
type Breach struct {
	Target Target        `json:"target"`
	Limit  time.Duration `json:"limit"`
	At     time.Time     `json:"at"`           // the time was over
	Met    time.Time     `json:"met,omitzero"` // done after all; zero = not yet
}

// Timer says what a due instant is for.
type Timer string

// The timers, in the order in which they go when several are due.
const (
	TimerErrand   Timer = "errand"
	TimerTriage   Timer = "triage"
	TimerMitigate Timer = "mitigate"
	TimerRemind   Timer = "remind"
	TimerRelief   Timer = "relief"
	TimerQuiet    Timer = "quiet"
)

// Role is what somebody does in an incident.
type Role string

// The roles. There is one commander, one communications lead and one scribe at a time, and any number of experts.
const (
	RoleCommander      Role = "commander"
	RoleCommunications Role = "communications"
	RoleScribe         Role = "scribe"
	RoleExpert         Role = "expert"
)

// AllRoles returns the roles.
func AllRoles() []Role { return []Role{RoleCommander, RoleCommunications, RoleScribe, RoleExpert} }

// Assignment is somebody's time in a role.
type Assignment struct {
	Role   Role      `json:"role"`
	Person string    `json:"person"`
	From   time.Time `json:"from"`
	Until  time.Time `json:"until,omitzero"` // zero = still
	By     string    `json:"by"`             // who said so
}

// Called is somebody who was called in. They are rung through a page until they confirm.
type Called struct {
	Person    string    `json:"person"`
	Target    string    `json:"target"` // the name through which the person was found
	By        string    `json:"by"`
	At        time.Time `json:"at"`
	Page      int64     `json:"page,omitempty"` // the page that rings them; 0 = it is about to begin
	Confirmed time.Time `json:"confirmed,omitzero"`
	Ended     time.Time `json:"ended,omitzero"` // the ringing ended without them: called off, or the incident was over
}

// ringing reports whether the person is still to be rung.
func (c Called) ringing() bool { return c.Confirmed.IsZero() && c.Ended.IsZero() }

// Errand is what an act on this incident makes necessary in another object. It is stored with the act, so that a crash in
// between leaves it due and not undone; doing it twice changes nothing.
type Errand struct {
	Kind     ErrandKind     `json:"kind"`
	To       int64          `json:"to,omitempty"`       // the other incident
	Page     int64          `json:"page,omitempty"`     // the page that moves
	Person   string         `json:"person,omitempty"`   // who is to be rung
	Severity alert.Severity `json:"severity,omitempty"` // that the page takes over
	Target   string         `json:"target,omitempty"`
	By       string         `json:"by,omitempty"`
}

// ErrandKind says what has to follow.
type ErrandKind string

// The errands.
const (
	ErrandAbsorb ErrandKind = "absorb" // the incident To takes over this one, which was merged into it
	ErrandJoin   ErrandKind = "join"   // the incident To takes over Page
	ErrandCall   ErrandKind = "call"   // a page has to begin that rings Person
	ErrandFollow ErrandKind = "follow" // Page takes over Severity
	ErrandHush   ErrandKind = "hush"   // Page rings somebody for nothing: the incident is over
)

// Log is what the structured log of events was told of an incident, and what it is owed. What is owed is stored in the same
// commit as its cause, and paid after it.
type Log struct {
	Owed    string    `json:"owed,omitempty"`    // type of the event that is to be written; empty = nothing
	Version int64     `json:"version,omitempty"` // of the incident in the commit since which it is owed: who made that commit writes it
	Since   time.Time `json:"since,omitzero"`    // instant of that commit: when it is long past, whoever sees it writes it
	Told    string    `json:"told,omitempty"`    // digest of what was written last
}
