package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"go.uber.org/zap"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/timeline"
	"pagerd/notify"
	"pagerd/schedule"
)

// commit stores a change and measures it.
func (e *Engine) commit(ctx context.Context, c store.Change) error {
	start := time.Now()
	err := e.store.Commit(ctx, c)
	if errors.Is(err, store.ErrApplied) {
		unsure := e.barrier(ctx, c.Now, c.Urgent)
		switch {
		case unsure != nil:
			err = unsure
		case c.Page != nil || c.Incident != nil || len(c.Records)+len(c.Deliveries)+len(c.Sent) > 0: // its versions refuse it where it does not fit any more
			err = e.store.Commit(ctx, c) // what a fail-over has lost in between is applied now
		}
	}
	e.metrics.CommitTime.Observe(time.Since(start).Seconds())
	if err == nil && c.Incident != nil {
		e.pay(*c.Incident, c.Now)
	}
	return err
}

// barrier makes sure that what is read from now on is durable, before somebody is answered on the strength of it: whoever
// stored it may have been answered with an error, and then a fail-over may lose it. A commit without content is answered
// when all before it is durable. urgent is for people's acts, which a full disk still takes.
func (e *Engine) barrier(ctx context.Context, now time.Time, urgent bool) error {
	if err := e.store.Commit(ctx, store.Change{Now: now, Urgent: urgent}); err != nil {
		return fmt.Errorf("make sure of what is stored: %w", err)
	}
	return nil
}

// commitPage stores a change whose page had the status before, and keeps the gauge of open pages.
func (e *Engine) commitPage(ctx context.Context, c store.Change, before page.Status) error {
	if err := e.commit(ctx, c); err != nil {
		return err
	}
	if c.Page != nil {
		e.moveOpen(before, c.Page.Status)
	}
	return nil
}

// performAct applies one event to one page in one commit.
func (e *Engine) performAct(ctx context.Context, a act) (page.Answer, error) {
	sure := !a.urgent // what was read is durable, or nobody is answered on the strength of it
	for range maxConflicts {
		prev, err := e.store.Page(ctx, a.number)
		if err != nil {
			return page.Answer{}, fmt.Errorf("load page %d: %w", a.number, err)
		}
		c := store.Change{Op: a.op, Now: a.now, Urgent: a.urgent, Settle: a.settle}
		if a.unless != nil && a.unless(prev) {
			return page.Answer{}, e.settleOnly(ctx, c)
		}
		facts, err := e.factsFor(ctx, prev, a.event, a.now)
		if err != nil {
			return page.Answer{}, err
		}
		next, fx := page.Next(prev, a.event, facts, a.now)
		if !fx.Changed && !sure {
			if err := e.barrier(ctx, a.now, true); err != nil {
				return page.Answer{}, err
			}
			sure = true // once it says the same again
			continue
		}
		if !fx.Changed {
			err := e.settleOnly(ctx, c)
			if errors.Is(err, store.ErrApplied) {
				return page.Answer{}, nil
			}
			return fx.Answer, err
		}
		if err := e.putPage(ctx, &c, prev, next, fx, a.event); err != nil {
			return page.Answer{}, err
		}
		if c.Incident != nil {
			fx.Answer.Incident = c.Incident.Number
		}
		err = e.commitPage(ctx, c, prev.Status)
		switch {
		case errors.Is(err, store.ErrConflict):
			continue
		case errors.Is(err, store.ErrApplied):
			return page.Answer{}, nil
		case err != nil:
			return page.Answer{}, fmt.Errorf("store page %d: %w", a.number, err)
		}
		e.alarmsTold(a.number, fx.Alarms, c.Now)
		return fx.Answer, nil
	}
	return page.Answer{}, fmt.Errorf("store page %d: %w", a.number, store.ErrConflict)
}

// settleOnly stores an act's settlements, and that it was done, when the page itself does not change: repeated hours later
// it must not do to the page of then what it did not do now.
func (e *Engine) settleOnly(ctx context.Context, c store.Change) error {
	if len(c.Settle) == 0 && c.Op == "" {
		return nil
	}
	if err := e.commit(ctx, c); err != nil {
		return fmt.Errorf("store that nothing changes: %w", err)
	}
	return nil
}

// putPage adds a transition's result to a change: the page, its entry, its deliveries, its incident, its alarms.
func (e *Engine) putPage(ctx context.Context, c *store.Change, prev, next page.Page, fx page.Effects, ev page.Event) error {
	next.Version = prev.Version + 1
	next.Group = groupOf(prev, next)
	if fx.Incident != page.IncidentNone {
		if err := e.changeIncident(ctx, c, &next, fx, ev); err != nil {
			return err
		}
	}
	for _, s := range fx.Sends {
		c.Deliveries = append(c.Deliveries, delivery(s, "", c.Now))
	}
	for i, a := range fx.Alarms {
		if !slices.ContainsFunc(fx.Alarms[:i], func(b page.Alarm) bool { return b.Reason == a.Reason }) {
			e.putAlarm(c, &next, a)
		}
	}
	if fx.Entry.What != "" {
		entry := fx.Entry
		entry.Object = "page/" + strconv.FormatInt(next.Number, 10)
		next.Entries = prev.Entries + 1
		entry.Seq, entry.At = next.Entries, c.Now
		entry = timeline.Seal(entry, prev.Head)
		next.Head = entry.Hash
		c.Entries = append(c.Entries, entry)
		if !next.Drill {
			e.metrics.Pages.WithLabelValues(next.Severity.String(), entry.What).Inc()
		}
		e.log.Info("page", zap.Int64("page", next.Number), zap.String("what", entry.What), zap.String("reason", entry.Reason),
			zap.Stringer("severity", next.Severity), zap.String("source", next.Source), zap.String("status", string(next.Status)),
			zap.Int("round", next.Round), zap.Int("step", next.Step), zap.String("actor", entry.Actor), zap.Int("sends", len(fx.Sends)))
	}
	c.Page = &next
	return nil
}

// groupOf keeps the group that a page was created in.
func groupOf(prev, next page.Page) string {
	if prev.Group != "" {
		return prev.Group
	}
	return next.Group
}

func delivery(s page.Send, text string, now time.Time) store.Delivery {
	visible := s.At
	if now.After(visible) {
		visible = now
	}
	return store.Delivery{Send: s, Text: text, Lane: store.Lane(s), State: store.Pending, VisibleAt: visible}
}

// putAlarm tells the operators, at most once per reason and page in alarmQuiet.
func (e *Engine) putAlarm(c *store.Change, p *page.Page, a page.Alarm) {
	e.metrics.Alarms.WithLabelValues(string(a.Reason)).Inc()
	e.log.Warn("alarm", zap.Int64("page", p.Number), zap.String("reason", string(a.Reason)))
	if e.alarmed.lately(alarmKey(p.Number, a), c.Now) {
		return
	}
	for _, contact := range e.config().Operators {
		p.Sends++
		s := page.Send{ID: page.SendID(p.Number, p.Sends), Page: p.Number, Round: p.Round, Kind: notify.KindAlarm,
			Person: contact.Person, Contact: contact.ID, Channel: contact.Channel, Severity: p.Severity, At: c.Now, Drill: p.Drill}
		c.Deliveries = append(c.Deliveries, delivery(s, a.Text, c.Now))
	}
}

// alarmsTold remembers alarms as told, once the commit that holds them is durable.
func (e *Engine) alarmsTold(number int64, alarms []page.Alarm, now time.Time) {
	for _, a := range alarms {
		e.alarmed.note(alarmKey(number, a), now)
	}
}

func alarmKey(number int64, a page.Alarm) string { return fmt.Sprintf("%d/%s", number, a.Reason) }

// facts looks up who would be rung now. sev is the severity whose ladders hold; 0 takes the page's.
func (e *Engine) facts(p page.Page, extra schedule.Policy, sev alert.Severity, now time.Time) page.Facts {
	cfg := e.config()
	if p.Severity != 0 && (sev == 0 || !sev.Worse(p.Severity)) {
		sev = p.Severity
	}
	if p.Calls != "" {
		sev = callSeverity(sev)
	}
	f := page.Facts{Roster: cfg.Book.Roster(p.Policy, sev, now)}
	policy := p.Policy
	if extra.Name != "" && extra.Name != p.Policy.Name {
		for name, people := range cfg.Book.Roster(extra, sev, now) {
			f.Roster[name] = people
		}
		policy = extra
	}
	f.Opens = cfg.Book.Opens(policy, now)
	return f
}

// factsFor adds what a particular event needs: a held page that is due asks what silences it now.
func (e *Engine) factsFor(ctx context.Context, p page.Page, ev page.Event, now time.Time) (page.Facts, error) {
	var extra schedule.Policy
	sev := p.Severity
	if set, ok := ev.(page.SetSeverity); ok {
		extra, sev = set.Policy, set.To
	}
	f := e.facts(p, extra, sev, now)
	if _, due := ev.(page.Due); due && p.Status == page.Held {
		s, err := e.silenceOfPage(ctx, p, now, func(alert.ID) bool { return false })
		if err != nil {
			return f, err
		}
		if !s.loud {
			f.Silence = s.silence
		}
	}
	return f, nil
}

// askCommander asks, by message and never by a call, whether the incident is over now that its pages are.
func (e *Engine) askCommander(c *store.Change, p *page.Page, in incident.Incident) {
	person, ok := e.config().Book.People[in.Commander]
	if !ok {
		return
	}
	for _, want := range []notify.Channel{notify.SMS, notify.Email} {
		for _, contact := range person.Contacts {
			if contact.Channel != want {
				continue
			}
			p.Sends++
			s := page.Send{ID: page.SendID(p.Number, p.Sends), Page: p.Number, Round: p.Round, Kind: notify.KindOver,
				Person: person.Name, Contact: contact.ID, Channel: want, Severity: p.Severity, At: c.Now, Drill: p.Drill}
			c.Deliveries = append(c.Deliveries, delivery(s, "", c.Now))
			return
		}
	}
}

func panicFields(group string, v any) []zap.Field {
	return []zap.Field{zap.String("group", group), zap.Any("panic", v), zap.ByteString("stack", debug.Stack())}
}
