package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/store/memstore"
	"pagerd/notify"
)

// playsLikeTheModel plays random histories on the store and on memstore, whose algorithms are the plainest there are, and
// compares what both answer to everything. Tokens and bundle ids are each store's own.
func playsLikeTheModel(t *testing.T, h Harness) {
	const histories, moves = 20, 150
	now := at(0)
	for seed := range uint64(histories) {
		d := &duel{t: t, seed: seed, r: rand.New(rand.NewPCG(seed, 7)), ours: h.Store, model: memstore.New(), now: now,
			group: fmt.Sprintf("history %d", seed), first: 2000 + 100*int64(seed)}
		for range moves {
			d.move()
		}
		now = d.now
		d.compare()
		d.end()
	}
}

// duel is one history.
type duel struct {
	t     *testing.T
	seed  uint64
	r     *rand.Rand
	ours  store.Store
	model store.Store
	now   time.Time
	group string
	first int64 // page numbers from here on are this history's

	pages  []page.Page
	alerts map[alert.ID]alert.State
	sends  int
	claims []held
}

// held is a claim as each of the two gave it.
type held struct{ ours, model store.Claim }

func (d *duel) fatalf(format string, args ...any) {
	d.t.Helper()
	d.t.Fatalf("history %d at %s: %s", d.seed, d.now.Format("15:04:05.000"), fmt.Sprintf(format, args...))
}

// same fails unless both came to the same error of the contract.
func (d *duel) same(what string, ours, model error) bool {
	d.t.Helper()
	for _, known := range []error{store.ErrConflict, store.ErrApplied, store.ErrNotFound, store.ErrFenced} {
		if errors.Is(ours, known) != errors.Is(model, known) {
			d.fatalf("%s: %v, the model: %v", what, ours, model)
		}
	}
	if (ours == nil) != (model == nil) {
		d.fatalf("%s: %v, the model: %v", what, ours, model)
	}
	return ours == nil
}

func (d *duel) move() {
	d.t.Helper()
	switch n := d.r.IntN(100); {
	case n < 20:
		d.now = d.now.Add(time.Duration(d.r.IntN(3000)) * time.Millisecond)
	case n < 45:
		d.commit()
	case n < 65:
		d.claim()
	case n < 85:
		d.settle()
	case n < 90:
		d.renewOrRelease()
	default:
		d.ask()
	}
}

// commit stores a page's next version, an old one again, deliveries, alerts; sometimes with an operation that was there.
func (d *duel) commit() {
	ctx, c := context.Background(), store.Change{Now: d.now}
	if d.r.IntN(3) == 0 {
		c.Op = fmt.Sprintf("op %d %d", d.seed, d.r.IntN(8))
	}
	i := d.r.IntN(4)
	for len(d.pages) <= i {
		n := d.first + int64(len(d.pages))
		p := newPage(n, fmt.Sprintf("%s/%d", d.group, n%3))
		p.Version = 0
		d.pages = append(d.pages, p)
	}
	p := d.pages[i]
	p.Version++
	if d.r.IntN(10) == 0 {
		p.Version += int64(d.r.IntN(3)) - 1
	}
	p.Status = []page.Status{page.Triggered, page.Acknowledged, page.Resolved, page.Held}[d.r.IntN(4)]
	p.Due, p.ResolvedAt = d.now.Add(time.Duration(d.r.IntN(10_000))*time.Millisecond), time.Time{}
	if p.Status == page.Resolved {
		p.Due, p.ResolvedAt = time.Time{}, d.now
	}
	if p.Version > 0 {
		c.Page = &p
	}
	for range d.r.IntN(3) {
		d.sends++
		channel := []notify.Channel{notify.SMS, notify.Voice}[d.r.IntN(2)]
		contact := fmt.Sprintf("person%d of %d/%s", d.r.IntN(2), d.seed, channel)
		s := newDelivery(p.Number, d.sends, contact, alert.Severity(d.r.IntN(5)))
		s.Channel = channel
		s.At, s.VisibleAt = d.now, d.now
		if d.r.IntN(4) == 0 {
			s.At = d.now.Add(time.Duration(d.r.IntN(2000)) * time.Millisecond)
			s.VisibleAt = s.At
		}
		c.Deliveries = append(c.Deliveries, s)
	}
	for n := range d.r.IntN(3) {
		a := newAlert(alertID(p.Number, n), p.Number)
		a.Version = d.alerts[a.ID].Version + 1
		if d.r.IntN(3) == 0 {
			a.Status = alert.Resolved
		}
		c.Alerts = append(c.Alerts, a)
	}
	if d.same("commit", d.ours.Commit(ctx, c), d.model.Commit(ctx, c)) {
		if c.Page != nil {
			d.pages[i] = p
		}
		if d.alerts == nil {
			d.alerts = map[alert.ID]alert.State{}
		}
		for _, a := range c.Alerts {
			d.alerts[a.ID] = a
		}
	}
}

func (d *duel) options() store.ClaimOptions {
	o := store.ClaimOptions{Limit: 1 + d.r.IntN(3), Max: d.r.IntN(4), Lease: 3 * time.Second}
	if d.r.IntN(2) == 0 {
		o.Window = 4 * time.Second
	}
	if d.r.IntN(2) == 0 {
		o.Channels = []notify.Channel{[]notify.Channel{notify.SMS, notify.Voice}[d.r.IntN(2)]}
	}
	return o
}

func (d *duel) claim() {
	ctx, o := context.Background(), d.options()
	ours, err := d.ours.Claim(ctx, d.now, o)
	model, modelErr := d.model.Claim(ctx, d.now, o)
	d.same("claim", err, modelErr)
	if got, want := fmt.Sprint(ids(ours...)), fmt.Sprint(ids(model...)); got != want {
		d.fatalf("claimed %s, the model: %s (%+v)", got, want, o)
	}
	for i := range ours {
		d.claims = append(d.claims, held{ours[i], model[i]})
	}
}

// settle ends a claim, or part of it, or one that may be lost; or it is a callback.
func (d *duel) settle() {
	if len(d.claims) == 0 {
		return
	}
	h := d.claims[d.r.IntN(len(d.claims))]
	s := store.Settlement{State: []store.DeliveryState{store.SentState, store.Pending, store.Failed, store.Dropped}[d.r.IntN(4)],
		At: d.now, Ambiguous: d.r.IntN(2) == 0, ProviderID: fmt.Sprintf("SM%d", d.r.IntN(100))}
	if s.State == store.Pending {
		s.VisibleAt = d.now.Add(time.Duration(d.r.IntN(2000)) * time.Millisecond)
	}
	callback := d.r.IntN(4) == 0
	ours, model := store.Change{Now: d.now}, store.Change{Now: d.now}
	for _, delivery := range h.ours.Deliveries {
		if d.r.IntN(5) == 0 {
			continue
		}
		s.Delivery, s.Token = delivery.ID, h.ours.Token
		m := s
		m.Token = h.model.Token
		if callback {
			s.Token, m.Token = 0, 0
			s.Rank = 1 + d.r.IntN(4)
			m.Rank = s.Rank
		}
		ours.Settle, model.Settle = append(ours.Settle, s), append(model.Settle, m)
	}
	d.same("settle", d.ours.Commit(context.Background(), ours), d.model.Commit(context.Background(), model))
}

func (d *duel) renewOrRelease() {
	if len(d.claims) == 0 {
		return
	}
	ctx, h := context.Background(), d.claims[len(d.claims)-1]
	if d.r.IntN(2) == 0 {
		until := d.now.Add(3 * time.Second)
		d.same("renew", d.ours.Renew(ctx, h.ours, until), d.model.Renew(ctx, h.model, until))
		return
	}
	d.same("release", d.ours.Release(ctx, h.ours, d.now), d.model.Release(ctx, h.model, d.now))
}

func (d *duel) ask() {
	ctx, o := context.Background(), d.options()
	ours, err := d.ours.Next(ctx, o)
	model, modelErr := d.model.Next(ctx, o)
	d.same("next", err, modelErr)
	if !ours.Equal(model) {
		d.fatalf("next is %s, the model: %s (%+v)", ours, model, o)
	}
	limit := 1 + d.r.IntN(5)
	a, b := must[[]store.Due](d.t)(d.ours.Due(ctx, d.now, limit)), must[[]store.Due](d.t)(d.model.Due(ctx, d.now, limit))
	if got, want := text(d.t, a), text(d.t, b); got != want {
		d.fatalf("due %s, the model: %s", got, want)
	}
}

// compare holds everything that the two tell of this history's pages against each other.
func (d *duel) compare() {
	got, want := d.look(d.ours), d.look(d.model)
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			d.fatalf("store: …%s\nmodel: …%s", around(got, i), around(want, i))
		}
	}
	if len(got) != len(want) {
		d.fatalf("store and model differ in length: %d, %d", len(got), len(want))
	}
}

// around is the part of a long text that matters.
func around(s string, i int) string { return s[max(0, i-300):min(len(s), i+100)] }

func (d *duel) look(s store.Store) (out string) {
	ctx := context.Background()
	for _, p := range d.pages {
		ds := must[[]store.Delivery](d.t)(s.Deliveries(ctx, p.Number))
		for i := range ds {
			ds[i].Token, ds[i].Bundle = 0, ""
		}
		stored, _ := s.Page(ctx, p.Number)
		group, _ := s.Group(ctx, p.Group)
		out += text(d.t, stored) + text(d.t, group.Number) + text(d.t, ds) + text(d.t, must[[]alert.State](d.t)(s.PageAlerts(ctx, p.Number, 100))) + "\n"
	}
	return out
}

// end resolves what is open and settles what is pending, so that the next history begins with nothing due.
func (d *duel) end() {
	ctx := context.Background()
	for _, p := range d.pages {
		if p.Version > 0 && p.Open() {
			p.Version, p.Status, p.Due = p.Version+1, page.Resolved, time.Time{}
			commit(d.t, d.ours, store.Change{Now: d.now, Page: &p})
		}
		for _, delivery := range must[[]store.Delivery](d.t)(d.ours.Deliveries(ctx, p.Number)) {
			commit(d.t, d.ours, store.Change{Now: d.now, Settle: []store.Settlement{{Delivery: delivery.ID, State: store.Failed, Rank: 99, At: d.now}}})
		}
	}
}
