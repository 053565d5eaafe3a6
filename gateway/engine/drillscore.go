package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/timeline"
	"pagerd/notify"
)

// DrillFormat is the version of a kept score.
const DrillFormat = 1

// DrillScore is what a drill came to. All instants are UTC.
type DrillScore struct {
	Format     int           `json:"format"`
	Number     int64         `json:"number"`
	Severity   string        `json:"severity"`
	Service    string        `json:"service"`
	BeganAt    time.Time     `json:"began_at"`
	EndedAt    time.Time     `json:"ended_at,omitzero"`
	AckedAt    time.Time     `json:"acknowledged_at,omitzero"`
	AckedBy    string        `json:"acknowledged_by,omitempty"`
	AckedHow   string        `json:"acknowledged_how,omitempty"`
	Target     int64         `json:"target_seconds,omitempty"` // to acknowledge; 0 = the severity has none
	InTime     bool          `json:"in_time"`                  // acknowledged within the target
	Steps      int           `json:"steps"`                    // escalations that rang somebody after the first step
	People     []DrillPerson `json:"people"`                   // in the order in which they were rung
	Unreached  []string      `json:"unreached,omitempty"`      // nothing that was sent to them went well
	Acceptable bool          `json:"acceptable"`               // somebody acknowledged in time, and everybody who was rung was reached
}

// DrillPerson is what a drill came to for one person.
type DrillPerson struct {
	Person    string        `json:"person"`
	RungAt    time.Time     `json:"rung_at"`
	Ways      []string      `json:"ways"`      // channel and state of each message, "sms sent"
	Accepted  bool          `json:"accepted"`  // the provider took one
	Delivered bool          `json:"delivered"` // a handset or a mailbox has one, or they acknowledged
	Reason    notify.Reason `json:"reason,omitempty"`
}

// ScoreDrill says what a drill came to; one that is over is kept for ever, because its deliveries are not.
func (e *Engine) ScoreDrill(ctx context.Context, number int64, now time.Time) (DrillScore, error) {
	var kept DrillScore
	r, err := e.loadRecord(ctx, store.Drill, number, &kept)
	if err != nil {
		return kept, err
	}
	if r.Version > 0 {
		return kept, nil
	}
	p, err := e.store.Page(ctx, number)
	if errors.Is(err, store.ErrNotFound) || err == nil && !p.Drill {
		return kept, &Refusal{Message: fmt.Sprintf("%d is no drill", number), Hint: "pagerd drill start says the number of one"}
	}
	if err != nil {
		return kept, fmt.Errorf("load page %d: %w", number, err)
	}
	deliveries, err := e.store.Deliveries(ctx, number)
	if err != nil {
		return kept, fmt.Errorf("load the deliveries of drill %d: %w", number, err)
	}
	s := scoreDrill(p, deliveries, e.config().Reports.GoalsOf(p.Severity).Acknowledge)
	if p.Open() {
		return s, nil
	}
	c := store.Change{Now: e.instant(now)}
	if err := e.putRecord(&c, r, s, false, time.Time{}, drillEntry(s)); err != nil {
		return s, err
	}
	if err := e.commit(ctx, c); err != nil && !errors.Is(err, store.ErrConflict) { // somebody else kept the same
		return s, fmt.Errorf("keep the score of drill %d: %w", number, err)
	}
	return s, nil
}

// scoreDrill is pure. target is within how many seconds somebody should acknowledge.
func scoreDrill(p page.Page, deliveries []store.Delivery, target int64) DrillScore {
	s := DrillScore{Format: DrillFormat, Number: p.Number, Severity: p.Severity.String(), Service: p.Service, BeganAt: p.TriggeredAt, EndedAt: p.ResolvedAt,
		AckedAt: p.AckedAt, AckedBy: p.Acker, AckedHow: p.AckChannel, Target: target, People: []DrillPerson{}}
	deliveries = slices.Clone(deliveries)
	slices.SortStableFunc(deliveries, func(a, b store.Delivery) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	rang := map[time.Time]bool{}
	for _, d := range deliveries {
		if d.Kind != notify.KindPage && d.Kind != notify.KindInform {
			continue
		}
		i := slices.IndexFunc(s.People, func(x DrillPerson) bool { return x.Person == d.Person })
		if i < 0 {
			s.People = append(s.People, DrillPerson{Person: d.Person, RungAt: d.At})
			i = len(s.People) - 1
			if d.Kind == notify.KindPage && d.At.After(p.TriggeredAt) {
				rang[d.At] = true
			}
		}
		x := &s.People[i]
		x.Ways = append(x.Ways, string(d.Channel)+" "+string(d.State))
		x.Accepted = x.Accepted || d.State == store.SentState || d.State == store.Delivered
		x.Delivered = x.Delivered || d.State == store.Delivered || p.Acker == d.Person
		if d.State == store.Failed {
			x.Reason = d.Reason
		}
	}
	s.Steps = len(rang)
	for _, x := range s.People {
		if !x.Accepted && !x.Delivered {
			s.Unreached = append(s.Unreached, x.Person)
		}
	}
	took := int64(p.AckedAt.Sub(p.TriggeredAt) / time.Second)
	s.InTime = !p.AckedAt.IsZero() && (s.Target == 0 || took <= s.Target)
	s.Acceptable = s.InTime && len(s.Unreached) == 0 && len(s.People) > 0
	return s
}

func drillEntry(s DrillScore) timeline.Entry {
	word := "passed"
	if !s.Acceptable {
		word = "not passed"
	}
	return timeline.Entry{Actor: "pagerd", What: "scored", Text: fmt.Sprintf("The drill is %s: %d people rung, %d not reached.", word, len(s.People), len(s.Unreached)), Facts: map[string]string{"acknowledged_by": s.AckedBy}}
}
