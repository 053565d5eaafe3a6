package update

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
)

func start() time.Time { return time.Date(2026, 3, 28, 3, 0, 0, 0, time.UTC) }

// working is an incident that ana leads and ben speaks for.
func working() incident.Incident {
	return incident.Incident{Number: 1042, Status: incident.Open, Severity: alert.SEV1, Service: "checkout", Commander: "ana",
		Roles: []incident.Assignment{{Role: incident.RoleCommander, Person: "ana", From: start()}, {Role: incident.RoleCommunications, Person: "ben", From: start()}}}
}

func said(s State, next time.Duration) Post {
	return Post{By: "ben", State: s, To: Stakeholders, Text: "Payments fail for some.", Next: next, Severity: alert.SEV1}
}

func TestTheSeverityPromisesTheNextUpdateWhereNobodySaysIt(t *testing.T) {
	for _, c := range []struct {
		state    State
		severity alert.Severity
		next     time.Duration
		want     time.Duration // 0 = none is promised
	}{
		{Investigating, alert.SEV1, 0, 30 * time.Minute},
		{Identified, alert.SEV2, 0, time.Hour},
		{Monitoring, alert.SEV3, 0, 0},
		{Monitoring, alert.SEV4, 20 * time.Minute, 20 * time.Minute},
		{Investigating, alert.SEV1, time.Hour, time.Hour},
		{Resolved, alert.SEV1, 0, 0},
		{Resolved, alert.SEV1, time.Hour, 0},
	} {
		l, fx := Next(Log{}, Post{By: "ben", State: c.state, To: Customers, Text: "x", Next: c.next, Severity: c.severity}, start())
		want := time.Time{}
		if c.want > 0 {
			want = start().Add(c.want)
		}
		if !l.Promised.Equal(want) || !l.Due.Equal(want) || !fx.Changed || fx.Entry.Facts["to"] != "customers" {
			t.Errorf("%+v: promised %s, %+v", c, l.Promised, fx)
		}
	}
}

// TestALateUpdateIsAskedOfTheCommanderToo plays the reminders of a promise that nobody keeps.
func TestALateUpdateIsAskedOfTheCommanderToo(t *testing.T) {
	l, _ := Next(Log{}, said(Identified, 30*time.Minute), start())
	var got []string
	for !l.Due.IsZero() {
		now := l.Due
		if _, early := Next(l, Due{working()}, now.Add(-1)); early.Changed {
			t.Fatal("it fires before its time")
		}
		next, fx := Next(l, Due{working()}, now)
		got = append(got, now.Sub(start()).String()+" "+fx.Entry.What+" "+strings.Join(fx.Ask, ","))
		if _, again := Next(next, Due{working()}, now); again.Changed {
			t.Fatal("another replica asks again")
		}
		l = next
	}
	want := []string{"30m0s reminded ben", "40m0s overdue ben,ana", "1h10m0s overdue ben,ana", "1h40m0s overdue ben,ana", "2h10m0s overdue ben,ana", "2h40m0s overdue ben,ana"}
	if !slices.Equal(got, want) || l.Promised.IsZero() {
		t.Errorf("%q, promised %s", got, l.Promised)
	}
	if l, _ = Next(l, said(Monitoring, time.Hour), start().Add(3*time.Hour)); l.Late != 0 || !l.Due.Equal(start().Add(4*time.Hour)) {
		t.Errorf("a new promise is not asked for anew: %+v", l)
	}
}

func TestWhoeverLeadsSpeaksWhereNobodyElseDoes(t *testing.T) {
	in := working()
	in.Roles = in.Roles[:1]
	l, _ := Next(Log{}, said(Identified, time.Minute), start())
	for range 2 {
		var fx Effects
		if l, fx = Next(l, Due{in}, l.Due); !slices.Equal(fx.Ask, []string{"ana"}) {
			t.Errorf("asked %q", fx.Ask)
		}
	}
}

func TestWhatWasNoIncidentPromisesNothing(t *testing.T) {
	for _, s := range []incident.Status{incident.Dismissed, incident.Merged} {
		in := working()
		in.Status = s
		l, _ := Next(Log{}, said(Identified, time.Minute), start())
		if l, fx := Next(l, Due{in}, l.Due); len(fx.Ask) > 0 || !l.Due.IsZero() || !l.Promised.IsZero() || !fx.Changed {
			t.Errorf("%s: %+v %+v", s, l, fx)
		}
	}
}

func TestItRemembersWhenAnAudienceWasFirstTold(t *testing.T) {
	l, _ := Next(Log{}, said(Identified, 0), start())
	before := l
	l, _ = Next(l, said(Resolved, 0), start().Add(time.Hour))
	l, _ = Next(l, said(Resolved, 0), start().Add(2*time.Hour))
	if !l.FirstTo[Stakeholders].Equal(start()) || !l.OverTo[Stakeholders].Equal(start().Add(time.Hour)) || len(l.FirstTo) != 1 {
		t.Errorf("%+v %+v", l.FirstTo, l.OverTo)
	}
	if len(before.Updates) != 1 || before.OverTo != nil {
		t.Errorf("it changed what it was given: %+v", before)
	}
}

func TestWhatBeganAgainIsNotOver(t *testing.T) {
	l, _ := Next(Log{}, said(Resolved, 0), start())
	if got := l.Over(Stakeholders); !got.Equal(start()) || !l.Over(Customers).IsZero() {
		t.Errorf("over: %s for stakeholders, %s for customers, who were told nothing", got, l.Over(Customers))
	}
	l, _ = Next(l, said(Identified, 0), start().Add(time.Hour))
	if got := l.Over(Stakeholders); !got.IsZero() {
		t.Errorf("it began again and is called over since %s", got)
	}
	l, _ = Next(l, said(Resolved, 0), start().Add(2*time.Hour))
	if got := l.Over(Stakeholders); !got.Equal(start().Add(2 * time.Hour)) {
		t.Errorf("over since %s", got)
	}
	for range maxKept {
		ev := said(Identified, 0)
		ev.To = Customers
		l, _ = Next(l, ev, start().Add(3*time.Hour))
	}
	if got := l.Over(Stakeholders); !got.Equal(start()) {
		t.Errorf("its last word is not kept any more: over since %s", got)
	}
}

// TestTheValueFitsIntoARecordWhateverIsWritten: 256 KiB is what the store takes; "<" needs six bytes in JSON.
func TestTheValueFitsIntoARecordWhateverIsWritten(t *testing.T) {
	var l Log
	for range 200 {
		ev := said(Identified, time.Hour)
		ev.Text, ev.By = strings.Repeat("<", MaxText), strings.Repeat("n", 100)
		l, _ = Next(l, ev, start())
	}
	b, err := json.Marshal(l)
	if err != nil || len(b) > 256<<10 || len(l.Updates) != maxKept {
		t.Errorf("%d bytes, %d updates, %v", len(b), len(l.Updates), err)
	}
}

// TestWhatWasStoredLoads: the file is never rewritten; a new format gets a new one.
func TestWhatWasStoredLoads(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("testdata", "format1.json"))
	if err != nil {
		t.Fatal(err)
	}
	var got Log
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	want, _ := Next(Log{Incident: 1042}, said(Identified, 30*time.Minute), start())
	if want, _ = Next(want, Due{working()}, want.Due); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\n%+v", got, want)
	}
}
