package page_test

import (
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/page"
	"pagerd/schedule"
)

func BenchmarkNext(b *testing.B) {
	now := time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC)
	f := page.Facts{Roster: map[string][]schedule.Responder{"primary": {{Person: "ana", Rungs: everybody()["ana"]}}}}
	create := page.Signals{Opened: 1, NewIDs: 1, Firing: 1, Group: "g", Source: "prod", Subject: subjectOf(alert.SEV2), Worst: alert.SEV2}
	p, _ := page.Next(page.Page{Number: 1001}, create, f, now)
	b.Run("create", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			page.Next(page.Page{Number: 1001}, create, f, now)
		}
	})
	b.Run("refresh", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			page.Next(p, page.Signals{Refreshed: 1, Firing: 1}, f, now)
		}
	})
	b.Run("due", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			page.Next(p, page.Due{}, f, p.Due)
		}
	})
	b.Run("acknowledge", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			page.Next(p, page.Acknowledge{By: page.Actor{Person: "ana", Channel: "sms", Raw: "4"}}, f, now)
		}
	})
}
