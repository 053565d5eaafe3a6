// Package statuspage is what the public may see of incidents: which parts of the product are disturbed, what customers were
// told, and how the last ninety days were.
//
// It promises that nothing private can stand in it by construction: it holds no incident, no service's own name, no person and
// no number of pagerd's; a [Disturbance] holds a component's public name, words that a person wrote for customers, states of a
// closed list and times, and nothing else is rendered. What is rendered needs no script and no inline style.
package statuspage

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"pagerd/gateway/update"
)

// Path is where the page is on the public listener.
const Path = "/status-page/"

// Days is how far the history goes back.
const Days = 90

// Word is something that customers were told. All instants are UTC.
type Word struct {
	State update.State
	Text  string // written by a person for customers
	At    time.Time
	Next  time.Time // when they hear more; zero = not said
}

// Disturbance is something that customers were told of, oldest word first.
type Disturbance struct {
	Key       string // decides the public id; never shown itself
	Component string // public name
	Words     []Word
}

// ID is the disturbance's public name: stable, and it says nothing of what it is made from.
func (d Disturbance) ID() string {
	sum := sha256.Sum256([]byte("pagerd status page\x00" + d.Key))
	return hex.EncodeToString(sum[:8])
}

// Begun is when customers were first told.
func (d Disturbance) Begun() time.Time { return d.Words[0].At }

// Newest is the last word.
func (d Disturbance) Newest() Word { return d.Words[len(d.Words)-1] }

// Over reports whether customers were told that it is over.
func (d Disturbance) Over() bool { return d.Newest().State == update.Resolved }

// Page is everything that is shown.
type Page struct {
	Title      string
	URL        string // where it is, without a slash at its end
	Components []string
	Subscribe  bool // strangers may ask for the updates by mail
	Now        time.Time
	list       []Disturbance // newest first
}

// New makes a page. Of the disturbances those that have no word for customers, an unknown state, or a component that the page
// does not name are left out; so is what ended longer ago than the history goes back.
func New(title, url string, components []string, list []Disturbance, now time.Time) Page {
	p := Page{Title: title, URL: strings.TrimSuffix(url, "/"), Components: components, Now: now.UTC()}
	for _, d := range list {
		d.Words = slices.DeleteFunc(slices.Clone(d.Words), func(w Word) bool { return !w.State.Valid() || strings.TrimSpace(w.Text) == "" })
		if len(d.Words) == 0 || !slices.Contains(components, d.Component) || d.Over() && d.Newest().At.Before(p.from()) {
			continue
		}
		p.list = append(p.list, d)
	}
	slices.SortStableFunc(p.list, func(a, b Disturbance) int { return cmp.Or(b.Begun().Compare(a.Begun()), cmp.Compare(a.ID(), b.ID())) })
	return p
}

// from is the beginning of the history: a whole day in UTC.
func (p Page) from() time.Time { return p.Now.Truncate(24*time.Hour).AddDate(0, 0, 1-Days) }

// Open returns what goes on, newest first.
func (p Page) Open() []Disturbance {
	return slices.DeleteFunc(slices.Clone(p.list), Disturbance.Over)
}

// Past returns what is over, newest first.
func (p Page) Past() []Disturbance {
	return slices.DeleteFunc(slices.Clone(p.list), func(d Disturbance) bool { return !d.Over() })
}

// Standing is how a component stands now: the state of its newest disturbance that goes on; empty = as usual.
func (p Page) Standing(component string) update.State {
	for _, d := range p.Open() {
		if d.Component == component {
			return d.Newest().State
		}
	}
	return ""
}

// Day is one day of a component's history.
type Day struct {
	Date      string
	Disturbed time.Duration // of the day, as far as customers were told
}

// History is a component's days, oldest first.
func (p Page) History(component string) []Day {
	out := make([]Day, Days)
	for i := range out {
		from := p.from().AddDate(0, 0, i)
		to := from.AddDate(0, 0, 1)
		if to.After(p.Now) {
			to = p.Now
		}
		out[i] = Day{Date: from.Format(time.DateOnly), Disturbed: p.disturbed(component, from, to)}
	}
	return out
}

// disturbed is how long a component was disturbed between two instants. Disturbances that overlap count once.
func (p Page) disturbed(component string, from, to time.Time) (sum time.Duration) {
	list := slices.Clone(p.list)
	slices.SortStableFunc(list, func(a, b Disturbance) int { return a.Begun().Compare(b.Begun()) })
	done := from
	for _, d := range list {
		if d.Component != component {
			continue
		}
		begin, end := d.Begun(), to
		if d.Over() {
			end = d.Newest().At
		}
		if begin.Before(done) {
			begin = done
		}
		if end.After(to) {
			end = to
		}
		if end.After(begin) {
			sum += end.Sub(begin)
			done = end
		}
	}
	return sum
}

// Uptime is the share of the history in which customers were not told of a disturbance, in hundredths of a percent.
func (p Page) Uptime(component string) int {
	whole := p.Now.Sub(p.from()) / time.Second
	bad := p.disturbed(component, p.from(), p.Now) / time.Second
	return int(10_000 * (whole - bad) / max(whole, 1))
}

func percent(hundredths int) string { return fmt.Sprintf("%d.%02d %%", hundredths/100, hundredths%100) }
