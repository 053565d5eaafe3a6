package email

import (
	"context"
	_ "embed" // for the page's style
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"go.uber.org/zap"

	"pagerd/notify"
	"pagerd/notify/message"
)

// PageOptions are what the one-button page needs. Subjects and Act answer errors for what could not be read or recorded;
// the person is told so.
type PageOptions struct {
	Links    Links
	Now      func() time.Time
	Subjects func(ctx context.Context, l Link) ([]notify.Subject, error)
	Act      func(ctx context.Context, l Link, verb notify.Verb) (sentence string, err error)
	Zone     func(person string) *time.Location // where the person reads times; nil = UTC for everybody
	Log      *zap.Logger
}

//go:embed ackpage.css
var style []byte

//go:embed ackpage.html
var markup string

var ackTemplate = template.Must(template.New("ack").Parse(markup))

type ackPage struct{ PageOptions }

// view is what the page shows. The buttons never change their places: a second tap on the same spot must not do something
// else than the first.
type view struct {
	Title    string
	Sentence string
	Problem  bool
	Subjects []card
	Buttons  bool
	Waiting  bool   // somebody must still acknowledge: that button stands out
	All      string // " all 3" for a bundle
	Person   string
}

// card is a page as it is shown: foreign text without what hides or turns it.
type card struct {
	notify.Subject
	Word  string // the status, and who has it
	Began string // when it was triggered, in the person's zone
}

// Page serves GET, HEAD and POST /r/{token}. Only POST acts, and only from the page itself.
func Page(o PageOptions) http.Handler {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	p := ackPage{o}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /r/style.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Header().Set("Cache-Control", "max-age=3600")
		_, _ = w.Write(style)
	})
	mux.HandleFunc("GET /r/{token}", p.show)
	mux.HandleFunc("POST /r/{token}", p.act)
	return http.NewCrossOriginProtection().Handler(mux)
}

func (p ackPage) show(w http.ResponseWriter, r *http.Request) {
	link, ok := p.link(w, r)
	if !ok {
		return
	}
	p.render(w, r, http.StatusOK, link, view{})
}

func (p ackPage) act(w http.ResponseWriter, r *http.Request) {
	link, ok := p.link(w, r)
	if !ok {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 4096)
	verb := notify.Verb(r.PostFormValue("verb"))
	if verb != notify.VerbAck && verb != notify.VerbResolve && verb != notify.VerbEscalate {
		p.render(w, r, http.StatusBadRequest, link, view{Problem: true, Sentence: "That button does not exist. Nothing was changed."})
		return
	}
	sentence, err := p.Act(r.Context(), link, verb)
	if err != nil {
		p.Log.Error("link not recorded", zap.String("delivery", link.Delivery), zap.Error(err))
		p.render(w, r, http.StatusServiceUnavailable, link, view{Problem: true, Sentence: "NOT RECORDED: the pager has a problem. Try again in a moment."})
		return
	}
	p.render(w, r, http.StatusOK, link, view{Sentence: sentence})
}

// link reads the token, or answers why it does not act.
func (p ackPage) link(w http.ResponseWriter, r *http.Request) (Link, bool) {
	link, err := p.Links.Parse(r.PathValue("token"), p.Now())
	switch {
	case errors.Is(err, ErrExpired):
		p.write(w, http.StatusGone, view{Title: "Expired", Problem: true, Sentence: "This link has expired. Use a newer mail, reply by SMS, or look at the status page."})
	case err != nil:
		p.write(w, http.StatusNotFound, view{Title: "No such link", Problem: true, Sentence: "This link is not one of ours, or it was cut off on its way. Open it from the mail again."})
	default:
		return link, true
	}
	return Link{}, false
}

func (p ackPage) render(w http.ResponseWriter, r *http.Request, status int, link Link, v view) {
	subjects, err := p.Subjects(r.Context(), link)
	if err != nil {
		p.Log.Error("page not loaded", zap.String("delivery", link.Delivery), zap.Error(err))
		if v.Sentence != "" { // what was done, or not, is true without the page beside it
			v.Title = "Answer"
			p.write(w, status, v)
			return
		}
		p.write(w, http.StatusServiceUnavailable, view{Title: "Try again", Problem: true, Sentence: "The pager cannot look this up just now. Try again in a moment."})
		return
	}
	v.Person = link.Person
	v.Title = fmt.Sprintf("%d pages", len(subjects))
	zone := time.UTC
	if p.Zone != nil {
		zone = p.Zone(link.Person)
	}
	for _, s := range subjects {
		v.Subjects = append(v.Subjects, newCard(s, zone))
		v.Buttons = v.Buttons || s.Status != resolved
		v.Waiting = v.Waiting || s.Status != resolved && s.Status != acknowledged
	}
	switch {
	case len(subjects) == 0 && v.Sentence == "":
		v.Title, v.Sentence = "Nothing to do", "What this link was about is over and no longer kept."
	case len(subjects) == 1:
		v.Title = subjects[0].Severity.String() + " " + v.Subjects[0].Service
	}
	if len(subjects) > 1 {
		v.All = fmt.Sprintf(" all %d", len(subjects))
	}
	p.write(w, status, v)
}

func newCard(s notify.Subject, zone *time.Location) card {
	c := card{Subject: s, Word: s.Status}
	c.Service, c.Summary, c.Environment, c.Acknowledger = message.Visible(s.Service), message.Visible(s.Summary), message.Visible(s.Environment), message.Visible(s.Acknowledger)
	if s.Acknowledger != "" && s.Status == acknowledged {
		c.Word += " by " + c.Acknowledger
	}
	if !s.Since.IsZero() {
		c.Began = s.Since.In(zone).Format("2 Jan 15:04 MST")
	}
	return c
}

// The status words that decide about the buttons; they are the page's own.
const acknowledged, resolved = "acknowledged", "resolved"

func (p ackPage) write(w http.ResponseWriter, status int, v view) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	// With no-referrer a form would send Origin: null, which cross-origin protection refuses.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := ackTemplate.Execute(w, v); err != nil {
		p.Log.Warn("page not written", zap.Error(err))
	}
}
