package message

import (
	"fmt"
	"strings"
	"time"
)

// ShiftAhead is the text by which somebody is reminded of a shift of theirs, in the zone of their clock.
func ShiftAhead(rotation string, from, to time.Time, zone *time.Location) string {
	const layout = "Mon 2 Jan 15:04"
	when := from.In(zone).Format(layout) + " to " + to.In(zone).Format(layout)
	return fit("", frame{fmt.Sprintf("On call %s: %s. ", word(rotation, 24), when), "Recent incidents read, test alert answered, VPN and access confirmed, runbooks read? pagerd guide before-shift"},
		frame{fmt.Sprintf("On call %s: %s. ", word(rotation, 24), when), "Incidents read, test alert answered, VPN and access, runbooks? pagerd guide before-shift"},
		frame{fmt.Sprintf("On call %s %s. ", word(rotation, 14), from.In(zone).Format(layout)), "pagerd guide before-shift"})
}

// Left is what somebody who goes off call leaves behind, by number.
type Left struct {
	Incidents, Pages              []int64 // open, to be handed over; a page of one of the incidents is not named again
	Postmortems, Actions, Updates []int64 // that they owe themselves; updates by incident
}

// ShiftOver is the text for somebody whose shift is over: what is to be handed over, and what stays theirs. As many numbers
// are named as fit.
func ShiftOver(rotation string, left Left) string {
	text := ""
	for _, most := range []int{8, 4, 2, 1, 0} {
		text = fmt.Sprintf("Off call %s. %s pagerd guide after-shift", word(rotation, 24), left.words(most))
		if one(text) {
			return text
		}
	}
	return clip(text)
}

// words are two sentences, with at most so many numbers of a kind.
func (l Left) words(most int) string {
	hand := listed(most, kind{"incident", l.Incidents}, kind{"page", l.Pages})
	owe := listed(most, kind{"postmortem", l.Postmortems}, kind{"action", l.Actions}, kind{"update", l.Updates})
	switch {
	case hand == "" && owe == "":
		return "Nothing is open and you owe nothing: thank you."
	case hand == "":
		return "Nothing to hand over. You owe: " + owe + "."
	case owe == "":
		return "Hand over: " + hand + "."
	}
	return "Hand over: " + hand + ". You owe: " + owe + "."
}

// kind is some numbered things of one name.
type kind struct {
	name    string
	numbers []int64
}

// listed names the numbers of each kind: "incident 1042, actions 1050 1051 +3"; with most 0 only how many: "3 pages".
func listed(most int, kinds ...kind) string {
	var out []string
	for _, k := range kinds {
		n := len(k.numbers)
		if n == 0 {
			continue
		}
		name := k.name
		if n > 1 {
			name += "s"
		}
		if most == 0 {
			out = append(out, fmt.Sprintf("%d %s", n, name))
			continue
		}
		for _, number := range k.numbers[:min(n, most)] {
			name += fmt.Sprintf(" %d", number)
		}
		if n > most {
			name += fmt.Sprintf(" +%d", n-most)
		}
		out = append(out, name)
	}
	return strings.Join(out, ", ")
}
