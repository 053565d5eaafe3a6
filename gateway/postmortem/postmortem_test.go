package postmortem

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/timeline"
)

func at(d time.Duration) time.Time { return time.Date(2026, 3, 10, 14, 0, 0, 0, time.UTC).Add(d) }

func over() incident.Incident {
	return incident.Incident{Format: incident.Format, Number: 1042, Status: incident.Resolved, Severity: alert.SEV1, Service: "checkout",
		Summary: "5xx <img src=x> | rate", Commander: "ana", DetectedAt: at(-2 * time.Hour), AcknowledgedAt: at(-118 * time.Minute),
		MitigatedAt: at(-time.Hour), ResolvedAt: at(0), Breaches: []incident.Breach{{Target: incident.TargetTriage, Limit: 10 * time.Minute, At: at(-110 * time.Minute)}}}
}

func begun(t *testing.T) Postmortem {
	t.Helper()
	why, rule, ok := Needs(over(), DefaultRule)
	if !ok {
		t.Fatal("a SEV-1 needs no postmortem")
	}
	p, fx := Next(Postmortem{}, Begin{Incident: over(), Why: why, Rule: rule, Text: Make(Material{Incident: over()})}, at(0))
	if fx.Answer != AnswerBegun || p.State != Draft || p.Owner != "ana" {
		t.Fatalf("%+v %+v", p, fx)
	}
	return p
}

// answered replaces every question of a text.
func answered(text string) string {
	var out []string
	for _, line := range strings.Split(text, "\n") {
		if isQuestion(line) {
			line = "We know."
		}
		out = append(out, line)
	}
	return strings.Replace(strings.Join(out, "\n"), "|  |  |  |  |  |  |", `|  | Limit the pool \| queue | ben | 2026-04-01 | p1 | A load test of 2,000/s passes |`, 1)
}

// TestATextFitsIntoItsRecordWhateverIsInIt: what a monitoring system wrote must never keep an incident from ending.
func TestATextFitsIntoItsRecordWhateverIsInIt(t *testing.T) {
	for _, foreign := range []string{"<", "\\", "\"", "ä", "\u2028", "x"} {
		var entries []timeline.Entry
		for i := range 3000 {
			entries = append(entries, timeline.Entry{Object: "page/1", Seq: int64(i), At: at(0), Actor: "a", Text: strings.Repeat(foreign, 500)})
		}
		in := over()
		in.Contributing = slices.Repeat([]string{strings.Repeat(foreign, 500)}, 20)
		text := Make(Material{Incident: in, Entries: entries})
		if n := Size(text); n > MaxText {
			t.Errorf("%q: %d bytes", foreign, n)
		}
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(text); err != nil || b.Len()-1 != Size(text) {
			t.Errorf("%q: %d bytes and not %d (%v)", foreign, b.Len()-1, Size(text), err)
		}
	}
}

func TestWhatWasPublishedStaysWhole(t *testing.T) {
	p := begun(t)
	p, _ = Next(p, Edit{By: "ben", Text: answered(p.Text)}, at(0))
	p, _ = Next(p, Publish{By: "ben"}, at(0))
	if _, fx := Next(p, Edit{By: "ana", Base: 1, Text: "gone"}, at(0)); fx.Changed || fx.Answer != AnswerIncomplete {
		t.Errorf("%+v", fx)
	}
	if q, fx := Next(p, Edit{By: "ana", Base: 1, Text: p.Text + "One more lesson.\n"}, at(0)); fx.Answer != AnswerEdited || q.State != Published {
		t.Errorf("%+v", fx)
	}
}

func TestWhoNeedsAPostmortem(t *testing.T) {
	for name, c := range map[string]struct {
		severity       alert.Severity
		data, security bool
		why            Why
		within         time.Duration
		need           bool
	}{
		"SEV-1 within 48 h":                     {alert.SEV1, false, false, WhySeverity, 48 * time.Hour, true},
		"SEV-2 within a week":                   {alert.SEV2, false, false, WhySeverity, 168 * time.Hour, true},
		"SEV-3 as one likes":                    {alert.SEV3, false, false, WhySeverity, 0, false},
		"customers' data whatever the severity": {alert.SEV3, true, false, WhyCustomerData, 48 * time.Hour, true},
		"security sooner than the severity":     {alert.SEV2, false, true, WhySecurity, 48 * time.Hour, true},
	} {
		why, rule, need := Needs(incident.Incident{Severity: c.severity, CustomerData: c.data, Security: c.security}, DefaultRule)
		if why != c.why || rule.Within != c.within || need != c.need || rule.Required != c.need {
			t.Errorf("%s: %s %+v %t", name, why, rule, need)
		}
	}
}

func TestADraftHoldsEachFactOnceAndNoEmptySectionWithoutAQuestion(t *testing.T) {
	var entries []timeline.Entry
	for i := range 30 {
		entries = append(entries, timeline.Entry{Object: "incident/1042", Seq: int64(i + 1), At: at(time.Duration(i) * time.Minute), Actor: "ana", What: "note", Text: fmt.Sprintf("fact number %d ends.", i)})
		entries = append(entries, timeline.Entry{Object: "page/1043", Seq: int64(i + 1), At: at(time.Duration(i) * time.Minute), Actor: "pagerd", What: "step_fired", Text: fmt.Sprintf("step number %d ends.", i)})
	}
	entries[7].Facts = map[string]string{"happened_at": at(-time.Hour).Format(time.RFC3339)}
	entries = append(entries, timeline.Entry{Object: "page/1043", Seq: 31, At: at(time.Hour), Actor: "source prod", What: "alerts_changed"})
	text := Make(Material{Incident: over(), Pages: []page.Page{{Number: 1043, Total: 3}}, Entries: entries})
	for _, e := range entries[:60] {
		if n := strings.Count(text, e.Text); n != 1 {
			t.Errorf("%q stands there %d times", e.Text, n)
		}
	}
	table := Section(text, SectionTimeline)
	if rows := strings.Count(table, "\n| 2026-"); rows != len(entries) {
		t.Errorf("%d rows for %d entries", rows, len(entries))
	}
	if first := strings.Split(table, "\n")[2]; !strings.Contains(first, "13:00:00 UTC") || !strings.Contains(first, "step number 3 ends") {
		t.Errorf("what happened first is %q", first)
	}
	for _, s := range Sections() {
		if Section(text, s) == "" {
			t.Errorf("%s is empty", s)
		}
	}
	for _, in := range []incident.Incident{{Number: 1001, Severity: alert.SEV3}, over()} {
		text := Make(Material{Incident: in})
		for _, s := range Sections() {
			if !slices.ContainsFunc(strings.Split(Section(text, s), "\n"), isQuestion) && s != SectionTimeline {
				t.Errorf("%s asks nothing", s)
			}
		}
	}
}

func TestForeignTextIsNeitherMarkdownNorHTML(t *testing.T) {
	for in, want := range map[string]string{
		"<img src=x onerror=alert(1)>": `\<img src=x onerror=alert\(1\)\>`,
		"a | b\n\n## Root cause":       `a \| b \#\# Root cause`,
		"[click](javascript:x) `code`": "\\[click\\]\\(javascript:x\\) \\`code\\`",
		"- item":                       `\- item`,
		"1. item":                      `1\. item`,
		"https://evil.example @all":    `https\://evil.example \@all`,
		"right\u202eleft\x00":          "rightleft",
		"plain text, as it was":        "plain text, as it was",
		"see www.evil.example":         `see www\.evil.example`,
	} {
		if got := Quote(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
		if got := unquote(Quote(in)); strings.ContainsAny(got, "\n\x00") {
			t.Errorf("%q came back as %q", in, got)
		}
	}
	evil := over()
	evil.Summary, evil.RootCause = "x\n## Action items\n| |", "y\n> **?** z"
	text := Make(Material{Incident: evil, Entries: []timeline.Entry{{At: at(0), Actor: "ana|ben", Text: "|a|\n|b|"}}})
	if n := strings.Count(text, "\n## "); n != len(Sections()) {
		t.Errorf("%d sections:\n%s", n, text)
	}
}

func TestItIsPublishedWhenNothingIsAskedAnyMore(t *testing.T) {
	p := begun(t)
	_, fx := Next(p, Publish{By: "ana"}, at(time.Hour))
	if fx.Changed || fx.Answer != AnswerIncomplete || len(fx.Problems) == 0 || !strings.Contains(strings.Join(fx.Problems, "\n"), SectionLessons) {
		t.Fatalf("%+v", fx)
	}
	p, fx = Next(p, Edit{By: "ben", Base: 0, Text: answered(p.Text)}, at(time.Hour))
	if fx.Answer != AnswerEdited || p.Revision != 1 {
		t.Fatalf("%+v", fx)
	}
	if _, fx := Next(p, Edit{By: "ana", Base: 0, Text: "mine"}, at(time.Hour)); fx.Answer != AnswerStale || fx.Changed {
		t.Errorf("an edit of the draft overwrites ben's: %+v", fx)
	}
	p, _ = Next(p, Submit{By: "ben"}, at(2*time.Hour))
	rows, bad := Rows(p.Text)
	if len(bad) > 0 || len(rows) != 1 || rows[0].Item.Title != "Limit the pool | queue" || rows[0].Item.Priority != P1 || rows[0].Number != 0 {
		t.Fatalf("%+v %q", rows, bad)
	}
	p, fx = Next(p, Publish{By: "ana", Text: WithNumbers(p.Text, []int64{1050})}, at(3*time.Hour))
	if fx.Answer != AnswerPublished || p.State != Published || !p.NagDue.IsZero() || !strings.Contains(fx.Entry.Text, "in time") {
		t.Fatalf("%+v", fx)
	}
	if rows, bad := Rows(p.Text); len(bad) > 0 || rows[0].Number != 1050 || rows[0].Item.Title != "Limit the pool | queue" {
		t.Errorf("the table comes back as %+v %q", rows, bad)
	}
	if p.Tags[0] != "checkout" || p.Cause != "We know." {
		t.Errorf("read %q %q", p.Tags, p.Cause)
	}
}

func TestAnActionItemSaysWhatItLacks(t *testing.T) {
	_, missing := ParseItem("x", "", "soon", "P7", " ")
	want := []string{"the owner is missing", `the due date is "soon" and not a day like 2026-04-30`, `the priority is "P7" and not P0, P1, P2 or P3`,
		"the success criterion is missing: how will everybody see that it is done?"}
	if !slices.Equal(missing, want) {
		t.Errorf("%q", missing)
	}
	text := "## Action items\n\n" + actionHeader + "|  | Fix it |  | 2026-04-01 | P1 | works |\n"
	if rows, bad := Rows(text); len(rows) != 0 || len(bad) != 1 || bad[0] != "row 1 of the action items (Fix it): the owner is missing" {
		t.Errorf("%+v %q", rows, bad)
	}
}

// TestWhoIsAskedForIt plays the clock of a SEV-1's postmortem that nobody writes.
func TestWhoIsAskedForIt(t *testing.T) {
	p := begun(t)
	var got []string
	opens := func(now time.Time) time.Time { // nine to five, every day
		day := now.Truncate(24 * time.Hour)
		switch {
		case now.Before(day.Add(9 * time.Hour)):
			return day.Add(9 * time.Hour)
		case now.Before(day.Add(17 * time.Hour)):
			return now
		}
		return day.Add(33 * time.Hour)
	}
	for now := at(0); now.Before(at(97 * time.Hour)); now = now.Add(time.Minute) {
		if p.NagDue.After(now) {
			continue
		}
		var fx Effects
		if p, fx = Next(p, Due{Opens: opens(now)}, now); fx.Nag != NagNone {
			got = append(got, fmt.Sprintf("%s %s %s", now.Sub(at(0)), fx.Nag, fx.Entry.What))
		}
		if p.NagDue.IsZero() {
			t.Fatal("it is forgotten")
		}
	}
	want := []string{"24h0m0s owner reminded", "48h0m0s owner overdue", "72h0m0s manager overdue", "96h0m0s manager overdue"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if _, fx := Next(p, Due{Opens: p.NagDue.Add(5 * time.Hour)}, p.NagDue); fx.Nag != NagNone {
		t.Error("somebody is woken for a document")
	}
}

func TestAnIncidentThatIsOpenedAgainKeepsWhatPeopleWrote(t *testing.T) {
	p := begun(t)
	p, _ = Next(p, Edit{By: "ben", Text: answered(p.Text)}, at(time.Hour))
	p, _ = Next(p, Publish{By: "ben"}, at(time.Hour))
	again := over()
	again.ResolvedAt = at(10 * time.Hour)
	_, rule, _ := Needs(again, DefaultRule)
	q, fx := Next(p, Begin{Incident: again, Why: WhySeverity, Rule: rule, Text: "new draft"}, at(10*time.Hour))
	if fx.Answer != AnswerBegun || q.State != Draft || q.Text != p.Text || !q.Deadline.Equal(at(58*time.Hour)) || q.NagDue.IsZero() {
		t.Errorf("%+v", fx)
	}
	if _, fx := Next(p, Begin{Incident: over(), Why: WhySeverity, Rule: rule}, at(10*time.Hour)); fx.Changed {
		t.Error("the same end begins it twice")
	}
}

func TestAWaiverNeedsAReason(t *testing.T) {
	p := begun(t)
	if _, fx := Next(p, Waive{By: "dora"}, at(0)); fx.Answer != AnswerRefused {
		t.Errorf("%+v", fx)
	}
	p, _ = Next(p, Waive{By: "dora", Reason: "a test"}, at(0))
	if p.Open() || !p.NagDue.IsZero() {
		t.Errorf("%+v", p)
	}
}

func TestActionItemsEndOnce(t *testing.T) {
	item, _ := ParseItem("x", "ben", "2026-03-12", "P0", "y")
	a, fx := NextAction(Action{}, Open{Number: 1050, Incident: 1042, By: "ana", Item: item, Zone: time.UTC}, at(0))
	if fx.Answer != AnswerOpened {
		t.Fatalf("%+v", fx)
	}
	berlin := time.FixedZone("Berlin", 3600)
	if a.OverdueAt(time.Date(2026, 3, 12, 22, 59, 59, 0, time.UTC), berlin) || !a.OverdueAt(time.Date(2026, 3, 12, 23, 0, 0, 0, time.UTC), berlin) {
		t.Error("its day does not end at midnight where people are")
	}
	if _, fx := NextAction(a, Drop{By: "ana"}, at(0)); fx.Answer != AnswerRefused {
		t.Error("dropped without a reason")
	}
	a, _ = NextAction(a, Done{By: "ben"}, at(0))
	for ev, want := range map[ActionEvent]Answer{Done{By: "x"}: AnswerUnchanged, Drop{By: "x", Reason: "y"}: AnswerRefused, Change{By: "x", Item: item}: AnswerRefused} {
		if _, fx := NextAction(a, ev, at(0)); fx.Answer != want || fx.Changed {
			t.Errorf("%T: %s", ev, fx.Answer)
		}
	}
}

func TestTheAgendaIsAnHourThatCalendarsRead(t *testing.T) {
	p := begun(t)
	p, _ = Next(p, Meet{By: "ana", At: at(30 * time.Hour), Attendees: []string{"ana", "ben"}}, at(0))
	p.Summary = strings.Repeat("größer; ", 20)
	text := Agenda(p, "https://pager.example.com/x", at(0))
	for _, line := range strings.Split(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		if len(line) > 75 || strings.ContainsAny(line, "\n\r") {
			t.Errorf("line of %d octets: %q", len(line), line)
		}
	}
	if !strings.Contains(text, "DTSTART:20260311T200000Z\r\nDTEND:20260311T210000Z") {
		t.Errorf("%s", text)
	}
}

func TestTheLibraryFindsWhatAllWordsAreIn(t *testing.T) {
	mk := func(n int64, service, cause, text string) Postmortem {
		return Postmortem{Incident: n, State: Published, Service: service, Cause: cause, Text: text, Tags: []string{service}}
	}
	all := []Postmortem{mk(1001, "api", "Pool too small", "the pool of connections was exhausted"), mk(1002, "web", "expired certificate", "the certificate; pool mentioned once"),
		mk(1003, "api", "pool  too small!", "pool pool pool exhausted"), {Incident: 1004, State: Draft, Text: "pool"}}
	var got []int64
	for _, h := range Search(all, Query{Words: "pool exhaust"}) {
		got = append(got, h.Postmortem.Incident)
	}
	if !slices.Equal(got, []int64{1003, 1001}) {
		t.Errorf("%v", got)
	}
	if h := Search(all, Query{Service: "web"}); len(h) != 1 || h[0].Postmortem.Incident != 1002 {
		t.Errorf("%v", h)
	}
	all[0].Severity, all[1].Severity, all[2].Severity = alert.SEV2, alert.SEV1, alert.SEV1
	if h := Search(all, Query{Words: "pool", Severity: alert.SEV1, Service: "api"}); len(h) != 1 || h[0].Postmortem.Incident != 1003 {
		t.Errorf("%v", h)
	}
	if r := Repeats(all, "POOL too small", 1005); len(r) != 2 || r[0].Incident != 1003 {
		t.Errorf("%v", r)
	}
	if Same("", "") {
		t.Error("two unknown causes are one")
	}
}

func TestLessonsArePlainLines(t *testing.T) {
	long := strings.Repeat("ä", 300)
	for text, want := range map[string][]string{
		"## Summary\n\n- no lesson\n":                                 nil,
		"## Lessons learned\n\n> **?** What would we do otherwise?\n": nil,
		"## Lessons learned\n\n- Watch the pool \\(of db\\).\n* Practise\n\n1. Ask early\nplain\n\n## Appendix\n\n- not this\n": {"Watch the pool (of db).", "Practise", "Ask early", "plain"},
		"## Lessons learned\n" + strings.Repeat("- again\n", 9):                                                                 {"again", "again", "again", "again", "again"},
		"## Lessons learned\n" + long: {long[:400] + "…"},
	} {
		if got := Lessons(text); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
