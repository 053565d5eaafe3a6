package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/notify"
)

// forgotten is how old a message must be that nobody still has a reply to it half written.
const forgotten = time.Hour

// remembered is how many of a number's messages are looked at to understand a reply.
const remembered = store.KeepSent

// What is kept beside the messages of a number: how its texts were understood.
const (
	kindList    notify.Kind = ""        // the list that refused an ambiguous text
	kindMeant   notify.Kind = "meant"   // the pages that a text acted on
	kindHandled notify.Kind = "handled" // never stored: the text was handled, and it is no longer known how
)

// meaning says what a text is about, and stores that under the text's operation id before anything acts on it: what it
// could mean is settled by its first webhook. A repeated one, hours later, must not be taken for an answer to what the
// number was told since.
func (e *Engine) meaning(ctx context.Context, contact notify.Contact, r notify.Reply, op string, now time.Time) (store.Sent, error) {
	sent, err := e.lately(ctx, contact)
	if err != nil {
		return store.Sent{}, err
	}
	if _, known := understood(sent, op); known {
		if err := e.barrier(ctx, now, true); err != nil {
			return store.Sent{}, err
		}
		if sent, err = e.lately(ctx, contact); err != nil {
			return store.Sent{}, err
		}
		if m, known := understood(sent, op); known {
			return m, nil
		}
	}
	sent = slices.DeleteFunc(sent, func(s store.Sent) bool { return s.Kind == kindMeant })
	set, refusal, err := e.meant(ctx, r, sent, now)
	if err != nil {
		return store.Sent{}, err
	}
	m := store.Sent{Contact: contact.ID, At: now, Kind: kindMeant, Delivery: op}
	for _, ref := range set {
		m.Pages, m.Rounds = append(m.Pages, ref.Page), append(m.Rounds, ref.Round)
	}
	if refusal != nil {
		m.Kind = kindList
		for _, p := range refusal {
			m.Pages, m.Rounds = append(m.Pages, p.Number), append(m.Rounds, p.Round)
		}
	} else if r.Verb == notify.VerbStatus {
		return m, nil // it changes nothing
	}
	err = e.commit(ctx, store.Change{Op: op, Now: now, Urgent: true, Sent: []store.Sent{m}})
	if errors.Is(err, store.ErrApplied) { // another process takes the same webhook, or it is long ago
		if sent, err = e.lately(ctx, contact); err != nil {
			return store.Sent{}, err
		}
		if m, known := understood(sent, op); known {
			return m, nil
		}
		return store.Sent{Kind: kindHandled}, nil
	}
	if err != nil {
		return store.Sent{}, fmt.Errorf("store what the text means: %w", err)
	}
	return m, nil
}

// lately returns the newest of what a number was told, and of what its texts meant.
func (e *Engine) lately(ctx context.Context, contact notify.Contact) ([]store.Sent, error) {
	sent, err := e.store.Sent(ctx, contact.ID, remembered)
	if err != nil {
		return nil, fmt.Errorf("load what the number was told: %w", err)
	}
	return sent, nil
}

// understood finds how a text was understood before.
func understood(sent []store.Sent, op string) (store.Sent, bool) {
	i := slices.IndexFunc(sent, func(s store.Sent) bool { return (s.Kind == kindList || s.Kind == kindMeant) && s.Delivery == op })
	if i < 0 {
		return store.Sent{}, false
	}
	return sent[i], true
}

// meant says which pages a reply is about. refusal, when not nil, is the list that the person must choose from.
func (e *Engine) meant(ctx context.Context, r notify.Reply, sent []store.Sent, now time.Time) (set []Ref, refusal []page.Page, err error) {
	if len(r.Pages) > 0 {
		return numbered(r.Pages, sent), nil, nil
	}
	var recent []store.Sent // accepted so shortly before the reply that it cannot have been read
	latest := -1
	for i, s := range sent {
		if s.Kind != "" && now.Sub(s.At) <= replyGrace {
			recent = append(recent, s)
			continue
		}
		latest = i
		break
	}
	// Somebody who answers at once, and who was told of nothing else for long, can only mean what they were told now.
	alone := latest < 0 || now.Sub(sent[latest].At) > forgotten
	if alone && len(recent) == 1 && len(recent[0].Pages) == 1 {
		return refs(recent[0]), nil, nil
	}
	if latest < 0 {
		if len(recent) == 0 {
			return nil, nil, nil
		}
		refusal, err = e.choices(ctx, sent)
		return nil, refusal, err
	}
	last := sent[latest]
	set = refs(last)
	if r.Verb == notify.VerbStatus {
		return set, nil, nil
	}
	others, err := e.unacked(ctx, sent, last.Pages)
	if err != nil {
		return nil, nil, err
	}
	open, err := e.openOf(ctx, last.Pages)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case len(recent) > 0:
	case r.All:
		return set, nil, nil
	case len(last.Pages) == 1 && len(others) == 0 && last.Kind != "":
		return set, nil, nil
	case len(open) == 1 && len(others) == 0:
		return []Ref{refOf(last, open[0])}, nil, nil
	case len(open) == 0 && len(others) == 0:
		return set[:1], nil, nil
	}
	refusal, err = e.choices(ctx, sent)
	if err == nil && len(refusal) == 0 {
		return set[:1], nil, nil
	}
	return nil, refusal, err
}

// numbered takes written numbers, with the round of the newest message about each.
func numbered(pages []int64, sent []store.Sent) []Ref {
	var out []Ref
	for _, n := range pages {
		ref := Ref{Page: n}
		for _, s := range sent {
			if i := slices.Index(s.Pages, n); i >= 0 && i < len(s.Rounds) && s.Kind != "" {
				ref.Round = s.Rounds[i]
				break
			}
		}
		out = append(out, ref)
	}
	return out
}

func refs(s store.Sent) []Ref {
	out := make([]Ref, len(s.Pages))
	for i, n := range s.Pages {
		out[i] = refOf(s, n)
	}
	return out
}

func refOf(s store.Sent, number int64) Ref {
	ref := Ref{Page: number}
	if i := slices.Index(s.Pages, number); i >= 0 && i < len(s.Rounds) {
		ref.Round = s.Rounds[i]
	}
	return ref
}

// unacked returns the pages that this number was told of, other than those, which nobody has acknowledged.
func (e *Engine) unacked(ctx context.Context, sent []store.Sent, except []int64) ([]page.Page, error) {
	return e.told(ctx, sent, func(p page.Page) bool { return p.Status == page.Triggered && !slices.Contains(except, p.Number) })
}

// choices returns the open pages that this number was told of, unacknowledged ones first if there are any.
func (e *Engine) choices(ctx context.Context, sent []store.Sent) ([]page.Page, error) {
	open, err := e.told(ctx, sent, func(p page.Page) bool { return p.Open() })
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(open, func(a, b page.Page) int {
		if (a.Status == page.Triggered) != (b.Status == page.Triggered) {
			if a.Status == page.Triggered {
				return -1
			}
			return 1
		}
		return int(a.Number - b.Number)
	})
	return open, nil
}

// told returns the pages in what a number was told that fit.
func (e *Engine) told(ctx context.Context, sent []store.Sent, fits func(page.Page) bool) ([]page.Page, error) {
	seen := map[int64]bool{}
	var out []page.Page
	for _, s := range sent {
		for _, n := range s.Pages {
			if seen[n] {
				continue
			}
			seen[n] = true
			p, err := e.store.Page(ctx, n)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("load page %d: %w", n, err)
			}
			if fits(p) {
				out = append(out, p)
			}
		}
	}
	return out, nil
}

// openOf returns those of the pages that are not resolved.
func (e *Engine) openOf(ctx context.Context, pages []int64) ([]int64, error) {
	var out []int64
	open, err := e.told(ctx, []store.Sent{{Pages: pages}}, func(p page.Page) bool { return p.Open() })
	for _, p := range open {
		out = append(out, p.Number)
	}
	return out, err
}
