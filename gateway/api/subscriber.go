package api

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"pagerd/gateway/mailing"
	"pagerd/notify"
)

// Subscribers is who is mailed the public updates.
type Subscribers struct {
	Subscribers []Subscriber `json:"subscribers"` // at most 10,000
}

// Subscriber is one of them. The address is masked: "r…@example.org".
type Subscriber struct {
	Address string    `json:"address"`
	Since   time.Time `json:"since"`             // when they confirmed
	Refused int       `json:"refused,omitempty"` // letters that their mail server refused for good; after three they are taken off
}

func (s *server) listSubscribers(w http.ResponseWriter, r *http.Request) error {
	list, err := s.Engine.Subscribers(r.Context())
	if err != nil {
		return err
	}
	out := Subscribers{Subscribers: []Subscriber{}}
	for _, one := range list {
		out.Subscribers = append(out.Subscribers, Subscriber{Address: notify.Mask(one.Address), Since: one.Since, Refused: one.Refused})
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

// removeSubscriber takes an address off, whether it was on the list or not: who asks to be forgotten is answered the same.
func (s *server) removeSubscriber(w http.ResponseWriter, r *http.Request) error {
	a, sum, err := readAct(r, "address")
	if err != nil {
		return err
	}
	address, ok := mailing.Address(a.Address)
	if !ok {
		return &fault{status: http.StatusUnprocessableEntity, message: "the address is missing or is none", hint: "write it like name@example.com"}
	}
	by := cmp.Or(actor(r, sum).Person, "api")
	if err := s.Engine.Unsubscribe(r.Context(), mailing.NumberOf(address), mailing.Leave{By: by, Why: mailing.WhyRemoved}, s.Now()); err != nil {
		return err
	}
	return s.listSubscribers(w, r)
}

// Subscribers lists who is mailed the public updates.
func (c *Client) Subscribers(ctx context.Context) (Subscribers, error) {
	return get[Subscribers](ctx, c, "/api/v1/subscribers")
}

// RemoveSubscriber takes an address off and returns who is left.
func (c *Client) RemoveSubscriber(ctx context.Context, address string) (Subscribers, error) {
	return post[Subscribers](ctx, c, "/api/v1/subscribers/remove", Act{Address: address})
}
