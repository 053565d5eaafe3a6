package alert

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// drawSignal is anything that a source may say of one identity, in any order, well-formed or not.
func drawSignal(t *rapid.T) Alert {
	a := Alert{Source: "prod", Fingerprint: "f", Status: Firing, StartsAt: minute(rapid.IntRange(0, 20).Draw(t, "start"))}
	if rapid.Bool().Draw(t, "over") {
		a.Status = Resolved
		if rapid.IntRange(0, 5).Draw(t, "no end") > 0 {
			a.EndsAt = minute(rapid.IntRange(0, 20).Draw(t, "end"))
		}
	}
	return a
}

// TestWhateverArrivesTheTombstoneHolds: ends never go back, an episode opens only after the last end, what is heard twice in
// a row changes nothing the second time, and the words agree with the state.
func TestWhateverArrivesTheTombstoneHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s State
		for i := range rapid.IntRange(1, 30).Draw(t, "signals") {
			a, now := drawSignal(t), minute(25+i)
			next, change := Observe(s, a, now)
			switch {
			case next.EndedAt.Before(s.EndedAt):
				t.Fatalf("the last end went back from %s to %s", s.EndedAt, next.EndedAt)
			case next.HeardAt.Before(s.HeardAt):
				t.Fatal("heard less recently than before")
			case change == Opened && (s.Firing() || !a.StartsAt.After(s.EndedAt)):
				t.Fatalf("opened by a start at %s after an end at %s", a.StartsAt, s.EndedAt)
			case change == Opened && !next.Firing(), change == Refreshed && (!s.Firing() || !next.Firing()), change == Ended && (!s.Firing() || next.Firing()):
				t.Fatalf("%s from firing %v to firing %v", change, s.Firing(), next.Firing())
			case change == Refreshed && next.StartsAt.After(s.StartsAt):
				t.Fatal("the earliest start was not kept")
			case next.Firing() && next.StartsAt.After(next.LatestStart):
				t.Fatal("starts after its newest start")
			case next.Firing() && !next.StartsAt.After(next.EndedAt) && !next.EndedAt.IsZero():
				t.Fatalf("an episode that began at %s runs although one ended at %s", next.StartsAt, next.EndedAt)
			case !change.Changed() && !same(next, s) && s.ID != "":
				t.Fatalf("%s, and yet it changed:\n%+v\n%+v", change, s, next)
			}
			again, word := Observe(next, a, now)
			if word == Opened || word == Ended || again.Firing() != next.Firing() || !again.EndedAt.Equal(next.EndedAt) || !again.StartsAt.Equal(next.StartsAt) {
				t.Fatalf("heard twice: %s\n%+v\n%+v", word, next, again)
			}
			s = next
		}
	})
}

func same(a, b State) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

// TestAPeerThatIsBehindEndsTheEpisodeOnce: two servers of one source tell the same life, each in order, interleaved in any
// way and with starts that differ. The state follows, and ends.
func TestAPeerThatIsBehindEndsTheEpisodeOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		skew := time.Duration(rapid.IntRange(0, 59).Draw(t, "skew")) * time.Second
		var peers [2][]Alert
		for i := range rapid.IntRange(1, 4).Draw(t, "episodes") {
			for p := range peers {
				f, e := fires(10*i+1), ends(10*i+1, 10*i+5)
				f.StartsAt, e.StartsAt = f.StartsAt.Add(skew*time.Duration(p)), e.StartsAt.Add(skew*time.Duration(p))
				peers[p] = append(peers[p], f, e)
			}
		}
		want := peers[0][len(peers[0])-1].EndsAt
		var s State
		opened, ended := 0, 0
		for i := 0; len(peers[0])+len(peers[1]) > 0; i++ {
			p := rapid.IntRange(0, 1).Draw(t, "peer")
			if len(peers[p]) == 0 {
				p = 1 - p
			}
			var word Change
			s, word = Observe(s, peers[p][0], minute(50).Add(time.Duration(i)*time.Second))
			peers[p] = peers[p][1:]
			if word == Opened {
				opened++
			}
			if word == Ended {
				ended++
			}
		}
		if s.Firing() || !s.EndedAt.Equal(want) || opened != ended || opened > 4 {
			t.Fatalf("firing %v, ended at %s, opened %d times, ended %d times", s.Firing(), s.EndedAt, opened, ended)
		}
	})
}

// FuzzASeverityIsReadAsItIsWritten: what can be read is one of four, and is written in a form that reads the same.
func FuzzASeverityIsReadAsItIsWritten(f *testing.F) {
	for _, s := range []string{"SEV-1", "sev2", "3", " Sev 4 ", "critical", "SEV-5", "SEV", "-1", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSeverity(text)
		if err != nil {
			return
		}
		written, err := s.MarshalText()
		var read Severity
		if err != nil || !s.Valid() || read.UnmarshalText(written) != nil || read != s {
			t.Errorf("%q is %d, written %q, read %d", text, s, written, read)
		}
	})
}

func TestASeverityIsStoredAsPeopleWriteIt(t *testing.T) {
	type holder struct {
		S Severity `json:"s,omitempty"`
	}
	for s, want := range map[Severity]string{SEV1: `{"s":"SEV-1"}`, SEV4: `{"s":"SEV-4"}`, 0: `{}`} {
		b, err := json.Marshal(holder{s})
		var back holder
		if err != nil || string(b) != want || json.Unmarshal(b, &back) != nil || back.S != s {
			t.Errorf("%d is stored as %s, %v, and read as %d", s, b, err, back.S)
		}
	}
	var back holder
	if err := json.Unmarshal([]byte(`{"s":"SEV-9"}`), &back); err == nil {
		t.Error("SEV-9 is read")
	}
	if err := json.Unmarshal([]byte(`{"s":""}`), &back); err != nil || back.S != 0 {
		t.Errorf("an empty severity: %d, %v", back.S, err)
	}
}
