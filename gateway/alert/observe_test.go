package alert

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func minute(n int) time.Time { return time.Date(2026, 3, 28, 3, n, 0, 0, time.UTC) }

func fires(start int) Alert {
	return Alert{Source: "prod", Fingerprint: "f", Status: Firing, StartsAt: minute(start)}
}

func ends(start, end int) Alert {
	return Alert{Source: "prod", Fingerprint: "f", Status: Resolved, StartsAt: minute(start), EndsAt: minute(end)}
}

// endless says that it is over and not since when.
func endless(start int) Alert {
	return Alert{Source: "prod", Fingerprint: "f", Status: Resolved, StartsAt: minute(start)}
}

func TestSignalsFoldIntoEpisodes(t *testing.T) {
	for _, c := range []struct {
		name    string
		signals []Alert
		last    Change
		firing  bool
	}{
		{"fires", []Alert{fires(1)}, Opened, true},
		{"repeats", []Alert{fires(1), fires(1)}, Refreshed, true},
		{"a peer's later start is the same episode", []Alert{fires(1), fires(2)}, Refreshed, true},
		{"an earlier start is kept", []Alert{fires(2), fires(1)}, Refreshed, true},
		{"ends", []Alert{fires(1), ends(1, 2)}, Ended, false},
		{"ends twice", []Alert{fires(1), ends(1, 2), ends(1, 2)}, IgnoredOld, false},
		{"a late firing of an ended episode is refused", []Alert{fires(1), ends(1, 3), fires(1)}, IgnoredLate, false},
		{"a start at the end's instant is late too", []Alert{fires(1), ends(1, 3), fires(3)}, IgnoredLate, false},
		{"fires again", []Alert{fires(1), ends(1, 3), fires(4)}, Opened, true},
		{"the end overtook the firing", []Alert{ends(1, 3), fires(1)}, IgnoredLate, false},
		{"an end of what was never heard", []Alert{ends(1, 3)}, IgnoredUnknown, false},
		{"an old end does not end the new episode", []Alert{fires(1), fires(5), ends(1, 3)}, IgnoredOld, true},
		{"an end without its time does not swallow what fires next", []Alert{fires(1), endless(1), fires(2)}, Opened, true},
		{"an end without its time of an older episode", []Alert{fires(1), ends(1, 3), fires(5), endless(1)}, IgnoredOld, true},
		{"an end without its time by a peer that saw it earlier", []Alert{fires(2), fires(1), endless(1)}, Ended, false},
		{"an end without its time, and the firing after it", []Alert{endless(1), fires(1)}, IgnoredLate, false},
		{"a replayed old end after a new start", []Alert{fires(1), ends(1, 3), fires(5), ends(1, 3)}, IgnoredOld, true},
	} {
		var s State
		var last Change
		for i, a := range c.signals {
			s, last = Observe(s, a, minute(10+i))
		}
		if last != c.last || s.Firing() != c.firing {
			t.Errorf("%s: %s, firing %v; want %s, %v", c.name, last, s.Firing(), c.last, c.firing)
		}
		if s.ID != NewID("prod", "f") {
			t.Errorf("%s: id %q", c.name, s.ID)
		}
	}
}

// TestOrderAndRepetitionDoNotMatter: episodes of one identity that do not overlap, each told by its start and its end, end
// in the same state in whatever order and however often their signals arrive, as long as every signal arrives.
func TestOrderAndRepetitionDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(t, "episodes")
		open := rapid.Bool().Draw(t, "last still fires")
		var signals []Alert
		for i := range n {
			signals = append(signals, fires(10*i+1))
			if i < n-1 || !open {
				signals = append(signals, ends(10*i+1, 10*i+5))
			}
		}
		order := rapid.Permutation(append(append([]Alert{}, signals...), signals[rapid.IntRange(0, len(signals)-1).Draw(t, "twice")])).Draw(t, "order")
		var s State
		for i, a := range order {
			s, _ = Observe(s, a, minute(50).Add(time.Duration(i)*time.Second))
		}
		if s.Firing() != open {
			t.Fatalf("firing %v, want %v", s.Firing(), open)
		}
		if !open && !s.EndedAt.Equal(minute(10*(n-1)+5)) {
			t.Fatalf("ended at %s", s.EndedAt)
		}
	})
}

func TestSeveritiesAreReadInTheFormsThatPeopleWrite(t *testing.T) {
	for text, want := range map[string]Severity{"SEV-1": SEV1, "sev1": SEV1, "1": SEV1, " Sev 4 ": SEV4, "sev-2": SEV2} {
		if got, err := ParseSeverity(text); err != nil || got != want {
			t.Errorf("%q is %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "5", "0", "critical", "SEV-", "SEV-11"} {
		if got, err := ParseSeverity(text); err == nil {
			t.Errorf("%q is %s", text, got)
		}
	}
	if !SEV1.Worse(SEV2) || SEV2.Worse(SEV1) || SEV1.Worse(SEV1) || !SEV4.Worse(0) || Severity(0).Worse(SEV4) {
		t.Error("the order of severities is wrong")
	}
}

// TestWhatASourceLostSightOfFiresAgain: Prometheus was cut off from Alertmanager, which called the alert resolved; back
// again it fires with the start that it always had.
func TestWhatASourceLostSightOfFiresAgain(t *testing.T) {
	again := fires(1)
	again.Repeats = true
	var s State
	s, _ = Observe(s, fires(1), minute(2))
	s, _ = Observe(s, ends(1, 8), minute(8))
	if _, change := Observe(s, again, minute(8).Add(30*time.Second)); change != IgnoredLate {
		t.Errorf("half a minute after the end a peer's firing is %s", change)
	}
	if _, change := Observe(s, fires(1), minute(20)); change != IgnoredLate {
		t.Errorf("a source that tells each change once says late what it said before: %s", change)
	}
	s, change := Observe(s, again, minute(20))
	if change != Opened || !s.Firing() {
		t.Fatalf("it is %s", change)
	}
	if s, change = Observe(s, again, minute(24)); change != Refreshed || !s.Firing() {
		t.Errorf("its repeat is %s", change)
	}
	if s, change = Observe(s, ends(1, 8), minute(25)); change != IgnoredOld || !s.Firing() {
		t.Errorf("the replayed old end is %s", change)
	}
	if s, change = Observe(s, ends(1, 30), minute(30)); change != Ended || s.Firing() {
		t.Errorf("its end is %s", change)
	}
}
