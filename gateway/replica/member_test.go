package replica

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pagerd/gateway/store"
)

// shared is a store with a clock of its own, which answers after a while: the member's machine ages meanwhile.
type shared struct {
	machine *machine
	ahead   time.Duration // of the store's clock to real time, which is began plus the machine's steady clock
	trips   []time.Duration
	others  []store.Replica
	own     []store.Replica // as announced, oldest first
	failed  error
}

func (s *shared) ServerTime(context.Context) (time.Time, error) {
	if s.failed != nil {
		return time.Time{}, s.failed
	}
	trip := s.trips[0]
	if len(s.trips) > 1 {
		s.trips = s.trips[1:]
	}
	s.machine.pass(trip / 2)
	now := began.Add(s.machine.steady + s.ahead)
	s.machine.pass(trip / 2)
	return now, nil
}

func (s *shared) Announce(_ context.Context, r store.Replica) ([]store.Replica, error) {
	s.own = append(s.own, r)
	all := append(slices.Clone(s.others), r)
	slices.SortFunc(all, func(a, b store.Replica) int { return strings.Compare(a.Name, b.Name) })
	return all, s.failed
}

func (s *shared) Withdraw(context.Context, string) error { return s.failed }

type rig struct {
	machine *machine
	store   *shared
	member  *Member
	told    []string
}

func newRig() *rig {
	r := &rig{machine: &machine{wall: began}}
	r.store = &shared{machine: r.machine, trips: []time.Duration{2 * time.Millisecond}, others: offsets(0, 0)}
	r.member = New(Options{Store: r.store, Clock: NewClock(r.machine.source),
		Self: func() store.Replica { return store.Replica{Name: "b", Config: "c0ffee00"} },
		Tell: func(key, text string) { r.told = append(r.told, key+": "+text) }})
	return r
}

func (r *rig) compare(t *testing.T) State {
	t.Helper()
	if err := r.member.Compare(context.Background()); err != nil {
		t.Fatal(err)
	}
	return r.member.State()
}

func TestTheOffsetIsMeasuredOverTheShortestRoundTrip(t *testing.T) {
	r := newRig()
	r.store.ahead, r.store.trips = 30*time.Millisecond, []time.Duration{900 * time.Millisecond, 60 * time.Millisecond, 400 * time.Millisecond}
	if s := r.compare(t); s.Offset != -30*time.Millisecond || r.store.own[0].Offset != s.Offset {
		t.Errorf("measured %s, announced %s; want -30ms", s.Offset, r.store.own[0].Offset)
	}
}

func TestAStoreThatIsSlowToTellTheTimeJudgesNobody(t *testing.T) {
	r := newRig()
	r.compare(t)
	r.store.trips = []time.Duration{1100 * time.Millisecond}
	r.store.ahead = time.Hour
	if err := r.member.Compare(context.Background()); err == nil || !strings.Contains(err.Error(), "cannot be compared") {
		t.Errorf("compared over a round trip of 1.1 s: %v", err)
	}
	if hold := r.member.o.Clock.Hold(); hold != "" {
		t.Errorf("held: %s", hold)
	}
}

func TestARunawayClockIsHeldToldAndCorrectedUntilItIsRightAgain(t *testing.T) {
	r := newRig()
	clock := r.member.o.Clock
	r.compare(t)
	r.machine.wall = r.machine.wall.Add(time.Minute)
	if clock.Hold() == "" {
		t.Error("a jump is not held at once")
	}
	s := r.compare(t)
	if !s.Verdict.Held() || !strings.Contains(clock.Hold(), "+1m0s off the median of 3 clocks") {
		t.Errorf("verdict %+v, held %q", s.Verdict, clock.Hold())
	}
	if off := clock.Now().Sub(began.Add(r.machine.steady)); off.Abs() > Limit {
		t.Errorf("what it stamps is %s off", off)
	}
	r.compare(t)
	r.machine.wall = r.machine.wall.Add(-time.Minute)
	if r.compare(t); clock.Hold() != "" {
		t.Errorf("still held: %s", clock.Hold())
	}
	if len(r.told) != 2 || !strings.Contains(r.told[0], "the clock of b is +1m0s off 2 others") || !strings.Contains(r.told[1], "RIGHT AGAIN") {
		t.Errorf("told %q", r.told)
	}
}

func TestWithTwoClocksOnlyAnAlarmIsRaised(t *testing.T) {
	r := newRig()
	r.store.others, r.store.ahead = nil, time.Minute
	r.compare(t)
	if hold := r.member.o.Clock.Hold(); hold != "" || len(r.told) != 1 || !strings.Contains(r.told[0], "no third clock") {
		t.Errorf("held %q, told %q", hold, r.told)
	}
}

func TestAClockThatWasNeverComparedHoldsWhileTheStoreIsGoneAndNotWhenItCannotTellTheTime(t *testing.T) {
	r := newRig()
	r.store.failed = fmt.Errorf("dial: %w", store.ErrUnavailable)
	if err := r.member.Compare(context.Background()); !errors.Is(err, store.ErrUnavailable) || r.member.o.Clock.Hold() == "" {
		t.Errorf("store gone: %v, held %q", err, r.member.o.Clock.Hold())
	}
	r.store.failed = errors.New("NOPERM this user has no permissions to run the 'time' command")
	if err := r.member.Compare(context.Background()); err == nil || r.member.o.Clock.Hold() != "" {
		t.Errorf("no permission: %v, held %q", err, r.member.o.Clock.Hold())
	}
	if s := r.member.State(); !strings.Contains(s.Failed, "NOPERM") {
		t.Errorf("the state says %q", s.Failed)
	}
}

func TestAHoldOutlivesAShortFaultAndNotAStoreThatNeverTellsTheTime(t *testing.T) {
	r := newRig()
	r.compare(t)
	r.machine.wall = r.machine.wall.Add(time.Minute)
	r.compare(t)
	r.store.failed = errors.New("NOPERM")
	for second := range 40 {
		if err := r.member.Compare(context.Background()); err == nil {
			t.Fatal("compared without the time")
		}
		if held := r.member.o.Clock.Hold() != ""; held != (second < 30) {
			t.Errorf("after %d s without the time: held %v", second, held)
		}
		r.machine.pass(time.Second)
	}
}

func TestTheFirstByNameTellsOfDifferentConfigurations(t *testing.T) {
	for first, want := range map[string]int{"a": 0, "c": 1} {
		r := newRig()
		r.store.others = []store.Replica{{Name: first, Config: "0ld"}}
		for range 14 {
			r.compare(t)
			r.machine.pass(10 * time.Second)
		}
		told := 0
		for _, line := range r.told {
			if strings.HasPrefix(line, "configuration: ") {
				told++
			}
		}
		if told != want {
			t.Errorf("beside %s it told %d times, want %d: %q", first, told, want, r.told)
		}
	}
}

// prompt is a store whose clock is the test's, and which remembers when it was announced to.
type prompt struct {
	mu sync.Mutex
	at []time.Time
}

func (p *prompt) ServerTime(context.Context) (time.Time, error) { return time.Now(), nil }

func (p *prompt) Announce(_ context.Context, r store.Replica) ([]store.Replica, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = append(p.at, time.Now())
	return []store.Replica{r}, nil
}

func (p *prompt) Withdraw(context.Context, string) error { return nil }

func TestRunComparesEveryTenSecondsAndAtOnceWhenTheClockJumps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 26*time.Second)
		defer cancel()
		start, s := time.Now(), &prompt{}
		var jump atomic.Int64
		clock := NewClock(func() (time.Time, time.Duration) {
			now := time.Now()
			return now.Add(time.Duration(jump.Load())), now.Sub(start)
		})
		m := New(Options{Store: s, Clock: clock, Self: func() store.Replica { return store.Replica{Name: "b"} }, Tell: func(string, string) {}})
		time.AfterFunc(15*time.Second, func() {
			jump.Store(int64(time.Minute))
			clock.Hold()
		})
		if err := m.Run(ctx); err != nil {
			t.Fatal(err)
		}
		var after []time.Duration
		for _, at := range s.at {
			after = append(after, at.Sub(start))
		}
		if want := "[0s 10s 15s 25s]"; fmt.Sprint(after) != want {
			t.Errorf("compared after %v, want %s", after, want)
		}
	})
}
