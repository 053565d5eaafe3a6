package twiliosim

import (
	"cmp"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	shownPhones = 48 // more would be a list, not a page of telephones
	shownItems  = 40 // of one thread
)

// pageView is what the page shows.
type pageView struct {
	Title   string
	Actions []Action
	Links   []Link
	Panel   template.HTML
	Phones  []phoneView
	Hidden  int // telephones beyond shownPhones
	Faults  []string
	Presets []preset
}

type phoneView struct {
	Number   string
	Name     string
	Anchor   string
	State    string // idle, ringing, live
	Thread   []threadItem
	Ringing  *callView
	Live     *callView
	Network  string // what is wrong with it, in words; empty: nothing
	Calls    []choice
	Messages []choice
	OptedOut bool
	Initial  string
}

// threadItem is a message or an ended call, newest first.
type threadItem struct {
	At       time.Time
	Clock    string
	Mine     bool   // written by the telephone's owner
	Severity string // "1" … "4" when the text begins with it
	Badge    string // the first word then
	Text     string
	Note     string // "not delivered (30003)"
	Call     bool
}

type callView struct {
	SID       string
	From      string
	Spoken    []string
	Digits    string
	Listening bool
	Machine   bool
	Keys      []string
}

// choice is an option of a select.
type choice struct {
	Value    string
	Title    string
	Selected bool
}

// preset is a fault that the page offers.
type preset struct {
	Name  string
	Title string
	Fault Fault
}

func presets() []preset {
	return []preset{
		{"500", "500 from a load balancer", Fault{Kind: FailStatus, Status: 500}},
		{"429", "429, Retry-After 60 s", Fault{Kind: FailStatus, Status: 429, RetryAfter: time.Minute}},
		{"401", "401, credentials refused", Fault{Kind: FailStatus, Status: 401}},
		{"drop", "accept, then lose the answer", Fault{Kind: FailDrop}},
		{"refuse", "cut the connection", Fault{Kind: FailRefuse}},
		{"hang", "say nothing", Fault{Kind: FailHang}},
		{"delay", "answer 3 s late", Fault{Kind: FailDelay, Delay: 3 * time.Second}},
	}
}

func (k FaultKind) known() bool {
	switch k {
	case FailStatus, FailDrop, FailRefuse, FailHang, FailDelay, FailGarbage:
		return true
	}
	return false
}

// severityWord is the first word of a page's message: SEV1 or SEV-1.
var severityWord = regexp.MustCompile(`^SEV-?([1-4])\b[:\s]*`)

func anchor(number string) string { return "p" + strings.TrimPrefix(number, "+") }

func (s *Sim) pageView(*http.Request) pageView {
	v := pageView{Title: s.opt.Title, Actions: s.opt.Actions, Links: s.opt.Links, Presets: presets()}
	if s.opt.Panel != nil {
		v.Panel = s.opt.Panel()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		v.Faults = append(v.Faults, f.words())
	}
	v.Faults = append(v.Faults, s.callback.words()...)
	phones := s.sortedPhones()
	if len(phones) > shownPhones {
		v.Hidden = len(phones) - shownPhones
		phones = phones[:shownPhones]
	}
	for _, h := range phones {
		v.Phones = append(v.Phones, s.phoneView(h))
	}
	return v
}

// sortedPhones puts people first, by name, then numbers. The caller holds mu.
func (s *Sim) sortedPhones() []*handset {
	rank := func(h *handset) (int, string) {
		if name, ok := s.opt.People[h.number]; ok {
			return 0, name
		}
		return 1, h.number
	}
	return slices.SortedFunc(maps.Values(s.phones), func(a, b *handset) int {
		ra, na := rank(a)
		rb, nb := rank(b)
		return cmp.Or(cmp.Compare(ra, rb), strings.Compare(na, nb), strings.Compare(a.number, b.number))
	})
}

func (s *Sim) phoneView(h *handset) phoneView {
	v := phoneView{
		Number: h.number, Name: s.opt.People[h.number], Anchor: anchor(h.number), State: "idle", OptedOut: h.optedOut,
		Initial: initial(s.opt.People[h.number]), Network: h.trouble(), Calls: h.callChoices(), Messages: h.messageChoices(),
	}
	for _, c := range slices.Backward(h.calls) {
		switch {
		case c.Ringing() && !c.Ignored && v.Ringing == nil:
			v.Ringing, v.State = showCall(c), "ringing"
		case c.Live() && v.Live == nil:
			v.Live, v.State = showCall(c), "live"
		}
		if c.Ended() && len(v.Thread) < shownItems {
			v.Thread = append(v.Thread, endedItem(c))
		}
	}
	for i := len(h.messages) - 1; i >= max(0, len(h.messages)-shownItems); i-- {
		if item, ok := messageItem(h.messages[i].Message); ok {
			v.Thread = append(v.Thread, item)
		}
	}
	slices.SortStableFunc(v.Thread, func(a, b threadItem) int { return b.At.Compare(a.At) })
	v.Thread = v.Thread[:min(len(v.Thread), shownItems)]
	return v
}

// initial is the first letter of a name, "#" for none.
func initial(name string) string {
	for _, r := range name {
		return string(r)
	}
	return "#"
}

func showCall(c *call) *callView {
	return &callView{
		SID: c.SID, From: c.From, Spoken: slices.Clone(c.Spoken), Digits: c.Digits, Listening: c.Listening, Machine: c.Machine,
		Keys: []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"},
	}
}

func messageItem(m Message) (threadItem, bool) {
	item := threadItem{At: m.At, Text: m.Body, Mine: m.Direction == inbound}
	switch {
	case item.Mine:
	case m.Delivered():
		item.At = m.DeliveredAt
	case m.Status == smsUndelivered || m.Status == smsFailed:
		item.Note = fmt.Sprintf("never arrived: %s, %d", m.Status, m.ErrorCode)
	default:
		return threadItem{}, false // on its way
	}
	item.Clock = item.At.Format(time.TimeOnly)
	if found := severityWord.FindStringSubmatch(m.Body); found != nil && !item.Mine {
		item.Severity, item.Badge = found[1], "SEV-"+found[1]
		item.Text = strings.TrimPrefix(m.Body, found[0])
	}
	return item, true
}

func endedItem(c *call) threadItem {
	words := map[string]string{
		callCompleted: "Call", callBusy: "Call: busy", callNoAnswer: "Missed call", callFailed: "Call failed", callCanceled: "Call taken back",
	}
	text := words[c.Status]
	if c.Machine {
		text = "Voicemail"
	}
	if c.Status == callCompleted {
		text += fmt.Sprintf(", %d s", c.duration())
	}
	if c.Digits != "" {
		text += ", pressed " + c.Digits
	}
	item := threadItem{At: c.EndedAt, Clock: c.EndedAt.Format(time.TimeOnly), Call: true, Text: text}
	if len(c.Errors) > 0 {
		item.Note = c.Errors[0]
	}
	return item
}

// words describe a fault in force.
func (f *activeFault) words() string {
	text := string(f.Kind)
	if f.Kind == FailStatus {
		text = itoa(f.status())
	}
	switch {
	case f.Next > 0:
		text += fmt.Sprintf(", the next %d", f.Next)
	case f.Every > 0:
		text += fmt.Sprintf(", 1 in %d", f.Every)
	case f.Probability > 0:
		text += fmt.Sprintf(", %.3g %%", 100*f.Probability)
	}
	if f.Only != "" {
		text += ", " + f.Only + " only"
	}
	if f.To != "" {
		text += ", to " + f.To
	}
	return text
}

func (f CallbackFaults) words() []string {
	var words []string
	for _, part := range []struct {
		title string
		on    bool
	}{
		{"callbacks twice", f.Duplicate > 0}, {"callbacks out of order", f.Reorder > 0}, {"callbacks lost", f.Lose > 0},
		{"callbacks late", f.Delay > 0}, {"callbacks early", f.Early}, {"replies twice", f.DuplicateInbound > 0},
	} {
		if part.on {
			words = append(words, part.title)
		}
	}
	return words
}
