// Package mailing is mail to those who are not rung: the stakeholders of a service and the subscribers of the status page.
//
// It promises that a mailing is queued a part at a time and each reader once, wherever a crash falls between the parts; and
// that an address of a stranger is kept only once they confirmed it from their own mailbox, and no longer than they want mail.
package mailing

import (
	"time"

	"pagerd/gateway/report"
	"pagerd/gateway/update"
)

// Format is the version of the stored forms of this package.
const Format = 1

// Part is how many letters one commit queues at most: about 60 kB, far below what a shared store works through in 10 ms.
const Part = 100

// Mailing is one update, review or digest on its way to its readers. All instants are UTC; its version is the record's.
type Mailing struct {
	Format   int             `json:"format"`
	Number   int64           `json:"number"`
	Incident int64           `json:"incident,omitempty"` // whose update is told
	At       time.Time       `json:"at"`                 // of the update; of a report, when it was due
	To       update.Audience `json:"to,omitempty"`
	Report   report.Kind     `json:"report,omitempty"`  // of a review or digest; empty = an update
	Day      string          `json:"day,omitempty"`     // a day of the period that it looks at: "2026-03-02"
	Letters  int             `json:"letters,omitempty"` // queued so far
	Below    int64           `json:"below,omitempty"`   // subscribers with lower numbers are still to come; 0 = none was looked at
	Done     bool            `json:"done,omitempty"`
}

// Begin is a mailing of which nothing is queued yet.
func Begin(number, incident int64, u update.Update) Mailing {
	return Mailing{Format: Format, Number: number, Incident: incident, At: u.At, To: u.To}
}

// BeginReport is the mailing of a review or digest of which nothing is queued yet. now is UTC.
func BeginReport(number int64, p report.Period, now time.Time) Mailing {
	return Mailing{Format: Format, Number: number, At: now, Report: p.Kind, Day: p.Day}
}

// Queued is the mailing after letters more were queued, for readers down to the subscriber below; done says that there are
// no others.
func (m Mailing) Queued(letters int, below int64, done bool) Mailing {
	m.Letters, m.Below, m.Done = m.Letters+letters, below, done
	return m
}
