package api

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/page"
	"pagerd/gateway/postmortem"
)

// Postmortem is a postmortem as the API shows it. All instants are UTC.
type Postmortem struct {
	Incident    int64            `json:"incident"`
	State       postmortem.State `json:"state"`
	Severity    alert.Severity   `json:"severity"`
	Service     string           `json:"service"`
	Summary     string           `json:"summary"`
	Cause       string           `json:"root_cause,omitempty"`
	Tags        []string         `json:"tags,omitempty"`
	Required    bool             `json:"required"`
	Why         postmortem.Why   `json:"why"`
	Owner       string           `json:"owner,omitempty"`
	Deadline    time.Time        `json:"deadline,omitzero"`
	Overdue     bool             `json:"overdue,omitempty"`
	PublishedAt time.Time        `json:"published_at,omitzero"`
	PublishedBy string           `json:"published_by,omitempty"`
	Waiver      string           `json:"waiver,omitempty"`
	Revision    int              `json:"revision"`
	EditedBy    string           `json:"edited_by,omitempty"`
	MeetAt      time.Time        `json:"meet_at,omitzero"`
	Attendees   []string         `json:"attendees,omitempty"`
	Text        string           `json:"text,omitempty"` // Markdown; left out in lists
	Line        string           `json:"line,omitempty"` // of a search: where the words are
}

// PostmortemList is an answer with several.
type PostmortemList struct {
	Postmortems []Postmortem `json:"postmortems"`
}

// PostmortemDetail is one with what belongs to it.
type PostmortemDetail struct {
	Postmortem Postmortem `json:"postmortem"`
	Code       string     `json:"code,omitempty"`     // what an act came to: a word of the closed list of answers
	Problems   []string   `json:"problems,omitempty"` // what keeps it from being published
	Actions    []Action   `json:"actions,omitempty"`
	Earlier    []int64    `json:"earlier,omitempty"` // incidents before with the same root cause, newest first
}

// Action is an action item as the API shows it.
type Action struct {
	Number    int64                  `json:"number"`
	Incident  int64                  `json:"incident"`
	State     postmortem.ActionState `json:"state"`
	Title     string                 `json:"title"`
	Owner     string                 `json:"owner"`
	Due       string                 `json:"due"` // a day
	Priority  postmortem.Priority    `json:"priority"`
	Criterion string                 `json:"criterion"`
	Overdue   bool                   `json:"overdue,omitempty"`
	EndedAt   time.Time              `json:"ended_at,omitzero"`
	EndedBy   string                 `json:"ended_by,omitempty"`
	Reason    string                 `json:"reason,omitempty"`
	Issue     string                 `json:"issue,omitempty"` // what the issue tracker calls it
}

// ActionList is an answer with several; Code is what an act came to.
type ActionList struct {
	Actions []Action `json:"actions"`
	Code    string   `json:"code,omitempty"`
}

func (s *server) viewPostmortem(p postmortem.Postmortem) Postmortem {
	return Postmortem{Incident: p.Incident, State: p.State, Severity: p.Severity, Service: clean(p.Service), Summary: clean(p.Summary), Cause: clean(p.Cause),
		Tags: p.Tags, Required: p.Required, Why: p.Why, Owner: p.Owner, Deadline: p.Deadline,
		Overdue: p.Open() && p.Required && !p.Deadline.IsZero() && s.Now().After(p.Deadline), PublishedAt: p.PublishedAt, PublishedBy: p.PublishedBy,
		Waiver: clean(p.Waiver), Revision: p.Revision, EditedBy: p.EditedBy, MeetAt: p.MeetAt, Attendees: p.Attendees}
}

func (s *server) viewAction(a postmortem.Action) Action {
	return Action{Number: a.Number, Incident: a.Incident, State: a.State, Title: clean(a.Title), Owner: a.Owner, Due: a.Due.String(), Priority: a.Priority,
		Criterion: clean(a.Criterion), Overdue: s.Engine.OverdueAction(a, s.Now().UTC()), EndedAt: a.EndedAt, EndedBy: a.EndedBy, Reason: clean(a.Reason), Issue: clean(a.Issue)}
}

// listPostmortems lists those that are owed, or with q, service, tag, root_cause or severity searches the published ones.
func (s *server) listPostmortems(w http.ResponseWriter, r *http.Request) error {
	f, err := filter(r)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	all, err := s.Engine.Postmortems(r.Context(), f.Open)
	if err != nil {
		return err
	}
	out := PostmortemList{Postmortems: []Postmortem{}}
	find := postmortem.Query{Words: q.Get("q"), Service: q.Get("service"), Tag: q.Get("tag"), Cause: q.Get("root_cause")}
	if text := q.Get("severity"); text != "" {
		if find.Severity, err = alert.ParseSeverity(text); err != nil {
			return &fault{status: http.StatusBadRequest, message: err.Error(), hint: "write it as severity=SEV-1"}
		}
	}
	if find != (postmortem.Query{}) {
		for _, h := range postmortem.Search(all, find) {
			v := s.viewPostmortem(h.Postmortem)
			v.Line = clean(h.Line)
			out.Postmortems = append(out.Postmortems, v)
		}
	} else {
		for _, p := range all {
			out.Postmortems = append(out.Postmortems, s.viewPostmortem(p))
		}
	}
	out.Postmortems = out.Postmortems[:min(len(out.Postmortems), cmp.Or(f.Limit, maxList))]
	writeJSON(w, http.StatusOK, out)
	return nil
}

func (s *server) showPostmortem(w http.ResponseWriter, r *http.Request) error {
	n, err := number(r)
	if err != nil {
		return err
	}
	p, err := s.Engine.LoadPostmortem(r.Context(), n)
	if err != nil {
		return err
	}
	return s.tellPostmortem(w, r.Context(), p, "")
}

func (s *server) tellPostmortem(w http.ResponseWriter, ctx context.Context, p postmortem.Postmortem, code postmortem.Answer) error {
	out := PostmortemDetail{Postmortem: s.viewPostmortem(p), Code: string(code)}
	out.Postmortem.Text = p.Text
	if p.Open() {
		out.Problems = postmortem.Problems(p.Text)
	}
	actions, err := s.Engine.Actions(ctx, false)
	if err != nil {
		return err
	}
	for _, a := range actions {
		if a.Incident == p.Incident {
			out.Actions = append(out.Actions, s.viewAction(a))
		}
	}
	all, err := s.Engine.Postmortems(ctx, false)
	if err != nil {
		return err
	}
	for _, e := range postmortem.Repeats(all, p.Cause, p.Incident) {
		out.Earlier = append(out.Earlier, e.Incident)
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

// showAgenda is the review meeting as an iCalendar file.
func (s *server) showAgenda(w http.ResponseWriter, r *http.Request) error {
	n, err := number(r)
	if err != nil {
		return err
	}
	p, err := s.Engine.LoadPostmortem(r.Context(), n)
	if err != nil {
		return err
	}
	if p.MeetAt.IsZero() {
		return &fault{status: http.StatusConflict, message: fmt.Sprintf("the review of postmortem %d has no time yet", n),
			hint: fmt.Sprintf("pagerd postmortem meet %d 2026-04-01T10:00:00Z ana ben", n)}
	}
	w.Header().Set("Content-Type", "text/calendar; charset=utf-8")
	_, err = w.Write([]byte(postmortem.Agenda(p, "", s.Now())))
	return err
}

// readEvent reads what a person does to one object: who, to which, and what.
func readEvent[E any](r *http.Request, fields []string, event func(by page.Actor, a Act) (E, error)) (n int64, by page.Actor, a Act, ev E, err error) {
	a, sum, err := readAct(r, fields...)
	if err != nil {
		return n, by, a, ev, err
	}
	if n, err = number(r); err != nil {
		return n, by, a, ev, err
	}
	by = actor(r, sum)
	ev, err = event(by, a)
	return n, by, a, ev, err
}

// actPostmortem applies one person's event.
func (s *server) actPostmortem(w http.ResponseWriter, r *http.Request, fields []string, event func(by page.Actor, a Act) (postmortem.Event, error)) error {
	n, by, a, ev, err := readEvent(r, fields, event)
	if err != nil {
		return err
	}
	p, fx, err := s.Engine.Postmortem(r.Context(), n, ev, by, s.Now().UTC())
	if err != nil {
		return err
	}
	switch fx.Answer {
	case postmortem.AnswerIncomplete:
		return &fault{status: http.StatusUnprocessableEntity, message: "it cannot be published yet: " + strings.Join(fx.Problems, "; "),
			hint: fmt.Sprintf("pagerd postmortem edit %d", n)}
	case postmortem.AnswerStale:
		return &fault{status: http.StatusConflict, message: fmt.Sprintf("%s wrote revision %d meanwhile; your text was made from revision %d and is not stored", cmp.Or(p.EditedBy, "somebody"), p.Revision, a.Base),
			hint: "bring the two together and send it with the newer base"}
	case postmortem.AnswerRefused:
		return &fault{status: http.StatusConflict, message: fmt.Sprintf("the postmortem of incident %d is %s: this cannot be done to it", n, p.State),
			hint: "a text has at most 200 KiB and is not empty; what is published or waived is neither waived nor assigned"}
	}
	return s.tellPostmortem(w, r.Context(), p, fx.Answer)
}

func (s *server) beginPostmortem(w http.ResponseWriter, r *http.Request) error {
	_, sum, err := readAct(r)
	if err != nil {
		return err
	}
	n, err := number(r)
	if err != nil {
		return err
	}
	by := actor(r, sum)
	p, err := s.Engine.BeginPostmortem(r.Context(), n, by.Person, by.Op, s.Now().UTC())
	if err != nil {
		return err
	}
	return s.tellPostmortem(w, r.Context(), p, postmortem.AnswerBegun)
}

func (s *server) editPostmortem(w http.ResponseWriter, r *http.Request) error {
	return s.actPostmortem(w, r, []string{"text", "base"}, func(by page.Actor, a Act) (postmortem.Event, error) {
		return postmortem.Edit{By: by.Person, Base: a.Base, Text: a.Text}, nil
	})
}

func (s *server) reviewPostmortem(w http.ResponseWriter, r *http.Request) error {
	return s.actPostmortem(w, r, nil, func(by page.Actor, _ Act) (postmortem.Event, error) { return postmortem.Submit{By: by.Person}, nil })
}

func (s *server) meetPostmortem(w http.ResponseWriter, r *http.Request) error {
	return s.actPostmortem(w, r, []string{"at", "attendees"}, func(by page.Actor, a Act) (postmortem.Event, error) {
		if a.At.IsZero() || len(a.Attendees) > 50 {
			return nil, &fault{status: http.StatusUnprocessableEntity, message: "the time is missing, or there are more than 50 attendees", hint: `{"at": "2026-04-01T10:00:00Z", "attendees": ["ana"]}`}
		}
		return postmortem.Meet{By: by.Person, At: a.At, Attendees: a.Attendees}, nil
	})
}

func (s *server) assignPostmortem(w http.ResponseWriter, r *http.Request) error {
	return s.actPostmortem(w, r, []string{"person"}, func(by page.Actor, a Act) (postmortem.Event, error) {
		if _, ok := s.Config().Book.People[a.Person]; !ok {
			return nil, &fault{status: http.StatusUnprocessableEntity, message: fmt.Sprintf("no person is called %q", clean(a.Person)), hint: "a name under people: in the configuration"}
		}
		return postmortem.Assign{By: by.Person, To: a.Person}, nil
	})
}

func (s *server) publishPostmortem(w http.ResponseWriter, r *http.Request) error {
	return s.actPostmortem(w, r, nil, func(by page.Actor, _ Act) (postmortem.Event, error) { return postmortem.Publish{By: by.Person}, nil })
}

func (s *server) waivePostmortem(w http.ResponseWriter, r *http.Request) error {
	return s.actPostmortem(w, r, []string{"reason"}, func(by page.Actor, a Act) (postmortem.Event, error) {
		reason, err := required("reason", a.Reason)
		return postmortem.Waive{By: by.Person, Reason: reason}, err
	})
}

func (s *server) listActions(w http.ResponseWriter, r *http.Request) error {
	f, err := filter(r)
	if err != nil {
		return err
	}
	all, err := s.Engine.Actions(r.Context(), f.Open)
	if err != nil {
		return err
	}
	out := ActionList{Actions: []Action{}}
	for _, a := range all[:min(len(all), cmp.Or(f.Limit, maxList))] {
		out.Actions = append(out.Actions, s.viewAction(a))
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func (s *server) showAction(w http.ResponseWriter, r *http.Request) error {
	n, err := number(r)
	if err != nil {
		return err
	}
	a, err := s.Engine.LoadAction(r.Context(), n)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, ActionList{Actions: []Action{s.viewAction(a)}})
	return nil
}

// readItem reads what an action item says, and refuses what lacks something.
func readItem(a Act) (postmortem.Item, error) {
	if slices.ContainsFunc([]string{a.Title, a.Criterion}, func(t string) bool { return len([]rune(t)) > maxText/4 }) {
		return postmortem.Item{}, &fault{status: http.StatusUnprocessableEntity, message: "a text is longer than 500 characters", hint: "the whole story belongs into the postmortem"}
	}
	item, missing := postmortem.ParseItem(a.Title, a.Owner, a.Due, a.Priority, a.Criterion)
	if len(missing) > 0 {
		return item, &fault{status: http.StatusUnprocessableEntity, message: strings.Join(missing, "; "), hint: "an action item says what, who, until when, how urgent, and how everybody sees that it is done"}
	}
	return item, nil
}

// changeAction replaces what is given of an item and keeps the rest.
func (s *server) changeAction(w http.ResponseWriter, r *http.Request) error {
	n, err := number(r)
	if err != nil {
		return err
	}
	have, err := s.Engine.LoadAction(r.Context(), n)
	if err != nil {
		return err
	}
	return s.actAction(w, r, []string{"title", "owner", "due", "priority", "criterion"}, func(by page.Actor, a Act) (postmortem.ActionEvent, error) {
		a.Title, a.Owner, a.Due = cmp.Or(a.Title, have.Title), cmp.Or(a.Owner, have.Owner), cmp.Or(a.Due, have.Due.String())
		a.Priority, a.Criterion = cmp.Or(a.Priority, string(have.Priority)), cmp.Or(a.Criterion, have.Criterion)
		item, err := readItem(a)
		return postmortem.Change{By: by.Person, Item: item}, err
	})
}

func (s *server) openAction(w http.ResponseWriter, r *http.Request) error {
	a, sum, err := readAct(r, "incident", "title", "owner", "due", "priority", "criterion")
	if err != nil {
		return err
	}
	item, err := readItem(a)
	if err != nil {
		return err
	}
	done, err := s.Engine.OpenAction(r.Context(), a.Incident, item, actor(r, sum), s.Now().UTC())
	if err != nil {
		return err
	}
	return s.toldAction(w, done, postmortem.AnswerOpened)
}

func (s *server) toldAction(w http.ResponseWriter, a postmortem.Action, code postmortem.Answer) error {
	if code == postmortem.AnswerRefused {
		return &fault{status: http.StatusConflict, message: fmt.Sprintf("action item %d is %s", a.Number, a.State), hint: "pagerd action list --all shows it"}
	}
	writeJSON(w, http.StatusOK, ActionList{Actions: []Action{s.viewAction(a)}, Code: string(code)})
	return nil
}

func (s *server) endAction(w http.ResponseWriter, r *http.Request) error {
	return s.actAction(w, r, nil, func(by page.Actor, _ Act) (postmortem.ActionEvent, error) { return postmortem.Done{By: by.Person}, nil })
}

func (s *server) dropAction(w http.ResponseWriter, r *http.Request) error {
	return s.actAction(w, r, []string{"reason"}, func(by page.Actor, a Act) (postmortem.ActionEvent, error) {
		reason, err := required("reason", a.Reason)
		return postmortem.Drop{By: by.Person, Reason: reason}, err
	})
}

func (s *server) resendAction(w http.ResponseWriter, r *http.Request) error {
	return s.actAction(w, r, nil, func(by page.Actor, _ Act) (postmortem.ActionEvent, error) {
		return postmortem.Resend{By: by.Person}, nil
	})
}

func (s *server) actAction(w http.ResponseWriter, r *http.Request, fields []string, event func(by page.Actor, a Act) (postmortem.ActionEvent, error)) error {
	n, by, _, ev, err := readEvent(r, fields, event)
	if err != nil {
		return err
	}
	done, code, err := s.Engine.Action(r.Context(), n, ev, by.Op, s.Now().UTC())
	if err != nil {
		return err
	}
	return s.toldAction(w, done, code)
}

// Postmortems lists them, newest first; open leaves out those that are published or waived. find may have q, service, tag
// and root_cause.
func (c *Client) Postmortems(ctx context.Context, open bool, find url.Values) (PostmortemList, error) {
	if open {
		find.Set("open", "true")
	}
	return get[PostmortemList](ctx, c, "/api/v1/postmortems?"+find.Encode())
}

// Postmortem returns one with its text, its action items and what keeps it from being published.
func (c *Client) Postmortem(ctx context.Context, number int64) (PostmortemDetail, error) {
	return get[PostmortemDetail](ctx, c, fmt.Sprintf("/api/v1/postmortems/%d", number))
}

// PostmortemAct does something to one; verb is the last part of its path.
func (c *Client) PostmortemAct(ctx context.Context, number int64, verb string, a Act) (PostmortemDetail, error) {
	return post[PostmortemDetail](ctx, c, fmt.Sprintf("/api/v1/postmortems/%d/%s", number, verb), a)
}

// Actions lists action items, newest first; open leaves out those that ended.
func (c *Client) Actions(ctx context.Context, open bool) (ActionList, error) {
	return get[ActionList](ctx, c, "/api/v1/actions?"+listQuery(open, 0, maxList))
}

// Action returns one action item.
func (c *Client) Action(ctx context.Context, number int64) (ActionList, error) {
	return get[ActionList](ctx, c, fmt.Sprintf("/api/v1/actions/%d", number))
}

// OpenAction begins an action item.
func (c *Client) OpenAction(ctx context.Context, a Act) (ActionList, error) {
	return post[ActionList](ctx, c, "/api/v1/actions", a)
}

// ActionAct does something to an action item; verb is "done", "drop", "change" or "resend".
func (c *Client) ActionAct(ctx context.Context, number int64, verb string, a Act) (ActionList, error) {
	return post[ActionList](ctx, c, fmt.Sprintf("/api/v1/actions/%d/%s", number, verb), a)
}

// Agenda returns the review meeting as an iCalendar file.
func (c *Client) Agenda(ctx context.Context, number int64) (string, error) {
	return getText(ctx, c, fmt.Sprintf("/api/v1/postmortems/%d/agenda", number))
}
