package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pagerd/config"
	"pagerd/gateway/alert"
	"pagerd/gateway/engine"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/store/memstore"
	"pagerd/notify"
)

// What package sim found, as the smallest story of each.

// failing fails as many commits as it is told to.
type failing struct {
	store.Store
	commits atomic.Int32
	err     error
}

func (f *failing) Commit(ctx context.Context, c store.Change) error {
	if f.commits.Add(-1) >= 0 {
		return f.err
	}
	return f.Store.Commit(ctx, c)
}

// TestAnAlarmWhoseCommitFailedIsToldWithTheNextOne: the operators must hear that nobody is on call although the store was
// away, or somebody else was faster, when that was first seen.
func TestAnAlarmWhoseCommitFailedIsToldWithTheNextOne(t *testing.T) {
	for _, err := range []error{store.ErrConflict, store.ErrUnavailable} {
		cfg, parseErr := config.Parse("test.yaml", []byte(yaml+`
operators: [{sms: "+34600000009"}]
overrides: []
`), func(string) (string, bool) { return "", false })
		if parseErr != nil {
			t.Fatal(parseErr)
		}
		r := cfg.Book.Rotations["platform"]
		r.People = nil // everybody has left
		cfg.Book.Rotations["platform"] = r
		st := &failing{Store: memstore.New(), err: fmt.Errorf("disk: %w", err)}
		st.commits.Store(1)
		e, newErr := engine.New(t.Context(), engine.Options{Store: st, Config: func() *config.Config { return cfg }})
		if newErr != nil {
			t.Fatal(newErr)
		}
		for range 2 {
			_ = e.Accept(t.Context(), batch("Down"), start())
		}
		pages, _ := st.Pages(t.Context(), store.Filter{})
		if len(pages) != 1 {
			t.Fatalf("%d pages", len(pages))
		}
		alarms := 0
		ds, _ := st.Deliveries(t.Context(), pages[0].Number)
		for _, d := range ds {
			if d.Kind == notify.KindAlarm {
				alarms++
			}
		}
		if alarms != 1 {
			t.Errorf("after %v: %d alarms, want 1", err, alarms)
		}
	}
}

// late is a store whose first claim is asked for by a process that is stopped in the middle of asking.
type late struct {
	store.Store
	once sync.Once
	stop func()
}

func (l *late) Claim(ctx context.Context, now time.Time, o store.ClaimOptions) ([]store.Claim, error) {
	l.once.Do(l.stop)
	return l.Store.Claim(ctx, now, o)
}

// writer keeps whether each attempt was allowed to write.
type writer chan bool

func (w writer) Send(_ context.Context, n notify.Notification) notify.Outcome {
	alive := n.Alive()
	w <- alive
	if !alive {
		return notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonLeaseLost}
	}
	return notify.Outcome{Certainty: notify.Sent, ProviderID: "SM1"}
}

// TestAClaimThatWasAskedForBeforeAPauseDoesNotWrite: its lease counts from the instant with which it was asked for, and
// is over when the process wakes.
func TestAClaimThatWasAskedForBeforeAPauseDoesNotWrite(t *testing.T) {
	cfg, err := config.Parse("test.yaml", []byte(yaml), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	var offset atomic.Int64
	began := time.Now()
	clock := func() time.Time { return start().Add(time.Since(began) + time.Duration(offset.Load())) }
	st := &late{Store: memstore.New(), stop: func() { offset.Store(int64(30 * time.Second)) }}
	w := make(writer, 8)
	e, err := engine.New(t.Context(), engine.Options{Store: st, Config: func() *config.Config { return cfg },
		Senders: map[notify.Channel]engine.Sender{notify.SMS: w}})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Accept(t.Context(), batch("Down"), clock()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.Run(ctx, clock)
	}()
	if first, second := <-w, <-w; first == second {
		t.Errorf("two attempts, 30 s old and fresh, and whether they write is %v and %v", first, second)
	}
	cancel()
	<-done
}

// between is a store in which another replica works right after the page of a group was read.
type between struct {
	store.Store
	once sync.Once
	work func()
}

func (b *between) Group(ctx context.Context, group string) (page.Page, error) {
	p, err := b.Store.Group(ctx, group)
	b.once.Do(b.work)
	return p, err
}

// TestAPageThatAnotherReplicaBeginsMeanwhileKeepsItsAlerts: a person called the first page over, so that a new alert of
// the group begins a second one, and one replica still looks at the first. The second would count alerts that the store
// keeps with the first, and never end.
func TestAPageThatAnotherReplicaBeginsMeanwhileKeepsItsAlerts(t *testing.T) {
	ctx, shared := t.Context(), memstore.New()
	one, _ := setup(t, shared)
	now := start()
	if err := one.Accept(ctx, batchOfGroup("a"), now); err != nil {
		t.Fatal(err)
	}
	if _, err := one.Do(ctx, 1001, page.Resolve{By: page.Actor{Person: "ana", Channel: "cli"}}, "", now); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	st := &between{Store: shared}
	two, _ := setup(t, st)
	st.work = func() {
		if err := one.Accept(ctx, batchOfGroup("a", "b"), now); err != nil {
			t.Error(err)
		}
	}
	if err := two.Accept(ctx, batchOfGroup("a", "b"), now); err != nil {
		t.Fatal(err)
	}
	open, err := shared.Pages(ctx, store.Filter{Open: true})
	if err != nil || len(open) != 1 {
		t.Fatalf("%d pages are open, %v", len(open), err)
	}
	mine, err := shared.PageAlerts(ctx, open[0].Number, 10)
	if err != nil || len(mine) != open[0].Firing {
		t.Errorf("page %d counts %d alerts, and %d belong to it (%v)", open[0].Number, open[0].Firing, len(mine), err)
	}
}

// batchOfGroup are alerts of one group.
func batchOfGroup(fingerprints ...string) alert.Batch {
	b := batch(fingerprints...)
	for i := range b.Alerts {
		b.Alerts[i].Labels = map[string]string{"alertname": "Down"}
	}
	return b
}

// TestARepeatedTextThatWasAnsweredWithAListIsNotTheAnswerToTheList: the first webhook of a "4" is refused, because another
// message went out just before it, and the list names what is open now. The repeated webhook of the same "4" must not act
// on what only the list told.
func TestARepeatedTextThatWasAnsweredWithAListIsNotTheAnswerToTheList(t *testing.T) {
	ctx, st := t.Context(), memstore.New()
	e, _ := setup(t, st)
	now := start()
	told := func(b alert.Batch, at time.Time) {
		t.Helper()
		if err := e.Accept(ctx, b, at); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Deliver(ctx, at); err != nil {
			t.Fatal(err)
		}
	}
	told(batch("Down"), now)
	told(batch("Slow"), now.Add(40*time.Second))
	by := page.Actor{Person: "ben", Channel: "cli"}
	if _, err := e.Do(ctx, 1001, page.Resolve{By: by}, "", now.Add(41*time.Second)); err != nil {
		t.Fatal(err)
	}
	text := engine.Text{From: "+34600000001", Body: "4", ID: "SM1"}
	for _, after := range []time.Duration{42, 60} {
		answer, err := e.Reply(ctx, text, now.Add(after*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		t.Log(answer)
	}
	if p, _ := st.Page(ctx, 1002); p.Status != page.Triggered {
		t.Errorf("the page is %s: the repeated text acknowledged what its first webhook did not", p.Status)
	}
}

// TestARepeatedTextMeansWhatItMeantAtFirst: a webhook that comes again hours later, when the number was told of another
// page, does nothing to that page; nor does one that had nothing to do the first time.
func TestARepeatedTextMeansWhatItMeantAtFirst(t *testing.T) {
	for _, first := range []string{"acknowledges", "comes too late"} {
		ctx, st := t.Context(), memstore.New()
		e, _ := setup(t, st)
		now := start()
		tell := func(name string) {
			t.Helper()
			if err := e.Accept(ctx, batch(name), now); err != nil {
				t.Fatal(err)
			}
			if _, err := e.Deliver(ctx, now); err != nil {
				t.Fatal(err)
			}
		}
		reply := func() {
			t.Helper()
			now = now.Add(time.Minute)
			if _, err := e.Reply(ctx, engine.Text{From: "+34600000001", Body: "4", ID: "SM1"}, now); err != nil {
				t.Fatal(err)
			}
		}
		tell("Down")
		if first == "comes too late" {
			if _, err := e.Do(ctx, 1001, page.Resolve{By: page.Actor{Person: "ben", Channel: "cli"}}, "", now); err != nil {
				t.Fatal(err)
			}
		}
		reply()
		now = now.Add(3 * time.Hour)
		tell("Slow")
		reply()
		if p, _ := st.Page(ctx, 1002); p.Status != page.Triggered {
			t.Errorf("it %s, and when it is repeated the other page is %s", first, p.Status)
		}
	}
}

// TestAnActThatChangedNothingChangesNothingLater: a client that asks again with the same operation id, when the page has
// begun a new round, gets no more than it got at first.
func TestAnActThatChangedNothingChangesNothingLater(t *testing.T) {
	ctx, st := t.Context(), memstore.New()
	e, _ := setup(t, st)
	if err := e.Accept(ctx, batch("Down"), start()); err != nil {
		t.Fatal(err)
	}
	act := func(ev page.Event, op string) {
		t.Helper()
		if _, err := e.Do(ctx, 1001, ev, op, start()); err != nil {
			t.Fatal(err)
		}
	}
	act(page.Acknowledge{By: page.Actor{Person: "ana", Channel: "api"}}, "api/1")
	act(page.Acknowledge{By: page.Actor{Person: "ben", Channel: "api"}}, "api/2")
	act(page.Unacknowledge{By: page.Actor{Person: "ana", Channel: "api"}}, "api/3")
	act(page.Acknowledge{By: page.Actor{Person: "ben", Channel: "api"}}, "api/2")
	if p, _ := st.Page(ctx, 1001); p.Status != page.Triggered || p.Round != 2 {
		t.Errorf("%s in round %d", p.Status, p.Round)
	}
}

// unsure executes a commit and answers with an error, like a master that its replicas do not follow any more.
type unsure struct {
	store.Store
	on atomic.Bool
}

func (u *unsure) Commit(ctx context.Context, c store.Change) error {
	err := u.Store.Commit(ctx, c)
	if err == nil && u.on.Load() {
		return fmt.Errorf("no replica has it: %w", store.ErrUnavailable)
	}
	return err
}

// TestABodyThatSaysNothingNewIsNotAcceptedOnWhatMayBeLost: the end was stored, answered with an error, and would be lost
// with the fail-over. The repeated body finds it stored and changes nothing; a 2xx would lose the end.
func TestABodyThatSaysNothingNewIsNotAcceptedOnWhatMayBeLost(t *testing.T) {
	st := &unsure{Store: memstore.New()}
	e, _ := setup(t, st)
	if err := e.Accept(t.Context(), batch("Down"), start()); err != nil {
		t.Fatal(err)
	}
	st.on.Store(true)
	end := batch("Down")
	end.Alerts[0].Status, end.Alerts[0].EndsAt = alert.Resolved, start().Add(time.Minute)
	for range 2 {
		if err := e.Accept(t.Context(), end, start().Add(time.Minute)); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	}
	st.on.Store(false)
	if err := e.Accept(t.Context(), end, start().Add(time.Minute)); err != nil {
		t.Errorf("got %v", err)
	}
}

// TestAnActThatWasAppliedIsNotConfirmedOnWhatMayBeLost: the same of an acknowledgement that is asked for again.
func TestAnActThatWasAppliedIsNotConfirmedOnWhatMayBeLost(t *testing.T) {
	st := &unsure{Store: memstore.New()}
	e, _ := setup(t, st)
	if err := e.Accept(t.Context(), batch("Down"), start()); err != nil {
		t.Fatal(err)
	}
	st.on.Store(true)
	ack := page.Acknowledge{By: page.Actor{Person: "ana", Channel: "api"}}
	for range 2 {
		if a, err := e.Do(t.Context(), 1001, ack, "api/1", start()); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("answered %q, %v", a.Code, err)
		}
	}
}

// failingOver is a store whose master is replaced, with what it had stored last, right before the first commit that only
// makes sure of what was read.
type failingOver struct {
	store.Store
	to   store.Store
	once sync.Once
}

func (f *failingOver) Commit(ctx context.Context, c store.Change) error {
	if c.Op == "" && c.Page == nil && c.Incident == nil && len(c.Sent) == 0 {
		f.once.Do(func() { f.Store = f.to })
	}
	return f.Store.Commit(ctx, c)
}

// TestAFailOverBetweenReadingAndMakingSureLosesNothing: what was read is on the old master only, and the new one answers
// that all it has is durable.
func TestAFailOverBetweenReadingAndMakingSureLosesNothing(t *testing.T) {
	end := batch("Down")
	end.Alerts[0].Status, end.Alerts[0].EndsAt = alert.Resolved, start().Add(time.Minute)
	ack := page.Acknowledge{By: page.Actor{Person: "ana", Channel: "api"}}
	for name, c := range map[string]struct {
		do   func(e *engine.Engine) error
		want page.Status
	}{
		"end":         {func(e *engine.Engine) error { return e.Accept(t.Context(), end, start().Add(time.Minute)) }, page.Resolved},
		"act":         {func(e *engine.Engine) error { _, err := e.Do(t.Context(), 1001, ack, "api/1", start()); return err }, page.Acknowledged},
		"act, no id":  {func(e *engine.Engine) error { _, err := e.Do(t.Context(), 1001, ack, "", start()); return err }, page.Acknowledged},
		"another act": {func(e *engine.Engine) error { _, err := e.Do(t.Context(), 1001, ack, "api/2", start()); return err }, page.Acknowledged},
	} {
		t.Run(name, func(t *testing.T) {
			before, after := memstore.New(), memstore.New()
			for _, st := range []store.Store{before, after} {
				e, _ := setup(t, st)
				if err := e.Accept(t.Context(), batch("Down"), start()); err != nil {
					t.Fatal(err)
				}
			}
			e, _ := setup(t, before)
			if name == "another act" {
				if _, err := e.Do(t.Context(), 1001, ack, "api/1", start()); err != nil {
					t.Fatal(err)
				}
			} else if err := c.do(e); err != nil {
				t.Fatal(err)
			}
			st := &failingOver{Store: before, to: after}
			e, _ = setup(t, st)
			if err := c.do(e); err != nil {
				t.Fatal(err)
			}
			if p, err := after.Page(t.Context(), 1001); err != nil || p.Status != c.want {
				t.Errorf("the new master has it %s (%v), want %s", p.Status, err, c.want)
			}
		})
	}
}

// TestAFailOverLosesNoActOnAnIncident: the same of what somebody says of an incident.
func TestAFailOverLosesNoActOnAnIncident(t *testing.T) {
	for _, op := range []string{"", "api/9"} {
		before, after := memstore.New(), memstore.New()
		for _, st := range []store.Store{before, after} {
			e, _ := ended(t, st)
			if st == before {
				if _, err := e.Incident(t.Context(), 1001, incident.Mitigate{By: "ana"}, op, start().Add(time.Hour)); err != nil {
					t.Fatal(err)
				}
			}
		}
		e, _ := office(t, &failingOver{Store: before, to: after})
		if _, err := e.Incident(t.Context(), 1001, incident.Mitigate{By: "ana"}, op, start().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if in, err := after.Incident(t.Context(), 1001); err != nil || in.Status != incident.Mitigated {
			t.Errorf("op %q: the new master has it %s (%v)", op, in.Status, err)
		}
	}
}

// fullDisk stores people's acts and nothing else.
type fullDisk struct{ store.Store }

func (f *fullDisk) Commit(ctx context.Context, c store.Change) error {
	if !c.Urgent {
		return fmt.Errorf("no space: %w", store.ErrUnavailable)
	}
	return f.Store.Commit(ctx, c)
}

// TestAFullDiskTakesWhatAPersonSaysTwice: making sure of an acknowledgement that is there already is an act of a person too.
func TestAFullDiskTakesWhatAPersonSaysTwice(t *testing.T) {
	st := memstore.New()
	e, _ := setup(t, st)
	if err := e.Accept(t.Context(), batch("Down"), start()); err != nil {
		t.Fatal(err)
	}
	e, _ = setup(t, &fullDisk{st})
	ack := page.Acknowledge{By: page.Actor{Person: "ana", Channel: "sms"}}
	for _, op := range []string{"sms/1", "sms/1", "sms/2", ""} {
		if _, err := e.Do(t.Context(), 1001, ack, op, start()); err != nil {
			t.Errorf("op %q: %v", op, err)
		}
	}
}

// TestAPageThatAsksTwiceIsOneLineOfOneMessage: two steps asked the same person before either message left.
func TestAPageThatAsksTwiceIsOneLineOfOneMessage(t *testing.T) {
	ctx, st := t.Context(), memstore.New()
	e, p := setup(t, st)
	if err := e.Accept(ctx, batch("Down"), start()); err != nil {
		t.Fatal(err)
	}
	first, err := st.Page(ctx, 1001)
	if err != nil {
		t.Fatal(err)
	}
	first.Version++
	again := page.Send{ID: page.SendID(1001, 99), Page: 1001, Round: 1, Kind: notify.KindPage, Person: "ana", Contact: "ana/sms", Channel: notify.SMS,
		Severity: first.Severity, At: start()}
	if err := st.Commit(ctx, store.Change{Now: start(), Page: &first, Deliveries: []store.Delivery{{Send: again}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Deliver(ctx, start()); err != nil {
		t.Fatal(err)
	}
	if texts := p.texts(); len(texts) != 1 || strings.Contains(texts[0], "2 pages") {
		t.Errorf("%q", texts)
	}
	if sent, err := st.Sent(ctx, "ana/sms", 1); err != nil || len(sent) != 1 || len(sent[0].Pages) != 1 {
		t.Errorf("%+v, %v", sent, err)
	}
}

// beside is a store in which another replica works when a certain page is read for the second time.
type beside struct {
	store.Store
	page int64
	left int
	work func()
}

func (b *beside) Page(ctx context.Context, n int64) (page.Page, error) {
	p, err := b.Store.Page(ctx, n)
	if n == b.page {
		if b.left--; b.left == 0 {
			b.work()
		}
	}
	return p, err
}

// TestTwoLastPagesThatEndAtOnceAskWhetherTheIncidentIsOver: each replica sees the other's page open, and nobody would ask.
func TestTwoLastPagesThatEndAtOnceAskWhetherTheIncidentIsOver(t *testing.T) {
	ctx, shared := t.Context(), memstore.New()
	one, _ := setup(t, shared)
	st := &beside{Store: shared, page: 1002}
	two, _ := setup(t, st)
	if err := one.Accept(ctx, batch("Down", "Slow"), start()); err != nil {
		t.Fatal(err)
	}
	by := page.Actor{Person: "ana", Channel: "cli"}
	if _, err := one.Verb(ctx, notify.VerbAck, []engine.Ref{{Page: 1001}, {Page: 1002}}, by, start()); err != nil {
		t.Fatal(err)
	}
	resolve := func(e *engine.Engine, n int64) {
		if _, err := e.Do(ctx, n, page.Resolve{By: by}, "", start()); err != nil {
			t.Error(err)
		}
	}
	st.left, st.work = 1, func() { resolve(one, 1002) }
	resolve(two, 1001)
	in, err := shared.Incident(ctx, 1001)
	if err != nil || len(in.Pages) != 2 || !in.PagesOver {
		t.Errorf("pages %v, all over %v, %s, %v", in.Pages, in.PagesOver, in.Status, err)
	}
}

// TestAnAnchorHoldsNoHeadThatAFailOverTookBack: it was read on the old master, and the anchor is written to the new one. Verified
// later, it would call what is stored a forgery, for ever.
func TestAnAnchorHoldsNoHeadThatAFailOverTookBack(t *testing.T) {
	before, after := memstore.New(), memstore.New()
	for _, st := range []store.Store{before, after} {
		e, _ := setup(t, st)
		for _, name := range []string{"Down", "Slow"} { // one after the other, so that both masters number them alike
			if err := e.Accept(t.Context(), batch(name), start()); err != nil {
				t.Fatal(err)
			}
		}
		if st == before { // was not replicated
			if _, err := e.Do(t.Context(), 1001, page.Acknowledge{By: page.Actor{Person: "ana", Channel: "api"}}, "", start()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := after.NextNumber(t.Context()); err != nil {
		t.Fatal(err)
	}
	e, _ := setup(t, &failingOver{Store: before, to: after})
	chain := anchor(t, e, after, start().Add(time.Minute))
	if len(chain) != 1 || len(chain[0].Changed) != 1 || chain[0].Changed[0].Object != "page/1002" {
		t.Errorf("%+v", chain)
	}
	if found := verified(t, after, start().Add(time.Hour)); len(found) != 0 {
		t.Errorf("%q", found)
	}
	// What only went on meanwhile is anchored as it was found.
	if chain = anchor(t, e, after, start().Add(2*time.Hour)); len(chain) != 2 || len(chain[1].Changed) != 1 || chain[1].Changed[0].Object != "page/1001" {
		t.Errorf("an hour later: %+v", chain)
	}
}
