package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"pagerd/config"
	"pagerd/gateway/alert"
	"pagerd/gateway/engine"
	"pagerd/gateway/mailing"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/store/memstore"
	"pagerd/gateway/update"
	"pagerd/notify"
)

const written = `
public_url: https://pager.example.com
sources: [{name: prod, token: x}]
people:
  - {name: ana, sms: "+34600000001", email: ana@example.com}
  - {name: ben, sms: "+34600000002"}
schedules: [{name: platform, every: 520, people: [ana, ben]}]
routes: {schedule: platform, severity_label: severity, group_by: [alertname]}
services:
  - {name: checkout, stakeholders: [ana, support@example.com, ANA@example.com, sales@example.com]}
status_page: {title: Status of Example, components: {checkout: Payments}, subscribe: true}
notify:
  twilio: {account_sid: AC1, auth_token: t, from: "+15005550006"}
  smtp: {address: "127.0.0.1:25", tls: none, from: pager@example.com}
`

// press is an engine with readers, and what it mailed.
type press struct {
	*engine.Engine
	st   store.Store
	mail *provider
	cfg  *config.Config
}

func newPress(t *testing.T, st store.Store) *press {
	t.Helper()
	p := &press{st: st, mail: &provider{}}
	p.configure(t, written)
	return p.begin(t)
}

// replica is another process on the same store with the same configuration; its mail arrives in the same place.
func (p *press) replica(t *testing.T) *press {
	t.Helper()
	return (&press{st: p.st, mail: p.mail, cfg: p.cfg}).begin(t)
}

func (p *press) begin(t *testing.T) *press {
	t.Helper()
	st := p.st
	var err error
	p.Engine, err = engine.New(t.Context(), engine.Options{Store: st, Config: func() *config.Config { return p.cfg }, Serial: true, Events: zap.NewNop(),
		Senders: map[notify.Channel]engine.Sender{notify.SMS: &provider{}, notify.Email: &provider{}, notify.Bulk: p.mail},
		Letters: engine.Letters{Confirm: func(address string, until time.Time) string {
			return "https://x/confirm/" + address + until.Format("/15:04")
		},
			Leave: func(n int64) string { return fmt.Sprint("https://x/leave/", n) }}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *press) configure(t *testing.T, text string) {
	t.Helper()
	cfg, err := config.Parse("test.yaml", []byte(text), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	p.cfg = cfg
}

// leads begins incident 1001 of checkout.
func (p *press) leads(t *testing.T) time.Time {
	t.Helper()
	fires(t, p.Engine, "Down", "SEV-2", start())
	now := start().Add(time.Minute)
	acks(t, p.Engine, "ana", now, 1001)
	return now
}

func (p *press) tell(t *testing.T, to update.Audience, text, op string, now time.Time) update.Log {
	t.Helper()
	l, _, err := p.PostUpdate(t.Context(), 1001, update.Post{By: "ana", State: update.Identified, To: to, Text: text}, op, now)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// runs fires what is due and sends what is pending, until nothing is left at now.
func (p *press) runs(t *testing.T, now time.Time) {
	t.Helper()
	for range 1000 {
		fired, err := p.Tick(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		sent, err := p.Deliver(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		if fired+sent == 0 {
			return
		}
	}
	t.Fatal("there is always something to do")
}

// read is who got a mail with these words, and titled who got one with them in its title; in order.
func (p *press) read(words string) []string {
	return p.got(func(n notify.Notification) bool { return strings.Contains(n.Text, words) })
}

func (p *press) titled(words string) []string {
	return p.got(func(n notify.Notification) bool { return strings.Contains(n.Title, words) })
}

func (p *press) got(such func(notify.Notification) bool) (out []string) {
	for _, n := range p.mail.sent {
		if such(n) {
			out = append(out, n.Contact.Address)
		}
	}
	slices.Sort(out)
	return out
}

func TestStakeholdersAreMailedEachUpdateOnce(t *testing.T) {
	p := newPress(t, memstore.New())
	other := p.replica(t)
	now := p.leads(t)
	for range 2 { // the same request, sent again
		p.tell(t, update.Stakeholders, "Payments fail for some.", "op-1", now)
	}
	p.runs(t, now)
	other.runs(t, now.Add(time.Minute))
	want := []string{"ana@example.com", "sales@example.com", "support@example.com"}
	if got := p.read("Payments fail for some."); !slices.Equal(got, want) {
		t.Fatalf("%v", got)
	}
	n := p.mail.sent[0]
	if n.Title != "[SEV-2] checkout: identified (incident 1001)" || n.Leave != "" || !strings.Contains(n.Text, "You are told because you are a stakeholder of checkout.") ||
		!strings.Contains(n.HTML, "<p") || n.Thread != "incident.1001" {
		t.Errorf("%+v", n)
	}
	l, _, err := p.Updates(t.Context(), 1001)
	if err != nil {
		t.Fatal(err)
	}
	if m, err := p.Mailed(t.Context(), l.Updates[0].Mailing); err != nil || m != (engine.Mail{Letters: 3, Sent: 3, Done: true}) {
		t.Errorf("%+v %v", m, err)
	}
}

// TestAnUpdateAndItsMailingAreOneCommit: a crash leaves both or neither.
func TestAnUpdateAndItsMailingAreOneCommit(t *testing.T) {
	st := &failing{Store: memstore.New(), err: fmt.Errorf("disk: %w", store.ErrUnavailable)}
	p := newPress(t, st)
	now := p.leads(t)
	p.runs(t, now)
	told := update.Post{By: "ana", State: update.Identified, To: update.Stakeholders, Text: "Told."}
	st.commits.Store(1)
	if _, _, err := p.PostUpdate(t.Context(), 1001, told, "op-1", now); err == nil {
		t.Fatal("a commit that failed is no error")
	}
	if l, _, _ := p.Updates(t.Context(), 1001); len(l.Updates) != 0 {
		t.Error("the update is there")
	}
	if all, _ := st.Records(t.Context(), store.Mailing, store.Filter{}); len(all) != 0 {
		t.Error("its mailing is there")
	}
	if _, _, err := p.PostUpdate(t.Context(), 1001, told, "op-1", now); err != nil {
		t.Fatal(err)
	}
	p.runs(t, now)
	if got := p.read("Told."); len(got) != 3 {
		t.Errorf("%v", got)
	}
}

func TestWhoConfirmedGetsThePublicUpdatesUntilTheyLeave(t *testing.T) {
	p := newPress(t, memstore.New())
	now := p.leads(t)
	for range 3 { // pressed again, and somebody else who types it
		if err := p.Invite(t.Context(), " Reader@Example.org ", now); err != nil {
			t.Fatal(err)
		}
	}
	p.runs(t, now)
	if got := p.read("https://x/confirm/Reader@example.org/03:01"); len(got) != 1 || len(p.mail.sent) != 1 {
		t.Fatalf("invited: %v of %d", got, len(p.mail.sent))
	}
	number := mailing.NumberOf("Reader@example.org")
	if ds, err := p.st.Deliveries(t.Context(), number); err != nil || len(ds) != 1 || ds[0].State != store.SentState || ds[0].Text != "" {
		t.Errorf("an address that nobody confirmed is kept: %+v %v", ds, err)
	}
	p.tell(t, update.Customers, "Cards fail.", "", now)
	p.runs(t, now)
	if got := p.read("Cards fail."); len(got) != 0 {
		t.Fatalf("nobody confirmed, and %v were told", got)
	}
	for range 2 {
		if err := p.Subscribe(t.Context(), "Reader@example.org", now); err != nil {
			t.Fatal(err)
		}
	}
	p.tell(t, update.Customers, "Cards work again.", "", now.Add(time.Minute))
	p.tell(t, update.Stakeholders, "The database of billing was full.", "", now.Add(time.Minute))
	p.runs(t, now.Add(time.Minute))
	if got := p.read("Cards work again."); !slices.Equal(got, []string{"Reader@example.org"}) {
		t.Fatalf("%v", got)
	}
	n := p.mail.sent[slices.IndexFunc(p.mail.sent, func(n notify.Notification) bool { return strings.Contains(n.Text, "Cards work") })]
	if n.Leave != fmt.Sprint("https://x/leave/", number) || !strings.Contains(n.Text, n.Leave) {
		t.Errorf("%+v", n)
	}
	for _, private := range []string{"1001", "SEV", "Down", "ana", "checkout"} {
		if strings.Contains(n.Text+n.HTML+n.Title+n.Thread+n.Delivery, private) {
			t.Errorf("%q is told to everybody: %q %q %q %q", private, n.Title, n.Thread, n.Delivery, n.Text)
		}
	}
	for range 2 {
		if err := p.Unsubscribe(t.Context(), number, mailing.Leave{By: "subscriber", Why: mailing.WhyAsked}, now); err != nil {
			t.Fatal(err)
		}
	}
	r, err := p.st.Record(t.Context(), store.Subscriber, number)
	if err != nil || strings.Contains(string(r.Body), "example.org") || r.Entries != 2 {
		t.Errorf("what is kept of who left: %s, %d entries, %v", r.Body, r.Entries, err)
	}
	p.tell(t, update.Customers, "Cards fail again.", "", now.Add(2*time.Minute))
	p.runs(t, now.Add(2*time.Minute))
	if got := p.read("fail again."); len(got) != 0 {
		t.Errorf("told after they left: %v", got)
	}
}

// dying stores so many more changes, and then nothing.
type dying struct {
	store.Store
	good int
}

func (d *dying) Commit(ctx context.Context, c store.Change) error {
	if d.good--; d.good < 0 {
		return store.ErrUnavailable
	}
	return d.Store.Commit(ctx, c)
}

// TestManySubscribersAreQueuedInPartsAcrossACrash: each gets one letter, wherever the process died.
func TestManySubscribersAreQueuedInPartsAcrossACrash(t *testing.T) {
	st := &dying{Store: memstore.New(), good: 1 << 30}
	p := newPress(t, st)
	now := p.leads(t)
	const readers = 3*mailing.Part + 7
	for i := range readers {
		if err := p.Subscribe(t.Context(), fmt.Sprintf("reader%d@example.org", i), now); err != nil {
			t.Fatal(err)
		}
	}
	p.tell(t, update.Customers, "Cards fail.", "", now)
	for good := range 4 { // the process dies after so many commits, and a new one takes over
		st.good = good
		for range 3 {
			_, _ = p.Tick(t.Context(), now)
		}
		st.good = 1 << 30
		p = p.replica(t)
	}
	p.runs(t, now)
	all, _ := st.Records(t.Context(), store.Mailing, store.Filter{})
	m, err := p.Mailed(t.Context(), all[0].Number)
	if err != nil || m.Letters != readers || !m.Done {
		t.Errorf("%+v %v", m, err)
	}
}

func TestANewerUpdateReplacesOneThatStillWaits(t *testing.T) {
	p := newPress(t, memstore.New())
	now := p.leads(t)
	p.mail.answer = func(notify.Notification) notify.Outcome {
		return notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonUnreachable}
	}
	p.tell(t, update.Stakeholders, "The first word.", "", now)
	p.runs(t, now)
	p.mail.answer, p.mail.sent = nil, nil
	p.tell(t, update.Stakeholders, "The second word.", "", now.Add(time.Hour))
	p.runs(t, now.Add(time.Hour))
	if first, second := p.read("The first word."), p.read("The second word."); len(first) != 0 || len(second) != 3 {
		t.Errorf("first %v, second %v", first, second)
	}
}

func TestALetterNeverReachesWhoTookAPlaceInTheList(t *testing.T) {
	p := newPress(t, memstore.New())
	now := p.leads(t)
	p.tell(t, update.Stakeholders, "The first word.", "", now)
	if _, err := p.Tick(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	p.configure(t, strings.Replace(written, "support@example.com", "rival@example.net", 1))
	p.runs(t, now)
	if got := p.read("The first word."); !slices.Equal(got, []string{"ana@example.com", "sales@example.com"}) {
		t.Errorf("%v", got)
	}
}

func TestAMailboxThatIsGoneIsNotWrittenToForEver(t *testing.T) {
	p := newPress(t, memstore.New())
	now := p.leads(t)
	if err := p.Subscribe(t.Context(), "reader@example.org", now); err != nil {
		t.Fatal(err)
	}
	p.mail.answer = func(notify.Notification) notify.Outcome {
		return notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonBadNumber, Permanent: true}
	}
	for i := range 5 {
		now = now.Add(time.Minute)
		p.tell(t, update.Customers, fmt.Sprint("Word ", i), "", now)
		p.runs(t, now)
	}
	list, err := p.Subscribers(t.Context())
	if err != nil || len(list) != 0 || len(p.mail.sent) != 3 {
		t.Errorf("%d subscribers, %d letters, %v", len(list), len(p.mail.sent), err)
	}
	if why := p.CannotPage(t.Context(), now); len(why) != 0 {
		t.Errorf("a mailbox that is gone keeps nobody from being paged: %q", why)
	}
}

// TestStrangersCannotFloodOthers: neither with many addresses nor with one.
func TestStrangersCannotFloodOthers(t *testing.T) {
	p := newPress(t, memstore.New())
	sent := 0
	for i := range 500 {
		err := p.Invite(t.Context(), fmt.Sprintf("victim%d@example.org", i), start())
		if err == nil {
			sent++
		} else if !errors.Is(err, engine.ErrTooMany) {
			t.Fatal(err)
		}
	}
	if sent != 100 {
		t.Errorf("%d invitations at once", sent)
	}
	if err := p.Invite(t.Context(), "late@example.org", start().Add(11*time.Minute)); err != nil {
		t.Error(err)
	}
	var refused *engine.Refusal
	for _, typed := range []string{"", "a", "a@b", "a@b.c\r\nBcc: d@e.f", "A <a@example.org>", "a@example.org,b@example.org", "a@[127.0.0.1]", strings.Repeat("a", 300) + "@example.org"} {
		if err := p.Invite(t.Context(), typed, start().Add(12*time.Minute)); !errors.As(err, &refused) {
			t.Errorf("%q: %v", typed, err)
		}
	}
	p.configure(t, strings.Replace(written, ", subscribe: true", "", 1))
	if err := p.Invite(t.Context(), "reader@example.org", start().Add(12*time.Minute)); !errors.As(err, &refused) {
		t.Errorf("%v", err)
	}
	if err := p.Subscribe(t.Context(), "reader@example.org", start().Add(12*time.Minute)); !errors.As(err, &refused) {
		t.Errorf("a link from before: %v", err)
	}
}

// TestALetterThatWaitsDoesNotSayThatPagingIsLate: a mail server that is down for an hour keeps nobody from being rung.
func TestALetterThatWaitsDoesNotSayThatPagingIsLate(t *testing.T) {
	p := newPress(t, memstore.New())
	now := p.leads(t)
	p.runs(t, now)
	p.tell(t, update.Stakeholders, "Word.", "", now)
	if _, err := p.Tick(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	later := now.Add(20 * time.Second) // nothing of the page is due by then
	if late := p.Late(t.Context(), later); late != 0 {
		t.Errorf("late by %s", late)
	}
}

// TestWhatIsOwedOutsideOfPagesIsGivenUpWhenItsWayIsDead: an action item and a game day have no page of their own.
func TestWhatIsOwedOutsideOfPagesIsGivenUpWhenItsWayIsDead(t *testing.T) {
	st := memstore.New()
	e, p := office(t, st)
	s := page.Send{ID: page.SendID(5000, 1_500_000_001), Page: 5000, Kind: notify.KindOwed, Person: "ana", Contact: "ana/sms", Channel: notify.SMS,
		Severity: alert.SEV4, At: start()}
	if err := st.Commit(t.Context(), store.Change{Now: start(), Deliveries: []store.Delivery{{Send: s, Text: "owed"}}}); err != nil {
		t.Fatal(err)
	}
	p.answer = func(notify.Notification) notify.Outcome {
		return notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonOptedOut, Permanent: true}
	}
	if _, err := e.Deliver(t.Context(), start()); err != nil {
		t.Fatal(err)
	}
	d, err := st.Delivery(t.Context(), s.ID)
	if err != nil || d.State != store.Failed || d.Reason != notify.ReasonOptedOut {
		t.Errorf("%+v %v", d, err)
	}
}

// spoilt is a store in which what was told of incidents cannot be read any more.
type spoilt struct{ store.Store }

func (s spoilt) Record(ctx context.Context, k store.RecordKind, n int64) (store.Record, error) {
	if k == store.Update {
		return store.Record{}, fmt.Errorf("%s %d: %w", k, n, store.ErrDamaged)
	}
	return s.Store.Record(ctx, k, n)
}

// TestALetterThatCannotBeMadeIsGivenUp: thousands that are tried every three seconds would keep everybody busy.
func TestALetterThatCannotBeMadeIsGivenUp(t *testing.T) {
	p := newPress(t, memstore.New())
	now := p.leads(t)
	l := p.tell(t, update.Stakeholders, "Word.", "", now)
	if _, err := p.Tick(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	p.st = spoilt{p.st}
	other := p.replica(t)
	if _, err := other.Deliver(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	m, err := other.Mailed(t.Context(), l.Updates[0].Mailing)
	if err != nil || m.Failed != 3 || len(p.mail.sent) != 0 {
		t.Errorf("%+v %v", m, err)
	}
}

// TestAFailOverLosesNoUpdateThatIsSentAgain: the operation was applied on the old master only, and the new one never heard of it.
func TestAFailOverLosesNoUpdateThatIsSentAgain(t *testing.T) {
	before, after := memstore.New(), memstore.New()
	for _, st := range []store.Store{before, after} {
		p := newPress(t, st)
		if now := p.leads(t); st == before {
			p.tell(t, update.Stakeholders, "Word.", "op-1", now)
		}
	}
	p := newPress(t, &failingOver{Store: before, to: after})
	now := start().Add(2 * time.Minute)
	p.tell(t, update.Stakeholders, "Word.", "op-1", now)
	p.runs(t, now)
	if got := p.read("Word."); len(got) != 3 {
		t.Errorf("told: %v", got)
	}
}
