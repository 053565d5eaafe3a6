package page_test

import (
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/page"
	"pagerd/notify"
	"pagerd/schedule"
)

// TestWhoIsInformedByAWayThatWaitsIsInformedAgain: a manager who has only a mail address, which the ladder writes to after a
// minute, is told again every quarter of an hour; the page does not stay due at the instant at which that begins anew.
func TestWhoIsInformedByAWayThatWaitsIsInformedAgain(t *testing.T) {
	now := time.Date(2026, 3, 28, 3, 0, 0, 0, time.UTC)
	mail := schedule.Rung{Contact: "dora/email", Channel: notify.Email, Delay: time.Minute}
	sms := schedule.Rung{Contact: "ana/sms", Channel: notify.SMS}
	policy := schedule.Policy{Name: "p", Steps: []schedule.Step{{Timeout: 5 * time.Minute, Targets: []schedule.Target{
		{Name: "person:ana", Mode: schedule.Answer}, {Name: "person:dora", Mode: schedule.Inform}}}}, Repeat: 1, Again: 15 * time.Minute}
	facts := page.Facts{Roster: map[string][]schedule.Responder{"person:ana": {{Person: "ana", Rungs: []schedule.Rung{sms}}},
		"person:dora": {{Person: "dora", Rungs: []schedule.Rung{mail}}}}}
	p, _ := page.Next(page.Page{Number: 1001}, page.Signals{Opened: 1, NewIDs: 1, Firing: 1, Worst: alert.SEV1, Group: "g", Source: "prod",
		Subject: page.Subject{Severity: alert.SEV1, Policy: policy}}, facts, now)
	p, _ = page.Next(p, page.Acknowledge{By: page.Actor{Person: "ana"}}, facts, now.Add(time.Second))
	told := 0
	for range 6 {
		before := p.Due
		next, fx := page.Next(p, page.Due{}, facts, before)
		for _, s := range fx.Sends {
			if s.Person == "dora" {
				told++
			}
		}
		if !next.Due.After(before) {
			t.Fatalf("it stays due at %s", before)
		}
		p = next
	}
	if told < 2 {
		t.Errorf("dora was told %d times", told)
	}
}
