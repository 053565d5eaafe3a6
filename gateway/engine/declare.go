package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
)

// Declaration is a person saying that there is an incident, without an alert.
type Declaration struct {
	By           page.Actor
	Severity     alert.Severity // 0 where CustomerData or Security say it
	Service      string
	Summary      string
	CustomerData bool
	Security     bool
}

// Declare begins an incident by hand: a page that By has acknowledged already, and its incident, in one commit. The routes
// say by which policy the page would ring, as if an alert of that service had come in; whom its first step informs is told
// now. With an op that was applied before, the answer is [incident.AnswerRepeated] and the number of what it declared.
func (e *Engine) Declare(ctx context.Context, d Declaration, op string, now time.Time) (int64, incident.Answer, error) {
	now = e.instant(now)
	if err := d.check(); err != nil {
		return 0, "", err
	}
	if d.Severity == 0 {
		d.Severity = incident.Least(d.CustomerData, d.Security)
	}
	number, err := e.store.NextNumber(ctx)
	if err != nil {
		return 0, "", fmt.Errorf("allocate page number: %w", err)
	}
	subject, _ := e.byHand(number, "Declared", d.Service, d.Severity, now) // whatever the routes lack, the incident is declared
	subject.Summary = d.Summary
	ev := page.ByHand{By: d.By, Group: handGroup(op, number), Subject: subject, CustomerData: d.CustomerData, Security: d.Security}
	prev := page.Page{Number: number}
	next, fx := page.Next(prev, ev, e.facts(prev, subject.Policy, d.Severity, now), now)
	c := store.Change{Op: op, Now: now, Urgent: true}
	if err := e.putPage(ctx, &c, prev, next, fx, ev); err != nil {
		return 0, "", err
	}
	err = e.commitPage(ctx, c, "")
	switch {
	case errors.Is(err, store.ErrApplied):
		p, err := e.begunBefore(ctx, op)
		return p.Incident, incident.AnswerRepeated, err
	case err != nil:
		return 0, "", fmt.Errorf("store incident %d: %w", number, err)
	}
	e.alarmsTold(number, fx.Alarms, now)
	return c.Incident.Number, incident.AnswerDeclared, nil
}

// byHand is what the routes say of a page that a person begins, as if an alert of that name, service and severity had come in.
// ok is false when their policy has no steps for the severity; the subject then has those of the route.
func (e *Engine) byHand(number int64, name, service string, s alert.Severity, now time.Time) (subject page.Subject, ok bool) {
	tree := e.config().Routing
	subject = tree.Decide(alert.Alert{Source: page.SourceHand, Fingerprint: handGroup("", number), Status: alert.Firing,
		Labels: map[string]string{"service": service, "severity": s.String(), "alertname": name}, StartsAt: now}, now).Subject
	policy, targets, ok := tree.Plan(subject.Policy.Name, s)
	if ok {
		subject.Policy, subject.Targets = policy, targets
	}
	subject.Severity, subject.Service = s, service
	return subject, ok
}

// check holds what must be known, and that nobody makes little of a breach.
func (d Declaration) check() error {
	least := incident.Least(d.CustomerData, d.Security)
	const aid = "pagerd incident severities says what the severities mean"
	switch {
	case d.Service == "":
		return &Refusal{Message: "the service is missing", Hint: "name the service that suffers, as your alerts do"}
	case d.Summary == "":
		return &Refusal{Message: "the summary is missing", Hint: "one sentence: what do users see?"}
	case d.Severity == 0 && least == alert.SEV4:
		return &Refusal{Message: "the severity is missing", Hint: aid}
	case d.Severity != 0 && !d.Severity.Valid():
		return &Refusal{Message: "there is no such severity", Hint: aid}
	case d.Severity != 0 && least.Worse(d.Severity):
		return &Refusal{Message: fmt.Sprintf("whatever touches customers' data or security is %s, not %s", least, d.Severity), Hint: aid}
	}
	return nil
}
