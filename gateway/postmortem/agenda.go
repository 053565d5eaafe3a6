package postmortem

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// agenda is the practice's hour: what is talked about, and for how many minutes.
func agenda() []struct {
	Minutes int
	What    string
} {
	return []struct {
		Minutes int
		What    string
	}{{15, "Read the timeline together"}, {10, "What went well"}, {15, "What went wrong, and the root cause"}, {15, "Action items: owner, due date, priority, success criterion"}, {5, "Lessons, and who needs to hear them"}}
}

// Agenda is the review meeting as an iCalendar file (RFC 5545) with the agenda in it; link is where the text is, empty = none.
// Attendees are told by name: their addresses stay here. stamp is when the file is made.
func Agenda(p Postmortem, link string, stamp time.Time) string {
	length := time.Duration(0)
	var what strings.Builder
	for _, a := range agenda() {
		fmt.Fprintf(&what, "%d min  %s\n", a.Minutes, a.What)
		length += time.Duration(a.Minutes) * time.Minute
	}
	if len(p.Attendees) > 0 {
		fmt.Fprintf(&what, "With %s.\n", strings.Join(p.Attendees, ", "))
	}
	if link != "" {
		what.WriteString(link + "\n")
	}
	const form = "20060102T150405Z"
	var b strings.Builder
	for _, l := range []string{"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//pagerd//postmortem//EN", "METHOD:PUBLISH", "BEGIN:VEVENT",
		fmt.Sprintf("UID:postmortem-%d@pagerd", p.Incident), "DTSTAMP:" + stamp.UTC().Format(form), "DTSTART:" + p.MeetAt.UTC().Format(form),
		"DTEND:" + p.MeetAt.Add(length).UTC().Format(form), fmt.Sprintf("SEQUENCE:%d", p.Revision),
		"SUMMARY:" + icalText(fmt.Sprintf("Postmortem of incident %d: %s", p.Incident, p.Summary)),
		"DESCRIPTION:" + icalText(strings.TrimSpace(what.String())), "END:VEVENT", "END:VCALENDAR"} {
		b.WriteString(fold(l))
	}
	return b.String()
}

// icalText escapes a text value (RFC 5545, section 3.3.11).
func icalText(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\n", `\n`).Replace(s)
}

// fold breaks a line after at most 75 octets, never within a character (RFC 5545, section 3.1).
func fold(s string) string {
	var b strings.Builder
	for room := 75; len(s) > room; room = 74 {
		cut := room
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		b.WriteString(s[:cut] + "\r\n ")
		s = s[cut:]
	}
	return b.String() + s + "\r\n"
}
