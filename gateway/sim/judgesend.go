package sim

import (
	"slices"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/notify"
)

// deliveryFile is what the judge knows of a delivery.
type deliveryFile struct {
	page    int64
	contact string
	send    page.Send
	state   store.DeliveryState
	token   int64 // of the newest claim; 0 = none is held
	claimed int   // index of the newest claim
	visible time.Time
	over    bool // the newest claim is settled
	rank    int  // of the provider's newest word
	sends   []*sending
	maybe   int // messages of which the engine does not know whether they left
}

// sending is one message of a delivery that was written to the wire.
type sending struct {
	at      time.Time
	told    bool // the provider's yes reached the process
	settled bool // and the store knows it
}

// delivery notes one that was stored.
func (j *judge) delivery(c store.Change, d store.Delivery) {
	owned := c.Page != nil && d.Page == c.Page.Number
	if d.Kind == notify.KindOwed || d.Kind == notify.KindLetter { // stored with what is owed, or with the mailing
		owned = len(c.Records) > 0 || d.Channel == notify.Email && len(c.Deliveries) == 1
	}
	if d.Kind == notify.KindRemind { // an incident's: stored with it, or by mail after the way before failed
		owned = c.Incident != nil && d.Page == c.Incident.Number || d.Channel == notify.Email && len(c.Deliveries) == 1
	}
	if j.deliveries[d.ID] != nil || !owned {
		j.w.fail(RuleCommitted, "delivery/"+d.ID, "it is stored a second time, or without its page")
	}
	if d.Kind.Read() && d.Channel == notify.Voice {
		j.w.fail(RuleIncident, "delivery/"+d.ID, "a reminder rings a telephone")
	}
	visible := d.VisibleAt
	if visible.IsZero() {
		visible = d.At
	}
	j.deliveries[d.ID] = &deliveryFile{page: d.Page, contact: d.Contact, send: d.Send, state: store.Pending, visible: visible}
	j.w.tally.note("delivery: " + string(d.Kind))
}

// maxBundle is how many pages one message may tell of.
const maxBundle = 20

// claimed checks a claim that the store granted, whether the process hears of it or not.
func (j *judge) claimed(l *life, now time.Time, o store.ClaimOptions, claims []store.Claim) {
	w := j.w
	for _, c := range claims {
		j.index++
		w.tally.note("claim")
		if c.Token <= j.token {
			w.fail(RuleFence, about(c), "token %d follows token %d", c.Token, j.token)
		}
		j.token = c.Token
		if len(c.Deliveries) > 1 {
			w.tally.note("bundle")
		}
		for _, d := range c.Deliveries {
			f, name := j.deliveries[d.ID], "delivery/"+d.ID
			switch {
			case f == nil:
				w.fail(RuleCommitted, name, "it is claimed and was never stored")
				return
			case f.state != store.Pending:
				w.fail(RuleFence, name, "it is claimed and was settled as %s", f.state)
			case f.visible.After(now):
				w.fail(RuleFence, name, "%s claims it at %s by its clock, and another claim holds it, or it waits, until %s", l.name, stamp(now), stamp(f.visible))
			case len(c.Deliveries) > maxBundle || len(c.Deliveries) > 1 && f.send.Severity == alert.SEV1:
				w.fail(RuleStop, name, "a bundle of %d holds it", len(c.Deliveries))
			}
			f.token, f.claimed, f.visible, f.over = c.Token, j.index, c.Until, false
		}
		if w.story != nil {
			for _, d := range c.Deliveries {
				w.tell("delivery/"+d.ID, "%s claims %s until %s (token %d)", l.name, d.ID, stamp(c.Until), c.Token)
			}
		}
	}
}

// renewed checks a renewal that the store granted.
func (j *judge) renewed(l *life, c store.Claim, until time.Time) {
	held := false
	for _, d := range c.Deliveries {
		if f := j.deliveries[d.ID]; f != nil && f.token == c.Token && f.state == store.Pending {
			held, f.visible = true, until
		}
	}
	if !held {
		j.w.fail(RuleFence, about(c), "%s prolongs claim %d, which is lost", l.name, c.Token)
	}
}

// released notes a claim that was given back.
func (j *judge) released(c store.Claim, now time.Time) {
	for _, d := range c.Deliveries {
		if f := j.deliveries[d.ID]; f != nil && f.token == c.Token {
			f.token, f.visible = 0, now
		}
	}
}

// leasesEnd: the process that held them all is dead, and so are its leases.
func (j *judge) leasesEnd() {
	for _, f := range j.deliveries {
		if f.token != 0 && !f.over {
			f.visible = time.Time{}
		}
	}
}

// settled checks a settlement that the store took.
func (j *judge) settled(c store.Change, s store.Settlement) {
	f, name := j.deliveries[s.Delivery], "delivery/"+s.Delivery
	if f == nil {
		j.w.fail(RuleCommitted, name, "it is settled and was never stored")
		return
	}
	if s.Token == 0 { // a callback
		if s.State != "" && s.State != store.Pending && s.Rank > 0 {
			j.callback(f, s)
		}
		return
	}
	if s.Token != f.token || f.over {
		j.w.fail(RuleFence, name, "claim %d settles it as %s, and claim %d is the newest", s.Token, s.State, f.token)
	}
	f.over = true
	if s.State == store.SentState {
		for _, sent := range f.sends { // a provider that was asked may have had any of them
			sent.settled = true
		}
	}
	if f.state != store.Pending {
		return // a callback was faster, and its word stands
	}
	f.state, f.visible = s.State, s.VisibleAt
	j.w.tally.note("settled: " + string(s.State))
	if s.Ambiguous {
		f.maybe++
	}
	if j.w.story != nil {
		j.w.tell(name, "%s is settled as %s (%s) under token %d", s.Delivery, s.State, s.Reason, s.Token)
	}
}

// callback takes a provider's word, as far as it says more than the one before.
func (j *judge) callback(f *deliveryFile, s store.Settlement) {
	if s.Rank <= f.rank {
		return
	}
	f.rank = s.Rank
	f.state = s.State
	if f.token == 0 || f.over {
		f.visible = time.Time{}
	}
}

// carried are the deliveries of a claim that a notification tells of: those that were not dropped, from the first it names.
func (j *judge) carried(f *flight, n notify.Notification) []store.Delivery {
	if f == nil {
		return nil
	}
	var out []store.Delivery
	begun := false
	for _, d := range f.claim.Deliveries {
		begun = begun || d.ID == n.Delivery
		told := n.Kind == notify.KindLetter || slices.ContainsFunc(n.Subjects, func(s notify.Subject) bool { return s.Page == d.Page })
		if begun && told && (j.deliveries[d.ID] == nil || !j.deliveries[d.ID].over) {
			out = append(out, d)
		}
	}
	return out
}

// maxAttempts bounds the messages of one delivery of which nobody knows whether they left (S8).
const maxAttempts = 8

// sent checks a message at the moment at which its first byte goes out. reached: the provider gets it.
func (j *judge) sent(l *life, n notify.Notification, reached bool) []*sending {
	w := j.w
	var out []*sending
	ds := j.carried(w.top().flight, n)
	told := map[int64]bool{}
	for _, d := range ds {
		told[d.Page] = true
	}
	if len(told) != len(n.Subjects) && n.Kind != notify.KindLetter || len(ds) == 0 {
		w.fail(RuleCommitted, "delivery/"+n.Delivery, "%s sends a message of %d pages that it did not claim", l.name, len(n.Subjects))
		return nil
	}
	for _, d := range ds {
		f, name := j.deliveries[d.ID], "delivery/"+d.ID
		if f == nil {
			w.fail(RuleCommitted, name, "it is sent and was never stored")
			return nil
		}
		if early := d.At.Sub(w.now); early > maxSkew {
			w.fail(RuleEarly, name, "it leaves %s before it is due", early)
		}
		j.stillWanted(f, w.top().flight, name, d)
		for _, s := range f.sends {
			if s.told && s.settled {
				w.fail(RuleDuplicates, name, "it was sent at %s, the provider said yes, the store knows it, and it is sent again", stamp(s.at))
			}
		}
		if f.maybe >= maxAttempts {
			w.fail(RuleDuplicates, name, "it may have left %d times, and is sent again", f.maybe)
		}
		s := &sending{at: w.now}
		f.sends = append(f.sends, s)
		out = append(out, s)
		if len(f.sends) > 1 {
			w.tally.note("message again")
		}
		if reached && d.Kind == notify.KindPage {
			j.file(d.Page).round(d.Round).rung = w.now
		}
	}
	return out
}

// stillWanted checks that what a message asks was still to be asked when it was claimed. One that was claimed before may
// still arrive, at most one to each contact.
func (j *judge) stillWanted(f *deliveryFile, flight *flight, name string, d store.Delivery) {
	if d.Kind != notify.KindPage && d.Kind != notify.KindInform { // what is only read may have no page
		return
	}
	p := j.pages[d.Page]
	r := p.round(d.Round)
	stop := r.stopped
	if d.Kind == notify.KindInform {
		stop = r.ended
	}
	if known := r.known[d.Person]; known != 0 && (stop == 0 || known < stop) && d.Kind == notify.KindInform {
		stop = known
	}
	if stop == 0 {
		return
	}
	if flight.index > stop {
		j.w.fail(RuleStop, name, "%s is asked about round %d of page %d, which was %s before this message was claimed", d.Contact, d.Round, d.Page, p.page.Status)
	}
	j.w.tally.note("message on the wire at a stop")
	if r.late[d.Contact+string(d.Kind)]++; r.late[d.Contact+string(d.Kind)] > 1 {
		j.w.fail(RuleStop, name, "a second message to %s about round %d of page %d leaves after it was over", d.Contact, d.Round, d.Page)
	}
}

// heard notes that the provider's yes reached the process.
func (j *judge) heard(sends []*sending) {
	for _, s := range sends {
		s.told = true
	}
}
