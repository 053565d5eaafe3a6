package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"pagerd/gateway/engine"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/notify"
)

// What the status page shows of long lists: enough for a screen, and the counts tell of the rest.
const (
	shownOpen       = 50
	shownDeliveries = 20
	shownResolved   = 10
)

// Status is what operators see at a glance. All instants are UTC.
type Status struct {
	At         time.Time              `json:"at"`
	Accepting  Readiness              `json:"accepting"` // alerts can be accepted durably
	Paging     Readiness              `json:"paging"`    // somebody can be paged now
	Counts     Counts                 `json:"counts"`
	Open       []Page                 `json:"open"` // those nobody has first, then acknowledged, then held; each oldest first; at most 50
	OnCall     []OnCall               `json:"oncall"`
	Late       float64                `json:"late_seconds"` // how long the oldest due work waits; 0 = nothing is late
	Deliveries []Delivery             `json:"deliveries"`   // newest first, at most 20
	Channels   []engine.ChannelHealth `json:"channels"`     // those that were tried since the start
	Resolved   []Page                 `json:"resolved"`     // resolved in the last 24 hours, newest first, at most 10
	Damaged    string                 `json:"damaged,omitempty"`
	Store      StoreInfo              `json:"store"`
	Version    VersionInfo            `json:"version"`
}

// Counts are the open pages by status.
type Counts struct {
	Triggered    int `json:"triggered"`
	Acknowledged int `json:"acknowledged"`
	Held         int `json:"held"`
}

func (s *server) status(w http.ResponseWriter, r *http.Request) error {
	st := s.collect(r.Context())
	if wantsJSON(r) {
		writeJSON(w, http.StatusOK, st)
		return nil
	}
	return s.screen.render(w, st)
}

// collect gathers the status. It shows what it can whatever fails: this page is looked at when things do.
func (s *server) collect(ctx context.Context) Status {
	cfg, now := s.Config(), s.Now().UTC()
	st := Status{At: now, Channels: s.Engine.Channels(), OnCall: OnCallAt(cfg.Book, now).Rotations, Open: []Page{}, Deliveries: []Delivery{},
		Resolved: []Page{}, Late: s.Engine.Late(ctx, now).Seconds(),
		Version: VersionInfo{Version: s.Version, ConfigFile: cfg.File, ConfigHash: cfg.Hash}}
	st.Accepting = Readiness{Ready: true, Reasons: []string{}}
	if err := s.Engine.Ready(ctx); err != nil {
		st.Accepting = Readiness{Reasons: []string{clean(err.Error())}}
	}
	st.Accepting.Warnings = s.warnings()
	why := s.Engine.CannotPage(ctx, now)
	st.Paging = Readiness{Ready: len(why) == 0, Reasons: append([]string{}, why...)}
	st.Store = s.storeInfo(ctx)

	open, err := s.openPages(ctx)
	st.note("open pages", err)
	st.addOpen(open)

	recent, err := s.recent(ctx)
	st.note("deliveries", err)
	for _, d := range recent {
		st.Deliveries = append(st.Deliveries, viewDelivery(cfg, d))
	}

	last, err := s.Store.Pages(ctx, store.Filter{Limit: maxList})
	if !errors.Is(err, store.ErrDamaged) {
		st.note("resolved pages", err)
	}
	st.addResolved(last)
	return st
}

// maxLetters is how many of the newest deliveries are looked at for those to people who are paged: a mailing may be longer, and
// then each page still shows its own.
const maxLetters = 1000

// recent are the newest messages to people who are paged; letters to others would hide them for hours.
func (s *server) recent(ctx context.Context) ([]store.Delivery, error) {
	for limit := shownDeliveries; ; limit *= 7 {
		all, err := s.Store.RecentDeliveries(ctx, limit)
		kept := slices.DeleteFunc(slices.Clone(all), func(d store.Delivery) bool { return d.Kind == notify.KindLetter })
		if len(kept) >= shownDeliveries || len(all) < limit || limit > maxLetters {
			return kept[:min(len(kept), shownDeliveries)], err
		}
	}
}

// note remembers what could not be read.
func (st *Status) note(what string, err error) {
	if err != nil {
		st.Damaged = cmp.Or(st.Damaged, fmt.Sprintf("%s: %s", what, clean(err.Error())))
	}
}

func (st *Status) addOpen(open []page.Page) {
	rank := map[page.Status]int{page.Triggered: 0, page.Acknowledged: 1, page.Held: 2}
	slices.SortStableFunc(open, func(a, b page.Page) int {
		return cmp.Or(cmp.Compare(rank[a.Status], rank[b.Status]), a.TriggeredAt.Compare(b.TriggeredAt))
	})
	for i, p := range open {
		switch p.Status {
		case page.Triggered:
			st.Counts.Triggered++
		case page.Acknowledged:
			st.Counts.Acknowledged++
		case page.Held:
			st.Counts.Held++
		}
		if i < shownOpen {
			st.Open = append(st.Open, viewPage(p))
		}
	}
}

func (st *Status) addResolved(pages []page.Page) {
	pages = slices.DeleteFunc(pages, func(p page.Page) bool {
		return p.Status != page.Resolved || st.At.Sub(p.ResolvedAt) > 24*time.Hour
	})
	slices.SortStableFunc(pages, func(a, b page.Page) int { return b.ResolvedAt.Compare(a.ResolvedAt) })
	for _, p := range pages[:min(len(pages), shownResolved)] {
		st.Resolved = append(st.Resolved, viewPage(p))
	}
}
