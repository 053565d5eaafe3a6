package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"pagerd/gateway/engine"
	"pagerd/gateway/update"
)

// maxNext is how far ahead an update can be promised.
const maxNext = 7 * 24 * time.Hour

// Updates is what was told of an incident.
type Updates struct {
	Incident int64           `json:"incident"`
	Updates  []update.Update `json:"updates"`           // oldest first
	Promised time.Time       `json:"promised,omitzero"` // when the next one is due
	Overdue  bool            `json:"overdue,omitempty"`
	Text     string          `json:"text,omitempty"` // the update just made, or previewed, as it is mailed or sent on
	Mail     *engine.Mail    `json:"mail,omitempty"` // what became of the mails of the newest update that was mailed
}

func (s *server) listUpdates(w http.ResponseWriter, r *http.Request) error {
	n, err := number(r)
	if err != nil {
		return err
	}
	l, _, err := s.Engine.Updates(r.Context(), n)
	if err != nil {
		return err
	}
	out, err := s.viewUpdates(r.Context(), l)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func (s *server) viewUpdates(ctx context.Context, l update.Log) (Updates, error) {
	out := Updates{Incident: l.Incident, Updates: []update.Update{}, Promised: l.Promised}
	for _, u := range l.Updates {
		u.Text = clean(u.Text)
		out.Updates = append(out.Updates, u)
	}
	out.Overdue = !l.Promised.IsZero() && s.Now().After(l.Promised)
	for _, u := range slices.Backward(l.Updates) {
		if u.Mailing != 0 {
			m, err := s.Engine.Mailed(ctx, u.Mailing)
			out.Mail = &m
			return out, err
		}
	}
	return out, nil
}

func (s *server) postUpdate(w http.ResponseWriter, r *http.Request) error {
	a, sum, err := readAct(r, "state", "audience", "text", "next", "preview")
	if err != nil {
		return err
	}
	n, err := number(r)
	if err != nil {
		return err
	}
	by := actor(r, sum)
	ev, err := readUpdate(a, by.Person)
	if err != nil {
		return err
	}
	if a.Preview {
		u, in, err := s.Engine.PreviewUpdate(r.Context(), n, ev, s.Now().UTC())
		if err != nil {
			return err
		}
		text, err := s.Engine.UpdateText(in, u)
		if err != nil {
			return err
		}
		writeJSON(w, http.StatusOK, Updates{Incident: n, Updates: []update.Update{}, Text: cleanLines(text)})
		return nil
	}
	l, in, err := s.Engine.PostUpdate(r.Context(), n, ev, by.Op, s.Now().UTC())
	if err != nil {
		return err
	}
	out, err := s.viewUpdates(r.Context(), l)
	if err != nil {
		return err
	}
	if len(l.Updates) > 0 {
		text, err := s.Engine.UpdateText(in, l.Updates[len(l.Updates)-1])
		if err != nil {
			return err
		}
		out.Text = cleanLines(text)
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

// cleanLines is clean for a text whose lines matter.
func cleanLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = clean(l)
	}
	return strings.Join(lines, "\n")
}

// readUpdate reads an update from an act, and refuses what cannot be one.
func readUpdate(a Act, by string) (update.Post, error) {
	ev := update.Post{By: by, State: a.State, To: a.Audience, Text: strings.TrimSpace(a.Text)}
	if ev.To == "" {
		ev.To = update.Stakeholders
	}
	refuse := func(message, hint string) (update.Post, error) {
		return ev, &fault{status: http.StatusUnprocessableEntity, message: message, hint: hint}
	}
	switch {
	case !ev.State.Valid():
		return refuse("the state is missing or unknown", "investigating, identified, monitoring or resolved")
	case !ev.To.Valid():
		return refuse("the audience is unknown", "stakeholders or customers")
	case ev.Text == "":
		return refuse("the text is missing", "what they notice, what is being done; no names, no guesses")
	case utf8.RuneCountInString(ev.Text) > update.MaxText:
		return refuse(fmt.Sprintf("the text is longer than %d characters", update.MaxText), "three sentences are enough")
	}
	if a.Next != "" {
		d, err := time.ParseDuration(a.Next)
		if err != nil || d < time.Minute || d > maxNext {
			return refuse("the time of the next update cannot be read", "from 1m to 168h, e.g. 30m")
		}
		ev.Next = d
	}
	return ev, nil
}

// Updates reads what was told of an incident.
func (c *Client) Updates(ctx context.Context, number int64) (Updates, error) {
	return get[Updates](ctx, c, fmt.Sprintf("/api/v1/incidents/%d/updates", number))
}

// PostUpdate records what was told of an incident.
func (c *Client) PostUpdate(ctx context.Context, number int64, a Act) (Updates, error) {
	return post[Updates](ctx, c, fmt.Sprintf("/api/v1/incidents/%d/updates", number), a)
}
