package api

import (
	"strings"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/timeline"
)

func exported(text string) IncidentExport {
	at := func(minute int) time.Time { return time.Date(2026, 3, 4, 3, minute, 0, 0, time.UTC) }
	entry := func(seq int64, minute int, what string, facts map[string]string) timeline.Entry {
		return timeline.Entry{Object: "incident/1042", Seq: seq, At: at(minute), Actor: "ana", What: what, Text: text, Facts: facts, Hash: strings.Repeat("a", 8)}
	}
	p := PageDetail{Page: Page{Number: 1042, Status: page.Acknowledged, Severity: alert.SEV2, Service: "checkout", Summary: text, TriggeredAt: at(0),
		AckedAt: at(2), AckedBy: "ana", Incident: 1042},
		Timeline:   []timeline.Entry{{Object: "page/1042", Seq: 1, At: at(0), Actor: "source prod-am", What: "triggered", Reason: "alert", Hash: strings.Repeat("b", 8)}},
		Deliveries: []Delivery{{Person: "ana", Address: "…4567", Channel: "sms", State: "failed", Reason: "unreachable", Progress: text, DueAt: at(0), AttemptAt: at(1), Attempts: 2, Ambiguous: 1}},
		Alerts:     []Alert{{Name: text, Status: alert.Firing, StartsAt: at(0), Summary: text}}}
	in := Incident{Number: 1042, Status: incident.Open, Severity: alert.SEV2, Service: "checkout", Summary: text, Commander: "ana", DetectedAt: at(0),
		AcknowledgedAt: at(2), RootCause: text, Contributing: []string{text}, CustomerData: true,
		Roles: []incident.Assignment{{Role: incident.RoleCommander, Person: "ana", From: at(2)}}}
	return IncidentExport{IncidentDetail: IncidentDetail{Incident: in, Timeline: []timeline.Entry{
		entry(1, 2, "acknowledged", map[string]string{"raw": text}), entry(2, 9, "note", map[string]string{"happened_at": "2026-03-04T03:01:00Z", "channel": "cli"})}},
		Pages: []PageDetail{p}}
}

func markdown(t *testing.T, x IncidentExport) string {
	t.Helper()
	var b strings.Builder
	if err := x.Markdown(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestExportForPeople(t *testing.T) {
	const want = "# Incident 1042: SEV-2, open\n\n" +
		"- Summary: `5xx rate 15%`\n- Service: `checkout`\n- Commander: `ana`\n- Detected: 2026-03-04 03:00:00 UTC\n" +
		"- Acknowledged: 2026-03-04 03:02:00 UTC\n- Root cause: `5xx rate 15%`\n- Contributing factor: `5xx rate 15%`\n- Customers' data was touched.\n" +
		"- Commander: `ana` from 2026-03-04 03:02:00 UTC, still\n\n## Timeline\n\n" +
		"- 2026-03-04 03:01:00 UTC `ana`: note: `5xx rate 15%`; channel `cli`; noted 2026-03-04 03:09:00 UTC\n" +
		"- 2026-03-04 03:02:00 UTC `ana`: acknowledged: `5xx rate 15%`; raw `5xx rate 15%`\n\n" +
		"2 entries; the newest, entry 2, has the hash `aaaaaaaa`.\n\n" +
		"# Page 1042: SEV-2, acknowledged\n\n- Summary: `5xx rate 15%`\n- Service: `checkout`\n- Triggered: 2026-03-04 03:00:00 UTC\n" +
		"- Acknowledged: 2026-03-04 03:02:00 UTC\n- Acknowledged by: `ana`\n- Incident: 1042\n\n## Timeline\n\n" +
		"- 2026-03-04 03:00:00 UTC `source prod-am`: triggered (alert)\n\n1 entries; the newest, entry 1, has the hash `bbbbbbbb`.\n\n" +
		"## Messages\n\n- 2026-03-04 03:01:00 UTC sms to `ana` `…4567`: failed, `unreachable`, `5xx rate 15%`, 1 of 2 attempts may have been sent\n\n" +
		"## Alerts\n\n- `5xx rate 15%`: firing, started 2026-03-04 03:00:00 UTC: `5xx rate 15%`\n"
	if got := markdown(t, exported("5xx rate 15%")); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// The attack: an alert's text, a reply or a note that becomes a heading, a link, HTML or a second list item in the document
// that people read and that tools are given.
func TestForeignTextStaysQuoted(t *testing.T) {
	for _, text := range []string{
		"EVIL", "`EVIL`", "``` EVIL ```", "`` ` EVIL", "` EVIL ```` `` `", "x\n# EVIL", "x\r\n\r\n- EVIL", "<script>EVIL</script>",
		"[EVIL](javascript:EVIL)", "x\u2028# EVIL", "\u202eEVIL", "EVIL\x1b[2J", "\\` EVIL", "`\\EVIL", "EVIL \\", "&#96;EVIL",
	} {
		got := markdown(t, exported(text))
		for _, line := range strings.Split(strings.TrimSuffix(got, "\n"), "\n") {
			if rest := withoutCode(line); strings.Contains(rest, "EVIL") || strings.Contains(rest, "`") {
				t.Errorf("%q comes to life: %s", text, line)
			}
		}
		if strings.ContainsAny(got, "\x1b\r\u202e\u2028") {
			t.Errorf("%q: a control character is left", text)
		}
	}
}

// withoutCode is a line without its code spans, by CommonMark 6.1: a row of backticks opens one that the next row of the same
// length closes.
func withoutCode(line string) string {
	out := ""
	for i := 0; i < len(line); {
		if line[i] != '`' {
			out += line[i : i+1]
			i++
			continue
		}
		n := row(line[i:])
		end := -1
		for j := i + n; j < len(line); j++ {
			if line[j] == '`' {
				m := row(line[j:])
				if m == n {
					end = j + m
					break
				}
				j += m - 1
			}
		}
		if end < 0 {
			return out + line[i:]
		}
		i = end
	}
	return out
}

func row(s string) int { return len(s) - len(strings.TrimLeft(s, "`")) }
