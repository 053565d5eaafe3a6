package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/notify"
	"pagerd/notify/message"
)

// reminderBase keeps the ids of an incident's messages apart from those of the page that has the incident's number; what
// goes another way after it failed has a second range.
const (
	reminderBase  = 1_000_000_000
	owedBase      = 1_500_000_000 // of what is owed after the incident, by what it is about
	reminderOther = 2_000_000_000
	owedOther     = 1_600_000_000 // every number fits into 31 bits, as the stores pack them
)

// otherWayIs is how far apart the numbers of a message's first and second way are.
func otherWayIs(k notify.Kind) int {
	if k == notify.KindOwed {
		return owedOther - owedBase
	}
	return reminderOther - reminderBase
}

// fireIncident applies Due to an incident, unless somebody else was faster.
func (e *Engine) fireIncident(ctx context.Context, number int64, now time.Time) error {
	in, err := e.store.Incident(ctx, number)
	if err != nil {
		e.log.Error("due incident cannot be read", zap.Int64("incident", number), zap.Error(err))
		return fmt.Errorf("load due incident %d: %w", number, err)
	}
	if in.Due.IsZero() || in.Due.After(now) {
		return nil
	}
	if in.DueFor == incident.TimerErrand {
		return e.doErrands(ctx, number, now)
	}
	p, err := e.anyPage(ctx, in)
	if err != nil {
		return err
	}
	next, fx := incident.Next(in, incident.Due{Opens: e.opens(p, now)}, now)
	err = e.storeIncident(ctx, next, fx, now)
	if errors.Is(err, store.ErrConflict) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("store incident %d: %w", number, err)
	}
	if len(next.Breaches) > len(in.Breaches) {
		e.metrics.Missed.WithLabelValues(next.Severity.String(), string(next.Breaches[len(next.Breaches)-1].Target)).Inc()
	}
	return nil
}

// about returns the incident that something is owed for, and a page of it; zero values when retention has deleted it: what is
// owed is kept for longer.
func (e *Engine) about(ctx context.Context, number int64) (incident.Incident, page.Page, error) {
	in, err := e.store.Incident(ctx, number)
	if errors.Is(err, store.ErrNotFound) {
		return incident.Incident{Number: number}, page.Page{}, nil
	}
	if err != nil {
		return in, page.Page{}, fmt.Errorf("load incident %d: %w", number, err)
	}
	p, err := e.anyPage(ctx, in)
	return in, p, err
}

// anyPage returns a page of the incident, for its policy; the zero page when none is left.
func (e *Engine) anyPage(ctx context.Context, in incident.Incident) (page.Page, error) {
	for _, n := range in.Pages {
		p, err := e.store.Page(ctx, n)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return p, fmt.Errorf("load page %d: %w", n, err)
		}
		return p, nil
	}
	return page.Page{}, nil
}

// putReminder adds the message that an incident asks for. It is for reading: an SMS or a mail, never a call.
func (e *Engine) putReminder(ctx context.Context, c *store.Change, in *incident.Incident, r incident.Reminder) error {
	if r.What == "" {
		return nil
	}
	contact, err := e.reader(ctx, *in, r, c.Now)
	if err != nil {
		return err
	}
	if contact.ID == "" {
		e.log.Warn("a reminder has nobody to read it", zap.Int64("incident", in.Number), zap.String("reason", string(r.What)))
		return nil
	}
	in.Sends++
	s := page.Send{ID: page.SendID(in.Number, reminderBase+in.Sends), Page: in.Number, Kind: notify.KindRemind, Person: contact.Person,
		Contact: contact.ID, Channel: contact.Channel, Severity: in.Severity, At: c.Now, Drill: in.Drill}
	c.Deliveries = append(c.Deliveries, delivery(s, message.Reminder(*in, r), c.Now))
	return nil
}

// reader is who reads a reminder: whoever it is for, else the commander, else whoever is on call, else the operators.
func (e *Engine) reader(ctx context.Context, in incident.Incident, r incident.Reminder, now time.Time) (notify.Contact, error) {
	cfg := e.config()
	for _, name := range []string{r.To, in.Commander} {
		if c, ok := readable(cfg.Book.People[name].Contacts); ok {
			return c, nil
		}
	}
	p, err := e.anyPage(ctx, in)
	if err != nil {
		return notify.Contact{}, err
	}
	for _, t := range p.Policy.Targets() {
		for _, name := range cfg.Book.Resolve(t.Name, now) {
			if c, ok := readable(cfg.Book.People[name].Contacts); ok {
				return c, nil
			}
		}
	}
	c, _ := readable(cfg.Operators)
	return c, nil
}

// readable chooses the way for what must be read: SMS, else mail.
func readable(contacts []notify.Contact) (notify.Contact, bool) {
	for _, want := range []notify.Channel{notify.SMS, notify.Email} {
		for _, c := range contacts {
			if c.Channel == want {
				return c, true
			}
		}
	}
	return notify.Contact{}, false
}

// reminderWanted reports whether the incident is still to be reminded of anything.
func (e *Engine) reminderWanted(ctx context.Context, d store.Delivery) (bool, error) {
	in, err := e.store.Incident(ctx, d.Page)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("load incident %d: %w", d.Page, err)
	}
	return !in.Over() && (in.Status != incident.Mitigated || !in.MitigatedAt.After(d.At)), nil
}

// reminderFailed mails what could not be texted, once, in the same commit as the settlement if there is one: a callback has
// settled the message before.
func (e *Engine) reminderFailed(ctx context.Context, d store.Delivery, settle []store.Settlement, now time.Time) error {
	c := store.Change{Now: now, Settle: settle}
	if other, ok := e.otherWay(d, now); ok {
		_, err := e.store.Delivery(ctx, other.ID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("load delivery %s: %w", other.ID, err)
		}
		if err != nil {
			c.Deliveries = []store.Delivery{other}
		}
	}
	if len(c.Settle)+len(c.Deliveries) == 0 {
		return nil
	}
	return e.settleChange(ctx, c)
}

// otherWay is a reminder's second way after the first one definitely failed: by mail. None after that; ok is then false.
func (e *Engine) otherWay(d store.Delivery, now time.Time) (store.Delivery, bool) {
	if d.Channel != notify.SMS {
		return store.Delivery{}, false
	}
	for _, c := range e.config().Book.People[d.Person].Contacts {
		if c.Channel != notify.Email {
			continue
		}
		s := d.Send
		s.ID, s.Contact, s.Channel = page.SendID(d.Page, sendNumber(d.ID)+otherWayIs(d.Kind)), c.ID, notify.Email
		return delivery(s, d.Text, now), true
	}
	return store.Delivery{}, false
}

// sendNumber is the n of [page.SendID].
func sendNumber(id string) int {
	var number int64
	var n int
	_, _ = fmt.Sscanf(id, "%d-%d", &number, &n) // made by SendID
	return n
}

// upgradeIncidents gives what an older program stored the timers that it lacks.
func (e *Engine) upgradeIncidents(ctx context.Context, now time.Time) error {
	list, err := e.store.Incidents(ctx, store.Filter{Open: true, Limit: 500})
	if err != nil && !errors.Is(err, store.ErrDamaged) {
		return fmt.Errorf("look for incidents without timers: %w", err)
	}
	for _, in := range list {
		if in.Format >= incident.Format {
			continue
		}
		next, fx := incident.Next(in, incident.Upgrade{Targets: e.targets(in.Severity)}, now)
		if err := e.storeIncident(ctx, next, fx, now); err != nil && !errors.Is(err, store.ErrConflict) {
			return fmt.Errorf("store incident %d: %w", in.Number, err)
		}
	}
	return nil
}
