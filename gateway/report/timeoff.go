package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"pagerd/gateway/alert"
)

// TimeOff is the rule by which people are owed time off after a major incident: once for each of them and each incident, if
// they were rung for it at night or led it for long.
type TimeOff struct {
	Severity alert.Severity `json:"severity"`         // this one or worse; 0 = nobody is owed anything
	Seconds  int64          `json:"owed_seconds"`     // for one incident
	Led      int64          `json:"led_seconds"`      // who led it for longer is owed it too
	Preset   bool           `json:"preset,omitempty"` // pagerd's own, because the team has set none
}

// DefaultTimeOff is half a working day after a SEV-1, for whoever was rung at night or led it for more than four hours, after
// which the practice asks who relieves them.
func DefaultTimeOff() TimeOff {
	return TimeOff{Severity: alert.SEV1, Seconds: 4 * hour, Led: 4 * hour, Preset: true}
}

// definition is the rule in words; every report that goes by one shows it.
func (o TimeOff) definition() Definition {
	which := o.Severity.String()
	if alert.SEV1.Worse(o.Severity) {
		which += " or worse"
	}
	text := fmt.Sprintf("After an incident of %s, %s for each person who was rung for it at night (22:00 to 06:00, their own clock) or led it for more than %s; once per incident. Drills and what does not count owe nothing.",
		which, spell(o.Seconds), spell(o.Led))
	if o.Preset {
		text += " This is pagerd's preset, which says nothing of your contracts: set reports.time_off."
	}
	return Definition{"time off", "owed after a major incident", text}
}

// Owed is the time off that a person is owed for the incidents of a period.
type Owed struct {
	Person  string   `json:"person"`
	Seconds int64    `json:"owed_seconds"`
	For     []Burden `json:"for"` // in the order of detection
}

// Burden is what one incident asked of a person.
type Burden struct {
	Incident int64 `json:"incident"`
	Night    bool  `json:"rung_at_night,omitempty"`
	Led      int64 `json:"led_seconds,omitempty"`
}

// owed applies the rule to the incidents of a period that count, which are in the order of detection. People are in the
// order of their names.
func (o TimeOff) owed(incidents []Fact, pages []PageFact, now time.Time) []Owed {
	if !o.Severity.Valid() || o.Seconds <= 0 {
		return nil
	}
	rung := rungAtNight(pages)
	people := map[string]*Owed{}
	for _, f := range incidents {
		if o.Severity.Worse(f.Severity) || !f.Severity.Valid() {
			continue
		}
		for _, b := range o.burdens(f, rung, now) {
			if people[b.person] == nil {
				people[b.person] = &Owed{Person: b.person}
			}
			p := people[b.person]
			p.Seconds += o.Seconds
			p.For = append(p.For, b.Burden)
		}
	}
	var out []Owed
	for _, p := range people {
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b Owed) int { return cmp.Compare(a.Person, b.Person) })
	return out
}

// burdened is a person with what an incident asked of them.
type burdened struct {
	person string
	Burden
}

// burdens are those of an incident for which the rule owes time off, one for each person.
func (o TimeOff) burdens(f Fact, rung map[int64][]string, now time.Time) []burdened {
	var out []burdened
	of := func(person string) *burdened {
		i := slices.IndexFunc(out, func(b burdened) bool { return b.person == person })
		if i < 0 {
			i = len(out)
			out = append(out, burdened{person, Burden{Incident: f.Number}})
		}
		return &out[i]
	}
	for _, n := range f.Pages {
		for _, person := range rung[n] {
			of(person).Night = true
		}
	}
	for _, l := range f.leaders() {
		of(l.Person).Led += l.seconds(f, now)
	}
	return slices.DeleteFunc(out, func(b burdened) bool { return !b.Night && b.Led <= o.Led })
}

// rungAtNight are the people who were rung at night, by page.
func rungAtNight(pages []PageFact) map[int64][]string {
	out := map[int64][]string{}
	for _, p := range pages {
		for _, r := range p.Rung {
			if r.Night != "" && !p.Drill {
				out[p.Number] = append(out[p.Number], r.Person)
			}
		}
	}
	return out
}

// line is what somebody is owed, in one sentence.
func (o Owed) line() string {
	var why []string
	for _, b := range o.For {
		var did []string
		if b.Night {
			did = append(did, "rung at night")
		}
		if b.Led > 0 {
			did = append(did, "led it for "+spell(b.Led))
		}
		why = append(why, fmt.Sprintf("#%d (%s)", b.Incident, strings.Join(did, ", ")))
	}
	return fmt.Sprintf("%s: %s for %s", clean(o.Person), spell(o.Seconds), strings.Join(why, ", "))
}
