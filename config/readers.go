package config

import (
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"maps"
	"slices"
	"strings"

	"pagerd/notify"
)

// maxReaders bounds a list of readers: for more, a mail server has lists.
const maxReaders = 100

// readers reads [ana, "team:support", head-of-sales@example.com]: each address once.
func (r *reader) readers(a at, c *Config) []notify.Contact {
	var out []notify.Contact
	add := func(contact notify.Contact) {
		if !slices.ContainsFunc(out, func(o notify.Contact) bool { return strings.EqualFold(o.Address, contact.Address) }) {
			out = append(out, contact)
		}
	}
	for _, e := range a.list() {
		name := e.text()
		if strings.Contains(name, "@") {
			if !plausibleMail(name) {
				e.fail("", "found an address without a name and a host around one @")
			}
			add(Stranger(name))
			continue
		}
		for _, contact := range r.mailOf(e, name, c) {
			add(contact)
		}
	}
	switch {
	case len(out) > 0 && c.Notify.SMTP == nil:
		a.fail("configure notify: smtp", "they cannot be mailed: notify.smtp is missing")
	case len(out) > maxReaders:
		a.fail("name the address of a mailing list instead", "found %d readers, at most %d are allowed", len(out), maxReaders)
	}
	return out
}

// mailOf are the mail contacts of a person or of "team:NAME". Somebody without one is a mistake: they would never be told.
func (r *reader) mailOf(e at, name string, c *Config) (out []notify.Contact) {
	const hint = "a person, team:NAME or a mail address"
	people := []string{name}
	if team, ok := strings.CutPrefix(name, "team:"); ok {
		members, known := c.Book.Teams[team]
		if !known {
			e.fail(hint, "there is no team %q", team)
		}
		people = members
	}
	for _, person := range people {
		p, known := c.Book.People[person]
		if !known {
			e.fail(hint, "there is no person %q", person)
			continue
		}
		i := slices.IndexFunc(p.Contacts, func(x notify.Contact) bool { return x.Channel == notify.Email })
		if i < 0 {
			e.fail("give them an email", "%q has no mail address", person)
			continue
		}
		out = append(out, p.Contacts[i])
	}
	return out
}

// Stranger is the contact of an address that belongs to nobody under people. Its id says nothing of the address, and stays
// the same when a list is put in another order: a letter that waits must never reach somebody else.
func Stranger(address string) notify.Contact {
	sum := sha256.Sum256([]byte(strings.ToLower(address)))
	return notify.Contact{ID: "reader/" + hex.EncodeToString(sum[:8]), Channel: notify.Email, Address: address}
}

// Reader finds a contact by its id among the stakeholders of all services and the readers of reports.
func (c *Config) Reader(id string) (notify.Contact, bool) {
	for _, lists := range []iter.Seq[[]notify.Contact]{maps.Values(c.Stakeholders), maps.Values(c.Reports.Readers)} {
		for list := range lists {
			for _, contact := range list {
				if contact.ID == id {
					return contact, true
				}
			}
		}
	}
	return notify.Contact{}, false
}
