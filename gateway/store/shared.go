package store

import "time"

// ReplicaLife is how long an announcement counts: three of the announcements that a replica makes every 10 s (RULES R9).
const ReplicaLife = 30 * time.Second

// Replica is what one daemon says of itself to the others that share its store.
type Replica struct {
	Name      string        `json:"name"`
	Version   string        `json:"version"`          // of the binary
	Config    string        `json:"config"`           // hash of its configuration file, hex
	Schema    int           `json:"schema"`           // newest stored format that it can read and write
	StartedAt time.Time     `json:"started_at"`       // by its own clock, UTC
	Offset    time.Duration `json:"offset"`           // its wall clock minus the store's
	SeenAt    time.Time     `json:"seen_at,omitzero"` // of the newest announcement, by the store's clock, UTC
}

// Finding is a setting of the store's server under which it can lose what was promised.
type Finding struct {
	Setting string `json:"setting"` // in the server's own words: "appendfsync"
	Found   string `json:"found"`
	Want    string `json:"want"`
	Loses   string `json:"loses"` // what can be lost, as a sentence for people
}

// String is one line: the setting, what was found, what is needed and what can be lost.
func (f Finding) String() string {
	return f.Setting + " is " + f.Found + ", not " + f.Want + ": " + f.Loses
}

// Loss is what a store noticed of its own past: what was durable is gone.
type Loss struct {
	What string    // sentence for the operators
	At   time.Time // when it was noticed, by this process's clock
}
