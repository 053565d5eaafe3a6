package engine

import (
	"cmp"
	"strings"
	"time"

	"go.uber.org/zap"

	"pagerd/gateway/alert"
	"pagerd/gateway/page"
	"pagerd/gateway/postmortem"
	"pagerd/gateway/store"
	"pagerd/notify"
	"pagerd/notify/message"
)

// nag adds the messages that ask for something that is owed: to its owner, and to the manager of about's policy. sends
// counts those of number. The text names the owner to everybody else.
func (e *Engine) nag(c *store.Change, about page.Page, to postmortem.Nag, owner string, text func(owner string) string, number int64, sends *int) {
	tell := func(contact notify.Contact, words string) {
		*sends++
		if about.Drill {
			words = message.Practice(words)
		}
		s := page.Send{ID: page.SendID(number, owedBase+*sends), Page: number, Kind: notify.KindOwed, Person: contact.Person, Contact: contact.ID,
			Channel: contact.Channel, Severity: alert.SEV4, At: c.Now, Drill: about.Drill}
		c.Deliveries = append(c.Deliveries, delivery(s, words, c.Now))
	}
	if to == postmortem.NagNone {
		return
	}
	told := false
	if contact, ok := readable(e.config().Book.People[owner].Contacts); ok {
		tell(contact, text(""))
		told = true
	}
	if to == postmortem.NagManager || !told {
		if contact, ok := e.manager(about, c.Now); ok && contact.Person != owner {
			tell(contact, text(cmp.Or(owner, "nobody")))
			told = true
		}
	}
	if !told {
		e.log.Warn("nobody can be asked for what is owed", zap.Int64("number", number), zap.String("responder", owner))
	}
}

// manager is who manages the people of a page's policy, else an operator.
func (e *Engine) manager(p page.Page, now time.Time) (notify.Contact, bool) {
	book := e.config().Book
	for _, t := range p.Policy.Targets() {
		if !strings.HasSuffix(t.Name, "/manager") {
			continue
		}
		for _, name := range book.Resolve(t.Name, now) {
			if c, ok := readable(book.People[name].Contacts); ok {
				return c, true
			}
		}
	}
	return readable(e.config().Operators)
}
