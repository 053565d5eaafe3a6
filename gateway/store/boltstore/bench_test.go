package boltstore

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/timeline"
	"pagerd/notify"
	"pagerd/schedule"
)

// benchPage is a page as a real SEV-2 makes it: a policy of three steps, two people rung.
func benchPage(number int64, group string, now time.Time) page.Page {
	target := func(name string) []schedule.Target { return []schedule.Target{{Name: name, Mode: schedule.Answer}} }
	rungs := func(who string) []schedule.Rung {
		return []schedule.Rung{{Contact: who + "/sms", Channel: notify.SMS}, {Contact: who + "/voice", Channel: notify.Voice, Delay: 2 * time.Minute}}
	}
	return page.Page{
		Format: page.Format, Number: number, Version: 1, Entries: 1, Group: group, Source: "prod-am", Status: page.Triggered, Round: 1,
		Severity: alert.SEV2, Service: "checkout", Summary: "p99 latency of checkout is above 2 s for 10 minutes", Environment: "prod",
		Policy: schedule.Policy{Name: "sev2", Repeat: 2, Again: 15 * time.Minute, LastResort: target("person:boss"), Steps: []schedule.Step{
			{Targets: target("platform/primary"), Timeout: 5 * time.Minute}, {Targets: target("platform/secondary"), Timeout: 5 * time.Minute},
			{Targets: target("platform/manager"), Timeout: 10 * time.Minute}}},
		Targets: page.Targets{Triage: 5 * time.Minute, Mitigate: time.Hour, Promote: true},
		Firing:  1, Total: 1, HeardAt: now, TriggeredAt: now, RoundAt: now,
		Ladders: []page.Ladder{{Person: "ana", Mode: schedule.Answer, Target: "platform/primary", Rungs: rungs("ana"), Started: now, Due: now}},
		Told:    []page.Told{{Person: "ana", Contacts: []string{"ana/sms"}}}, StepDue: now.Add(5 * time.Minute), Due: now.Add(2 * time.Minute), Sends: 1,
	}
}

func benchAlert(id string, number int64, now time.Time) alert.State {
	return alert.State{ID: alert.NewID("prod-am", id), Version: 1, Page: number, Group: "g", Status: alert.Firing, StartsAt: now, LatestStart: now,
		HeardAt: now, Severity: alert.SEV2, Sender: "0123456789abcdef", Alert: alert.Alert{Source: "prod-am", Fingerprint: id, Status: alert.Firing,
			Labels:      map[string]string{"alertname": "LatencyHigh", "service": "checkout", "severity": "critical", "instance": id, "region": "eu-west-1"},
			Annotations: map[string]string{"summary": "p99 latency of checkout is above 2 s", "runbook_url": "https://runbooks.example.com/latency"},
			StartsAt:    now, URL: "https://prometheus.example.com/graph?g0.expr=up"}}
}

// benchChange is the whole change of one alert that makes a page: page, alert, delivery, timeline, operation id.
func benchChange(number int64, now time.Time) store.Change {
	id := fmt.Sprintf("%016x", uint64(number)*0x9e3779b97f4a7c15)
	p := benchPage(number, "prod-am/"+id, now)
	e := timeline.Seal(timeline.Entry{Object: fmt.Sprintf("page/%d", number), Seq: 1, At: now, Actor: "source prod-am", What: "triggered",
		Reason: "alert", Text: "LatencyHigh fires", Facts: map[string]string{"alerts": "1", "names": id, "severity": "SEV-2"}}, "")
	p.Head = e.Hash
	return store.Change{Op: id + "/0", Now: now, Page: &p, Alerts: []alert.State{benchAlert(id, number, now)}, Entries: []timeline.Entry{e},
		Deliveries: []store.Delivery{{Send: page.Send{ID: page.SendID(number, 1), Page: number, Round: 1, Kind: notify.KindPage, Mode: schedule.Answer,
			Person: "ana", Contact: "ana/sms", Channel: notify.SMS, Severity: alert.SEV2, At: now}, VisibleAt: now}}}
}

// BenchmarkFdatasync is the baseline: one writer that appends 4 KiB and flushes, over and over.
func BenchmarkFdatasync(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "raw"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	buf := make([]byte, 4096)
	for b.Loop() {
		if _, err := f.Write(buf); err != nil {
			b.Fatal(err)
		}
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "flushes/s")
}

// BenchmarkCommit measures durable commits. Pages: every commit makes a page of its own. OneGroup: every commit adds an
// alert to the same page, one after the other, as the engine does. Folded: the engine's way with a storm, 16 pages at
// once that each take 8 alerts in a commit.
func BenchmarkCommit(b *testing.B) {
	ctx, now := context.Background(), time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	rate := func(b *testing.B, per int) {
		b.ReportMetric(float64(b.N*per)/b.Elapsed().Seconds(), "alerts/s")
	}
	b.Run("Pages256", func(b *testing.B) {
		s := open(b, Options{})
		var slowest atomic.Int64
		b.SetParallelism(128)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				began := time.Now()
				n, err := s.NextNumber(ctx)
				if err == nil {
					err = s.Commit(ctx, benchChange(n, now))
				}
				if err != nil {
					b.Error(err)
				}
				for took := time.Since(began).Nanoseconds(); took > slowest.Load(); {
					slowest.Store(took)
				}
			}
		})
		rate(b, 1)
		b.ReportMetric(float64(slowest.Load())/1e6, "ms-max")
	})
	b.Run("Pages1", func(b *testing.B) {
		s := open(b, Options{})
		for b.Loop() {
			n, err := s.NextNumber(ctx)
			if err == nil {
				err = s.Commit(ctx, benchChange(n, now))
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		rate(b, 1)
	})
	b.Run("OneGroup", func(b *testing.B) {
		s := open(b, Options{})
		c := benchChange(1001, now)
		for n := 1; b.Loop(); n++ {
			if n > 1 {
				c = foldChange(*c.Page, n, 1, now)
			}
			if err := s.Commit(ctx, c); err != nil {
				b.Fatal(err)
			}
		}
		rate(b, 1)
	})
	b.Run("Folded16x8", func(b *testing.B) {
		s := open(b, Options{})
		var lane atomic.Int64
		b.SetParallelism(8)
		b.RunParallel(func(pb *testing.PB) {
			c := benchChange(1000+lane.Add(1), now)
			for n := 1; pb.Next(); n++ {
				if n > 1 {
					c = foldChange(*c.Page, n, 8, now)
				}
				if err := s.Commit(ctx, c); err != nil {
					b.Error(err)
				}
			}
		})
		rate(b, 8)
	})
}

// foldChange adds alerts to a page that exists.
func foldChange(p page.Page, n, alerts int, now time.Time) store.Change {
	p.Version, p.Total, p.Firing, p.Due = p.Version+1, p.Total+alerts, p.Firing+alerts, now.Add(time.Duration(n)*time.Millisecond)
	e := timeline.Seal(timeline.Entry{Object: fmt.Sprintf("page/%d", p.Number), Seq: p.Version, At: now, Actor: "source prod-am", What: "joined"}, p.Head)
	p.Head = e.Hash
	c := store.Change{Op: fmt.Sprintf("%x/%d", p.Number, n), Now: now, Page: &p, Entries: []timeline.Entry{e}}
	for i := range alerts {
		c.Alerts = append(c.Alerts, benchAlert(fmt.Sprintf("%d-%d-%d", p.Number, n, i), p.Number, now))
	}
	return c
}
