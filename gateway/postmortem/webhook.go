package postmortem

import (
	"encoding/json"
	"fmt"
	"time"
)

// Webhook is what an issue tracker is told of an action item: the whole of it as it is now, so that a receiver keeps the
// highest revision and needs nothing that came before. All instants are UTC.
type Webhook struct {
	Event    string        `json:"event"` // action_item.opened, .changed, .done, .dropped
	Revision int           `json:"revision"`
	Action   WebhookAction `json:"action"`
}

// WebhookAction is the item itself.
type WebhookAction struct {
	Number    int64       `json:"number"`
	Incident  int64       `json:"incident"`
	Service   string      `json:"service,omitempty"`
	RootCause string      `json:"root_cause,omitempty"`
	State     ActionState `json:"state"`
	Title     string      `json:"title"`
	Owner     string      `json:"owner"`
	Due       string      `json:"due"`
	Priority  Priority    `json:"priority"`
	Criterion string      `json:"criterion"`
	By        string      `json:"opened_by"`
	At        time.Time   `json:"opened_at"`
	EndedBy   string      `json:"ended_by,omitempty"`
	EndedAt   time.Time   `json:"ended_at,omitzero"`
	Reason    string      `json:"reason,omitempty"` // why it was dropped
	Issue     string      `json:"issue,omitempty"`  // what the tracker called it before
}

// ForTracker returns the body of the webhook and the key under which a repetition is known as one.
func ForTracker(a Action) (key string, body []byte, err error) {
	event := "action_item.changed"
	switch {
	case a.State == ActionDone:
		event = "action_item.done"
	case a.State == ActionDropped:
		event = "action_item.dropped"
	case a.Revision <= 1:
		event = "action_item.opened"
	}
	body, err = json.Marshal(Webhook{Event: event, Revision: a.Revision, Action: WebhookAction{Number: a.Number, Incident: a.Incident, Service: a.Service,
		RootCause: a.Cause, State: a.State, Title: a.Title, Owner: a.Owner, Due: a.Due.String(), Priority: a.Priority, Criterion: a.Criterion, By: a.By, At: a.At,
		EndedBy: a.EndedBy, EndedAt: a.EndedAt, Reason: a.Reason, Issue: a.Issue}})
	if err != nil {
		return "", nil, fmt.Errorf("encode action item %d: %w", a.Number, err)
	}
	return fmt.Sprintf("pagerd-action-%d-%d", a.Number, a.Revision), body, nil
}
