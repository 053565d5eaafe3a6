package api

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"pagerd/gateway/engine"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
)

// maxHighlights is how many of them one request may import.
const maxHighlights = 200

// Severities is the decision aid for whoever declares an incident.
type Severities struct {
	Severities []incident.Definition `json:"severities"` // worst first
}

func (s *server) severities(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, Severities{Severities: incident.Definitions()})
	return nil
}

// declare begins an incident without an alert.
func (s *server) declare(w http.ResponseWriter, r *http.Request) error {
	a, sum, err := readAct(r, "severity", "service", "summary", "customer_data", "security")
	if err != nil {
		return err
	}
	if len([]rune(a.Summary)) > maxText || len([]rune(a.Service)) > 100 {
		return &fault{status: http.StatusUnprocessableEntity, message: "service or summary is too long", hint: "at most 100 and 2000 characters"}
	}
	by := actor(r, sum)
	d := engine.Declaration{By: by, Severity: a.Severity, Service: strings.TrimSpace(a.Service), Summary: strings.TrimSpace(a.Summary),
		CustomerData: a.CustomerData != nil && *a.CustomerData, Security: a.Security != nil && *a.Security}
	n, word, err := s.Engine.Declare(r.Context(), d, by.Op, s.Now().UTC())
	if err != nil {
		return err
	}
	return s.toldIncident(w, r, n, word, nil)
}

// actIncident applies one person's event to one incident.
func (s *server) actIncident(w http.ResponseWriter, r *http.Request, fields []string, event func(by page.Actor, a Act) (incident.Event, error)) error {
	return s.lead(w, r, fields, func(n int64, by page.Actor, a Act, now time.Time) (incident.Answer, []string, error) {
		ev, err := event(by, a)
		if err != nil {
			return "", nil, err
		}
		word, err := s.Engine.Incident(r.Context(), n, ev, by.Op, now)
		return word, nil, err
	})
}

// lead does something to one incident and answers how it stands afterwards.
func (s *server) lead(w http.ResponseWriter, r *http.Request, fields []string,
	do func(n int64, by page.Actor, a Act, now time.Time) (incident.Answer, []string, error)) error {
	a, sum, err := readAct(r, fields...)
	if err != nil {
		return err
	}
	n, err := number(r)
	if err != nil {
		return err
	}
	before, err := s.incident(r.Context(), n)
	if err != nil {
		return err
	}
	word, called, err := do(n, actor(r, sum), a, s.Now().UTC())
	if err != nil {
		return err
	}
	if word == incident.AnswerRefused {
		return refusedBy(before.Incident)
	}
	return s.toldIncident(w, r, n, word, called)
}

// refusedBy says what can be done to an incident in its status.
func refusedBy(in Incident) error {
	hints := map[incident.Status]string{
		incident.Candidate: "a candidate is confirmed or dismissed first",
		incident.Open:      "only a candidate is confirmed or dismissed; an incident keeps a commander and its last page; phases end with mitigated and resolved",
		incident.Mitigated: "only a candidate is confirmed or dismissed; an incident keeps a commander and its last page",
		incident.Resolved:  "it is over: only notes, its description, its severity and the phase postmortem can change",
		incident.Dismissed: "it was no incident",
		incident.Merged:    fmt.Sprintf("it became part of incident %d: do it there", in.MergedInto),
	}
	return &fault{status: http.StatusConflict, message: fmt.Sprintf("incident %d is %s: this cannot be done to it", in.Number, in.Status), hint: hints[in.Status]}
}

func (s *server) toldIncident(w http.ResponseWriter, r *http.Request, n int64, word incident.Answer, called []string) error {
	after, err := s.incident(r.Context(), n)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, IncidentOutcome{Code: string(word), Incident: after.Incident, Called: called})
	return nil
}

func (s *server) confirm(w http.ResponseWriter, r *http.Request) error {
	return s.actIncident(w, r, nil, func(by page.Actor, _ Act) (incident.Event, error) {
		return incident.Confirm{By: by.Person, Channel: by.Channel}, nil
	})
}

func (s *server) incidentSeverity(w http.ResponseWriter, r *http.Request) error {
	return s.lead(w, r, []string{"severity"}, func(n int64, by page.Actor, a Act, now time.Time) (incident.Answer, []string, error) {
		if !a.Severity.Valid() {
			return "", nil, &fault{status: http.StatusUnprocessableEntity, message: "severity is missing", hint: "one of SEV-1, SEV-2, SEV-3, SEV-4"}
		}
		word, err := s.Engine.SetIncidentSeverity(r.Context(), n, a.Severity, by, now)
		return word, nil, err
	})
}

func (s *server) phase(w http.ResponseWriter, r *http.Request) error {
	return s.actIncident(w, r, []string{"phase"}, func(by page.Actor, a Act) (incident.Event, error) {
		for _, p := range incident.AllPhases() {
			if p == a.Phase {
				return incident.SetPhase{By: by.Person, Channel: by.Channel, To: p}, nil
			}
		}
		return nil, &fault{status: http.StatusUnprocessableEntity, message: fmt.Sprintf("there is no phase %q", a.Phase),
			hint: "one of triage, investigation, mitigation, recovery, resolved, postmortem"}
	})
}

func (s *server) incidentNote(w http.ResponseWriter, r *http.Request) error {
	return s.actIncident(w, r, []string{"text", "at"}, func(by page.Actor, a Act) (incident.Event, error) {
		text, err := required("text", a.Text)
		return incident.Note{By: by.Person, Channel: by.Channel, Text: text, At: a.At}, err
	})
}

func (s *server) describe(w http.ResponseWriter, r *http.Request) error {
	fields := []string{"impact_at", "summary", "root_cause", "contributing", "customer_data", "security"}
	return s.actIncident(w, r, fields, func(by page.Actor, a Act) (incident.Event, error) {
		ev := incident.Describe{By: by.Person, Channel: by.Channel, ImpactAt: a.ImpactAt, RootCause: strings.TrimSpace(a.RootCause),
			Contributing: strings.TrimSpace(a.Contributing), CustomerData: a.CustomerData, Security: a.Security, Summary: strings.TrimSpace(a.Summary)}
		for _, text := range []string{ev.RootCause, ev.Contributing, ev.Summary} {
			if len([]rune(text)) > maxText/4 {
				return nil, &fault{status: http.StatusUnprocessableEntity, message: "a text is longer than 500 characters", hint: "the whole story belongs into the postmortem"}
			}
		}
		if ev == (incident.Describe{By: by.Person, Channel: by.Channel}) {
			return nil, &fault{status: http.StatusUnprocessableEntity, message: "nothing is said of the incident", hint: takes(fields)}
		}
		if ev.ImpactAt.After(s.Now()) {
			return nil, &fault{status: http.StatusUnprocessableEntity, message: "the impact has not begun in the future", hint: "write it as 2026-03-01T09:00:00Z"}
		}
		return ev, nil
	})
}

func (s *server) assign(w http.ResponseWriter, r *http.Request) error {
	return s.lead(w, r, []string{"role", "person", "off"}, func(n int64, by page.Actor, a Act, now time.Time) (incident.Answer, []string, error) {
		for _, role := range incident.AllRoles() {
			if role == a.Role {
				word, err := s.Engine.Assign(r.Context(), n, role, a.Person, a.Off, by, now)
				return word, nil, err
			}
		}
		return "", nil, &fault{status: http.StatusUnprocessableEntity, message: fmt.Sprintf("there is no role %q", a.Role),
			hint: "one of commander, communications, scribe, expert"}
	})
}

func (s *server) callIn(w http.ResponseWriter, r *http.Request) error {
	return s.lead(w, r, []string{"target"}, func(n int64, by page.Actor, a Act, now time.Time) (incident.Answer, []string, error) {
		return s.Engine.CallIn(r.Context(), n, a.Target, by, now)
	})
}

func (s *server) merge(w http.ResponseWriter, r *http.Request) error {
	return s.lead(w, r, []string{"into"}, func(n int64, by page.Actor, a Act, now time.Time) (incident.Answer, []string, error) {
		word, err := s.Engine.Merge(r.Context(), n, a.Into, by, now)
		return word, nil, err
	})
}

func (s *server) move(w http.ResponseWriter, r *http.Request) error {
	return s.lead(w, r, []string{"page", "to"}, func(n int64, by page.Actor, a Act, now time.Time) (incident.Answer, []string, error) {
		word, err := s.Engine.Move(r.Context(), n, a.Page, a.To, by, now)
		return word, nil, err
	})
}

// importHighlights writes what was said elsewhere into the timeline, each with its own time. All are read before the first
// one is written; repeated under the same Idempotency-Key, what was written is not written again.
func (s *server) importHighlights(w http.ResponseWriter, r *http.Request) error {
	return s.lead(w, r, []string{"highlights"}, func(n int64, by page.Actor, a Act, now time.Time) (incident.Answer, []string, error) {
		if len(a.Highlights) == 0 || len(a.Highlights) > maxHighlights {
			return "", nil, &fault{status: http.StatusUnprocessableEntity, message: "highlights names none, or more than 200", hint: `{"highlights": [{"at": "2026-03-01T09:00:00Z", "by": "ana", "text": "…"}]}`}
		}
		for i, h := range a.Highlights {
			if _, err := required("text", h.Text); err != nil || h.At.IsZero() {
				return "", nil, &fault{status: http.StatusUnprocessableEntity, message: fmt.Sprintf("highlight %d has no time or no fitting text", i+1), hint: "nothing was imported"}
			}
		}
		word := incident.Answer("")
		for i, h := range a.Highlights {
			text := strings.TrimSpace(h.Text)
			if h.By != "" {
				text = h.By + ": " + text
			}
			op := ""
			if by.Op != "" {
				op = fmt.Sprintf("%s/%d", by.Op, i)
			}
			answer, err := s.Engine.Incident(r.Context(), n, incident.Note{By: by.Person, Channel: "import", Text: text, At: h.At}, op, now)
			if err != nil || answer == incident.AnswerRefused {
				return answer, nil, err
			}
			word = answer
		}
		return word, nil, nil
	})
}
