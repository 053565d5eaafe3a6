package api

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"pagerd/config"
	"pagerd/gateway/alert"
	"pagerd/gateway/engine"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/update"
	"pagerd/notify"
)

// maxText is what a note or a reason may be long, in runes; it goes into a timeline that people read.
const maxText = 2000

// Act is the body of a POST. Each act takes the fields that it needs; the others are refused.
type Act struct {
	Pages    []int64        `json:"pages,omitempty"`    // acknowledge and resolve of several pages as one act
	Text     string         `json:"text,omitempty"`     // note
	Severity alert.Severity `json:"severity,omitempty"` // severity, declare
	Reason   string         `json:"reason,omitempty"`   // dismiss

	Service      string         `json:"service,omitempty"`       // declare
	Summary      string         `json:"summary,omitempty"`       // declare, describe
	CustomerData *bool          `json:"customer_data,omitempty"` // declare, describe
	Security     *bool          `json:"security,omitempty"`      // declare, describe
	Phase        incident.Phase `json:"phase,omitempty"`         // phase
	At           time.Time      `json:"at,omitzero"`             // note: when it happened
	ImpactAt     time.Time      `json:"impact_at,omitzero"`      // describe
	RootCause    string         `json:"root_cause,omitempty"`    // describe
	Contributing string         `json:"contributing,omitempty"`  // describe
	Role         incident.Role  `json:"role,omitempty"`          // assign
	Person       string         `json:"person,omitempty"`        // assign
	Off          bool           `json:"off,omitempty"`           // assign: takes the role away; tick: takes the tick back
	Target       string         `json:"target,omitempty"`        // call
	Into         int64          `json:"into,omitempty"`          // merge
	Page         int64          `json:"page,omitempty"`          // move
	To           int64          `json:"to,omitempty"`            // move; missing = an incident of its own
	Highlights   []Highlight    `json:"highlights,omitempty"`    // import
	Item         string         `json:"item,omitempty"`          // tick

	State    update.State    `json:"state,omitempty"`    // updates
	Audience update.Audience `json:"audience,omitempty"` // updates; missing = stakeholders
	Next     string          `json:"next,omitempty"`     // updates: 30m
	Preview  bool            `json:"preview,omitempty"`  // updates: nothing is recorded

	Base      int      `json:"base,omitempty"`      // edit: the revision that the text was made from
	Attendees []string `json:"attendees,omitempty"` // meeting
	Incident  int64    `json:"incident,omitempty"`  // of a new action item
	Title     string   `json:"title,omitempty"`     // of an action item
	Owner     string   `json:"owner,omitempty"`     // of an action item
	Due       string   `json:"due,omitempty"`       // of an action item: 2026-04-30
	Priority  string   `json:"priority,omitempty"`  // of an action item: P0 … P3
	Criterion string   `json:"criterion,omitempty"` // of an action item

	AllHands bool `json:"all_hands,omitempty"` // of a drill: SEV-1 is meant

	Address string `json:"address,omitempty"` // of a subscriber who is taken off
}

// Highlight is something that was said elsewhere, in a chat or on a call, with its own time.
type Highlight struct {
	At   time.Time `json:"at"`
	By   string    `json:"by,omitempty"` // as it stands there; foreign text
	Text string    `json:"text"`
}

// Outcome is what an act on pages came to.
type Outcome struct {
	Answers []Answer `json:"answers"`
}

// Answer is what an act came to for one page. Code is a word of the closed list of answers, or "repeated" when the same
// Idempotency-Key was served before and nothing was done again.
type Answer struct {
	Page     int64     `json:"page"`
	Code     string    `json:"code"`
	By       string    `json:"by,omitempty"` // who acknowledged or resolved (before)
	At       time.Time `json:"at,omitzero"`
	Next     string    `json:"next,omitempty"` // whom the escalation rang
	Incident int64     `json:"incident,omitempty"`
	Status   string    `json:"status"` // the page's status afterwards
}

// Repeated is the code of an act that was done before under the same Idempotency-Key.
const Repeated = "repeated"

// IncidentOutcome is what an act on an incident came to.
type IncidentOutcome struct {
	Code     string   `json:"code"` // a word of the closed list of answers; "repeated" as with pages
	Incident Incident `json:"incident"`
	Called   []string `json:"called,omitempty"` // who is being rung
}

func (s *server) acknowledge(w http.ResponseWriter, r *http.Request) error {
	return s.act(w, r, "", func(by page.Actor, _ page.Page, _ Act) (page.Event, error) { return page.Acknowledge{By: by}, nil })
}

func (s *server) unacknowledge(w http.ResponseWriter, r *http.Request) error {
	return s.act(w, r, "", func(by page.Actor, _ page.Page, _ Act) (page.Event, error) { return page.Unacknowledge{By: by}, nil })
}

func (s *server) resolve(w http.ResponseWriter, r *http.Request) error {
	return s.act(w, r, "", func(by page.Actor, _ page.Page, _ Act) (page.Event, error) { return page.Resolve{By: by}, nil })
}

func (s *server) escalate(w http.ResponseWriter, r *http.Request) error {
	return s.act(w, r, "", func(by page.Actor, _ page.Page, _ Act) (page.Event, error) { return page.Escalate{By: by}, nil })
}

func (s *server) noise(w http.ResponseWriter, r *http.Request) error {
	return s.act(w, r, "", func(by page.Actor, _ page.Page, _ Act) (page.Event, error) { return page.Noise{By: by}, nil })
}

func (s *server) note(w http.ResponseWriter, r *http.Request) error {
	return s.act(w, r, "text", func(by page.Actor, _ page.Page, a Act) (page.Event, error) {
		text, err := required("text", a.Text)
		return page.Note{By: by, Text: text}, err
	})
}

func (s *server) severity(w http.ResponseWriter, r *http.Request) error {
	return s.act(w, r, "severity", func(by page.Actor, p page.Page, a Act) (page.Event, error) {
		if !a.Severity.Valid() {
			return nil, &fault{status: http.StatusUnprocessableEntity, message: "severity is missing", hint: "one of SEV-1, SEV-2, SEV-3, SEV-4"}
		}
		policy, targets, ok := s.Config().Routing.Plan(p.Policy.Name, a.Severity)
		if !ok {
			return nil, &fault{status: http.StatusUnprocessableEntity,
				message: fmt.Sprintf("the policy %q of page %d is no longer configured", p.Policy.Name, p.Number),
				hint:    "resolve the page, or bring the policy back and reload"}
		}
		return page.SetSeverity{By: by, To: a.Severity, Policy: policy, Targets: targets}, nil
	})
}

// act applies one person's event to one page.
func (s *server) act(w http.ResponseWriter, r *http.Request, field string,
	event func(by page.Actor, p page.Page, a Act) (page.Event, error)) error {
	body, sum, err := readAct(r, field)
	if err != nil {
		return err
	}
	p, err := s.loadPage(r)
	if err != nil {
		return err
	}
	by := actor(r, sum)
	ev, err := event(by, p, body)
	if err != nil {
		return err
	}
	answer, err := s.Engine.Do(r.Context(), p.Number, ev, by.Op, s.Now().UTC())
	if err != nil {
		return err
	}
	s.Metrics.Replies.WithLabelValues(by.Channel, r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]).Inc()
	return s.answer(w, r, []int64{p.Number}, []page.Answer{answer})
}

func (s *server) acknowledgeMany(w http.ResponseWriter, r *http.Request) error {
	return s.actMany(w, r, notify.VerbAck)
}

func (s *server) resolveMany(w http.ResponseWriter, r *http.Request) error {
	return s.actMany(w, r, notify.VerbResolve)
}

// actMany acts on several pages as one: pages acknowledged together become one incident. Every page must exist, or none
// is touched.
func (s *server) actMany(w http.ResponseWriter, r *http.Request, verb notify.Verb) error {
	body, sum, err := readAct(r, "pages")
	if err != nil {
		return err
	}
	slices.Sort(body.Pages)
	numbers := slices.Compact(body.Pages)
	if len(numbers) == 0 || len(numbers) > maxList {
		return &fault{status: http.StatusUnprocessableEntity, message: "pages names no page, or more than 500", hint: `{"pages": [1042, 1043]}`}
	}
	var refs []engine.Ref
	for _, n := range numbers {
		if _, err := s.page(r.Context(), n); err != nil {
			return err
		}
		refs = append(refs, engine.Ref{Page: n})
	}
	answers, err := s.Engine.Verb(r.Context(), verb, refs, actor(r, sum), s.Now().UTC())
	if err != nil {
		return err
	}
	return s.answer(w, r, numbers, answers)
}

// answer shows what the acts came to, with each page's status now.
func (s *server) answer(w http.ResponseWriter, r *http.Request, numbers []int64, answers []page.Answer) error {
	out := Outcome{Answers: []Answer{}}
	for i, a := range answers {
		p, err := s.page(r.Context(), numbers[i])
		if err != nil {
			return err
		}
		v := Answer{Page: numbers[i], Code: string(a.Code), By: a.By, At: a.At, Next: a.Next, Incident: a.Incident, Status: string(p.Status)}
		if a.Code == page.AnswerNone {
			v.Code, v.Incident = Repeated, p.Incident
		}
		out.Answers = append(out.Answers, v)
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func (s *server) mitigate(w http.ResponseWriter, r *http.Request) error {
	return s.actIncident(w, r, nil, func(by page.Actor, _ Act) (incident.Event, error) {
		return incident.Mitigate{By: by.Person, Channel: by.Channel}, nil
	})
}

func (s *server) resolveIncident(w http.ResponseWriter, r *http.Request) error {
	return s.actIncident(w, r, nil, func(by page.Actor, _ Act) (incident.Event, error) {
		return incident.Resolve{By: by.Person, Channel: by.Channel}, nil
	})
}

func (s *server) dismiss(w http.ResponseWriter, r *http.Request) error {
	return s.actIncident(w, r, []string{"reason"}, func(by page.Actor, a Act) (incident.Event, error) {
		reason, err := required("reason", a.Reason)
		return incident.Dismiss{By: by.Person, Channel: by.Channel, Reason: reason}, err
	})
}

// reload reads the configuration again; a mistake in it changes nothing.
func (s *server) reload(w http.ResponseWriter, _ *http.Request) error {
	if s.Reload == nil {
		return &fault{status: http.StatusConflict, message: "this pagerd has no configuration file to reload"}
	}
	if err := s.Reload(); err != nil {
		return &fault{status: http.StatusUnprocessableEntity, message: err.Error(), hint: "nothing was changed; pagerd check FILE shows every mistake"}
	}
	cfg := s.Config()
	writeJSON(w, http.StatusOK, VersionInfo{Version: s.Version, ConfigFile: cfg.File, ConfigHash: cfg.Hash})
	return nil
}

// actor says who acts. The op is the caller's Idempotency-Key within its token, path and body: the same key on another
// request is another act.
func actor(r *http.Request, sum string) page.Actor {
	t := caller(r.Context())
	by := page.Actor{Person: person(t), Channel: "api"}
	if r.Header.Get(viaHeader) == "cli" {
		by.Channel = "cli"
	}
	if key := r.Header.Get("Idempotency-Key"); key != "" {
		h := sha256.Sum256([]byte(strings.Join([]string{t.Name, r.URL.Path, sum, key}, "\x00")))
		by.Op = "api/" + hex.EncodeToString(h[:16])
	}
	return by
}

// viaHeader says through which of pagerd's own programs the caller acts; the timeline shows it.
const viaHeader = "Pagerd-Via"

func person(t config.Token) string {
	if t.Person != "" {
		return t.Person
	}
	return "api:" + t.Name
}

// readAct reads the body: empty, or a JSON object with nothing but the fields that the act takes. sum is its digest.
func readAct(r *http.Request, allowed ...string) (a Act, sum string, err error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return a, "", fmt.Errorf("read the request: %w", err)
	}
	digest := sha256.Sum256(raw)
	if len(raw) == 0 {
		return a, hex.EncodeToString(digest[:]), nil
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return a, "", &fault{status: http.StatusUnsupportedMediaType, message: "the body must be JSON", hint: "Content-Type: application/json"}
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return a, "", &fault{status: http.StatusBadRequest, message: "the body is no JSON object: " + err.Error()}
	}
	for name := range fields {
		if !slices.Contains(allowed, name) {
			return a, "", &fault{status: http.StatusBadRequest, message: "unknown field " + strconv.Quote(name), hint: takes(allowed)}
		}
	}
	if err := json.Unmarshal(raw, &a); err != nil {
		return a, "", &fault{status: http.StatusUnprocessableEntity, message: err.Error(), hint: takes(allowed)}
	}
	return a, hex.EncodeToString(digest[:]), nil
}

func takes(fields []string) string {
	var quoted []string
	for _, f := range fields {
		if f != "" {
			quoted = append(quoted, strconv.Quote(f))
		}
	}
	if len(quoted) == 0 {
		return "this act takes no fields"
	}
	return "this act takes " + strings.Join(quoted, ", ")
}

// required trims a text that must be there and not be endless.
func required(field, text string) (string, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return "", &fault{status: http.StatusUnprocessableEntity, message: field + " is missing", hint: fmt.Sprintf(`{%q: "…"}`, field)}
	case len([]rune(text)) > maxText:
		return "", &fault{status: http.StatusUnprocessableEntity, message: fmt.Sprintf("%s is longer than %d characters", field, maxText)}
	}
	return text, nil
}
