package gateway

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"pagerd/gateway/engine"
	"pagerd/gateway/mailing"
	"pagerd/gateway/statuspage"
	"pagerd/notify/email"
)

// Where strangers subscribe to the status page, and where the links in their mails lead.
const (
	subscribePath = statusPath + "subscribe"
	confirmPath   = statusPath + "confirm/"
	leavePath     = statusPath + "leave/"
)

// maxForm bounds what a stranger sends.
const maxForm = 4096

// letters makes the links that stand in letters.
func (g *Gateway) letters(links email.Links) engine.Letters {
	return engine.Letters{
		Confirm: func(address string, until time.Time) string {
			return g.config.Load().PublicURL + confirmPath + links.SignSubscription(email.Subscription{Address: address, Expires: until.Unix()})
		},
		Leave: func(subscriber int64) string {
			return g.config.Load().PublicURL + leavePath + links.SignSubscription(email.Subscription{Number: subscriber})
		}}
}

// subscriptionDoors let strangers ask for the public updates by mail and end that. Only a POST changes something: mail
// scanners follow links. A mail program's own button (RFC 8058) is such a POST.
func (g *Gateway) subscriptionDoors(mux *http.ServeMux, links email.Links) {
	s := subscriptions{g: g, links: links}
	own := http.NewCrossOriginProtection()
	mux.Handle("POST "+subscribePath, own.Handler(http.HandlerFunc(s.invite)))
	for path, step := range map[string]step{confirmPath: s.confirm(), leavePath: s.leave()} {
		mux.HandleFunc("GET "+path+"{token}", func(w http.ResponseWriter, r *http.Request) { s.follow(w, r, step, false) })
		mux.Handle("POST "+path+"{token}", own.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.follow(w, r, step, true) })))
	}
}

type subscriptions struct {
	g     *Gateway
	links email.Links
}

// step is what a link leads to: a question with one button, and what the button does.
type step struct {
	fits func(email.Subscription) bool
	ask  statuspage.Notice
	do   func(context.Context, email.Subscription) error
	done statuspage.Notice
}

func (s subscriptions) confirm() step {
	return step{
		fits: func(l email.Subscription) bool { return l.Address != "" },
		ask:  statuspage.Notice{Title: "The updates by mail?", Sentence: "You get a mail whenever we tell of a disturbance. Each one holds a link that ends it.", Button: "Yes, mail me the updates"},
		do: func(ctx context.Context, l email.Subscription) error {
			return s.g.engine.Subscribe(ctx, l.Address, s.g.now())
		},
		done: statuspage.Notice{Title: "You will hear from us", Sentence: "The next disturbance that we tell of is mailed to you."},
	}
}

func (s subscriptions) leave() step {
	return step{
		fits: func(l email.Subscription) bool { return l.Number != 0 },
		ask:  statuspage.Notice{Title: "No more of these mails?", Sentence: "You can ask for them again on the status page.", Button: "No more mails"},
		do: func(ctx context.Context, l email.Subscription) error {
			return s.g.engine.Unsubscribe(ctx, l.Number, mailing.Leave{By: "subscriber", Why: mailing.WhyAsked}, s.g.now())
		},
		done: statuspage.Notice{Title: "No more mails", Sentence: "Your address is forgotten."},
	}
}

// invite answers everybody the same, so that nobody finds out whose address subscribed.
func (s subscriptions) invite(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	err := s.g.engine.Invite(r.Context(), r.PostFormValue("address"), s.g.now())
	s.answer(w, "./", err, statuspage.Notice{Title: "Please look into your mail",
		Sentence: "We sent you a link: open it within two days, and you get the updates. Nothing comes? We write to an address once a day at most."})
}

func (s subscriptions) follow(w http.ResponseWriter, r *http.Request, st step, act bool) {
	const home = "../"
	l, err := s.links.ParseSubscription(r.PathValue("token"), s.g.now())
	switch {
	case errors.Is(err, email.ErrExpired):
		s.show(w, http.StatusGone, home, statuspage.Notice{Title: "Expired", Sentence: "This link has expired. Please ask for the updates again.", Problem: true})
	case err != nil || !st.fits(l):
		s.show(w, http.StatusNotFound, home, statuspage.Notice{Title: "No such link", Sentence: "This link is not one of ours, or it was cut off on its way. Open it from the mail again.", Problem: true})
	case !act:
		s.show(w, http.StatusOK, home, st.ask)
	default:
		s.answer(w, home, st.do(r.Context(), l), st.done)
	}
}

// answer shows that it was done, or why not.
func (s subscriptions) answer(w http.ResponseWriter, home string, err error, done statuspage.Notice) {
	var refusal *engine.Refusal
	switch {
	case err == nil:
		s.show(w, http.StatusOK, home, done)
	case errors.As(err, &refusal):
		s.show(w, http.StatusUnprocessableEntity, home, statuspage.Notice{Title: "That does not work", Sentence: upper(refusal.Message) + ". " + upper(refusal.Hint), Problem: true})
	case errors.Is(err, engine.ErrTooMany):
		w.Header().Set("Retry-After", strconv.Itoa(600))
		s.show(w, http.StatusTooManyRequests, home, statuspage.Notice{Title: "Not just now", Sentence: "Many people ask for the updates at this moment. Please try again in ten minutes.", Problem: true})
	default:
		s.g.log.Error("a subscription was not recorded", zap.Error(err))
		w.Header().Set("Retry-After", "5")
		s.show(w, http.StatusServiceUnavailable, home, statuspage.Notice{Title: "Not recorded", Sentence: "We have a problem of our own. Please try again in a moment.", Problem: true})
	}
}

// upper begins a sentence.
func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func (s subscriptions) show(w http.ResponseWriter, status int, home string, n statuspage.Notice) {
	n.Home = home
	body, err := n.HTML()
	if err != nil {
		s.g.log.Error("a notice cannot be rendered", zap.Error(err))
		http.Error(w, n.Title, status)
		return
	}
	privately(w)
	w.WriteHeader(status)
	_, _ = w.Write(body) // an error is the reader's connection
}

// privately sets the headers of a page that is one person's.
func privately(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", statusPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
}
